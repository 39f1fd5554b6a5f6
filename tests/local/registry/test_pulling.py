"""Manifests, blobs and lists, as a client reads them."""

import json

import pytest

from tests.local.registry.driver import OCI_INDEX, OCI_MANIFEST, Client, code, described, digest

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def test_the_root_answers_whoever_has_credentials(steady: Client) -> None:
    """With the version of the API."""
    for path in ("/v2/", "/v2"):
        answer = steady.get(path)
        assert answer.status_code == 200
        assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_manifest_is_read_by_tag_and_by_digest(steady: Client, method: str) -> None:
    """Byte by byte as it was pushed, with its type, its length and its digest."""
    manifest = steady.image("team/app")
    content = json.dumps(manifest, indent=3).encode()
    assert steady.put_manifest("team/app", "1.0", content).status_code == 201
    for reference in ("1.0", digest(content)):
        answer = steady.ask(method, f"/v2/team/app/manifests/{reference}")
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == OCI_MANIFEST
        assert answer.headers["Content-Length"] == str(len(content))
        assert answer.headers["Docker-Content-Digest"] == digest(content)
        assert answer.content == (content if method == "GET" else b"")


def test_a_tag_moves(client: Client) -> None:
    """And what it named before is still there under its digest."""
    first = client.tagged("team/app", "latest", layer=b"one")
    second = client.tagged("team/app", "latest", layer=b"two")
    assert client.get("/v2/team/app/manifests/latest").headers["Docker-Content-Digest"] == second
    assert client.get(f"/v2/team/app/manifests/{first}").status_code == 200


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("", 200),
        ("*/*", 200),
        (f"text/html, {OCI_MANIFEST};q=0.5", 200),
        ("application/*", 200),
        (DOCKER_MANIFEST, 404),
        (f"{OCI_MANIFEST};q=0, application/*", 404),
    ],
)
def test_only_what_is_accepted_is_given(steady: Client, accept: str, status: int) -> None:
    """Another type of manifest counts as none, as in the reference implementation."""
    steady.tagged("team/app", "1")
    answer = steady.get("/v2/team/app/manifests/1", Accept=accept)
    assert answer.status_code == status
    if status == 404:
        assert code(answer) == "MANIFEST_UNKNOWN"


def test_an_accept_header_may_stand_on_several_lines(steady: Client) -> None:
    """As docker sends it."""
    steady.tagged("team/app", "1")
    headers = [("Accept", DOCKER_MANIFEST), ("Accept", OCI_MANIFEST)]
    answer = steady.http.get("/v2/team/app/manifests/1", headers=headers, auth=("admin", "admin-password-0123456789"))
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("path", "status", "expected"),
    [
        ("/v2/none/manifests/1", 404, "NAME_UNKNOWN"),
        ("/v2/none/tags/list", 404, "NAME_UNKNOWN"),
        (f"/v2/none/blobs/{digest(b'x')}", 404, "NAME_UNKNOWN"),
        ("/v2/team/app/manifests/2", 404, "MANIFEST_UNKNOWN"),
        (f"/v2/team/app/manifests/{digest(b'x')}", 404, "MANIFEST_UNKNOWN"),
        (f"/v2/team/app/blobs/{digest(b'x')}", 404, "BLOB_UNKNOWN"),
        ("/v2/team/app/manifests/-no-tag", 400, "TAG_INVALID"),
        ("/v2/team/app/manifests/sha256:abc", 400, "DIGEST_INVALID"),
        (f"/v2/team/app/blobs/sha512:{'a' * 128}", 400, "DIGEST_INVALID"),
        ("/v2/Team/manifests/1", 400, "NAME_INVALID"),
        (f"/v2/{'a' * 256}/manifests/1", 400, "NAME_INVALID"),
        ("/v2/team/app/nothing", 404, "NAME_INVALID"),
        ("/elsewhere", 404, "NAME_INVALID"),
        ("/v2/team/app/tags/list?n=x", 400, "PAGINATION_NUMBER_INVALID"),
    ],
)
def test_what_is_not_there_is_told_by_its_code(steady: Client, path: str, status: int, expected: str) -> None:
    """With the codes of the specification."""
    steady.tagged("team/app", "1")
    answer = steady.get(path)
    assert (answer.status_code, code(answer)) == (status, expected)


@pytest.mark.parametrize(
    "path", ["/v2/team/app/manifests/1", f"/v2/team/app/blobs/{digest(b'x')}", "/v2/team/app/tags/list", "/v2/_catalog"]
)
def test_nothing_is_deleted(steady: Client, path: str) -> None:
    """The specification leaves it to the registry; this one has no use for it."""
    answer = steady.ask("DELETE", path)
    assert (answer.status_code, code(answer)) == (405, "UNSUPPORTED")


def test_referrers_cannot_be_posted(steady: Client) -> None:
    """They come with the manifests that say so."""
    assert steady.ask("POST", f"/v2/team/app/referrers/{digest(b'x')}").status_code == 405


@pytest.mark.parametrize(
    ("asked", "status", "content", "range_"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=-2", 206, b"89", "bytes 8-9/10"),
        ("bytes=5-99", 206, b"56789", "bytes 5-9/10"),
        ("bytes=0-1,3-4", 200, b"0123456789", None),
        ("lines=1-2", 200, b"0123456789", None),
        ("bytes=5-2", 200, b"0123456789", None),
        ("bytes=10-", 416, None, "bytes */10"),
        ("bytes=-0", 416, None, "bytes */10"),
    ],
)
def test_a_part_of_a_blob(steady: Client, asked: str, status: int, content: bytes | None, range_: str | None) -> None:
    """By one range of bytes; anything else gives the whole."""
    blob = steady.put_blob("team/app", b"0123456789")
    answer = steady.get(f"/v2/team/app/blobs/{blob}", Range=asked)
    assert answer.status_code == status
    assert answer.headers.get("Content-Range") == range_
    if content is not None:
        assert answer.content == content
        assert answer.headers["Docker-Content-Digest"] == blob


def test_the_head_of_a_blob_tells_its_length(steady: Client) -> None:
    """Whatever range is asked for."""
    blob = steady.put_blob("team/app", b"0123456789")
    answer = steady.ask("HEAD", f"/v2/team/app/blobs/{blob}", Range="bytes=0-1")
    assert (answer.status_code, answer.headers["Content-Length"], answer.content) == (200, "10", b"")


def test_a_large_blob_comes_whole(steady: Client) -> None:
    """In more than one piece."""
    content = bytes(range(256)) * 1024
    assert steady.get(f"/v2/a/blobs/{steady.put_blob('a', content)}").content == content


def test_lists_come_page_by_page(client: Client) -> None:
    """With a link to the next page for as long as there is one."""
    for tag in ("a", "b", "c"):
        client.tagged("team/app", tag)
    client.tagged("other", "x")
    first = client.get("/v2/team/app/tags/list?n=2")
    assert first.json() == {"name": "team/app", "tags": ["a", "b"]}
    following = first.headers["Link"].removeprefix("<").removesuffix('>; rel="next"')
    last = client.get(following)
    assert last.json()["tags"] == ["c"]
    assert "Link" not in last.headers
    assert client.get("/v2/team/app/tags/list?n=0").json()["tags"] == []
    assert client.get("/v2/_catalog").json() == {"repositories": ["other", "team/app"]}


def test_referrers_are_listed_with_their_kind(client: Client) -> None:
    """And can be asked for by it."""
    subject = client.tagged("team/app", "1")
    manifest = client.image("team/app", config=b"{ }")
    kind = "application/vnd.example.sbom"
    about = {**manifest, "artifactType": kind, "subject": {**described(OCI_MANIFEST, b""), "digest": subject}}
    pushed = client.put_manifest("team/app", "sbom", {**about, "annotations": {"a": "b"}})
    assert pushed.headers["OCI-Subject"] == subject
    answer = client.get(f"/v2/team/app/referrers/{subject}")
    assert answer.headers["Content-Type"] == OCI_INDEX
    (only,) = answer.json()["manifests"]
    assert only["digest"] == pushed.headers["Docker-Content-Digest"]
    assert (only["artifactType"], only["annotations"]) == (kind, {"a": "b"})
    other = client.get(f"/v2/team/app/referrers/{subject}?artifactType=text/plain")
    assert other.json()["manifests"] == []
    assert other.headers["OCI-Filters-Applied"] == "artifactType"
