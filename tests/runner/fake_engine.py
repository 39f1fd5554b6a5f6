"""Plays the command line of docker or podman, strictly: what it does not know it refuses, and hardening is required.

A container is a process of this machine with exactly the environment that it was given, in a session of its own: it
goes on when the command that started it is killed, as under a real engine, and everything in it dies with it. State
stands in the folder ``state`` beside the program, a script that calls this one with its own path first.
"""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from scan_core.worker import keeper

PROGRAM = Path(sys.argv[1])
ENGINE = PROGRAM.name
STATE = PROGRAM.parent / "state"
REQUIRED = {
    "--rm": None,
    "--read-only": None,
    "--pull": "never",
    "--cap-drop": "ALL",
    "--security-opt": "no-new-privileges",
    "--ipc": "none",
    "--log-driver": "none",
}
"""Options that a worker may not be without, and what they have to say."""
VALUED = {"--name", "--mount", "--network", "--pids-limit", "--cpus", "--memory", "--memory-swap"}
_SIGNALS = {signal.SIGTERM, signal.SIGUSR1}
REPEATED = {"--label", "--env"}
PODMAN = {"--read-only-tmpfs=false", "--http-proxy=false"}


class Refused(Exception):
    """The command line is not one that the engine takes."""


def main(arguments: list[str]) -> int:
    """Run one command."""
    commands = {
        "image inspect": image_inspect,
        "volume create": volume_create,
        "volume ls": volume_list,
        "volume rm": volume_remove,
        "run": run,
        "ps": container_list,
        "rm": container_remove,
    }
    name = next((name for name in commands if arguments[: len(name.split())] == name.split()), None)
    if name is None:
        raise Refused(f"unknown command: {arguments[:2]}")
    note({"command": name, "argv": arguments, "environment": dict(os.environ)})
    fault = json.loads((STATE / "faults.json").read_text()).get(name)
    if fault == "hang":
        time.sleep(600)
    if fault is not None:
        raise Refused(fault)
    return commands[name](arguments[len(name.split()) :])


# ------------------------------------------------------------------------------------------- images and volumes


def image_inspect(arguments: list[str]) -> int:
    """Print the id of an image."""
    match arguments:
        case ["--format", "{{.Id}}", name]:
            known = image()
            if name not in {known["name"], known["id"]}:
                raise Refused(f"No such image: {name}")
            say(known["id"])
            return 0
    raise Refused(f"image inspect: {arguments}")


def volume_create(arguments: list[str]) -> int:
    """Make a volume."""
    match arguments:
        case ["--label", label, name] if not name.startswith("-"):
            (STATE / "volumes" / name).mkdir(parents=True)
            (STATE / "volumes" / f"{name}.label").write_text(label)
            say(name)
            return 0
    raise Refused(f"volume create: {arguments}")


def volume_list(arguments: list[str]) -> int:
    """List volumes by label."""
    match arguments:
        case ["--quiet", "--filter", wanted]:
            for path in (STATE / "volumes").glob("*.label"):
                if wanted == f"label={path.read_text()}":
                    say(path.stem)
            return 0
    raise Refused(f"volume ls: {arguments}")


def volume_remove(arguments: list[str]) -> int:
    """Remove volumes that no container has."""
    for name in arguments:
        if not (STATE / "volumes" / name).is_dir():
            raise Refused(f"no such volume: {name}")
        if any(container["volume"] == name for container in containers()):
            raise Refused(f"remove {name}: volume is in use")
        subprocess.run(["rm", "-rf", STATE / "volumes" / name, STATE / "volumes" / f"{name}.label"], check=True)
    return 0


# ------------------------------------------------------------------------------------------- containers


def run(arguments: list[str]) -> int:
    """Run a container in the foreground; SIGTERM is handed on to it."""
    options, labels, names, rest = parsed(arguments)
    known = image()
    if len(rest) != 2 or rest[0] != known["id"]:
        raise Refused(f"expected the image's id and a step, and got {rest}")
    mount = dict(part.split("=", 1) for part in options["--mount"].split(","))
    if mount.pop("type") != "volume" or mount.keys() != {"source", "target"}:
        raise Refused(f"--mount {options['--mount']}")
    volume = STATE / "volumes" / mount["source"]
    if not volume.is_dir():
        raise Refused(f"no such volume: {volume.name}")
    environment = {**known["environment"], **{name: os.environ[name] for name in names}}
    if environment["SCANGATE_WORKER_DIR"] != mount["target"]:
        raise Refused("the worker's folder is not where the volume is")
    environment["SCANGATE_WORKER_DIR"] = str(volume)
    if any(container["name"] == options["--name"] for container in containers()):
        raise Refused(f"the name {options['--name']} is already in use")
    record = {"id": secrets.token_hex(6), "name": options["--name"], "labels": labels, "volume": volume.name}
    held = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    shim = os.fork()
    if not shim:
        os._exit(contain([*known["command"], rest[1]], environment, record, held))
    signal.signal(signal.SIGTERM, lambda *_: os.kill(shim, signal.SIGTERM))
    signal.pthread_sigmask(signal.SIG_SETMASK, held)
    code = os.waitstatus_to_exitcode(os.waitpid(shim, 0)[1])
    return code if code >= 0 else 128 - code


def parsed(arguments: list[str]) -> tuple[dict[str, str], list[str], list[str], list[str]]:
    """Read options, labels and names of variables; what follows the options is given as it is."""
    options: dict[str, str] = {}
    many: dict[str, list[str]] = {name: [] for name in REPEATED}
    own = PODMAN if ENGINE == "podman" else set()
    left = list(arguments)
    while left and left[0].startswith("-"):
        option = left.pop(0)
        if option in options:
            raise Refused(f"given twice: {option}")
        if option in own or option in {"--rm", "--read-only"}:
            options[option] = ""
        elif option in many:
            many[option].append(left.pop(0))
        elif option in VALUED or option in REQUIRED:
            options[option] = left.pop(0)
        else:
            raise Refused(f"unknown flag: {option}")
    check(options, many["--env"], own)
    return options, many["--label"], many["--env"], left


def check(options: dict[str, str], names: list[str], own: set[str]) -> None:
    """Refuse a container that is not hardened, or whose command line shows a value."""
    if missing := (REQUIRED.keys() | VALUED | own) - options.keys():
        raise Refused(f"not hardened: {sorted(missing)}")
    if wrong := [name for name, value in REQUIRED.items() if value is not None and options[name] != value]:
        raise Refused(f"not hardened enough: {wrong}")
    if options["--memory"] != options["--memory-swap"] or int(options["--memory"]) <= 0:
        raise Refused("memory without bound")
    if float(options["--cpus"]) <= 0 or int(options["--pids-limit"]) <= 0:
        raise Refused("processors or processes without bound")
    if shown := [name for name in names if "=" in name or name not in os.environ]:
        raise Refused(f"values do not belong into arguments, and every variable has to be set: {shown}")


def contain(argv: list[str], environment: dict[str, str], record: dict[str, Any], held: set[Any]) -> int:
    """Be the container: run a program until it ends, then end everything that it started."""
    os.setsid()
    os.closerange(3, 256)  # a real one is no child of the command, and inherits nothing
    keeper.adopt_orphans()
    path = STATE / "containers" / f"{record['id']}.json"
    program = subprocess.Popen(
        argv,
        env=environment,
        cwd=Path(__file__).resolve().parents[2],
        preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, held) and None,  # noqa: PLW1509 - no threads
    )

    def told(number: int, _frame: FrameType | None) -> None:
        program.send_signal(signal.SIGKILL if number == signal.SIGUSR1 else signal.SIGTERM)

    signal.signal(signal.SIGTERM, told)
    signal.signal(signal.SIGUSR1, told)
    (path.with_suffix(".new")).write_text(json.dumps({**record, "pid": os.getpid()}))
    path.with_suffix(".new").rename(path)
    signal.pthread_sigmask(signal.SIG_SETMASK, held)
    code = program.wait()
    keeper.kill_descendants()
    note({"command": "ended", "name": record["name"], "code": code})
    path.unlink()  # as with --rm
    return code if code >= 0 else 128 - code


def container_list(arguments: list[str]) -> int:
    """List the ids of containers by label. Those that ended are gone here: all are run with --rm."""
    match arguments:
        case ["--quiet", "--filter", wanted] | ["--all", "--quiet", "--filter", wanted]:
            for container in containers():
                if wanted in {f"label={label}" for label in container["labels"]}:
                    say(container["id"])
            return 0
    raise Refused(f"ps: {arguments}")


def container_remove(arguments: list[str]) -> int:
    """Kill and remove containers; complain of those that are not there."""
    if arguments[0] != "--force":
        raise Refused(f"rm: {arguments}")
    missing = []
    for name in arguments[1:]:
        found = next((each for each in containers() if name in {each["id"], each["name"]}), None)
        if found is None:
            missing.append(name)
            continue
        os.kill(found["pid"], signal.SIGUSR1)
        while any(each["id"] == found["id"] for each in containers()):
            time.sleep(0.01)
    if missing:
        raise Refused(f"No such container: {missing}")
    return 0


# ------------------------------------------------------------------------------------------- state


def image() -> dict[str, Any]:
    """Read the one image there is: name, id, command, environment."""
    known: dict[str, Any] = json.loads((STATE / "image.json").read_text())
    return known


def containers() -> list[dict[str, Any]]:
    """Read the containers that run."""
    found = []
    for path in (STATE / "containers").glob("*.json"):
        try:
            found.append(json.loads(path.read_text()))
        except FileNotFoundError:  # it ended just now
            continue
    return found


def say(line: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{line}\n")


def note(what: dict[str, Any]) -> None:
    """Write a line into the journal."""
    with (STATE / "journal.jsonl").open("a") as file:
        file.write(json.dumps(what) + "\n")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[2:]))
    except Refused as refused:
        sys.stderr.write(f"Error response from {ENGINE}: {refused}\n")
        sys.exit(125)
