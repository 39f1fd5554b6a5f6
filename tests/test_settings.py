"""Settings from the environment: a wrong one is named in one line, without its value."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from scan_core.settings import Settings, SettingsInvalid, documentation, load

SECRET = "a-hook-secret-of-the-test"
CONNECTION = (
    "DefaultEndpointsProtocol=http;AccountName=one;AccountKey=bm90IGEgcmVhbCBrZXk=;BlobEndpoint=http://127.0.0.1:1/one;"
)
GOOD: dict[str, Any] = {
    "ORGANISATIONS": {"Fabrikam": {"url": "https://dev.azure.com/fabrikam/", "hook_secrets": [SECRET]}},
    "PUBLIC_URL": "https://gate.example/",
    "SIGNING_KEYS": ["k" * 32],
    "STORAGE_CONNECTION": CONNECTION,
}


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every setting of this machine away."""
    for name in [name for name in os.environ if name.startswith("SCANGATE_")]:
        monkeypatch.delenv(name)


def set_all(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """Set good settings with some changed; None takes one away."""
    for name, value in {**GOOD, **changes}.items():
        if value is not None:
            monkeypatch.setenv(f"SCANGATE_{name}", value if isinstance(value, str) else json.dumps(value))


def problem(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> str:
    """Load settings with some changed, and give the one line that says what is wrong."""
    set_all(monkeypatch, **changes)
    with pytest.raises(SettingsInvalid) as caught:
        load()
    line = str(caught.value)
    assert "\n" not in line
    assert SECRET not in line
    return line


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


class TestOrganisations:
    @pytest.mark.parametrize(
        "url", ["http://dev.azure.com/x", "https://me@dev.azure.com/x", "https://x/?y=1", "ftp://x"]
    )
    def test_are_reached_by_https_alone(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """The error names the organisation, too."""
        line = problem(monkeypatch, ORGANISATIONS={"fabrikam": {"url": url}})
        assert line.startswith("SCANGATE_ORGANISATIONS (fabrikam.url): expected https://")

    def test_may_be_on_this_machine(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A simulator has no certificate."""
        set_all(monkeypatch, ORGANISATIONS={"x": {"url": "http://127.0.0.1:8080/x/"}})
        assert load().organisations["x"].url == "http://127.0.0.1:8080/x"

    @pytest.mark.parametrize("name", ["", "two words", "dev.azure.com/fabrikam", "-first", "ä", "x" * 51])
    def test_have_names_that_azure_devops_allows(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """A name that no event can carry would never be found."""
        line = problem(monkeypatch, ORGANISATIONS={name: {"url": "https://dev.azure.com/x"}})
        assert line.startswith("SCANGATE_ORGANISATIONS: ")
        assert repr(name) in line

    def test_cannot_differ_in_case_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """One of the two would silently lose its secrets."""
        both = {"Fabrikam": {"url": "https://dev.azure.com/a"}, "fabrikam": {"url": "https://dev.azure.com/b"}}
        line = problem(monkeypatch, ORGANISATIONS=both)
        assert line.startswith("SCANGATE_ORGANISATIONS: 'fabrikam' stands there twice")

    def test_take_no_unknown_keys(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A misspelled secret would leave the hook closed."""
        wrong = {"fabrikam": {"url": "https://dev.azure.com/x", "hook_secret": SECRET}}
        assert "fabrikam.hook_secret" in problem(monkeypatch, ORGANISATIONS=wrong)

    def test_have_two_live_secrets_at_most(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """One, and the next one."""
        wrong = {"fabrikam": {"url": "https://dev.azure.com/x", "hook_secrets": [SECRET] * 3}}
        assert "fabrikam.hook_secrets" in problem(monkeypatch, ORGANISATIONS=wrong)


class TestStorage:
    @pytest.mark.parametrize("changes", [{"STORAGE_CONNECTION": None}, {"STORAGE_ACCOUNT": "one"}])
    def test_is_named_in_one_way(self, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
        """By connection string or by account."""
        line = problem(monkeypatch, **changes)
        assert "exactly one of SCANGATE_STORAGE_CONNECTION and SCANGATE_STORAGE_ACCOUNT" in line


JOB = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/gate/providers/Microsoft.App/jobs/scangate-scan"
)


class TestRunners:
    @pytest.mark.parametrize(
        ("changes", "missing"),
        [
            ({"RUNNER": "container_apps"}, "SCANGATE_JOB_RESOURCE_ID"),
            ({"RUNNER": "container", "DEVOPS_PAT": "x"}, "SCANGATE_SCANNER_IMAGE"),
            ({"RUNNER": "container", "SCANNER_IMAGE": "scangate/scanner"}, "SCANGATE_DEVOPS_PAT"),
        ],
    )
    def test_name_what_else_they_need(
        self, changes: dict[str, Any], missing: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Before the first worker fails to start."""
        assert f"needs {missing}" in problem(monkeypatch, **changes)

    @pytest.mark.parametrize(
        "changes",
        [
            {"RUNNER": "none"},
            {"RUNNER": "container_apps", "JOB_RESOURCE_ID": JOB, "MANAGEMENT_ENDPOINT": "http://127.0.0.1:1"},
            {"RUNNER": "container", "SCANNER_IMAGE": "scangate/scanner", "DEVOPS_PAT": "x"},
        ],
    )
    def test_are_content_with_that(self, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
        """Each in its own way."""
        set_all(monkeypatch, **changes)
        assert load().runner == changes["RUNNER"]

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("JOB_RESOURCE_ID", "scangate-scan"),
            ("MANAGEMENT_ENDPOINT", "http://management.example"),
            ("MANAGEMENT_ENDPOINT", "https://127.0.0.1"),
        ],
    )
    def test_refuse_addresses_that_are_none(self, name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """And say what was expected."""
        assert problem(monkeypatch, **{name: value}).startswith(f"SCANGATE_{name}: expected ")


class TestSecrets:
    def test_are_all_listed_for_redaction(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The account's key also on its own, as it stands in other places."""
        set_all(monkeypatch, DEVOPS_PAT="the-pat-of-the-test")
        plain = load().secrets()
        for secret in (SECRET, "the-pat-of-the-test", "k" * 32, CONNECTION, "bm90IGEgcmVhbCBrZXk="):
            assert secret in plain
        assert not any(part in plain for part in ("one", "AccountName=one", "http", ""))

    def test_are_not_shown(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Settings may end in a log by accident."""
        set_all(monkeypatch, DEVOPS_PAT="the-pat-of-the-test")
        shown = repr(load())
        assert SECRET not in shown
        assert "the-pat-of-the-test" not in shown
        assert "bm90" not in shown


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
