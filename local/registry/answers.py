"""What handlers get and give, apart from HTTP's own machinery."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

_CHUNK_BYTES: Final = 1 << 16
JSON: Final = "application/json; charset=utf-8"


@dataclass(frozen=True)
class Call:
    """A request.

    Attributes:
        method: HTTP method.
        path: decoded, as it stands behind the host.
        query: the last value of each parameter.
        headers: names in lower case.
        body: to be read once.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: IO[bytes]

    @property
    def authorization(self) -> str:
        """The header ``Authorization``, or an empty text."""
        return self.headers.get("authorization", "")


@dataclass(frozen=True)
class FilePart:
    """Bytes of a file, which are read when they are sent."""

    path: Path
    start: int
    length: int

    def chunks(self) -> Iterator[bytes]:
        """Read them.

        Yields:
            Pieces in their order.
        """
        with self.path.open("rb") as file:
            file.seek(self.start)
            left = self.length
            while left and (chunk := file.read(min(left, _CHUNK_BYTES))):
                left -= len(chunk)
                yield chunk


@dataclass(frozen=True)
class Answer:
    """A response.

    Attributes:
        status: the HTTP status code.
        content: what is sent; for HEAD only its length.
        headers: all of them but Content-Length.
        length_known: whether Content-Length is sent; else the content comes in chunks.
    """

    status: int
    content: bytes | FilePart = b""
    headers: dict[str, str] = field(default_factory=dict)
    length_known: bool = True

    @property
    def length(self) -> int:
        """How many bytes the content has."""
        return len(self.content) if isinstance(self.content, bytes) else self.content.length

    def chunks(self) -> Iterator[bytes]:
        """Give the content in pieces.

        Yields:
            Pieces in their order.
        """
        if isinstance(self.content, bytes):
            yield self.content
        else:
            yield from self.content.chunks()

    def read(self) -> bytes:
        """Return the content in memory."""
        return b"".join(self.chunks())


def json_answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:  # noqa: ANN401 - JSON
    """Return an answer in JSON.

    Args:
        body: what to write.
        status: the HTTP status code.
        headers: further headers.
    """
    return Answer(status, json.dumps(body).encode(), {"Content-Type": JSON, **(headers or {})})
