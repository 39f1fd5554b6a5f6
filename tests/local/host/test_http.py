"""HTTP triggers, served by a real host."""

import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import httpx2
import pytest

from local.host.process import HostProcess
from local.storage.azurite import Azurite
from tests.local.host.conftest import KEY, Stage
from tests.local.host.eventually import eventually


@pytest.fixture(scope="module")
def served(storage: Azurite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, HostProcess]]:
    """One host for all tests of this file."""
    with ExitStack() as stack:
        stage = Stage(storage.connection_string, tmp_path_factory.mktemp("http"), stack)
        yield stage, stage.host(FUNCTIONS_REQUEST_BODY_SIZE_LIMIT="1000000").wait_ready()


@pytest.fixture
def http(served: tuple[Stage, HostProcess]) -> Iterator[httpx2.Client]:
    """A client of that host."""
    with httpx2.Client(base_url=served[1].url, timeout=30) as client:
        yield client


class TestRequests:
    def test_everything_reaches_the_function(self, http: httpx2.Client) -> None:
        """Method, address, headers, query, route values and body arrive as they were sent."""
        answer = http.post("/api/echo/7/b%20c?x=1&x=2&y=%C3%BC", content=b"\x00\xffbytes", headers={"X-Asked": "now"})

        seen = answer.json()
        assert answer.status_code == 201
        assert answer.headers["x-told"] == "yes"
        assert answer.headers["content-type"] == "application/json"
        assert seen["method"] == "POST"
        assert seen["url"] == str(answer.request.url)
        assert seen["headers"]["x-asked"] == "now"
        assert seen["query"] == {"x": "1,2", "y": "ü"}
        assert seen["route"] == {"first": "7", "second": "b c"}
        assert base64.b64decode(seen["body"]) == b"\x00\xffbytes"

    def test_optional_parameters_may_be_left_out(self, http: httpx2.Client) -> None:
        """A route matches without its optional parts, and without regard to case."""
        seen = http.get("/API/Echo").json()

        assert seen["route"] == {}
        assert seen["body"] == ""

    def test_binary_bodies_pass_unchanged(self, http: httpx2.Client) -> None:
        """Every byte value comes back, in order."""
        body = bytes(range(256)) * 100
        assert http.post("/api/mirror", content=body).content == body

    def test_a_chunked_body_is_read_whole(self, http: httpx2.Client) -> None:
        """A body without a declared length arrives like any other."""
        answer = http.post("/api/mirror", content=iter([b"one", b"two"]))
        assert answer.content == b"onetwo"

    @pytest.mark.parametrize("declared", [True, False])
    def test_a_body_over_the_limit_is_refused(self, http: httpx2.Client, declared: bool) -> None:
        """413, whether the length is declared or found out while reading."""
        content: Any = b"x" * 1_000_001 if declared else iter([b"x" * 500_000] * 3)
        assert http.post("/api/mirror", content=content).status_code == 413

    def test_requests_run_side_by_side(self, served: tuple[Stage, HostProcess], http: httpx2.Client) -> None:
        """A function that is still running does not keep another from answering."""
        stage, _ = served
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(http.get, "/api/held/side-by-side")
            eventually(lambda: stage.journal("held"))
            assert http.get("/api/text").status_code == 200
            stage.open_gate("side-by-side")
            assert waiting.result().text == "released"


class TestAnswers:
    def test_a_text_is_answered_as_plain_text(self, http: httpx2.Client) -> None:
        """A function may return a bare text, also from a coroutine."""
        answer = http.get("/api/text")

        assert answer.text == "grüße"
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"

    def test_cookies_are_set(self, http: httpx2.Client) -> None:
        """A Set-Cookie header keeps its attributes."""
        assert http.get("/api/cookies").headers["set-cookie"] == "taste=sweet; HttpOnly; Path=/"

    def test_a_failing_function_answers_500_and_says_nothing(
        self, served: tuple[Stage, HostProcess], http: httpx2.Client
    ) -> None:
        """The caller gets an empty body; the log gets the traceback and what was printed, under the function's name."""
        answer = http.get("/api/boom")

        assert answer.status_code == 500
        assert answer.content == b""
        log = eventually(lambda: text if "Executed boom" in (text := served[1].log_text()) else "")
        assert "RuntimeError: the reason, for the log alone" in log
        assert "printed before it failed" in log
        assert any("[boom " in line and "about to fail" in line for line in log.splitlines())

    @pytest.mark.parametrize("path", ["/", "/api", "/api/none", "/api/echo/word", "/echo", "/api/echo/1/2/3"])
    def test_an_unknown_route_is_not_found(self, http: httpx2.Client, path: str) -> None:
        """404, also where a constraint does not hold."""
        assert http.get(path).status_code == 404

    def test_another_method_is_not_found(self, http: httpx2.Client) -> None:
        """As in Azure, a route that does not take the method does not exist."""
        assert http.delete("/api/echo").status_code == 404


class TestKeys:
    @pytest.mark.parametrize(
        ("headers", "query", "status"),
        [
            ({}, "", 401),
            ({"x-functions-key": "wrong"}, "", 401),
            ({"x-functions-key": KEY}, "", 200),
            ({}, f"?code={KEY}", 200),
        ],
    )
    def test_a_function_level_asks_for_the_key(
        self, http: httpx2.Client, headers: dict[str, str], query: str, status: int
    ) -> None:
        """In the header or in the query."""
        assert http.get(f"/api/guarded{query}", headers=headers).status_code == status
