"""Manifests and configurations that are refused: no images, not what their digest says, too large."""

import json

import pytest

from scan_core.model.image import image_reference
from scan_core.registry.refusals import RefusalKind
from tests.devops.strict_server import Answer, chunked_reply, reply
from tests.registry.conftest import Connect
from tests.registry.images import OCI_IMAGE, OCI_INDEX, Content, config, document, entry, image, index
from tests.registry.internet import CONTOSO, StrictRegistry
from tests.registry.resolving import TAGGED, refusal

_SOME = config().descriptor()
LARGE = 4 * 1024 * 1024 + 1


class TestNoImages:
    @pytest.mark.parametrize(
        ("content", "why"),
        [
            (document("text/html", config=_SOME), "of type text/html"),
            (document("", config=_SOME), "of type unsaid"),
            (document("<b>\xff", config=_SOME), "of type"),
            (document("application/vnd.docker.distribution.manifest.v1+prettyjws"), "push an OCI or Docker"),
            (document(OCI_IMAGE, mediaType=OCI_INDEX, config=_SOME), "two different things"),
            (document(OCI_INDEX, manifests=[], layers=[]), "two different things"),
            (document(OCI_IMAGE, manifests=[], config=_SOME), "two different things"),
            (document(OCI_IMAGE), "an artifact"),
            (document(OCI_IMAGE, config={"mediaType": "application/vnd.cncf.helm.config.v1+json"}), "an artifact"),
            (document(OCI_IMAGE, config={**_SOME, "digest": "sha512:00"}), "without a sha256 digest"),
            (document(OCI_IMAGE, config={**_SOME, "digest": "../../x"}), "without a sha256 digest"),
            (document(OCI_IMAGE, config={**_SOME, "size": True}), "without a size"),
            (document(OCI_IMAGE, config={**_SOME, "size": -1}), "without a size"),
            (document(OCI_INDEX), "lists no images"),
            (index("x"), "lists no images"),
            (index(index(entry("linux/amd64")).descriptor()), "a further index"),
            (index(entry("linux/amd64", mediaType="application/x")), "something else than images for linux/amd64"),
            (index(entry("linux/amd64", digest="x")), "without a sha256 digest"),
        ],
    )
    def test_what_cannot_be_scanned(
        self, content: Content, why: str, registry: StrictRegistry, connect: Connect
    ) -> None:
        """Is refused with what it is."""
        registry.push("1", content)
        caught = refusal(connect())
        assert caught.kind is RefusalKind.NOT_AN_IMAGE
        assert why in caught.sentence
        assert not caught.retryable

    @pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b"<html>Sign in</html>", b"[" * 100_000, b"9" * 9_000])
    def test_what_is_no_document(self, body: bytes, registry: StrictRegistry, connect: Connect) -> None:
        """Comes from something else than a registry, such as a page to sign in, and may pass."""
        registry.push("1", Content(body, OCI_IMAGE))
        caught = refusal(connect())
        assert caught.kind is RefusalKind.MALFORMED
        assert caught.retryable

    @pytest.mark.parametrize(
        "platforms",
        [
            None,
            {},
            {"os": "linux"},
            {"os": "Linux", "architecture": 1},
            {"os": "a b", "architecture": "x"},
            {"os": "linux", "architecture": "amd64", "variant": 1},
        ],
    )
    def test_an_entry_without_a_platform(self, platforms: object, registry: StrictRegistry, connect: Connect) -> None:
        """Could be anything, and is not taken for the one asked for."""
        registry.push("1", index({**entry("linux/amd64"), "platform": platforms}))
        assert refusal(connect()).kind is RefusalKind.NO_PLATFORM

    def test_a_configuration_without_a_platform(self, registry: StrictRegistry, connect: Connect) -> None:
        """The same."""
        nowhere = document(config().media_type, comment="none")
        registry.push("1", image(nowhere), nowhere)
        assert "does not say for which platform" in refusal(connect()).sentence


class TestVerification:
    def test_a_manifest_that_is_not_its_digests(self, registry: StrictRegistry, connect: Connect) -> None:
        """Another content under the digest asked for."""
        pushed = registry.push("1", image(config()), config())
        registry.manifests[pushed.digest] = image(config(comment="evil"))
        caught = refusal(connect(), image_reference(f"{CONTOSO}/app@{pushed.digest}"))
        assert caught.kind is RefusalKind.DIGEST_MISMATCH

    def test_a_manifest_that_is_not_what_its_header_says(self, registry: StrictRegistry, connect: Connect) -> None:
        """With a tag, the registry's own word is all there is to compare with."""
        registry.push("1", image(config()), config())
        registry.headers["Docker-Content-Digest"] = f"sha256:{'0' * 64}"
        assert refusal(connect()).kind is RefusalKind.DIGEST_MISMATCH

    def test_a_header_by_another_hash_is_passed_over(self, registry: StrictRegistry, connect: Connect) -> None:
        """The digest is computed anyway."""
        pushed = registry.push("1", image(config()), config())
        registry.headers["Docker-Content-Digest"] = f"sha512:{'0' * 128}"
        assert connect().resolve(TAGGED).digest == pushed.digest

    def test_a_configuration_that_is_not_its_digests(self, registry: StrictRegistry, connect: Connect) -> None:
        """It could lie about the platform."""
        registry.push("1", image(config()))
        registry.blobs[config().digest] = config(architecture="arm64")
        caught = refusal(connect())
        assert caught.kind is RefusalKind.DIGEST_MISMATCH
        assert "configuration" in caught.sentence


class TestSizes:
    @pytest.mark.parametrize(
        "answer",
        [
            reply(200, b"", {"Content-Type": OCI_IMAGE, "Content-Length": str(LARGE)}),
            chunked_reply([b" " * LARGE], OCI_IMAGE),
            reply(200, b" " * LARGE, {"Content-Type": OCI_IMAGE}).replace(b"Content-Length", b"X-Length"),
        ],
        ids=["said", "chunked", "unsaid"],
    )
    def test_a_manifest_over_4_mib(self, answer: Answer, registry: StrictRegistry, connect: Connect) -> None:
        """However it comes; not more than that is read."""
        registry.instead["/v2/app/manifests/1"] = answer
        caught = refusal(connect())
        assert caught.kind is RefusalKind.MANIFEST_TOO_LARGE
        assert "4 MiB" in caught.sentence

    def test_a_manifest_of_4_mib(self, registry: StrictRegistry, connect: Connect) -> None:
        """Is the largest that is read."""
        plain = image(config())
        padded = plain._replace(body=plain.body + b" " * (LARGE - 1 - len(plain.body)))
        registry.push("1", padded, config())
        assert connect().resolve(TAGGED).digest == padded.digest

    @pytest.mark.parametrize(
        "content", [image(config(), config={**_SOME, "size": LARGE}), index(entry("linux/amd64", size=LARGE))]
    )
    def test_what_says_it_is_too_large(self, content: Content, registry: StrictRegistry, connect: Connect) -> None:
        """Is not even asked for."""
        registry.push("1", content)
        assert refusal(connect()).kind is RefusalKind.MANIFEST_TOO_LARGE


def test_the_sentence_of_a_hostile_registry_is_harmless(registry: StrictRegistry, connect: Connect) -> None:
    """Whatever it writes, the sentence has no markup and nothing invisible in it."""
    body = json.dumps({"mediaType": "</script>\u202e"}).encode()
    registry.push("1", Content(body, "</script><b onclick=x>"))
    sentence = refusal(connect()).sentence
    assert not set(sentence) & set("<>&\"'\u202e")
