"""Each verdict, override and end leaves a line in the audit, whatever dies in between."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from azure.core.exceptions import ServiceRequestError

from scan_core.flow.auditing import line, settle
from scan_core.model.verdict import Outcome
from tests.builders import NOON, a_gate
from tests.flow.fakes import Fuse, Killed, Meddling
from tests.flow.scripted_worker import VULNERABLE, Ending
from tests.flow.world import World
from tests.local.devops.driver import Pull


def die() -> None:
    """End here."""
    raise Killed


def be_away() -> None:
    """Be storage that does not answer."""
    raise ServiceRequestError("no route to storage")


def decide(world: World, pull: Pull) -> None:
    """Come to a verdict."""
    world.scanned(Ending(VULNERABLE))


def supersede(world: World, pull: Pull) -> None:
    """Look at a newer commit."""
    world.push_again(pull)
    world.hook(pull)
    world.serve()


def abandon(world: World, pull: Pull) -> None:
    """Look at a pull request that ended."""
    pull.change(status="abandoned")
    world.hook(pull)
    world.serve()


class TestLines:
    def test_of_a_verdict_say_what_it_was_made_of(self, world: World) -> None:
        """Who, what, why, when, and the hashes by which everything can be looked up."""
        pull = world.proposed(rules="max_critical: 0\n")
        gate = world.gated(pull)
        world.scanned(Ending(VULNERABLE))
        (said,) = world.audit("verdict")
        decision, scan = world.gate(pull).decision, world.scan(gate)
        assert decision is not None
        assert scan.conclusion is not None
        assert said["by"] == world.audit_name
        assert said["at"] == decision.decided_at.isoformat()
        assert (said["gate"], said["pull_request"], said["iteration"]) == (gate.gate_id, pull.id, 1)
        assert (said["outcome"], said["provisional"], said["number"]) == ("failed", False, 1)
        assert said["reasons"]
        assert said["verdict_sha256"] == decision.verdict_sha256
        assert len(said["rules_sha256"]) == 64
        assert (len(said["rules_commit"]), said["rules_branch"]) == (40, "refs/heads/main")
        manifest = scan.conclusion.manifest_sha256
        assert said["scans"] == [{"scan": scan.scan_id, "attempt": 1, "manifest_sha256": manifest}]

    def test_of_a_verdict_that_replaces_a_time_out_say_so(self, world: World) -> None:
        """It is an override, and names what it replaces."""
        pull = world.proposed()
        world.gated(pull)
        message = world.claimed()
        world.clock.advance(3590)
        world.worker.beat(message)
        world.watch()
        world.finish(message)
        (first,), (second,) = world.audit("verdict"), world.audit("override")
        assert (second["why"], second["number"], second["outcome"]) == ("a time-out came first", 2, "passed")
        replaced = second["replaces"]
        assert (replaced["number"], replaced["outcome"], replaced["provisional"]) == (1, "error", True)
        assert replaced["verdict_sha256"] == first["verdict_sha256"]

    @pytest.mark.parametrize(
        ("end", "what", "why"), [(supersede, "superseded", "newer"), (abandon, "closed", "abandoned")]
    )
    def test_of_an_end_say_why(self, end: Callable[[World, Pull], None], what: str, why: str, world: World) -> None:
        """And of which gate."""
        pull = world.proposed()
        gate = world.gated(pull)
        end(world, pull)
        (said,) = world.audit(what)
        assert (said["gate"], said["why"], said["commit"]) == (gate.gate_id, why, gate.place.commit)

    def test_have_an_id_that_follows_from_what_they_say(self) -> None:
        """So whoever reads them knows one that stands there twice."""
        gate = a_gate()
        assert line(gate, "closed", NOON, {"why": "x"}) == line(gate, "closed", NOON, {"why": "x"})
        assert line(gate, "closed", NOON, {"why": "x"}).line_id != line(gate, "closed", NOON, {"why": "y"}).line_id


class TestDeaths:
    @pytest.mark.parametrize(("step", "what"), [(decide, "verdict"), (supersede, "superseded"), (abandon, "closed")])
    def test_after_each_change_lose_no_line(
        self, step: Callable[[World, Pull], None], what: str, world: World, stride: int
    ) -> None:
        """The row owes it until it is written; one that stands there twice has one id."""
        changes = 1 - stride
        is_killed = True
        while is_killed:
            changes += stride
            pull = world.proposed()
            gate = world.gated(pull)
            fuse = Fuse(changes)
            try:
                step(world.mortal(fuse), pull)
            except Killed:
                world.queues.requests.clear()
            is_killed = fuse.is_burnt
            world.results.clear()
            world.services.gates.touch(world.ref(pull).subject, world.clock())
            world.hook(pull)
            world.run_until_quiet(Ending(VULNERABLE), pause=50)
            lines = [said for said in world.audit(what) if said["gate"] == gate.gate_id]
            assert len({said["id"] for said in lines}) == 1, f"after {changes} changes: {lines}"
            assert all(not each.unaudited for each in world.gates(pull))

    def test_right_before_the_line_leave_it_to_the_watch(self, world: World) -> None:
        """The gate is not settled before it is audited."""
        pull = world.proposed()
        world.gated(pull)
        dying = world.having(audit=Meddling(world.services.audit, "keep", before=die))
        with pytest.raises(Killed):
            dying.scanned()
        assert world.audit("verdict") == []
        world.results.clear()
        world.watch()
        assert len(world.audit("verdict")) == 1
        assert world.services.gates.agenda() == []


class TestStorage:
    def test_that_does_not_take_a_line_gets_it_later(self, world: World, caplog: pytest.LogCaptureFixture) -> None:
        """Until then it stands in the log, and the gate stays on the agenda."""
        pull = world.proposed()
        world.gated(pull)
        trail = world.services.audit
        broken = type(trail)(world.storage.blobs, world.audit_name)
        broken._append = Meddling(broken, "_append", before=be_away, times=99)._append  # type: ignore[method-assign]
        world.having(audit=broken).scanned()
        assert world.audit("verdict") == []
        assert '"what": "verdict"' in caplog.text
        assert world.gate(pull).unaudited
        assert len(world.services.gates.agenda()) == 1
        world.watch()
        assert len(world.audit("verdict")) == 1
        assert world.gate(pull).unaudited == ()
        assert world.services.gates.agenda() == []

    def test_that_is_told_twice_changes_the_row_once(self, world: World) -> None:
        """Two instances may settle one gate."""
        pull = world.proposed()
        gate = world.gated(pull)
        owed = line(gate, "closed", world.clock(), {"why": "a test"})
        world.change(gate, unaudited=(owed,))
        stale = world.gate(pull)
        settle(world.services, stale)
        settle(world.services, stale)
        ids = [said["id"] for said in world.audit("closed")]
        assert (len(ids), set(ids)) == (2, {owed.line_id})
        assert world.gate(pull).unaudited == ()


def test_a_line_is_json_with_its_id_first(world: World) -> None:
    """One line each, for whatever reads them."""
    world.services.audit.append(world.clock(), "verdict", {"outcome": Outcome.PASSED})
    container = world.storage.blobs.get_container_client("audit")
    (name,) = [blob.name for blob in container.list_blobs() if world.audit_name in blob.name]
    said: dict[str, Any] = json.loads(container.download_blob(name).readall())
    assert list(said)[:4] == ["id", "at", "what", "by"]
