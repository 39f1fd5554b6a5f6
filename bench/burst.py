"""Opens many pull requests at once against a whole local stack and tells how each ended.

Run with ``python -m bench.burst``. Every commit must be scanned once and every pull request end as its content says;
otherwise the exit status is 1.
"""

import argparse
import json
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from local.demo.azure_devops import Clone, Team
from local.demo.files import RULES, package_files
from local.qscanner.launcher import write_launcher
from local.stack import up
from local.stack.parts import LEASE_SECONDS
from local.stack.plan import plan_in

_RUN_LOG = "QSCANNER_STANDIN_RUNLOG"
_RUNS = "runs.jsonl"
_FINAL = {"succeeded", "failed", "error"}
_VULNERABLE = package_files(lodash="4.17.11")
_CLEAN = package_files(lodash="4.17.21")


@dataclass(frozen=True)
class Change:
    """A branch that is to become a pull request."""

    repository: str
    branch: str
    commit: str
    expected: str


@dataclass(frozen=True)
class Opened:
    """A pull request that was opened."""

    change: Change
    number: int


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pull-requests", type=int, default=200)
    parser.add_argument("--repositories", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=20.0, help="within which all are opened")
    parser.add_argument("--patience", type=float, default=900.0, help="seconds to wait for the last verdict")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        data = Path(folder) / "stack"
        scanner = write_launcher(Path(folder) / "qscanner", {_RUN_LOG: str(Path(folder) / _RUNS)})
        with up.start(data, plan_in(data, scanner=str(scanner)), LEASE_SECONDS, print) as stack:
            problems = _burst(Team(stack.plan), stack, Path(folder), options)
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)


def _burst(team: Team, stack: up.Stack, folder: Path, options: argparse.Namespace) -> list[str]:
    project = team.make_project("burst")
    team.subscribe(project, "git.pullrequest.created")
    changes = _changes(team, stack, folder, project, options)
    print(f"{len(changes)} branches in {options.repositories} repositories are pushed")
    started = time.monotonic()
    opened = _open(team, project, changes, options.seconds)
    print(f"{len(opened)} pull requests opened in {time.monotonic() - started:.1f} s")
    ends = _await(team, project, opened, started + options.patience)
    print(f"all ended {time.monotonic() - started:.1f} s after the first was opened")
    return [*_wrong_ends(opened, ends), *_wrong_scans(changes, folder / _RUNS)]


def _changes(team: Team, stack: up.Stack, folder: Path, project: str, options: argparse.Namespace) -> list[Change]:
    found = []
    for place in range(options.repositories):
        repository = team.make_repository(project, f"repository {place}")
        url = f"{stack.plan.organisation_url}/{project}/_git/{repository}"
        clone = Clone(folder / f"clone-{place}", url, stack.plan.devops_token)
        clone.commit_and_push("main", "Start", {".scangate.yml": RULES})
        for number in range(place, options.pull_requests, options.repositories):
            files, expected = (_VULNERABLE, "failed") if number % 2 else (_CLEAN, "succeeded")
            branch = f"change-{number}"
            commit = clone.commit_and_push(branch, f"Change {number}", {**files, "number": str(number)})
            found.append(Change(repository, branch, commit, expected))
    return found


def _open(team: Team, project: str, changes: list[Change], seconds: float) -> list[Opened]:
    begun = time.monotonic()

    def open_one(numbered: tuple[int, Change]) -> Opened:
        place, change = numbered
        time.sleep(max(0.0, begun + place * seconds / len(changes) * 0.9 - time.monotonic()))
        number = team.open_pull_request(project, change.repository, change.branch, change.branch)
        return Opened(change, number)

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(open_one, enumerate(changes)))


def _await(team: Team, project: str, opened: list[Opened], until: float) -> dict[int, str]:
    ends: dict[int, str] = {}
    while len(ends) < len(opened) and time.monotonic() < until:
        for one in opened:
            if one.number not in ends:
                status = team.latest_status(project, one.change.repository, one.number)
                if status and status["state"] in _FINAL:
                    ends[one.number] = status["state"]
        print(f"  {len(ends)} of {len(opened)} have their verdict", flush=True)
        time.sleep(5)
    return ends


def _wrong_ends(opened: list[Opened], ends: dict[int, str]) -> list[str]:
    print("verdicts:", dict(Counter(ends.values())))
    return [
        f"pull request {one.number}: expected {one.change.expected}, got {ends.get(one.number)}"
        for one in opened
        if ends.get(one.number) != one.change.expected
    ]


def _wrong_scans(changes: list[Change], runs_log: Path) -> list[str]:
    lines = runs_log.read_text().splitlines()
    runs = Counter(json.loads(line).get("commit") for line in lines)
    print(f"{sum(runs.values())} scans of {len(runs)} commits")
    return [
        f"commit {change.commit} was scanned {runs[change.commit]} times"
        for change in changes
        if runs[change.commit] != 1
    ]


if __name__ == "__main__":
    main()
