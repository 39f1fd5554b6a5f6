"""The order of versions of any ecosystem."""

from collections.abc import Callable

from local.qscanner.packages import Ecosystem
from local.qscanner.versions.apk import AlpineVersion
from local.qscanner.versions.dpkg import DebianVersion
from local.qscanner.versions.maven import MavenVersion
from local.qscanner.versions.pep440 import PythonVersion
from local.qscanner.versions.semver import SemanticVersion

type Version = SemanticVersion | PythonVersion | MavenVersion | DebianVersion | AlpineVersion

_READERS: dict[Ecosystem, Callable[[str], Version]] = {
    Ecosystem.NPM: SemanticVersion,
    Ecosystem.GO: SemanticVersion,
    Ecosystem.PYPI: PythonVersion,
    Ecosystem.MAVEN: MavenVersion,
    Ecosystem.DEB: DebianVersion,
    Ecosystem.APK: AlpineVersion,
}


def read_version(ecosystem: Ecosystem, text: str) -> Version:
    """Read a version so that it can be compared with others of the same ecosystem.

    Raises:
        ValueError: The text is not a version there.
    """
    return _READERS[ecosystem](text)


def is_within(ecosystem: Ecosystem, version: str, introduced: str, fixed: str) -> bool:
    """Tell whether a version lies in a range.

    Args:
        ecosystem: Whose order counts.
        version: The version asked about.
        introduced: The first version of the range; "0" begins it before every version.
        fixed: The first version after the range; empty for a range that nothing ends yet.

    Raises:
        ValueError: One of the three is not a version of the ecosystem.
    """
    asked = read_version(ecosystem, version)
    if introduced != "0" and _precedes(asked, read_version(ecosystem, introduced)):
        return False
    return not fixed or _precedes(asked, read_version(ecosystem, fixed))


def _precedes(left: Version, right: Version) -> bool:
    # Both were read for one ecosystem, so they are of one type; the type checker cannot see that.
    return left < right  # type: ignore[operator]
