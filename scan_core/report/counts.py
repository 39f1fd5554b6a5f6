"""Numbers of findings, in words."""

from scan_core.model.verdict import SeverityCounts

SEVERITIES = ("critical", "high", "medium", "low", "informational")
"""Names of the severities, the worst first."""


def counted(number: int, thing: str) -> str:
    """Name a number of things.

    Args:
        number: How many.
        thing: What one of them is called.

    Returns:
        Such as "1 secret" and "2 secrets".
    """
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def in_words(counts: SeverityCounts) -> str:
    """Say what was found.

    Args:
        counts: The numbers.

    Returns:
        Such as "2 critical, 3 medium, 1 secret"; empty where nothing was found.
    """
    findings = [f"{getattr(counts, name):,} {name}" for name in SEVERITIES if getattr(counts, name)]
    secrets = [counted(counts.secrets, "secret")] if counts.secrets else []
    return ", ".join(findings + secrets)
