"""Finding: one known vulnerability in one installed package; and a secret found in the source."""

from enum import IntEnum

from scan_core.model.value import Value


class Severity(IntEnum):
    """Qualys severities, 5 the worst (docs.qualys.com, severity levels)."""

    INFORMATIONAL = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4
    CRITICAL = 5


class Finding(Value):
    """(QID, package, installed version, path), and what is known about it."""

    qid: str
    package: str
    installed_version: str
    path: str
    severity: Severity
    title: str
    cves: tuple[str, ...] = ()
    fixed_version: str | None = None

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What makes two findings the same one."""
        return (self.qid, self.package, self.installed_version, self.path)


class FoundSecret(Value):
    """Where a secret stands in the source. Never the secret itself."""

    kind: str
    path: str
    line: int | None = None
