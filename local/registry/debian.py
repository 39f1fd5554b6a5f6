"""Images that are built on Debian, at versions that Debian published.

Versions and what they fix are from the Debian security tracker and Debian's security advisories; the form of dpkg's
database is that of deb-control(5) and dpkg(1).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple

from local.registry.images import AMD64, Image, Platform, Setting
from local.registry.layers import Layer

STATUS: Final = "var/lib/dpkg/status"
_MULTIARCH: Final = MappingProxyType({"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"})


class Package(NamedTuple):
    """A package that is installed.

    Attributes:
        name: the binary package.
        version: its version.
        source: the source package, where it is called something else.
        summary: the first line of its description.
        library: the file's name of the library that it brings, or empty.
        everywhere: whether it is the same for every architecture.
    """

    name: str
    version: str
    source: str = ""
    summary: str = ""
    library: str = ""
    everywhere: bool = False


@dataclass(frozen=True)
class Release:
    """A point release of Debian, as its image was at a time.

    Attributes:
        version: for example 12.1.
        codename: for example bookworm.
        packages: what is installed.
    """

    version: str
    codename: str
    packages: tuple[Package, ...]

    def with_packages(self, *more: Package) -> "Release":
        """Return the same release with further packages installed.

        Args:
            more: the packages.
        """
        return Release(self.version, self.codename, (*self.packages, *more))

    def with_versions(self, version: str, changed: Mapping[str, str]) -> "Release":
        """Return a later point release.

        Args:
            version: its number.
            changed: new versions by the name of the package.
        """
        packages = tuple(one._replace(version=changed.get(one.name, one.version)) for one in self.packages)
        return Release(version, self.codename, packages)


BOOKWORM_12_1: Final = Release(
    "12.1",
    "bookworm",
    (
        Package("adduser", "3.134", summary="add and remove users and groups", everywhere=True),
        Package("apt", "2.6.1", summary="commandline package manager"),
        Package("base-files", "12.4+deb12u1", summary="Debian base system miscellaneous files"),
        Package("bash", "5.2.15-2+b2", "bash (5.2.15-2)", "GNU Bourne Again SHell"),
        Package("ca-certificates", "20230311", summary="Common CA certificates", everywhere=True),
        Package("coreutils", "9.1-1", summary="GNU core utilities"),
        Package("curl", "7.88.1-10+deb12u1", summary="command line tool for transferring data with URL syntax"),
        Package("dpkg", "1.21.22", summary="Debian package management system"),
        Package("libc-bin", "2.36-9+deb12u1", "glibc", "GNU C Library: Binaries"),
        Package("libc6", "2.36-9+deb12u1", "glibc", "GNU C Library: Shared libraries", "libc.so.6"),
        Package(
            "libcurl4", "7.88.1-10+deb12u1", "curl", "easy-to-use client-side URL transfer library", "libcurl.so.4"
        ),
        Package("libnghttp2-14", "1.52.0-1", "nghttp2", "library implementing HTTP/2 protocol", "libnghttp2.so.14"),
        Package("libssl3", "3.0.9-1", "openssl", "Secure Sockets Layer toolkit - shared libraries", "libssl.so.3"),
        Package("openssh-client", "1:9.2p1-2", "openssh", "secure shell (SSH) client, for secure access"),
        Package("openssl", "3.0.9-1", summary="Secure Sockets Layer toolkit - cryptographic utility"),
    ),
)
"""August 2023: among others CVE-2023-4911 (libc6), CVE-2023-38545 (libcurl4), CVE-2023-5363 (libssl3), CVE-2023-38408
(openssh-client) and CVE-2023-44487 (libnghttp2-14) were yet to be fixed."""

BOOKWORM_12_8: Final = BOOKWORM_12_1.with_versions(
    "12.8",
    {
        "base-files": "12.4+deb12u8",
        "curl": "7.88.1-10+deb12u8",
        "libc-bin": "2.36-9+deb12u9",
        "libc6": "2.36-9+deb12u9",
        "libcurl4": "7.88.1-10+deb12u8",
        "libnghttp2-14": "1.52.0-1+deb12u2",
        "libssl3": "3.0.15-1~deb12u1",
        "openssh-client": "1:9.2p1-2+deb12u3",
        "openssl": "3.0.15-1~deb12u1",
    },
)
"""November 2024: all of that is fixed."""

ZLIB_WITHOUT_FIX: Final = Package("zlib1g", "1:1.2.13.dfsg-1", "zlib", "compression library - runtime", "libz.so.1")
"""CVE-2023-45853 is marked as affecting Debian 12 and never fixed there: for an image that no rebuild makes clean."""

BULLSEYE_11_4: Final = Release(
    "11.4",
    "bullseye",
    (
        Package("base-files", "11.1+deb11u4", summary="Debian base system miscellaneous files"),
        Package("bash", "5.1-2+deb11u1", summary="GNU Bourne Again SHell"),
        Package("dpkg", "1.20.11", summary="Debian package management system"),
        Package("libc6", "2.31-13+deb11u3", "glibc", "GNU C Library: Shared libraries", "libc.so.6"),
        Package("libssl1.1", "1.1.1n-0+deb11u3", "openssl", "Secure Sockets Layer toolkit", "libssl.so.1.1"),
        Package("openssl", "1.1.1n-0+deb11u3", summary="Secure Sockets Layer toolkit - cryptographic utility"),
        Package("zlib1g", "1:1.2.11.dfsg-2+deb11u1", "zlib", "compression library - runtime", "libz.so.1"),
    ),
)
"""July 2022: CVE-2022-37434 (zlib1g) and CVE-2023-0286 (libssl1.1) were yet to be fixed."""

BULLSEYE_11_7: Final = BULLSEYE_11_4.with_versions(
    "11.7",
    {
        "base-files": "11.1+deb11u7",
        "libc6": "2.31-13+deb11u6",
        "libssl1.1": "1.1.1n-0+deb11u4",
        "openssl": "1.1.1n-0+deb11u4",
        "zlib1g": "1:1.2.11.dfsg-2+deb11u2",
    },
)
"""April 2023: both are fixed."""


def debian_image(release: Release = BOOKWORM_12_1, platform: Platform = AMD64) -> Image:
    """Describe Debian's own image.

    Args:
        release: which; the default has known, fixable weaknesses, ``BOOKWORM_12_8`` is its rebuild without them.
        platform: for what.

    Returns:
        One layer with everything, and the command.
    """
    files = {
        "usr/lib/os-release": _os_release(release),
        "etc/debian_version": f"{release.version}\n".encode(),
        STATUS: status_file(release.packages, platform),
        "var/lib/dpkg/available": b"",
        **_package_files(release.packages, platform),
    }
    links = {"etc/os-release": "../usr/lib/os-release", "bin": "usr/bin", "lib": "usr/lib"}
    base = Layer(f"/bin/sh -c #(nop) ADD file:debian-{release.version}.tar.xz in / ", files, links)
    return Image((base, Setting('/bin/sh -c #(nop)  CMD ["bash"]')), platform, command=("bash",))


def apt_upgrade(before: Release, after: Release, platform: Platform = AMD64) -> Layer:
    """Describe what ``apt-get upgrade`` does on an older image.

    Args:
        before: what is installed.
        after: what is installed afterwards.
        platform: for what.

    Returns:
        A layer that replaces dpkg's database and the files of the packages that changed, and removes what is left over.
    """
    old = {one.name: one.version for one in before.packages}
    changed = tuple(one for one in after.packages if old.get(one.name) != one.version)
    files = {STATUS: status_file(after.packages, platform), **_package_files(changed, platform)}
    command = "RUN /bin/sh -c apt-get update && apt-get upgrade -y && rm -rf /var/lib/apt/lists/* # buildkit"
    return Layer(command, files, removed=("var/lib/dpkg/available",))


def apt_remove(present: Release, names: tuple[str, ...], platform: Platform = AMD64) -> Layer:
    """Describe what ``apt-get purge`` does.

    Args:
        present: what is installed.
        names: the packages that go.
        platform: for what.

    Returns:
        A layer with the database of the rest and a whiteout for each file of those packages.
    """
    gone = tuple(one for one in present.packages if one.name in names)
    rest = tuple(one for one in present.packages if one.name not in names)
    command = f"RUN /bin/sh -c apt-get purge -y {' '.join(names)} # buildkit"
    return Layer(command, {STATUS: status_file(rest, platform)}, removed=tuple(sorted(_package_files(gone, platform))))


def distroless_image(release: Release = BOOKWORM_12_1, platform: Platform = AMD64) -> Image:
    """Describe an image in the manner of distroless: libraries only, a file of dpkg's database for each package.

    Args:
        release: where the packages are from.
        platform: for what.
    """
    packages = tuple(one for one in release.packages if one.library or one.everywhere or one.name == "base-files")
    files = {"usr/lib/os-release": _os_release(release), **_libraries(packages, platform)}
    for one in packages:
        files[f"var/lib/dpkg/status.d/{one.name}"] = _paragraph(one, platform, status=False)
        files[f"var/lib/dpkg/status.d/{one.name}.md5sums"] = b""
    layer = Layer("bazel build //base:base_nonroot", files, {"etc/os-release": "../usr/lib/os-release"})
    return Image((layer,), platform)


def status_file(packages: tuple[Package, ...], platform: Platform) -> bytes:
    """Write dpkg's database.

    Args:
        packages: what is installed.
        platform: for what.
    """
    return b"\n".join(_paragraph(one, platform) for one in sorted(packages))


def _paragraph(package: Package, platform: Platform, *, status: bool = True) -> bytes:
    lines = [
        f"Package: {package.name}",
        *(["Status: install ok installed"] if status else []),
        "Priority: optional",
        "Section: libs" if package.library else "Section: utils",
        "Installed-Size: 1024",
        "Maintainer: Debian Maintainers <debian-devel@lists.debian.org>",
        f"Architecture: {'all' if package.everywhere else platform.architecture}",
        *(["Multi-Arch: same"] if package.library else []),
        *([f"Source: {package.source}"] if package.source else []),
        f"Version: {package.version}",
        f"Description: {package.summary}",
        " Written for the local stack; the package itself is not in this image.",
    ]
    return "\n".join([*lines, ""]).encode()


def _package_files(packages: tuple[Package, ...], platform: Platform) -> dict[str, bytes]:
    """Give the files of packages: their list of files for dpkg, their copyright note, their library."""
    files = _libraries(packages, platform)
    for one in packages:
        qualifier = f":{platform.architecture}" if one.library else ""
        note = f"usr/share/doc/{one.name}/copyright"
        files[note] = f"{one.name} {one.version}: see https://tracker.debian.org/pkg/{one.name}\n".encode()
        files[f"var/lib/dpkg/info/{one.name}{qualifier}.list"] = f"/.\n/{note}\n".encode()
    return files


def _libraries(packages: tuple[Package, ...], platform: Platform) -> dict[str, bytes]:
    folder = f"usr/lib/{_MULTIARCH[platform.architecture]}"
    # No more than what a library begins with: what it is stands in the database.
    return {
        f"{folder}/{one.library}": b"\x7fELF" + f"{one.name} {one.version}".encode() for one in packages if one.library
    }


def _os_release(release: Release) -> bytes:
    number = release.version.partition(".")[0]
    return (
        f'PRETTY_NAME="Debian GNU/Linux {number} ({release.codename})"\n'
        'NAME="Debian GNU/Linux"\n'
        f'VERSION_ID="{number}"\n'
        f'VERSION="{number} ({release.codename})"\n'
        f"VERSION_CODENAME={release.codename}\n"
        "ID=debian\n"
        'HOME_URL="https://www.debian.org/"\n'
    ).encode()
