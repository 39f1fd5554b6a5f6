"""Finding known secrets in text, in every form they are likely to have been written in."""

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

MASK = "***"
SHORTEST = 6
"""Characters. Shorter texts are not looked for: they would be found by chance."""

# How many letters of each text are looked for at once; the rest is compared where they are found.
_BEGINNING = 4
_PERCENT = re.compile(r"%[0-9A-F]{2}")
_UNICODE_ESCAPE = re.compile(r"\\u[0-9a-f]{4}")
_RESERVED_IN_URLS = "!*'();:@&=+$,/?#[]~"
# Go's encoding/json writes these as escapes unless told otherwise (pkg.go.dev/encoding/json, HTMLEscape).
_ESCAPED_BY_GO = str.maketrans(
    {
        "<": "\\u003c",
        ">": "\\u003e",
        "&": "\\u0026",
        "\u2028": "\\u2028",
        "\u2029": "\\u2029",
    }
)
_BYTE_BITS = 8
_BASE64_BITS = 6


class Literals:
    """A set of texts that are found and masked wherever they stand."""

    def __init__(self, texts: Iterable[str]) -> None:
        """Take the texts to find; those shorter than `SHORTEST` are left out."""
        self._by_start: dict[str, list[str]] = {}
        kept = sorted({text for text in texts if len(text) >= SHORTEST}, key=len, reverse=True)
        for text in kept:
            self._by_start.setdefault(text[:SHORTEST], []).append(text)
        self._longest = len(kept[0]) if kept else 0
        # A look ahead, so that each place is found where several begin within each other.
        self._beginnings = re.compile(f"(?={_any_of({text[:_BEGINNING] for text in kept})})")

    def masked(self, text: str) -> str:
        """Mask one text.

        Args:
            text: Any text.

        Returns:
            The text with each stretch of known texts replaced by `MASK`.
        """
        if len(text) < SHORTEST or not self._by_start:
            return text
        return self._sweep(text, len(text), 0)[0]

    def masked_stream(self, chunks: Iterable[str]) -> Iterator[str]:
        """Mask a text that comes in pieces; a known text is found across their borders too.

        Args:
            chunks: The pieces, of any length.

        Yields:
            Pieces that together are what `masked` makes of the whole.
        """
        held, covered = "", 0
        for chunk in chunks:
            held += chunk
            # Before this point the longest text would be seen whole.
            decided = len(held) - max(self._longest - 1, 0)
            if decided > 0:
                done, covered = self._sweep(held, decided, covered)
                held = held[decided:]
                yield done
        yield self._sweep(held, len(held), covered)[0]

    def _sweep(self, text: str, stop: int, covered: int) -> tuple[str, int]:
        """Mask ``text[:stop]``, where everything before `covered` was masked already.

        Returns:
            The masked part, and how far behind `stop` the last mask reaches.
        """
        out: list[str] = []
        for start, end in self._hits(text, stop):
            if start >= covered:
                out += (text[covered:start], MASK)
            covered = max(covered, end)
        out.append(text[covered:stop])
        return "".join(out), max(covered - stop, 0)

    def _hits(self, text: str, stop: int) -> Iterator[tuple[int, int]]:
        for found in self._beginnings.finditer(text):
            start = found.start()
            if start >= stop:
                return
            for known in self._by_start.get(text[start : start + SHORTEST], ()):
                if text.startswith(known, start):
                    yield start, start + len(known)
                    break


def _any_of(words: set[str]) -> str:
    """Write a pattern that looks at each letter once, however many words there are."""
    by_letter: dict[str, set[str]] = {}
    for word in words:
        by_letter.setdefault(word[:1], set()).add(word[1:])
    branches = [re.escape(letter) + (_any_of(rest) if rest != {""} else "") for letter, rest in by_letter.items()]
    return f"(?:{'|'.join(sorted(branches))})"


def written_forms(value: str) -> set[str]:
    r"""Write a secret in the ways it may stand in a file.

    Args:
        value: The secret.

    Returns:
        The secret itself, escaped as JSON does (also twice, with ``\/``, and as Go does), percent-encoded, as HTML,
        in hex, and in base64 at any offset within a longer text.
    """
    encoded = value.encode("utf-8", "replace")
    forms = {value, html.escape(value), encoded.hex(), encoded.hex().upper()}
    forms |= _json_forms(value)
    forms |= {json.dumps(form)[1:-1] for form in _json_forms(value)}
    forms |= _percent_forms(value)
    forms |= _base64_forms(encoded)
    return forms


def _json_forms(value: str) -> set[str]:
    ascii_only, unicode = json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]
    forms = {ascii_only, unicode, ascii_only.translate(_ESCAPED_BY_GO), unicode.translate(_ESCAPED_BY_GO)}
    forms |= {form.replace("/", "\\/") for form in forms}
    utf16 = value.encode("utf-16-be", "replace")
    forms.add("".join(f"\\u{utf16[at : at + 2].hex()}" for at in range(0, len(utf16), 2)))
    upper = {_UNICODE_ESCAPE.sub(lambda found: f"\\u{found[0][2:].upper()}", form) for form in forms}
    return forms | upper


def _percent_forms(value: str) -> set[str]:
    safe = value.encode("utf-8", "replace")
    forms = {quote(safe, safe=""), quote(safe), quote_plus(safe), quote(safe, safe=_RESERVED_IN_URLS)}
    return forms | {_PERCENT.sub(lambda found: found[0].lower(), form) for form in forms}


def _base64_forms(value: bytes) -> set[str]:
    """Keep of each alignment the characters that the neighbours of the secret cannot change."""
    forms: set[str] = set()
    for before in range(3):
        whole = base64.b64encode(bytes(before) + value).decode()
        first = -(-before * _BYTE_BITS // _BASE64_BITS)
        last = (before + len(value)) * _BYTE_BITS // _BASE64_BITS
        core = whole[first:last]
        forms |= {core, core.translate(str.maketrans("+/", "-_"))}
    return forms
