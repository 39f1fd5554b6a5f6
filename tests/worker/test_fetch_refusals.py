"""Why a source cannot be fetched, and what stops a fetch."""

import os
import threading
from typing import Any

import pytest

from scan_core.model.attempt import AttemptErrorKind, FetchOutcome, FetchState
from scan_core.store.attempt_links import AttemptLinkClient
from scan_core.worker import credential
from scan_core.worker.stopping import CANCELLED, TOLD_TO_END, StopSign
from tests.worker.conftest import Bench, StopWhen
from tests.worker.git_server import PAT
from tests.worker.repositories import Repository


class TestRefusal:
    def failed(self, bench: Bench, commit: str, **limits: Any) -> FetchOutcome:
        """Fetch what cannot be fetched."""
        repository = str(limits.pop("repository", "repo.git"))
        message = bench.queue(bench.message(bench.spec(commit, repository, **limits)))
        outcome = bench.fetch()
        assert outcome.state is FetchState.FAILED
        assert outcome.error is not None
        assert PAT not in outcome.error.sentence
        assert "http" not in outcome.error.sentence
        assert not bench.worker.source.exists()
        assert bench.claim(message) is not None
        return outcome

    def kind(self, bench: Bench, commit: str, **limits: Any) -> AttemptErrorKind:
        """How that is recorded."""
        error = self.failed(bench, commit, **limits).error
        assert error is not None
        return error.kind

    def test_commit_gone(self, bench: Bench, repository: Repository) -> None:
        """A commit that was force-pushed away is named, with what to do."""
        repository.commit({"a": b"1"})
        error = self.failed(bench, "c" * 40).error
        assert error is not None
        assert error.kind is AttemptErrorKind.COMMIT_GONE
        assert "cccccccc" in error.sentence
        assert "Push again" in error.sentence

    def test_empty_repository(self, bench: Bench, repository: Repository) -> None:
        """A repository that never had a commit is told from one that lost it."""
        assert repository.git("for-each-ref") == ""
        assert self.kind(bench, "c" * 40) is AttemptErrorKind.REPOSITORY_EMPTY

    def test_repository_that_does_not_exist(self, bench: Bench) -> None:
        """Not found, or not to be seen: Azure DevOps does not say which."""
        assert self.kind(bench, "c" * 40, repository="none.git") is AttemptErrorKind.REPOSITORY_NOT_FOUND

    @pytest.mark.parametrize(
        ("answer", "kind"),
        [
            ((401, {"WWW-Authenticate": "Basic"}, b""), AttemptErrorKind.ACCESS_REFUSED),
            ((403, {}, b"TF401027: no"), AttemptErrorKind.ACCESS_REFUSED),
            ((203, {"Content-Type": "text/html"}, b"<html>Sign in</html>"), AttemptErrorKind.ACCESS_REFUSED),
            ((302, {"Location": "http://127.0.0.1:1/_signin"}, b""), AttemptErrorKind.ACCESS_REFUSED),
            ((404, {}, b""), AttemptErrorKind.REPOSITORY_NOT_FOUND),
            ((500, {}, b""), AttemptErrorKind.UNREACHABLE),
            ((503, {"Retry-After": "1"}, b""), AttemptErrorKind.UNREACHABLE),
            ((429, {}, b""), AttemptErrorKind.UNREACHABLE),
        ],
    )
    def test_answers_that_are_no_repository(
        self, bench: Bench, answer: tuple[int, dict[str, str], bytes], kind: AttemptErrorKind
    ) -> None:
        """Each refusal of Azure DevOps has its own meaning."""
        bench.server.answer = answer
        assert self.kind(bench, "c" * 40) is kind

    def test_credential_that_is_refused(self, bench: Bench, repository: Repository) -> None:
        """A wrong token is a refusal, not a prompt that waits for ever."""
        bench.queue(bench.message(bench.spec(repository.commit({"a": b"1"}))))
        error = bench.fetch(SCANGATE_DEVOPS_PAT="wrong").error
        assert error is not None
        assert error.kind is AttemptErrorKind.ACCESS_REFUSED

    def test_nobody_there(self, bench: Bench) -> None:
        """A connection that is refused is worth another try."""
        spec = bench.spec("c" * 40).model_copy(update={"clone_url": "http://127.0.0.1:1/contoso/repo.git"})
        bench.queue(bench.message(spec))
        error = bench.fetch(SCANGATE_DEVOPS_ORIGINS='["http://127.0.0.1:1/contoso"]').error
        assert error is not None
        assert error.kind is AttemptErrorKind.UNREACHABLE
        assert error.kind.retryable

    def test_address_of_somebody_else(self, bench: Bench) -> None:
        """A forged spec does not get the credential."""
        spec = bench.spec("c" * 40).model_copy(
            update={"clone_url": bench.server.origin.replace("contoso", "evil") + "r"}
        )
        bench.queue(bench.message(spec))
        error = bench.fetch().error
        assert error is not None
        assert error.kind is AttemptErrorKind.ACCESS_REFUSED
        assert "SCANGATE_DEVOPS_ORIGINS" in error.sentence
        assert bench.server.authorisations == []

    def test_no_token_of_the_identity(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        """A managed identity that is not there is named as what is wrong."""

        def refuse(*_: object) -> str:
            raise credential.NoToken("none")

        monkeypatch.setattr(credential, "_token", refuse)
        bench.queue(bench.message(bench.spec("c" * 40)))
        error = bench.fetch(SCANGATE_DEVOPS_PAT="").error
        assert error is not None
        assert error.kind is AttemptErrorKind.ACCESS_REFUSED
        assert "managed identity" in error.sentence

    def test_pack_too_large(self, bench: Bench, repository: Repository) -> None:
        """What cannot be compressed is stopped while, or right after, it comes in."""
        commit = repository.commit({"noise": os.urandom(400_000)})
        assert self.kind(bench, commit, repository_bytes=100_000) is AttemptErrorKind.REPOSITORY_TOO_LARGE

    def test_pack_that_was_too_large_only_at_the_end(
        self, bench: Bench, repository: Repository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What came in between two looks is seen when all of it is there."""
        monkeypatch.setattr("scan_core.worker.git._Git.watching", lambda git, _: git)
        commit = repository.commit({"noise": os.urandom(400_000)})
        assert self.kind(bench, commit, repository_bytes=100_000) is AttemptErrorKind.REPOSITORY_TOO_LARGE

    def test_files_too_large_when_unpacked(self, bench: Bench, repository: Repository) -> None:
        """A file of zeros is small on the wire and is refused before it is written."""
        commit = repository.commit({"zeros": bytes(3_000_000)})
        assert self.kind(bench, commit, repository_bytes=1_000_000) is AttemptErrorKind.REPOSITORY_TOO_LARGE

    def test_too_many_files(self, bench: Bench, repository: Repository) -> None:
        """Files are counted before any of them is written."""
        commit = repository.commit({f"{number}": b"" for number in range(21)})
        error = self.failed(bench, commit, repository_files=20).error
        assert error is not None
        assert error.kind is AttemptErrorKind.REPOSITORY_TOO_LARGE
        assert "20 files" in error.sentence

    def test_a_tree_that_repeats_itself_without_end(self, bench: Bench, repository: Repository) -> None:
        """A few objects that stand for ten thousand million files are counted only up to the limit."""
        kind, name, child = "100644 blob", "f", repository.blob(b"x")
        for _ in range(10):
            lines = "".join(f"{kind} {child}\t{name}{number}\n" for number in range(10))
            child = repository.git("mktree", stdin=lines.encode())
            kind, name = "040000 tree", "d"
        assert self.kind(bench, repository.commit_tree(child)) is AttemptErrorKind.REPOSITORY_TOO_LARGE

    def test_paths_that_git_does_not_write(self, bench: Bench, repository: Repository) -> None:
        """A name too long for any file system is a failure with a sentence, not a crash."""
        commit = repository.commit({"n" * 300: b"1"})
        assert self.kind(bench, commit) is AttemptErrorKind.FETCH_FAILED

    def test_unforeseen_failure(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        """Even a bug is reported like any other end."""

        def broken(*_: object) -> None:
            raise RuntimeError("?")

        monkeypatch.setattr("scan_core.worker.git.Checkout.make", broken)
        bench.queue(bench.message(bench.spec("c" * 40)))
        error = bench.fetch().error
        assert error is not None
        assert error.kind is AttemptErrorKind.FETCH_FAILED


class TestStopping:
    def test_ends_a_fetch_that_takes_too_long(self, bench: Bench, event: object) -> None:
        """A server that never answers costs no more than the limit."""
        bench.queue(bench.message(bench.spec("c" * 40, fetch_seconds=1)))
        error = bench.fetch().error
        assert error is not None
        assert error.kind is AttemptErrorKind.FETCH_TIMED_OUT

    def test_ends_a_fetch_that_is_cancelled_meanwhile(self, bench: Bench, event: object) -> None:
        """The cancel is seen at a heartbeat."""
        message = bench.queue(bench.message(bench.spec("c" * 40)))
        stop = StopWhen(bench.server.entered.is_set, lambda: bench.cancel(message))
        assert bench.fetch(stop=stop).error == CANCELLED

    def test_does_not_fetch_what_is_cancelled_right_after_the_claim(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The first look for a cancel comes before anything else."""
        message = bench.queue(bench.message(bench.spec("c" * 40)))
        create = AttemptLinkClient.create_blob

        def create_then_cancel(self: AttemptLinkClient, url: str, source: bytes) -> None:
            create(self, url, source)
            bench.cancel(message)

        monkeypatch.setattr(AttemptLinkClient, "create_blob", create_then_cancel)
        assert bench.fetch().error == CANCELLED
        assert bench.server.authorisations == []

    def test_says_so_when_it_is_told_to_end(self, bench: Bench) -> None:
        """An attempt whose worker was told to end is tried again."""
        stop = StopSign()
        stop.ask(TOLD_TO_END)
        bench.queue(bench.message(bench.spec("c" * 40)))
        assert bench.fetch(stop=stop).error == TOLD_TO_END

    @pytest.fixture
    def event(self, bench: Bench) -> object:
        """Have the server answer nothing."""
        bench.server.stall = threading.Event()
        return bench.server.stall
