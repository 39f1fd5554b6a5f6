"""The pinned requirements: what Azure installs, and what the tests install on top."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PINNED = ["requirements.txt", "requirements-dev.txt"]
PIN = re.compile(r"^([a-z0-9][a-z0-9.-]*(?:\[[a-z,-]+\])?)==(\S+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    """Return package name to version, as a compiled file pins them."""
    return dict(PIN.findall((ROOT / name).read_text()))


@pytest.mark.parametrize("name", PINNED)
def test_every_requirement_carries_a_hash(name: str) -> None:
    """An archive that was changed after it was pinned is not installed."""
    text = (ROOT / name).read_text()
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(entries) == len(pins(name)) > 0
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("name", [*PINNED, "requirements.in", "requirements-dev.in"])
def test_no_requirement_names_a_host_or_a_path(name: str) -> None:
    """Where packages come from is the machine's business, so that mirrors work."""
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert "--index-url" not in text
    assert "--find-links" not in text


def test_the_tests_run_the_versions_that_azure_installs() -> None:
    """Every runtime pin stands in the development pins with the same version."""
    runtime, development = pins("requirements.txt"), pins("requirements-dev.txt")
    assert runtime.items() <= development.items()


def test_every_direct_requirement_is_pinned() -> None:
    """A package added to requirements.in without `make lock` is noticed."""
    wanted = {
        re.split(r"[\[=<>~]", line)[0].lower()
        for line in (ROOT / "requirements.in").read_text().splitlines()
        if line and not line.startswith("#")
    }
    assert wanted <= pins("requirements.txt").keys()


def test_the_worker_engine_is_the_one_the_local_host_was_written_for() -> None:
    """The engine's interface is half private, so its version is exact in what people edit."""
    assert "azure-functions-runtime==1.3.0" in (ROOT / "requirements.in").read_text().splitlines()
