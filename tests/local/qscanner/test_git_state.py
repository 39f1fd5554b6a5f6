"""What a checkout says of itself, in every layout that git leaves."""

import subprocess
from pathlib import Path

import pytest

from local.qscanner.git_state import GitState, read_git_state
from tests.local.qscanner.checkouts import COMMIT, ORIGIN, write_checkout, write_tree

IDENTITY = ["-c", "user.name=A Tester", "-c", "user.email=tester@example.com"]


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder, without anyone's configuration."""
    environment = {"PATH": "/usr/bin:/bin:/usr/local/bin", "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(folder)}
    run = subprocess.run(
        ["git", *IDENTITY, *arguments], cwd=folder, env=environment, check=True, capture_output=True, text=True
    )
    return run.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository that git made, with one commit on a branch with a slash, and an origin."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "feature/cart")
    git(folder, "commit", "-q", "--allow-empty", "-m", "first")
    git(folder, "remote", "add", "origin", ORIGIN)
    return folder


class TestRealRepositories:
    def test_reads_branch_commit_and_origin(self, repository: Path) -> None:
        """As git itself says them."""
        assert read_git_state(repository) == GitState("feature/cart", git(repository, "rev-parse", "HEAD"), ORIGIN)
        assert read_git_state(repository).report_can_be_obtained

    def test_reads_packed_references(self, repository: Path) -> None:
        """After git pack-refs, a branch is a line in a file."""
        git(repository, "pack-refs", "--all")
        assert read_git_state(repository).commit == git(repository, "rev-parse", "HEAD")

    def test_knows_a_detached_head(self, repository: Path) -> None:
        """It has a commit and no branch, and gets no report."""
        git(repository, "checkout", "-q", "--detach")
        state = read_git_state(repository)
        assert (state.branch, state.commit) == ("", git(repository, "rev-parse", "HEAD"))
        assert not state.report_can_be_obtained

    def test_reads_a_linked_worktree(self, repository: Path, tmp_path: Path) -> None:
        """Its .git is a file; branches and configuration are the main repository's."""
        git(repository, "worktree", "add", "-q", "-b", "other", str(tmp_path / "linked"))
        assert read_git_state(tmp_path / "linked") == GitState("other", git(repository, "rev-parse", "HEAD"), ORIGIN)

    def test_an_unborn_branch_has_no_commit(self, tmp_path: Path) -> None:
        """Right after git init."""
        git(tmp_path, "init", "-q", "-b", "main")
        assert read_git_state(tmp_path) == GitState("main", "", "")


class TestOddRepositories:
    def test_credentials_in_the_origin_are_left_out(self, tmp_path: Path) -> None:
        """The URL goes into reports."""
        config = '[remote "origin"]\n url = https://user:secret@example.com/a\n'
        assert read_git_state(write_checkout(tmp_path, {".git/config": config})).origin == "https://example.com/a"

    @pytest.mark.parametrize(
        ("config", "origin"),
        [
            ('[remote "upstream"]\nurl = https://example.com/a', ""),
            ('[REMOTE "origin"] url = https://example.com/a', "https://example.com/a"),
            ('[remote "origin"]\n\tURL="https://example.com/a"\n[branch "main"]\n\turl = x', "https://example.com/a"),
            ('[remote "origin"]\nurl = git@example.com:a/b.git', "git@example.com:a/b.git"),
            ('[remote "origin"]\nurl = https://[broken', ""),
            ("", ""),
        ],
    )
    def test_reads_the_origin_as_git_writes_it(self, tmp_path: Path, config: str, origin: str) -> None:
        """Sections and keys in any case, quoted or not."""
        assert read_git_state(write_checkout(tmp_path, {".git/config": config})).origin == origin

    @pytest.mark.parametrize(
        "head", ["", "ref: refs/heads/../../../etc/passwd", "ref: refs/tags/v1", "nonsense", "\x00\xff"]
    )
    def test_a_head_that_is_no_branch_is_none(self, tmp_path: Path, head: str) -> None:
        """A hostile one reads nothing outside of git's folder."""
        state = read_git_state(write_checkout(tmp_path, {".git/HEAD": head}))
        assert (state.branch, state.commit) == ("", "")

    @pytest.mark.parametrize("reference", ["", "nonsense", "x" * 5_000_000])
    def test_a_branch_that_names_no_commit_has_none(self, tmp_path: Path, reference: str) -> None:
        """Half-written, or of a size that no reference has."""
        assert read_git_state(write_checkout(tmp_path, {".git/refs/heads/main": reference})).commit == ""

    def test_other_packed_references_are_passed_over(self, tmp_path: Path) -> None:
        """Only the branch that HEAD names counts."""
        packed = f"# pack-refs with: peeled\n{'a' * 40} refs/heads/other\n{COMMIT} refs/heads/main\n"
        root = write_tree(tmp_path, {".git/HEAD": "ref: refs/heads/main", ".git/packed-refs": packed})
        assert read_git_state(root).commit == COMMIT

    def test_a_folder_that_is_no_checkout_says_nothing(self, tmp_path: Path) -> None:
        """Nor does a .git file that names nothing."""
        assert read_git_state(tmp_path) == GitState()
        assert read_git_state(write_tree(tmp_path, {".git": "nonsense"})) == GitState()
