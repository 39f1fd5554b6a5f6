"""Starts a whole stack as processes of their own, tells where it is, and ends them with itself."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import httpx2

from local.stack import job, parts
from local.stack.parts import REPOSITORY, Part
from local.stack.plan import REGISTRY_USER, Plan
from local.storage.account import recall
from scan_core.runner.process import ProcessRunner

_STOP_SECONDS = 40
_HEALTH_SECONDS = 30


class PartFailed(RuntimeError):
    """A part ended before it was ready, and the message has the end of its log; or the app names a wrong setting."""


@dataclass
class Stack:
    """The running parts of a stack; all of them end when this process does, however it ends."""

    data: Path
    plan: Plan
    running: dict[str, subprocess.Popen[str]] = field(default_factory=dict)

    def line(self) -> dict[str, str]:
        """Tell where everything is.

        Returns:
            What `scangate local up` prints.
        """
        account = recall(self.data / "storage")
        jobs = {"management": self.plan.management} if self.plan.runner == "container-apps" else {}
        return {
            "app": self.plan.app,
            "devops": self.plan.devops,
            "storage": account.connection_string if account else "",
            "org": self.plan.org,
            "hook_user": self.plan.hook_user,
            "hook_secret": self.plan.hook_secret,
            "devops_token": self.plan.devops_token,
            "registry": self.plan.registry,
            "registry_user": REGISTRY_USER,
            "registry_password": self.plan.registry_password,
            "check_secret": self.plan.check_secret,
            **jobs,
        }

    def start(self, part: Part) -> None:
        """Start a part and wait until it is ready.

        Args:
            part: The part.

        Raises:
            PartFailed: It ended first.
        """
        self.begin(part)
        self.await_ready(part.name)

    def begin(self, part: Part) -> None:
        """Start a part, and do not wait for it.

        Args:
            part: The part.
        """
        log = self.log_of(part.name)
        with log.open("a", encoding="utf-8") as file:
            process = subprocess.Popen(
                [*part.command, "--die-with-parent"],
                cwd=REPOSITORY,
                env={**os.environ, **part.environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                text=True,
                start_new_session=True,
            )
        self.running[part.name] = process

    def await_ready(self, name: str) -> None:
        """Wait until a part that was begun is ready.

        Args:
            name: The part's name.

        Raises:
            PartFailed: It ended first.
        """
        process = self.running[name]
        if process.stdout is None or not process.stdout.readline():
            process.wait()
            log = self.log_of(name)
            tail = log.read_text(errors="replace")[-2000:].strip()
            raise PartFailed(f"{name} did not start (its log is {log}): {tail}")

    def log_of(self, name: str) -> Path:
        """Find a part's log.

        Args:
            name: The part's name.

        Returns:
            The file that its standard error is appended to.
        """
        folder = self.data / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{name}.log"

    def kill(self, name: str) -> None:
        """End a part at once, as a crash would.

        Args:
            name: The part's name.
        """
        self.running[name].kill()
        self._reap(name)

    def stop(self) -> None:
        """Ask every part to end: the app first, then its workers while they can still say how they ended."""
        self._stop_part("app")
        workers = self.data / "workers"
        if workers.is_dir():
            ProcessRunner(workers, max_workers=1, fetch_environment=dict, scan_environment=dict).stop_all()
        self._stop_part("arm")
        self._stop_part("devops")
        self._stop_part("registry")
        self._stop_part("storage")

    def _stop_part(self, name: str) -> None:
        process = self.running.get(name)
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
        self._reap(name)

    def _reap(self, name: str) -> None:
        process = self.running.pop(name)
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start(data: Path, plan: Plan, lease_seconds: int, progress: Callable[[str], None]) -> Stack:
    """Start storage, Azure DevOps, a registry, where asked a job for the workers, and the app.

    Args:
        data: The stack's data folder.
        plan: Its plan.
        lease_seconds: For how long the host hides a queue message while its function runs.
        progress: Told what is being started.

    Returns:
        The running stack, as a context manager that stops it.

    Raises:
        PartFailed: A part did not start, or a setting is wrong; those started before are stopped.
    """
    stack = Stack(data, plan)
    try:
        for what, part in _surroundings(data, plan):
            progress(what)
            stack.begin(part)
        for name in list(stack.running):
            stack.await_ready(name)
        if plan.runner == "container-apps":
            job.deploy(plan, stack.line()["storage"])
        progress("the app (Functions host)")
        stack.start(parts.app(data, plan, lease_seconds))
        _refuse_wrong_settings(plan)
    except BaseException:
        stack.stop()
        raise
    return stack


def _surroundings(data: Path, plan: Plan) -> Iterator[tuple[str, Part]]:
    """Describe what the app needs around it; the parts come up side by side, since none of them needs another."""
    yield "storage (Azurite)", parts.storage(data)
    if plan.devops_url is None:
        yield "Azure DevOps (simulator)", parts.devops(data, plan)
    if plan.runner == "container-apps":
        yield "Azure Resource Manager (stand-in)", parts.arm(data, plan)
    yield "a container registry", parts.registry(data, plan)


def _refuse_wrong_settings(plan: Plan) -> None:
    """End what could only answer 503: the app itself goes on, as it has to in Azure."""
    health = httpx2.get(f"{plan.app}/api/health", trust_env=False, timeout=_HEALTH_SECONDS).json()
    if health["status"] == "misconfigured":
        raise PartFailed(health["problem"])


def ready_line(stack: Stack) -> str:
    """Write the one line that tells where everything is.

    Args:
        stack: The running stack.

    Returns:
        JSON.
    """
    return json.dumps(stack.line())
