"""Writes an executable that starts the stand-in with settings of its own.

Whoever runs a scanner gives it next to no environment, so what a trial or a test wants of the stand-in cannot be passed
on from outside; it stands in the executable instead.
"""

import shlex
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]


def write_launcher(path: Path, environment: dict[str, str] | None = None) -> Path:
    """Write a launcher that can be named as the scanner.

    Args:
        path: The file to write; an existing one is replaced.
        environment: Variables that the stand-in is to see, such as ``QSCANNER_STANDIN_FAULT``.

    Returns:
        The same path, now executable.
    """
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in (environment or {}).items())
    python, root = shlex.quote(sys.executable), shlex.quote(str(_ROOT))
    path.write_text(
        f'#!/bin/sh\n{exports}PYTHONPATH={root}\nexport PYTHONPATH\nexec {python} -P -S -s -m local.qscanner "$@"\n',
        encoding="utf-8",
    )
    path.chmod(0o755)
    return path
