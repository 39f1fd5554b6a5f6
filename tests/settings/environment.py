"""Good settings for the environment, and the one line that says what is wrong with others."""

import json
from typing import Any

import pytest

from scan_core.settings.loading import SettingsInvalid, load

SECRET = "a-hook-secret-of-the-test"
CONNECTION = (
    "DefaultEndpointsProtocol=http;AccountName=one;AccountKey=bm90IGEgcmVhbCBrZXk=;BlobEndpoint=http://127.0.0.1:1/one;"
)
JOB = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/gate/providers/Microsoft.App/jobs/scangate-scan"
)
GOOD: dict[str, Any] = {
    "ORGANISATIONS": {"Fabrikam": {"url": "https://dev.azure.com/fabrikam/", "hook_secrets": [SECRET]}},
    "PUBLIC_URL": "https://gate.example/",
    "SIGNING_KEYS": ["k" * 32],
    "STORAGE_CONNECTION": CONNECTION,
}


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
