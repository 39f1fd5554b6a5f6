"""What Azure DevOps shows is compared with the gate: forged, lost, different, or with a link that soon ends."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest

from scan_core.devops.pull_requests import StatusRead
from scan_core.flow.verify import verify
from scan_core.model.gate import GateState
from scan_core.model.ids import GateId
from tests.flow.fakes import Killed, Meddling
from tests.flow.scripted_worker import VULNERABLE, Ending
from tests.flow.world import Shown, World
from tests.local.devops.driver import Pull, Sim

DAY = 86400


class Answering:
    """Passes every call on, but for some methods that answer with what the test says."""

    def __init__(self, target: object, **answers: Any) -> None:
        """Wrap something."""
        self._target = target
        self._answers = answers
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        """Find a method of what is wrapped."""
        self.asked.append(name)
        if name in self._answers:
            return self._answers[name]
        return getattr(self._target, name)


@pytest.fixture
def mallory(simulator: Sim) -> Sim:
    """Somebody else who may post statuses."""
    return simulator.as_other(displayName="Mallory", uniqueName="mallory@example.com")


def failed(world: World) -> Pull:
    """Make a pull request whose gate failed."""
    pull = world.proposed()
    world.gated(pull)
    world.scanned(Ending(VULNERABLE))
    assert world.states(pull) == ["pending", "failed"]
    return pull


def forge(pull: Pull, mallory: Sim, state: str = "succeeded", iteration: int | None = 1, **more: Any) -> None:
    """Post a status in our name."""
    assert Pull(mallory, pull.repo, pull.id).status(state, iteration, **more).ok


def compared(world: World, pull: Pull, seen: int = 0, iteration: int = 1) -> int:
    """Compare a gate, and give the highest status that was seen."""
    return verify(world.services, world.gate(pull, iteration).gate_id, seen).seen_status


class TestForgedStatuses:
    def test_are_overwritten_and_told(self, world: World, mallory: Sim, caplog: pytest.LogCaptureFixture) -> None:
        """Who posted what stands in the audit and in the log."""
        pull = failed(world)
        forge(pull, mallory)
        compared(world, pull)
        assert world.states(pull) == ["pending", "failed", "succeeded", "failed"]
        (line,) = world.audit("forged")
        told = {name: line[name] for name in ("status", "state", "description", "iteration", "pull_request")}
        assert told == {
            "status": 3,
            "state": "succeeded",
            "description": "succeeded",
            "iteration": 1,
            "pull_request": pull.id,
        }
        assert line["author"] == author_of_latest(mallory, pull, "succeeded")
        assert "status_forged" in caplog.text

    def test_are_told_once(self, world: World, mallory: Sim) -> None:
        """Also where they were seen while something newer hid them."""
        pull = failed(world)
        forge(pull, mallory)
        seen = compared(world, pull)
        assert compared(world, pull, seen) == 4
        assert len(world.audit("forged")) == 1
        assert world.states(pull)[3:] == ["failed"]

    def test_are_overwritten_again_though_they_were_told(self, world: World, mallory: Sim) -> None:
        """What counts is the latest; whoever told them died before it could post."""
        pull = failed(world)
        forge(pull, mallory)
        assert compared(world, pull, 3) == 3
        assert world.audit("forged") == []
        assert world.states(pull)[-1] == "failed"

    def test_are_overwritten_though_they_say_what_we_say(self, world: World, mallory: Sim) -> None:
        """Who wrote it may change its mind later; only what we wrote ourselves may stand."""
        pull = failed(world)
        forge(pull, mallory, "failed", description=world.shown(pull)[-1].description)
        compared(world, pull)
        assert world.states(pull) == ["pending", "failed", "failed", "failed"]
        assert compared(world, pull, 4) == 4

    def test_are_overwritten_while_a_gate_is_pending(self, world: World, mallory: Sim) -> None:
        """Nobody may answer before the scan does."""
        pull = world.proposed()
        world.gated(pull)
        forge(pull, mallory)
        compared(world, pull)
        assert world.states(pull) == ["pending", "succeeded", "pending"]

    def test_are_overwritten_wherever_they_stand(self, world: World, mallory: Sim) -> None:
        """One on the pull request as a whole may count as well."""
        pull = failed(world)
        forge(pull, mallory, iteration=None)
        compared(world, pull)
        assert world.shown(pull)[-1][:2] == (1, "failed")

    def test_of_another_name_are_told_alone(self, world: World, mallory: Sim) -> None:
        """There is nothing of ours to put over them."""
        pull = failed(world)
        forge(pull, mallory, context={"genre": "Scangate", "name": "image"})
        compared(world, pull)
        assert [line["name"] for line in world.audit("forged")] == ["image"]
        assert world.states(pull) == ["pending", "failed", "succeeded"]

    def test_of_another_genre_are_not_ours_to_judge(self, world: World, mallory: Sim) -> None:
        """Others post theirs."""
        pull = failed(world)
        forge(pull, mallory, context={"genre": "lint", "name": "source"})
        compared(world, pull)
        assert world.audit("forged") == []

    def test_in_great_numbers_do_not_fill_the_audit(self, world: World, mallory: Sim) -> None:
        """The latest are told."""
        pull = failed(world)
        many = tuple(a_status(number, str(uuid4())) for number in range(3, 103))
        flooded = world.with_devops(lambda devops: Answering(devops, statuses=lambda _: many))
        assert compared(flooded, pull) == 102
        assert [line["status"] for line in world.audit("forged")] == list(range(83, 103))

    def test_are_not_seen_in_ones_own_after_a_change_of_identity(self, world: World) -> None:
        """Before anybody is accused, Azure DevOps is asked who we are now."""
        pull = failed(world)
        me = world.services.devops(world.ref(pull).organisation).authenticated_id()
        names = iter(["0" * 8, me])
        devops = Answering(world.services.devops(world.ref(pull).organisation), authenticated_id=lambda: next(names))
        meddled = world.having(devops=lambda _: devops)
        for _ in range(2):
            compared(meddled, pull)
        assert world.audit("forged") == []
        assert world.states(pull) == ["pending", "failed"]


class TestStatuses:
    def test_that_are_shown_are_left_alone(self, world: World) -> None:
        """Also where the same was posted twice."""
        pull = failed(world)
        pull.status("failed", description=world.shown(pull)[-1].description)
        assert compared(world, pull) == 3
        assert world.states(pull) == ["pending", "failed", "failed"]

    def test_that_vanished_are_posted_again(self, world: World) -> None:
        """The row is what counts."""
        pull = failed(world)
        compared(world.with_devops(lambda devops: Answering(devops, statuses=lambda _: ())), pull)
        assert world.states(pull) == ["pending", "failed", "failed"]

    @pytest.mark.parametrize(("state", "iteration"), [("succeeded", 1), ("failed", None)])
    def test_that_differ_are_posted_again(self, state: str, iteration: int | None, world: World) -> None:
        """A post that came late, or on another place."""
        pull = failed(world)
        pull.status(state, iteration, description=world.shown(pull)[-1].description)
        compared(world, pull)
        assert world.shown(pull)[-1][:2] == (1, "failed")
        assert len(world.shown(pull)) == 4

    def test_of_a_row_that_moves_meanwhile_are_left_to_whoever_moves_it(self, world: World) -> None:
        """What was read does not hold any more."""
        pull = world.proposed()
        world.gated(pull)
        blind = Answering(world.services.devops(world.ref(pull).organisation), statuses=lambda _: ())
        meddled = world.having(devops=lambda _: Meddling(blind, "statuses", after=world.scanned))
        compared(meddled, pull)
        assert world.states(pull) == ["pending", "succeeded"]

    def test_that_are_about_to_be_posted_anyway_are_left_alone(self, world: World, mallory: Sim) -> None:
        """The watch posts what is not posted; what was forged is told all the same."""
        pull = failed(world)
        forge(pull, mallory)
        world.change(world.gate(pull), posted=None)
        compared(world, pull)
        assert len(world.audit("forged")) == 1
        assert world.states(pull) == ["pending", "failed", "succeeded"]

    def test_of_an_older_iteration_lead_to_a_look(self, world: World) -> None:
        """The gate there ends; nothing is posted over it."""
        pull = failed(world)
        world.push_again(pull)
        assert not verify(world.services, world.gate(pull).gate_id, 0).is_latest
        world.serve()
        assert world.gate(pull).state is GateState.SUPERSEDED

    def test_of_no_gate_or_an_ended_one_are_nothing(self, world: World) -> None:
        """It ended after it was listed."""
        pull = failed(world)
        world.change(world.gate(pull), state=GateState.SUPERSEDED)
        devops = Answering(object())
        blind = world.having(devops=lambda _: devops)
        assert compared(blind, pull, 1) == 1
        assert not verify(blind.services, GateId("0" * 24 + "-1"), 0).is_latest
        assert devops.asked == []

    def test_are_posted_by_the_watch_where_the_process_died_in_between(self, world: World) -> None:
        """The row says that it is not known what is shown, and it stands on the agenda."""

        def die() -> None:
            raise Killed

        pull = failed(world)
        blind = Answering(world.services.devops(world.ref(pull).organisation), statuses=lambda _: ())
        with pytest.raises(Killed):
            compared(world.having(devops=lambda _: Meddling(blind, "post_status", before=die)), pull)
        world.clock.advance(world.services.settings.report_lease_seconds + 1)
        world.watch()
        assert world.states(pull) == ["pending", "failed", "failed"]


class TestLinks:
    def test_are_renewed_before_they_end(self, world: World) -> None:
        """The page has to open for as long as the pull request does."""
        pull = failed(world)
        world.clock.advance(24 * DAY - 1)
        compared(world, pull)
        assert len(world.shown(pull)) == 2
        world.clock.advance(1)
        compared(world, pull)
        old, new = (ends(status) for status in world.sim.get(f"{pull.path}/statuses")["value"][1:])
        assert (new - old).total_seconds() == 24 * DAY
        assert world.shown(pull)[1:] == [Shown(1, "failed", world.shown(pull)[1].description)] * 2


def author_of_latest(sim: Sim, pull: Pull, state: str) -> str:
    """Tell who posted the latest status of a state."""
    found = [status for status in sim.get(f"{pull.path}/statuses")["value"] if status["state"] == state]
    return str(found[-1]["createdBy"]["id"])


def a_status(number: int, author: str) -> StatusRead:
    """A status as it is read."""
    return StatusRead(
        id=number,
        state="succeeded",
        description="fine",
        genre="scangate",
        name="source",
        iteration=None,
        author_id=author,
        created_at=None,
    )


def ends(status: dict[str, Any]) -> datetime:
    """Tell when a status' link ends."""
    (expires,) = parse_qs(urlsplit(status["targetUrl"]).query)["expires"]
    return datetime.fromtimestamp(int(expires), UTC)
