"""Where a registry sends for its tokens: the challenge of a 401. Pure.

RFC 9110, 11.6.1 for the header's form; Distribution project, "Token Authentication Specification" for its meaning.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_TOKEN: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - the grammar's word
_PARAMETER: Final = re.compile(rf'\s*({_TOKEN})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|({_TOKEN}))\s*(?:,|$)')
_SCHEME: Final = re.compile(rf"\s*({_TOKEN})(?:\s+|$)")
_LONGEST: Final = 4096
_LONGEST_SERVICE: Final = 256


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a registry wants to see."""

    scheme: str
    """``bearer`` or ``basic``."""
    realm: str
    """Untrusted. For ``bearer``, a URL."""
    service: str = ""
    """The registry's name at its realm; untrusted."""


def read_challenge(values: Iterable[str]) -> Challenge | None:
    """Read the headers ``WWW-Authenticate`` of a 401.

    Args:
        values: Each header's value. Untrusted. A header that holds several challenges is read up to its first.

    Returns:
        The first challenge for tokens (bearer), else that for a password (basic); None where there is neither, or one
        that is too long or does not fit the grammar.
    """
    found = [challenge for challenge in map(_one, values) if challenge is not None]
    return next((one for one in found if one.scheme == "bearer"), found[0] if found else None)


def _one(value: str) -> Challenge | None:
    scheme = _SCHEME.match(value)
    if scheme is None or len(value) > _LONGEST:
        return None
    parameters = _parameters(value, scheme.end())
    realm = parameters.get("realm", "")
    service = parameters.get("service", "")[:_LONGEST_SERVICE]
    match scheme[1].lower():
        case "bearer" if realm:
            return Challenge("bearer", realm, service)
        case "basic":
            return Challenge("basic", realm)
        case _:
            return None


def _parameters(value: str, start: int) -> dict[str, str]:
    """Read parameters up to the first thing that is none; the first of two with one name counts."""
    parameters: dict[str, str] = {}
    while (found := _PARAMETER.match(value, start)) is not None:
        text = found[3] if found[2] is None else re.sub(r"\\(.)", r"\1", found[2])
        parameters.setdefault(found[1].lower(), text)
        start = found.end()
    return parameters
