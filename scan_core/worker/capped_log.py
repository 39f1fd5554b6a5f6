"""Keeping the beginning and the end of what a program prints, however much that is."""

from collections import deque
from typing import Final

_LEFT_OUT: Final = "\n… {count:,} bytes of the log were left out here …\n"


class CappedLog:
    """The first and the last part of a stream of bytes, in bounded memory."""

    def __init__(self, most_bytes: int) -> None:
        """Start with nothing.

        Args:
            most_bytes: How much may be kept, half of it from the beginning and half from the end.
        """
        self._half = max(most_bytes // 2, 1)
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._tail_bytes = 0
        self._left_out = 0

    def write(self, data: bytes) -> None:
        """Take what was printed next.

        Args:
            data: Any number of bytes.
        """
        room = self._half - len(self._head)
        self._head += data[:room]
        rest = data[room:] if room < len(data) else b""
        if not rest:
            return
        if len(rest) > self._half:
            self._left_out += len(rest) - self._half
            rest = rest[-self._half :]
        self._tail.append(rest)
        self._tail_bytes += len(rest)
        while self._tail_bytes - len(self._tail[0]) >= self._half:
            dropped = len(self._tail.popleft())
            self._tail_bytes -= dropped
            self._left_out += dropped

    def content(self) -> bytes:
        """Put together what was kept.

        Returns:
            Everything, or the whole first and the whole last lines with a note of what was left out between them. A cut
            falls between lines: half a secret would not be recognised as one.
        """
        tail = b"".join(self._tail)
        cut = len(tail) - self._half
        if not self._left_out and cut <= 0:
            return bytes(self._head) + tail
        tail = tail[max(cut, 0) :]
        first = bytes(self._head[: self._head.rfind(b"\n") + 1])
        start = tail.find(b"\n") + 1
        last = tail[start:] if start else b""
        count = self._left_out + max(cut, 0) + len(self._head) - len(first) + len(tail) - len(last)
        return first + _LEFT_OUT.format(count=count).encode() + last
