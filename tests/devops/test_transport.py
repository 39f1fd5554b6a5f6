"""What every request has in common, and what no answer can bring about."""

import base64
import gzip
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from msrest.pipeline import Request
from msrest.universal_http import ClientRequest

from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.devops.pace import Pace
from scan_core.devops.transport import Clocks, Transport
from scan_core.model.ids import PullRequestId
from scan_core.model.subject import PullRequestRef
from tests.devops.conftest import PAT, Calling
from tests.devops.samples import OPERATIONS, ORGANISATION, PROJECT, REF, REPOSITORY, pull_request, well
from tests.devops.strict_server import Received, StrictServer, json_reply, refusal_reply, reply

BASIC = "Basic " + base64.b64encode(f":{PAT}".encode()).decode()


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_request_signs_in_and_asks_for_no_redirect(operation: str, calling: Calling) -> None:
    """The version is the released one where there is one; nothing is discovered first."""
    devops, server = calling(well)
    OPERATIONS[operation](devops)
    for request in server.received:
        assert request.method in {"GET", "POST"}
        assert request.headers["authorization"] == BASIC
        assert request.headers["x-tfs-fedauthredirect"] == "Suppress"
        assert request.headers["accept"].endswith(
            ";api-version=7.1-preview.1" if operation == "authenticated_id" else ";api-version=7.1"
        )
        assert "cookie" not in request.headers
        assert "scangate" in request.headers["user-agent"]


def test_netrc_and_proxies_have_no_say(calling: Calling, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Either would take the credential elsewhere or replace it."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login mallory password other\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with StrictServer(well) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        devops, server = calling(well)
        devops.pull_request(REF)
        assert proxy.received == []
    assert server.received[0].headers["authorization"] == BASIC


@pytest.mark.parametrize("http_status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(http_status: int, calling: Calling) -> None:
    """The credential stays with the one it is for."""
    with StrictServer(well) as elsewhere:
        devops, server = calling(lambda _: reply(http_status, b"", {"Location": f"{elsewhere.url}/_signin"}))
        with pytest.raises(DevOpsError):
            devops.pull_request(REF)
        assert elsewhere.received == []
    assert len(server.received) == 1


def test_cookies_and_session_ids_of_answers_are_not_kept(calling: Calling) -> None:
    """The SDK would send the session id it was given to every organisation."""
    headers = {"Set-Cookie": "a=b; Path=/", "X-TFS-Session": "planted"}
    devops, server = calling(lambda _: json_reply(pull_request(), headers=headers))
    devops.pull_request(REF)
    devops.pull_request(REF)
    other, elsewhere = calling(well)
    other.pull_request(REF)
    for request in server.received + elsewhere.received:
        assert "cookie" not in request.headers
        assert request.headers["x-tfs-session"] != "planted"


def test_each_request_asks_for_its_authorization(calling: Calling) -> None:
    """So a token that was renewed is used at once."""
    tokens = iter(["Bearer one", "Bearer two"])
    devops, server = calling(well, authorization=lambda: next(tokens))
    devops.pull_request(REF)
    devops.pull_request(REF)
    assert [request.headers["authorization"] for request in server.received] == ["Bearer one", "Bearer two"]


@pytest.mark.parametrize("value", ["", "Bearer a\r\nX-Evil: 1", "Bearer ключ", "Bearer a\x00"])
def test_a_credential_that_no_header_can_hold_is_not_sent(value: str, calling: Calling) -> None:
    """And not shown, which requests would do."""
    devops, server = calling(well, authorization=lambda: value)
    with pytest.raises(DevOpsError, match="check how it was copied") as caught:
        devops.pull_request(REF)
    assert caught.value.kind is DevOpsErrorKind.SIGNED_OUT
    assert "ключ" not in str(caught.value)
    assert server.received == []


def test_an_authorization_that_fails_is_the_calls_error(calling: Calling) -> None:
    """A managed identity may be away."""

    def away() -> str:
        raise DevOpsError(DevOpsErrorKind.SIGNED_OUT, "no token")

    devops, server = calling(well, authorization=away)
    with pytest.raises(DevOpsError, match="no token"):
        devops.pull_request(REF)
    assert server.received == []


def test_neither_errors_nor_logs_hold_the_credential(calling: Calling, caplog: pytest.LogCaptureFixture) -> None:
    """Not even where an answer repeats it."""
    credential = BASIC.partition(" ")[2]
    devops, _ = calling(lambda _: refusal_reply(400, "X", f"you sent {credential}", {"Retry-After": "1"}))
    with caplog.at_level(logging.DEBUG), pytest.raises(DevOpsError) as caught:
        devops.pull_request(REF)
    assert credential not in caught.value.sentence + caplog.text
    assert "you sent …" in caught.value.sentence


def test_logs_hold_no_bodies(calling: Calling, caplog: pytest.LogCaptureFixture) -> None:
    """The SDK writes them at DEBUG."""
    devops, _ = calling(lambda request: json_reply(pull_request(title="the title")) if request.method == "GET" else b"")
    with caplog.at_level(logging.DEBUG):
        devops.pull_request(REF)
    assert "the title" not in caplog.text


def test_a_compressed_answer_is_read(calling: Calling) -> None:
    """Azure DevOps compresses."""
    body = gzip.compress(json_reply(pull_request()).partition(b"\r\n\r\n")[2])
    devops, _ = calling(lambda _: reply(200, body, {"Content-Encoding": "gzip"}))
    assert devops.pull_request(REF).ref == REF


def test_connections_are_used_again(calling: Calling) -> None:
    """A new one costs a handshake."""
    devops, server = calling(well)
    for operation in OPERATIONS.values():
        operation(devops)
    assert server.connections == 1


def test_threads_do_not_mix_up_their_answers(calling: Calling) -> None:
    """Sixteen threads share one adapter; a file's cap belongs to the thread that reads the file."""
    together = threading.Barrier(8)

    def answer(request: Received) -> bytes:
        path, _, query = request.target.partition("?")
        if path.endswith("/items"):
            return reply(200, b"x" * 500, {"Content-Type": "application/octet-stream"})
        return json_reply(pull_request(int(path.rpartition("/")[2]), title=f"{query}{'t' * 2000}"))

    devops, server = calling(answer)

    def read(number: int) -> bool:
        if number < 8:
            together.wait(timeout=30)
        if number % 4 == 0:
            with pytest.raises(DevOpsError, match="larger than the 400 bytes"):
                devops.file_on_branch(PROJECT, REPOSITORY, "refs/heads/main", "x", 400)  # type: ignore[arg-type]  # short
            return True
        ref = PullRequestRef(
            organisation=ORGANISATION,
            project_id=PROJECT,
            repository_id=REPOSITORY,
            pull_request_id=PullRequestId(number),
        )
        return devops.pull_request(ref).ref.pull_request_id == number

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(read, range(400)))
    assert len(server.received) == 400


def test_retry_after_on_a_success_slows_down_and_repeats_nothing(calling: Calling) -> None:
    """The call was done; the next one should wait."""
    devops, server = calling(lambda _: json_reply(pull_request(), headers={"Retry-After": "600"}))
    assert devops.slow_down_seconds() == 0
    devops.pull_request(REF)
    assert len(server.received) == 1
    assert 500 < devops.slow_down_seconds() <= 600


def test_closing_closes_the_idle_connections(calling: Calling) -> None:
    """A later call opens another."""
    devops, server = calling(well)
    devops.pull_request(REF)
    devops.close()
    devops.pull_request(REF)
    assert server.connections == 2


def test_a_transport_is_closed_as_msrest_closes_it() -> None:
    """The SDK treats a sender as a context manager."""
    with StrictServer(well) as server:
        with Transport(lambda: "Basic x", Pace(), Clocks(1, 1, 1)) as transport:
            prepared = ClientRequest("GET", f"{server.url}/_apis/ConnectionData")
            answer = transport.send(Request(prepared))
        assert answer.context["deserialized_data"]["deploymentType"] == "hosted"
