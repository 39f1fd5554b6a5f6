"""Platforms of container images, as ``--platform`` and the OCI image specification name them."""

import re
from typing import NamedTuple

_FORM = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}(?:/[a-z0-9][a-z0-9._-]{0,31}){1,2}")
# Other names that containerd's platforms package accepts for the same architecture.
_ARCHITECTURES = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "i386": "386", "armhf": "arm"}
# What an absent variant means (containerd, platforms.Normalize).
_DEFAULT_VARIANTS = {"amd64": "v1", "arm64": "v8", "arm": "v7"}


class Platform(NamedTuple):
    """What an image was built for.

    Attributes:
        os: The operating system, such as ``linux``.
        architecture: The processor, as Go's GOARCH names it.
        variant: Its variant, such as ``v7``; empty where it is not said.
    """

    os: str
    architecture: str
    variant: str = ""

    def __str__(self) -> str:
        """Write it as ``os/architecture[/variant]``."""
        return "/".join(part for part in self if part)

    def matches(self, other: "Platform") -> bool:
        """Tell whether two name the same, where an absent variant means the architecture's usual one."""
        return self.normal() == other.normal()

    def normal(self) -> "Platform":
        """Give the platform in the one spelling that it is compared in."""
        architecture = _ARCHITECTURES.get(self.architecture.lower(), self.architecture.lower())
        variant = self.variant.lower() or _DEFAULT_VARIANTS.get(architecture, "")
        return Platform(self.os.lower(), architecture, variant)


def parse_platform(text: str) -> Platform:
    """Read ``os/architecture[/variant]``.

    Raises:
        ValueError: The text is not of that form.
    """
    if not _FORM.fullmatch(text):
        message = f"{text[:80]!r} is not a platform such as linux/amd64 or linux/arm/v7"
        raise ValueError(message)
    return Platform(*text.split("/"))
