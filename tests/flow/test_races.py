"""What only a race, or a failure at the worst moment, would show."""

from datetime import timedelta

import pytest
from azure.core.exceptions import ServiceRequestError

from scan_core.flow import gates, results
from scan_core.model.attempt import Artifact, Manifest
from scan_core.model.gate import GateState
from scan_core.model.signing import signed
from tests.flow.fakes import Meddling
from tests.flow.world import World


def test_rules_that_were_read_for_another_question_are_not_told(world: World) -> None:
    """A gate that is opened again while its rules are read waits for those that are read for it."""
    pull = world.proposed()

    def reopen() -> None:
        world.change(world.gate(pull), opened_at=world.clock() + timedelta(seconds=1))

    gate = world.with_devops(lambda devops: Meddling(devops, "file_on_branch", after=reopen)).gated(pull)
    assert (gate.rules, gate.waits_for) == (None, ())


def test_a_gate_whose_scan_cannot_be_read_ends_in_time(world: World) -> None:
    """The deadline is not kept from it by whatever keeps its answer."""
    pull = world.proposed()
    gate = world.gated(pull)

    def fail() -> None:
        raise ServiceRequestError("storage is away")

    world.clock.advance(world.services.settings.deadline_seconds)
    broken = world.having(scans=Meddling(world.services.scans, "read", before=fail, times=9))
    with pytest.raises(ServiceRequestError):
        gates.advance(broken.services, gate.gate_id)
    assert world.states(pull) == ["pending", "error"]


def test_a_verdict_that_is_overtaken_does_not_chase_the_look_that_is_put_off(world: World) -> None:
    """The look at the newer commit failed and comes later; until then nobody asks for it again and again."""
    pull = world.proposed()
    world.gated(pull)
    message = world.claimed()
    world.push_again(pull)
    world.hook(pull)
    world.sim.fault(r"^GET .*/pullRequests/\d+$", kind="status", status=500, count=1)
    world.serve()
    world.finish(message)
    assert world.serve() <= 1
    world.run_until_quiet()
    assert [status.state for status in world.shown(pull) if status.iteration == 1] == ["pending"]
    assert world.shown(pull)[-1][:2] == (2, "succeeded")


def test_a_gate_that_somebody_else_opened_again_is_told_what_it_waits_for(world: World) -> None:
    """The row that was read before says that it is closed, and would be left alone."""
    pull = world.proposed()
    gate = world.gated(pull)
    world.change(gate, state=GateState.CLOSED)

    def reopen() -> None:
        fresh = {"state": GateState.OPEN, "rules": None, "targets": (), "waits_for": ()}
        world.change(world.gate(pull), **fresh, opened_at=world.clock())

    world.hook(pull)
    # The second time that it is read, it is to be opened again.
    raced = world.having(gates=Meddling(Meddling(world.services.gates, "gate", after=reopen), "gates_of"))
    raced.serve()
    assert world.gate(pull).waits_for == gate.waits_for


def test_the_deadline_counts_from_a_request_whose_message_was_lost(world: World) -> None:
    """A later one finds that the first was not served, and takes its clock over."""
    pull = world.proposed()
    accepted_at = world.clock()
    world.sim.fault(r"^GET .*/pullRequests/\d+$", kind="status", status=503, count=1)
    world.hook(pull)
    world.serve()
    world.queues.requests.clear()
    world.clock.advance(600)
    assert world.gated(pull).accepted_at == accepted_at


def test_another_manifest_of_the_same_attempt_is_not_believed_afterwards(world: World) -> None:
    """Signed as it is: what was concluded is what counts."""
    repo = world.repository()
    world.gated(repo.pull_request("topic"))
    message = world.scanned()
    blob = world.storage.blobs.get_blob_client("scans", f"{message.spec.scan_id}/1/{Artifact.MANIFEST}")
    manifest = Manifest.model_validate_json(blob.download_blob().readall())
    other = signed(manifest.model_copy(update={"scanner_version": "9.9.9"}), message.secret)
    blob.upload_blob(other.model_dump_json().encode(), overwrite=True)
    results._kept.clear()
    second = repo.pull_request("topic", "release")
    world.gated(second)
    assert world.states(second) == ["error"]
