"""Each clock has its own limit and its own outcome; a worker's own clock decides nothing."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from scan_core.flow.poison import poisoned_result
from scan_core.model.attempt import AttemptErrorKind
from scan_core.model.scan import ScanState
from scan_core.store.attempts import AttemptStore
from tests.flow.scripted_worker import Ending, ScriptedWorker
from tests.flow.world import World
from tests.local.devops.driver import Pull
from tests.local.host.eventually import eventually


class TestRunningTooLong:
    def test_stops_the_attempt_and_counts_as_one(self, world: World) -> None:
        """It beats and does not end: it is told to stop, and another one is tried."""
        pull = world.proposed()
        gate = world.gated(pull)
        message = world.claimed("worker-9")
        world.clock.advance(1021)
        world.worker.beat(message)
        world.watch()
        scan = world.scan(gate)
        error = scan.attempts[0].error
        assert error is not None
        assert (error.kind, scan.current.number) == (AttemptErrorKind.RAN_TOO_LONG, 2)
        assert world.is_cancelled(message)
        assert world.runner.stopped == ["worker-9"]
        world.run_until_quiet()
        assert world.states(pull) == ["pending", "succeeded"]

    def test_begins_where_fetch_scan_and_margin_end(self, world: World) -> None:
        """Each is a setting."""
        pull = world.proposed()
        patient = world.with_settings(attempt_margin_seconds=500)
        gate = patient.gated(pull)
        message = patient.claimed()
        patient.clock.advance(1021)
        patient.worker.beat(message)
        patient.watch()
        assert patient.scan(gate).current.number == 1

    def test_at_the_cap_is_an_error_that_says_what_to_do(self, world: World) -> None:
        """More attempts would end the same way."""
        world = world.with_settings(max_attempts=1)
        pull = world.proposed()
        world.gated(pull)
        message = world.claimed()
        world.clock.advance(1021)
        world.worker.beat(message)
        world.watch()
        last = world.shown(pull)[-1]
        assert (last.state, "ran longer than 1020 seconds" in last.description) == ("error", True)


class TestWorkersWhoseClockIsOff:
    @pytest.fixture
    def real(self, world: World) -> World:
        """The world on real time, since storage has no other."""
        return world.having(attempts=AttemptStore(world.storage), now=lambda: datetime.now(UTC))

    def claimed_by(self, world: World, off: timedelta) -> ScriptedWorker:
        """Let a worker whose clock is off claim the next attempt."""
        queue = world.storage.queues.get_queue_client("scan-attempts")
        worker = ScriptedWorker(queue, lambda: datetime.now(UTC) + off)
        assert worker.claim("worker-9") is not None
        return worker

    @pytest.mark.parametrize("minutes", [-10, 10])
    def test_are_not_lost(self, minutes: int, real: World) -> None:
        """Ten minutes behind is no silence, ten minutes ahead no long life: the attempt ends with its result."""
        pull = real.proposed()
        gate = real.gated(pull)
        worker = self.claimed_by(real, timedelta(minutes=minutes))
        worker.beat(worker.claimed[0])
        real.watch()
        record = real.scan(gate).current
        assert (record.number, record.error) == (1, None)
        assert record.claimed_at is not None
        assert abs(record.claimed_at - datetime.now(UTC)) < timedelta(minutes=5)
        real.results.append(worker.leave(worker.claimed[0], Ending()))
        real.take_results()
        assert real.states(pull) == ["pending", "succeeded"]

    @pytest.mark.parametrize("minutes", [-10, 10])
    def test_are_lost_when_they_are_silent(self, minutes: int, real: World) -> None:
        """Also where the last sign of life seems to come from the future."""
        real = real.with_settings(heartbeat_limit_seconds=1)
        gate = real.gated(real.proposed())
        worker = self.claimed_by(real, timedelta(minutes=minutes))
        worker.beat(worker.claimed[0])

        def is_lost() -> bool:
            real.watch()
            return real.scan(gate).attempts[0].error is not None

        eventually(is_lost)


def conclude(world: World, _pull: Pull) -> None:
    """End with a result."""
    world.scanned()


def fail_for_good(world: World, _pull: Pull) -> None:
    """End with an error that no further attempt would change."""
    world.scanned(Ending(exit_code=1))


def fail_too_often(world: World, _pull: Pull) -> None:
    """End without a result as often as is allowed."""
    for _ in range(3):
        world.scanned(Ending(exit_code=40))
        world.clock.advance(60)
        world.watch()


def be_lost(world: World, _pull: Pull) -> None:
    """Fall silent as often as is allowed."""
    for _ in range(3):
        world.claimed()
        world.clock.advance(121)
        world.watch()
        world.clock.advance(60)
        world.watch()


def run_too_long(world: World, _pull: Pull) -> None:
    """Beat and not end, as often as is allowed."""
    for _ in range(3):
        message = world.claimed()
        world.clock.advance(1021)
        world.worker.beat(message)
        world.watch()
        world.clock.advance(60)
        world.watch()


def be_poisoned(world: World, pull: Pull) -> None:
    """Leave results that cannot be taken, as often as is allowed."""
    for number in (1, 2, 3):
        body = f'{{"scan_id": "{world.gate(pull).waits_for[0]}", "attempt": {number}}}'
        poisoned_result(world.services, body.encode())


def be_abandoned(world: World, pull: Pull) -> None:
    """Go with the pull request."""
    pull.change(status="abandoned")
    world.hook(pull)
    world.serve()


def be_superseded(world: World, pull: Pull) -> None:
    """Make room for a newer commit, whose scan comes after those that waited."""
    world.clock.advance(1)
    world.push_again(pull)
    world.hook(pull)
    world.serve()


@pytest.mark.parametrize(
    "end",
    [conclude, fail_for_good, fail_too_often, be_lost, run_too_long, be_poisoned, be_abandoned, be_superseded],
)
def test_work_that_ended_counts_against_no_cap(end: Callable[[World, Pull], None], world: World) -> None:
    """However it ended, the next scan has its turn at once."""
    narrow = world.with_settings(max_workers=1, deadline_seconds=86400)
    first, second = narrow.proposed(), narrow.proposed()
    narrow.gated(first)
    narrow.clock.advance(1)
    gate = narrow.gated(second)
    assert narrow.scan(gate).current.queued_at is None
    ended = narrow.gate(first).waits_for[0]
    end(narrow, first)
    assert narrow.scan(gate).current.queued_at is not None
    assert ended not in {row.value.scan_id for row in narrow.services.admission.entries()}
    row = narrow.services.scans.read(ended)
    assert row is not None
    assert row.value.state is not ScanState.ACTIVE
