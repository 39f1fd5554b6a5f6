"""Which runner starts workers, and what each of them needs beside its name."""

from typing import Any

import pytest

from scan_core.settings.loading import load
from tests.settings.environment import JOB, problem, set_all


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
