"""Finding the scanner's version."""

import pytest

from scan_core.qscanner.version import scanner_version


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("4.6.0", "4.6.0"),
        ("qscanner version v4.6.0-12+b.3\nbuilt with go1.22.3", "4.6.0-12+b.3"),
        ("QScanner 4.6", "4.6"),
        ("QScanner 4.6.", "4.6"),
        ("go1.22.3", None),
        ("nightly", None),
        ("", None),
        (" " * 20_000 + "1.2.3", None),
    ],
)
def test_the_first_version_number_is_taken(text: str, version: str | None) -> None:
    """A number that is part of another word is not one."""
    assert scanner_version(text) == version
