"""Blobs and manifests, as a client writes them."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.local.registry.driver import OCI_INDEX, OCI_MANIFEST, TEAM, Client, code, described, digest

UPLOADS = "/v2/team/app/blobs/uploads/"


def start(client: Client) -> str:
    """Begin an upload."""
    answer = client.ask("POST", UPLOADS)
    assert (answer.status_code, answer.headers["Range"]) == (202, "0-0")
    return str(answer.headers["Location"])


def test_a_blob_comes_in_chunks(steady: Client) -> None:
    """Each beginning where the last one ended, and is checked against its digest at the end."""
    place = start(steady)
    first = steady.ask("PATCH", place, b"01234", Content_Range="0-4")
    assert (first.status_code, first.headers["Range"]) == (202, "0-4")
    asked = steady.get(place)
    assert (asked.status_code, asked.headers["Range"]) == (204, "0-4")
    done = steady.ask("PUT", f"{place}?digest={digest(b'0123456789')}", b"56789", Content_Range="5-9")
    assert done.status_code == 201
    assert done.headers["Docker-Content-Digest"] == digest(b"0123456789")
    assert steady.get(done.headers["Location"]).content == b"0123456789"
    assert code(steady.get(place)) == "BLOB_UPLOAD_UNKNOWN"


@pytest.mark.parametrize("named", ["5-9", "0-3", "nonsense", "bytes 9-13/20"])
def test_a_chunk_out_of_order_is_refused(steady: Client, named: str) -> None:
    """With how far the upload is, so that it can go on."""
    place = start(steady)
    steady.ask("PATCH", place, b"0", Content_Range="0-0")
    answer = steady.ask("PATCH", place, b"01234", Content_Range=named)
    assert (answer.status_code, code(answer), answer.headers["Range"]) == (416, "BLOB_UPLOAD_INVALID", "0-0")


def test_a_chunk_may_be_streamed(steady: Client) -> None:
    """Without saying where it begins or how long it is."""
    place = start(steady)
    answer = steady.http.patch(place, content=iter([b"01", b"23"]), auth=TEAM)
    assert answer.headers["Range"] == "0-3"


def test_another_digest_is_refused(steady: Client) -> None:
    """And the upload is over."""
    place = start(steady)
    answer = steady.ask("PUT", f"{place}?digest={digest(b'other')}", b"content")
    assert (answer.status_code, code(answer)) == (400, "DIGEST_INVALID")
    assert steady.get(place).status_code == 404
    single = steady.ask("POST", f"{UPLOADS}?digest={digest(b'other')}", b"content")
    assert code(single) == "DIGEST_INVALID"
    assert code(steady.ask("POST", f"{UPLOADS}?digest=md5:0", b"content")) == "DIGEST_INVALID"


def test_an_upload_needs_its_digest(steady: Client) -> None:
    """To be complete."""
    assert code(steady.ask("PUT", start(steady), b"content")) == "DIGEST_INVALID"


def test_an_upload_is_cancelled(steady: Client) -> None:
    """And unknown from then on."""
    place = start(steady)
    assert steady.ask("DELETE", place).status_code == 204
    for method in ("PATCH", "DELETE"):
        assert code(steady.ask(method, place)) == "BLOB_UPLOAD_UNKNOWN"
    assert steady.ask("POST", place).status_code == 405


def test_an_upload_belongs_to_its_repository(steady: Client) -> None:
    """Elsewhere nobody knows it."""
    place = start(steady).replace("team/app", "team/other")
    assert code(steady.ask("PATCH", place, b"x")) == "BLOB_UPLOAD_UNKNOWN"


def test_a_blob_is_mounted_from_where_it_can_be_pulled(client: Client) -> None:
    """From elsewhere it has to be uploaded."""
    mine, secret = client.put_blob("team/base", b"mine"), client.put_blob("secret", b"secret")
    mounted = client.ask("POST", f"{UPLOADS}?mount={mine}&from=team/base", auth=TEAM)
    assert mounted.status_code == 201
    assert client.get(mounted.headers["Location"]).content == b"mine"
    for blob, source in ((secret, "secret"), (digest(b"nothing"), "team/base")):
        answer = client.ask("POST", f"{UPLOADS}?mount={blob}&from={source}", auth=TEAM)
        assert answer.status_code == 202
    assert client.get(f"/v2/team/app/blobs/{secret}").status_code == 404


def test_an_index_lists_manifests_by_platform(client: Client) -> None:
    """Which have to be there first."""
    amd64 = client.tagged("team/app", "amd64", layer=b"amd64")
    entry = {"mediaType": OCI_MANIFEST, "digest": amd64, "size": 1}
    entry["platform"] = {"os": "linux", "architecture": "amd64"}
    index: dict[str, Any] = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}
    answer = client.put_manifest("team/app", "1", index, OCI_INDEX)
    assert answer.status_code == 201
    assert client.get("/v2/team/app/manifests/1").headers["Content-Type"] == OCI_INDEX
    index["manifests"].append({**entry, "digest": digest(b"none")})
    refused = client.put_manifest("team/app", "2", index, OCI_INDEX)
    assert code(refused) == "MANIFEST_BLOB_UNKNOWN"
    assert refused.json()["errors"][0]["detail"] == {"digest": digest(b"none")}


def test_a_manifest_needs_its_blobs(steady: Client) -> None:
    """Every missing one is named."""
    manifest = steady.image("team/app")
    manifest["layers"] += [described("x", b"one"), described("x", b"two")]
    answer = steady.put_manifest("team/app", "1", manifest)
    assert (answer.status_code, code(answer)) == (400, "MANIFEST_BLOB_UNKNOWN")
    missing = [error["detail"]["digest"] for error in answer.json()["errors"]]
    assert missing == [digest(b"one"), digest(b"two")]
    assert steady.put_manifest("team/other", "1", steady.image("team/app")).status_code == 400


def test_foreign_layers_need_not_be_there(steady: Client) -> None:
    """They are had from elsewhere."""
    manifest = steady.image("team/app")
    manifest["layers"].append(described("application/vnd.oci.image.layer.nondistributable.v1.tar", b"windows"))
    assert steady.put_manifest("team/app", "1", manifest).status_code == 201


def test_a_manifest_pushed_by_digest_has_it(client: Client) -> None:
    """Else it is refused."""
    content = json.dumps(client.image("team/app")).encode()
    assert client.put_manifest("team/app", digest(content), content).status_code == 201
    assert code(client.put_manifest("team/app", digest(b"other"), content)) == "DIGEST_INVALID"
    assert client.get("/v2/team/app/tags/list").json()["tags"] == []


def test_a_manifest_has_at_most_four_mebibytes(steady: Client) -> None:
    """One byte more is too much."""
    content = json.dumps(steady.image("team/app")).encode()
    assert steady.put_manifest("team/app", "1", content.ljust(4 << 20)).status_code == 201
    answer = steady.put_manifest("team/app", "1", content.ljust((4 << 20) + 1))
    assert (answer.status_code, code(answer)) == (413, "SIZE_INVALID")


def test_a_size_must_be_the_blobs(steady: Client) -> None:
    """A manifest that gives another one is refused."""
    manifest = steady.image("team/app")
    manifest["config"]["size"] += 1
    assert code(steady.put_manifest("team/app", "1", manifest)) == "SIZE_INVALID"


def test_a_manifest_has_a_type_that_is_known(steady: Client) -> None:
    """Docker's first schema is not."""
    kind = "application/vnd.docker.distribution.manifest.v1+prettyjws"
    answer = steady.put_manifest("team/app", "1", steady.image("team/app"), kind)
    assert (answer.status_code, code(answer)) == (415, "MANIFEST_INVALID")


def test_a_manifest_cannot_be_posted(steady: Client) -> None:
    """Only put."""
    assert steady.ask("POST", "/v2/team/app/manifests/1").status_code == 405


BREAKAGES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "no JSON": lambda _: b"{",
    "no object": lambda _: b"[]",
    "too deep": lambda _: b"[" * 100_000,
    "another schema": lambda manifest: {**manifest, "schemaVersion": 1},
    "another type": lambda manifest: {**manifest, "mediaType": OCI_INDEX},
    "no config": lambda manifest: {**manifest, "config": None},
    "no layers": lambda manifest: {**manifest, "layers": {}},
    "a bad digest": lambda manifest: {**manifest, "layers": [{"mediaType": "x", "digest": "sha256:0", "size": 1}]},
    "a bad size": lambda manifest: {**manifest, "config": {**manifest["config"], "size": -1}},
    "a size that is none": lambda manifest: {**manifest, "config": {**manifest["config"], "size": True}},
    "manifests in an image": lambda manifest: {**manifest, "manifests": []},
    "a bad subject": lambda manifest: {**manifest, "subject": "x"},
    "bad annotations": lambda manifest: {**manifest, "annotations": []},
}


@pytest.mark.parametrize("how", BREAKAGES)
def test_a_broken_manifest_is_refused(steady: Client, how: str) -> None:
    """Whatever is wrong with it."""
    answer = steady.put_manifest("team/app", "1", BREAKAGES[how](steady.image("team/app")))
    assert (answer.status_code, code(answer)) == (400, "MANIFEST_INVALID")


@pytest.mark.parametrize(
    "broken",
    [
        {"manifests": [{"mediaType": "x", "digest": digest(b""), "size": 0, "platform": {"os": "linux"}}]},
        {"manifests": [{"mediaType": "x", "digest": digest(b""), "size": 0, "platform": "linux/amd64"}]},
        {"manifests": ["x"]},
        {"manifests": [], "layers": []},
        {},
    ],
)
def test_a_broken_index_is_refused(steady: Client, broken: dict[str, Any]) -> None:
    """Whatever is wrong with it."""
    answer = steady.put_manifest("team/app", "1", {"schemaVersion": 2, "mediaType": OCI_INDEX, **broken}, OCI_INDEX)
    assert code(answer) == "MANIFEST_INVALID"


def test_docker_says_its_type_twice(steady: Client) -> None:
    """In a manifest of Docker's the type is required; in the OCI's it may be left out."""
    manifest = steady.image("team/app")
    del manifest["mediaType"]
    assert steady.put_manifest("team/app", "1", manifest).status_code == 201
    docker = "application/vnd.docker.distribution.manifest.v2+json"
    assert code(steady.put_manifest("team/app", "1", manifest, docker)) == "MANIFEST_INVALID"
    assert steady.put_manifest("team/app", "1", {**manifest, "mediaType": docker}, docker).status_code == 201
