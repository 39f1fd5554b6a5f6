"""The success criteria of agentless tasks: a small part of the pipelines' expression language.

"Invoke REST API task" of the Azure Pipelines documentation: an expression over ``root``, the answer's JSON, for example
``eq(root['status'], 'successful')``. Here are eq, ne, and, or, not; texts in single quotes, numbers, true and false;
comparison of texts ignores case, as in all expressions of pipelines.
"""

import re
from collections.abc import Callable
from typing import Any, Final

from local.devops.errors import invalid_argument

_TOKEN: Final = re.compile(r"\s*(?:('(?:[^']|'')*')|(-?\d+(?:\.\d+)?)|([A-Za-z]\w*)|([()\[\],]))")


def _same(one: object, other: object) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return one.casefold() == other.casefold()
    return type(one) is type(other) and one == other


_FUNCTIONS: Final[dict[str, Callable[..., bool]]] = {
    "eq": _same,
    "ne": lambda one, other: not _same(one, other),
    "and": lambda *all_of: all(all_of),
    "or": lambda *any_of: any(any_of),
    "not": lambda one: not one,
}
_DEPTH: Final = 20


def holds(expression: str, root: object) -> bool:
    """Tell whether an answer meets the criteria.

    Args:
        expression: the criteria.
        root: the answer's parsed JSON.

    Raises:
        ServiceError: 400 when the expression cannot be read.
    """
    reader = _Reader(expression, root)
    value = reader.value(0)
    if not reader.at_end:
        raise _unreadable(expression)
    return value is True


class _Reader:
    """Reads and computes an expression in one pass."""

    def __init__(self, expression: str, root: object) -> None:
        self._expression = expression
        self._root = root
        self._tokens = self._split()
        self._place = 0

    @property
    def at_end(self) -> bool:
        return self._place == len(self._tokens)

    def _split(self) -> list[str]:
        tokens, place, text = [], 0, self._expression.rstrip()
        while place < len(text):
            found = _TOKEN.match(text, place)
            if found is None:
                raise _unreadable(self._expression)
            tokens.append(found.group().strip())
            place = found.end()
        return tokens

    def _next(self, wanted: str | None = None) -> str:
        if self.at_end or (wanted is not None and self._tokens[self._place] != wanted):
            raise _unreadable(self._expression)
        self._place += 1
        return self._tokens[self._place - 1]

    def _sees(self, token: str) -> bool:
        return not self.at_end and self._tokens[self._place] == token

    def value(self, depth: int) -> Any:  # noqa: ANN401 - whatever JSON holds
        token = self._next()
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        if token[0] == "-" or token[0].isdigit():
            return float(token) if "." in token else int(token)
        word = token.lower()
        if word in {"true", "false"}:
            return word == "true"
        if word == "root":
            return self._member(depth)
        if word not in _FUNCTIONS or depth > _DEPTH:
            raise _unreadable(self._expression)
        return self._call(word, depth)

    def _member(self, depth: int) -> Any:  # noqa: ANN401 - whatever JSON holds
        found: Any = self._root
        while self._sees("["):
            self._next("[")
            key = self.value(depth + 1)
            self._next("]")
            if isinstance(found, dict) and isinstance(key, str):
                found = found.get(key)
            elif isinstance(found, list) and isinstance(key, int) and 0 <= key < len(found):
                found = found[key]
            else:
                found = None
        return found

    def _call(self, name: str, depth: int) -> bool:
        self._next("(")
        arguments = [self.value(depth + 1)]
        while self._sees(","):
            self._next(",")
            arguments.append(self.value(depth + 1))
        self._next(")")
        try:
            return _FUNCTIONS[name](*arguments)
        except TypeError:
            raise _unreadable(self._expression) from None


def _unreadable(expression: str) -> Exception:
    return invalid_argument("successCriteria", f"The expression {expression[:200]!r} could not be read.")
