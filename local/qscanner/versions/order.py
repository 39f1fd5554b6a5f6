"""The order of versions of any ecosystem."""

from local.qscanner.packages import Ecosystem
from local.qscanner.versions.maven import MavenVersion
from local.qscanner.versions.pep440 import PythonVersion
from local.qscanner.versions.semver import SemanticVersion

type Version = SemanticVersion | PythonVersion | MavenVersion


def read_version(ecosystem: Ecosystem, text: str) -> Version:
    """Read a version so that it can be compared with others of the same ecosystem.

    Raises:
        ValueError: The text is not a version there.
    """
    if ecosystem is Ecosystem.MAVEN:
        return MavenVersion(text)
    return PythonVersion(text) if ecosystem is Ecosystem.PYPI else SemanticVersion(text)


def is_within(ecosystem: Ecosystem, version: str, introduced: str, fixed: str) -> bool:
    """Tell whether a version lies in a range.

    Args:
        ecosystem: Whose order counts.
        version: The version asked about.
        introduced: The first version of the range; "0" begins it before every version.
        fixed: The first version after the range.

    Raises:
        ValueError: One of the three is not a version of the ecosystem.
    """
    asked = read_version(ecosystem, version)
    if introduced != "0" and _precedes(asked, read_version(ecosystem, introduced)):
        return False
    return _precedes(asked, read_version(ecosystem, fixed))


def _precedes(left: Version, right: Version) -> bool:
    # Both were read for one ecosystem, so they are of one type; the type checker cannot see that.
    return left < right  # type: ignore[operator]
