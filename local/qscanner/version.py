"""What the stand-in calls itself."""

import os

NAME = "QScanner stand-in"
VERSION = "4.0.0"
NOTICE = "a local substitute for Qualys QScanner; its findings come from a small bundled list of public advisories"
VERSION_VARIABLE = "QSCANNER_STANDIN_VERSION"


def current_version() -> str:
    """Give the version to report.

    Returns:
        The stand-in's own, or what ``QSCANNER_STANDIN_VERSION`` says, so that a change of scanner can be rehearsed.
    """
    return os.environ.get(VERSION_VARIABLE) or VERSION


def full_name() -> str:
    """Give name, version and notice in one line."""
    return f"{NAME} {current_version()} ({NOTICE})"
