"""A reader for the Bicep in infra/: its declarations and the properties of its objects, as text.

It knows what these tests ask for and no more: statements end with their line unless a bracket is open, and values stay
text. Whether the Bicep is right is the business of the checker that one of the tests runs.
"""

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

INFRA = Path(__file__).parents[2] / "infra"
_OPEN, _CLOSE = "{[(", "}])"
_TOKEN = re.compile(r"'''.*?'''|'(?:\\.|[^'\\\n])*'|//[^\n]*|/\*.*?\*/|.", re.DOTALL)
_STATEMENT = re.compile(r"(param|var|output|resource|module|type|metadata)\s+(\w+)\s*(.*)", re.DOTALL)


@dataclass(frozen=True)
class Declaration:
    """A statement of a Bicep file.

    Attributes:
        kind: Its keyword, such as ``resource``.
        name: What it declares.
        rest: The text after the name.
        decorators: The decorators before it.
    """

    kind: str
    name: str
    rest: str
    decorators: tuple[str, ...] = ()

    @property
    def resource_type(self) -> str:
        """The type of a resource, with its API version."""
        return self.rest.split("'")[1]

    @property
    def is_existing(self) -> bool:
        """Whether a resource is only referred to."""
        return bool(re.match(r"'[^']+'\s+existing\b", self.rest))

    @property
    def body(self) -> dict[str, str]:
        """The properties of a resource's, module's or variable's object; of the one in the loop, where there is one."""
        return properties(self.rest[_first_brace(self.rest) :])


@dataclass(frozen=True)
class BicepFile:
    """A Bicep file.

    Attributes:
        path: Where it is.
        source: Its text.
        declarations: Its statements.
    """

    path: Path
    source: str
    declarations: tuple[Declaration, ...] = field(repr=False)

    def of(self, kind: str) -> list[Declaration]:
        """Return the declarations of one kind."""
        return [declaration for declaration in self.declarations if declaration.kind == kind]

    def get(self, name: str) -> Declaration:
        """Return a declaration that is no output by its name."""
        return next(found for found in self.declarations if found.name == name and found.kind != "output")


@cache
def bicep_files() -> tuple[BicepFile, ...]:
    """Read every Bicep file of infra/."""
    return tuple(read(path) for path in sorted(INFRA.rglob("*.bicep")))


def bicep_file(name: str) -> BicepFile:
    """Return a file by its name."""
    return next(file for file in bicep_files() if file.path.name == name)


def read(path: Path) -> BicepFile:
    """Read one file."""
    source = path.read_text()
    found: list[Declaration] = []
    decorators: list[str] = []
    for statement in _split(source):
        if statement.startswith("@"):
            decorators.append(statement)
            continue
        matched = _STATEMENT.match(statement)
        if matched:
            found.append(Declaration(matched[1], matched[2], matched[3], tuple(decorators)))
        decorators.clear()
    return BicepFile(path, source, tuple(found))


def properties(text: str) -> dict[str, str]:
    """Split an object into its keys and the text of their values.

    Args:
        text: From the object's opening brace on.
    """
    pairs = (part.partition(":") for part in _split(_inside(text)) if ":" in part)
    return {key.strip().strip("'"): value.strip() for key, _, value in pairs}


def items(text: str) -> list[str]:
    """Return the items of an array's text."""
    return _split(_inside(text))


def literal(text: str) -> str:
    """Return the value of a string without interpolation."""
    return text.strip().removeprefix("'").removesuffix("'")


def _tokens(text: str) -> list[str]:
    return [token for token in _TOKEN.findall(text) if not token.startswith(("//", "/*"))]


def _split(text: str) -> list[str]:
    """Split at line ends and commas that no bracket encloses."""
    parts: list[str] = [""]
    depth = 0
    for token in _tokens(text):
        depth += (token in _OPEN) - (token in _CLOSE)
        if depth == 0 and token in "\n,":
            parts.append("")
        else:
            parts[-1] += token
    return [part.strip() for part in parts if part.strip()]


def _inside(text: str) -> str:
    """Return what stands between the first bracket and the one that closes it."""
    depth = 0
    inside = ""
    for token in _tokens(text):
        depth -= token in _CLOSE
        if depth == 0 and inside:
            return inside[1:]
        depth += token in _OPEN
        if depth:
            inside += token
    return inside[1:]


def _first_brace(text: str) -> int:
    """Find the object of a declaration: behind the type, the loop and the condition."""
    matched = re.search(r"\{\s*\n", text)
    return matched.start() if matched else len(text)
