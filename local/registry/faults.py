"""What can go wrong on purpose."""

from dataclasses import dataclass
from typing import Any, Final, override

from local.http.faults import Fault, Faults
from local.registry.errors import Refused

INSTEAD: Final = frozenset({"status", "hang", "reset", "sign_in", "malformed"})
"""What comes in place of the answer; with ``after``, the call is carried out first. ``sign_in``: a page to sign in,
with 200."""

UPON: Final = frozenset(
    {"delay", "trickle", "cut", "redirect", "realm", "wrong_digest", "no_digest", "wrong_content", "oversize"}
)
"""What becomes of the answer. ``trickle``: the content comes in small pieces, for ``seconds``. ``cut``: the connection
ends in the middle of the content. ``redirect``: 307 in place of a success. ``realm``: a challenge names another place
for tokens. ``wrong_digest`` and ``no_digest`` are about the header Docker-Content-Digest, ``wrong_content`` about bytes
that are not those of the digest; ``oversize`` lets the content grow beyond 4 MiB, without saying its length first."""


@dataclass
class RegistryFault(Fault):
    """One fault.

    Attributes:
        location: for ``realm`` what it names; for ``redirect`` where to, by default the registry's data endpoint, which
            gives blobs and refuses everything else.
    """

    location: str = ""


class RegistryFaults(Faults[RegistryFault]):
    """The faults of a registry."""

    def __init__(self) -> None:
        """Begin with none."""
        super().__init__(RegistryFault, INSTEAD | UPON, _wrong)

    @override
    def add(self, wanted: dict[str, Any]) -> dict[str, Any]:
        if wanted.get("kind") == "realm" and not wanted.get("location"):
            raise _wrong("a realm needs a location")
        return super().add(wanted)


def _wrong(message: str) -> Refused:
    return Refused(400, "UNSUPPORTED", message)
