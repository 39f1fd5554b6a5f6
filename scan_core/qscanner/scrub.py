"""Taking secrets out of everything a scan leaves, before any of it is stored."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from scan_core.qscanner.json_stream import JsonUnreadable, Scalar
from scan_core.qscanner.literals import MASK, Literals, written_forms
from scan_core.qscanner.secret_fields import Place, placed_events

_CHUNK_BYTES = 64 * 1024
# User information of a URL (RFC 3986, 3.2.1), also where JSON escaped its slashes.
_USERINFO = re.compile(r"(:(?:\\?/){2})[^\s/?#\"'<>\\]{1,1024}@")
_AUTHORIZATION = re.compile(
    r"(authorization[\"'\\]{0,2}\s{0,5}[:=]\s{0,5}[\"'\\]{0,2}(?:basic|bearer)\s{1,5})[\w+/=.~-]{1,8192}",
    re.IGNORECASE | re.ASCII,
)
# Variables that QScanner documents for logins, as a log or an inventory may repeat them.
_VARIABLES = re.compile(
    r"((?:QUALYS_ACCESS_TOKEN|QSCANNER_REGISTRY_(?:TOKEN|PASSWORD)|AZURE_CLIENT_SECRET)"
    r"[\"'\\]{0,2}\s{0,5}[:=]\s{0,5}[\"'\\]{0,2})[^\s\"'\\,;]{1,8192}",
    re.ASCII,
)
_PATTERNS = (_USERINFO, _AUTHORIZATION, _VARIABLES)
# More characters than any of the patterns can match.
_HOLD_BACK = 8_300
# A longer secret is looked for in pieces, so that little text has to be held back and few forms of it kept.
_LONGEST_PIECE = 2_000
_SHORTEST_PART = 16


class Scrubber:
    """Replaces known secrets, credentials in URLs and authorization headers by ``***``."""

    def __init__(self, values: Iterable[str]) -> None:
        """Take the secrets to hide: the Qualys token, and what `secret_values` found. Short ones are ignored."""
        self._values = {form for value in values for form in (value, value.strip()) if form}
        forms = {form for value in self._values for piece in _pieces(value) for form in written_forms(piece)}
        self._texts = Literals(forms)
        # Bytes that are no text in particular are searched as Latin-1, where each byte is a character.
        self._bytes = Literals(form.encode("utf-8", "replace").decode("latin-1") for form in forms)

    def scrub_text(self, text: str) -> str:
        """Scrub a short text, such as an error message.

        Args:
            text: Any text.

        Returns:
            The text without secrets.
        """
        return _without_credentials(self._texts.masked(text))

    def scrub_stream(self, source: BinaryIO, sink: BinaryIO) -> None:
        """Scrub a file of any size in bounded memory.

        A whole JSON document is rewritten, compactly and as valid JSON: fields that hold a found secret are blanked,
        and secrets are found however they were escaped. Anything else, such as a log or half a document, is read as
        text.

        Args:
            source: The file, seekable, from its current position.
            sink: Where the scrubbed copy goes.
        """
        start = source.tell()
        is_json = _is_json(source)
        source.seek(start)
        if is_json:
            self._scrub_json(source, sink)
        else:
            self._scrub_bytes(source, sink)

    def _scrub_bytes(self, source: BinaryIO, sink: BinaryIO) -> None:
        chunks = (chunk.decode("latin-1") for chunk in iter(lambda: source.read(_CHUNK_BYTES), b""))
        sink.writelines(piece.encode("latin-1") for piece in _credentials_masked(self._bytes.masked_stream(chunks)))

    def _scrub_json(self, source: BinaryIO, sink: BinaryIO) -> None:
        held: list[str] = []
        size = 0
        for piece in self._rewritten(source):
            held.append(piece)
            size += len(piece)
            if size >= _CHUNK_BYTES:
                sink.write("".join(held).encode())
                held, size = [], 0
        sink.write("".join([*held, "\n"]).encode())

    def _rewritten(self, source: BinaryIO) -> Iterator[str]:
        separator = ""
        for name, value, place in placed_events(source):
            if name in {"end_map", "end_array"}:
                yield "}" if name == "end_map" else "]"
                separator = ","
                continue
            yield separator
            if name == "map_key":
                yield f"{json.dumps(self.scrub_text(str(value)), ensure_ascii=False)}:"
                separator = ""
            elif name in {"start_map", "start_array"}:
                yield "{" if name == "start_map" else "["
                separator = ""
            else:
                yield self._scalar(value, place)
                separator = ","

    def _scalar(self, value: Scalar, place: Place) -> str:
        if place.hides(value):
            return f'"{MASK}"'
        if isinstance(value, str):
            return json.dumps(self.scrub_text(value), ensure_ascii=False)
        if value is None or isinstance(value, bool):
            return json.dumps(value)
        return f'"{MASK}"' if str(value) in self._values else str(value)


def token_secrets(token: str) -> frozenset[str]:
    """Say what has to be hidden of a token, such as a registry's pull token.

    Args:
        token: The token.

    Returns:
        The token, and of a JSON web token (RFC 7519) also its claims and its signature, which a log may quote alone.
    """
    _, *parts = token.split(".")
    return frozenset({token, *(part for part in parts if len(part) >= _SHORTEST_PART)} - {""})


def _pieces(value: str) -> Iterator[str]:
    """Cut a secret; each piece is long enough to be looked for, if the whole is."""
    while len(value) > 2 * _LONGEST_PIECE:
        yield value[:_LONGEST_PIECE]
        value = value[_LONGEST_PIECE:]
    yield value


def _is_json(source: BinaryIO) -> bool:
    try:
        for _ in placed_events(source):
            pass
    except JsonUnreadable:
        return False
    return True


def _without_credentials(text: str) -> str:
    if "@" in text:
        text = _USERINFO.sub(rf"\1{MASK}@", text)
    if "_" in text:
        text = _VARIABLES.sub(rf"\1{MASK}", text)
    return _AUTHORIZATION.sub(rf"\1{MASK}", text)


def _credentials_masked(chunks: Iterable[str]) -> Iterator[str]:
    """Mask credentials in a text that comes in pieces, holding back as much as the longest one may take."""
    held = ""
    for chunk in chunks:
        held += chunk
        decided = len(held) - _HOLD_BACK
        if decided <= 0:
            continue
        cut = decided
        for begin, end in sorted(found.span() for pattern in _PATTERNS for found in pattern.finditer(held)):
            if begin < cut:
                cut = max(cut, end)
        yield _without_credentials(held[:cut])
        held = held[cut:]
    yield _without_credentials(held)
