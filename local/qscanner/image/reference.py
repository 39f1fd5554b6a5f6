"""References to images, by the grammar of the OCI distribution specification."""

import ipaddress
import re
from typing import NamedTuple

_LONGEST = 512
_LONGEST_REPOSITORY = 255
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:]+\])"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?P<registry>{_HOST}(?::[0-9]{{1,5}})?)/(?P<repository>{_PART}(?:/{_PART})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


class ImageReference(NamedTuple):
    """Where an image is.

    Attributes:
        registry: The registry's host, with its port where one is named.
        repository: The repository's name in it.
        tag: The tag, or empty.
        digest: ``sha256:`` and 64 hexadecimal digits, or empty. It wins over the tag.
    """

    registry: str
    repository: str
    tag: str
    digest: str

    @property
    def name(self) -> str:
        """The repository with its registry."""
        return f"{self.registry}/{self.repository}"

    @property
    def asked(self) -> str:
        """What the registry is asked for: the digest, else the tag."""
        return self.digest or self.tag


def parse_reference(text: str) -> ImageReference:
    """Read ``host[:port]/name:tag`` or ``host[:port]/name@sha256:…``.

    A name without a registry is refused: which registry it means depends on the engine that reads it.

    Raises:
        ValueError: The text is not of that form.
    """
    found = _REFERENCE.fullmatch(text) if len(text) <= _LONGEST else None
    if not found or not (found["tag"] or found["digest"]):
        message = f"{text[:200]!r} is not host[:port]/name:tag or host[:port]/name@sha256:…"
        raise ValueError(message)
    registry, repository = found["registry"], found["repository"]
    if not _names_a_host(registry):
        message = f"{text[:200]!r} does not name its registry"
        raise ValueError(message)
    if len(repository) > _LONGEST_REPOSITORY:
        message = f"the repository's name is longer than {_LONGEST_REPOSITORY} characters"
        raise ValueError(message)
    return ImageReference(registry, repository, found["tag"] or "", found["digest"] or "")


def is_loopback(host: str) -> bool:
    """Tell whether a host, without its port, is this machine: only there may a registry speak plain HTTP."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _names_a_host(registry: str) -> bool:
    host, _, port = registry.rpartition(":")
    if registry.endswith("]") or not port.isdecimal():
        host, port = registry, ""
    if port and not 0 < int(port) < 65536:
        return False
    if host.startswith("["):
        try:
            ipaddress.IPv6Address(host[1:-1])
        except ValueError:
            return False
        return True
    # The rule by which container engines tell a host from the first part of a name.
    return "." in registry or bool(port) or host == "localhost"
