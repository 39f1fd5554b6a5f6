"""Images, described as data, and the bytes that they are: layers, configuration, manifest, index.

OCI Image Specification 1.1 ("Image Configuration", "Image Manifest", "Image Index"), or Docker's image manifest version
2, schema 2. The same description gives the same digests every time.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from local.registry.layers import Layer, compressed
from local.registry.manifests import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST
from local.registry.names import digest_of

_OCI_CONFIG: Final = "application/vnd.oci.image.config.v1+json"
_OCI_LAYER: Final = "application/vnd.oci.image.layer.v1.tar+gzip"
_DOCKER_CONFIG: Final = "application/vnd.docker.container.image.v1+json"
_DOCKER_LAYER: Final = "application/vnd.docker.image.rootfs.diff.tar.gzip"
_IN_TOTO: Final = "application/vnd.in-toto+json"
_WHEN: Final = "2023-12-01T00:00:00Z"


class Platform(NamedTuple):
    """For what an image is built, in Go's words.

    Attributes:
        os: the operating system.
        architecture: the processor.
        variant: its variant; empty where there is none.
    """

    os: str
    architecture: str
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in self if part)

    def document(self) -> dict[str, str]:
        """Return it as indexes and configurations write it."""
        return {key: value for key, value in self._asdict().items() if value}


AMD64: Final = Platform("linux", "amd64")
ARM64: Final = Platform("linux", "arm64", "v8")
UNKNOWN: Final = Platform("unknown", "unknown")


@dataclass(frozen=True)
class Setting:
    """A step of a build that changes no file: ``ENV``, ``CMD``, ``LABEL`` and the like."""

    created_by: str


@dataclass(frozen=True)
class Image:
    """An image.

    Attributes:
        steps: what built it, the oldest first.
        platform: for what.
        labels: its labels.
        environment: variables as ``NAME=value``.
        command: what it runs.
    """

    steps: tuple[Layer | Setting, ...]
    platform: Platform = AMD64
    labels: Mapping[str, str] = field(default_factory=dict)
    environment: tuple[str, ...] = ("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",)
    command: tuple[str, ...] = ()

    def then(self, *steps: Layer | Setting) -> "Image":
        """Return the image that further steps make of it.

        Args:
            steps: the steps, the oldest first.
        """
        return Image((*self.steps, *steps), self.platform, self.labels, self.environment, self.command)


@dataclass(frozen=True)
class Built:
    """A manifest and what it refers to.

    Attributes:
        media_type: the manifest's.
        manifest: its bytes.
        platform: for what it is.
        blobs: contents by digest: layers and configuration.
        parts: for an index, the manifests that it lists.
        annotations: what an index says about it.
    """

    media_type: str
    manifest: bytes
    platform: Platform = UNKNOWN
    blobs: Mapping[str, bytes] = field(default_factory=dict)
    parts: tuple["Built", ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """The manifest's digest, which is the image's."""
        return digest_of(self.manifest)


def build(image: Image, *, docker: bool = False) -> Built:
    """Make the bytes of an image.

    Args:
        image: its description.
        docker: with Docker's media types instead of the OCI's.
    """
    archives = [step.tar() for step in image.steps if isinstance(step, Layer)]
    layers = [compressed(archive) for archive in archives]
    config = _bytes(_config(image, [digest_of(archive) for archive in archives]))
    manifest_type, config_type, layer_type = _types(docker=docker)
    manifest = {
        "schemaVersion": 2,
        "mediaType": manifest_type,
        "config": _descriptor(config_type, config),
        "layers": [_descriptor(layer_type, layer) for layer in layers],
    }
    blobs = {digest_of(content): content for content in (*layers, config)}
    return Built(manifest_type, _bytes(manifest), image.platform, blobs)


def build_index(images: Sequence[Built], *, docker: bool = False) -> Built:
    """Make the index of several images.

    Args:
        images: one for each platform.
        docker: Docker's manifest list instead of the OCI's index.
    """
    media_type = DOCKER_LIST if docker else OCI_INDEX
    listed = [
        _descriptor(one.media_type, one.manifest)
        | {"platform": one.platform.document()}
        | ({"annotations": dict(one.annotations)} if one.annotations else {})
        for one in images
    ]
    index = {"schemaVersion": 2, "mediaType": media_type, "manifests": listed}
    return Built(media_type, _bytes(index), parts=tuple(images))


def attestation(of: Built) -> Built:
    """Make what BuildKit puts beside an image in its index: a provenance for no platform ("Image attestation storage").

    Args:
        of: the image.
    """
    statement = _bytes(
        {
            "_type": "https://in-toto.io/Statement/v0.1",
            "predicateType": "https://slsa.dev/provenance/v0.2",
            "subject": [{"name": "_", "digest": {"sha256": of.digest.removeprefix("sha256:")}}],
            "predicate": {"buildType": "https://mobyproject.org/buildkit@v1"},
        }
    )
    rootfs = {"type": "layers", "diff_ids": [digest_of(statement)]}
    config = _bytes({"architecture": "unknown", "os": "unknown", "config": {}, "rootfs": rootfs})
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": _descriptor(_OCI_CONFIG, config),
        "layers": [_descriptor(_IN_TOTO, statement)],
    }
    says = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": of.digest}
    blobs = {digest_of(content): content for content in (statement, config)}
    return Built(OCI_MANIFEST, _bytes(manifest), UNKNOWN, blobs, annotations=says)


def _config(image: Image, diff_ids: list[str]) -> dict[str, Any]:
    history: list[dict[str, Any]] = []
    for step in image.steps:
        entry: dict[str, Any] = {"created": _WHEN, "created_by": step.created_by}
        history.append(entry if isinstance(step, Layer) else entry | {"empty_layer": True})
    return {
        "created": _WHEN,
        **image.platform.document(),
        "config": {"Env": list(image.environment), "Cmd": list(image.command), "Labels": dict(image.labels)},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": history,
    }


def _types(*, docker: bool) -> tuple[str, str, str]:
    if docker:
        return DOCKER_MANIFEST, _DOCKER_CONFIG, _DOCKER_LAYER
    return OCI_MANIFEST, _OCI_CONFIG, _OCI_LAYER


def _descriptor(media_type: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}


def _bytes(document: dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
