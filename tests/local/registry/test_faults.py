"""What goes wrong when it is asked to."""

import socket
from typing import Any

import httpx2
import pytest

from local.registry.distribution import Distribution
from tests.local.registry.driver import TEAM, Client, challenge, code, digest

MANIFEST = "/v2/team/app/manifests/1"


@pytest.fixture
def pushed(client: Client) -> str:
    """An image that is there; its digest."""
    return client.tagged("team/app", "1")


def strike(client: Client, kind: str, route: str = "GET /v2/team/app", **more: Any) -> None:
    """Ask for a fault."""
    client.registry.faults.add({"route": route, "kind": kind, **more})


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (401, "UNAUTHORIZED"),
        (403, "DENIED"),
        (404, "MANIFEST_UNKNOWN"),
        (429, "TOOMANYREQUESTS"),
        (500, "UNKNOWN"),
        (503, "UNKNOWN"),
    ],
)
def test_a_status_once(client: Client, pushed: str, status: int, expected: str) -> None:
    """With a time to wait where one is given; the next call passes."""
    strike(client, "status", status=status, seconds=7)
    answer = client.get(MANIFEST)
    assert (answer.status_code, code(answer), answer.headers["Retry-After"]) == (status, expected, "7")
    assert client.get(MANIFEST).status_code == 200


def test_faults_are_asked_for_over_http(client: Client, pushed: str) -> None:
    """By anybody with a name and a password; they are listed with what they did, and taken away."""
    wanted = {"route": "manifests", "kind": "status", "count": -1, "skip": 1}
    added = client.http.post("/_faults", json=wanted, auth=TEAM)
    assert added.status_code == 201
    assert [client.get(MANIFEST).status_code for _ in range(3)] == [200, 500, 500]
    (listed,) = client.get("/_faults").json()["value"]
    assert (listed["hits"], listed["seen"], listed["count"]) == (2, 3, -1)
    assert client.ask("DELETE", "/_faults").status_code == 204
    assert client.get(MANIFEST).status_code == 200
    assert client.get("/_faults", auth=None).status_code == 401
    assert client.ask("PUT", "/_faults").status_code == 405


@pytest.mark.parametrize(
    "wanted",
    [
        [],
        {},
        {"route": "x", "kind": "nothing"},
        {"route": "(", "kind": "status"},
        {"route": "x", "kind": "delay", "seconds": "long"},
        {"route": "x", "kind": "realm"},
        {"route": "x", "kind": "status", "more": 1},
    ],
)
def test_a_fault_that_is_none_is_refused(client: Client, wanted: Any) -> None:
    """Naming what is wrong."""
    assert client.http.post("/_faults", json=wanted, auth=TEAM).status_code == 400
    assert client.ask("POST", "/_faults", b"{").status_code == 400


def test_a_page_to_sign_in_and_half_a_document(client: Client, pushed: str) -> None:
    """Both with 200."""
    strike(client, "sign_in")
    strike(client, "malformed")
    page, half = client.get(MANIFEST), client.get(MANIFEST)
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert half.status_code == 200
    with pytest.raises(ValueError, match="Expecting value"):
        half.json()


def test_a_call_may_be_carried_out_before_its_answer_is_lost(client: Client) -> None:
    """So that a repeated push finds its own."""
    strike(client, "reset", "POST /v2/team/app", after=True)
    with pytest.raises(httpx2.TransportError):
        client.put_blob("team/app", b"x")
    assert client.get(f"/v2/team/app/blobs/{digest(b'x')}").status_code == 200


@pytest.mark.parametrize("kind", ["reset", "hang", "cut"])
def test_the_connection_breaks(client: Client, pushed: str, kind: str) -> None:
    """Before an answer, after a while, or in the middle of it."""
    strike(client, kind, seconds=0.01)
    with pytest.raises(httpx2.TransportError):
        client.get(MANIFEST)
    assert client.get(MANIFEST).status_code == 200


@pytest.mark.parametrize("kind", ["delay", "trickle"])
def test_a_slow_answer_is_whole(client: Client, pushed: str, kind: str) -> None:
    """Late, or in many small pieces."""
    strike(client, kind, seconds=0.01, count=2)
    assert digest(client.get(MANIFEST).content) == pushed
    assert client.ask("HEAD", MANIFEST).status_code == 200


def test_a_digest_that_is_not_the_contents(client: Client, pushed: str) -> None:
    """In the header; or none there; or the content is another than its digest says."""
    strike(client, "wrong_digest")
    strike(client, "no_digest")
    strike(client, "wrong_content")
    wrong, none, other = (client.get(f"/v2/team/app/manifests/{pushed}") for _ in range(3))
    assert wrong.headers["Docker-Content-Digest"] != pushed == digest(wrong.content)
    assert "Docker-Content-Digest" not in none.headers
    assert other.headers["Docker-Content-Digest"] == pushed != digest(other.content)
    assert other.json()["schemaVersion"] == 2


@pytest.mark.parametrize("content", [b"layer", b""])
def test_a_blob_that_is_not_its_digests(client: Client, content: bytes) -> None:
    """With its length, unless it has none."""
    blob = client.put_blob("team/app", content)
    strike(client, "wrong_content")
    answer = client.get(f"/v2/team/app/blobs/{blob}")
    assert answer.content != content
    assert len(answer.content) == max(1, len(content))


def test_a_manifest_beyond_four_mebibytes(client: Client, pushed: str) -> None:
    """It does not say so first, and still reads as JSON."""
    strike(client, "oversize")
    answer = client.get(MANIFEST)
    assert len(answer.content) == (4 << 20) + 1
    assert "Content-Length" not in answer.headers
    assert answer.json()["schemaVersion"] == 2


def test_a_realm_elsewhere(client: Client) -> None:
    """Stands in the challenge; who needs none sees none."""
    strike(client, "realm", "GET /v2/", location="https://elsewhere.example/token", count=-1)
    refused = client.get("/v2/team/app/tags/list", auth=None)
    assert challenge(refused)["realm"] == "https://elsewhere.example/token"
    assert challenge(refused)["service"] == client.registry.host
    assert client.get("/v2/").status_code == 200


def test_a_redirect_to_the_data_endpoint(client: Client) -> None:
    """Which opens to a link, and refuses whoever brings credentials."""
    blob = client.put_blob("team/app", b"0123456789")
    path = f"/v2/team/app/blobs/{blob}"
    strike(client, "redirect", "GET /v2/team/app/blobs", count=-1)
    assert client.get(path, auth=None).status_code == 401
    answer = client.get(path)
    link = answer.headers["Location"]
    assert answer.status_code == 307
    assert link.startswith(f"{client.registry.data_url}/data/{blob}?")
    assert httpx2.get(link, trust_env=False).content == b"0123456789"
    assert httpx2.get(link, headers={"Range": "bytes=1-2"}, trust_env=False).content == b"12"
    assert code(httpx2.get(link, auth=TEAM, trust_env=False)) == "InvalidAuthenticationInfo"
    assert code(httpx2.get(f"{link}0", trust_env=False)) == "AuthenticationFailed"
    assert code(httpx2.post(link, trust_env=False)) == "BlobNotFound"
    assert client.ask("HEAD", path).status_code == 200
    doors = [(call["door"], call["credentials"], call["status"]) for call in client.registry.journal.listing()]
    assert ("data", None, 200) in doors
    assert ("data", "basic", 400) in doors


def test_a_link_expires(client: Client, clock: Any) -> None:
    """After twenty minutes."""
    blob = client.put_blob("team/app", b"x")
    strike(client, "redirect")
    link = client.get(f"/v2/team/app/blobs/{blob}").headers["Location"]
    clock.now += 1201
    assert httpx2.get(link, trust_env=False).status_code == 403


def test_a_redirect_to_anywhere(client: Client, pushed: str) -> None:
    """Where it is asked for; else to the data endpoint, which has no manifests."""
    strike(client, "redirect", location="http://elsewhere.example/")
    strike(client, "redirect")
    assert client.get(MANIFEST).headers["Location"] == "http://elsewhere.example/"
    place = client.get(MANIFEST).headers["Location"]
    assert place == f"{client.registry.data_url}{MANIFEST}"
    assert httpx2.get(place, trust_env=False).status_code == 403


def test_the_journal_tells_what_was_asked(client: Client) -> None:
    """And whether credentials came along, never which; connections that broke are told as 0."""
    client.get("/v2/", auth=None)
    client.get("/v2/")
    strike(client, "reset", "tags")
    with pytest.raises(httpx2.TransportError):
        client.get("/v2/a/tags/list", bearer="x")
    calls = client.get("/_calls").json()["value"]
    assert [(call["path"], call["credentials"], call["status"]) for call in calls] == [
        ("/v2/", None, 401),
        ("/v2/", "basic", 200),
        ("/v2/a/tags/list", "bearer", 0),
    ]


def test_who_leaves_in_the_middle_of_a_push_does_no_harm(client: Client) -> None:
    """The upload stays where it was."""
    place = client.ask("POST", "/v2/team/app/blobs/uploads/").headers["Location"]
    port = client.registry.place.port
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(f"PATCH {place} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n01".encode())
    while not [one for one in client.registry.journal.listing() if one["status"] == 0]:
        assert client.get("/v2/").status_code == 200
    assert client.get(place).headers["Range"] == "0-0"


def test_a_bug_is_answered_as_one(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """And logged."""

    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Distribution, "answer", fail)
    answer = client.get("/v2/")
    assert (answer.status_code, code(answer)) == (500, "UNKNOWN")
    assert "ZeroDivisionError" in caplog.text
