"""What checks of pipelines need: secrets and sealing keys of their own."""

from typing import Any

import pytest

from scan_core.settings.loading import load
from tests.settings.environment import SECRET, problem, set_all


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
