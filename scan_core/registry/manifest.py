"""What stands in a manifest: which digest is scanned for which platform. Pure.

Open Container Initiative, "Image Specification" (image index, image manifest, image configuration); the media types of
Docker's "Image Manifest Version 2, Schema 2" mean the same.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from scan_core.model.image import ImageDigest, ImageReference, Platform, image_digest, platform_of
from scan_core.registry.refusals import RefusalKind, RegistryRefused, shown

_INDEXES: Final = frozenset(
    {"application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"}
)
_IMAGES: Final = frozenset(
    {"application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"}
)
_CONFIGS: Final = frozenset(
    {"application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"}
)
ACCEPT: Final = ", ".join(sorted(_INDEXES | _IMAGES))

MANIFEST_BYTES: Final = 4 * 1024 * 1024
"""What a registry has to take as a manifest ("Pushing Manifests"), and the most that is read."""
_UNKNOWN: Final = "unknown"
"""What BuildKit writes as the platform of an attestation, which no engine runs."""
MOST_IMAGES: Final = 16
"""For the platforms asked for; an index of Windows images has one for each version of the system."""
_SHOWN_PLATFORMS: Final = 6


@dataclass(frozen=True, slots=True)
class ResolvedImage:
    """One image to scan."""

    platform: Platform
    digest: ImageDigest
    """Of the manifest for this platform alone."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a reference stands for at one moment."""

    reference: ImageReference
    digest: ImageDigest
    """Of what the reference names: an index, or the image itself."""
    images: tuple[ResolvedImage, ...]
    """For each platform that was asked for at least one, in the order asked for. An index may have several for one
    platform, such as one for each version of Windows; each has to be judged, since it is open which will run."""


@dataclass(frozen=True, slots=True)
class Index:
    """An index, as far as it can be scanned."""

    images: tuple[ResolvedImage, ...]
    """Without attestations."""


@dataclass(frozen=True, slots=True)
class SingleImage:
    """The manifest of one image."""

    config: ImageDigest
    """Of its configuration, which says for which platform it is made."""


def digest_of(content: bytes) -> ImageDigest:
    """Name bytes by their hash.

    Args:
        content: The bytes of a manifest or blob.

    Returns:
        Their digest.
    """
    return ImageDigest(f"sha256:{hashlib.sha256(content).hexdigest()}")


def read_manifest(content: bytes, content_type: str, name: str) -> Index | SingleImage:
    """Read a manifest.

    A document that can be read both as an index and as an image is refused, and so is one that calls itself something
    else than the registry does: two readers could take it for two things (OCI advisory GHSA-77vh-xpmg-72qh).

    Args:
        content: The manifest's bytes. Untrusted.
        content_type: What the registry calls it.
        name: How to name the image in a refusal.

    Returns:
        What it is.

    Raises:
        RegistryRefused: It is no image that can be scanned.
    """
    document = _document(content, name)
    media_type = content_type.partition(";")[0].strip().lower()
    said = document.get("mediaType", media_type)
    if said != media_type or ("manifests" in document and ("layers" in document or "config" in document)):
        raise _no_image(name, "its manifest can be read as two different things; build and push it again")
    if media_type in _INDEXES:
        return Index(tuple(_entries(document, name)))
    if media_type in _IMAGES:
        return _single(document, name)
    raise _no_image(name, f"it is of type {shown(media_type) or 'unsaid'}; push an OCI or Docker version 2 image")


def chosen(index: Index, wanted: Sequence[Platform], name: str) -> tuple[ResolvedImage, ...]:
    """Choose the images for some platforms from an index.

    Args:
        index: The index.
        wanted: The platforms; not empty.
        name: As for `read_manifest`.

    Returns:
        The images in the order of the platforms, each digest once for each platform.

    Raises:
        RegistryRefused: A platform has none, or there are too many.
    """
    found = {platform: [image for image in index.images if image.platform == platform] for platform in wanted}
    missing = [platform for platform, images in found.items() if not images]
    if missing:
        raise no_platform(name, missing, [image.platform for image in index.images])
    images = tuple(dict.fromkeys(image for images in found.values() for image in images))
    if len(images) > MOST_IMAGES:
        raise _no_image(name, f"its index lists {len(images)} images for the platforms asked for, over {MOST_IMAGES}")
    return images


def read_config(content: bytes, name: str) -> Platform:
    """Read from an image's configuration for which platform it is made.

    Args:
        content: The configuration's bytes. Untrusted.
        name: As for `read_manifest`.

    Returns:
        The platform.

    Raises:
        RegistryRefused: It does not say.
    """
    found = _platform(_document(content, name))
    if found is None:
        raise _no_image(name, "its configuration does not say for which platform it is made")
    return found


def no_platform(name: str, missing: Sequence[Platform], has: Sequence[Platform]) -> RegistryRefused:
    """Say that an image is not made for a platform.

    Args:
        name: As for `read_manifest`.
        missing: What was asked for and is not there.
        has: What is there.

    Returns:
        The refusal.
    """
    return RegistryRefused(
        RefusalKind.NO_PLATFORM,
        f"{name} has no image for {_listed(missing)}; it has {_listed(has) or 'none'}. Name in the rules the platforms "
        "that it is built for.",
    )


def _document(content: bytes, name: str) -> dict[str, Any]:
    try:
        document: Any = json.loads(content)
    except (ValueError, RecursionError):
        document = None
    if isinstance(document, dict):
        return document
    raise RegistryRefused(
        RefusalKind.MALFORMED, f"{name}: what the registry gave is not a JSON object; check that it is a registry."
    )


def _single(document: Mapping[str, Any], name: str) -> SingleImage:
    config = document.get("config")
    if not isinstance(config, dict) or _media_type(config) not in _CONFIGS:
        raise _no_image(name, "it is an artifact such as a chart or a signature, which holds nothing to run")
    return SingleImage(_pointed_at(config, f"the configuration of {name}", name))


def _entries(document: Mapping[str, Any], name: str) -> Iterator[ResolvedImage]:
    entries = document.get("manifests")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise _no_image(name, "its index lists no images")
    for entry in entries:
        if _media_type(entry) in _INDEXES:
            raise _no_image(name, "its index lists a further index; push one index that lists the images")
        platform = _platform(entry.get("platform"))
        if platform is None or _UNKNOWN in {platform.os, platform.architecture}:
            continue
        if _media_type(entry) not in _IMAGES:
            raise _no_image(name, f"its index lists something else than images for {shown(platform.text)}")
        yield ResolvedImage(platform, _pointed_at(entry, f"the manifest of {name} for {platform.text}", name))


def _pointed_at(descriptor: Mapping[str, Any], what: str, name: str) -> ImageDigest:
    """Read a descriptor: the digest of what it points at, which has to be small enough to be read."""
    said, size = descriptor.get("digest"), descriptor.get("size")
    try:
        digest = image_digest(said if isinstance(said, str) else "")
    except ValueError:
        raise _no_image(name, "its manifest points to content without a sha256 digest") from None
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise _no_image(name, "its manifest points to content without a size")
    if size > MANIFEST_BYTES:
        raise RegistryRefused(RefusalKind.MANIFEST_TOO_LARGE, f"{what} is larger than the 4 MiB that are read.")
    return digest


def _media_type(descriptor: Mapping[str, Any]) -> str:
    said = descriptor.get("mediaType")
    return said if isinstance(said, str) else ""


def _platform(said: Any) -> Platform | None:  # noqa: ANN401 - parsed JSON
    """Read a platform; None where none is said, or something that is not one."""
    if not isinstance(said, dict):
        return None
    os, architecture, variant = said.get("os"), said.get("architecture"), said.get("variant")
    if not isinstance(os, str) or not isinstance(architecture, str) or not isinstance(variant, str | None):
        return None
    try:
        return platform_of(os, architecture, variant)
    except ValueError:
        return None


def _listed(platforms: Sequence[Platform]) -> str:
    texts = list(dict.fromkeys(platform.text for platform in platforms))
    more = len(texts) - _SHOWN_PLATFORMS
    return ", ".join(texts[:_SHOWN_PLATFORMS]) + (f" and {more} more" if more > 0 else "")


def _no_image(name: str, why: str) -> RegistryRefused:
    return RegistryRefused(RefusalKind.NOT_AN_IMAGE, f"{name} cannot be scanned: {why}.")
