"""What can go wrong between a reference and a digest: one typed error, whatever network or registry made of it."""

from enum import StrEnum
from typing import Final

SENTENCE_CHARACTERS: Final = 300
LONGEST_WAIT_SECONDS: Final = 3600.0
"""A longer wait is cut to this: asking too early only brings the next Retry-After."""
_SHOWN_CHARACTERS: Final = 60


class RefusalKind(StrEnum):
    """Why there is no digest, or no token."""

    NOT_LISTED = "not_listed"
    """The registry is not one that the organisation lists; nothing was asked of it."""
    NOT_FOUND = "not_found"
    """The registry has no such repository, tag or digest."""
    REFUSED = "refused"
    """The registry, or who gives its tokens, does not let us: 401, 403, or no credential of ours that fits."""
    DIGEST_MISMATCH = "digest_mismatch"
    """The bytes are not those that the digest names."""
    MANIFEST_TOO_LARGE = "manifest_too_large"
    NO_PLATFORM = "no_platform"
    """The image is not made for a platform that was asked for."""
    NOT_AN_IMAGE = "not_an_image"
    """What is there is no image that can be scanned, or leaves open which one it is."""
    UNREACHABLE = "unreachable"
    """No answer in time, a connection that broke, or an error of the registry's own (5xx)."""
    THROTTLED = "throttled"
    """429, or 503 with Retry-After."""
    PRIVATE_ADDRESS = "private_address"
    """A host leads to an address that only a registry listed as private may have, or that none may have."""
    REALM_ELSEWHERE = "realm_elsewhere"
    """The registry sends for its tokens to a place that is neither itself nor listed; no credential went there."""
    REDIRECTED = "redirected"
    """A redirect that is not followed."""
    MALFORMED = "malformed"
    """An answer that is not what the specification promises."""


_PASSING: Final = {RefusalKind.UNREACHABLE, RefusalKind.THROTTLED, RefusalKind.MALFORMED}


class RegistryRefused(Exception):
    """A reference was not resolved, or a token not given. Whether to ask again is the caller's choice."""

    def __init__(self, kind: RefusalKind, sentence: str, *, retry_after: float | None = None) -> None:
        """Say what happened.

        Args:
            kind: Why.
            sentence: What happened and what to do, for whoever reads the verdict; texts of strangers in it have gone
                through `shown`. Cut to 300 characters.
            retry_after: Seconds that the registry asks to wait.
        """
        cut = sentence if len(sentence) <= SENTENCE_CHARACTERS else sentence[: SENTENCE_CHARACTERS - 1] + "…"
        super().__init__(cut)
        self.kind = kind
        self.sentence = cut
        self.retry_after = retry_after

    @property
    def retryable(self) -> bool:
        """Whether the same call can succeed later with nobody changing anything."""
        return self.kind in _PASSING


def shown(text: str, characters: int = _SHOWN_CHARACTERS) -> str:
    """Make a stranger's text fit for a sentence.

    Args:
        text: Anything that a registry or a build said.
        characters: At most so many of it are shown.

    Returns:
        Its beginning, with a question mark for each character that is not ASCII, not visible, or could act as markup.
    """
    kept = "".join(letter if _harmless(letter) else "?" for letter in text[:characters])
    return kept if len(text) <= characters else kept + "…"


def _harmless(letter: str) -> bool:
    return letter.isascii() and (letter.isalnum() or letter in " .:/@_-+,;=")
