"""The fetch step: from a message in the queue to a checkout and ``fetch.json``."""

import os
import subprocess
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from scan_core.model.attempt import AttemptErrorKind, FetchOutcome, FetchState
from scan_core.store.attempt_links import AttemptLinkClient, StorageUnreachable
from scan_core.store.attempts import AttemptStore
from scan_core.worker import credential
from scan_core.worker.stopping import CANCELLED, TOLD_TO_END, StopSign
from tests.worker.conftest import Bench, StopWhen, now, with_links
from tests.worker.git_server import BEARER, PAT
from tests.worker.repositories import LINK, PROGRAM, SUBMODULE, Entry, Repository


def git(folder: Path, *arguments: str) -> str:
    """Ask git about a checkout."""
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


class TestClaiming:
    def test_claims_the_attempt_and_takes_its_message_out_of_the_queue(
        self, bench: Bench, repository: Repository
    ) -> None:
        """A claim stands, and nobody else will get the message."""
        message = bench.queue(bench.message(bench.spec(repository.commit({"a": b"1"}))))
        assert bench.fetch("worker-7").state is FetchState.READY
        claim = bench.claim(message)
        assert claim is not None
        assert claim.execution == "worker-7"
        assert bench.waiting() == 0

    def test_finds_nothing_in_an_empty_queue(self, bench: Bench) -> None:
        """An empty queue is an ordinary end."""
        outcome = bench.fetch()
        assert (outcome.state, outcome.message, outcome.error) == (FetchState.NOTHING, None, None)
        assert bench.worker.read_outcome() == outcome

    def test_drops_a_message_whose_attempt_is_claimed_and_takes_the_next(
        self, bench: Bench, repository: Repository
    ) -> None:
        """A message delivered twice is worked on once."""
        spec = bench.spec(repository.commit({"a": b"1"}))
        twice = bench.message(spec)
        for _ in range(2):
            bench.queue(twice)
        following = bench.queue(bench.message(bench.spec(repository.commit({"a": b"2"}))))
        bench.fetch("worker-1")
        second = bench.fetch("worker-2")
        assert second.message is not None
        assert second.message.spec == following.spec
        assert bench.waiting() == 0
        claim = bench.claim(twice)
        assert claim is not None
        assert claim.execution == "worker-1"

    def test_leaves_alone_what_a_worker_claimed_that_then_died(self, bench: Bench, repository: Repository) -> None:
        """A death between claim and deletion brings the message back, and it is dropped."""
        message = bench.queue(bench.message(bench.spec(repository.commit({"a": b"1"}))))
        AttemptLinkClient().create_blob(
            message.links.claim, b'{"execution":"dead","claimed_at":"2026-01-01T00:00:00Z"}'
        )
        assert bench.fetch().state is FetchState.NOTHING
        assert bench.waiting() == 0

    def test_goes_on_with_a_claim_of_its_own(self, bench: Bench, repository: Repository) -> None:
        """An execution that is started again after its claim, or never saw the answer to it, still has it."""
        message = bench.queue(bench.message(bench.spec(repository.commit({"a": b"1"}))))
        AttemptLinkClient().create_blob(
            message.links.claim, b'{"execution":"worker-1","claimed_at":"2026-01-01T00:00:00Z"}'
        )
        assert bench.fetch("worker-1").state is FetchState.READY

    def test_drops_a_message_behind_a_claim_that_nobody_can_read(self, bench: Bench, repository: Repository) -> None:
        """Whatever stands there is not ours."""
        message = bench.queue(bench.message(bench.spec(repository.commit({"a": b"1"}))))
        AttemptLinkClient().create_blob(message.links.claim, b"{")
        assert bench.fetch().state is FetchState.NOTHING

    @pytest.mark.parametrize("text", ["not base64 at all", "e30=", "", "//8="])
    def test_drops_garbage(self, bench: Bench, repository: Repository, text: str) -> None:
        """What is not an attempt goes, and what stands behind it is taken."""
        bench.storage.queues.get_queue_client("scan-attempts").send_message(text)
        bench.queue(bench.message(bench.spec(repository.commit({"a": b"1"}))))
        assert bench.fetch().state is FetchState.READY
        assert bench.waiting() == 0

    def test_drops_an_expired_attempt(self, bench: Bench) -> None:
        """Its links could do nothing any more."""
        message = bench.queue(bench.message(bench.spec("a" * 40), ends_in=timedelta(seconds=-1)))
        assert bench.fetch().state is FetchState.NOTHING
        assert bench.waiting() == 0
        assert bench.claim(message) is None

    def test_drops_an_attempt_whose_links_do_not_work(self, bench: Bench) -> None:
        """A link that storage refuses will be refused for every other worker too."""
        message = bench.message(bench.spec("a" * 40))
        bench.queue(with_links(message, cancel=message.links.cancel[:-12]))
        assert bench.fetch().state is FetchState.NOTHING
        assert bench.waiting() == 0

    def test_drops_an_attempt_that_was_cancelled_before(self, bench: Bench) -> None:
        """Nobody waits for it; it leaves no claim."""
        message = bench.queue(bench.message(bench.spec("a" * 40)))
        bench.cancel(message)
        assert bench.fetch().state is FetchState.NOTHING
        assert bench.claim(message) is None
        assert bench.waiting() == 0

    def test_leaves_the_message_where_storage_refuses_the_queue(self, bench: Bench) -> None:
        """A wrong link to the queue is an end without an attempt, not a crash."""
        bench.queue(bench.message(bench.spec("a" * 40)))
        wrong = bench.fetch_variables()["SCANGATE_ATTEMPTS_QUEUE"][:-12]
        assert bench.fetch(SCANGATE_ATTEMPTS_QUEUE=wrong).state is FetchState.NOTHING
        assert bench.waiting() == 1

    @pytest.mark.parametrize("claimed_before", [False, True])
    def test_a_message_that_cannot_be_deleted(
        self, bench: Bench, repository: Repository, monkeypatch: pytest.MonkeyPatch, claimed_before: bool
    ) -> None:
        """Whoever has the claim goes on; whoever has not leaves the rest to another worker."""
        message = bench.queue(bench.message(bench.spec(repository.commit({"a": b"1"}))))
        if claimed_before:
            AttemptLinkClient().create_blob(message.links.claim, b"{}")

        def refuse(*_: object) -> None:
            raise StorageUnreachable("gone")

        monkeypatch.setattr(AttemptLinkClient, "delete_message", refuse)
        assert bench.fetch().state is (FetchState.NOTHING if claimed_before else FetchState.READY)

    def test_a_queue_that_never_ends_is_left_in_time(
        self, bench: Bench, repository: Repository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A worker looks at a bounded number of messages."""
        monkeypatch.setattr("scan_core.worker.claim._MOST_MESSAGES", 2)
        for _ in range(3):
            bench.storage.queues.get_queue_client("scan-attempts").send_message("garbage")
        assert bench.fetch().state is FetchState.NOTHING
        assert bench.waiting() == 1

    def test_survives_an_unforeseen_failure_before_the_claim(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Even a bug leaves an outcome for the scan step."""

        def broken(*_: object) -> None:
            raise RuntimeError("?")

        monkeypatch.setattr("scan_core.worker.fetch.claim_next", broken)
        assert bench.fetch().state is FetchState.NOTHING


class TestCheckout:
    def test_checks_the_commit_out_on_a_branch_with_a_clean_origin(self, bench: Bench, repository: Repository) -> None:
        """QScanner needs a real local branch and an origin; neither carries a credential."""
        old = repository.commit({"a.txt": b"old"})
        repository.commit({"a.txt": b"new"})
        bench.queue(bench.message(bench.spec(old)))
        outcome = bench.fetch()
        source = bench.worker.source
        assert outcome.error is None
        assert (source / "a.txt").read_bytes() == b"old"
        assert git(source, "rev-parse", "HEAD") == old
        assert git(source, "symbolic-ref", "HEAD") == "refs/heads/scangate"
        assert git(source, "remote", "get-url", "origin") == f"{bench.server.origin}repo.git"

    def test_leaves_no_credential_behind(self, bench: Bench, repository: Repository) -> None:
        """The token was shown to the server, and stands in no file."""
        bench.queue(bench.message(bench.spec(repository.commit({"a": b"1"}))))
        bench.fetch()
        basic = credential.basic(PAT)
        assert set(bench.server.authorisations) == {basic}
        on_disk = bench.on_disk()
        for secret in (PAT, basic, basic.removeprefix("Basic ")):
            assert secret.encode() not in on_disk

    def test_hands_the_scan_step_no_link_to_claim(self, bench: Bench, repository: Repository) -> None:
        """What is handed over is what the scan step may do, in a file for this user alone."""
        message = bench.queue(bench.message(bench.spec(repository.commit({"a": b"1"}))))
        bench.fetch()
        handed = bench.worker.read_outcome().message
        assert handed is not None
        assert handed.links == message.links.model_copy(update={"claim": ""})
        assert bench.worker.outcome.stat().st_mode & 0o077 == 0

    def test_beats_while_it_fetches(self, bench: Bench, repository: Repository) -> None:
        """Whoever watches sees that the worker lives, and in which step."""
        message = bench.queue(bench.message(bench.spec(repository.commit({"a": b"1"}))))
        bench.fetch("worker-3")
        heartbeat = bench.heartbeat(message)
        assert heartbeat is not None
        assert (heartbeat.execution, heartbeat.step) == ("worker-3", "fetch")

    def test_uses_the_managed_identity_without_a_pat(
        self, bench: Bench, repository: Repository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """In Azure the fetch step shows a bearer token."""
        monkeypatch.setattr(credential, "_token", lambda *_: BEARER)
        bench.queue(bench.message(bench.spec(repository.commit({"a": b"1"}))))
        assert bench.fetch(SCANGATE_DEVOPS_PAT="").state is FetchState.READY
        assert set(bench.server.authorisations) == {f"Bearer {BEARER}"}

    def test_fetches_from_an_address_with_escapes(self, bench: Bench, repositories: Path) -> None:
        """Names of projects and repositories hold spaces and letters of any script."""
        commit = Repository(repositories / "Mein Projekt ä" / "_git" / "a b.git").commit({"a": b"1"})
        bench.queue(bench.message(bench.spec(commit, "Mein%20Projekt%20%C3%A4/_git/a%20b.git")))
        assert bench.fetch().state is FetchState.READY

    def test_takes_paths_as_they_are(self, bench: Bench, repository: Repository) -> None:
        """Spaces, quotes, newlines, other scripts, bytes that are no text, and a leading dash are ordinary."""
        names = ["with space", "quo'te\"s", "new\nline", "日本/ü", "-rf", "back\\slash", "tab\t", "$(id)", "a/-b"]
        files = {name.encode(): name.encode() for name in names} | {b"\xff\xfe": b"no text"}
        bench.queue(bench.message(bench.spec(repository.commit(files))))
        assert bench.fetch().state is FetchState.READY
        for name, content in files.items():
            assert (bench.worker.source / os.fsdecode(name)).read_bytes() == content

    def test_writes_files_as_they_were_committed(self, bench: Bench, repository: Repository) -> None:
        """Attributes of the repository change no byte, and run no filter."""
        attributes = (
            b"* text eol=crlf ident filter=evil working-tree-encoding=UTF-16\n*.big filter=lfs diff=lfs -text\n"
        )
        pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 5\n"
        config = b"[lfs]\n\turl = http://127.0.0.1:1/\n"
        files = {".gitattributes": attributes, "a.txt": b"$Id$\nline\n", "x.big": pointer, ".lfsconfig": config}
        bench.queue(bench.message(bench.spec(repository.commit(files))))
        assert bench.fetch().state is FetchState.READY
        for name, content in files.items():
            assert (bench.worker.source / name).read_bytes() == content

    def test_runs_nothing_that_the_repository_brings(
        self, bench: Bench, repository: Repository, tmp_path: Path
    ) -> None:
        """Hooks are files like others; submodules stay empty folders and are not fetched."""
        mark = tmp_path / "mark"
        hook = f"#!/bin/sh\ntouch {mark}\n".encode()
        modules = f'[submodule "m"]\n\tpath = m\n\turl = {bench.server.origin}other.git\n'.encode()
        files: dict[str, Entry] = {
            "hooks/post-checkout": (PROGRAM, hook),
            ".githooks/post-checkout": (PROGRAM, hook),
            ".gitmodules": modules,
            "m": (SUBMODULE, b"b" * 40),
        }
        bench.queue(bench.message(bench.spec(repository.commit(files))))
        assert bench.fetch().state is FetchState.READY
        assert not mark.exists()
        assert not list((bench.worker.source / "m").iterdir())
        assert not (bench.worker.source / ".git" / "hooks").exists()
        assert not (bench.worker.source / ".git" / "modules").exists()

    def test_ignores_the_configuration_of_the_machine(
        self, bench: Bench, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A configuration of the user who runs the worker is not read."""
        (tmp_path / ".gitconfig").write_text('[url "http://127.0.0.1:1/"]\n\tinsteadOf = http://\n')
        monkeypatch.setenv("HOME", str(tmp_path))
        bench.queue(bench.message(bench.spec(repository.commit({"a": b"1"}))))
        assert bench.fetch().state is FetchState.READY

    def test_removes_links_that_leave_the_tree_and_says_so(self, bench: Bench, repository: Repository) -> None:
        """Whoever scans the checkout is not led to other files of this machine."""
        files: dict[str, Entry] = {
            "real/file": b"1",
            "inside": (LINK, b"real/file"),
            "deep/up": (LINK, b"../real/file"),
            "dangling": (LINK, b"real/none"),
            "loop": (LINK, b"loop"),
            "absolute": (LINK, b"/etc/passwd"),
            "relative": (LINK, b"../../etc/passwd"),
            "hop": (LINK, b"relative/x"),
            "folder": (LINK, b".."),
            "odd\nü": (LINK, b"/"),
        }
        bench.queue(bench.message(bench.spec(repository.commit(files))))
        assert bench.fetch().state is FetchState.READY
        kept = {os.fsencode(entry.name) for entry in os.scandir(bench.worker.source)}
        assert kept == {b".git", b"real", b"inside", b"deep", b"dangling", b"loop"}
        note = bench.worker.notes.read_text()
        assert "5 symbolic link(s)" in note
        assert len(note.splitlines()) == 1


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


def test_a_claim_is_dated(bench: Bench, repository: Repository) -> None:
    """The claim says when it was made, which the clocks of the flow count from."""
    before = now()
    message = bench.queue(bench.message(bench.spec(repository.commit({"a": b"1"}))))
    bench.fetch()
    claim = AttemptStore(bench.storage).claim(message.spec.scan_id, message.spec.attempt)
    assert claim is not None
    assert before <= claim.claimed_at <= now()
