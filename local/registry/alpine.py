"""Images that are built on Alpine Linux, at versions that Alpine published.

Versions and what they fix are from Alpine's security database; the form of the database of installed packages is that
of apk-installed-database ("Apk spec", Alpine Linux wiki).
"""

import base64
import hashlib
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple

from local.registry.images import AMD64, Image, Platform, Setting
from local.registry.layers import Layer

INSTALLED: Final = "lib/apk/db/installed"
_ARCHITECTURES: Final = MappingProxyType({"amd64": "x86_64", "arm64": "aarch64"})


class Package(NamedTuple):
    """A package that is installed.

    Attributes:
        name: its name.
        version: its version.
        origin: what it was built from.
        licence: its licence.
        summary: its description.
    """

    name: str
    version: str
    origin: str
    licence: str
    summary: str


@dataclass(frozen=True)
class Release:
    """A release of Alpine Linux.

    Attributes:
        version: for example 3.17.0.
        packages: what is installed.
    """

    version: str
    packages: tuple[Package, ...]

    def with_openssl(self, version: str, openssl: str) -> "Release":
        """Return a later release that differs in its OpenSSL.

        Args:
            version: the release's number.
            openssl: the version of its OpenSSL.
        """
        packages = (one._replace(version=openssl) if one.origin == "openssl" else one for one in self.packages)
        return Release(version, tuple(packages))


ALPINE_3_17_0: Final = Release(
    "3.17.0",
    (
        Package("alpine-baselayout", "3.4.0-r0", "alpine-baselayout", "GPL-2.0-only", "Alpine base dir structure"),
        Package("apk-tools", "2.12.10-r1", "apk-tools", "GPL-2.0-only", "Alpine Package Keeper"),
        Package("busybox", "1.35.0-r29", "busybox", "GPL-2.0-only", "Size optimized toolbox of common UNIX utilities"),
        Package("libcrypto3", "3.0.7-r0", "openssl", "Apache-2.0", "Crypto library from openssl"),
        Package("libssl3", "3.0.7-r0", "openssl", "Apache-2.0", "SSL shared libraries"),
        Package("musl", "1.2.3-r4", "musl", "MIT", "the musl c library (libc) implementation"),
        Package("zlib", "1.2.13-r0", "zlib", "Zlib", "A compression/decompression Library"),
    ),
)
"""November 2022: CVE-2023-0286 and CVE-2023-5363 (libcrypto3, libssl3) were yet to be found."""

ALPINE_3_17_6: Final = ALPINE_3_17_0.with_openssl("3.17.6", "3.0.12-r1")
"""November 2023: it is fixed, and so is CVE-2023-5363."""


def alpine_image(release: Release = ALPINE_3_17_0, platform: Platform = AMD64) -> Image:
    """Describe Alpine's own image.

    Args:
        release: which; the default has a known, fixable weakness, ``ALPINE_3_17_6`` is its rebuild without it.
        platform: for what.

    Returns:
        One layer with everything, and the command.
    """
    files = {
        "etc/alpine-release": f"{release.version}\n".encode(),
        "usr/lib/os-release": _os_release(release),
        "etc/apk/world": b"alpine-baselayout\napk-tools\nbusybox\n",
        INSTALLED: b"\n".join(_paragraph(one, platform) for one in release.packages),
        "bin/busybox": b"\x7fELF busybox",
    }
    links = {"etc/os-release": "../usr/lib/os-release", "bin/sh": "/bin/busybox"}
    base = Layer(f"/bin/sh -c #(nop) ADD file:alpine-minirootfs-{release.version}.tar.gz in / ", files, links)
    return Image((base, Setting('/bin/sh -c #(nop)  CMD ["/bin/sh"]')), platform, command=("/bin/sh",))


def apk_upgrade(after: Release, platform: Platform = AMD64) -> Layer:
    """Describe what ``apk upgrade`` does on an older image.

    Args:
        after: what is installed afterwards.
        platform: for what.

    Returns:
        A layer that replaces the database of installed packages.
    """
    installed = b"\n".join(_paragraph(one, platform) for one in after.packages)
    return Layer("RUN /bin/sh -c apk upgrade --no-cache # buildkit", {INSTALLED: installed})


def _paragraph(package: Package, platform: Platform) -> bytes:
    digest = hashlib.sha1(f"{package.name} {package.version}".encode(), usedforsecurity=False).digest()
    lines = [
        f"C:Q1{base64.b64encode(digest).decode()}",
        f"P:{package.name}",
        f"V:{package.version}",
        f"A:{_ARCHITECTURES[platform.architecture]}",
        "S:1024",
        "I:4096",
        f"T:{package.summary}",
        "U:https://alpinelinux.org/",
        f"L:{package.licence}",
        f"o:{package.origin}",
        "m:Alpine Developers <alpine-devel@lists.alpinelinux.org>",
        "t:1669000000",
        "F:usr",
        "F:usr/share",
    ]
    return "\n".join([*lines, ""]).encode()


def _os_release(release: Release) -> bytes:
    minor = release.version.rpartition(".")[0]
    return (
        'NAME="Alpine Linux"\n'
        "ID=alpine\n"
        f"VERSION_ID={release.version}\n"
        f'PRETTY_NAME="Alpine Linux v{minor}"\n'
        'HOME_URL="https://alpinelinux.org/"\n'
    ).encode()
