"""Organisations: how they are named and reached, and the secrets that open their hooks."""

import pytest

from scan_core.settings.loading import load
from tests.settings.environment import SECRET, problem, set_all


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
