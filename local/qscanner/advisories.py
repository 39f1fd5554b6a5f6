"""The bundled advisories, and which of them a package is subject to.

``advisories.json`` keeps public facts only: package, affected versions, CVE, CVSS v3 base score and fixed version, as
the CVE record, the NVD or the GitHub advisory database publish them, with a title in our own words. Its QIDs are of a
range of our own.
"""

import json
from pathlib import Path
from typing import NamedTuple

from local.qscanner.packages import Ecosystem, Package
from local.qscanner.versions.order import is_within

_DATA = Path(__file__).with_name("advisories.json")
# Lower bounds of the CVSS v3 base score for each Qualys severity, by FIRST's rating scale.
_SEVERITY_BY_SCORE = ((9.0, 5), (7.0, 4), (4.0, 3), (0.1, 2))


class Range(NamedTuple):
    """Affected versions: from ``introduced`` ("0" for all before) up to, and without, ``fixed`` (empty: no end yet)."""

    introduced: str
    fixed: str


class Advisory(NamedTuple):
    """One known vulnerability of one package.

    Attributes:
        qid: Its number, stable across versions of the list.
        ecosystem: Where the package comes from.
        package: The package's name, as in ``Package.name``; of a system package, the name of its source.
        cves: Its CVE numbers.
        cvss: The CVSS v3 base score, 0.1 to 10.
        title: What is wrong, in a few words.
        ranges: Affected versions; of a system package, versions of its source.
        distribution: For a system package, the release that the ranges are of, such as ``debian-12``, or the
            distribution of which they are true in every release, such as ``debian``.
    """

    qid: int
    ecosystem: Ecosystem
    package: str
    cves: tuple[str, ...]
    cvss: float
    title: str
    ranges: tuple[Range, ...]
    distribution: str = ""

    @property
    def severity(self) -> int:
        """The severity from 1 (informational) to 5 (critical), by the base score."""
        return next((severity for bound, severity in _SEVERITY_BY_SCORE if self.cvss >= bound), 1)


class Vulnerability(NamedTuple):
    """A package that an advisory applies to, and the version that ends it; empty where there is none yet."""

    advisory: Advisory
    package: Package
    fixed_version: str


def load_advisories(path: Path = _DATA) -> list[Advisory]:
    """Read the advisory list.

    Returns:
        The advisories, in the order of their QIDs.
    """
    document = json.loads(path.read_text(encoding="utf-8"))
    return [
        Advisory(
            qid=entry["qid"],
            ecosystem=Ecosystem(entry["ecosystem"]),
            package=entry["package"],
            cves=tuple(entry["cves"]),
            cvss=entry["cvss"],
            title=entry["title"],
            ranges=tuple(Range(*bounds) for bounds in entry["affected"]),
            distribution=entry.get("distribution", ""),
        )
        for entry in document["advisories"]
    ]


def match_advisories(packages: list[Package], advisories: list[Advisory]) -> list[Vulnerability]:
    """Find which packages are affected by which advisories.

    Args:
        packages: What was found in the tree.
        advisories: What is known.

    Returns:
        Vulnerabilities in the order of QID, package name, version and path.
    """
    by_package: dict[tuple[Ecosystem, str], list[Advisory]] = {}
    for advisory in advisories:
        by_package.setdefault((advisory.ecosystem, advisory.package), []).append(advisory)
    found = [
        Vulnerability(advisory, package, affected.fixed)
        for package in packages
        for advisory in by_package.get((package.ecosystem, package.source or package.name), ())
        if (affected := _range_of(advisory, package))
    ]
    return sorted(found, key=lambda each: (each.advisory.qid, each.package))


def _range_of(advisory: Advisory, package: Package) -> Range | None:
    """Give the range which the package lies in, or nothing if it lies in none or is of another distribution."""
    if advisory.distribution not in {package.distribution, package.distribution.partition("-")[0]}:
        return None
    version = package.source_version or package.version
    for affected in advisory.ranges:
        if is_within(advisory.ecosystem, version, affected.introduced, affected.fixed):
            return affected
    return None
