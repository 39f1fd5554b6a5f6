"""Reads a Dockerfile and an ignore file as an engine does, as far as ours need it."""

import json
import re
import shlex
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Instruction:
    """One instruction."""

    word: str
    text: str
    """What follows the word, its lines joined."""

    @property
    def options(self) -> dict[str, str]:
        """Options such as ``--from``; of a repeated one the last."""
        found: dict[str, str] = {}
        rest = self.text
        while option := re.match(r"--([a-z]+)=(\S+)\s+", rest):
            found[option[1]] = option[2]
            rest = rest[option.end() :]
        return found

    @property
    def command(self) -> list[str] | None:
        """The argument list of an exec form; None for a shell form."""
        rest = _without_options(self.text)
        return [str(part) for part in json.loads(rest)] if rest.startswith("[") else None

    @property
    def words(self) -> list[str]:
        """Its words without its options."""
        return shlex.split(_without_options(self.text))


def instructions(text: str) -> list[Instruction]:
    """Read the instructions of a Dockerfile."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    found = [line.strip().partition(" ") for line in joined.splitlines() if line.strip()]
    return [Instruction(word.upper(), rest.strip()) for word, _, rest in found]


def is_ignored(path: str, rules: str) -> bool:
    """Tell whether an ignore file keeps a path out: the last rule that meets it or a folder above it counts."""
    parts = path.strip("/").split("/")
    above = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
    ignored = False
    for line in rules.splitlines():
        rule = line.strip()
        if rule and not rule.startswith("#"):
            pattern = rule.removeprefix("!").strip("/")
            tails = parts if pattern.startswith("**/") else []
            if any(fnmatch(each, pattern.removeprefix("**/")) for each in [*above, *tails]):
                ignored = not rule.startswith("!")
    return ignored


def _without_options(text: str) -> str:
    return re.sub(r"^(--[a-z]+=\S+\s+)+", "", text)
