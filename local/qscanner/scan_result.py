"""Everything that one scan found out, as the writers of its files need it."""

from typing import NamedTuple

from local.qscanner.advisories import Vulnerability
from local.qscanner.git_state import GitState
from local.qscanner.image_facts import ImageFacts
from local.qscanner.packages import Package
from local.qscanner.secret_rules import Secret


class ScanResult(NamedTuple):
    """One finished scan.

    Attributes:
        target: The scanned folder or image, as it was named on the command line.
        kind: ``repo``, ``rootfs`` or ``image``.
        prefix: What the names of the scan's files begin with: 64 hexadecimal digits.
        git: What was checked out.
        operating_system: Its name and version, or empty.
        started: When the scan began, in seconds since 1970.
        packages: What was found.
        vulnerabilities: Which of them are affected by what.
        secrets: What was found, if it was looked for.
        looked_for_secrets: Whether it was.
        image: What is known of the image, if one was scanned.
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
    image: ImageFacts | None = None

    @property
    def name(self) -> str:
        """What was scanned, as a reader knows it: the repository's address, else the target."""
        return self.git.origin or self.target or "scan"

    @property
    def version(self) -> str:
        """Which state of it was scanned: the commit, or the image's digest; empty where neither is known."""
        return f"sha256:{self.image.digest}" if self.image else self.git.commit
