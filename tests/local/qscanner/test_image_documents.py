"""Indexes, manifests and configurations; references and platforms."""

import json

import pytest

from local.qscanner.exit_codes import ExitCode, ScanError
from local.qscanner.image.http_get import host_of, is_safe
from local.qscanner.image.manifests import choose_manifest, is_index, read_config, read_manifest
from local.qscanner.image.reference import is_loopback, parse_reference
from local.qscanner.platforms import Platform, parse_platform
from tests.local.qscanner.images import CONFIG, INDEX, LAYER, MANIFEST, image, index, sha256, tar

AMD64 = Platform("linux", "amd64")
IMAGE = image(tar({"program": b"\x7fELF"}))


def descriptor(media_type: str = LAYER, size: object = 1, digest: object = "sha256:" + "0" * 64) -> dict[str, object]:
    return {"mediaType": media_type, "size": size, "digest": digest}


def manifest(**changes: object) -> bytes:
    whole = {"schemaVersion": 2, "config": descriptor(CONFIG), "layers": [descriptor()]}
    return json.dumps(whole | changes).encode()


class TestDocuments:
    @pytest.mark.parametrize(
        "content",
        [
            b"{",
            b"[]",
            b"[" * 100_000,
            manifest(schemaVersion=1),
            manifest(config=None),
            manifest(config=descriptor("application/vnd.cncf.helm.config.v1+json")),
            manifest(config=descriptor(CONFIG, size=5 * 1024 * 1024)),
            manifest(layers="x"),
            manifest(layers=[1]),
            manifest(layers=[descriptor("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")]),
            manifest(layers=[descriptor()] * 257),
            manifest(layers=[descriptor(size=-1)]),
            manifest(layers=[descriptor(size=True)]),
            manifest(layers=[descriptor(size=5 * 1024**3)]),
            manifest(layers=[descriptor(digest="sha512:00")]),
            manifest(layers=[descriptor(digest=None)]),
        ],
    )
    def test_a_manifest_that_cannot_be_read_is_refused(self, content: bytes) -> None:
        """Code 6, whatever is wrong."""
        with pytest.raises(ScanError) as refusal:
            read_manifest(content)
        assert refusal.value.code is ExitCode.IMAGE_UNREADABLE

    @pytest.mark.parametrize("content", [b"{}", b'{"manifests": [], "layers": []}', b"x"])
    def test_a_document_that_is_neither_or_both_is_refused(self, content: bytes) -> None:
        """Two readers could take it for different things."""
        with pytest.raises(ScanError):
            is_index(content)

    @pytest.mark.parametrize(
        "content",
        [
            b"{}",
            b'{"os": "linux", "architecture": "amd64"}',
            b'{"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": ["x"]}}',
            b'{"os": 1, "architecture": "amd64", "rootfs": {"diff_ids": []}}',
        ],
    )
    def test_a_configuration_that_cannot_be_read_is_refused(self, content: bytes) -> None:
        """Without platform or layers."""
        with pytest.raises(ScanError):
            read_config(content)

    def test_a_history_that_does_not_fit_gives_no_commands(self) -> None:
        """Rather than the wrong ones."""
        content = {"os": "linux", "architecture": "arm", "variant": "v7", "rootfs": {"diff_ids": [sha256(b"")]}}
        for history in (None, [], [{"created_by": "a"}, {"created_by": "b"}], "x", [1]):
            assert read_config(json.dumps(content | {"history": history}).encode()).commands == [""]

    def test_an_index_lists_what_it_has(self) -> None:
        """Entries without a platform, and of another kind, are passed over."""
        entries = [{"mediaType": INDEX, "platform": {"os": "linux", "architecture": "amd64"}}, {"mediaType": MANIFEST}]
        with pytest.raises(ScanError, match="no platform at all"):
            choose_manifest(json.dumps({"manifests": entries}).encode(), AMD64)
        with pytest.raises(ScanError, match="lists linux/arm64"):
            choose_manifest(index(arm64=IMAGE), AMD64)


class TestReferences:
    @pytest.mark.parametrize(
        ("text", "registry_host", "repository", "asked"),
        [
            ("shop.azurecr.io/web/api:1.2_x-3", "shop.azurecr.io", "web/api", "1.2_x-3"),
            ("localhost:5000/a__b/c-d:x", "localhost:5000", "a__b/c-d", "x"),
            ("localhost/a:x", "localhost", "a", "x"),
            ("[::1]:5000/a:x", "[::1]:5000", "a", "x"),
            (f"r.example/a:x@sha256:{'0' * 64}", "r.example", "a", f"sha256:{'0' * 64}"),
        ],
    )
    def test_names_registry_repository_and_what_is_asked(
        self, text: str, registry_host: str, repository: str, asked: str
    ) -> None:
        """The digest wins over the tag."""
        found = parse_reference(text)
        assert (found.registry, found.repository, found.asked) == (registry_host, repository, asked)

    @pytest.mark.parametrize(
        "text",
        [
            "", "alpine", "alpine:3", "library/alpine:3", "r.example/a", "r.example/A:1", "r.example/a:",
            "r.example/a@sha256:0", "https://r.example/a:1", "user@r.example/a:1", "r.example/a:1;id",
            "r.example/a:1?x=y", "r.example/../a:1",
            "r.example//a:1", "r.example:99999/a:1", "[::g]/a:1", "[:::]:1/a:1", "r.example/a:1\n", "-x.example/a:1",
            "r.example/" + "a" * 256 + ":1", "r.example/a:" + "1" * 600, "r.example:0/a:1",
        ],
    )  # fmt: skip
    def test_anything_else_is_refused(self, text: str) -> None:
        """Short names, URLs, and whatever a shell or URL could take for more."""
        with pytest.raises(ValueError, match=r"not host|registry|longer"):
            parse_reference(text)

    def test_loopback_is_this_machine(self) -> None:
        """By name or number."""
        assert all(map(is_loopback, ("localhost", "127.1.2.3", "[::1]", "::1")))
        assert not any(map(is_loopback, ("localhost.example", "10.0.0.1", "0.0.0.0", "")))

    def test_hosts_are_compared_with_their_ports(self) -> None:
        """Also where the port is the scheme's own."""
        assert host_of("https://R.example/x") == host_of("https://r.example:443/")
        assert host_of("https://r.example") != host_of("http://r.example")

    def test_an_address_that_is_none_is_not_asked(self) -> None:
        """A port that is no number, and characters that no address has."""
        assert not is_safe("https://r.example:x/", loopback=True)
        assert not is_safe("https://r.example/\u00e9", loopback=True)


class TestPlatforms:
    def test_an_absent_variant_is_the_usual_one(self) -> None:
        """As containerd has it."""
        assert parse_platform("linux/arm64").matches(Platform("linux", "aarch64", "v8"))
        assert parse_platform("linux/arm").matches(Platform("linux", "arm", "v7"))
        assert not parse_platform("linux/arm/v6").matches(Platform("linux", "arm", "v7"))
        assert str(parse_platform("linux/arm/v6")) == "linux/arm/v6"

    @pytest.mark.parametrize("text", ["", "linux", "linux/", "linux/amd64/v1/x", "Linux/amd64", "linux/amd64;x"])
    def test_anything_else_is_refused(self, text: str) -> None:
        """With an example of what is meant."""
        with pytest.raises(ValueError, match="linux/amd64"):
            parse_platform(text)
