"""Container ``scans``: the folder of each attempt, as the app sees it; and the links that its worker gets."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobSasPermissions, UserDelegationKey, generate_blob_sas
from pydantic import ValidationError

from scan_core.model.attempt import Artifact, AttemptLinks, AttemptSpec, Cancel, Claim, Heartbeat
from scan_core.model.ids import AttemptNumber, ScanId
from scan_core.model.value import Value
from scan_core.store.connection import Storage

_CONTAINER = "scans"
_IN_MEMORY = 4 * 1024 * 1024
_SMALL = 1024 * 1024
"""Bytes; a manifest or heartbeat larger than this is not one."""


class TooLarge(Exception):
    """A document is larger than anything a worker of ours writes."""


@dataclass(frozen=True)
class Left[T: Value]:
    """What a worker left, and how long ago by the clock of storage: the worker's own may be minutes off."""

    document: T
    age: timedelta


class AttemptStore:
    """What stands in the folders of attempts."""

    def __init__(self, storage: Storage) -> None:
        """Use the blobs of an account.

        Args:
            storage: The account.
        """
        self._storage = storage
        self._container = storage.blobs.get_container_client(_CONTAINER)

    def write_spec(self, spec: AttemptSpec) -> None:
        """Leave an attempt's ``spec.json``, once.

        Args:
            spec: What the attempt has to do.
        """
        self._create(_path(spec.scan_id, spec.attempt, "spec.json"), spec)

    def write_cancel(self, scan: ScanId, attempt: AttemptNumber, cancel: Cancel) -> None:
        """Tell an attempt to stop, once.

        Args:
            scan: Its scan.
            attempt: Its number.
            cancel: Why.
        """
        self._create(_path(scan, attempt, "cancel.json"), cancel)

    def claim(self, scan: ScanId, attempt: AttemptNumber) -> Left[Claim] | None:
        """Read who took an attempt.

        Args:
            scan: Its scan.
            attempt: Its number.

        Returns:
            The claim; None where nobody took it yet.
        """
        return self._left(scan, attempt, "claim.json", Claim)

    def heartbeat(self, scan: ScanId, attempt: AttemptNumber) -> Left[Heartbeat] | None:
        """Read when a worker last said that it lives.

        Args:
            scan: Its scan.
            attempt: Its number.

        Returns:
            The latest heartbeat; None where there was none, or it cannot be read.
        """
        return self._left(scan, attempt, "heartbeat.json", Heartbeat)

    def manifest(self, scan: ScanId, attempt: AttemptNumber) -> bytes | None:
        """Read a manifest as it stands, to be hashed and checked by the caller.

        Args:
            scan: Its scan.
            attempt: Its number.

        Returns:
            The bytes; None where the attempt has not ended.

        Raises:
            TooLarge: It is over 1 MiB.
        """
        return self._bytes(_path(scan, attempt, Artifact.MANIFEST))

    @contextmanager
    def artifact(
        self, scan: ScanId, attempt: AttemptNumber, artifact: Artifact, most_bytes: int
    ) -> Iterator[BinaryIO | None]:
        """Open an artifact. Small ones stay in memory, large ones go to a temporary file.

        Args:
            scan: Its scan.
            attempt: Its number.
            artifact: Which.
            most_bytes: The largest one that is read at all.

        Yields:
            A seekable stream at its start; None where there is no such artifact.

        Raises:
            TooLarge: It is larger than that.
        """
        with SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
            try:
                download = self._container.download_blob(_path(scan, attempt, artifact))
            except ResourceNotFoundError:
                yield None
                return
            if download.size > most_bytes:
                raise TooLarge(artifact)
            download.readinto(file)
            file.seek(0)
            yield cast("BinaryIO", file)

    def links(self, scan: ScanId, attempt: AttemptNumber, results: str, expires: datetime) -> AttemptLinks:
        """Make the links that a worker gets for one attempt.

        Args:
            scan: Its scan.
            attempt: Its number.
            results: The link that adds to ``scan-results``.
            expires: When all of them end.

        Returns:
            One link for each thing the worker may do. Artifacts can also be read, so that a refused repeat of an
            upload can be settled by its hash.
        """
        key = self._delegation_key(expires)

        def link(name: str, permission: BlobSasPermissions) -> str:
            return self._link(_path(scan, attempt, name), permission, expires, key)

        once = BlobSasPermissions(create=True, read=True)
        return AttemptLinks(
            claim=link("claim.json", once),
            cancel=link("cancel.json", BlobSasPermissions(read=True)),
            heartbeat=link("heartbeat.json", BlobSasPermissions(create=True, write=True)),
            artifacts={artifact: link(artifact, once) for artifact in Artifact},
            results=results,
        )

    def _delegation_key(self, expires: datetime) -> UserDelegationKey | None:
        if self._storage.account_key is not None:
            return None
        start = datetime.now(UTC) - timedelta(minutes=5)
        return self._storage.blobs.get_user_delegation_key(start, expires)

    def _link(self, path: str, permission: BlobSasPermissions, expires: datetime, key: UserDelegationKey | None) -> str:
        token = generate_blob_sas(
            account_name=str(self._storage.blobs.account_name),
            container_name=_CONTAINER,
            blob_name=path,
            account_key=self._storage.account_key,
            user_delegation_key=key,
            permission=permission,
            expiry=expires,
        )
        return f"{self._container.get_blob_client(path).url}?{token}"

    def _create(self, path: str, document: Value) -> None:
        try:
            self._container.upload_blob(path, document.model_dump_json().encode(), overwrite=False)
        except ResourceExistsError:
            return

    def _left[T: Value](self, scan: ScanId, attempt: AttemptNumber, name: str, kind: type[T]) -> Left[T] | None:
        try:
            found = self._small(_path(scan, attempt, name))
            return None if found is None else Left(kind.model_validate_json(found[0]), found[1])
        except (ValidationError, TooLarge):
            return None

    def _bytes(self, path: str) -> bytes | None:
        found = self._small(path)
        return None if found is None else found[0]

    def _small(self, path: str) -> tuple[bytes, timedelta] | None:
        """Read a small blob, and how long ago it was written."""
        asked_at: list[str] = []
        try:
            download = self._container.download_blob(
                path, length=_SMALL + 1, offset=0, raw_response_hook=lambda answer: asked_at.append(_date_of(answer))
            )
        except ResourceNotFoundError:
            return None
        body = download.readall()
        if len(body) > _SMALL:
            raise TooLarge(path)
        return body, _age(download.properties.last_modified, asked_at)


def _date_of(answer: Any) -> str:  # noqa: ANN401 - the SDK's pipeline response
    return str(answer.http_response.headers.get("Date", ""))


def _age(written_at: datetime, asked_at: list[str]) -> timedelta:
    """Compare two times of one clock, to the second: ``Last-Modified`` and ``Date`` of one answer ("Get Blob")."""
    try:
        now = parsedate_to_datetime(asked_at[0])
    except (IndexError, ValueError):
        now = datetime.now(UTC)
    return max(now - written_at, timedelta(0))


def _path(scan: ScanId, attempt: AttemptNumber, name: str) -> str:
    return f"{scan}/{attempt}/{name}"
