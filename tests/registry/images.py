"""Manifests, indexes and configurations, as registries hold them."""

import json
from typing import Any, NamedTuple

from scan_core.model.image import ImageDigest
from scan_core.registry.manifest import digest_of

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_IMAGE = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_IMAGE = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"


class Content(NamedTuple):
    """Bytes with their type and digest."""

    body: bytes
    media_type: str

    @property
    def digest(self) -> ImageDigest:
        """The hash of the bytes."""
        return digest_of(self.body)

    def descriptor(self, **more: Any) -> dict[str, Any]:
        """Point at it."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.body), **more}


def document(media_type: str, **fields: Any) -> Content:
    return Content(json.dumps(fields).encode(), media_type)


def config(os: str = "linux", architecture: str = "amd64", **more: Any) -> Content:
    return document(OCI_CONFIG, os=os, architecture=architecture, rootfs={"type": "layers", "diff_ids": []}, **more)


def image(of: Content, media_type: str = OCI_IMAGE, **more: Any) -> Content:
    fields = {"schemaVersion": 2, "mediaType": media_type, "config": of.descriptor(), "layers": [], **more}
    return document(media_type, **fields)


def entry(platform: str, of: Content | None = None, **more: Any) -> dict[str, Any]:
    """Describe an image for ``os/architecture[/variant]``; without an image, some image."""
    names = dict(zip(("os", "architecture", "variant"), platform.split("/"), strict=False))
    target = image(config(comment=platform)) if of is None else of
    return {**target.descriptor(), "platform": names, **more}


def index(*entries: Any, media_type: str = OCI_INDEX, **more: Any) -> Content:
    return document(media_type, **{"schemaVersion": 2, "mediaType": media_type, "manifests": list(entries), **more})


ATTESTATION = entry("unknown/unknown", annotations={"vnd.docker.reference.type": "attestation-manifest"})
