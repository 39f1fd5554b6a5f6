"""A Debian image in several layers, and a scan of an image."""

import json
from typing import Any

from tests.local.qscanner.checkouts import VULNERABLE_LOCK, Run, Scanner
from tests.local.qscanner.images import Image, image, tar

REPORT = "-Report.sarif.json"
DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n'
LIBSSL = (
    "Package: libssl3\nStatus: install ok installed\nArchitecture: amd64\nSource: openssl\nVersion: 3.0.9-1\n"
    "Description: toolkit\n continued\n"
)
CURL = "Package: curl\nStatus: install ok installed\nArchitecture: amd64\nVersion: 7.88.1-10+deb12u3\n"
REMOVED = "Package: openssh-client\nStatus: deinstall ok config-files\nSource: openssh\nVersion: 1:9.2p1-2\n"


def debian_image(**other: Any) -> Image:
    """Debian with an old libssl, then curl, then an application with a vulnerable lock."""
    base = tar(
        {"etc/os-release": "-> ../usr/lib/os-release", "usr/lib/os-release": DEBIAN, "var/lib/dpkg/status": LIBSSL}
    )
    more = tar({"var/lib/dpkg/status": f"{LIBSSL}\n{CURL}\n{REMOVED}"})
    application = tar({"app/package-lock.json": json.dumps(VULNERABLE_LOCK)})
    return image(
        base,
        more,
        application,
        commands=["ADD rootfs.tar / # buildkit", "RUN apt-get install curl", "COPY . /app"],
        **other,
    )


def scan_image(scan: Scanner, reference: str, *flags: str, **environment: str) -> Run:
    """Scan an image for linux/amd64."""
    return scan(*flags, "image", reference, "--storage-driver", "none", "--platform", "linux/amd64", **environment)
