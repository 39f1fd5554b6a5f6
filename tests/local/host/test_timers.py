"""Timer triggers, served by real hosts, and running functions by hand."""

import httpx2
import pytest
from azure.storage.blob import BlobLeaseClient, ContainerClient

from local.host.singleton import CONTAINER
from tests.local.host.conftest import KEY, Stage
from tests.local.host.eventually import eventually

EVERY_SECOND = "* * * * * *"
BY_KEY = {"x-functions-key": KEY}


class TestSchedule:
    def test_a_timer_fires_on_one_host_of_two(self, stage: Stage) -> None:
        """Every second has one firing, all on the host that holds the lock; killed, it is followed by the other."""
        hosts = {name: stage.host(instance=name, TICK=EVERY_SECOND) for name in ("one", "two")}
        eventually(lambda: len(stage.journal("tick")) >= 3)
        ticks = stage.journal("tick")
        holders = {entry["instance"] for entry in ticks}
        assert len(holders) == 1
        assert len({int(entry["at"]) for entry in ticks}) == len(ticks)
        assert ticks[0]["past_due"] is False
        assert "Next" in ticks[0]["status"]
        assert "Last" in ticks[1]["status"]

        [holder] = holders
        hosts.pop(holder).kill()
        [other] = hosts
        eventually(lambda: any(entry["instance"] == other for entry in stage.journal("tick")), seconds=45)

    def test_a_host_that_stops_hands_over_at_once(self, stage: Stage) -> None:
        """The lock is released, so the next host need not wait for it to run out."""
        first = stage.host(instance="one", TICK="00:00:01")
        eventually(lambda: stage.journal("tick"))
        second = stage.host(instance="two", TICK="00:00:01").wait_ready()
        assert {entry["instance"] for entry in stage.journal("tick")} == {"one"}

        first.stop()
        # Less than the lease that a killed host would leave behind.
        eventually(lambda: "the timer tick runs on this host" in second.log_text(), seconds=10)

    def test_a_host_that_starts_again_under_its_name_goes_on_at_once(self, stage: Stage) -> None:
        """Its lock from before the kill is its own."""
        first = stage.host(instance="same", TICK=EVERY_SECOND)
        eventually(lambda: stage.journal("tick"))
        first.kill()
        seen = len(stage.journal("tick"))

        again = stage.host(instance="same", TICK=EVERY_SECOND).wait_ready()
        eventually(lambda: "the timer tick runs on this host" in again.log_text(), seconds=10)
        eventually(lambda: len(stage.journal("tick")) > seen)

    def test_run_on_startup_fires_when_the_host_starts(self, stage: Stage) -> None:
        """Although the schedule is far away."""
        stage.host("misfits")
        eventually((stage.folder / "started").exists)

    def test_a_lost_lock_stops_the_timer_until_it_is_got_again(self, stage: Stage) -> None:
        """When someone breaks the lease the host notices at the next renewal, and asks for the lock again."""
        host = stage.host(instance="one", TICK=EVERY_SECOND)
        eventually(lambda: stage.journal("tick"))
        with ContainerClient.from_connection_string(stage.connection, CONTAINER) as container:
            blob = container.get_blob_client(f"locks/{stage.name}/tick.Listener")
            BlobLeaseClient(blob).break_lease(0)
            taken = BlobLeaseClient(blob)
            taken.acquire(lease_duration=-1)
            eventually(lambda: "is lost" in host.log_text())
            seen = len(stage.journal("tick"))
            taken.release()
        eventually(lambda: host.log_text().count("the timer tick runs on this host") == 2)
        eventually(lambda: len(stage.journal("tick")) > seen)


class TestByHand:
    def test_a_timer_is_run_now(self, stage: Stage) -> None:
        """With `wait` the answer comes when the function has ended; without it at once, as in Azure."""
        host = stage.host()

        assert httpx2.post(f"{host.url}/admin/functions/tick?wait=true", headers=BY_KEY).status_code == 200
        assert len(stage.journal("tick")) == 1
        assert httpx2.post(f"{host.url}/admin/functions/TICK", headers=BY_KEY, json={}).status_code == 202
        eventually(lambda: len(stage.journal("tick")) == 2)

    def test_a_queue_function_is_run_with_the_input(self, stage: Stage) -> None:
        """The input is the message; a function that fails is told with 500 to those who wait."""
        host = stage.host()
        path = f"{host.url}/admin/functions/work?wait=true"

        assert httpx2.post(path, headers=BY_KEY, json={"input": '{"do": "ok"}'}).status_code == 200
        assert stage.journal("ended")[0]["told"] == {"do": "ok"}
        assert httpx2.post(path, headers=BY_KEY, json=["not an object"]).status_code == 500

    @pytest.mark.parametrize("headers", [{}, {"x-functions-key": "wrong"}])
    def test_without_the_key_nothing_is_done(self, stage: Stage, headers: dict[str, str]) -> None:
        """Neither status nor functions."""
        host = stage.host()

        assert httpx2.post(f"{host.url}/admin/functions/tick", headers=headers).status_code == 401
        assert httpx2.get(f"{host.url}/admin/host/status", headers=headers).status_code == 401
        assert stage.journal("tick") == []

    def test_what_cannot_be_run_is_said(self, stage: Stage) -> None:
        """404 for an unknown function, 400 for one with a route."""
        host = stage.host()

        assert httpx2.post(f"{host.url}/admin/functions/none", headers=BY_KEY).status_code == 404
        assert httpx2.post(f"{host.url}/admin/functions/echo", headers=BY_KEY).status_code == 400

    def test_the_status_names_the_host(self, stage: Stage) -> None:
        """As Azure's does, in the parts that make sense here."""
        host = stage.host(instance="one")
        status = httpx2.get(f"{host.url}/admin/host/status?code={KEY}").json()

        assert status["state"] == "Running"
        assert status["id"] == stage.name
        assert status["instanceId"] == "one"
        assert status["errors"] == []
        assert status["processUptime"] >= 0

    def test_without_a_key_set_everybody_is_refused(self, stage: Stage) -> None:
        """An empty key opens nothing."""
        host = stage.host(LOCAL_HOST_KEY="")
        assert httpx2.get(f"{host.url}/admin/host/status?code=").status_code == 401
