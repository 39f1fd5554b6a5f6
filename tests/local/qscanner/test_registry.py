"""Registries that ask for a login, send elsewhere, or lie."""

import base64
import gzip
import socket
from collections.abc import Callable, Iterator

import pytest

from local.qscanner.exit_codes import ExitCode, ScanError
from local.qscanner.image import http_get
from local.qscanner.image import registry as registry_module
from local.qscanner.image.http_get import is_safe
from local.qscanner.image.manifests import Descriptor
from local.qscanner.image.reference import parse_reference
from local.qscanner.image.registry import Login, Registry, login_of
from local.qscanner.platforms import Platform
from tests.local.qscanner.checkouts import Scanner
from tests.local.qscanner.debian import scan_image
from tests.local.qscanner.images import SmallRegistry, image, sha256, small_registry, tar

AMD64 = Platform("linux", "amd64")
ANONYMOUS = Login("", "", "")
IMAGE = image(tar({"program": b"\x7fELF"}))
TOKENS = {"QSCANNER_REGISTRY_TOKEN": "", "QSCANNER_REGISTRY_USERNAME": "", "QSCANNER_REGISTRY_PASSWORD": ""}


@pytest.fixture
def other_registry() -> Iterator[SmallRegistry]:
    """A second server."""
    with small_registry() as server:
        yield server


def ask(server: SmallRegistry, login: Login = ANONYMOUS) -> Registry:
    """A client of the repository that the fixture serves."""
    return Registry(parse_reference(f"{server.name}/shop/web:1"), login)


class TestLogins:
    @pytest.mark.parametrize(
        ("scheme", "variables"),
        [
            ("", {}),
            ("Bearer", {}),
            ("Bearer", {"QSCANNER_REGISTRY_TOKEN": "static-token-1"}),
            ("Bearer", {"QSCANNER_REGISTRY_USERNAME": "user", "QSCANNER_REGISTRY_PASSWORD": "a-long-password"}),
            ("Basic", {"QSCANNER_REGISTRY_USERNAME": "user", "QSCANNER_REGISTRY_PASSWORD": "a-long-password"}),
        ],
    )
    def test_every_documented_way_in_is_taken(
        self, scan: Scanner, registry: SmallRegistry, scheme: str, variables: dict[str, str]
    ) -> None:
        """No login, the challenge without one, a token, and name and password at the realm or the registry."""
        registry.scheme = scheme
        run = scan_image(scan, registry.push("1", IMAGE), **(TOKENS | variables))
        assert run.code == ExitCode.SUCCESS
        left = run.stdout + run.stderr + "".join(path.read_text("utf-8") for path in run.output.iterdir())
        assert not any(secret in left for secret in ("static-token-1", "a-long-password", "issued-token-1"))

    @pytest.mark.parametrize(
        ("scheme", "variables"),
        [
            ("Bearer", {"QSCANNER_REGISTRY_TOKEN": "an-old-token"}),
            ("Bearer", {"QSCANNER_REGISTRY_USERNAME": "user", "QSCANNER_REGISTRY_PASSWORD": "not-the-password"}),
            ("Basic", {"QSCANNER_REGISTRY_USERNAME": "user", "QSCANNER_REGISTRY_PASSWORD": "not-the-password"}),
            ("Basic", {}),
        ],
    )
    def test_a_login_that_is_not_accepted_is_an_unreadable_image(
        self, scan: Scanner, registry: SmallRegistry, scheme: str, variables: dict[str, str]
    ) -> None:
        """Code 6, without the login in the log."""
        registry.scheme = scheme
        run = scan_image(scan, registry.push("1", IMAGE), **(TOKENS | variables))
        assert run.code == ExitCode.IMAGE_UNREADABLE
        assert "does not accept the login" in run.stderr
        assert not any(value in run.stderr for value in variables.values() if value != "user")

    def test_a_token_that_runs_out_is_renewed(self, registry: SmallRegistry) -> None:
        """Large images take longer than a token lives."""
        registry.scheme = "Bearer"
        registry.push("1", IMAGE)
        client = ask(registry)
        client.manifest("1")
        registry.token = "issued-token-2"
        assert client.manifest(IMAGE.digest).content == IMAGE.manifest

    @pytest.mark.parametrize(
        "realm",
        ["", "ftp://x/", "http://registry.example/token", "https://user:p@x.example/", "https://x:0/", "file:///etc"],
    )
    def test_a_realm_that_may_not_be_asked_is_not(self, registry: SmallRegistry, realm: str) -> None:
        """Plain HTTP to elsewhere, another scheme, or a login of its own."""
        registry.scheme, registry.realm = "Bearer", realm
        with pytest.raises(ScanError, match="realm that is not asked"):
            ask(registry).manifest("1")

    def test_a_password_is_not_sent_to_a_foreign_realm(
        self, registry: SmallRegistry, other_registry: SmallRegistry
    ) -> None:
        """A registry could name any server."""
        registry.scheme, registry.realm = "Bearer", f"{other_registry.url}/token"
        with pytest.raises(ScanError, match="foreign token realm"):
            ask(registry, Login("", "user", "a-long-password")).manifest("1")
        assert other_registry.seen == []

    @pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"token": 1}', b'{"token": "a\\nb"}', b"[" * 100_000])
    def test_a_realm_that_gives_no_token_is_an_error(
        self, registry: SmallRegistry, monkeypatch: pytest.MonkeyPatch, content: bytes
    ) -> None:
        """Whatever it gives instead."""
        registry.scheme = "Bearer"
        monkeypatch.setattr(registry_module, "_token_in", lambda _: _token_in(content))
        with pytest.raises(ScanError, match="token realm"):
            ask(registry).manifest("1")

    @pytest.mark.parametrize(
        ("registry_host", "realm_host", "is_one"),
        [
            ("registry-1.docker.io:443", "auth.docker.io:443", True),
            ("shop.azurecr.io:443", "shop.azurecr.io:443", True),
            ("registry.example.org:443", "registry.example.com:443", False),
            ("localhost:443", "localhost:444", False),
            ("10.0.0.1:443", "11.1.0.1:443", False),
        ],
    )
    def test_realms_of_one_owner_are_known(self, registry_host: str, realm_host: str, is_one: bool) -> None:
        """The same host, or the same two last names."""
        assert registry_module._is_of_one_owner(registry_host, realm_host) is is_one

    @pytest.mark.parametrize("variables", [{"QSCANNER_REGISTRY_USERNAME": "u"}, {"QSCANNER_REGISTRY_TOKEN": "a\nb"}])
    def test_half_a_login_is_a_bad_parameter(self, variables: dict[str, str]) -> None:
        """Code 2."""
        with pytest.raises(ScanError) as refusal:
            login_of(variables)
        assert refusal.value.code is ExitCode.BAD_PARAMETER


_token_in = registry_module._token_in


class TestRedirects:
    def test_blobs_may_be_elsewhere_and_the_login_stays(
        self, scan: Scanner, registry: SmallRegistry, other_registry: SmallRegistry
    ) -> None:
        """As large registries keep them; no credential follows."""
        reference = registry.push("1", IMAGE)
        other_registry.push("1", IMAGE)
        registry.redirect_blobs_to = f"{other_registry.url}/elsewhere"
        run = scan_image(scan, reference, QSCANNER_REGISTRY_TOKEN="static-token-1")
        assert run.code == ExitCode.SUCCESS
        assert {authorization for _, authorization in registry.seen} == {"Bearer static-token-1"}
        assert {authorization for _, authorization in other_registry.seen} == {""}

    @pytest.mark.parametrize("target", ["http://registry.example", "file:///etc", "{url}/v2/shop/web/blobs"])
    def test_bad_and_endless_redirects_are_not_followed(self, registry: SmallRegistry, target: str) -> None:
        """Plain HTTP elsewhere, another scheme, a circle."""
        registry.redirect_blobs_to = target.format(url=registry.url)
        with pytest.raises(ScanError, match="redirects to where it is not followed"):
            ask(registry).blob(Descriptor("x", "0" * 64, 1))


class TestRefusals:
    @pytest.mark.parametrize(
        ("status", "words"),
        [(403, "may not pull"), (404, "no such image"), (429, "limits how often"), (500, "answers 500"), (204, "204")],
    )
    def test_every_refusal_is_an_unreadable_image(
        self, scan: Scanner, registry: SmallRegistry, status: int, words: str
    ) -> None:
        """Code 6, with the reason."""
        registry.status = status
        run = scan_image(scan, registry.push("1", IMAGE))
        assert run.code == ExitCode.IMAGE_UNREADABLE
        assert words in run.stderr

    def test_nobody_there_is_an_unreadable_image(self, scan: Scanner) -> None:
        """Code 6."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        run = scan_image(scan, f"127.0.0.1:{port}/shop/web:1")
        assert run.code == ExitCode.IMAGE_UNREADABLE
        assert "cannot be asked" in run.stderr

    def test_plain_http_is_spoken_to_this_machine_only(self) -> None:
        """Anything else has to be https."""
        assert ask_base("localhost:5000") == "http://localhost:5000/v2/shop/web/"
        assert ask_base("[::1]:5000") == "http://[::1]:5000/v2/shop/web/"
        assert ask_base("registry.example") == "https://registry.example/v2/shop/web/"
        assert not is_safe("http://registry.example/", loopback=True)
        assert not is_safe("http://127.0.0.1/", loopback=False)

    def test_a_registry_that_speaks_no_tls_is_an_unreadable_image(
        self, registry: SmallRegistry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Where TLS is asked for."""
        client = ask(registry)
        monkeypatch.setattr(client, "_base", client._base.replace("http:", "https:"))
        with pytest.raises(ScanError, match="certificate or TLS"):
            client.manifest("1")

    def test_a_body_that_breaks_off_is_an_unreadable_image(self, registry: SmallRegistry) -> None:
        """Before the digest is even compared."""
        registry.push("1", IMAGE)
        registry.extra_headers = {"Transfer-Encoding": "chunked"}
        with pytest.raises(ScanError, match="broke off"):
            ask(registry).manifest("1")

    def test_times_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A server that accepts and says nothing."""
        monkeypatch.setattr(http_get, "TIMEOUT_SECONDS", 0.05)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            client = Registry(parse_reference(f"127.0.0.1:{silent.getsockname()[1]}/shop/web:1"), ANONYMOUS)
            with pytest.raises(ScanError, match="cannot be asked"):
                client.manifest("1")


def ask_base(host: str) -> str:
    """The address that a registry is asked at."""
    return Registry(parse_reference(f"{host}/shop/web:1"), ANONYMOUS)._base


class TestLies:
    def test_a_manifest_of_another_digest_is_refused(self, scan: Scanner, registry: SmallRegistry) -> None:
        """The digest is what was asked for."""
        reference = registry.push("1", IMAGE)
        registry.manifests[IMAGE.digest] = image(tar({})).manifest
        run = scan_image(scan, reference)
        assert run.code == ExitCode.IMAGE_UNREADABLE
        assert "promised" in run.stderr

    def test_a_header_of_another_digest_is_refused(self, registry: SmallRegistry) -> None:
        """Also where a tag was asked for."""
        registry.push("1", IMAGE)
        registry.extra_headers = {"Docker-Content-Digest": sha256(b"other")}
        with pytest.raises(ScanError, match="promised"):
            ask(registry).manifest("1")

    @pytest.mark.parametrize("which", [0, 1])
    @pytest.mark.parametrize(
        "change", [lambda blob: blob[:-1], lambda blob: blob + b"x", lambda blob: bytes(len(blob))]
    )
    def test_blobs_of_another_content_are_refused(
        self, scan: Scanner, registry: SmallRegistry, which: int, change: Callable[[bytes], bytes]
    ) -> None:
        """Configuration and layers alike, shorter, longer or changed."""
        reference = registry.push("1", IMAGE)
        digest = list(IMAGE.blobs)[which]
        registry.blobs[digest] = change(registry.blobs[digest])
        run = scan_image(scan, reference)
        assert run.code == ExitCode.IMAGE_UNREADABLE
        assert "a blob does not have the digest" in run.stderr

    def test_a_layer_of_another_content_than_the_configuration_names_is_refused(
        self, scan: Scanner, registry: SmallRegistry
    ) -> None:
        """Else findings would name layers that are not there."""
        liar = image(tar({}), rootfs={"diff_ids": [sha256(b"other")]})
        run = scan_image(scan, registry.push("1", liar))
        assert "not the one that the configuration names" in run.stderr
        short = image(tar({}), rootfs={"diff_ids": []})
        assert "different numbers of layers" in scan_image(scan, registry.push("1", short)).stderr

    def test_a_manifest_over_four_mebibytes_is_refused(self, scan: Scanner, registry: SmallRegistry) -> None:
        """What the distribution specification asks registries for, and no more."""
        reference = registry.push("1", b" " * (4 * 1024 * 1024 + 1))
        run = scan_image(scan, reference)
        assert run.code == ExitCode.IMAGE_UNREADABLE
        assert "larger than 4194304 bytes" in run.stderr


@pytest.mark.parametrize(
    ("pack", "works"),
    [
        (gzip.compress, True),
        (lambda content: content, True),
        (lambda content: gzip.compress(content[:512]) + gzip.compress(content[512:]), True),
        (lambda content: b"\x28\xb5\x2f\xfd" + content, False),
        (lambda content: gzip.compress(content)[:-4], False),
        (lambda content: gzip.compress(content)[:-8] + bytes(8), False),
    ],
    ids=["gzip", "plain", "several members", "zstd", "cut off", "wrong checksum"],
)
def test_layers_are_gzip_or_plain(
    scan: Scanner, registry: SmallRegistry, pack: Callable[[bytes], bytes], works: bool
) -> None:
    """Told by how they begin, not by what the manifest calls them; zstd is refused by name."""
    run = scan_image(scan, registry.push("1", image(tar({"x": b"y"}), pack=pack)))
    assert run.code == (ExitCode.SUCCESS if works else ExitCode.IMAGE_UNREADABLE)
    assert works or "zstd" in run.stderr or "compression is damaged" in run.stderr


def test_the_basic_form_is_that_of_rfc_7617() -> None:
    """Name, colon, password, in base64."""
    assert base64.b64decode(registry_module._basic(Login("", "u", "p:q")).removeprefix("Basic ")) == b"u:p:q"
