"""What a registry's refusals mean for an attempt, in sentences that help."""

from typing import Final

from scan_core.model.attempt import AttemptError, AttemptErrorKind
from scan_core.model.image import RegistryHost
from scan_core.model.target import ImageTarget
from scan_core.registry.refusals import RefusalKind, RegistryRefused, shown

_NAME_CHARACTERS: Final = 200
_DIGEST_CHARACTERS: Final = 19
"""``sha256:`` and twelve digits, as container engines shorten it."""

_KINDS: Final = {
    RefusalKind.NOT_LISTED: AttemptErrorKind.ACCESS_REFUSED,
    RefusalKind.NOT_FOUND: AttemptErrorKind.IMAGE_GONE,
    RefusalKind.REFUSED: AttemptErrorKind.ACCESS_REFUSED,
    RefusalKind.DIGEST_MISMATCH: AttemptErrorKind.FETCH_FAILED,
    RefusalKind.MANIFEST_TOO_LARGE: AttemptErrorKind.UNSUPPORTED,
    RefusalKind.NO_PLATFORM: AttemptErrorKind.UNSUPPORTED,
    RefusalKind.NOT_AN_IMAGE: AttemptErrorKind.UNSUPPORTED,
    RefusalKind.UNREACHABLE: AttemptErrorKind.UNREACHABLE,
    RefusalKind.THROTTLED: AttemptErrorKind.UNREACHABLE,
    RefusalKind.PRIVATE_ADDRESS: AttemptErrorKind.ACCESS_REFUSED,
    RefusalKind.REALM_ELSEWHERE: AttemptErrorKind.ACCESS_REFUSED,
    RefusalKind.REDIRECTED: AttemptErrorKind.ACCESS_REFUSED,
    RefusalKind.MALFORMED: AttemptErrorKind.FETCH_FAILED,
}


def failure_of(refused: RegistryRefused, target: ImageTarget) -> AttemptError:
    """Say why an image cannot be pulled.

    Args:
        refused: What the registry room made of it.
        target: The image.

    Returns:
        The error to record.
    """
    if refused.kind is RefusalKind.NOT_FOUND:
        return AttemptError(
            kind=AttemptErrorKind.IMAGE_GONE,
            sentence=f"The image {image_name(target)} was not found in the registry: it may have been deleted, by a "
            "retention rule for instance. Build and push it again to have the new one scanned.",
        )
    return AttemptError(kind=_KINDS[refused.kind], sentence=refused.sentence)


def not_listed(host: RegistryHost) -> AttemptError:
    """Say that a registry is none of the organisation's, or none any more.

    Args:
        host: The registry.

    Returns:
        The error to record.
    """
    return AttemptError(
        kind=AttemptErrorKind.ACCESS_REFUSED,
        sentence=f"{shown(host, _NAME_CHARACTERS)} is not a registry that this organisation lists, and was not asked: "
        "add it to the registries in Scangate's settings, or push to one that is listed, then run the pipeline again.",
    )


def not_allowed(host: RegistryHost) -> AttemptError:
    """Say that a registry is none that this step may ask.

    Args:
        host: The registry.

    Returns:
        The error to record.
    """
    return AttemptError(
        kind=AttemptErrorKind.ACCESS_REFUSED,
        sentence=f"{shown(host, _NAME_CHARACTERS)} is not a registry that the fetch step may ask for this "
        "organisation, and was not asked: list it in SCANGATE_REGISTRIES.",
    )


def wrongly_listed(host: RegistryHost) -> AttemptError:
    """Say that what the fetch step was told of registries makes no sense.

    Args:
        host: The registry that was looked for.

    Returns:
        The error to record; nothing that it was told is in it.
    """
    return AttemptError(
        kind=AttemptErrorKind.ACCESS_REFUSED,
        sentence=f"{shown(host, _NAME_CHARACTERS)} was not asked, because a registry in SCANGATE_REGISTRIES cannot be "
        "used as it stands there: it needs an https address, and for login basic a user name and a password.",
    )


def timed_out(target: ImageTarget, seconds: int) -> AttemptError:
    """Say that the registry took too long.

    Args:
        target: The image.
        seconds: How long it may take.

    Returns:
        The error to record.
    """
    return AttemptError(
        kind=AttemptErrorKind.FETCH_TIMED_OUT,
        sentence=f"The registry gave no token to pull the image {image_name(target)} within {seconds} seconds.",
    )


def image_name(target: ImageTarget) -> str:
    """Name an image for a sentence.

    Args:
        target: The image.

    Returns:
        Registry, repository and the beginning of the digest.
    """
    name = shown(f"{target.registry}/{target.repository}", _NAME_CHARACTERS)
    return f"{name}@{target.digest[:_DIGEST_CHARACTERS]}"
