"""From a reference to digests: the image of a tag or a digest, and the platforms of an index."""

import pytest

from scan_core.model.image import DEFAULT_PLATFORM, image_reference, platform
from scan_core.registry.manifest import MOST_IMAGES, ResolvedImage
from scan_core.registry.refusals import RefusalKind
from tests.devops.strict_server import chunked_reply
from tests.registry.conftest import Connect
from tests.registry.images import (
    ATTESTATION,
    DOCKER_CONFIG,
    DOCKER_IMAGE,
    DOCKER_INDEX,
    OCI_INDEX,
    config,
    entry,
    image,
    index,
)
from tests.registry.internet import CONTOSO, Internet, StrictRegistry
from tests.registry.resolving import AMD, ARM, TAGGED, refusal


class TestImages:
    def test_the_image_of_a_tag(self, registry: StrictRegistry, internet: Internet, connect: Connect) -> None:
        """Its platform is read from its configuration."""
        pushed = registry.push("1", image(config()), config())
        found = connect().resolve(TAGGED)
        assert (found.reference, found.digest) == (TAGGED, pushed.digest)
        assert found.images == (ResolvedImage(DEFAULT_PLATFORM, pushed.digest),)
        asked = [request.target for request in internet.received(CONTOSO)]
        assert asked == [
            "/oauth2/exchange",
            "/oauth2/token",
            "/v2/app/manifests/1",
            f"/v2/app/blobs/{config().digest}",
        ]

    def test_the_image_of_a_digest(self, registry: StrictRegistry, connect: Connect) -> None:
        """The tag beside it is not looked at."""
        pushed = registry.push("1", image(config()), config())
        registry.push("moved", image(config(comment="other")))
        found = connect().resolve(image_reference(f"{CONTOSO}/app:moved@{pushed.digest}"))
        assert found.digest == pushed.digest

    def test_an_image_in_dockers_own_types(self, registry: StrictRegistry, connect: Connect) -> None:
        """Which many registries still hold."""
        settings = config()._replace(media_type=DOCKER_CONFIG)
        pushed = registry.push("1", image(settings, DOCKER_IMAGE), settings)
        assert connect().resolve(TAGGED).images == (ResolvedImage(AMD, pushed.digest),)

    def test_an_image_without_length_said_first(self, registry: StrictRegistry, connect: Connect) -> None:
        """Chunks are as good."""
        pushed = registry.push("1", image(config()), config())
        registry.instead["/v2/app/manifests/1"] = chunked_reply([pushed.body[:9], pushed.body[9:]], pushed.media_type)
        assert connect().resolve(TAGGED).digest == pushed.digest

    def test_another_platform_than_asked_for(self, registry: StrictRegistry, connect: Connect) -> None:
        """Is said with both names."""
        registry.push("1", image(config(architecture="arm64")), config(architecture="arm64"))
        caught = refusal(connect(), TAGGED, AMD)
        assert caught.kind is RefusalKind.NO_PLATFORM
        assert "no image for linux/amd64; it has linux/arm64." in caught.sentence

    def test_one_image_for_two_platforms(self, registry: StrictRegistry, connect: Connect) -> None:
        """It would leave one unjudged."""
        registry.push("1", image(config()), config())
        assert refusal(connect(), TAGGED, AMD, ARM).kind is RefusalKind.NO_PLATFORM

    def test_no_platform_at_all(self, internet: Internet, connect: Connect) -> None:
        """Would be an image with nothing to judge."""
        with pytest.raises(ValueError, match="one platform at least"):
            connect().resolve(TAGGED, ())
        assert internet.dialled == []


class TestIndexes:
    @pytest.mark.parametrize("media_type", [OCI_INDEX, DOCKER_INDEX])
    def test_each_platform_asked_for(self, media_type: str, registry: StrictRegistry, connect: Connect) -> None:
        """In the order asked for; others and attestations are left alone."""
        amd, arm = entry("linux/amd64"), entry("linux/arm64/v8")
        pushed = registry.push("1", index(amd, ATTESTATION, arm, entry("linux/s390x"), media_type=media_type))
        found = connect().resolve(TAGGED, (ARM, AMD))
        assert found.digest == pushed.digest
        assert found.images == (ResolvedImage(ARM, arm["digest"]), ResolvedImage(AMD, amd["digest"]))

    def test_every_image_of_one_platform(self, registry: StrictRegistry, connect: Connect) -> None:
        """It is open which of two Windows versions will run."""
        entries = [entry("windows/amd64", image(config("windows", number=number))) for number in range(2)]
        registry.push("1", index(*entries, entries[0]))
        found = connect().resolve(TAGGED, (platform("windows/amd64"),))
        assert [one.digest for one in found.images] == [one["digest"] for one in entries]

    def test_too_many_of_one_platform(self, registry: StrictRegistry, connect: Connect) -> None:
        """Nobody means that, and each costs a scan."""
        entries = [entry("linux/amd64", image(config(number=number))) for number in range(MOST_IMAGES + 1)]
        registry.push("1", index(*entries))
        assert refusal(connect()).kind is RefusalKind.NOT_AN_IMAGE

    def test_no_image_for_the_platform(self, registry: StrictRegistry, connect: Connect) -> None:
        """It says what there is."""
        registry.push("1", index(entry("linux/arm64"), entry("linux/arm/v6"), ATTESTATION))
        caught = refusal(connect(), TAGGED, AMD, ARM)
        assert caught.kind is RefusalKind.NO_PLATFORM
        assert "no image for linux/amd64; it has linux/arm64, linux/arm/v6." in caught.sentence

    def test_attestations_alone(self, registry: StrictRegistry, connect: Connect) -> None:
        """Are no image."""
        registry.push("1", index(ATTESTATION))
        assert "it has none" in refusal(connect()).sentence

    def test_many_other_platforms(self, registry: StrictRegistry, connect: Connect) -> None:
        """A status has room for some."""
        registry.push("1", index(*(entry(f"os{number}/arch") for number in range(40))))
        assert "os5/arch and 34 more." in refusal(connect()).sentence

    def test_a_platform_marked_as_attestation_counts_all_the_same(
        self, registry: StrictRegistry, connect: Connect
    ) -> None:
        """A note on it cannot hide an image that engines would run."""
        marked = entry("linux/amd64", annotations={"vnd.docker.reference.type": "attestation-manifest"})
        registry.push("1", index(marked))
        assert connect().resolve(TAGGED).images[0].digest == marked["digest"]
