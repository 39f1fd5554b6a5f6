"""Workers as plain processes of this machine, for trials only.

A worker runs as the same user as everything else here, so code under scan that took the scanner over could read what
this user can read. Use containers wherever the code is not your own. Linux only.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scan_core.runner.executions import MEASURING, Environment, Executions, Launch, Step, passed_on

_INHERITED: Final = (
    *("PATH", "LANG", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
    MEASURING,
)


@dataclass(frozen=True, slots=True)
class ProcessRunner:
    """Starts each worker as a detached process, which goes on when the app that started it dies.

    Several apps may share one folder; the cap holds for all of them together.

    Attributes:
        folder: Where workers live, and what is remembered of those that ended.
        max_workers: How many may run at once.
        fetch_environment: What the fetch step is told, and nothing else is.
        scan_environment: What the scan step is told, and nothing else is.
    """

    folder: Path
    max_workers: int
    fetch_environment: Environment
    scan_environment: Environment

    def start(self) -> str | None:
        """Start one worker.

        Returns:
            The name of its execution; None where `max_workers` run already.

        Raises:
            RunnerError: It could not be started.
        """
        return self._executions.start(self._plan)

    def stop(self, execution: str) -> None:
        """End a worker and everything it started.

        Args:
            execution: The name of its execution.
        """
        self._executions.stop([execution])

    def stop_all(self) -> None:
        """End every worker in this runner's folder."""
        self._executions.stop(self._executions.names())

    def is_alive(self, execution: str) -> bool | None:
        """Tell whether a worker runs.

        Args:
            execution: The name of its execution.

        Returns:
            Whether it runs; None where its state cannot be read.
        """
        return self._executions.is_held(execution)

    def reason_of(self, execution: str) -> str | None:  # noqa: ARG002 - the interface of runners
        """Say nothing: a launcher keeps how it ended for whoever reads its log.

        Args:
            execution: The name of its execution.

        Returns:
            None.
        """
        return None

    @property
    def _executions(self) -> Executions:
        return Executions(self.folder, self.max_workers)

    def _plan(self, execution: str, folder: Path) -> Launch:
        work = folder / "work"
        work.mkdir(mode=0o700)
        inherited = passed_on(_INHERITED)
        own = {"SCANGATE_WORKER_DIR": str(work.resolve()), "SCANGATE_EXECUTION": execution}
        return Launch(
            steps=(
                _step("fetch", {**inherited, **self.fetch_environment(), **own}),
                _step("scan", {**inherited, **self.scan_environment(), **own}),
            ),
            adopts=True,
            seconds=None,
            afterwards=(),
            environment=inherited,
        )


def _step(name: str, environment: Mapping[str, str]) -> Step:
    return Step(name, (sys.executable, "-m", "scan_core.worker", name), environment)
