"""A container engine for tests, and what it was asked for."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

IMAGE = "registry.example/scanner@sha256:" + "ab" * 32
_FAKE = Path(__file__).with_name("fake_engine.py")
IMAGE_ID = "sha256:" + "cd" * 32


@dataclass(frozen=True)
class Engine:
    """One engine, with one image."""

    folder: Path
    name: str

    @property
    def program(self) -> Path:
        """The command."""
        return self.folder / self.name

    @property
    def state(self) -> Path:
        """Where it remembers everything."""
        return self.folder / "state"

    def with_image(self, *command: str, **environment: str) -> None:
        """Give the image a command, which gets the step as its last argument, and an environment."""
        image = {"name": IMAGE, "id": IMAGE_ID, "command": command, "environment": environment}
        (self.state / "image.json").write_text(json.dumps(image))

    def fails(self, **faults: str) -> None:
        """Have commands refused with a complaint, or hang; with no argument, none of them any more."""
        (self.state / "faults.json").write_text(
            json.dumps({name.replace("_", " "): complaint for name, complaint in faults.items()})
        )

    def journal(self, command: str) -> list[dict[str, Any]]:
        """What it was asked for by one command."""
        path = self.state / "journal.jsonl"
        lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return [line for line in lines if line["command"] == command]

    def containers(self) -> list[str]:
        """The names of the containers there are."""
        found = [json.loads(path.read_text()) for path in (self.state / "containers").glob("*.json")]
        return sorted(container["name"] for container in found)

    def volumes(self) -> list[str]:
        """The names of the volumes there are."""
        return sorted(path.name for path in (self.state / "volumes").iterdir() if path.is_dir())


def installed(folder: Path, name: str) -> Engine:
    """Install an engine whose image has a worker that does nothing."""
    engine = Engine(folder, name)
    for place in ("containers", "volumes"):
        (engine.state / place).mkdir(parents=True)
    # -I -S: it starts for every question, and needs nothing but the standard library.
    engine.program.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S {_FAKE} "$0" "$@"\n')
    engine.program.chmod(0o755)
    engine.with_image("true")
    engine.fails()
    return engine
