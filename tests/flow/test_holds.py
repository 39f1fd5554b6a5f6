"""Azure DevOps in trouble: one instance meets it, all know; they wait, and do not come back all at once."""

import json
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.flow.holds import Urgent, answered, failed, free_at, held_seconds, note_answer, note_failure
from scan_core.store.holds import Cause, Hold, HoldStore
from tests.builders import NOON
from tests.flow.fakes import Meddling
from tests.flow.scripted_worker import Ending
from tests.flow.world import ORG, World

PULL_REQUEST = "GET .*/pullrequests/[0-9]+$"
STATUS = "POST .*/statuses$"
EVERYWHERE = [kind for kind in DevOpsErrorKind if DevOpsError(kind, "x").everywhere]

type Events = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def events(caplog: pytest.LogCaptureFixture) -> Events:
    """Reads what was logged."""
    caplog.set_level(logging.INFO, "scangate")

    def named(name: str) -> list[dict[str, Any]]:
        lines = [json.loads(record.message) for record in caplog.records if record.name == "scangate"]
        return [line for line in lines if line["event"] == name]

    return named


def error(kind: DevOpsErrorKind = DevOpsErrorKind.TIMED_OUT, retry_after: float | None = None) -> DevOpsError:
    return DevOpsError(kind, "It did not work.", retry_after=retry_after)


def after_failures(number: int, hold: Hold | None = None) -> Hold:
    """Fail so often in a row, each time after the pause."""
    now = NOON if hold is None else hold.until
    for _ in range(number):
        hold = failed(hold, ORG, error(), now, 4)
        assert hold is not None
        now = max(now, hold.until)
    assert hold is not None
    return hold


def throttled(seconds: float = 100) -> Hold:
    hold = failed(None, ORG, error(DevOpsErrorKind.THROTTLED, seconds), NOON, 4)
    assert hold is not None
    return hold


class TestFailures:
    def test_in_a_row_come_to_a_pause(self) -> None:
        """One or two may be about what was asked for."""
        assert [after_failures(number).paused for number in (1, 2, 3)] == [False, False, True]
        assert after_failures(2).until == NOON
        assert after_failures(3).until > NOON

    @given(st.integers(3, 50))
    def test_lengthen_the_pause_up_to_a_minute(self, number: int) -> None:
        """Its end is a guess, so it is never a long one."""
        hold = after_failures(number)
        assert hold.cause is Cause.FAILING
        assert 0 < hold.spread_seconds <= 60

    @pytest.mark.parametrize("kind", EVERYWHERE)
    def test_of_each_kind_that_is_not_about_one_thing_count(self, kind: DevOpsErrorKind) -> None:
        """Signed out, throttled, slow, away."""
        hold = failed(after_failures(2), ORG, error(kind), NOON, 4)
        assert hold is not None
        assert hold.until > NOON

    def test_that_were_under_way_when_the_pause_began_change_nothing(self) -> None:
        """A dozen calls that fail at once are one trouble."""
        hold = after_failures(3)
        assert failed(hold, ORG, error(), NOON, 4) is None

    def test_that_name_a_pause_get_it(self) -> None:
        """At once, and as long as it says; the longest one holds."""
        hold = throttled(700)
        assert (hold.until, hold.cause, hold.paused) == (NOON + timedelta(seconds=700), Cause.THROTTLED, True)
        assert failed(hold, ORG, error(DevOpsErrorKind.THROTTLED, 10), NOON, 4) is None
        longer = failed(hold, ORG, error(DevOpsErrorKind.THROTTLED, 900), NOON, 4)
        assert longer is not None
        assert longer.until == NOON + timedelta(seconds=900)

    def test_that_refuse_without_a_pause_get_ours(self) -> None:
        """429 needs no second one."""
        hold = failed(None, ORG, error(DevOpsErrorKind.THROTTLED), NOON, 4)
        assert hold is not None
        assert NOON < hold.until <= NOON + timedelta(seconds=60)


class TestAnswers:
    def test_end_a_trouble_that_had_not_come_to_a_pause(self) -> None:
        """The next failure is the first again."""
        assert answered(after_failures(2), NOON) is None

    def test_to_calls_from_before_a_refusal_mean_nothing(self) -> None:
        """They were on their way."""
        hold = throttled()
        assert answered(hold, NOON) == hold

    def test_end_a_pause_that_was_a_guess(self) -> None:
        """It answers; those who wait come one after the other from here."""
        hold = answered(after_failures(5), NOON)
        assert hold is not None
        assert (hold.until, hold.failures, hold.paused) == (NOON, 0, False)
        assert hold.spread_seconds > 0

    def test_let_the_others_come_one_after_the_other(self) -> None:
        """Until all are back; only then is the trouble forgotten."""
        hold = throttled()
        first = answered(hold, hold.until)
        assert first is not None
        assert first.over_at == hold.over_at
        assert answered(first, first.until) == first
        assert answered(first, first.over_at) is None


class TestTurns:
    @given(st.lists(st.uuids(), min_size=30, max_size=30, unique=True))
    def test_are_spread_after_the_pause(self, subjects: list[Any]) -> None:
        """None undercuts it; half of them do not come in its first third."""
        hold = throttled()
        moments = [free_at(hold, str(subject), None, NOON) for subject in subjects]
        assert all(hold.until <= moment <= hold.over_at for moment in moments)
        late = [moment for moment in moments if moment > hold.until + timedelta(seconds=hold.spread_seconds / 3)]
        assert len(late) > len(moments) / 4

    def test_of_one_subject_are_always_the_same(self) -> None:
        """So a message that comes back at its time is not put off again."""
        assert free_at(throttled(), "x", None, NOON) == free_at(throttled(), "x", None, NOON + timedelta(seconds=50))

    def test_do_not_make_anybody_miss_a_deadline(self) -> None:
        """Where it is only a guess, or slowness: in the last moments before it, whatever the others do."""
        hold = after_failures(20)
        urgent = Urgent(NOON + timedelta(seconds=2), NOON + timedelta(seconds=4))
        hold = hold.model_copy(update={"until": NOON + timedelta(seconds=60)})
        assert free_at(hold, "x", urgent, NOON) == urgent.begins
        assert free_at(hold, "x", urgent, urgent.begins) == urgent.begins
        assert free_at(hold, "x", urgent, urgent.ends + timedelta(seconds=1)) >= hold.until
        late = Urgent(NOON + timedelta(hours=1), NOON + timedelta(hours=2))
        assert hold.until <= free_at(hold, "x", late, NOON) < late.begins

    def test_are_kept_where_calls_are_refused(self) -> None:
        """A call would change nothing."""
        urgent = Urgent(NOON, NOON + timedelta(seconds=4))
        assert free_at(throttled(), "x", urgent, NOON) >= NOON + timedelta(seconds=100)


class TestSharing:
    def test_what_one_instance_meets_the_others_know(self, world: World, events: Events) -> None:
        """Within the seconds for which they believe what they read."""
        other = world.having(holds=HoldStore(world.storage.tables))
        assert held_seconds(other.services, ORG, "x") == 0
        note_failure(world.services, ORG, error(DevOpsErrorKind.THROTTLED, 100))
        world.clock.advance(5)
        assert held_seconds(other.services, ORG, "x") >= 95
        assert [(told["cause"], told["seconds"]) for told in events("devops_held")] == [("throttled", 100)]

    def test_the_first_answer_afterwards_is_told_once(self, world: World, events: Events) -> None:
        """And when all are back, the row goes."""
        other = world.having(holds=HoldStore(world.storage.tables))
        note_failure(world.services, ORG, error(DevOpsErrorKind.THROTTLED, 100))
        world.clock.advance(100)
        for _ in range(2):
            note_answer(world.services, ORG)
            note_answer(other.services, ORG)
        assert [told["seconds"] for told in events("devops_resumed")] == [100]
        world.clock.advance(61)
        note_answer(world.services, ORG)
        assert world.services.holds.fresh(ORG, world.clock()) is None
        assert len(events("devops_resumed")) == 1

    def test_an_error_about_what_was_asked_for_is_an_answer(self, world: World) -> None:
        """404 comes from a service that is well."""
        for _ in range(2):
            note_failure(world.services, ORG, error())
        note_failure(world.services, ORG, error(DevOpsErrorKind.NOT_FOUND))
        assert world.services.holds.fresh(ORG, world.clock()) is None

    def test_failures_of_several_instances_are_counted_together(self, world: World, events: Events) -> None:
        """Each one met it once."""
        for _ in range(3):
            note_failure(world.having(holds=HoldStore(world.storage.tables)).services, ORG, error())
        assert [told["failures"] for told in events("devops_held")] == [3]

    def test_who_is_overtaken_counts_on(self, world: World) -> None:
        """The row is read again."""
        rival = HoldStore(world.storage.tables)
        between = Meddling(
            world.services.holds,
            "write",
            before=lambda: note_failure(world.having(holds=rival).services, ORG, error()),
        )
        note_failure(world.having(holds=between).services, ORG, error())
        row = rival.fresh(ORG, world.clock())
        assert row is not None
        assert row.value.failures == 2

    def test_who_is_always_overtaken_leaves_it_to_the_others(self, world: World) -> None:
        """They write the same."""
        stubborn = Meddling(world.services.holds, "fresh", times=9)
        world.services.holds.write(None, after_failures(1), world.clock())
        never = world.having(holds=_Refusing(stubborn))
        note_failure(never.services, ORG, error())
        row = world.services.holds.fresh(ORG, world.clock())
        assert row is not None
        assert row.value.failures == 1

    def test_a_wish_with_an_answer_holds_the_others_too(self, world: World, events: Events) -> None:
        """Retry-After may come with a 200: the call was done, and the next one waits."""
        pull = world.proposed()
        world.sim.fault(PULL_REQUEST, "retry_after_200", seconds=50)
        world.gated(pull)
        (told,) = events("devops_held")
        assert (told["cause"], told["kind"]) == ("slow_down", "slow_down")
        assert 40 <= held_seconds(world.services, ORG, uuid4().hex) <= 100
        note_answer(world.services, ORG)
        assert len(events("devops_held")) == 1


class _Refusing:
    """Holds of which nobody can write any."""

    def __init__(self, holds: Any) -> None:
        self._holds = holds

    def fresh(self, *arguments: Any) -> Any:
        """Read."""
        return self._holds.fresh(*arguments)

    def write(self, *_: Any) -> bool:
        """Be overtaken."""
        return False


class TestLooks:
    def test_wait_without_a_call_and_are_served_afterwards(self, world: World) -> None:
        """However many there are, and whoever meets them; their tries are not spent."""
        note_failure(world.services, ORG, error(DevOpsErrorKind.THROTTLED, 100))
        pulls = [world.proposed() for _ in range(3)]
        world.sim.fault(PULL_REQUEST, "status", status=500, count=-1)
        for pull in pulls:
            world.hook(pull)
        world.serve()
        assert all(100 <= delay <= 161 for delay in world.delayed())
        row = world.services.gates.look(world.ref(pulls[0]).subject)
        assert row is not None
        assert (row.value.tries, row.value.served) == (0, False)
        world.sim.sim("faults", method="DELETE")
        world.run_until_quiet()
        assert [world.states(pull)[-1] for pull in pulls] == ["succeeded"] * 3

    def test_at_a_project_wait_as_well(self, world: World) -> None:
        """One listing is a call like any other."""
        note_failure(world.services, ORG, error(DevOpsErrorKind.THROTTLED, 100))
        world.project_hook(world.project)
        world.serve()
        assert len(world.delayed()) == 1
        assert 100 <= world.delayed()[0] <= 161


class TestVerdicts:
    def test_wait_and_are_not_lost(self, world: World) -> None:
        """The watch posts them when it is over, though no message tells it to."""
        pull = world.proposed()
        world.gated(pull)
        message = world.claimed()
        note_failure(world.services, ORG, error(DevOpsErrorKind.THROTTLED, 100))
        world.finish(message, Ending())
        world.watch()
        assert world.states(pull) == ["pending"]
        world.clock.advance(161)
        world.watch()
        assert world.states(pull) == ["pending", "succeeded"]

    def test_that_are_due_are_posted_while_the_others_wait(self, world: World) -> None:
        """A deadline is kept where Azure DevOps may answer after all."""
        pull = world.proposed()
        gate = world.gated(pull)
        for _ in range(3):
            note_failure(world.services, ORG, error())
        world.clock.moment = gate.deadline - timedelta(seconds=170)
        world.services.holds.write(
            world.services.holds.fresh(ORG, world.clock()),
            after_failures(9).model_copy(update={"until": world.clock() + timedelta(seconds=3600)}),
            world.clock(),
        )
        world.watch()
        assert world.states(pull) == ["pending", "error"]


class TestUnreportedVerdicts:
    def test_are_told_once_a_round_and_posted_in_the_end(self, world: World, events: Events) -> None:
        """An alarm reads it; posting goes on."""
        pulls = [world.proposed(), world.proposed()]
        for pull in pulls:
            world.gated(pull)
        world.sim.fault(STATUS, "status", status=403, count=-1)
        for _ in pulls:
            world.scanned()
        world.clock.advance(600)
        world.watch()
        assert events("verdict_not_reported") == []
        world.clock.advance(1)
        world.watch()
        (told,) = events("verdict_not_reported")
        assert (told["gates"], told["seconds"]) == (2, 601)
        assert "403" in told["problem"]
        world.sim.sim("faults", method="DELETE")
        world.run_until_quiet()
        assert [world.states(pull)[-1] for pull in pulls] == ["succeeded"] * 2
        world.watch()
        assert world.services.gates.agenda() == []

    def test_are_counted_from_the_first_post_that_failed(self, world: World, events: Events) -> None:
        """A verdict of last week that has to be shown again a moment ago is not late."""
        pull = world.proposed()
        world.gated(pull)
        world.scanned()
        world.clock.advance(700_000)
        world.services.gates.touch(world.ref(pull).subject, world.clock())
        world.change(world.gate(pull), posted=None)
        world.sim.fault(STATUS, "status", status=403, count=-1)
        world.watch()
        world.watch()
        assert events("verdict_not_reported") == []
        world.clock.advance(601)
        world.watch()
        assert len(events("verdict_not_reported")) == 1
