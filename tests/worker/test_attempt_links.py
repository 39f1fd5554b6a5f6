"""What a link permits, on real storage; and what becomes of a storage that fails, on a server that plays it."""

import base64
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from scan_core.model.attempt import Artifact, AttemptLinks
from scan_core.store.attempt_links import (
    AlreadyThere,
    AttemptLinkClient,
    Received,
    StorageFailed,
    StorageRefused,
    StorageUnreachable,
)
from scan_core.store.connection import Storage
from scan_core.store.queues import Queues
from tests.worker.conftest import Bench, now


@pytest.fixture
def links(bench: Bench) -> AttemptLinks:
    """The links of a new attempt."""
    return bench.message(bench.spec("a" * 40)).links


@pytest.fixture
def client() -> AttemptLinkClient:
    """A client that does not wait between tries."""
    return AttemptLinkClient(deadline_seconds=10, pause=lambda _: None)


class TestBlobs:
    def test_creates_a_blob_once(self, client: AttemptLinkClient, links: AttemptLinks) -> None:
        """A second creation is refused, whatever it would write."""
        client.create_blob(links.claim, b"first")
        with pytest.raises(AlreadyThere):
            client.create_blob(links.claim, b"second")
        assert client.read_blob(links.claim) == b"first"

    def test_creates_a_blob_from_a_file(self, client: AttemptLinkClient, links: AttemptLinks, tmp_path: Path) -> None:
        """A file is sent as it is, also one larger than a buffer."""
        content = bytes(range(256)) * 20_000
        (tmp_path / "file").write_bytes(content)
        client.create_blob(links.artifacts[Artifact.SARIF], tmp_path / "file")
        assert client.read_blob(links.artifacts[Artifact.SARIF]) == content

    def test_creates_an_empty_blob(self, client: AttemptLinkClient, links: AttemptLinks) -> None:
        """Nothing is content too."""
        client.create_blob(links.claim, b"")
        assert client.read_blob(links.claim) == b""

    def test_settles_a_repeat_by_what_stands_there(
        self, client: AttemptLinkClient, links: AttemptLinks, tmp_path: Path
    ) -> None:
        """Our own upload is recognised, anybody else's is not."""
        (tmp_path / "file").write_bytes(b"content")
        url = links.artifacts[Artifact.LOG]
        assert client.settle_blob(url, tmp_path / "file")
        assert client.settle_blob(url, b"content")
        assert not client.settle_blob(url, b"something else")

    def test_writes_a_blob_again_and_again(self, client: AttemptLinkClient, links: AttemptLinks, bench: Bench) -> None:
        """The heartbeat is overwritten."""
        for content in (b"one", b"two"):
            client.write_blob(links.heartbeat, content)

    def test_reads_nothing_where_there_is_nothing(self, client: AttemptLinkClient, links: AttemptLinks) -> None:
        """A cancel that was not written is no error."""
        assert client.read_blob(links.cancel) is None

    def test_cannot_do_more_than_the_link_permits(self, client: AttemptLinkClient, links: AttemptLinks) -> None:
        """Each link is good for one thing."""
        with pytest.raises(StorageRefused):
            client.write_blob(links.cancel, b"x")
        with pytest.raises(StorageRefused):
            client.read_blob(links.heartbeat)
        client.create_blob(links.claim, b"x")
        with pytest.raises(StorageRefused):
            client.write_blob(links.claim, b"y")

    def test_an_expired_link_is_refused_without_showing_it(self, client: AttemptLinkClient, bench: Bench) -> None:
        """Nothing of the link is in the error, nor in what caused it."""
        links = bench.message(bench.spec("a" * 40), ends_in=timedelta(seconds=-1)).links
        with pytest.raises(StorageRefused) as caught:
            client.create_blob(links.claim, b"x")
        assert caught.value.status == 403
        assert caught.value.code
        assert "sig" not in str(caught.value)
        assert "http" not in str(caught.value)


class TestQueues:
    @pytest.fixture
    def attempts(self, storage: Storage) -> str:
        """A link that takes from the queue of attempts."""
        return Queues(storage).attempts_link(now() + timedelta(hours=1))

    def test_adds_a_message_as_functions_expect_it(
        self, client: AttemptLinkClient, bench: Bench, links: AttemptLinks
    ) -> None:
        """Base64 of the text."""
        client.add_message(links.results, '{"a": "<ü>"}')
        message = bench.storage.queues.get_queue_client("scan-results").receive_message()
        assert message is not None
        assert base64.b64decode(message.content).decode() == '{"a": "<ü>"}'

    def test_takes_hides_and_deletes_a_message(
        self, client: AttemptLinkClient, storage: Storage, attempts: str
    ) -> None:
        """A message that was taken is hidden, and gone when it is deleted."""
        storage.queues.get_queue_client("scan-attempts").send_message("a & <b>")
        message = client.receive_message(attempts, 60)
        assert message is not None
        assert message.text == "a & <b>"
        assert client.receive_message(attempts, 60) is None
        client.delete_message(attempts, message)
        client.delete_message(attempts, message)

    def test_leaves_a_message_that_somebody_else_took_since(
        self, client: AttemptLinkClient, storage: Storage, attempts: str
    ) -> None:
        """An old receipt deletes nothing, and that is no error."""
        queue = storage.queues.get_queue_client("scan-attempts")
        queue.send_message("text")
        message = client.receive_message(attempts, 60)
        assert message is not None
        queue.update_message(message.message_id, pop_receipt=message.pop_receipt, visibility_timeout=0)
        client.delete_message(attempts, message)
        assert queue.get_queue_properties().approximate_message_count == 1

    def test_cannot_do_more_than_the_link_permits(
        self, client: AttemptLinkClient, links: AttemptLinks, attempts: str
    ) -> None:
        """Who may add may not take, and the other way round."""
        with pytest.raises(StorageRefused):
            client.receive_message(links.results, 1)
        with pytest.raises(StorageRefused):
            client.add_message(attempts, "x")


class Played:
    """A storage that answers what a test says, in order; the last answer for ever."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str], bytes] | None] = []
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.url = ""


@pytest.fixture
def played() -> Iterator[Played]:
    """Serve a played storage."""
    state = Played()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            state.requests.append((self.command, self.path, dict(self.headers), body))
            answer = state.answers.pop(0) if len(state.answers) > 1 else state.answers[0]
            if answer is None:
                return  # closes the connection
            status, headers, content = answer
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_PUT = do_POST = do_DELETE = do_HEAD = do_GET  # noqa: N815 - the interface of http.server

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}/account/thing?sig=SECRET"
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


class TestFailures:
    @pytest.mark.parametrize("passing", [None, (500, {}, b""), (503, {}, b""), (429, {}, b""), (408, {}, b"")])
    def test_tries_again_what_may_pass(
        self, client: AttemptLinkClient, played: Played, passing: tuple[int, dict[str, str], bytes] | None
    ) -> None:
        """Broken connections and busy servers are no answer; the same body is sent again."""
        played.answers = [passing, passing, (201, {}, b"")]
        client.create_blob(played.url, b"content")
        assert [body for *_, body in played.requests] == [b"content"] * 3

    def test_gives_up_in_time_without_showing_the_link(self, played: Played) -> None:
        """The error says what went wrong, how often it was tried, and nothing else."""
        played.answers = [None]
        with pytest.raises(StorageUnreachable) as caught:
            AttemptLinkClient(deadline_seconds=0.3).read_blob(played.url)
        assert "RemoteDisconnected" in str(caught.value)
        assert "SECRET" not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__

    def test_names_the_answer_that_did_not_pass(self, played: Played) -> None:
        """An overloaded storage is named as such."""
        played.answers = [(503, {"x-ms-error-code": "ServerBusy"}, b"")]
        with pytest.raises(StorageUnreachable, match="503 ServerBusy"):
            AttemptLinkClient(deadline_seconds=0.0).read_blob(played.url)

    def test_waits_longer_each_time(self, played: Played) -> None:
        """Pauses grow to a bound, so that a storage in trouble is not made worse."""
        played.answers = [*[(503, {}, b"")] * 8, (200, {}, b"")]
        pauses: list[float] = []
        AttemptLinkClient(pause=pauses.append).read_blob(played.url)
        assert pauses == sorted(pauses[:5]) + pauses[5:]
        assert max(pauses) <= 5.0

    def test_nobody_there(self) -> None:
        """A refused connection is named."""
        with pytest.raises(StorageUnreachable, match="ConnectionRefusedError"):
            AttemptLinkClient(deadline_seconds=0.0).read_blob("http://127.0.0.1:1/x?sig=SECRET")

    def test_https_that_is_none(self, played: Played) -> None:
        """A server that does not speak TLS is not spoken to."""
        played.answers = [(200, {}, b"")]
        with pytest.raises(StorageUnreachable, match="SSLError"):
            AttemptLinkClient(deadline_seconds=0.0).read_blob(played.url.replace("http:", "https:"))

    @pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/x"])
    def test_only_http_is_spoken(self, client: AttemptLinkClient, url: str) -> None:
        """A link that names a file is not followed."""
        with pytest.raises(StorageFailed):
            client.read_blob(url)

    def test_redirects_are_not_followed(self, client: AttemptLinkClient, played: Played) -> None:
        """A link leads where it says."""
        played.answers = [(302, {"Location": "http://127.0.0.1:1/"}, b"")]
        with pytest.raises(StorageRefused) as caught:
            client.read_blob(played.url)
        assert caught.value.status == 302

    @pytest.mark.parametrize("answer", [(409, {}, b""), (412, {}, b"")])
    def test_either_answer_of_azure_to_a_blob_that_stands(
        self, client: AttemptLinkClient, played: Played, answer: tuple[int, dict[str, str], bytes]
    ) -> None:
        """A conflict, or a precondition that does not hold."""
        played.answers = [answer]
        with pytest.raises(AlreadyThere):
            client.create_blob(played.url, b"x")

    def test_something_else_in_place_of_a_queue(self, client: AttemptLinkClient, played: Played) -> None:
        """A page instead of a list of messages is a failure of its own."""
        played.answers = [(200, {}, b"<html><p></html>")]
        with pytest.raises(StorageFailed, match="not Azure Storage"):
            client.receive_message(played.url, 1)


def test_a_queue_by_identity(client: AttemptLinkClient, played: Played) -> None:
    """With an Entra token the plain address is enough."""
    message_xml = b"<MessageId>i</MessageId><PopReceipt>a+b=</PopReceipt><MessageText>t</MessageText>"
    listing = b"<QueueMessagesList><QueueMessage>" + message_xml + b"</QueueMessage></QueueMessagesList>"
    played.answers = [(200, {}, listing), (204, {}, b"")]
    address = played.url.partition("?")[0]
    message = client.receive_message(address, 60, "TOKEN")
    assert message == Received("t", "i", "a+b=")
    client.delete_message(address, message, "TOKEN")
    (get, path, headers, _), (delete, deleted, _, _) = played.requests
    assert (get, path) == ("GET", "/account/thing/messages?numofmessages=1&visibilitytimeout=60")
    assert (delete, deleted) == ("DELETE", "/account/thing/messages/i?popreceipt=a%2Bb%3D")
    assert headers["Authorization"] == "Bearer TOKEN"
    assert headers["X-Ms-Version"]
    assert headers["X-Ms-Date"]
