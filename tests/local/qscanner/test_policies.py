"""Policies given by a file."""

import json
from pathlib import Path
from typing import Any

import pytest

from local.qscanner.advisories import load_advisories, match_advisories
from local.qscanner.exit_codes import ExitCode, ScanError
from local.qscanner.packages import Ecosystem, Package
from local.qscanner.policies import Decision, Policy, evaluate_policies, read_policies

LODASH = Package(Ecosystem.NPM, "lodash", "4.17.20", "package-lock.json", "MIT")
FOUND = match_advisories([LODASH], load_advisories())


def policy(
    name: str = "p", tags: tuple[str, ...] = ("web",), is_default: bool = False, **rules: Any
) -> dict[str, object]:
    """A policy as the file holds it."""
    return {"name": name, "tags": list(tags), "default": is_default, "rules": rules}


def read(tmp_path: Path, *policies: dict[str, object]) -> list[Policy]:
    """Write a policy file and read it."""
    path = tmp_path / "policies.json"
    path.write_text(json.dumps(policies), encoding="utf-8")
    return read_policies(str(path))


@pytest.mark.parametrize(
    ("rules", "tags", "decision"),
    [
        ({"min_severity": 4}, ("web",), Decision.DENY),
        ({"min_severity": 5}, ("web",), Decision.ALLOW),
        ({"cve_block_list": ["CVE-2021-23337"]}, ("web",), Decision.DENY),
        ({"cve_block_list": ["CVE-2021-44228"]}, ("web",), Decision.ALLOW),
        ({"licences_denied": ["mit"]}, ("web",), Decision.DENY),
        ({"licences_denied": ["GPL-3.0-only"]}, ("web",), Decision.ALLOW),
        ({}, ("web", "other"), Decision.ALLOW),
        ({"min_severity": 4}, ("other",), Decision.AUDIT),
        ({"min_severity": 4}, (), Decision.AUDIT),
    ],
)
def test_decides_by_severity_block_list_and_licence(
    tmp_path: Path, rules: dict[str, Any], tags: tuple[str, ...], decision: Decision
) -> None:
    """DENY where a rule is broken, ALLOW where none is, AUDIT where no policy applies; always with a reason."""
    outcome = evaluate_policies(read(tmp_path, policy(**rules)), tags, FOUND, [LODASH])
    assert outcome.decision is decision
    assert outcome.reasons


def test_the_default_applies_only_where_no_tag_does(tmp_path: Path) -> None:
    """As Qualys documents it."""
    policies = read(tmp_path, policy("strict", is_default=True, tags=(), min_severity=1), policy("lax"))
    assert evaluate_policies(policies, ("unknown",), FOUND, [LODASH]).decision is Decision.DENY
    assert evaluate_policies(policies, ("web",), FOUND, [LODASH]).decision is Decision.ALLOW


def test_each_decision_has_its_exit_code() -> None:
    """0, 42 and 43."""
    assert [int(decision.exit_code) for decision in (Decision.ALLOW, Decision.DENY, Decision.AUDIT)] == [0, 42, 43]


def test_no_file_means_no_policies() -> None:
    """An account may have none."""
    assert read_policies("") == []


@pytest.mark.parametrize(
    "content",
    ["", "{}x", '"text"', "[1]", "[{}]", '[{"name": "p", "rules": {"max": 1}}]', '[{"name": "p", "rules": 4}]'],
)
def test_a_file_that_cannot_be_read_means_no_policy_result(tmp_path: Path, content: str) -> None:
    """Code 41, never ALLOW."""
    path = tmp_path / "policies.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ScanError, match="policies could not be obtained") as refusal:
        read_policies(str(path))
    assert refusal.value.code is ExitCode.POLICY_RESULT_NOT_OBTAINED
