"""From a reference to digests: what is asked, what is verified, and what each thing that goes wrong is called."""

import json
from typing import Any

import pytest

from scan_core.model.image import DEFAULT_PLATFORM, Login, image_reference, platform
from scan_core.registry.manifest import MOST_IMAGES, ResolvedImage
from scan_core.registry.refusals import SENTENCE_CHARACTERS, RefusalKind, RegistryRefused
from tests.devops.strict_server import Answer, Line, Received, chunked_reply, json_reply, reply
from tests.registry.conftest import Connect
from tests.registry.images import (
    ATTESTATION,
    DOCKER_CONFIG,
    DOCKER_IMAGE,
    DOCKER_INDEX,
    OCI_IMAGE,
    OCI_INDEX,
    Content,
    config,
    document,
    entry,
    image,
    index,
)
from tests.registry.internet import (
    AUTH,
    BASIC,
    BLOBS,
    CONTOSO,
    ENTRA,
    PASSWORD,
    PULL,
    REFRESH,
    STRANGER,
    Internet,
    StrictRegistry,
)

AMD, ARM = platform("linux/amd64"), platform("linux/arm64")
TAGGED = image_reference(f"{CONTOSO}/app:1")


def refusal(client: Any, reference: Any = TAGGED, *platforms: Any, seconds: float = 10) -> RegistryRefused:
    """Resolve what cannot be; the refusal has to be fit to be shown."""
    with pytest.raises(RegistryRefused) as caught:
        client.resolve(reference, platforms or (AMD,), deadline_seconds=seconds)
    sentence = caught.value.sentence
    assert sentence.isprintable()
    assert len(sentence) <= SENTENCE_CHARACTERS
    assert sentence == str(caught.value)
    assert not any(secret in sentence for secret in (PASSWORD, BASIC, ENTRA, REFRESH, PULL))
    return caught.value


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


_SOME = config().descriptor()


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


LARGE = 4 * 1024 * 1024 + 1


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


class TestRefusals:
    @pytest.mark.parametrize(
        ("status", "headers", "kind", "retry_after"),
        [
            (401, {}, RefusalKind.REFUSED, None),
            (403, {}, RefusalKind.REFUSED, None),
            (404, {}, RefusalKind.NOT_FOUND, None),
            (429, {"Retry-After": "17"}, RefusalKind.THROTTLED, 17.0),
            (429, {}, RefusalKind.THROTTLED, None),
            (503, {"Retry-After": "86400"}, RefusalKind.THROTTLED, 3600.0),
            (503, {"Retry-After": "soon"}, RefusalKind.UNREACHABLE, None),
            (500, {}, RefusalKind.UNREACHABLE, None),
            (307, {"Location": f"https://{STRANGER}/v2/app/manifests/1"}, RefusalKind.REDIRECTED, None),
            (400, {}, RefusalKind.MALFORMED, None),
            (206, {}, RefusalKind.MALFORMED, None),
            (200, {"Content-Encoding": "gzip"}, RefusalKind.MALFORMED, None),
        ],
    )
    def test_an_answer_that_is_no_success(
        self,
        status: int,
        headers: dict[str, str],
        kind: RefusalKind,
        retry_after: float | None,
        registry: StrictRegistry,
        internet: Internet,
        connect: Connect,
    ) -> None:
        """Each has its kind; passing ones may be tried again; nothing is followed."""
        registry.instead["/v2/app/manifests/1"] = reply(status, b"<script>", headers)
        caught = refusal(connect())
        assert (caught.kind, caught.retry_after) == (kind, retry_after)
        passing = {RefusalKind.THROTTLED, RefusalKind.UNREACHABLE, RefusalKind.MALFORMED}
        assert caught.retryable is (kind in passing)
        assert internet.received(STRANGER) == []

    def test_an_image_that_is_not_there(self, connect: Connect) -> None:
        """As the registry itself says it."""
        caught = refusal(connect())
        assert caught.kind is RefusalKind.NOT_FOUND
        assert f"Reading the manifest of {CONTOSO}/app:1" in caught.sentence

    def test_a_registry_that_is_not_listed(self, internet: Internet, connect: Connect) -> None:
        """Is not asked at all, nor its name resolved."""
        caught = refusal(connect(), image_reference(f"{STRANGER}/app:1"))
        assert caught.kind is RefusalKind.NOT_LISTED
        assert internet.dialled == []

    @pytest.mark.parametrize("host", [f"{CONTOSO}:444", f"{CONTOSO}:80", f"x.{CONTOSO}", f"{CONTOSO}.example.org"])
    def test_a_registry_that_is_nearly_listed(self, host: str, internet: Internet, connect: Connect) -> None:
        """Is another one."""
        assert refusal(connect(), image_reference(f"{host}/app:1")).kind is RefusalKind.NOT_LISTED
        assert internet.dialled == []


def hang(line: Line) -> None:
    line.hang()


def drip_head(line: Line) -> None:
    line.send(b"HTTP/1.1 200 OK\r\n")
    line.drip(b"X-Slow: yes\r\n", 0.02)


def drip_body(line: Line) -> None:
    line.send(reply(200, b"", {"Content-Length": "900", "Content-Type": OCI_IMAGE}))
    line.drip(b" ", 0.02)


def continue_for_ever(line: Line) -> None:
    line.drip(b"HTTP/1.1 100 Continue\r\n\r\n", 0.01)


def reset(line: Line) -> None:
    line.reset()


def half(line: Line) -> None:
    line.send(reply(200, b"{", {"Content-Length": "900", "Content-Type": OCI_IMAGE}))


def half_chunk(line: Line) -> None:
    line.send(chunked_reply([b"{"], OCI_IMAGE)[:-6])


def no_http(line: Line) -> None:
    line.send(b"SSH-2.0-OpenSSH\r\n")


class TestFaults:
    @pytest.mark.parametrize("fault", [hang, drip_head, drip_body, continue_for_ever])
    def test_a_registry_that_takes_its_time(self, fault: Answer, registry: StrictRegistry, connect: Connect) -> None:
        """Does not hold a thread beyond the deadline."""
        registry.instead["/v2/app/manifests/1"] = fault
        caught = refusal(connect(), seconds=0.4)
        assert caught.kind is RefusalKind.UNREACHABLE
        assert "no answer in time" in caught.sentence

    @pytest.mark.parametrize("fault", [reset, half, half_chunk, no_http])
    def test_a_connection_that_breaks(self, fault: Answer, registry: StrictRegistry, connect: Connect) -> None:
        """Half an answer is none."""
        registry.instead["/v2/app/manifests/1"] = fault
        assert refusal(connect()).kind is RefusalKind.UNREACHABLE

    def test_a_time_that_is_over_before_it_begins(self, connect: Connect) -> None:
        """Is the same refusal."""
        assert refusal(connect(), seconds=0).kind is RefusalKind.UNREACHABLE


class TestBlobElsewhere:
    @pytest.fixture(autouse=True)
    def pushed(self, registry: StrictRegistry) -> Content:
        """Keep an image's configuration at another host."""
        self.blob = f"/v2/app/blobs/{config().digest}"
        self.to(registry, f"https://{BLOBS}/data?sig=a%2Fb")
        return registry.push("1", image(config()))

    def to(self, registry: StrictRegistry, location: str) -> None:
        """Have the blob redirected."""
        registry.instead[self.blob] = reply(307, b"", {"Location": location})

    def test_is_read_without_the_credential(self, pushed: Content, internet: Internet, connect: Connect) -> None:
        """As Azure Container Registry keeps them; the link opens by itself."""
        internet.answers[BLOBS] = lambda _: reply(200, config().body)
        assert connect().resolve(TAGGED).digest == pushed.digest
        (asked,) = internet.received(BLOBS)
        assert asked.target == "/data?sig=a%2Fb"
        assert "authorization" not in asked.headers
        assert "cookie" not in asked.headers

    def test_is_verified_all_the_same(self, internet: Internet, connect: Connect) -> None:
        """Whoever holds the bytes."""
        internet.answers[BLOBS] = lambda _: reply(200, config(comment="evil").body)
        assert refusal(connect()).kind is RefusalKind.DIGEST_MISMATCH

    def test_is_sought_at_most_three_hosts_away(
        self, pushed: Content, registry: StrictRegistry, internet: Internet, connect: Connect
    ) -> None:
        """Also where a redirect leads back; no credential comes along even then."""

        def hops(request: Received) -> Answer:
            left = int(request.target.removeprefix("/"))
            return reply(200, config().body) if left == 0 else reply(302, b"", {"Location": f"/{left - 1}"})

        internet.answers[BLOBS] = hops
        self.to(registry, f"https://{BLOBS}/2")
        assert connect().resolve(TAGGED).digest == pushed.digest
        self.to(registry, f"https://{BLOBS}/3")
        assert refusal(connect()).kind is RefusalKind.REDIRECTED

    def test_is_not_shown_the_credential_when_it_leads_back(
        self, registry: StrictRegistry, internet: Internet, connect: Connect
    ) -> None:
        """The registry then asks for one, and gets none."""
        self.to(registry, f"https://{CONTOSO}/v2/app/blobs/{config(comment='x').digest}")
        assert refusal(connect()).kind is RefusalKind.REFUSED
        assert "authorization" not in internet.received(CONTOSO)[-1].headers

    @pytest.mark.parametrize(
        "location",
        [
            f"http://{BLOBS}/data",
            f"ftp://{BLOBS}/data",
            "file:///etc/passwd",
            f"https://user:pw@{BLOBS}/data",
            "https://[::1]/data",
            f"https://{BLOBS}\\@{STRANGER}/",
            f"https://{BLOBS}:99999/",
            f"https://{BLOBS}/ data",
            "https://\xe4.example/",
        ],
    )
    def test_is_not_followed_to_a_senseless_place(
        self, location: str, registry: StrictRegistry, internet: Internet, connect: Connect
    ) -> None:
        """Only https, and only a plain URL."""
        self.to(registry, location)
        assert refusal(connect()).kind is RefusalKind.REDIRECTED
        assert internet.received(BLOBS) == internet.received(STRANGER) == []

    @pytest.mark.parametrize("private", [True, False])
    @pytest.mark.parametrize("inside", ["10.0.0.4", "127.0.0.1", "169.254.169.254", "168.63.129.16"])
    def test_is_followed_inside_only_for_a_private_registry(
        self, *, private: bool, inside: str, pushed: Content, internet: Internet, connect: Connect
    ) -> None:
        """Its data endpoint is behind a private endpoint too; this machine and its metadata service never are."""
        internet.answers[BLOBS] = lambda _: reply(200, config().body)
        internet.addresses[BLOBS] = (inside,)
        if private and inside == "10.0.0.4":
            assert connect(private=True).resolve(TAGGED).digest == pushed.digest
            return
        assert refusal(connect(private=private)).kind is RefusalKind.PRIVATE_ADDRESS
        assert internet.received(BLOBS) == []

    def test_a_redirect_to_nowhere(self, registry: StrictRegistry, connect: Connect) -> None:
        """Without a Location it leads to itself, and ends."""
        registry.instead[self.blob] = reply(307)
        assert refusal(connect()).kind is RefusalKind.REDIRECTED


class TestAddresses:
    @pytest.mark.parametrize(
        ("addresses", "private_helps"),
        [
            (["10.0.0.4"], True),
            (["20.60.1.1", "10.0.0.4"], True),
            (["127.0.0.1"], True),
            (["::1"], True),
            (["fd00::1"], True),
            (["::ffff:10.0.0.4"], True),
            (["169.254.169.254"], False),
            (["fe80::1"], False),
            (["168.63.129.16"], False),
            (["0.0.0.0"], False),
            (["224.0.0.1"], False),
            (["64:ff9b::a9fe:a9fe"], False),
        ],
    )
    def test_an_address_inside(
        self,
        addresses: list[str],
        private_helps: bool,
        registry: StrictRegistry,
        internet: Internet,
        connect: Connect,
    ) -> None:
        """Is connected to only for a registry listed as private; some never; not one byte is sent before."""
        pushed = registry.push("1", image(config()), config())
        internet.addresses[CONTOSO] = addresses
        caught = refusal(connect())
        assert caught.kind is RefusalKind.PRIVATE_ADDRESS
        assert internet.dialled == []
        if private_helps:
            assert connect(private=True).resolve(TAGGED).digest == pushed.digest
        else:
            assert refusal(connect(private=True)).kind is RefusalKind.PRIVATE_ADDRESS
            assert internet.dialled == []

    def test_a_name_that_changes_its_address(
        self, registry: StrictRegistry, internet: Internet, connect: Connect
    ) -> None:
        """The connection goes to the address that was looked at, and every request looks anew."""
        registry.push("1", image(config()), config())
        answers = iter((["20.60.1.1"], ["20.60.1.2"], ["127.0.0.1"]))
        real = internet.look_up

        def rebinding(host: str, port: int) -> Any:
            internet.addresses[CONTOSO] = next(answers)
            return real(host, port)

        client = connect()
        object.__setattr__(client._network, "look_up", rebinding)
        assert refusal(client).kind is RefusalKind.PRIVATE_ADDRESS
        assert internet.dialled == ["20.60.1.1:443", "20.60.1.2:443"]

    def test_a_name_that_does_not_exist(self, internet: Internet, connect: Connect) -> None:
        """Is unreachable, and may exist later."""
        del internet.addresses[CONTOSO]
        assert refusal(connect()).kind is RefusalKind.UNREACHABLE

    def test_a_name_without_addresses(self, internet: Internet, connect: Connect) -> None:
        """The same."""
        internet.addresses[CONTOSO] = ()
        assert refusal(connect()).kind is RefusalKind.UNREACHABLE


class TestLogins:
    @pytest.mark.parametrize("login", list(Login))
    def test_each_login_opens(
        self, login: Login, registry: StrictRegistry, internet: Internet, connect: Connect
    ) -> None:
        """Only the realm sees a password, only the exchange an Entra token."""
        pushed = registry.push("1", image(config()), config())
        assert connect(login).resolve(TAGGED).digest == pushed.digest
        for request in internet.received(CONTOSO):
            if request.target.startswith("/v2/"):
                assert request.headers.get("authorization") in {None, f"Bearer {PULL}"}
            assert (ENTRA.encode() in request.body) == (request.target == "/oauth2/exchange")

    def test_a_registry_open_to_everybody(self, registry: StrictRegistry, internet: Internet, connect: Connect) -> None:
        """Is not shown anything."""
        registry.wants = ""
        registry.push("1", image(config()), config())
        connect(Login.BASIC).resolve(TAGGED)
        assert all("authorization" not in request.headers for request in internet.received(CONTOSO))

    def test_a_registry_that_knows_passwords_only(self, registry: StrictRegistry, connect: Connect) -> None:
        """Gets the password itself, since it is listed with it."""
        registry.wants, registry.challenge = BASIC, 'Basic realm="x"'
        pushed = registry.push("1", image(config()), config())
        assert connect(Login.BASIC).resolve(TAGGED).digest == pushed.digest
        assert refusal(connect(Login.ANONYMOUS)).kind is RefusalKind.REFUSED

    def test_a_token_that_does_not_open(self, registry: StrictRegistry, internet: Internet, connect: Connect) -> None:
        """Is tried once."""
        registry.push("1", image(config()), config())
        registry.wants = "Bearer another"
        for login in Login:
            assert refusal(connect(login)).kind is RefusalKind.REFUSED
        assert sum(request.target == "/v2/app/manifests/1" for request in internet.received(CONTOSO)) == 5

    @pytest.mark.parametrize("challenge", ["", "Negotiate", 'Bearer service="x"', "Bearer realm=" + "x" * 5000])
    def test_a_challenge_that_cannot_be_answered(
        self, challenge: str, registry: StrictRegistry, connect: Connect
    ) -> None:
        """Is a refusal."""
        registry.challenge = challenge
        assert refusal(connect(Login.BASIC)).kind is RefusalKind.REFUSED

    @pytest.mark.parametrize("login", [Login.BASIC, Login.ANONYMOUS])
    @pytest.mark.parametrize(
        "realm",
        [
            f"https://{STRANGER}/token",
            f"http://{CONTOSO}/oauth2/token",
            f"https://{CONTOSO}:444/oauth2/token",
            f"https://{CONTOSO}.example.org/oauth2/token",
            f"https://{CONTOSO}@{STRANGER}/token",
            f"https://{STRANGER}\\@{CONTOSO}/token",
            f"https://{AUTH}/other",
            "//x",
            "<script>",
        ],
    )
    def test_a_realm_that_is_not_listed(
        self, login: Login, realm: str, registry: StrictRegistry, internet: Internet, connect: Connect
    ) -> None:
        """Sees nothing, not even that somebody asks."""
        registry.challenge = f'Bearer realm="{realm.replace(chr(92), chr(92) * 2)}",service="x"'
        caught = refusal(connect(login, token_realms=[f"https://{AUTH}/token"]))
        assert caught.kind is RefusalKind.REALM_ELSEWHERE
        assert "token realms" in caught.sentence
        assert all(internet.received(host) == [] for host in (STRANGER, AUTH))

    @pytest.mark.parametrize("listed", [f"https://{AUTH}/token", f"https://{AUTH}", f"https://{AUTH}:443/"])
    def test_a_realm_that_is_listed(
        self, listed: str, registry: StrictRegistry, internet: Internet, connect: Connect
    ) -> None:
        """Gets the password, as Docker Hub's does; its own query stays."""

        def auth(request: Received) -> Answer:
            assert request.target == "/token?a=b&service=the+service&scope=repository%3Aapp%3Apull"
            assert request.headers["authorization"] == BASIC
            return json_reply({"token": PULL})

        internet.answers[AUTH] = auth
        registry.challenge = f'Bearer realm="https://{AUTH}/token?a=b",service="the service"'
        pushed = registry.push("1", image(config()), config())
        client = connect(Login.BASIC, token_realms=[listed])
        assert client.resolve(TAGGED).digest == pushed.digest

    @pytest.mark.parametrize("login", list(Login))
    def test_a_realm_that_redirects(
        self, login: Login, registry: StrictRegistry, internet: Internet, connect: Connect
    ) -> None:
        """Would send the credential elsewhere."""
        registry.instead["/oauth2/token"] = reply(307, b"", {"Location": f"https://{STRANGER}/token"})
        assert refusal(connect(login)).kind is RefusalKind.REDIRECTED
        assert internet.received(STRANGER) == []


def test_the_sentence_of_a_hostile_registry_is_harmless(registry: StrictRegistry, connect: Connect) -> None:
    """Whatever it writes, the sentence has no markup and nothing invisible in it."""
    body = json.dumps({"mediaType": "</script>\u202e"}).encode()
    registry.push("1", Content(body, "</script><b onclick=x>"))
    sentence = refusal(connect()).sentence
    assert not set(sentence) & set("<>&\"'\u202e")
