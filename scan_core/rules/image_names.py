"""What the images of a gate are called, where they have to be told apart."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Final

from scan_core.model.target import ImageTarget

_LONGEST_NAME: Final = 48
_DIGEST_SHOWN: Final = len("sha256:") + 12


def full_name(target: ImageTarget) -> str:
    """Name an image so that it can be found again.

    Args:
        target: The image.

    Returns:
        Reference by digest, and platform: ``registry/name@sha256:… linux/amd64``.
    """
    return f"{target.reference} {target.platform.text}"


def short_digest(text: str) -> str:
    """Shorten a digest.

    Args:
        text: ``sha256:`` and 64 hex digits.

    Returns:
        Its first twelve digits with what stands before them.
    """
    return text if len(text) <= _DIGEST_SHOWN else f"{text[:_DIGEST_SHOWN]}…"


def short_names(targets: Iterable[ImageTarget]) -> dict[ImageTarget, str]:
    """Name images in a few words, each by no more than what tells it from the others.

    Args:
        targets: The images of one gate.

    Returns:
        The name of each, such as ``team/app``, ``team/app (linux/arm64)`` or ``contoso.azurecr.io/team/app``.
    """
    alike: dict[str, list[ImageTarget]] = defaultdict(list)
    for target in dict.fromkeys(targets):
        alike[target.repository].append(target)
    return {target: _name(target, others) for others in alike.values() for target in others}


def _name(target: ImageTarget, alike: Collection[ImageTarget]) -> str:
    """Name one of the images that share a repository's name."""
    name = (
        target.repository if len(target.repository) <= _LONGEST_NAME else f"…{target.repository[1 - _LONGEST_NAME :]}"
    )
    if len({other.registry for other in alike}) > 1:
        name = f"{target.registry}/{name}"
    aside = []
    if len({other.platform for other in alike}) > 1:
        aside.append(target.platform.text)
    if sum((other.registry, other.platform) == (target.registry, target.platform) for other in alike) > 1:
        aside.append(short_digest(target.digest))
    return f"{name} ({', '.join(aside)})" if aside else name
