"""What a report says of the image that it is about: its hashes, and the layers that findings name."""

import re
from collections.abc import Iterator
from contextlib import suppress

from scan_core.model.image import Platform, platform
from scan_core.qscanner.fields import each, field, text
from scan_core.qscanner.json_stream import Json

LONGEST_COMMAND = 500
MOST_LAYERS = 1_000
_SHORTEST_PREFIX = 12
"""Hexadecimal digits. Container engines shorten hashes to so many; fewer could name several layers by chance."""

_HASH = re.compile(r"(?:[a-z0-9+._-]{1,20}:)?([0-9a-f]{12,64})", re.IGNORECASE)
_WHOLE_HASH = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])", re.IGNORECASE)
_HASH_DIGITS = 64
_LONGEST_STATEMENT = 1_000
_MOST_STATEMENTS = 100

_IDS = ("imageid", "imagesha", "imagesha256")
_DIGESTS = ("imagedigest", "repodigest", "repodigests", "manifestdigest")
_PLATFORMS = ("platform", "imageplatform")
_LONGEST_PLATFORM = 120
_LAYER_LISTS = ("layerinfo", "layers", "layersinfo")
_LAYER_HASHES = (
    "layercontenthash",
    "layersha",
    "layerdigest",
    "layerhash",
    "contenthash",
    "digest",
    "sha",
    "hash",
    "id",
)
_COMMANDS = ("command", "layercommand", "createdby", "cmd")
_LAYERS_OF_PACKAGES = ("layersha", "layerdigest", "layercontenthash", "layerhash", "layer")


def stated_ids(properties: Json) -> Iterator[str]:
    """Read the image ids, hashes of its configuration, that a bag of properties states.

    Args:
        properties: The ``properties`` of a run or an artifact.

    Yields:
        64 hex digits each.
    """
    yield from _stated(properties, _IDS)


def stated_digests(properties: Json) -> Iterator[str]:
    """Read the image digests, hashes of a manifest or index, that a bag of properties states.

    Args:
        properties: The ``properties`` of a run or an artifact.

    Yields:
        64 hex digits each; of ``name@sha256:…`` the hash.
    """
    yield from _stated(properties, _DIGESTS)


def stated_platforms(properties: Json) -> Iterator[Platform]:
    """Read for which platforms a bag of properties says that the image is made.

    Args:
        properties: The ``properties`` of a run or an artifact.

    Yields:
        Each in its one spelling; what is none is passed over.
    """
    for name in _PLATFORMS:
        with suppress(ValueError):
            yield platform(text(field(properties, name), _LONGEST_PLATFORM).lower())


def layer_commands(properties: Json) -> dict[str, str]:
    """Read what made each layer of the image.

    Args:
        properties: The ``properties`` of a run.

    Returns:
        Commands by the layer's hash, 64 hex digits: one line each, clipped, empty where none is given.
    """
    commands: dict[str, str] = {}
    for layer in each(field(properties, *_LAYER_LISTS)):
        sha256 = _whole(field(layer, *_LAYER_HASHES))
        if sha256 and len(commands) < MOST_LAYERS:
            commands.setdefault(sha256, text(field(layer, *_COMMANDS), LONGEST_COMMAND))
    return commands


def stated_layer(package: Json) -> str:
    """Read which layer a package is said to be from.

    Args:
        package: One of a result's packages.

    Returns:
        At least 12 hex digits of the layer's hash, as `full_layer` takes them; empty where none are said.
    """
    for said in each(field(package, *_LAYERS_OF_PACKAGES)):
        found = _HASH.fullmatch(text(said, _LONGEST_STATEMENT))
        if found:
            return found[1].lower()
    return ""


def full_layer(stated: str, commands: dict[str, str]) -> str | None:
    """Make a layer's whole hash of what a package says.

    Args:
        stated: From `stated_layer`.
        commands: From `layer_commands`.

    Returns:
        64 hex digits; None where nothing was said, or a shortened hash names no layer, or several.
    """
    if len(stated) == _HASH_DIGITS:
        return stated
    meant = [layer for layer in commands if stated and layer.startswith(stated)]
    return meant[0] if len(meant) == 1 else None


def _stated(properties: Json, names: tuple[str, ...]) -> Iterator[str]:
    left = _MOST_STATEMENTS
    for name in names:
        for said in each(field(properties, name)):
            left -= 1
            if left < 0:
                return
            yield from (found.lower() for found in _WHOLE_HASH.findall(text(said, _LONGEST_STATEMENT)))


def _whole(value: Json) -> str:
    found = _HASH.fullmatch(text(value, _LONGEST_STATEMENT))
    return found[1].lower() if found and len(found[1]) == _HASH_DIGITS else ""
