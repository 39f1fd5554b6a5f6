"""Parts of the host that need no process: polling, waiting, answering in time, the command line, the lock."""

import asyncio
import logging
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import httpx2
import pytest
from azure.core.exceptions import ServiceRequestError
from hypothesis import given
from hypothesis import strategies as st

from local.host import __main__ as command_line
from local.host import singleton
from local.host.bindings import AuthLevel, Function, HttpTrigger, QueueTrigger
from local.host.config import QueueOptions
from local.host.datums import TriggerInput, queue_input
from local.host.engine import Outcome
from local.host.messages import Message, MessageQueue
from local.host.queue_triggers import PollingDelay, QueueListener
from local.host.waiting import wait_unless
from local.host.web import HttpLimits, HttpTriggers
from local.storage import azurite


class TestPolling:
    @given(st.floats(0.1, 600), st.integers(0, 2**32), st.integers(1, 40))
    def test_waits_grow_from_a_tenth_of_a_second_to_the_longest(self, longest: float, seed: int, polls: int) -> None:
        """Never shorter than the shortest, never longer than the longest, about doubling between."""
        delay = PollingDelay(longest, random.Random(seed))
        waits = [delay.after(found=False) for _ in range(polls)]

        assert waits[0] == min(0.1, longest)
        assert all(0.1 <= wait <= longest for wait in waits)
        assert all(later > earlier or later == longest for earlier, later in pairwise(waits))

    def test_messages_are_asked_for_again_at_once(self) -> None:
        """A poll that found some starts over with no wait."""
        delay = PollingDelay(60, random.Random(1))
        for _ in range(9):
            delay.after(found=False)

        assert delay.after(found=True) == 0
        assert delay.after(found=False) == 0.1

    def test_a_listener_survives_what_nobody_foresaw(self, caplog: pytest.LogCaptureFixture) -> None:
        """An error that is not the storage's is logged, and the queue is polled again."""

        class Broken(MessageQueue):
            polls = 0

            def __init__(self) -> None:
                self.name = "broken"

            async def take(self, count: int, hidden_s: int) -> list[Message]:
                Broken.polls += 1
                if Broken.polls == 1:
                    raise LookupError("not foreseen")
                if Broken.polls == 2:
                    return [Message("id", "bm8=", 1, "receipt", None, None, None)]
                stopping.set()
                return []

            async def close(self) -> None:
                pass

        async def invoke(function: Function, given: TriggerInput) -> Outcome:
            raise LookupError("not foreseen either")

        stopping = asyncio.Event()
        function = Function("f", "id", "given", QueueTrigger("broken", "nowhere"))
        listener = QueueListener(function, Broken(), None, QueueOptions(max_polling_interval_s=0.1), 600, invoke)
        with caplog.at_level(logging.ERROR):
            asyncio.run(listener.run(stopping))

        assert "the queue broken could not be read" in caplog.text
        assert "the message id of broken could not be handled" in caplog.text


class TestMessages:
    @pytest.mark.parametrize(
        ("content", "encoded", "body"),
        [("aGk=", True, b"hi"), ("hi!", True, None), ("hä", True, None), ("hä", False, "hä".encode())],
    )
    def test_a_body_is_decoded(self, content: str, encoded: bool, body: bytes | None) -> None:
        """What is not base64 has no body, unless the app takes plain text."""
        message = Message("id", content, 1, "receipt", None, None, None)
        assert message.body(base64_encoded=encoded) == body

    def test_a_body_that_is_no_text_reaches_the_function_as_bytes(self) -> None:
        """Text is handed over as text, as Azure does."""
        assert queue_input(b"\xff\x00", {}).value.value == b"\xff\x00"
        assert queue_input("grüße".encode(), {}).value.value == "grüße"

    def test_unknown_moments_are_left_out_of_the_metadata(self) -> None:
        """The rest is told as texts."""
        message = Message("id", "", 3, "receipt", datetime(2026, 11, 23, tzinfo=UTC), None, None)
        assert message.metadata() == {
            "Id": "id",
            "DequeueCount": "3",
            "PopReceipt": "receipt",
            "InsertionTime": "2026-11-23T00:00:00+00:00",
        }

    def test_a_queue_made_by_another_meanwhile_is_no_error(self, storage: azurite.Azurite) -> None:
        """Two hosts may find the same queue missing."""

        async def put_twice() -> int:
            with ThreadPoolExecutor(2) as threads:
                queue = MessageQueue(storage.connection_string, "made-twice", threads)
                queue._create()
                queue._create()
                await queue.put("content")
                taken = len(await queue.take(32, 1))
                await queue.close()
                return taken

        assert asyncio.run(put_twice()) == 1


class TestWaiting:
    def test_an_event_ends_a_wait(self) -> None:
        """True when the time passed, False when an event came first."""

        async def waits() -> tuple[bool, bool]:
            never, now = asyncio.Event(), asyncio.Event()
            now.set()
            return await wait_unless(0, never), await wait_unless(600, never, now)

        assert asyncio.run(waits()) == (True, False)


class TestAnswers:
    @staticmethod
    def ask(path: str, function: Function, outcome: asyncio.Future[Outcome] | Outcome) -> httpx2.Response:
        """Ask a host whose only function ends like this, or not at all."""

        async def invoke(_: Function, given: TriggerInput) -> Outcome:
            return outcome if isinstance(outcome, Outcome) else await outcome

        async def get() -> httpx2.Response:
            app = HttpTriggers([function], "", invoke, None, HttpLimits(answer_s=0.01))
            transport = httpx2.ASGITransport(app=app)
            async with httpx2.AsyncClient(transport=transport, base_url="http://host") as client:
                return await client.get(path)

        return asyncio.run(get())

    def test_a_function_that_takes_too_long_is_not_waited_for(self, caplog: pytest.LogCaptureFixture) -> None:
        """The caller gets 504, as from a load balancer."""

        async def ask() -> int:
            async def invoke(_: Function, given: TriggerInput) -> Outcome:
                await asyncio.Event().wait()
                raise AssertionError("never")

            function = Function("slow", "id", "req", HttpTrigger("slow", None, AuthLevel.ANONYMOUS))
            app = HttpTriggers([function], "", invoke, None, HttpLimits(answer_s=0.01))
            async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://host") as client:
                return (await client.get("/slow")).status_code

        assert asyncio.run(ask()) == 504
        assert "slow did not answer" in caplog.text

    def test_with_no_key_set_guarded_functions_refuse_everybody(self) -> None:
        """Also an empty key."""
        function = Function("guarded", "id", "req", HttpTrigger("guarded", None, AuthLevel.ADMIN))
        assert self.ask("/guarded?code=", function, Outcome(succeeded=True)).status_code == 401


class TestCommandLine:
    @pytest.mark.parametrize(("given", "lease"), [(None, 600), ("3", 3)])
    def test_the_lease_may_come_from_the_environment(
        self, monkeypatch: pytest.MonkeyPatch, given: str | None, lease: int
    ) -> None:
        """Ten minutes as in Azure, unless LOCAL_HOST_LEASE says otherwise."""
        monkeypatch.delenv(command_line.LEASE_SETTING, raising=False)
        if given is not None:
            monkeypatch.setenv(command_line.LEASE_SETTING, given)
        assert command_line._arguments(["--app", "x"]).lease == lease

    @pytest.mark.parametrize("lease", ["0", "soon"])
    def test_a_lease_is_at_least_a_second(self, lease: str, capsys: pytest.CaptureFixture[str]) -> None:
        """The queue service counts in whole seconds."""
        with pytest.raises(SystemExit):
            command_line._arguments(["--app", "x", "--lease", lease])
        assert "--lease" in capsys.readouterr().err


class TestLock:
    def test_a_lock_that_cannot_be_renewed_is_lost_when_its_lease_is_over(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Then another may hold it, so the timer stops; asking again is complained about once until it succeeds."""
        caplog.set_level(logging.INFO)
        folder = tmp_path / "azurite"
        storage = azurite.start(folder)
        holder = "3f6a0a4e-8c0e-4f7e-9d53-b1f3b2b7f0aa"

        async def lose_and_regain() -> None:
            nonlocal storage
            stopping = asyncio.Event()
            with ThreadPoolExecutor(2) as threads:
                lock = singleton.SingletonLock(storage.connection_string, "lock", holder, threads)
                assert await lock.acquire(stopping)
                storage.stop()
                lost = asyncio.Event()
                monkeypatch.setattr(singleton, "LEASE_S", 1)
                await lock.keep(lost, asyncio.Event())
                assert lost.is_set()
                monkeypatch.setattr(singleton, "LEASE_S", 15)
                await lock.release()
                asking = asyncio.create_task(lock.acquire(stopping))
                while "cannot be asked for" not in caplog.text:
                    await wait_unless(0.02, stopping)
                storage = azurite.start(folder)
                assert await asking
                stopping.set()
                assert not await lock.acquire(stopping)
                await lock.close()

        monkeypatch.setattr(singleton, "RENEW_EVERY_S", 0.05)
        monkeypatch.setattr(singleton, "ACQUIRE_EVERY_S", 0.05)
        try:
            asyncio.run(lose_and_regain())
        finally:
            storage.stop()

        assert "the lock lock is lost" in caplog.text
        assert "was not released" in caplog.text
        assert caplog.text.count("cannot be asked for") == 1
        assert "can be asked for again" in caplog.text

    def test_a_lock_whose_blob_cannot_be_made_is_asked_for_again(
        self, storage: azurite.Azurite, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Storage that goes away in the middle is storage that is away."""
        with ThreadPoolExecutor(1) as threads:
            lock = singleton.SingletonLock(storage.connection_string, "unmade", "0", threads)

            def away(*_: object, **__: object) -> None:
                raise ServiceRequestError("away")

            # The storage cannot be stopped between two calls.
            monkeypatch.setattr(lock._container, "create_container", away)
            monkeypatch.setattr(lock._blob, "upload_blob", away)
            assert lock._create() is False
            assert lock._reachable is False
            lock._container.close()
