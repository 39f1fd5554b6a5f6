"""Image indexes, manifests and configurations (OCI image specification 1.1; Docker image manifest 2, schema 2)."""

import json
import re
from typing import Any, NamedTuple

from local.qscanner.exit_codes import ExitCode, ScanError
from local.qscanner.platforms import Platform

INDEX_TYPES = frozenset({
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
})  # fmt: skip
MANIFEST_TYPES = frozenset({
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
})  # fmt: skip
_CONFIG_TYPES = frozenset({
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
})  # fmt: skip
# Compression is told by the blob itself; what these types share is that their content is a tar archive.
_LAYER_TYPES = frozenset({
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.oci.image.layer.v1.tar+gzip",
    "application/vnd.oci.image.layer.v1.tar+zstd",
    "application/vnd.docker.image.rootfs.diff.tar",
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
})  # fmt: skip
MOST_LAYERS = 256
MOST_LAYER_BYTES = 4 * 1024**3
MOST_CONFIG_BYTES = 4 * 1024 * 1024
_DIGEST = re.compile(r"sha256:(?P<hex>[0-9a-f]{64})")
_LONGEST_COMMAND = 4096


class Descriptor(NamedTuple):
    """Names a blob or manifest of the same repository.

    Attributes:
        media_type: What it says to be.
        sha256: Its hash: 64 hexadecimal digits.
        size: Its size in bytes.
    """

    media_type: str
    sha256: str
    size: int


class Manifest(NamedTuple):
    """An image for one platform: its configuration, and its layers from the lowest."""

    config: Descriptor
    layers: list[Descriptor]


class Config(NamedTuple):
    """What an image's configuration says.

    Attributes:
        platform: What it was built for.
        diff_ids: The hash of each layer's uncompressed content: 64 hexadecimal digits.
        commands: What made each layer; empty texts where the history does not fit the layers.
    """

    platform: Platform
    diff_ids: list[str]
    commands: list[str]


def is_index(content: bytes) -> bool:
    """Tell an index from a manifest.

    Raises:
        ScanError: With code 6 where the document is neither, or could be taken for either (CVE-2021-41190).
    """
    document = _object(content, "manifest")
    looks = ("manifests" in document, "layers" in document or "config" in document)
    if looks[0] == looks[1]:
        raise unreadable("the document is neither an image manifest nor an index")
    return looks[0]


def choose_manifest(content: bytes, platform: Platform) -> Descriptor:
    """Choose from an index the manifest of a platform.

    Returns:
        The first that matches.

    Raises:
        ScanError: With code 6 where the index cannot be read, or lists no image manifest for the platform.
    """
    entries = _list(_object(content, "index"), "manifests")
    offered: list[str] = []
    for entry in entries:
        found = _platform(entry.get("platform"))
        if entry.get("mediaType", "") not in MANIFEST_TYPES or found is None:
            continue
        if found.matches(platform):
            return _descriptor(entry, MOST_CONFIG_BYTES)
        # Build tools add attestations to an index, for a platform that is none.
        if found.os != "unknown":
            offered.append(str(found))
    known = ", ".join(dict.fromkeys(offered)) or "no platform at all"
    raise unreadable(f"the image is not built for {platform}; the index lists {known[:300]}")


def read_manifest(content: bytes) -> Manifest:
    """Read an image manifest.

    Raises:
        ScanError: With code 6 where it is none, or names what is not part of a container image.
    """
    document = _object(content, "manifest")
    config = document.get("config")
    if document.get("schemaVersion") != 2 or not isinstance(config, dict):
        raise unreadable("the manifest is not of schema version 2")
    if config.get("mediaType") not in _CONFIG_TYPES:
        raise unreadable(f"the manifest is not of a container image: its configuration is {config.get('mediaType')!r}")
    layers = _list(document, "layers")
    if len(layers) > MOST_LAYERS:
        raise unreadable(f"the image has more than {MOST_LAYERS} layers")
    for layer in layers:
        if layer.get("mediaType") not in _LAYER_TYPES:
            raise unreadable(f"layers of type {str(layer.get('mediaType'))[:100]!r} cannot be read")
    return Manifest(_descriptor(config, MOST_CONFIG_BYTES), [_descriptor(layer, MOST_LAYER_BYTES) for layer in layers])


def read_config(content: bytes) -> Config:
    """Read an image configuration.

    Raises:
        ScanError: With code 6 where it cannot be understood.
    """
    document = _object(content, "configuration")
    platform = _platform(document)
    rootfs = document.get("rootfs")
    diff_ids = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    if platform is None or not isinstance(diff_ids, list):
        raise unreadable("the configuration names no platform, or not the content of its layers")
    hashes = [_hash(value) for value in diff_ids]
    return Config(platform, hashes, _commands(document.get("history"), len(hashes)))


def unreadable(reason: str) -> ScanError:
    """Make the error of an image that cannot be had or read: code 6."""
    return ScanError(ExitCode.IMAGE_UNREADABLE, reason)


def _commands(history: object, layers: int) -> list[str]:
    entries = [entry for entry in history if isinstance(entry, dict)] if isinstance(history, list) else []
    commands = [
        str(entry.get("created_by") or "")[:_LONGEST_COMMAND] for entry in entries if not entry.get("empty_layer")
    ]
    return commands if len(commands) == layers else [""] * layers


def _platform(value: object) -> Platform | None:
    if not isinstance(value, dict):
        return None
    parts = [value.get("os"), value.get("architecture"), value.get("variant") or ""]
    os, architecture, variant = (part[:32] if isinstance(part, str) else "" for part in parts)
    return Platform(os, architecture, variant) if os and architecture else None


def _descriptor(value: dict[str, Any], most_bytes: int) -> Descriptor:
    size = value.get("size")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= most_bytes:
        raise unreadable(f"{value.get('mediaType')} has a size of {str(size)[:40]}; at most {most_bytes} can be read")
    return Descriptor(str(value.get("mediaType")), _hash(value.get("digest")), size)


def _hash(value: object) -> str:
    found = _DIGEST.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise unreadable(f"{str(value)[:100]!r} is not a sha256 digest")
    return found["hex"]


def _list(document: dict[str, Any], key: str) -> list[dict[str, Any]]:
    value = document.get(key)
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise unreadable(f"the document has no list of {key}")
    return value


def _object(content: bytes, what: str) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise unreadable(f"the {what} is not JSON") from error
    if not isinstance(document, dict):
        raise unreadable(f"the {what} is not a JSON object")
    return document
