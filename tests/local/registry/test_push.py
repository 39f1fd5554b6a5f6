"""Images on their way through the registry's own API."""

import json
from pathlib import Path

import pytest

from local.registry.alpine import alpine_image
from local.registry.debian import debian_image
from local.registry.images import AMD64, ARM64, Built, Image, attestation, build, build_index
from local.registry.push import PushRefused, push_image, push_index
from local.registry.server import RegistryServer
from tests.local.registry.driver import ADMIN, OCI_INDEX, TEAM, Client, digest


def test_an_image_is_pushed_and_pulled(client: Client) -> None:
    """By somebody who may push there; every blob is what its digest says."""
    image = debian_image()
    pushed = push_image(client.registry.url, "team/app", "1", image, TEAM)
    assert pushed == build(image).digest
    manifest = client.get("/v2/team/app/manifests/1")
    assert digest(manifest.content) == pushed
    for one in (manifest.json()["config"], *manifest.json()["layers"]):
        assert digest(client.get(f"/v2/team/app/blobs/{one['digest']}").content) == one["digest"]


def test_what_is_there_is_not_pushed_again(client: Client) -> None:
    """A second tag costs the manifest alone."""
    for tag in ("1", "2"):
        push_image(client.registry.url, "team/app", tag, build(alpine_image(), docker=True), TEAM)
    puts = [call["path"] for call in client.registry.journal.listing() if call["method"] == "PUT"]
    assert len(puts) == 2 + 2
    assert puts[-1] == "/v2/team/app/manifests/2"


def test_an_index_is_pushed_with_its_images(client: Client) -> None:
    """Of every platform."""
    first = build(debian_image(platform=AMD64))
    images: list[Image | Built] = [first, debian_image(platform=ARM64), attestation(first)]
    pushed = push_index(f"{client.registry.url}/", "team/app", "1", images, ADMIN)
    answer = client.get("/v2/team/app/manifests/1")
    assert (answer.headers["Content-Type"], digest(answer.content)) == (OCI_INDEX, pushed)
    for one in json.loads(answer.content)["manifests"]:
        assert client.get(f"/v2/team/app/manifests/{one['digest']}").status_code == 200
    docker = build_index([build(debian_image(), docker=True)], docker=True)
    assert push_image(client.registry.url, "team/app", "2", docker, ADMIN) == docker.digest


def test_a_refusal_says_what_and_why(client: Client) -> None:
    """Who may not push there, a wrong password, and a registry that does not take it."""
    with pytest.raises(PushRefused, match=r"403.*DENIED"):
        push_image(client.registry.url, "secret", "1", alpine_image(), TEAM)
    with pytest.raises(PushRefused, match=r"401.*UNAUTHORIZED"):
        push_image(client.registry.url, "team/app", "1", alpine_image(), ("team", "wrong"))
    client.registry.faults.add({"route": "PUT .*manifests", "kind": "status", "status": 503})
    with pytest.raises(PushRefused, match="PUT /v2/team/app/manifests/1: 503"):
        push_image(client.registry.url, "team/app", "1", alpine_image(), TEAM)


def test_a_password_goes_nowhere_else(client: Client) -> None:
    """Whatever the challenge says."""
    other = {"route": "GET /v2/$", "kind": "realm", "location": f"{client.registry.data_url}/oauth2/token"}
    client.registry.faults.add(other)
    with pytest.raises(PushRefused, match="another place"):
        push_image(client.registry.url, "team/app", "1", alpine_image(), TEAM)
    assert all(call["door"] == "registry" for call in client.registry.journal.listing())


def test_a_registry_can_be_had_without_an_arrangement(tmp_path: Path) -> None:
    """With an admin and an app, whose secrets are fresh; it can be used only while it runs."""
    registry = RegistryServer(tmp_path / "data")
    with pytest.raises(RuntimeError, match="not running"):
        _ = registry.url
    with registry, Client(registry) as client:
        assert registry.host == f"127.0.0.1:{registry.place.port}"
        push_image(registry.url, "app", "1", alpine_image(), registry.access.user)
        assert client.exchange(registry.access.entra_token).status_code == 200
        assert client.exchange("nobody's").status_code == 401
    with pytest.raises(RuntimeError, match="not running"):
        _ = registry.faults
