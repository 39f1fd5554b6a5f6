"""The registries that an organisation lists, and how each is logged into."""

from typing import Any

import pytest

from scan_core.model.ids import OrganisationName
from scan_core.model.image import Login
from scan_core.settings.loading import load
from tests.settings.environment import problem, set_all


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
