"""Cases to feed to a reader: good documents, changed in their structure or in their bytes, by a seed and a number."""

import random
from collections.abc import Callable, Sequence
from typing import Any, Final

_ODD_VALUES: Final[Sequence[Any]] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2**31,
    2**63,
    -(2**70),
    10**400,
    1e308,
    0.1,
    "",
    " ",
    "0",
    "-1",
    "null",
    "true",
    "yes",
    "*x",
    "&a",
    "!!python/object:os.system",
    "é",
    "\u202egpj",
    "\x00",
    "\ufeff",
    "'",
    '"',
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "00000000-0000-0000-0000-000000000000",
    "a" * 300,
    [],
    {},
    [[]],
    [None],
    {"id": None},
    {"": ""},
)
_ODD_BYTES: Final = (
    b"\x00",
    b"\xff",
    b"\xfe\xff",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    b"\r\n",
    b"\t",
    b"{" * 50,
    b"[" * 300,
    b"]",
    b"}",
    b",",
    b":",
    b"- ",
    b"? ",
    b"---\n",
    b"...\n",
    b"&a ",
    b"*a",
    b"<<: ",
    b"!!binary ",
    b"\\u0000",
    b'"',
    b"'",
    b"%",
    b"|",
    b">",
    b"#",
    b"1e999",
    b"NaN",
    b"-0",
    b"0x1F",
    b"1_000",
    b"190:20:30",
)
_MOST = 6
_MOST_VALUES = 10_000
"""In a list that is repeated: one within the other, repeated again and again, would fill the memory."""


class Mutator:
    """Changes good documents. Each case has a source of randomness of its own, so it can be made again alone."""

    def __init__(self, seed: int, documents: Sequence[Any], write: Callable[[Any], bytes]) -> None:
        """Start from good documents.

        Args:
            seed: Decides everything, together with a case's number.
            documents: Good ones: mappings, lists and values.
            write: How a document is written.
        """
        self._seed = seed
        self._documents = documents
        self._write = write
        names = {name for document in documents for name in _names(document)}
        self._names = sorted(names)

    def case(self, number: int) -> bytes:
        """Make a case.

        Args:
            number: Which.

        Returns:
            What a stranger could send.
        """
        dice = random.Random(f"{self._seed} {number}")
        document = dice.choice(self._documents)
        structured = dice.random() < 0.5
        if structured:
            for _ in range(dice.randint(1, _MOST)):
                document = self._changed(document, dice)
        try:
            written = self._write(document)
        except (ValueError, RecursionError):  # what its format cannot hold
            written = self._write(self._documents[0])
        if structured and dice.random() < 0.8:
            return written
        for _ in range(dice.randint(1, _MOST)):
            written = self._garbled(written, dice)
        return written

    def _changed(self, value: Any, dice: random.Random) -> Any:
        """Change a document somewhere, without touching the one that was given."""
        if isinstance(value, dict) and value and dice.random() < 0.85:
            return self._changed_mapping(value, dice)
        if isinstance(value, list) and value and dice.random() < 0.7:
            place = dice.randrange(len(value))
            changed = [*value[:place], self._changed(value[place], dice), *value[place + 1 :]]
            times = dice.choice((1, 1, 1, 2, 40))
            return changed * times if times * _size(changed) <= _MOST_VALUES else changed
        return self._odd(dice)

    def _changed_mapping(self, value: dict[str, Any], dice: random.Random) -> dict[str, Any]:
        name = dice.choice(list(value))
        match dice.randrange(6):
            case 0:
                return {each: inner for each, inner in value.items() if each != name}
            case 1:
                return {**value, dice.choice(self._names): value[name]}
            case 2:
                return {**value, name + dice.choice(("s", " ", "\u200b", "Id")): self._odd(dice)}
            case 3:
                return {**value, name: {dice.choice(self._names): value[name]}}
            case _:
                return {**value, name: self._changed(value[name], dice)}

    @staticmethod
    def _odd(dice: random.Random) -> Any:
        odd = dice.choice(_ODD_VALUES)
        for _ in range(dice.choice((0, 0, 0, 1, 5, 120))):
            odd = [odd] if dice.random() < 0.5 else {"x": odd}
        return odd

    @staticmethod
    def _garbled(text: bytes, dice: random.Random) -> bytes:
        start = dice.randint(0, len(text))
        end = min(len(text), start + dice.choice((0, 1, 2, 8, 64, 1000)))
        match dice.randrange(6):
            case 0:
                return text[:start]
            case 1:
                return text[:start] + text[end:]
            case 2:
                return text[:start] + text[start:end] * dice.choice((2, 3, 50)) + text[end:]
            case 3:
                return text[:start] + bytes(dice.randrange(256) for _ in range(dice.randint(1, 12))) + text[end:]
            case 4 if text:
                place = dice.randrange(len(text))
                return text[:place] + bytes([text[place] ^ (1 << dice.randrange(8))]) + text[place + 1 :]
            case _:
                return text[:start] + dice.choice(_ODD_BYTES) * dice.choice((1, 1, 20)) + text[end:]


def _size(value: Any) -> int:
    """Count the values in a document."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(_size(each) for each in inner)


def _names(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [*value, *(name for inner in value.values() for name in _names(inner))]
    return [name for inner in value for name in _names(inner)] if isinstance(value, list) else []
