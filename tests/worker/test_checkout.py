"""The fetch step on a source: a checkout of one commit, and ``fetch.json``."""

import os
import subprocess
from pathlib import Path

import pytest

from scan_core.model.attempt import FetchState
from scan_core.worker import credential
from tests.worker.conftest import Bench
from tests.worker.git_server import BEARER, PAT
from tests.worker.repositories import LINK, PROGRAM, SUBMODULE, Entry, Repository


def git(folder: Path, *arguments: str) -> str:
    """Ask git about a checkout."""
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


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
