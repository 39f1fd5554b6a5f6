"""Policies, which a real QScanner gets from the Qualys platform and the stand-in from a file.

The file named by ``QSCANNER_STANDIN_POLICIES`` is a JSON list of
``{"name", "tags": [...], "default": false, "rules": {"min_severity", "cve_block_list", "licences_denied"}}``.
"""

import json
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from local.qscanner.advisories import Vulnerability
from local.qscanner.exit_codes import ExitCode, ScanError
from local.qscanner.packages import Package

POLICIES_VARIABLE = "QSCANNER_STANDIN_POLICIES"


class Decision(StrEnum):
    """What the policies say together."""

    ALLOW = "ALLOW"
    DENY = "DENY"
    AUDIT = "AUDIT"

    @property
    def exit_code(self) -> ExitCode:
        """The code that QScanner ends with in mode evaluate-policy."""
        codes = {
            Decision.ALLOW: ExitCode.SUCCESS,
            Decision.DENY: ExitCode.POLICY_DENY,
            Decision.AUDIT: ExitCode.POLICY_AUDIT,
        }
        return codes[self]


class Policy(NamedTuple):
    """One policy.

    Attributes:
        name: What it is called.
        tags: It applies to runs that give one of these.
        is_default: It applies to runs whose tags match no policy.
        min_severity: The lowest severity that is denied, 1 to 5; 6 denies none.
        cve_block_list: CVE numbers that are denied.
        licences_denied: Licences that are denied, in lower case.
    """

    name: str
    tags: frozenset[str]
    is_default: bool
    min_severity: int
    cve_block_list: frozenset[str]
    licences_denied: frozenset[str]


class Outcome(NamedTuple):
    """The decision, and its reasons in words."""

    decision: Decision
    reasons: list[str]


_DENIES_NO_SEVERITY = 6


def read_policies(path: str) -> list[Policy]:
    """Read the policy file.

    Args:
        path: The file; empty for an account without policies.

    Returns:
        The policies in the file's order.

    Raises:
        ScanError: With code 41 where the file cannot be read or is not as documented above.
    """
    if not path:
        return []
    try:
        return [_policy(entry) for entry in json.loads(Path(path).read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        reason = f"policies could not be obtained from {path}: {type(error).__name__}: {error}"
        raise ScanError(ExitCode.POLICY_RESULT_NOT_OBTAINED, reason) from error


def _policy(entry: dict[str, Any]) -> Policy:
    rules = entry.get("rules", {})
    if unknown := set(rules) - {"min_severity", "cve_block_list", "licences_denied"}:
        message = f"policy {entry['name']} has unknown rules {sorted(unknown)}"
        raise ValueError(message)
    return Policy(
        name=str(entry["name"]),
        tags=frozenset(entry.get("tags", ())),
        is_default=bool(entry.get("default", False)),
        min_severity=int(rules.get("min_severity", _DENIES_NO_SEVERITY)),
        cve_block_list=frozenset(rules.get("cve_block_list", ())),
        licences_denied=frozenset(licence.lower() for licence in rules.get("licences_denied", ())),
    )


def evaluate_policies(
    policies: list[Policy], tags: tuple[str, ...], vulnerabilities: list[Vulnerability], packages: list[Package]
) -> Outcome:
    """Judge a scan.

    Args:
        policies: The account's policies.
        tags: The run's policy tags.
        vulnerabilities: What the scan found.
        packages: What the scan saw, with licences.

    Returns:
        DENY if any rule of an applying policy is broken, ALLOW if none is, AUDIT if no policy applies.
    """
    tagged = [policy for policy in policies if policy.tags & set(tags)]
    applying = tagged or [policy for policy in policies if policy.is_default]
    if not applying:
        return Outcome(Decision.AUDIT, ["no policy has one of the tags, and there is no default policy"])
    reasons = [reason for policy in applying for reason in _broken_rules(policy, vulnerabilities, packages)]
    if reasons:
        return Outcome(Decision.DENY, reasons)
    return Outcome(Decision.ALLOW, [f"policy {policy.name} is met" for policy in applying])


def _broken_rules(policy: Policy, vulnerabilities: list[Vulnerability], packages: list[Package]) -> Iterator[str]:
    for vulnerability in vulnerabilities:
        advisory, package = vulnerability.advisory, vulnerability.package
        if advisory.severity >= policy.min_severity:
            yield f"policy {policy.name}: QID {advisory.qid} in {package.name} has severity {advisory.severity}"
        for cve in policy.cve_block_list.intersection(advisory.cves):
            yield f"policy {policy.name}: {cve} in {package.name} is on the block list"
    for package in packages:
        if package.licence.lower() in policy.licences_denied:
            yield f"policy {policy.name}: licence {package.licence} of {package.name} is denied"
