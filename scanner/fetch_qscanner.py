"""Fetches QScanner while the scanner image is built, and lets nothing in but the program with the sum asked for.

``python fetch_qscanner.py TARGET``, with ``QSCANNER_URL`` and ``QSCANNER_SHA256`` in the environment. The sum is that
of the program itself, as the worker checks it again later; what is fetched may be the program, the program in gzip, or
a gzipped tar archive with a file named ``qscanner``. Proxies are those of the environment.
"""

import gzip
import hashlib
import io
import os
import re
import sys
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

_MOST_BYTES: Final = 1024**3
_SECONDS: Final = 120.0
"""How long the server may be silent."""
_GZIP: Final = b"\x1f\x8b"


class Refused(Exception):
    """QScanner could not be had, or is not what was asked for; the message is one line without the address."""


def main(argv: list[str]) -> int:
    """Fetch, check and write the program.

    Args:
        argv: Where to write it.

    Returns:
        The exit code.
    """
    try:
        wanted = sum_of(os.environ)
        write(Path(argv[0]), checked(program(fetched(os.environ.get("QSCANNER_URL", ""))), wanted))
    except Refused as refused:
        sys.stderr.write(f"QScanner: {refused}\n")
        return 1
    return 0


def sum_of(variables: Mapping[str, str]) -> str:
    """Read what sum the program has to have.

    Args:
        variables: The environment.

    Returns:
        The SHA-256, lower case.

    Raises:
        Refused: There is none.
    """
    wanted = variables.get("QSCANNER_SHA256", "").lower()
    if not re.fullmatch("[0-9a-f]{64}", wanted):
        raise Refused("QSCANNER_SHA256 has to be the program's SHA-256, 64 hex digits")
    return wanted


def fetched(url: str) -> bytes:
    """Fetch a file.

    Args:
        url: Its address.

    Returns:
        What it holds.

    Raises:
        Refused: It cannot be had, or is too large.
    """
    if urlsplit(url).scheme not in {"http", "https"}:
        raise Refused("QSCANNER_URL has to be the https address of the program")
    try:
        with urlopen(url, timeout=_SECONDS) as answer:  # noqa: S310 - the scheme was checked; the sum is what counts
            content: bytes = answer.read(_MOST_BYTES + 1)
    except HTTPError as error:
        raise Refused(f"the server of QSCANNER_URL answered {error.code}") from None
    except (URLError, OSError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        raise Refused(f"the server of QSCANNER_URL could not be reached: {reason}") from None
    return _bounded(content)


def program(content: bytes) -> bytes:
    """Take the program out of what was fetched.

    Args:
        content: The program, or one of the archives that it may come in.

    Returns:
        The program.

    Raises:
        Refused: An archive is damaged, or has no program in it.
    """
    if not content.startswith(_GZIP):
        return content
    try:
        with gzip.open(io.BytesIO(content)) as unpacked:
            plain = _bounded(unpacked.read(_MOST_BYTES + 1))
        if not tarfile.is_tarfile(io.BytesIO(plain)):
            return plain
        with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
            return _member(archive)
    except (OSError, EOFError, zlib.error, tarfile.TarError):
        raise Refused("what stands at QSCANNER_URL is a damaged archive") from None


def checked(content: bytes, wanted: str) -> bytes:
    """Make sure that a program is the one that was asked for.

    Args:
        content: The program.
        wanted: Its SHA-256, hex.

    Returns:
        The program.

    Raises:
        Refused: It is another one.
    """
    actual = hashlib.sha256(content).hexdigest()
    if actual != wanted:
        raise Refused(f"the program's SHA-256 is {actual}, and QSCANNER_SHA256 says {wanted}")
    return content


def write(target: Path, content: bytes) -> None:
    """Write the program, for everybody to run and for nobody but root to change.

    Args:
        target: Where.
        content: The program.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    target.chmod(0o755)


def _member(archive: tarfile.TarFile) -> bytes:
    for entry in archive:
        if entry.isfile() and PurePosixPath(entry.name).name == "qscanner":
            file = archive.extractfile(entry)
            return file.read() if file is not None else b""
    raise Refused("the archive at QSCANNER_URL has no file named qscanner")


def _bounded(content: bytes) -> bytes:
    if len(content) > _MOST_BYTES:
        raise Refused(f"what stands at QSCANNER_URL is larger than {_MOST_BYTES:,} bytes")
    return content


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
