"""Durable memory: content in files by digest, and who has which in SQLite."""

import hashlib
import os
import secrets
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, NamedTuple

from local.registry.errors import Refused, digest_invalid

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS blobs (repository TEXT, digest TEXT, PRIMARY KEY (repository, digest));
CREATE TABLE IF NOT EXISTS manifests (
    repository TEXT, digest TEXT, media_type TEXT, subject TEXT, PRIMARY KEY (repository, digest)
);
CREATE TABLE IF NOT EXISTS tags (repository TEXT, tag TEXT, digest TEXT, PRIMARY KEY (repository, tag));
CREATE TABLE IF NOT EXISTS uploads (id TEXT PRIMARY KEY, repository TEXT);
"""
_BY_DIGEST: Final = "SELECT digest, media_type FROM manifests WHERE repository = ? AND digest = ?"
_BY_TAG: Final = """
SELECT digest, media_type FROM manifests NATURAL JOIN tags WHERE repository = ? AND tag = ?
"""
_CHUNK_BYTES: Final = 1 << 20


class OutOfOrder(ValueError):
    """A chunk does not begin where the last one ended."""


class Stored(NamedTuple):
    """A manifest that is there."""

    digest: str
    media_type: str
    content: bytes


class Catalog:
    """What repositories hold.

    Content is written to a file of its own and then renamed, links are written in one transaction after it, so a kill
    at any moment leaves at most a file that nothing refers to. What is written survives the process, though not the
    machine's loss of power: nothing here waits for a disk.
    """

    def __init__(self, folder: Path) -> None:
        """Open the folder, or make it.

        Args:
            folder: where everything lies.
        """
        self._content = folder / "content"
        self._uploads = folder / "uploads"
        for each in (self._content, self._uploads):
            each.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._database = sqlite3.connect(folder / "catalog.sqlite", check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=OFF")
        self._database.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the database; the catalog cannot be used any more."""
        with self._lock:
            self._database.close()

    def repositories(self) -> list[str]:
        """Return the names of repositories that something was pushed to, in their order."""
        return [row[0] for row in self._rows("SELECT DISTINCT repository FROM manifests ORDER BY repository")]

    def knows(self, repository: str) -> bool:
        """Tell whether anything was pushed to a repository.

        Args:
            repository: its name.
        """
        found = (
            "SELECT 1 FROM blobs WHERE repository = ? UNION ALL SELECT 1 FROM manifests WHERE repository = ? LIMIT 1"
        )
        return bool(self._rows(found, repository, repository))

    def tags(self, repository: str) -> list[str]:
        """Return a repository's tags in their order.

        Args:
            repository: its name.
        """
        return [row[0] for row in self._rows("SELECT tag FROM tags WHERE repository = ? ORDER BY tag", repository)]

    def blob(self, repository: str, digest: str) -> Path | None:
        """Find a blob.

        Args:
            repository: where it is asked for; elsewhere it may be, yet not be seen.
            digest: its digest.

        Returns:
            The file that holds it, or nothing.
        """
        rows = self._rows("SELECT 1 FROM blobs WHERE repository = ? AND digest = ?", repository, digest)
        return self._file(digest) if rows else None

    def content(self, digest: str) -> Path | None:
        """Find a content, whichever repository has it.

        Args:
            digest: its digest.
        """
        path = self._file(digest)
        return path if path.exists() else None

    def link_blob(self, repository: str, digest: str) -> None:
        """Let a repository have a blob that is stored.

        Args:
            repository: its name.
            digest: the blob's.
        """
        self._rows("INSERT OR IGNORE INTO blobs VALUES (?, ?)", repository, digest)

    def manifest(self, repository: str, reference: str) -> Stored | None:
        """Find a manifest.

        Args:
            repository: its name.
            reference: a tag or a digest.
        """
        rows = self._rows(_BY_DIGEST if ":" in reference else _BY_TAG, repository, reference)
        if not rows:
            return None
        digest, media_type = rows[0]
        return Stored(digest, media_type, self._file(digest).read_bytes())

    def put_manifest(self, repository: str, tag: str | None, manifest: Stored, subject: str) -> None:
        """Keep a manifest, and move a tag to it.

        Args:
            repository: its name.
            tag: the tag; nothing where it is pushed by its digest alone.
            manifest: what is kept.
            subject: the digest of what it is about, or empty.
        """
        self._write(manifest.digest, manifest.content)
        with self._transaction():
            row = (repository, manifest.digest, manifest.media_type, subject)
            self._rows("INSERT OR REPLACE INTO manifests VALUES (?, ?, ?, ?)", *row)
            if tag is not None:
                self._rows("INSERT OR REPLACE INTO tags VALUES (?, ?, ?)", repository, tag, manifest.digest)

    def referrers(self, repository: str, subject: str) -> list[Stored]:
        """Return the manifests that are about another one, in the order of their digests.

        Args:
            repository: its name.
            subject: the other one's digest.
        """
        query = "SELECT digest, media_type FROM manifests WHERE repository = ? AND subject = ? ORDER BY digest"
        rows = self._rows(query, repository, subject)
        return [Stored(digest, kind, self._file(digest).read_bytes()) for digest, kind in rows]

    def start_upload(self, repository: str) -> str:
        """Begin an upload and return its id.

        Args:
            repository: where the blob shall be.
        """
        identifier = secrets.token_hex(16)
        (self._uploads / identifier).touch()
        self._rows("INSERT INTO uploads VALUES (?, ?)", identifier, repository)
        return identifier

    def uploaded_bytes(self, repository: str, identifier: str) -> int:
        """Tell how much of an upload has arrived.

        Args:
            repository: its name.
            identifier: the upload's id.

        Returns:
            How many bytes.

        Raises:
            Refused: 404, there is no such upload.
        """
        known = self._rows("SELECT 1 FROM uploads WHERE id = ? AND repository = ?", identifier, repository)
        path = self._uploads / identifier
        # After a kill an upload may be known whose file has become a blob already.
        if not known or not path.exists():
            raise Refused(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
        return path.stat().st_size

    def append(self, repository: str, identifier: str, body: IO[bytes], start: int | None) -> int:
        """Add a chunk to an upload.

        Args:
            repository: its name.
            identifier: the upload's id.
            body: the chunk.
            start: where the chunk says it begins; nothing where it does not say.

        Returns:
            How many bytes there are now.

        Raises:
            Refused: 404, there is no such upload.
            OutOfOrder: the chunk does not begin where the last one ended.
        """
        with self._lock:
            there = self.uploaded_bytes(repository, identifier)
            if start is not None and start != there:
                raise OutOfOrder(f"the next chunk begins at byte {there}, not {start}")
            with (self._uploads / identifier).open("ab") as file:
                while chunk := body.read(_CHUNK_BYTES):
                    file.write(chunk)
                return file.tell()

    def finish_upload(self, repository: str, identifier: str, digest: str) -> None:
        """Make a blob of an upload.

        Args:
            repository: its name.
            identifier: the upload's id.
            digest: what the client says it is.

        Raises:
            Refused: 404, there is no such upload; 400, it has another digest, and is forgotten.
        """
        with self._lock:
            self.uploaded_bytes(repository, identifier)
            path = self._uploads / identifier
            with path.open("rb") as file:
                found = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
            if found != digest:
                self.cancel_upload(repository, identifier)
                raise digest_invalid(f"provided digest {digest} did not match uploaded content {found}")
            target = self._file(digest)
            target.parent.mkdir(exist_ok=True)
            path.replace(target)
            with self._transaction():
                self.link_blob(repository, digest)
                self._rows("DELETE FROM uploads WHERE id = ?", identifier)

    def cancel_upload(self, repository: str, identifier: str) -> None:
        """Forget an upload.

        Args:
            repository: its name.
            identifier: the upload's id.

        Raises:
            Refused: 404, there is no such upload.
        """
        with self._lock:
            self.uploaded_bytes(repository, identifier)
            self._rows("DELETE FROM uploads WHERE id = ?", identifier)
            (self._uploads / identifier).unlink()

    def missing(self, repository: str, blobs: Iterable[str], manifests: Iterable[str]) -> list[str]:
        """Tell what a new manifest refers to that is not there.

        Args:
            repository: its name.
            blobs: digests of blobs.
            manifests: digests of manifests.

        Returns:
            The digests of what is missing.
        """
        lacking = [digest for digest in blobs if self.blob(repository, digest) is None]
        return lacking + [digest for digest in manifests if self.manifest(repository, digest) is None]

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    def _rows(self, query: str, *values: str) -> list[tuple[str, ...]]:
        with self._lock:
            return self._database.execute(query, values).fetchall()

    def _file(self, digest: str) -> Path:
        number = digest.removeprefix("sha256:")
        return self._content / number[:2] / number

    def _write(self, digest: str, content: bytes) -> None:
        target = self._file(digest)
        target.parent.mkdir(exist_ok=True)
        draft = target.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        draft.write_bytes(content)
        draft.replace(target)
