"""What a manifest must be before it is taken in, and which kind a client accepts. Pure."""

import json
from dataclasses import dataclass, field
from typing import Any, Final

from local.registry.errors import Refused, manifest_invalid
from local.registry.names import is_digest

OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX: Final = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST: Final = "application/vnd.docker.distribution.manifest.list.v2+json"
INDEXES: Final = frozenset({OCI_INDEX, DOCKER_LIST})
MANIFESTS: Final = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
LIMIT_BYTES: Final = 4 << 20
"""OCI Distribution Specification, "Pushing Manifests": at least four mebibytes are taken; here no more."""

_FOREIGN: Final = ("application/vnd.docker.image.rootfs.foreign.", "application/vnd.oci.image.layer.nondistributable.")


@dataclass(frozen=True)
class Descriptor:
    """A reference to content ("OCI Content Descriptors")."""

    media_type: str
    digest: str
    size: int


@dataclass(frozen=True)
class Manifest:
    """A manifest as far as a registry has to know it.

    Attributes:
        media_type: its type.
        blobs: the blobs that have to be there: configuration and layers.
        children: for an index, the manifests that have to be there.
        subject: the digest of the manifest that it says something about.
        artifact_type: what kind of artifact it is; empty where it does not say.
        annotations: its annotations.
    """

    media_type: str
    blobs: tuple[Descriptor, ...] = ()
    children: tuple[Descriptor, ...] = ()
    subject: str = ""
    artifact_type: str = ""
    annotations: dict[str, str] = field(default_factory=dict)


def parse_manifest(content: bytes, content_type: str) -> Manifest:
    """Read a manifest that is pushed.

    Args:
        content: its bytes.
        content_type: the header ``Content-Type``.

    Returns:
        What it refers to.

    Raises:
        Refused: 413 when it is too large, 415 for a type that is not known here, 400 for anything else.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if len(content) > LIMIT_BYTES:
        raise Refused(413, "SIZE_INVALID", f"a manifest has at most {LIMIT_BYTES} bytes")
    if media_type not in MANIFESTS | INDEXES:
        raise Refused(415, "MANIFEST_INVALID", f"not a type of manifest: {media_type[:200]!r}")
    document = _document(content)
    if document.get("schemaVersion") != 2:
        raise manifest_invalid("schemaVersion is not 2")
    named = document.get("mediaType", "" if media_type.startswith("application/vnd.docker.") else media_type)
    if named != media_type:
        raise manifest_invalid(f"mediaType is {str(named)[:200]!r}, Content-Type is {media_type!r}")
    subject = document.get("subject")
    annotations = document.get("annotations", {})
    if not isinstance(annotations, dict):
        raise manifest_invalid("annotations is not an object")
    blobs, children = _contents(document, media_type)
    return Manifest(
        media_type,
        blobs=blobs,
        children=children,
        subject=_descriptor(subject, "subject").digest if subject is not None else "",
        artifact_type=str(document.get("artifactType") or _config_type(document)),
        annotations={str(key): str(value) for key, value in annotations.items()},
    )


def accepts(accept: str, media_type: str) -> bool:
    """Tell whether a client takes a manifest of a kind.

    Args:
        accept: the header ``Accept``, its lines joined by commas; empty where there is none, which accepts all.
        media_type: the manifest's type.
    """
    wanted = {}
    for entry in accept.lower().split(","):
        kind, _, parameters = entry.partition(";")
        if kind.strip():
            wanted[kind.strip()] = "".join(parameters.split()) not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    if not wanted:
        return True
    family = f"{media_type.partition('/')[0]}/*"
    return next((wanted[kind] for kind in (media_type, family, "*/*") if kind in wanted), False)


def _document(content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        raise manifest_invalid("not JSON") from None
    if not isinstance(document, dict):
        raise manifest_invalid("not a JSON object")
    return document


def _contents(document: dict[str, Any], media_type: str) -> tuple[tuple[Descriptor, ...], tuple[Descriptor, ...]]:
    """Give what has to be there: blobs of an image, manifests of an index."""
    if media_type in INDEXES:
        if "config" in document or "layers" in document:
            raise manifest_invalid("an index has no config and no layers")
        return (), tuple(_child(one, number) for number, one in enumerate(_list(document, "manifests")))
    if "manifests" in document:
        raise manifest_invalid("an image manifest has no manifests")
    layers = [_descriptor(one, f"layers[{number}]") for number, one in enumerate(_list(document, "layers"))]
    distributed = [layer for layer in layers if not layer.media_type.startswith(_FOREIGN)]
    return (_descriptor(document.get("config"), "config"), *distributed), ()


def _child(found: object, number: int) -> Descriptor:
    place = f"manifests[{number}]"
    child = _descriptor(found, place)
    platform = found.get("platform") if isinstance(found, dict) else None
    if platform is not None and not (
        isinstance(platform, dict) and all(isinstance(platform.get(key), str) for key in ("os", "architecture"))
    ):
        raise manifest_invalid(f"{place}.platform has no os and architecture")
    return child


def _list(document: dict[str, Any], key: str) -> list[Any]:
    found = document.get(key)
    if not isinstance(found, list):
        raise manifest_invalid(f"{key} is not a list")
    return found


def _descriptor(found: object, place: str) -> Descriptor:
    match found:
        case {"mediaType": str(media_type), "digest": str(digest), "size": int(size)} if is_digest(digest):
            if size >= 0 and not isinstance(size, bool):
                return Descriptor(media_type, digest, size)
    raise manifest_invalid(f"{place} is no descriptor: mediaType, digest and size are needed")


def _config_type(document: dict[str, Any]) -> str:
    config = document.get("config")
    return str(config.get("mediaType", "")) if isinstance(config, dict) else ""
