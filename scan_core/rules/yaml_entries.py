"""Reading a rules file's YAML into entries that remember their lines. Only what a rules file needs is allowed."""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

import yaml

from scan_core.rules.problems import Problem, RulesUnreadable, printable

MOST_BYTES = 32 * 1024
"""What a profile adds to an attempt's message has to fit into a queue (64 KiB of base64)."""
_DEEPEST = 5
_DECIMAL = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_TAG = "tag:yaml.org,2002:"
_NULL = f"{_TAG}null"
_TRUE = frozenset({"yes", "true", "on"})

type At = tuple[int | str, ...]
"""Where within a value: numbers of items, from 0, and names of keys."""
type Plain = str | int | float | bool | list[Plain] | dict[str, Plain] | None


class Entry(NamedTuple):
    """One key of a rules file with its value.

    Attributes:
        key: The key as it was written.
        line: The line the key stands on, from 1; None where the source has no lines.
        value: The value as JSON knows it. A whole number not in plain decimals, or a date, stays the text it was.
        lines: The lines of what stands within the value.
    """

    key: str
    line: int | None
    value: Plain
    lines: Mapping[At, int] = MappingProxyType({})

    def line_of(self, at: At) -> int | None:
        """Find the line of something within the value.

        Args:
            at: Where it stands.

        Returns:
            Its line, or that of the nearest thing around it that has one.
        """
        around = (at[:length] for length in range(len(at), 0, -1))
        return next((self.lines[each] for each in around if each in self.lines), self.line)


def read_entries(content: bytes, file: str) -> list[Entry]:
    """Read a YAML file that maps keys to values.

    Args:
        content: The file.
        file: What to call it in an error.

    Returns:
        The entries in the order of the file; none for an empty file.

    Raises:
        RulesUnreadable: The file is too large, not UTF-8, not YAML, not one mapping, gives a key twice, or uses
            anchors, aliases, tags or deep nesting.
    """
    text = _decoded(content, file)
    try:
        root = _Loader(text).get_single_node()
    except _Refused as refused:
        raise RulesUnreadable(file, (Problem(refused.line, None, refused.says),)) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise RulesUnreadable(file, (Problem(line, None, "a character stands here that YAML refuses"),)) from error
    except yaml.MarkedYAMLError as error:
        raise RulesUnreadable(file, (_syntax_problem(error),)) from error
    except (ValueError, OverflowError) as error:  # an escape or a version number that is no number
        raise RulesUnreadable(file, (Problem(None, None, "is not valid YAML"),)) from error
    if root is None or root.tag == _NULL:
        return []
    return _entries(root, file)


class _Refused(Exception):
    """YAML that is allowed elsewhere."""

    def __init__(self, line: int, says: str) -> None:
        super().__init__(says)
        self.line = line
        self.says = says


class _Loader(yaml.SafeLoader):
    """Composes nodes, refusing what could make a small file large or deep."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]  # as published in types-PyYAML
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            raise _Refused(line, "an alias (`*…`) stands here; write the value out")
        if event.anchor is not None:
            raise _Refused(line, "an anchor (`&…`) stands here; a rules file needs none")
        if event.tag is not None:
            raise _Refused(line, "a tag (`!…`) stands here; a rules file needs none")
        if self._depth == _DEEPEST:
            raise _Refused(line, "lists or keys are nested too deeply here")
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def _decoded(content: bytes, file: str) -> str:
    if len(content) > MOST_BYTES:
        says = f"the file has {len(content):,} bytes, and at most {MOST_BYTES:,} are read"
        raise RulesUnreadable(file, (Problem(None, None, says),))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise RulesUnreadable(file, (Problem(line, None, "the file has to be UTF-8, and is not"),)) from error


def _syntax_problem(error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    line = None if mark is None else mark.line + 1
    if isinstance(error, yaml.composer.ComposerError):
        return Problem(line, None, "a second document (`---`) begins here; one is enough")
    said = error.problem or error.context or "syntax error"
    if "'\\t'" in said:
        return Problem(line, None, "a tab stands here where YAML wants spaces")
    return Problem(line, None, f"is not valid YAML: {printable(said)}")


def _entries(root: yaml.Node, file: str) -> list[Entry]:
    if not isinstance(root, yaml.MappingNode):
        says = f"expected keys and values such as `max_critical: 0`, found {_kind(root)}"
        raise RulesUnreadable(file, (Problem(_line(root), None, says),))
    return [
        Entry(key, line, _plain(node, file), dict(_lines(node, ()))) for key, (line, node) in _named(root, file).items()
    ]


def _named(group: yaml.MappingNode, file: str) -> dict[str, tuple[int, yaml.Node]]:
    """Take keys and values apart: each key's line and value."""
    named: dict[str, tuple[int, yaml.Node]] = {}
    for key_node, value_node in group.value:
        line = _line(key_node)
        if not isinstance(key_node, yaml.ScalarNode):
            raise RulesUnreadable(file, (Problem(line, None, f"a key is {_kind(key_node)}, not a name"),))
        key = str(key_node.value)
        if key in named:
            says = f"`{printable(key)}` is given twice, first on line {named[key][0]}"
            raise RulesUnreadable(file, (Problem(line, printable(key), says),))
        named[key] = (line, value_node)
    return named


def _plain(node: yaml.Node, file: str) -> Plain:
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, file) for item in node.value]
    if isinstance(node, yaml.MappingNode):
        return {key: _plain(value, file) for key, (_, value) in _named(node, file).items()}
    return _scalar(node.tag.removeprefix(_TAG), str(node.value))


def _lines(node: yaml.Node, at: At) -> Iterator[tuple[At, int]]:
    """Walk what stands within a value, with its lines."""
    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield (*at, number), _line(item)
            yield from _lines(item, (*at, number))
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield (*at, str(key.value)), _line(key)
            yield from _lines(value, (*at, str(key.value)))


def _scalar(tag: str, written: str) -> Plain:
    if tag == "null":
        return None
    if tag == "bool":
        return written.lower() in _TRUE
    # YAML 1.1 reads 010 as eight and 1:30 as ninety; whoever wrote that meant something else.
    if tag == "int" and _DECIMAL.fullmatch(written):
        return int(written)
    if tag == "float":
        return _float(written)
    return written


def _float(written: str) -> Plain:
    try:
        return float(written.replace("_", ""))
    except ValueError:
        return written


def _kind(node: yaml.Node) -> str:
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    return "keys and values" if isinstance(node, yaml.MappingNode) else "a single value"


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
