"""Against the local registry, which speaks the distribution API and Azure's token exchange."""

from collections.abc import Iterator
from typing import Any

import pytest

from local.registry.images import ARM64, Image, Setting
from local.registry.push import push_image, push_index
from local.registry.server import RegistryServer
from scan_core.model.image import (
    DEFAULT_PLATFORM,
    ImageReference,
    Login,
    RegistryHost,
    RepositoryName,
    image_reference,
    platform,
)
from scan_core.registry.access import RegistryAccess
from scan_core.registry.client import RegistryClient
from scan_core.registry.refusals import RefusalKind, RegistryRefused

ARM = platform("linux/arm64")
AMD_IMAGE = Image((Setting("CMD one"),))
ARM_IMAGE = Image((Setting("CMD one"),), ARM64)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    """A registry with an image and an index."""
    with RegistryServer(tmp_path_factory.mktemp("registry")) as running:
        push_image(running.url, "team/app", "1", AMD_IMAGE, running.access.user)
        push_index(running.url, "team/app", "both", [AMD_IMAGE, ARM_IMAGE], running.access.user)
        yield running


@pytest.fixture(autouse=True)
def no_faults(registry: RegistryServer) -> Iterator[None]:
    """Leave no fault to the next test."""
    yield
    registry.faults.clear()


def client(registry: RegistryServer, login: Login = Login.ENTRA) -> RegistryClient:
    username, password = registry.access.user
    credential = {"username": username, "password": password} if login is Login.BASIC else {}
    listed = RegistryAccess.model_validate({"url": registry.url, "private": True, "login": login, **credential})
    return RegistryClient([listed], lambda: registry.access.entra_token)


def reference(registry: RegistryServer, rest: str = "team/app:1") -> ImageReference:
    return image_reference(f"{registry.host}/{rest}")


@pytest.mark.parametrize("login", [Login.ENTRA, Login.BASIC])
def test_an_image_and_an_index_are_resolved(login: Login, registry: RegistryServer) -> None:
    """With a token for the one repository."""
    single = client(registry, login).resolve(reference(registry))
    both = client(registry, login).resolve(reference(registry, "team/app:both"), (ARM, DEFAULT_PLATFORM))
    assert [image.platform for image in both.images] == [ARM, DEFAULT_PLATFORM]
    assert both.images[1] == single.images[0]
    assert both.digest not in {image.digest for image in both.images}
    again = client(registry, login).resolve(reference(registry, f"team/app@{both.digest}"))
    assert again.images == single.images


def test_a_pull_token_pulls_that_repository_only(registry: RegistryServer) -> None:
    """What the scan step holds can do no more."""
    host = RegistryHost(registry.host)
    token = client(registry).pull_token(host, RepositoryName("team/app"))
    other = client(registry).pull_token(host, RepositoryName("team/other"))
    assert token is not None
    assert other is not None
    assert token.value != other.value


def test_everybody_is_not_let_in(registry: RegistryServer) -> None:
    """An anonymous token opens nothing here."""
    with pytest.raises(RegistryRefused) as caught:
        client(registry, Login.ANONYMOUS).resolve(reference(registry))
    assert caught.value.kind is RefusalKind.REFUSED


_MANIFEST = r"GET /v2/team/app/manifests/"
_BLOB = r"GET /v2/team/app/blobs/"
_EXCHANGE = "POST /oauth2/exchange"


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"route": _MANIFEST, "kind": "wrong_content"}, RefusalKind.DIGEST_MISMATCH),
        ({"route": _MANIFEST, "kind": "wrong_digest"}, RefusalKind.DIGEST_MISMATCH),
        ({"route": _BLOB, "kind": "wrong_content"}, RefusalKind.DIGEST_MISMATCH),
        ({"route": _MANIFEST, "kind": "oversize"}, RefusalKind.MANIFEST_TOO_LARGE),
        ({"route": _MANIFEST, "kind": "status", "status": 429, "seconds": 3}, RefusalKind.THROTTLED),
        ({"route": _MANIFEST, "kind": "status", "status": 500}, RefusalKind.UNREACHABLE),
        ({"route": _MANIFEST, "kind": "status", "status": 403}, RefusalKind.REFUSED),
        ({"route": _MANIFEST, "kind": "reset"}, RefusalKind.UNREACHABLE),
        ({"route": _MANIFEST, "kind": "cut"}, RefusalKind.UNREACHABLE),
        ({"route": _MANIFEST, "kind": "redirect", "location": "http://127.0.0.1:9/"}, RefusalKind.REDIRECTED),
        ({"route": _MANIFEST, "kind": "malformed"}, RefusalKind.MALFORMED),
        ({"route": _MANIFEST, "kind": "sign_in"}, RefusalKind.MALFORMED),
        ({"route": "POST /oauth2/token", "kind": "status", "status": 401}, RefusalKind.REFUSED),
        (
            {"route": _EXCHANGE, "kind": "redirect", "location": "http://127.0.0.1:9/"},
            RefusalKind.REDIRECTED,
        ),
        ({"route": _EXCHANGE, "kind": "malformed"}, RefusalKind.MALFORMED),
    ],
)
def test_each_fault_has_its_name(fault: dict[str, Any], kind: RefusalKind, registry: RegistryServer) -> None:
    """And what passes is asked for again with success."""
    registry.faults.add(fault)
    with pytest.raises(RegistryRefused) as caught:
        client(registry).resolve(reference(registry), deadline_seconds=10)
    assert caught.value.kind is kind
    assert registry.access.entra_token not in caught.value.sentence
    registry.faults.clear()
    assert client(registry).resolve(reference(registry)).images


def test_a_registry_that_hangs_is_left(registry: RegistryServer) -> None:
    """When the time is over."""
    registry.faults.add({"route": _MANIFEST, "kind": "hang", "seconds": 5})
    with pytest.raises(RegistryRefused) as caught:
        client(registry).resolve(reference(registry), deadline_seconds=0.5)
    assert caught.value.kind is RefusalKind.UNREACHABLE


def test_a_blob_at_the_data_endpoint_is_read(registry: RegistryServer) -> None:
    """As Azure Container Registry has it; the credential stays behind."""
    registry.faults.add({"route": _BLOB, "kind": "redirect"})
    assert client(registry).resolve(reference(registry)).images


def test_a_realm_elsewhere_sees_no_password(registry: RegistryServer) -> None:
    """Though the registry's own challenge names it."""
    registry.faults.add({"route": _MANIFEST, "kind": "realm", "location": "http://127.0.0.1:9/token", "count": -1})
    with pytest.raises(RegistryRefused) as caught:
        client(registry, Login.BASIC).resolve(reference(registry))
    assert caught.value.kind is RefusalKind.REALM_ELSEWHERE
