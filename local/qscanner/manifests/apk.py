"""Alpine: the packages that apk has installed (apk-tools, apkv2(5) and the installed database)."""

from collections.abc import Iterator

from local.qscanner.packages import Ecosystem, Package
from local.qscanner.versions.apk import AlpineVersion

# The second since Alpine merged /lib into /usr/lib.
INSTALLED_PATHS = frozenset({"lib/apk/db/installed", "usr/lib/apk/db/installed"})


def read_installed(content: bytes, path: str, distribution: str) -> list[Package]:
    """Read apk's database of installed packages.

    Args:
        content: The file.
        path: Where it stands.
        distribution: The distribution that the packages are of, such as ``alpine-3.18``.

    Returns:
        The packages.

    Raises:
        ValueError: The file is not text, or a package in it has no name or no version that can be compared.
    """
    found: set[Package] = set()
    for fields in _records(content.decode("utf-8")):
        name, version = fields.get("P", ""), fields.get("V", "")
        if not name:
            message = "has an entry without a package's name"
            raise ValueError(message)
        AlpineVersion(version)
        found.add(
            Package(
                Ecosystem.APK,
                name,
                version,
                path,
                fields.get("L", ""),
                distribution=distribution,
                source=fields.get("o") or name,
                source_version=version,
                architecture=fields.get("A", ""),
            )
        )
    return sorted(found)


def _records(text: str) -> Iterator[dict[str, str]]:
    """Split the file into records; of a letter that comes several times, as those of files do, the first counts."""
    fields: dict[str, str] = {}
    for line in text.split("\n"):
        if not line:
            if fields:
                yield fields
            fields = {}
        elif line[1:2] == ":":
            fields.setdefault(line[0], line[2:].strip())
    if fields:
        yield fields
