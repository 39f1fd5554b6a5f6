"""Settings from the environment: a wrong one is named in one line, without its value."""

import subprocess
import sys
from typing import Any

import pytest

from scan_core.settings.deployment import Settings
from scan_core.settings.documentation import documentation
from scan_core.settings.loading import load
from tests.settings.environment import GOOD, problem, set_all


def test_good_settings_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names in lower case, addresses without a slash at the end."""
    set_all(monkeypatch)
    settings = load()
    found = settings.organisation(next(iter(settings.organisations)))  # type: ignore[arg-type]  # a name, as it is kept
    assert found is not None
    assert list(settings.organisations) == ["fabrikam"]
    assert (found.url, settings.public_url) == ("https://dev.azure.com/fabrikam", "https://gate.example")
    assert settings.organisation("contoso") is None  # type: ignore[arg-type]  # any name


@pytest.mark.parametrize("name", [name for name in GOOD if name != "STORAGE_CONNECTION"])
def test_a_missing_setting_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the name of its environment variable."""
    assert problem(monkeypatch, **{name: None}) == f"SCANGATE_{name}: is missing"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("ORGANISATIONS", "{not json", "expected JSON"),
        ("ORGANISATIONS", {}, "at least 1"),
        ("SIGNING_KEYS", ["short"], "at least 32 characters"),
        ("SIGNING_KEYS", [], "at least 1"),
        ("SIGNING_KEYS", ["k" * 32] * 3, "at most 2"),
        ("DEADLINE_SECONDS", "soon", "valid integer"),
        ("DEADLINE_SECONDS", "0", "greater than or equal to 1"),
        ("RUNNER", "hope", "'process'"),
        ("QUALYS_POD", "Mars", "pattern"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: Any, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what was expected."""
    line = problem(monkeypatch, **{name: value})
    assert line.startswith(f"SCANGATE_{name}")
    assert words in line


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"REPORT_LEASE_SECONDS": "30"}, ("REPORT_LEASE_SECONDS", "DEVOPS_TIMEOUT_SECONDS")),
        ({"DEVOPS_TIMEOUT_SECONDS": "90"}, ("REPORT_LEASE_SECONDS", "DEVOPS_TIMEOUT_SECONDS")),
        ({"HEARTBEAT_LIMIT_SECONDS": "30"}, ("HEARTBEAT_LIMIT_SECONDS", "HEARTBEAT_SECONDS")),
        ({"HEARTBEAT_SECONDS": "60"}, ("HEARTBEAT_LIMIT_SECONDS", "HEARTBEAT_SECONDS")),
        ({"UNREPORTED_LIMIT_SECONDS": "90"}, ("UNREPORTED_LIMIT_SECONDS", "REPORT_LEASE_SECONDS")),
        ({"LINK_DAYS": "1", "VERIFY_SECONDS": "17280"}, ("VERIFY_SECONDS", "LINK_DAYS")),
        ({"RETRY_SECONDS": "301"}, ("RETRY_SECONDS",)),
    ],
)
def test_clocks_that_cannot_both_be_meant_are_named(
    changes: dict[str, str], names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line that names both, before anything goes wrong slowly."""
    line = problem(monkeypatch, **changes)
    assert all(f"SCANGATE_{name}" in line for name in names)


def test_clocks_that_are_just_far_enough_apart_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits themselves."""
    set_all(monkeypatch, REPORT_LEASE_SECONDS="31", HEARTBEAT_LIMIT_SECONDS="31", UNREPORTED_LIMIT_SECONDS="32")
    assert load().report_lease_seconds == 31


class TestStorage:
    @pytest.mark.parametrize("changes", [{"STORAGE_CONNECTION": None}, {"STORAGE_ACCOUNT": "one"}])
    def test_is_named_in_one_way(self, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
        """By connection string or by account."""
        line = problem(monkeypatch, **changes)
        assert "exactly one of SCANGATE_STORAGE_CONNECTION and SCANGATE_STORAGE_ACCOUNT" in line


def test_reading_settings_brings_nothing_that_calls_a_registry() -> None:
    """Every cold start of the webhook reads them: what lists registries is there, what asks them is not."""
    program = (
        "import sys, scan_core.settings.loading;"
        "print(*sorted(name for name in sys.modules if name.startswith('scan_core.registry.')))"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["scan_core.registry.access"]


class TestDocumentation:
    def test_names_every_setting_with_its_default(self) -> None:
        """It is generated, so that it cannot be wrong."""
        text = documentation()
        for name, field in Settings.model_fields.items():
            assert f"| `SCANGATE_{name.upper()}` |" in text
            assert field.description
        assert "| `SCANGATE_DEADLINE_SECONDS` | `3600` |" in text
        assert "| `SCANGATE_PUBLIC_URL` | required |" in text

    def test_is_printed_by_the_module(self) -> None:
        """As the Makefile does."""
        done = subprocess.run([sys.executable, "-m", "scan_core.settings"], check=True, capture_output=True, text=True)
        assert done.stdout == documentation()
