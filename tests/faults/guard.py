"""A guard: a few lines that keep a promise; and taking one out of the code that runs, to see who misses it."""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]


@dataclass(frozen=True)
class Guard:
    """Lines that must not be deleted."""

    name: str
    room: str
    """The room of `scan_core` that it stands in; with a file of it behind a slash, where others say the same."""
    text: str
    """As it stands there, once."""
    without: str
    """The same without the guard."""
    missed_by: str
    """The test that fails without it, as pytest names it; with all its parameters where none is named."""

    @property
    def slug(self) -> str:
        """Its name in one word, to type."""
        return self.name.replace(" ", "-").replace("'", "").replace(",", "")

    def place(self) -> Path:
        """Find the file that it stands in.

        Returns:
            The file.

        Raises:
            LookupError: It stands nowhere in its room, or more than once.
        """
        room, _, file = self.room.partition("/")
        files = sorted((ROOT / "scan_core" / room).glob(f"{file or '*'}.py"))
        places = [file for file in files for _ in range(file.read_text().count(self.text))]
        if len(places) != 1:
            raise LookupError(f"'{self.name}' stands {len(places)} times in scan_core/{self.room}: {self.text!r}")
        return places[0]


@contextmanager
def removed(guard: Guard) -> Iterator[None]:
    """Run the code of this process without a guard.

    The functions that the guard stands in get other code, in place: whoever imported them has them without it, too.

    Args:
        guard: Which.

    Yields:
        Once, while it is gone.

    Raises:
        LookupError: The guard is not where it is said to be, or not in a function.
    """
    place = guard.place()
    module, source = import_module(f"scan_core.{place.parent.name}.{place.stem}"), place.read_text()
    changed = _functions_of(_compiled(source.replace(guard.text, guard.without), place))
    whole = _functions_of(_compiled(source, place))
    differing = [name for name, code in whole.items() if name not in changed or not _same(code, changed[name])]
    if not differing or not changed.keys() >= set(differing):
        raise LookupError(f"'{guard.name}' does not stand in a function")
    functions = [(_function(module, name), changed[name]) for name in differing]
    before = [(function, function.__code__) for function, _ in functions]
    try:
        for function, code in functions:
            function.__code__ = code
        yield
    finally:
        for function, code in before:
            function.__code__ = code


def _compiled(source: str, file: Path) -> CodeType:
    return compile(source, str(file), "exec", dont_inherit=True)


def _functions_of(code: CodeType) -> dict[str, CodeType]:
    """Find the functions and methods of a module by their qualified names."""
    found: dict[str, CodeType] = {}
    for constant in [each for each in code.co_consts if isinstance(each, CodeType)]:
        # A class has a code object of its own, and so has whatever has type parameters.
        is_function = bool(constant.co_flags & inspect.CO_OPTIMIZED) and not constant.co_name.startswith("<generic")
        found |= {constant.co_qualname: constant} if is_function else _functions_of(constant)
    return {name: each for name, each in found.items() if name.replace(".", "").isidentifier()}


def _same(one: CodeType, other: CodeType) -> bool:
    """Compare what two functions do; on which lines they stand does not matter."""
    if len(one.co_consts) != len(other.co_consts) or one.co_code != other.co_code or one.co_names != other.co_names:
        return False
    pairs = zip(one.co_consts, other.co_consts, strict=True)
    return all(_same(a, b) if isinstance(a, CodeType) and isinstance(b, CodeType) else a == b for a, b in pairs)


def _function(module: ModuleType, name: str) -> FunctionType:
    found: Any = module
    for part in name.split("."):
        found = inspect.getattr_static(found, part)
    if isinstance(found, property):
        found = found.fget
    unwrapped: FunctionType = inspect.unwrap(found)
    return unwrapped
