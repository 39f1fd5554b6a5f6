"""Queue triggers, served by real hosts on a real queue service."""

import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueClient

from local.storage import azurite
from tests.local.host.conftest import Stage
from tests.local.host.eventually import eventually

type Send = Callable[..., None]


def is_empty(queue: QueueClient) -> bool:
    """Whether a queue holds no message, visible or hidden."""
    return queue.get_queue_properties().approximate_message_count == 0


def exists(queue: QueueClient) -> bool:
    """Whether a queue has been made."""
    try:
        queue.get_queue_properties()
    except ResourceNotFoundError:
        return False
    return True


def override(name: str, value: str) -> dict[str, Any]:
    """An app setting that stands for a setting of host.json."""
    return {f"AzureFunctionsJobHost__extensions__queues__{name}": value}


class TestSuccess:
    def test_a_message_is_handled_once_and_removed(self, stage: Stage, send: Send) -> None:
        """The function gets the decoded body and the documented metadata; the queue is empty afterwards."""
        send("ok", note="grüße")
        stage.host(instance="one")
        eventually(lambda: stage.journal("ended"))
        eventually(lambda: is_empty(stage.queue()))

        [started] = stage.journal("started")
        assert started["told"] == {"do": "ok", "note": "grüße"}
        assert started["dequeue_count"] == 1
        assert started["function"] == "work"
        for given in ("id", "pop_receipt", "invocation"):
            assert started[given]
        for moment in ("inserted", "expires", "next_visible"):
            assert started[moment].endswith("+00:00")

    def test_a_missing_queue_is_made(self, stage: Stage) -> None:
        """The host does not wait for someone else to make it."""
        stage.host()
        eventually(lambda: exists(stage.queue()))

    def test_no_more_run_than_a_batch_and_the_threshold(self, stage: Stage, send: Send) -> None:
        """With batches of one and no threshold, messages run one after the other."""
        for gate in ("first", "second"):
            send("wait", gate=gate)
        stage.host(**override("batchSize", "1"), **override("newBatchThreshold", "0"))
        eventually(lambda: stage.journal("started"))

        stage.open_gate("second")
        stage.open_gate("first")
        eventually(lambda: len(stage.journal("ended")) == 2)

        journal = sorted(stage.journal("started") + stage.journal("ended"), key=lambda entry: entry["at"])
        assert [entry["event"] for entry in journal] == ["started", "ended"] * 2


class TestFailure:
    def test_retries_are_spaced_and_end_in_the_poison_queue(self, stage: Stage, send: Send) -> None:
        """Three tries at least visibilityTimeout apart, then the same message in the poison queue."""
        send("fail", note="bad")
        [original] = stage.queue().peek_messages()
        host = stage.host()
        poison = stage.queue("-poison")
        [aside] = eventually(lambda: poison.peek_messages() if exists(poison) else [])

        tries = stage.journal("started")
        assert [entry["dequeue_count"] for entry in tries] == [1, 2, 3]
        assert len({entry["id"] for entry in tries}) == 1
        # The queue service counts in whole seconds.
        assert all(later["at"] - earlier["at"] > 0.9 for earlier, later in pairwise(tries))
        assert aside.content == original.content
        assert aside.dequeue_count == 0
        eventually(lambda: is_empty(stage.queue()))
        assert "RuntimeError: told to fail" in host.log_text()

    def test_a_message_that_is_not_base64_is_set_aside_unread(self, stage: Stage, send: Send) -> None:
        """It goes to the poison queue as it is, and the function never sees it."""
        stage.queue().create_queue()
        stage.queue().send_message("{not base64}")
        stage.host()
        poison = stage.queue("-poison")

        [aside] = eventually(lambda: poison.peek_messages() if exists(poison) else [])
        assert aside.content == "{not base64}"
        assert stage.journal("started") == []

    def test_a_failing_poison_handler_tries_again_when_the_lease_ends(self, stage: Stage, send: Send) -> None:
        """A poison queue has no poison queue: its message stays hidden for the lease and comes back, for ever."""
        send("fail", suffix="-poison")
        stage.host(lease=1, WORK_QUEUE=f"{stage.name}-poison", **override("maxDequeueCount", "1"))

        tries = eventually(lambda: found if len(found := stage.journal("started")) >= 3 else [])
        assert [entry["dequeue_count"] for entry in tries[:3]] == [1, 2, 3]
        assert not exists(stage.queue("-poison-poison"))

    def test_a_poison_message_that_is_not_base64_stays(self, stage: Stage) -> None:
        """There is nowhere to put it: it is logged and left."""
        stage.queue("-poison").create_queue()
        stage.queue("-poison").send_message("{not base64}")
        host = stage.host(lease=1, WORK_QUEUE=f"{stage.name}-poison")

        eventually(lambda: "is not base64" in host.log_text())
        assert not is_empty(stage.queue("-poison"))


class TestDeath:
    def test_a_message_in_flight_comes_back_after_the_lease(self, stage: Stage, send: Send) -> None:
        """Killed with signal 9, a host leaves its message hidden for the lease; the next host gets it again."""
        send("wait", gate="reborn")
        first = stage.host(lease=2, instance="first")
        eventually(lambda: stage.journal("started"))
        first.kill()
        stage.open_gate("reborn")
        assert stage.queue().peek_messages() == []

        stage.host(lease=2, instance="second")
        [ended] = eventually(lambda: stage.journal("ended"))

        assert ended["instance"] == "second"
        assert [entry["dequeue_count"] for entry in stage.journal("started")] == [1, 2]

    def test_a_message_that_kills_its_host_is_set_aside_without_running(self, stage: Stage, send: Send) -> None:
        """Taken more often than maxDequeueCount, it goes to the poison queue before it can kill again."""
        send("die")
        poison = stage.queue("-poison")
        for tries in (1, 2):
            host = stage.host(lease=1, **override("maxDequeueCount", "2"))
            eventually(lambda: len(stage.journal("started")) == tries)  # noqa: B023 - called at once
            eventually(lambda: host.exit_status == 9)  # noqa: B023 - called at once
        stage.host(lease=1, **override("maxDequeueCount", "2"))

        eventually(lambda: exists(poison) and poison.peek_messages())
        assert len(stage.journal("started")) == 2


class TestSeveralHosts:
    def test_a_running_message_is_kept_from_the_others(self, stage: Stage, send: Send) -> None:
        """Renewed at half of the lease, a message that runs for several leases is never taken by a second host."""
        send("wait", gate="long")
        stage.host(lease=1, instance="one")
        eventually(lambda: stage.journal("started"))
        stage.host(lease=1, instance="two").wait_ready()
        begun = time.monotonic()
        # While the first message runs for three leases, both hosts go on polling and serving.
        while time.monotonic() - begun < 3:
            before = len(stage.journal("ended"))
            send("ok")
            eventually(lambda: len(stage.journal("ended")) > before)  # noqa: B023 - called at once
        stage.open_gate("long")
        eventually(lambda: is_empty(stage.queue()))

        assert [entry["dequeue_count"] for entry in stage.journal("started") if entry["told"]["do"] == "wait"] == [1]

    def test_two_hosts_share_the_work(self, stage: Stage, send: Send) -> None:
        """Each takes what the other has no room for, and every message is handled once."""
        alone = override("batchSize", "1") | override("newBatchThreshold", "0")
        stage.host(instance="one", **alone).wait_ready()
        stage.host(instance="two", **alone).wait_ready()
        for number in range(2):
            send("wait", gate="both", number=number)

        eventually(lambda: len(stage.journal("started")) == 2)
        assert {entry["instance"] for entry in stage.journal("started")} == {"one", "two"}
        stage.open_gate("both")
        eventually(lambda: is_empty(stage.queue()))
        assert sorted(entry["told"]["number"] for entry in stage.journal("ended")) == [0, 1]

    def test_a_message_lost_to_another_is_left_to_it(self, stage: Stage, send: Send) -> None:
        """One that was removed while its function ran cannot be settled: that is logged and nothing more."""
        send("wait", gate="stolen")
        host = stage.host(lease=1)
        eventually(lambda: stage.journal("started"))
        stage.queue().clear_messages()
        eventually(lambda: time.time() - stage.journal("started")[0]["at"] > 1.5)
        stage.open_gate("stolen")

        eventually(lambda: "was taken by another meanwhile" in host.log_text())
        assert host.exit_status is None


class TestStorageDown:
    def test_it_tries_on_and_says_so_once(self, tmp_path: Path, stage: Stage, send: Send) -> None:
        """While the storage is away each queue is complained about once; when it is back, work goes on."""
        own = azurite.start(tmp_path / "azurite")
        try:
            stage.connection = own.connection_string
            host = stage.host().wait_ready()
            eventually(lambda: exists(stage.queue()))
            own.stop()
            eventually(lambda: f"the queue {stage.name} cannot be read" in host.log_text())
            own = azurite.start(tmp_path / "azurite")
            eventually(lambda: f"the queue {stage.name} can be read again" in host.log_text())
            send("ok")
            eventually(lambda: stage.journal("ended"))
            assert host.log_text().count(f"the queue {stage.name} cannot be read") == 1
            host.stop()
        finally:
            own.stop()

    def test_a_message_that_cannot_be_settled_is_left(self, tmp_path: Path, stage: Stage, send: Send) -> None:
        """Storage that goes away while a function runs costs a repetition, not the host."""
        own = azurite.start(tmp_path / "azurite")
        try:
            stage.connection = own.connection_string
            send("wait", gate="unsettled")
            host = stage.host(lease=2)
            eventually(lambda: stage.journal("started"))
            own.stop()
            eventually(lambda: "could not be kept hidden" in host.log_text())
            stage.open_gate("unsettled")
            eventually(lambda: "could not be settled" in host.log_text())
            assert host.exit_status is None
            host.stop()
        finally:
            own.stop()
