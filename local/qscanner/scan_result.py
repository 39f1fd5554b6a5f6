"""Everything that one scan found out, as the writers of its files need it."""

from typing import NamedTuple

from local.qscanner.advisories import Vulnerability
from local.qscanner.git_state import GitState
from local.qscanner.packages import Package
from local.qscanner.secret_rules import Secret


class ScanResult(NamedTuple):
    """One finished scan.

    Attributes:
        target: The scanned folder, as it was named on the command line.
        kind: ``repo`` or ``rootfs``.
        prefix: What the names of the scan's files begin with: 64 hexadecimal digits.
        git: What was checked out.
        operating_system: Its name and version, or empty.
        started: When the scan began, in seconds since 1970.
        packages: What was found.
        vulnerabilities: Which of them are affected by what.
        secrets: What was found, if it was looked for.
        looked_for_secrets: Whether it was.
    """

    target: str
    kind: str
    prefix: str
    git: GitState
    operating_system: str
    started: float
    packages: list[Package]
    vulnerabilities: list[Vulnerability]
    secrets: list[Secret]
    looked_for_secrets: bool
