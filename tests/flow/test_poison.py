"""Messages that failed again and again: who waits is told, and nothing here ever throws."""

import pytest
from azure.core.exceptions import AzureError

from scan_core.flow.poison import note_defect, poisoned_request, poisoned_result
from scan_core.model.attempt import ResultMessage
from scan_core.model.gate import GateState
from scan_core.model.ids import AttemptNumber, ScanId
from scan_core.model.request import RequestMessage
from scan_core.model.subject import Check
from tests.flow.builds import APP
from tests.flow.fakes import Meddling
from tests.flow.scripted_worker import Ending
from tests.flow.waiting_checks import started, waiting
from tests.flow.world import World
from tests.local.devops.driver import Receiver
from tests.wired import refuse


def fail() -> None:
    """Be a defect."""
    raise RuntimeError("a defect")


class TestRequests:
    @pytest.mark.parametrize("body", [b"", b"\xff", b"{}", b'{"kind":"pull_request"}'])
    def test_that_cannot_be_read_are_audited(self, body: bytes, world: World) -> None:
        """Nobody is named in them, so nobody can be told."""
        poisoned_request(world.services, body)
        assert [(line["queue"], line["why"]) for line in world.audit("poison")] == [("scan-requests", "unreadable")]

    def test_end_gates_that_wait_for_nothing_with_an_error(self, world: World) -> None:
        """Whoever looks at the pull request sees that something is wrong with Scangate, not with the change."""
        pull = world.proposed()
        request = world.hook(pull)
        defective = world.with_devops(lambda devops: Meddling(devops, "file_on_branch", before=fail, times=9))
        with pytest.raises(RuntimeError):
            defective.serve()
        poisoned_request(world.services, RequestMessage.dump_json(request))
        (status,) = world.shown(pull)
        assert (status.state, "operators" in status.description) == ("error", True)
        world.queues.requests.clear()
        world.watch()
        assert world.services.gates.agenda() == []

    def test_leave_gates_alone_that_wait_for_a_scan(self, world: World) -> None:
        """Its result, or the deadline, ends them."""
        pull = world.proposed()
        request = world.hook(pull)
        world.serve()
        poisoned_request(world.services, RequestMessage.dump_json(request))
        assert world.gate(pull).state is GateState.OPEN
        world.scanned()
        assert world.states(pull) == ["pending", "succeeded"]

    def test_about_a_project_are_audited(self, world: World) -> None:
        """There is no gate to end."""
        request = world.project_hook(world.project)
        poisoned_request(world.services, RequestMessage.dump_json(request))
        assert [line["request"] for line in world.audit("poison")] == [request.request_id]

    def test_never_throw(self, world: World) -> None:
        """A poison queue has no further poison queue."""
        pull = world.proposed()
        broken = world.having(gates=Meddling(world.services.gates, "look", before=fail))
        poisoned_request(broken.services, RequestMessage.dump_json(world.request(pull)))

    def test_come_back_while_storage_is_out_of_reach(self, world: World) -> None:
        """Nothing of them is kept yet, and the host would delete what ends well."""
        request = RequestMessage.dump_json(world.request(world.proposed()))
        for door, method in (("poison", "keep"), ("gates", "look")):
            away = world.having(**{door: Meddling(getattr(world.services, door), method, before=refuse)})
            with pytest.raises(AzureError):
                poisoned_request(away.services, request)

    def test_are_put_aside(self, world: World) -> None:
        """Whether or not they can be read; how often they came is counted."""
        bodies = [b"{", RequestMessage.dump_json(world.request(world.proposed()))]
        for body in (*bodies, bodies[1]):
            poisoned_request(world.services, body)
        kept = {message.content: message.times for message in world.services.poison.kept()}
        assert (kept[bodies[0]], kept[bodies[1]]) == (1, 2)

    def test_are_told_though_they_cannot_be_put_aside(self, world: World, caplog: pytest.LogCaptureFixture) -> None:
        """Storage may refuse the one and not the other."""
        request = world.project_hook(world.project)
        broken = world.having(poison=Meddling(world.services.poison, "keep", before=fail))
        poisoned_request(broken.services, RequestMessage.dump_json(request))
        assert "poison_not_handled" in caplog.text
        assert "message_poisoned" in caplog.text
        assert [line["request"] for line in world.audit("poison")] == [request.request_id]

    def test_name_the_cause_where_it_is_known(self, world: World) -> None:
        """The last try left it with the look."""
        pull = world.proposed()
        request = world.hook(pull)
        defective = world.with_devops(lambda devops: Meddling(devops, "file_on_branch", before=fail, times=9))
        with pytest.raises(RuntimeError) as caught:
            defective.serve()
        note_defect(world.services, request, caught.value)
        poisoned_request(world.services, RequestMessage.dump_json(request))
        assert "(RuntimeError)" in world.shown(pull)[-1].description

    def test_that_were_served_meanwhile_have_no_cause(self, world: World) -> None:
        """Neither has one that a newer one overtakes, or that nobody looked at."""
        pull = world.proposed()
        request = world.request(pull)
        note_defect(world.services, request, RuntimeError("a defect"))
        world.gated(pull)
        note_defect(world.services, request, RuntimeError("a defect"))
        note_defect(world.services, world.project_hook(world.project), RuntimeError("a defect"))
        row = world.services.gates.look(world.ref(pull).subject)
        assert row is not None
        assert row.value.problem is None


class TestChecks:
    def test_that_nobody_took_are_looked_at_once_more(self, world: World, receiver: Receiver) -> None:
        """Settings were wrong for a while; there is no row yet that could be answered."""
        stage, check = waiting(started(world, APP), receiver)
        request = world.ask(check)
        world.queues.requests.clear()
        poisoned_request(world.services, RequestMessage.dump_json(request))
        world.run_until_quiet()
        assert stage.result() == "succeeded"

    def test_that_fail_once_more_are_answered_with_an_error(self, world: World, receiver: Receiver) -> None:
        """There is a defect: nobody is sent round in circles, and nobody waits for ever."""
        stage, check = waiting(started(world, APP), receiver)
        body = RequestMessage.dump_json(world.ask(check))
        world.queues.requests.clear()
        poisoned_request(world.services, body)
        broken = world.having(gates=Meddling(world.services.gates, "insert_gate", before=fail))
        with pytest.raises(RuntimeError):
            broken.serve()
        world.queues.requests.clear()
        poisoned_request(world.services, body)
        assert world.queues.requests == []
        assert stage.result() == "failed"
        look = world.services.gates.look(check.subject)
        assert look is not None
        assert isinstance(look.value.of, Check)
        assert (look.value.served, look.value.of.sealed_token) == (True, None)


class TestResults:
    @pytest.mark.parametrize("body", [b"", b"{}", b'{"scan_id": "x", "attempt": 0}'])
    def test_that_cannot_be_read_are_audited(self, body: bytes, world: World) -> None:
        """Any worker may add to that queue."""
        poisoned_result(world.services, body)
        assert [line["queue"] for line in world.audit("poison")] == ["scan-results"]

    def test_of_unknown_scans_are_audited(self, world: World) -> None:
        """Nobody waits for them."""
        unknown = ResultMessage(scan_id=ScanId("0" * 40), attempt=AttemptNumber(1))
        poisoned_result(world.services, unknown.model_dump_json().encode())
        assert len(world.audit("poison")) == 1

    def test_open_the_next_attempt(self, world: World) -> None:
        """And the gate goes on waiting for it."""
        pull = world.proposed()
        gate = world.gated(pull)
        message = world.claimed()
        said = ResultMessage(scan_id=message.spec.scan_id, attempt=AttemptNumber(1))
        poisoned_result(world.services, said.model_dump_json().encode())
        assert world.scan(gate).current.number == 2
        world.run_until_quiet()
        assert world.states(pull) == ["pending", "succeeded"]

    def test_that_can_be_taken_after_all_are(self, world: World) -> None:
        """What stood in the way may be gone."""
        pull = world.proposed()
        world.gated(pull)
        said = world.worker.leave(world.claimed(), Ending())
        poisoned_result(world.services, said.model_dump_json().encode())
        assert world.states(pull) == ["pending", "succeeded"]

    def test_of_the_last_attempt_end_the_gate_with_an_error(self, world: World) -> None:
        """After three, there is no further one."""
        pull = world.proposed()
        gate = world.gated(pull)
        for number in (1, 2, 3):
            said = ResultMessage(scan_id=gate.waits_for[0], attempt=AttemptNumber(number))
            poisoned_result(world.services, said.model_dump_json().encode())
        assert world.states(pull) == ["pending", "error"]

    def test_never_throw(self, world: World) -> None:
        """As above."""
        broken = world.having(scans=Meddling(world.services.scans, "read", before=fail))
        unknown = ResultMessage(scan_id=ScanId("0" * 40), attempt=AttemptNumber(1))
        poisoned_result(broken.services, unknown.model_dump_json().encode())
