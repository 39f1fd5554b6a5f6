"""Pulls an image from its registry and reads its layers."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from local.qscanner.exit_codes import ExitCode, ScanError
from local.qscanner.image.interest import Interest
from local.qscanner.image.layer_blob import Allowance
from local.qscanner.image.layers import LayerReader
from local.qscanner.image.manifests import (
    Config,
    Descriptor,
    Manifest,
    choose_manifest,
    is_index,
    read_config,
    read_manifest,
    unreadable,
)
from local.qscanner.image.reference import ImageReference, parse_reference
from local.qscanner.image.registry import Registry, login_of
from local.qscanner.image.tree import ImageTree
from local.qscanner.image_facts import ImageFacts, LayerFacts
from local.qscanner.journal import Journal
from local.qscanner.platforms import Platform

MOST_UNPACKED_BYTES = 16 * 1024**3
MOST_ENTRIES = 1_000_000


class PulledImage(NamedTuple):
    """An image that was pulled: what is known of it, and its files of interest."""

    facts: ImageFacts
    tree: ImageTree


@contextmanager
def pulled_image(
    target: str, platform: Platform, environment: dict[str, str], interest: Interest, journal: Journal
) -> Iterator[PulledImage]:
    """Pull an image into a private folder, which is gone afterwards.

    Args:
        target: The image's reference.
        platform: What it has to be built for.
        environment: Holds the login, in the variables that QScanner documents.
        interest: Which files are kept.
        journal: Where progress is written.

    Yields:
        The image.

    Raises:
        ScanError: With code 2 for a reference or login that is not one, 6 where the image cannot be had or read, or 17
            where it is not a Linux image.
    """
    try:
        reference = parse_reference(target)
    except ValueError as error:
        raise ScanError(ExitCode.BAD_PARAMETER, str(error)) from error
    registry = Registry(reference, login_of(environment))
    facts, layers = _resolved(registry, reference, target, platform)
    if platform.os != "linux":
        raise ScanError(ExitCode.OPERATING_SYSTEM_NOT_SUPPORTED, f"images for {platform.os} are not supported")
    journal.info(f"image {reference.name} for {facts.platform}: manifest sha256:{facts.digest}, {len(layers)} layers")
    with tempfile.TemporaryDirectory(prefix="qscanner-image-") as folder:
        reader = LayerReader(Path(folder), [layer.diff_id for layer in facts.layers], interest, journal)
        try:
            _read_layers(registry, layers, facts, reader, Path(folder))
            yield PulledImage(facts, reader.tree)
        finally:
            reader.close()


def _resolved(
    registry: Registry, reference: ImageReference, target: str, platform: Platform
) -> tuple[ImageFacts, list[Descriptor]]:
    """Follow a reference to the manifest of a platform, and read what it names."""
    document = registry.manifest(reference.asked)
    asked_digest = document.sha256
    if is_index(document.content):
        chosen = choose_manifest(document.content, platform)
        document = registry.manifest(f"sha256:{chosen.sha256}")
    manifest = read_manifest(document.content)
    config = read_config(registry.blob(manifest.config))
    if not config.platform.matches(platform):
        raise unreadable(f"the image is not built for {platform}, but for {config.platform}")
    if len(config.diff_ids) != len(manifest.layers):
        raise unreadable("the manifest and the configuration name different numbers of layers")
    facts = ImageFacts(
        reference=target,
        name=reference.name,
        tag=reference.tag,
        image_id=manifest.config.sha256,
        digest=document.sha256,
        asked_digest=asked_digest,
        platform=str(config.platform),
        layers=_layer_facts(manifest, config),
    )
    return facts, manifest.layers


def _layer_facts(manifest: Manifest, config: Config) -> tuple[LayerFacts, ...]:
    described = zip(manifest.layers, config.diff_ids, config.commands, strict=True)
    return tuple(LayerFacts(diff_id, layer.sha256, layer.size, command) for layer, diff_id, command in described)


def _read_layers(
    registry: Registry, layers: list[Descriptor], facts: ImageFacts, reader: LayerReader, folder: Path
) -> None:
    allowance = Allowance(MOST_UNPACKED_BYTES, MOST_ENTRIES)
    blob = folder / "layer"
    for number, layer in enumerate(layers):
        with blob.open("wb") as sink:
            registry.copy_blob(layer, sink)
        diff_id = reader.apply(blob, number, allowance)
        if diff_id != facts.layers[number].diff_id:
            raise unreadable(f"the content of layer {number + 1} is not the one that the configuration names")
        blob.unlink()
