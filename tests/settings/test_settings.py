"""Settings from the environment: a wrong one is named in one line, without its value."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from scan_core.model.ids import OrganisationName
from scan_core.model.image import Login
from scan_core.settings.deployment import Settings
from scan_core.settings.documentation import documentation
from scan_core.settings.loading import SettingsInvalid, load

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


class TestChecks:
    def test_have_secrets_and_keys_of_their_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Two of each while one is being replaced."""
        described = {"url": "https://dev.azure.com/x", "hook_secrets": [SECRET], "check_secrets": ["c" * 20, "d" * 20]}
        set_all(monkeypatch, ORGANISATIONS={"x": described}, SEALING_KEYS=["s" * 32, "t" * 32])
        settings = load()
        assert [secret.get_secret_value() for secret in settings.organisations["x"].check_secrets] == [
            "c" * 20,
            "d" * 20,
        ]
        assert len(settings.sealing_keys) == 2

    @pytest.mark.parametrize("hooks", [[SECRET], ["another", SECRET]])
    def test_do_not_share_a_secret_with_hooks(self, hooks: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
        """Many may read what a check's settings hold."""
        wrong = {"url": "https://dev.azure.com/x", "hook_secrets": hooks, "check_secrets": ["other", SECRET]}
        line = problem(monkeypatch, ORGANISATIONS={"x": wrong})
        assert line.startswith("SCANGATE_ORGANISATIONS (x.check_secrets): check_secrets must differ from hook_secrets")

    @pytest.mark.parametrize(
        ("name", "changes"),
        [
            ("x.check_secrets", {"ORGANISATIONS": {"x": {"url": "https://x.example", "check_secrets": [SECRET] * 3}}}),
            ("x.check_secret", {"ORGANISATIONS": {"x": {"url": "https://x.example", "check_secret": SECRET}}}),
        ],
    )
    def test_take_no_third_and_no_unknown_key(
        self, name: str, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A misspelled one would leave the check closed."""
        assert problem(monkeypatch, **changes).startswith(f"SCANGATE_ORGANISATIONS ({name}): ")

    @pytest.mark.parametrize("keys", [["short"], ["s" * 32, "t" * 31], ["s" * 32] * 3, "s" * 32])
    def test_seal_with_long_keys(self, keys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        """A guessable one would open every token."""
        line = problem(monkeypatch, SEALING_KEYS=keys)
        assert line.startswith("SCANGATE_SEALING_KEYS: ")
        assert "s" * 32 not in line

    def test_may_be_left_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Then checks are told to come again."""
        set_all(monkeypatch)
        assert load().sealing_keys == ()
        assert load().organisations["fabrikam"].check_secrets == ()


class TestRegistries:
    def described(self, *registries: dict[str, Any]) -> dict[str, Any]:
        """An organisation that lists registries."""
        return {"fabrikam": {"url": "https://dev.azure.com/x", "registries": list(registries)}}

    def test_are_found_by_the_host_that_references_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Each organisation has its own."""
        listed = self.described(
            {"url": "https://shop.azurecr.io", "login": "entra"},
            {"url": "https://r.example:8443/", "login": "basic", "username": "robot", "password": "p" * 12},
            {"url": "http://127.0.0.1:5000", "private": True, "token_realms": ["http://127.0.0.1:5001/token"]},
        )
        set_all(monkeypatch, ORGANISATIONS={**listed, "contoso": {"url": "https://dev.azure.com/contoso"}})
        settings, name = load(), OrganisationName("fabrikam")
        hosts = ["shop.azurecr.io", "r.example:8443", "127.0.0.1:5000"]
        assert [registry.host for registry in settings.organisations["fabrikam"].registries] == hosts
        found = settings.registry(name, "r.example:8443")
        assert found is not None
        access = found.access()
        assert (access.login, access.username, access.private) == (Login.BASIC, "robot", False)
        assert access.password is not None
        assert access.password.get_secret_value() == "p" * 12
        for organisation, host in ((name, "r.example"), (name, ""), ("contoso", hosts[0]), ("gone", hosts[0])):
            assert settings.registry(OrganisationName(organisation), host) is None

    @pytest.mark.parametrize(
        ("registry", "place", "words"),
        [
            ({}, ".url", "is missing"),
            ({"url": "shop.azurecr.io"}, "", "expected an http or https URL"),
            ({"url": "https://shop.azurecr.io/v2/"}, "", "ends with its host"),
            ({"url": "https://me:secret-word@shop.azurecr.io"}, "", "without user name"),
            ({"url": "http://shop.azurecr.io"}, "", "has to use https everywhere"),
            ({"url": "https://Shop.azurecr.io/#x"}, "", "fragment"),
            ({"url": "https://shop azurecr.io"}, "", "visible ASCII"),
            ({"url": "https://r.example", "token_realms": ["http://auth.example/token"]}, "", "https everywhere"),
            ({"url": "https://r.example", "token_realms": ["auth.example"]}, "", "expected an http or https URL"),
            ({"url": "https://r.example", "login": "basic", "username": "me"}, "", "needs username and password"),
            ({"url": "https://r.example", "login": "basic", "password": "secret-word"}, "", "needs username"),
            ({"url": "https://r.example", "login": "docker"}, ".login", "'entra'"),
            ({"url": "https://r.example", "private": "perhaps"}, ".private", "boolean"),
            ({"url": "https://r.example", "pasword": "secret-word"}, ".pasword", "not permitted"),
            ({"url": "https://r.example", "password": ["secret-word"]}, ".password", "valid string"),
        ],
    )
    def test_that_cannot_be_used_are_named(
        self, registry: dict[str, Any], place: str, words: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """With what was expected, on one line, and without any password."""
        line = problem(monkeypatch, ORGANISATIONS=self.described({"url": "https://a.example"}, registry))
        assert line.startswith(f"SCANGATE_ORGANISATIONS (fabrikam.registries.1{place}): ")
        assert words in line
        assert "secret-word" not in line

    def test_stand_there_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Else one of the two would silently lose its login."""
        twice = self.described({"url": "https://a.example"}, {"url": "https://a.example:443/", "private": True})
        line = problem(monkeypatch, ORGANISATIONS=twice)
        assert line == "SCANGATE_ORGANISATIONS (fabrikam.registries): the registry a.example stands there twice"


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

    def test_of_checks_and_registries_are_listed_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Of every organisation, the second of two as well."""
        registry = {"url": "https://r.example", "login": "basic", "username": "robot", "password": "registry-password"}
        described = {
            "url": "https://dev.azure.com/x",
            "hook_secrets": [SECRET, "next-hook-secret"],
            "check_secrets": ["check-secret", "next-check-secret"],
            "registries": [{"url": "https://open.example"}, registry],
        }
        keys = ["s" * 32, "t" * 32]
        set_all(monkeypatch, ORGANISATIONS={"x": described, "y": {"url": "https://y.example"}}, SEALING_KEYS=keys)
        settings = load()
        expected = {SECRET, "next-hook-secret", "check-secret", "next-check-secret", "registry-password", *keys}
        assert expected <= set(settings.secrets())
        assert not any(secret in repr(settings) for secret in expected)

    def test_are_not_shown(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Settings may end in a log by accident."""
        set_all(monkeypatch, DEVOPS_PAT="the-pat-of-the-test")
        shown = repr(load())
        assert SECRET not in shown
        assert "the-pat-of-the-test" not in shown
        assert "bm90" not in shown


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
