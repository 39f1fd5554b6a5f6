"""Finding: one known vulnerability in one installed package; and a secret that was found."""

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
    """(QID, package, installed version, path), and what is known about it.

    In an image, `layer` is the SHA-256 of the layer that brought the package, and `layer_command` what made that layer:
    a text by whoever built the image, to be shown with care. Neither is part of what the finding is known by.
    """

    qid: str
    package: str
    installed_version: str
    path: str
    severity: Severity
    title: str
    cves: tuple[str, ...] = ()
    fixed_version: str | None = None
    layer: str | None = None
    layer_command: str | None = None
    targets: tuple[str, ...] = ()
    """In a verdict of images, those that it was found in: ``registry/name@digest platform``, or ``the source``."""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What makes two findings the same one."""
        return (self.qid, self.package, self.installed_version, self.path)


class FoundSecret(Value):
    """Where a secret stands in a source or an image. Never the secret itself."""

    kind: str
    path: str
    line: int | None = None
    targets: tuple[str, ...] = ()
    """As for a finding."""
