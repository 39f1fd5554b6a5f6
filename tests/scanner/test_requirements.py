"""What the scanner image installs from PyPI."""

import re

from tests.scanner.dockerfile import ROOT

PIN = re.compile(r"^([a-z0-9][a-z0-9.-]*)==(\S+)", re.MULTILINE)
TEXT = (ROOT / "requirements-worker.txt").read_text()


def test_every_package_is_pinned_with_its_hash() -> None:
    """An archive that was changed after it was pinned is not installed."""
    entries = re.split(r"^(?=[a-z0-9])", TEXT, flags=re.MULTILINE)[1:]
    assert len(entries) == len(PIN.findall(TEXT)) > 0
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_the_worker_runs_on_what_the_tests_ran_on() -> None:
    """Every version is that of the function app, which the development environment has too."""
    runtime = dict(PIN.findall((ROOT / "requirements.txt").read_text()))
    assert dict(PIN.findall(TEXT)).items() <= runtime.items()


def test_no_host_is_named() -> None:
    """Where packages come from is said by pip's own configuration."""
    for text in (TEXT, (ROOT / "requirements-worker.in").read_text()):
        assert "://" not in text
        assert "index-url" not in text
