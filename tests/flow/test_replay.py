"""What was put aside is listed with what it is about; sent again, it ends well once its cause is gone."""

import base64
import json
from typing import Any

import pytest

from scan_core.flow.poison import poisoned_request, poisoned_result
from scan_core.flow.replay import Item, Shelf, Unreadable, items, send_again
from scan_core.flow.result import take
from scan_core.model.attempt import ResultMessage
from scan_core.model.gate import GateState
from scan_core.model.ids import AttemptNumber, BranchRef, BuildId
from scan_core.model.request import LookRequest, ProjectRequest, PushRequest, RequestMessage
from scan_core.model.subject import Branch, BuildRef, Check, Subject
from scan_core.store.poison import PoisonQueue
from tests.flow.fakes import Meddling
from tests.flow.scripted_worker import Ending
from tests.flow.world import ORG, World
from tests.local.devops.driver import Pull

GUID = "00000000-0000-0000-0000-00000000000a"
WHERE: Any = {"organisation": ORG, "project_id": GUID}
IN_REPOSITORY: Any = {**WHERE, "repository_id": GUID}
IN_JOB: Any = {**WHERE, "hub": "build", "plan_id": GUID, "job_id": GUID, "task_id": GUID}


def fail() -> None:
    """Be a defect."""
    raise RuntimeError("a defect")


@pytest.fixture
def shelf(world: World) -> Shelf:
    """The empty shelf of a world."""
    for message in world.services.poison.kept():
        world.services.poison.forget(message)
    services = world.services
    return Shelf(services.poison, services.gates, services.scans, services.audit)


def sent(world: World, queue: str) -> list[Any]:
    """Take what stands in a real queue."""
    client = world.storage.queues.get_queue_client(queue)
    found = []
    for message in client.receive_messages():
        found.append(json.loads(base64.b64decode(message.content)))
        client.delete_message(message)
    return found


def serve_again(world: World, shelf: Shelf) -> None:
    """Send everything again, and let it be served."""
    for item in items(shelf):
        send_again(shelf, item, world.clock())
    for request in sent(world, "scan-requests"):
        world.queues.send_request(RequestMessage.validate_python(request))
    world.serve()
    for result in sent(world, "scan-results"):
        take(world.services, ResultMessage.model_validate(result))


def poisoned(world: World) -> Pull:
    """Make a pull request whose request failed again and again."""
    pull = world.proposed()
    request = world.hook(pull)
    defective = world.with_devops(lambda devops: Meddling(devops, "file_on_branch", before=fail, times=9))
    with pytest.raises(RuntimeError):
        defective.serve()
    world.queues.requests.clear()
    poisoned_request(world.services, RequestMessage.dump_json(request))
    return pull


def only(shelf: Shelf) -> Item:
    (item,) = items(shelf)
    return item


class TestItems:
    def test_say_what_a_request_is_about(self, world: World, shelf: Shelf) -> None:
        """With its gate."""
        pull = poisoned(world)
        item = only(shelf)
        assert item.about == f"pull request {pull.id} of repository {pull.repo.json['id']}"
        assert item.gates == (world.gate(pull).gate_id,)
        assert (item.is_readable, item.message.times, item.message.first_at) == (True, 1, world.clock())

    def test_say_what_a_result_is_about(self, world: World, shelf: Shelf) -> None:
        """With the gates that wait for it, where anybody does."""
        gate = world.gated(world.proposed())
        for scan in (gate.waits_for[0], "0" * 40):
            poisoned_result(world.services, f'{{"scan_id": "{scan}", "attempt": 1}}'.encode())
        found = {item.about: item.gates for item in items(shelf)}
        assert found == {
            f"attempt 1 of scan {gate.waits_for[0][:12]}": (gate.gate_id,),
            "attempt 1 of scan 000000000000": (),
        }

    @pytest.mark.parametrize("queue", list(PoisonQueue))
    def test_say_where_nothing_can_be_read(self, queue: PoisonQueue, world: World, shelf: Shelf) -> None:
        """And do not show it: it may be anything."""
        world.services.poison.keep(queue, b"{]", world.clock())
        item = only(shelf)
        assert (item.is_readable, item.about) == (False, "2 bytes that cannot be read")

    @pytest.mark.parametrize(
        ("of", "about"),
        [
            (
                Branch(**IN_REPOSITORY, ref=BranchRef("refs/heads/main")),
                f"refs/heads/main of repository {GUID}",
            ),
            (BuildRef(**WHERE, build_id=BuildId(7)), f"build 7 of project {GUID}"),
            (
                Check(**IN_JOB),
                f"check of plan {GUID}, job {GUID}",
            ),
        ],
    )
    def test_name_every_kind_of_subject(self, of: Subject, about: str, world: World, shelf: Shelf) -> None:
        """By ids."""
        request = LookRequest(request_id="r", of=of, accepted_at=world.clock())
        world.services.poison.keep(PoisonQueue.REQUESTS, RequestMessage.dump_json(request), world.clock())
        assert only(shelf).about == about

    def test_name_projects_and_pushes(self, world: World, shelf: Shelf) -> None:
        """Which have no gate of their own."""
        told: Any = {"request_id": "r", "accepted_at": world.clock()}
        refs = (BranchRef("refs/heads/a"), BranchRef("refs/heads/b"))
        for request in (ProjectRequest(**told, **WHERE), PushRequest(**told, **IN_REPOSITORY, refs=refs)):
            world.services.poison.keep(PoisonQueue.REQUESTS, RequestMessage.dump_json(request), world.clock())
        assert {item.about for item in items(shelf)} == {
            f"project {GUID}",
            f"push to 2 branches of repository {GUID}",
        }

    def test_that_still_stand_in_the_poison_queue_are_among_them(self, world: World, shelf: Shelf) -> None:
        """Once, though they are kept as well."""
        queue = world.storage.queues.create_queue("scan-requests-poison")
        body = RequestMessage.dump_json(world.request(world.proposed()))
        queue.send_message(base64.b64encode(body).decode())
        assert not only(shelf).message.is_handled
        world.services.poison.keep(PoisonQueue.REQUESTS, body, world.clock())
        assert only(shelf).message.is_handled
        world.services.poison.forget(only(shelf).message)
        send_again(shelf, only(shelf), world.clock())
        assert items(shelf) == []
        assert len(sent(world, "scan-requests")) == 1
        world.storage.queues.delete_queue("scan-requests-poison")


class TestRequests:
    def test_sent_again_decide_their_gate_anew(self, world: World, shelf: Shelf) -> None:
        """The cause is gone: pending, then the verdict; the audit says who was sent again."""
        pull = poisoned(world)
        assert world.shown(pull)[-1].state == "error"
        world.clock.advance(86_400)
        serve_again(world, shelf)
        assert world.shown(pull)[-1].state == "pending"
        world.run_until_quiet()
        assert world.shown(pull)[-1].state == "succeeded"
        assert items(shelf) == []
        (line,) = world.audit("replayed")
        assert line["gates"] == [world.gate(pull).gate_id]

    def test_sent_again_too_early_are_put_aside_again(self, world: World, shelf: Shelf) -> None:
        """The error stays, and the message is there again."""
        pull = poisoned(world)
        (item,) = items(shelf)
        send_again(shelf, item, world.clock())
        (request,) = sent(world, "scan-requests")
        poisoned_request(world.services, json.dumps(request).encode())
        assert world.shown(pull)[-1].state == "error"
        assert only(shelf).is_readable

    def test_are_tried_again_by_any_event_too(self, world: World, shelf: Shelf) -> None:
        """Whoever looks again finds an answer that is none."""
        pull = poisoned(world)
        world.gated(pull)
        world.run_until_quiet()
        assert world.shown(pull)[-1].state == "succeeded"


class TestResults:
    def test_sent_again_give_their_verdict(self, world: World, shelf: Shelf) -> None:
        """Also where the scan had been given up, and its gate had an error."""
        pull = world.proposed()
        gate = world.gated(pull)
        said = world.worker.leave(world.claimed(), Ending())
        defective = world.having(scans=Meddling(world.services.scans, "write", before=fail, times=1))
        with pytest.raises(RuntimeError):
            take(defective.services, said)
        blind = world.having(attempts=_Blind(world.services.attempts))
        for number in (1, 2, 3):
            body = ResultMessage(scan_id=gate.waits_for[0], attempt=AttemptNumber(number)).model_dump_json()
            poisoned_result(blind.services, body.encode())
        assert world.states(pull) == ["pending", "error"]
        serve_again(world, shelf)
        assert world.states(pull) == ["pending", "error", "succeeded"]
        assert world.gate(pull).state is GateState.DECIDED
        (override,) = world.audit("override")
        assert (override["why"], override["replaces"]["outcome"]) == ("late result", "error")
        world.watch()
        assert world.services.gates.agenda() == []

    def test_of_attempts_that_really_failed_change_nothing(self, world: World, shelf: Shelf) -> None:
        """What they left says so."""
        pull = world.proposed()
        world.gated(pull)
        message = world.claimed()
        world.finish(message, Ending(exit_code=1))
        take(world.services, ResultMessage(scan_id=message.spec.scan_id, attempt=AttemptNumber(1)))
        assert world.states(pull) == ["pending", "error"]

    def test_reach_no_gate_that_ended(self, world: World, shelf: Shelf) -> None:
        """Whatever its scan comes to."""
        pull = world.proposed()
        gate = world.gated(pull)
        world.worker.leave(world.claimed(), Ending())
        blind = world.having(attempts=_Blind(world.services.attempts))
        for number in (1, 2, 3):
            body = ResultMessage(scan_id=gate.waits_for[0], attempt=AttemptNumber(number)).model_dump_json()
            poisoned_result(blind.services, body.encode())
        world.change(world.gate(pull), state=GateState.SUPERSEDED)
        serve_again(world, shelf)
        assert world.states(pull) == ["pending", "error"]


class _Blind:
    """Attempts of which nothing that was left is found."""

    def __init__(self, attempts: Any) -> None:
        self._attempts = attempts

    def manifest(self, *_: Any) -> None:
        """Find nothing."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._attempts, name)


class TestWhatCannotBeRead:
    def test_is_sent_only_when_it_is_forced(self, world: World, shelf: Shelf) -> None:
        """It would be poison again."""
        world.services.poison.keep(PoisonQueue.REQUESTS, b'"x"', world.clock())
        item = only(shelf)
        with pytest.raises(Unreadable):
            send_again(shelf, item, world.clock())
        assert sent(world, "scan-requests") == []
        assert len(items(shelf)) == 1
        send_again(shelf, item, world.clock(), force=True)
        assert sent(world, "scan-requests") == ["x"]
        assert items(shelf) == []
