"""Reading JSON that someone else wrote, event by event, in bounded memory and with one kind of error."""

import re
from collections import deque
from collections.abc import Iterator
from decimal import Decimal
from typing import BinaryIO

import ijson  # type: ignore[import-untyped]  # published without type information

type Scalar = str | int | Decimal | bool | None
type Json = Scalar | list[Json] | dict[str, Json]

# A text or number longer than this is not something QScanner writes, and the parser would hold it whole.
LONGEST_TOKEN_BYTES = 16 * 1024 * 1024
DEEPEST_NESTING = 100
_CHUNK_BYTES = 64 * 1024
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# Python reads no longer whole number (its limit is 4300 digits), and ijson's C backend loses the error.
_LONG_NUMBER = b"0" * 4000
_DIGITS = b"0123456789"
_DIGITS_TO_ZEROS = bytes.maketrans(_DIGITS, b"0" * 10)
_ESCAPED = re.compile(rb"\\.", re.DOTALL)


class JsonUnreadable(Exception):
    """A document is not JSON, or is built to hurt its reader. The message completes "The report …"."""


class JsonEvents:
    """The events of one JSON document: ``start_map``, ``map_key``, ``string`` and so on, as ijson names them.

    Every method raises `JsonUnreadable` where the document is not one whole JSON value, nests deeper than
    `DEEPEST_NESTING` or holds a token longer than `LONGEST_TOKEN_BYTES`.
    """

    def __init__(self, stream: BinaryIO) -> None:
        """Start at the stream's current position."""
        self._events = _checked(stream)

    def __iter__(self) -> Iterator[tuple[str, Scalar]]:
        """Walk all remaining events."""
        return self._events

    def next(self) -> tuple[str, Scalar]:
        """Take the next event.

        Returns:
            Its name and value.
        """
        return next(self._events)

    def finish(self) -> None:
        """Check that nothing but space follows the value that was read."""
        deque(self._events, maxlen=0)

    def members(self) -> Iterator[str]:
        """Walk the members of an object whose ``start_map`` was just taken.

        Yields:
            Each key; the caller takes the whole value before asking for the next one.
        """
        while (event := self.next())[0] != "end_map":
            yield str(event[1])

    def items(self) -> Iterator[tuple[str, Scalar]]:
        """Walk the items of an array whose ``start_array`` was just taken.

        Yields:
            The first event of each item; the caller takes the rest of the item before asking for the next one.
        """
        while (event := self.next())[0] != "end_array":
            yield event

    def skip(self, first: tuple[str, Scalar] | None = None) -> None:
        """Pass over one value.

        Args:
            first: The value's first event, if it was already taken.
        """
        depth = 0
        event = first or self.next()
        while True:
            if event[0].startswith("start_"):
                depth += 1
            elif event[0].startswith("end_"):
                depth -= 1
            if depth == 0:
                return
            event = self.next()

    def value(self, first: tuple[str, Scalar] | None = None, *, most_nodes: int = 100_000) -> Json:
        """Build one value in memory.

        Args:
            first: The value's first event, if it was already taken.
            most_nodes: How many objects, arrays, keys and scalars it may be made of.

        Returns:
            The value; of equal keys in an object the last one counts.
        """
        budget = _Budget(most_nodes)
        return self._build(first or self.next(), budget)

    def _build(self, event: tuple[str, Scalar], budget: "_Budget") -> Json:
        budget.spend()
        name, scalar = event
        if name == "start_map":
            return {key: self._build(self.next(), budget) for key in self.members()}
        if name == "start_array":
            return [self._build(item, budget) for item in self.items()]
        return scalar


class _Budget:
    """Counts down the nodes that one value may be made of."""

    def __init__(self, nodes: int) -> None:
        self._left = nodes

    def spend(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise JsonUnreadable("has an entry that is too large to be one")


class _BoundedTokens:
    """A stream that refuses a token too long to be held, before the parser starts to hold it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._started = False
        self._escaped = False
        self._run = 0
        self._digits = b""

    def read(self, size: int) -> bytes:
        if size == 0:  # ijson asks for nothing once, to learn whether it gets bytes
            return b""
        chunk = self._stream.read(min(size, _CHUNK_BYTES))
        if not self._started:
            self._started = True
            chunk = chunk.removeprefix(_BYTE_ORDER_MARK)
        self._measure(chunk)
        self._check_numbers(chunk)
        return chunk

    def _measure(self, chunk: bytes) -> None:
        """Measure from quote to quote: what stands between two is one text, or short punctuation and numbers."""
        if self._escaped:
            chunk = b"x" + chunk[1:]
        plain = _ESCAPED.sub(b"xx", chunk)
        self._escaped = plain.endswith(b"\\")
        before_first, *after = plain.split(b'"')
        self._run += len(before_first)
        if self._run > LONGEST_TOKEN_BYTES:
            raise JsonUnreadable("holds a text longer than 16 MiB")
        if after:
            self._run = len(after[-1])

    def _check_numbers(self, chunk: bytes) -> None:
        joined = self._digits + chunk
        if _LONG_NUMBER in joined.translate(_DIGITS_TO_ZEROS):
            raise JsonUnreadable("holds a number of thousands of digits")
        self._digits = joined[len(joined.rstrip(_DIGITS)) :]


def _checked(stream: BinaryIO) -> Iterator[tuple[str, Scalar]]:
    depth = 0
    # What is not a JSONError comes from numbers with an absurd exponent.
    try:
        for name, value in ijson.basic_parse(_BoundedTokens(stream), buf_size=_CHUNK_BYTES):
            if name in {"start_map", "start_array"}:
                depth += 1
                if depth > DEEPEST_NESTING:
                    raise JsonUnreadable(f"nests deeper than {DEEPEST_NESTING} levels")
            elif name in {"end_map", "end_array"}:
                depth -= 1
            yield name, value
    except ijson.IncompleteJSONError as error:
        raise JsonUnreadable(_in_words(str(error))) from error
    except (ijson.JSONError, ValueError, ArithmeticError) as error:
        raise JsonUnreadable("is not JSON") from error


def _in_words(parser_message: str) -> str:
    """Name what the parser complains about, without its excerpt: the excerpt may hold a secret."""
    if "premature EOF" in parser_message or "Incomplete" in parser_message:
        return "ends in the middle"
    if "trailing garbage" in parser_message or "Additional data" in parser_message:
        return "goes on after its end"
    return "is not JSON"
