"""Counts and names in words."""

from scan_core.model.finding import Severity
from scan_core.model.rules import Rules
from scan_core.model.verdict import SeverityCounts


def counted(number: int, noun: str) -> str:
    """Put a number before a noun.

    Args:
        number: How many.
        noun: What, in the singular.

    Returns:
        Such as ``1 secret`` or ``2 secrets``.
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def severity_name(severity: Severity) -> str:
    """Name a severity in a sentence.

    Args:
        severity: Which.

    Returns:
        Such as ``critical``.
    """
    return severity.name.lower()


def listed(counts: SeverityCounts) -> str:
    """Say what was found.

    Args:
        counts: How many findings of each severity, and secrets.

    Returns:
        Such as ``2 critical and 1 low findings, 1 secret``, or ``no findings``.
    """
    numbers = [(counts.of(severity), severity_name(severity)) for severity in sorted(Severity, reverse=True)]
    parts = [f"{number} {name}" for number, name in numbers if number]
    total = sum(number for number, _ in numbers)
    said = []
    if parts:
        said.append(f"{_joined(parts)} {'finding' if total == 1 else 'findings'}")
    if counts.secrets:
        said.append(counted(counts.secrets, "secret"))
    return ", ".join(said) or "no findings"


def tagged(rules: Rules) -> str:
    """Say which policies were asked for.

    Args:
        rules: The rules that ask.

    Returns:
        Such as `` (tags prod, web)``, or nothing where no tag was named.
    """
    if not rules.policy_tags:
        return ""
    return f" (tag{'s' if len(rules.policy_tags) > 1 else ''} {', '.join(rules.policy_tags)})"


def _joined(parts: list[str]) -> str:
    *others, last = parts
    return f"{', '.join(others)} and {last}" if others else last
