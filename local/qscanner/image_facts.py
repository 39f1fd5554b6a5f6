"""What is known of a scanned image, as the writers of a scan's files need it."""

from typing import NamedTuple


class LayerFacts(NamedTuple):
    """One layer.

    Attributes:
        diff_id: The hash of its content, uncompressed: 64 hexadecimal digits. By it packages name their layer.
        digest: The hash of its blob in the registry, likewise.
        size: The blob's size in bytes.
        command: What made it, from the image's history; empty where the history does not say.
    """

    diff_id: str
    digest: str
    size: int
    command: str


class ImageFacts(NamedTuple):
    """One image for one platform.

    Attributes:
        reference: The image as it was asked for.
        name: Its repository, with the registry.
        tag: The tag it was asked for by, or empty.
        image_id: The hash of its configuration: 64 hexadecimal digits.
        digest: The hash of its manifest, likewise.
        asked_digest: The hash of what the reference resolved to: the manifest, or the index that lists it.
        platform: What it was built for, as ``os/architecture[/variant]``.
        layers: Its layers, the lowest first.
    """

    reference: str
    name: str
    tag: str
    image_id: str
    digest: str
    asked_digest: str
    platform: str
    layers: tuple[LayerFacts, ...]

    @property
    def repo_tags(self) -> list[str]:
        """The names with tags that it is known by."""
        return [f"{self.name}:{self.tag}"] if self.tag else []

    @property
    def repo_digests(self) -> list[str]:
        """The names with digests that lead to it, the one asked for first."""
        return [f"{self.name}@sha256:{digest}" for digest in dict.fromkeys((self.asked_digest, self.digest))]
