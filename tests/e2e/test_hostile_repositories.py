"""Repositories that are odd, too large, or made to do harm."""

import json
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.polling import until
from tests.e2e.repository import PullRequest, Repository
from tests.e2e.site import CLEAN, VULNERABLE, Site

_ODD_PLACES = [
    "a folder/with spaces",
    'it\'s "quoted" `here` $(touch harm)',
    "first line\nsecond line",
    "überraschung/日本語/🚪",
    "-rf/--help",
    "<script>alert(1)</script>",
    "tab\tand\\backslash",
]


def test_findings_in_oddly_named_places_are_found_and_shown_inertly(site: Site) -> None:
    """Spaces, quotes, newlines, markup and other alphabets in paths keep nothing from being scanned or shown."""
    lock = json.loads(VULNERABLE["package-lock.json"])
    files = {f"{place}/package-lock.json": json.dumps(lock) for place in _ODD_PLACES}
    pull_request = site.new_repository().propose(files)
    status = pull_request.await_state("failed")
    assert status["description"].startswith(f"Failed: {len(_ODD_PLACES)} critical and {2 * len(_ODD_PLACES)} high")
    page = pull_request.page()
    assert "<script>alert" not in page
    assert "日本語" in page


def test_a_symbolic_link_out_of_the_tree_leads_nowhere(site: Site, tmp_path: Path) -> None:
    """What lies behind it is not scanned, and the rest of the commit is judged."""
    outside = tmp_path / "package-lock.json"
    outside.write_text(VULNERABLE["package-lock.json"])
    repository = site.new_repository()
    folder = repository.copy.folder
    for name, target in (("package-lock.json", str(outside)), ("system", "/etc"), ("up", "../../..")):
        (folder / name).symlink_to(target)
    (folder / "sub").mkdir()
    (folder / "sub" / "package-lock.json").write_text(CLEAN["package-lock.json"])
    (folder / "inside").symlink_to("sub")
    pull_request = repository.propose({})
    assert pull_request.await_state("succeeded")["description"] == "Passed: no findings"


def _of_many_bytes(repository: Repository) -> None:
    (repository.copy.folder / "large.bin").write_bytes(secrets.token_bytes(3_000_000))


def _of_many_bytes_once_unpacked(repository: Repository) -> None:
    (repository.copy.folder / "large.txt").write_text("0" * 30_000_000)


def _of_many_files(repository: Repository) -> None:
    for number in range(301):
        (repository.copy.folder / f"{number}.txt").write_text("")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_of_many_bytes, "The commit's packed files are more than the 2,000,000 bytes"),
        (_of_many_bytes_once_unpacked, "The commit's files are more than the 2,000,000 bytes"),
        (_of_many_files, "The commit's files are more than the 300 files"),
    ],
)
def test_a_commit_that_is_too_large_is_an_error_with_its_limit(
    site: Site, make: Callable[[Repository], None], words: str
) -> None:
    """It is not scanned; the status says what the limit is and what to do, and a smaller commit passes."""
    repository = site.new_repository()
    make(repository)
    pull_request = repository.propose({})
    description = pull_request.await_state("error")["description"]
    assert words in description
    assert "have the limit raised" in description
    assert pull_request.commit not in site.scanner.runs()


def test_a_commit_without_any_file_is_judged(site: Site) -> None:
    """There is nothing in it to find."""
    repository = site.new_repository()
    repository.copy.git("checkout", "--quiet", "-B", "change", "main")
    repository.copy.git("rm", "--quiet", "-r", ".")
    pull_request = repository.propose({})
    status = pull_request.await_final()
    assert (status["state"], status["description"]) == ("succeeded", "Passed: no findings")


def test_nothing_in_a_repository_is_run(site: Site, tmp_path: Path) -> None:
    """Hooks, filters, submodules, LFS pointers and settings in the tree do nothing when it is fetched and scanned."""
    trap = tmp_path / "sprung"
    command = f"touch {trap}"
    repository = site.new_repository()
    files = {
        ".gitattributes": "* filter=trap diff=trap merge=trap\n",
        ".gitconfig": f'[filter "trap"]\n\tsmudge = {command}\n[core]\n\tfsmonitor = {command}\n',
        ".lfsconfig": "[lfs]\n\turl = http://127.0.0.1:9/\n",
        ".gitmodules": '[submodule "s"]\n\tpath = s\n\turl = file:///etc\n\tupdate = !' + command + "\n",
        "hooks/post-checkout": f"#!/bin/sh\n{command}\n",
        "qscanner": f"#!/bin/sh\n{command}\n",
        "sitecustomize.py": f"import os\nos.system({command!r})\n",
        "json.py": f"import os\nos.system({command!r})\n",
        "large.bin": "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 99999999999\n",
        **CLEAN,
    }
    (repository.copy.folder / "hooks").mkdir()
    pull_request = repository.propose(files)
    assert pull_request.await_final()["state"] == "succeeded"
    assert not trap.exists()


def test_a_branch_with_an_odd_name_is_gated(site: Site) -> None:
    """Whatever git allows in a branch's name comes through, on either side of the pull request."""
    repository = site.new_repository()
    target = "release/it's-50%-&-ü+plus"
    repository.branch(target, "fail_on_severity: 0\n")
    pull_request = _proposed(repository, 'feature/#1-"quoted"-日本', target)
    status = pull_request.await_final()
    assert status["state"] == "succeeded"
    assert "1 critical" in status["description"]


def test_the_workers_leave_nothing_behind(site: Site) -> None:
    """Once a scan has ended, neither the checkout nor the scanner's output stays on the machine."""
    site.new_repository().propose(VULNERABLE).await_state("failed")
    until(lambda: not site.workers(), "the workers to end")
    left = {path.name for path in (site.stack.data / "workers").rglob("*") if path.is_file()}
    # The last is kept where executions of a job are: when one began, and under which job.
    assert left <= {"starting", "worker.log", "end.json", "pid", "alive", "execution.json"}


def _proposed(repository: Repository, branch: str, target: str) -> PullRequest:
    commit = repository.push(VULNERABLE, branch)
    pull_request = repository.open(branch, target)
    pull_request.commit = commit
    return pull_request
