"""Workers as containers of this host, with docker or podman: what a container job does in Azure, on a plain machine.

A worker is two containers of one image, one after the other, which share a volume of their own and nothing else. The
options are those that both engines have (docs.docker.com "docker container run", docs.podman.io "podman-run").
"""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scan_core.runner.api import RunnerError
from scan_core.runner.executions import Environment, Executions, Launch, Step, passed_on

LABEL: Final = "scangate.execution"
"""Every container and every volume of a worker has it, with the name of the execution."""
FOLDER: Final = "/work"
"""Where the volume is in both containers: the one place that they can write to."""
_CLIENT: Final = (
    *("PATH", "HOME", "USER", "LANG", "TMPDIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"),
    *("DBUS_SESSION_BUS_ADDRESS", "DOCKER_CERT_PATH", "DOCKER_CONFIG", "DOCKER_CONTEXT", "DOCKER_HOST"),
    *("DOCKER_TLS_VERIFY", "CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF", "CONTAINER_CONNECTION", "CONTAINER_HOST"),
)
"""What the engine's own command reads from its environment. No step may be given a variable of these names."""
_PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
_PIDS: Final = 512
"""Processes and threads in one container: git, QScanner with a thread for each core, and room."""
_ENGINE_SECONDS: Final = 60.0
_LONGEST_COMPLAINT: Final = 200
_OWN_OPTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    # By itself podman makes a read-only root writable in places, and hands on the proxies of whoever calls it.
    "podman": ("--read-only-tmpfs=false", "--http-proxy=false"),
}


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a worker may use.

    Attributes:
        network: The network that each container is put into, by its name.
        cpus: Processors for each container.
        memory_bytes: Memory for each container; there is no swap on top.
        seconds: How long both containers together may take. The worker has clocks of its own; this one holds also
            where the scanner was taken over and has stopped them.
    """

    network: str
    cpus: float
    memory_bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class ContainerRunner:
    """Starts each worker as two containers, which go on when the app that started them dies.

    Several apps may share one folder; the cap holds for all of them together.

    Attributes:
        folder: Where the launchers of workers live, and what is remembered of workers that ended.
        max_workers: How many may run at once.
        engine: ``docker`` or ``podman``, found on the search path.
        image: The scanner image, which has to be on this host already.
        allowance: What each worker may use.
        fetch_environment: What the fetch step is told, and nothing else is.
        scan_environment: What the scan step is told, and nothing else is.
    """

    folder: Path
    max_workers: int
    engine: str
    image: str
    allowance: Allowance
    fetch_environment: Environment
    scan_environment: Environment

    def start(self) -> str | None:
        """Start one worker.

        Returns:
            The name of its execution; None where `max_workers` run already.

        Raises:
            RunnerError: It could not be started: no engine, no image, or the engine's own reason.
        """
        # Both steps run the image that has the name now, even if the name moves on between them.
        image = self._ask("find the scanner image", "image", "inspect", "--format", "{{.Id}}", self.image)
        return self._executions.start(lambda execution, _: self._plan(execution, image))

    def stop(self, execution: str) -> None:
        """End a worker: its containers are told to, then killed, and removed with their volume.

        Args:
            execution: The name of its execution.

        Raises:
            RunnerError: The engine could not do so.
        """
        self._executions.stop([execution])

    def stop_all(self) -> None:
        """End every worker in this runner's folder.

        Raises:
            RunnerError: The engine could not do so.
        """
        self._executions.stop(self._executions.names())

    def is_alive(self, execution: str) -> bool | None:
        """Tell whether a worker runs.

        Args:
            execution: The name of its execution.

        Returns:
            Whether it runs; None where that cannot be told.
        """
        is_held = self._executions.is_held(execution)
        if is_held is not False or not self._executions.is_known(execution):
            return is_held
        # Its launcher was killed; a container does not end with that.
        try:
            return bool(self._containers(execution))
        except RunnerError:
            return None

    def reason_of(self, execution: str) -> str | None:  # noqa: ARG002 - the interface of runners
        """Say nothing: the containers are removed when they end.

        Args:
            execution: The name of its execution.

        Returns:
            None.
        """
        return None

    @property
    def _executions(self) -> Executions:
        return Executions(self.folder, self.max_workers, clear=self._clear)

    def _plan(self, execution: str, image: str) -> Launch:
        told = passed_on(_PROXIES)
        own = {"SCANGATE_WORKER_DIR": FOLDER, "SCANGATE_EXECUTION": execution}
        environments = {
            "fetch": {**told, **self.fetch_environment(), **own},
            "scan": {**told, **self.scan_environment(), **own},
        }
        client = passed_on(_CLIENT)
        program = self._program()
        steps = tuple(
            Step(name, (program, *self._run(execution, name, environment, image)), {**client, **environment})
            for name, environment in environments.items()
        )
        self._ask("make a volume", "volume", "create", "--label", f"{LABEL}={execution}", execution)
        return Launch(
            steps=steps,
            # What podman leaves running looks after containers of others too.
            adopts=False,
            seconds=self.allowance.seconds,
            afterwards=(
                (program, "rm", "--force", *(_container(execution, name) for name in environments)),
                # Goes only when no container has it any more.
                (program, "volume", "rm", execution),
            ),
            environment=client,
        )

    def _run(self, execution: str, step: str, environment: Mapping[str, str], image: str) -> list[str]:
        """Write the command for one step, without the program."""
        if steering := sorted(environment.keys() & set(_CLIENT)):
            sentence = (
                f"{steering[0]} belongs to {self.engine} itself: take it out of the environment of the {step} step."
            )
            raise RunnerError(sentence, transient=False)
        memory = str(self.allowance.memory_bytes)
        options = ["run", "--rm", "--pull", "never", "--name", _container(execution, step)]
        options += ["--label", f"{LABEL}={execution}", "--label", f"scangate.step={step}"]
        options += ["--read-only", *_OWN_OPTIONS.get(self.engine, ())]
        options += ["--mount", f"type=volume,source={execution},target={FOLDER}"]
        options += ["--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--ipc", "none"]
        options += ["--network", self.allowance.network, "--pids-limit", str(_PIDS)]
        options += ["--cpus", str(self.allowance.cpus), "--memory", memory, "--memory-swap", memory]
        # What the containers print is read as it comes, and kept by the launcher within bounds; the engine keeps none.
        options += ["--log-driver", "none"]
        # Names only: the values are in the environment of the engine's command, and in no argument.
        options += [part for name in sorted(environment) for part in ("--env", name)]
        return [*options, image, step]

    def _clear(self, execution: str) -> None:
        """Remove what a worker left whose launcher was killed."""
        if left := self._containers(execution, "--all"):
            self._ask("remove a container", "rm", "--force", *left)
        listed = self._ask("list volumes", "volume", "ls", "--quiet", "--filter", f"label={LABEL}={execution}")
        if volumes := listed.split():
            self._ask("remove a volume", "volume", "rm", *volumes)

    def _containers(self, execution: str, *more: str) -> list[str]:
        """List the containers of a worker that run, or with ``--all`` those that ended too."""
        listed = self._ask("list containers", "ps", *more, "--quiet", "--filter", f"label={LABEL}={execution}")
        return listed.split()

    def _program(self) -> str:
        found = shutil.which(self.engine)
        if found is None:
            sentence = f"{self.engine} is not on the search path: install it, or set SCANGATE_CONTAINER_ENGINE."
            raise RunnerError(sentence, transient=False)
        return str(Path(found).absolute())

    def _ask(self, what: str, *arguments: str) -> str:
        """Have the engine do something that takes a moment; give what it prints."""
        argv = [self._program(), *arguments]
        try:
            done = subprocess.run(
                argv,
                env=passed_on(_CLIENT),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_ENGINE_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            sentence = f"{self.engine} did not {what} within {_ENGINE_SECONDS:.0f} seconds."
            raise RunnerError(sentence, transient=True) from None
        except OSError as error:
            sentence = f"{self.engine} could not be run: {os.strerror(error.errno or 0)}."
            raise RunnerError(sentence, transient=True) from error
        if done.returncode != 0:
            sentence = f"{self.engine} could not {what}: {_complaint(done.stderr)}"
            raise RunnerError(sentence, transient=True)
        return done.stdout.strip()


def _container(execution: str, step: str) -> str:
    return f"{execution}-{step}"


def _complaint(printed: str) -> str:
    """Make a line of what an engine says when it refuses; no secret was in what it was asked."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in printed).split())
    return line[:_LONGEST_COMPLAINT] or "it did not say why."
