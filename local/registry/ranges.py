"""Files as answers, and the header ``Range`` for one range of bytes (RFC 9110, section 14)."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from local.registry.answers import Answer, Call, FilePart
from local.registry.errors import Refused

_ONE: Final = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})", re.IGNORECASE)


class NotSatisfiable(ValueError):
    """There are no such bytes."""


def asked_range(header: str, size: int) -> tuple[int, int] | None:
    """Read which bytes are asked for.

    Args:
        header: the header's value; empty where there is none.
        size: how many bytes there are.

    Returns:
        The first and the last byte; nothing for all of them, also where the header is no single range of bytes.

    Raises:
        NotSatisfiable: the range begins behind the end, or is the last none.
    """
    match = _ONE.fullmatch("".join(header.split()))
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if first and last and int(last) < int(first):
        return None
    start = int(first) if first else max(0, size - int(last))
    end = min(size - 1, int(last)) if first and last else size - 1
    if start > end:
        raise NotSatisfiable(header)
    return start, end


def file_answer(call: Call, path: Path, headers: Mapping[str, str]) -> Answer:
    """Answer with a file, or with the part of it that is asked for.

    Args:
        call: the request.
        path: the file.
        headers: further headers.

    Raises:
        Refused: 416, the part is not there.
    """
    size = path.stat().st_size
    all_headers = {"Content-Type": "application/octet-stream", "Accept-Ranges": "bytes", **headers}
    try:
        part = asked_range(call.headers.get("range", "") if call.method == "GET" else "", size)
    except NotSatisfiable:
        limits = {"Content-Range": f"bytes */{size}"}
        raise Refused(416, "RANGE_INVALID", f"there are {size} bytes", headers=limits) from None
    if part is None:
        return Answer(200, FilePart(path, 0, size), all_headers)
    first, last = part
    all_headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    return Answer(206, FilePart(path, first, last - first + 1), all_headers)
