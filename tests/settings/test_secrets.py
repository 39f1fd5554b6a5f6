"""Every secret among the settings is known for redaction, and none is shown."""

import pytest

from scan_core.settings.loading import load
from tests.settings.environment import CONNECTION, SECRET, set_all


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
