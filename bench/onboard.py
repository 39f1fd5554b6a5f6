"""Onboards many projects of a simulated organisation, repairs what was broken, and takes everything out again.

Run with ``python -m bench.onboard``. Each step prints the calls that Azure DevOps got and the seconds it took; the exit
status is 1 where one did not leave what it should.
"""

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2

from local.devops.server import serve
from local.devops.state import Config

_ORGANISATION, _TOKEN = "contoso", "an-administrators-token"
_SCANGATE = Path(sys.executable).with_name("scangate")
_HOOKS, _POLICIES = 6, 2
_LIMIT_TSTU = 200
_PATIENCE_SECONDS = 60


class Receiver:
    """Stands where the app would, and answers hooks as it is told."""

    def __init__(self) -> None:
        receiver = self
        self.status = 200

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen for as long as the block lasts."""
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()


class Organisation:
    """The simulator, as its users call it."""

    def __init__(self, url: str) -> None:
        headers = {"Accept": "application/json;api-version=7.1", "X-TFS-FedAuthRedirect": "Suppress"}
        self.http = httpx2.Client(base_url=url, auth=("", _TOKEN), headers=headers, timeout=60, trust_env=False)

    def close(self) -> None:
        """Give the connections back."""
        self.http.close()

    def call(self, method: str, path: str, body: Any = None) -> Any:  # noqa: ANN401 - JSON as it comes
        """Call it and return what it answers."""
        answer = self.http.request(method, path, json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def make_projects(self, count: int) -> None:
        """Make projects, with spaces and letters beyond ASCII in some names."""
        capabilities = {
            "versioncontrol": {"sourceControlType": "Git"},
            "processTemplate": {"templateTypeId": "adcc42ab-9882-485e-a3ed-7678f01f66bc"},
        }
        for number in range(count):
            name = f"{('Team', 'Gruppe Ü', 'Отдел')[number % 3]} {number:03}"
            self.call("POST", "_apis/projects", {"name": name, "capabilities": capabilities})

    def subscriptions(self) -> list[dict[str, Any]]:
        """List the subscriptions."""
        return list(self.call("GET", "_apis/hooks/subscriptions")["value"])

    def policies(self) -> int:
        """Count the policies of all projects."""
        projects = self.call("GET", "_apis/projects?$top=10000")["value"]
        return sum(self.call("GET", f"{one['id']}/_apis/policy/configurations")["count"] for one in projects)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--projects", type=int, default=200)
    parser.add_argument(
        "--tstu-cost", type=float, default=0.02, help=f"of one call; {_LIMIT_TSTU} are free in 5 minutes"
    )
    parser.add_argument("--verbose", action="store_true", help="show what the command prints")
    options = parser.parse_args()
    receiver = Receiver()
    with TemporaryDirectory() as folder, receiver.listening():
        config = Config(data=Path(folder) / "data", organisation=_ORGANISATION, tokens=(_TOKEN,))
        with serve(config) as running, closing(Organisation(running.url)) as organisation:
            organisation.make_projects(options.projects)
            print(f"{options.projects} projects")
            # An identity of its own: the bench's calls must not count against what is measured.
            wanted = {"displayName": "Scangate", "uniqueName": "scangate@example.com"}
            token = organisation.call("POST", "_sim/tokens", wanted)["token"]
            organisation.call("POST", "_sim/settings", {"tstuCost": options.tstu_cost, "tstuLimit": _LIMIT_TSTU})
            problems = _play(organisation, receiver, _environment(running.url, receiver.url, token), options)
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)


def _environment(url: str, public_url: str, token: str) -> dict[str, str]:
    described = {_ORGANISATION: {"url": url.rstrip("/"), "hook_secrets": ["a-hook-secret-of-the-bench"]}}
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("SCANGATE_")},
        "SCANGATE_ORGANISATIONS": json.dumps(described),
        "SCANGATE_PUBLIC_URL": public_url,
        "SCANGATE_SIGNING_KEYS": json.dumps(["a-signing-key-of-the-bench-that-is-long-enough"]),
        "SCANGATE_STORAGE_CONNECTION": "UseDevelopmentStorage=true",
        "SCANGATE_DEVOPS_PAT": token,
    }


def _play(
    organisation: Organisation, receiver: Receiver, environment: dict[str, str], options: argparse.Namespace
) -> list[str]:
    count, problems = options.projects, []

    def step(name: str, arguments: tuple[str, ...], hooks: int, policies: int, writes: int | None = None) -> None:
        written = _run(organisation, name, arguments, environment, verbose=options.verbose)
        found = organisation.subscriptions()
        enabled = sum(one["status"] == "enabled" for one in found)
        if (len(found), enabled, organisation.policies()) != (hooks, hooks, policies):
            problems.append(f"{name}: {hooks} hooks and {policies} policies were wanted, {len(found)} hooks found")
        if writes is not None and written != writes:
            problems.append(f"{name}: {writes} changing calls were wanted, {written} found")

    step("plan only", ("--all", "--dry-run"), 0, 0, 0)
    step("onboard", ("--all",), _HOOKS * count, _POLICIES * count, (_HOOKS + _POLICIES) * count)
    step("onboard again", ("--all",), _HOOKS * count, _POLICIES * count, 0)
    # A deleted one takes one call to repair; a disabled or narrowed one takes two.
    deleted, struck = _break(organisation, receiver, min(20, count))
    step("repair", ("--all",), _HOOKS * count, _POLICIES * count, deleted + 2 * struck)
    step("onboard again", ("--all",), _HOOKS * count, _POLICIES * count, 0)
    step("remove", ("--all", "--remove"), 0, 0, (_HOOKS + _POLICIES) * count)
    return problems


def _break(organisation: Organisation, receiver: Receiver, count: int) -> tuple[int, int]:
    """Break subscriptions as the world does: some are deleted, disabled by hand, narrowed, or disabled by a 410."""
    chosen = organisation.subscriptions()[:: max(1, len(organisation.subscriptions()) // count)][:count]
    deleted, disabled, narrowed, struck = (chosen[place::4] for place in range(4))
    for one in deleted:
        organisation.call("DELETE", f"_apis/hooks/subscriptions/{one['id']}")
    for one in disabled:
        organisation.call("PUT", f"_apis/hooks/subscriptions/{one['id']}", {**one, "status": "disabledByUser"})
    for one in narrowed:
        inputs = one["publisherInputs"] | {"branch": "main"}
        organisation.call("PUT", f"_apis/hooks/subscriptions/{one['id']}", {**one, "publisherInputs": inputs})
    receiver.status = 410
    for one in struck:
        organisation.call("POST", "_apis/hooks/testNotifications", {"subscriptionId": one["id"]})
    until = time.monotonic() + _PATIENCE_SECONDS
    while sum(one["status"] == "disabledBySystem" for one in organisation.subscriptions()) < len(struck):
        if time.monotonic() > until:
            raise TimeoutError("the simulator did not disable the subscriptions that were answered 410")
        time.sleep(0.05)
    receiver.status = 200
    print(f"{count} subscriptions broken: {len(deleted)} of them deleted, {len(struck)} disabled by Azure DevOps")
    return len(deleted), count - len(deleted)


def _run(
    organisation: Organisation, name: str, arguments: tuple[str, ...], environment: dict[str, str], *, verbose: bool
) -> int:
    """Run the command, print what it took, and tell how many calls changed something."""
    organisation.call("DELETE", "_sim/calls")
    started = time.monotonic()
    done = subprocess.run(
        [_SCANGATE, "onboard", *arguments], env=environment, capture_output=True, text=True, check=False
    )
    seconds = time.monotonic() - started
    if verbose:
        print(done.stdout)
    if done.returncode != 0:
        raise SystemExit(f"{name}: the command ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    calls: list[dict[str, Any]] = [
        one for one in organisation.call("GET", "_sim/calls")["value"] if one["identity"] == "scangate@example.com"
    ]
    writes = [one for one in calls if one["method"] != "GET"]
    refused: int = sum(one["status"] == 429 for one in calls)  # noqa: PLR2004 - Too Many Requests
    pauses = done.stdout.count("asks for a pause")
    tally = f"{len(calls):5} calls, {len(writes):5} of them changing, {refused} refused for pace, {pauses} pauses"
    print(f"{name:14} {tally}; {seconds:6.1f} s", flush=True)
    return len(writes) - refused


if __name__ == "__main__":
    main()
