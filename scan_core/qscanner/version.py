"""Which QScanner this is."""

import re

# "4.6.0", "v4.6.0-12", "qscanner version 4.6.0+build.7"; the exact wording of `qscanner version` is not documented.
_VERSION = re.compile(r"(?<![\w.])v?(\d{1,6}\.\d{1,6}(?:\.\d{1,6}){0,3}(?:[-+][0-9A-Za-z][0-9A-Za-z.+-]{0,40})?)")
_LONGEST_OUTPUT = 10_000


def scanner_version(text: str) -> str | None:
    """Find a version number in what QScanner prints about itself, or in its report.

    Args:
        text: The output of ``qscanner version`` or a SARIF driver's version; only its first 10,000 characters are read.

    Returns:
        The first version number without a leading ``v``, or None where there is none.
    """
    found = _VERSION.search(text[:_LONGEST_OUTPUT])
    return found[1].rstrip(".+-") if found else None
