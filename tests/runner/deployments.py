"""The settings of a deployment that chooses a runner, read from the environment."""

import pytest

from scan_core.settings.deployment import Settings
from scan_core.settings.loading import load

ANY = {
    "SCANGATE_ORGANISATIONS": '{"fabrikam": {"url": "https://dev.azure.com/fabrikam"}}',
    "SCANGATE_PUBLIC_URL": "https://gate.example",
    "SCANGATE_SIGNING_KEYS": '["0123456789abcdef0123456789abcdef"]',
    "SCANGATE_STORAGE_ACCOUNT": "account",
}


def settings(monkeypatch: pytest.MonkeyPatch, chosen: dict[str, str], **changes: str | None) -> Settings:
    """Read any deployment's settings with those that were chosen, and with changes; None takes one away."""
    for name, value in {**ANY, **chosen, **changes}.items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    return load()
