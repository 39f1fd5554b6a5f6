"""Fetching one commit by its hash into an empty folder."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from scan_core.model.attempt import AttemptError, AttemptErrorKind, Limits
from scan_core.model.target import SourceTarget
from scan_core.worker import git_failures, git_settings, keeper
from scan_core.worker.bounded import Ending, Sink, run
from scan_core.worker.capped_log import CappedLog
from scan_core.worker.environment import FetchEnvironment
from scan_core.worker.fetch_failed import FetchFailed
from scan_core.worker.folder import WorkerFolder, fresh, occupied, remove
from scan_core.worker.stopping import StopSign
from scan_core.worker.tree import TreeListing, remove_leaving_links

_GRACE_SECONDS: Final = 2.0
_PRINTED_BYTES: Final = 64 * 1024
_MOST_OBJECT_FILES: Final = 10_000
_MOST_FILE_BYTES: Final = 64 * 1024**3
"""A bound for the keeper; the watch on the pack is the one that counts."""
_SHOWN_LINKS: Final = 5
_SHOWN_CHARACTERS: Final = 1000
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Checkout:
    """One fetch: from where, to where, within which bounds.

    Attributes:
        target: Which commit of which repository.
        clone_url: Where that repository is, without credentials.
        limits: What it may take.
        folder: Where the worker keeps what.
        settings: What the fetch step was told.
        stop: Whether to stop.
    """

    target: SourceTarget
    clone_url: str
    limits: Limits
    folder: WorkerFolder
    settings: FetchEnvironment
    stop: StopSign

    def make(self, authorisation: str | None) -> None:
        """Fetch the commit and check it out on a branch, with a credential-free ``origin``.

        Args:
            authorisation: The value of the Authorization header for the repository's address.

        Raises:
            FetchFailed: It could not be done; what was fetched is removed again.
        """
        fresh(self.folder.source)
        fresh(self.folder.fetch_home)
        remove(self.folder.notes)
        try:
            self._make(authorisation)
        except FetchFailed:
            remove(self.folder.source)
            raise
        finally:
            remove(self.folder.fetch_home)

    def _make(self, authorisation: str | None) -> None:
        seconds = self.limits.fetch_seconds
        late = self.stop.or_after(seconds, git_failures.timed_out(seconds))
        local = git_settings.environment(self.folder.fetch_home, self.settings.inherited)
        git = _Git(self.folder.source, local, late)
        git.must(
            "prepare an empty repository", ["init", "--quiet", "--template=", "--initial-branch", git_settings.BRANCH]
        )
        git.must("name the repository's origin", ["remote", "add", "--", "origin", self.clone_url])
        self._fetch(git, authorisation)
        commit = self.target.commit
        listing = TreeListing(self.limits)
        git.watching(lambda: listing.problem).must(
            "list the commit's files", ["ls-tree", "-r", "-t", "-l", "-z", "--full-tree", commit], listing
        )
        if listing.problem is not None:  # the last of the list was read after the last look at it
            raise FetchFailed(listing.problem)
        attributes = self.folder.source / ".git" / "info" / "attributes"
        attributes.parent.mkdir(exist_ok=True)
        attributes.write_text(git_settings.ATTRIBUTES, encoding="utf-8")
        git.must("check the commit out", ["checkout", "--quiet", "--force", "-B", git_settings.BRANCH, commit])
        self._note(remove_leaving_links(self.folder.source, listing.links))

    def _fetch(self, git: "_Git", authorisation: str | None) -> None:
        address = self.clone_url
        environment = git_settings.fetch_environment(
            self.folder.fetch_home, self.settings.inherited, address, authorisation
        )
        online = git.connected(environment).watching(self._pack_too_large)
        commit = self.target.commit
        ending, printed = online.attempt(
            ["fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "origin", commit]
        )
        if ending.stopped is not None:
            raise FetchFailed(ending.stopped)
        if ending.code != 0:
            error = git_failures.failure_of(printed, commit)
            shown = printed.replace(address, "<repository>").replace(authorisation or "\0", "<credential>")
            _log.warning("git fetch failed, recorded as %s: %r", error.kind, shown[-_SHOWN_CHARACTERS:])
            raise FetchFailed(self._or_empty(online, error))
        if too_large := self._pack_too_large():
            raise FetchFailed(too_large)

    def _or_empty(self, online: "_Git", error: AttemptError) -> AttemptError:
        """Tell a commit that is gone from a repository that never had one."""
        if error.kind not in {AttemptErrorKind.COMMIT_GONE, AttemptErrorKind.FETCH_FAILED}:
            return error
        ending, printed = online.attempt(["ls-remote", "--quiet", "origin"])
        return git_failures.repository_empty() if ending.code == 0 and not printed.strip() else error

    def _pack_too_large(self) -> AttemptError | None:
        limit = self.limits.repository_bytes
        size, _ = occupied(self.folder.source / ".git" / "objects", most_files=_MOST_OBJECT_FILES)
        return git_failures.too_large("The commit's packed files", limit, "bytes") if size > limit else None

    def _note(self, removed: list[str]) -> None:
        if not removed:
            return
        shown = ", ".join(map(repr, removed[:_SHOWN_LINKS])) + (", …" if len(removed) > _SHOWN_LINKS else "")
        note = f"Not scanned: {len(removed)} symbolic link(s) that lead out of the repository: {shown}"
        self.folder.notes.write_text(f"{note}\n", encoding="utf-8")


@dataclass(frozen=True, slots=True)
class _Git:
    """Runs git in one folder, in one environment, for as long as a watch allows."""

    folder: Path
    environment: dict[str, str]
    watch: Callable[[], AttemptError | None]
    online: bool = False

    def connected(self, environment: dict[str, str]) -> "_Git":
        """The same git, but able to reach the repository; a keeper ends its helpers if this process is killed."""
        return replace(self, environment=environment, online=True)

    def watching(self, also: Callable[[], AttemptError | None]) -> "_Git":
        """The same git with one more reason to stop."""
        return replace(self, watch=lambda: self.watch() or also())

    def attempt(self, arguments: Sequence[str], sink: Sink | None = None) -> tuple[Ending, str]:
        """Run git; give how it ended and, without a sink of its own, what it printed."""
        printed = CappedLog(_PRINTED_BYTES)
        argv = ["git", *arguments]
        if self.online:
            argv = keeper.command(argv, grace_seconds=_GRACE_SECONDS, file_bytes=_MOST_FILE_BYTES)
        ending = run(
            argv,
            environment=self.environment,
            folder=self.folder,
            sink=sink or printed,
            watch=self.watch,
            grace_seconds=_GRACE_SECONDS * 2,
            with_errors=sink is None,
        )
        return ending, printed.content().decode(errors="replace")

    def must(self, what: str, arguments: Sequence[str], sink: Sink | None = None) -> None:
        """Run git, which has to succeed."""
        ending, printed = self.attempt(arguments, sink)
        if ending.stopped is not None:
            raise FetchFailed(ending.stopped)
        if ending.code != 0:
            _log.warning("git could not %s: %r", what, printed[-_SHOWN_CHARACTERS:])
            raise FetchFailed(git_failures.fetch_failed(f"git could not {what}"))
