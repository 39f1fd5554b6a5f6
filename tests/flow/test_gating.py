"""From an event to a verdict on the pull request, when nothing goes wrong."""

from scan_core.flow.pull_request_steps import iteration_of
from scan_core.model.attempt import AttemptError, AttemptErrorKind, ResultMessage
from scan_core.model.gate import GateState
from scan_core.model.ids import AttemptNumber
from scan_core.model.scan import ScanState
from scan_core.model.verdict import Outcome
from tests.builders import source_of
from tests.flow.fakes import Meddling
from tests.flow.scripted_worker import VULNERABLE, Ending
from tests.flow.world import ORG, Shown, World


class TestNewPullRequest:
    def test_is_pending_queued_and_a_worker_is_asked_for(self, world: World) -> None:
        """The gate stands, the status waits, one attempt lies in the queue."""
        pull = world.proposed()
        gate = world.gated(pull)
        assert gate.state is GateState.OPEN
        assert world.shown(pull) == [Shown(1, "pending", f"Scanning {iteration_of(gate).source_commit[:7]}…")]
        assert world.scan(gate).state is ScanState.ACTIVE
        assert world.scan(gate).current.queued_at == world.clock()
        message = world.claimed()
        assert (source_of(message.spec.target).commit, message.spec.attempt) == (iteration_of(gate).source_commit, 1)
        assert (message.spec.clone_url or "").startswith(world.sim.url.rstrip("/"))
        assert world.runner.starts == 1

    def test_is_on_the_agenda_before_anything_is_asked_of_azure_devops(self, world: World) -> None:
        """A process that dies at its first call has already written who waits."""
        pull = world.proposed()
        seen: list[int] = []
        meddled = world.with_devops(
            lambda devops: Meddling(
                devops, "pull_request", before=lambda: seen.append(len(world.services.gates.agenda()))
            )
        )
        meddled.gated(pull)
        look = world.services.gates.look(world.ref(pull).subject)
        assert seen == [1]
        assert look is not None
        assert look.value.served

    def test_passes_when_its_scan_is_clean(self, world: World) -> None:
        """The status says so, the verdict is kept whole, the audit has a line for it and for the post."""
        pull = world.proposed()
        world.gated(pull)
        world.scanned()
        gate = world.gate(pull)
        assert [status.state for status in world.shown(pull)] == ["pending", "succeeded"]
        assert gate.decision is not None
        assert gate.decision.verdict_sha256 is not None
        verdict = world.services.verdicts.read(gate.gate_id, gate.decision.verdict_sha256)
        assert verdict is not None
        assert verdict.outcome is Outcome.PASSED
        (line,) = world.audit("verdict")
        assert (line["outcome"], line["commit"]) == ("passed", iteration_of(gate).source_commit)
        assert [line["state"] for line in world.audit("report")] == ["pending", "succeeded"]

    def test_fails_on_a_critical_finding(self, world: World) -> None:
        """The default rules allow none."""
        pull = world.proposed()
        world.gated(pull)
        world.scanned(Ending(VULNERABLE))
        (_, last) = world.shown(pull)
        assert (last.iteration, last.state) == (1, "failed")
        assert "1 critical finding" in last.description

    def test_leaves_the_agenda_once_nothing_is_left_to_do(self, world: World) -> None:
        """The watch does not go round what is settled."""
        world.gated(world.proposed())
        world.scanned()
        assert len(world.services.gates.agenda()) == 1
        world.watch()
        assert world.services.gates.agenda() == []

    def test_stays_on_the_agenda_when_touched_while_the_watch_looks(self, world: World) -> None:
        """Whoever touches it is about to write a row that needs attention."""
        pull = world.proposed()
        world.gated(pull)
        world.scanned()
        subject = world.ref(pull).subject
        touching = Meddling(
            world.services.gates,
            "gates_of",
            before=lambda: world.services.gates.touch(subject, world.clock()),
        )
        world.having(gates=touching).watch()
        assert len(world.services.gates.agenda()) == 1


class TestRepeats:
    def test_a_request_delivered_three_times_makes_one_gate_one_attempt_and_one_status(self, world: World) -> None:
        """Hooks are delivered at least once."""
        pull = world.proposed()
        for _ in range(3):
            world.hook(pull)
        world.serve()
        assert world.states(pull) == ["pending"]
        assert world.scan(world.gate(pull)).current.number == 1
        world.scanned()
        assert world.worker.claim() is None

    def test_a_request_after_the_verdict_changes_nothing(self, world: World) -> None:
        """Pending is never posted for a decided gate."""
        pull = world.proposed()
        request = world.hook(pull)
        world.serve()
        world.scanned()
        world.queues.send_request(request)
        world.serve()
        assert world.states(pull) == ["pending", "succeeded"]

    def test_a_result_delivered_three_times_is_judged_once(self, world: World) -> None:
        """One verdict, one status, one line in the audit."""
        pull = world.proposed()
        world.gated(pull)
        message = world.claimed()
        result = world.worker.leave(message, Ending())
        for _ in range(3):
            world.worker.announce(message, result)
        world.receive_results()
        assert world.take_results() == 3
        assert world.states(pull) == ["pending", "succeeded"]
        assert len(world.audit("verdict")) == 1

    def test_a_result_of_an_unknown_scan_is_dropped(self, world: World) -> None:
        """The message is a hint, not a proof."""
        pull = world.proposed()
        world.gated(pull)
        message = world.claimed()
        result = world.worker.leave(message, Ending())
        world.results.append(result.model_copy(update={"scan_id": "0" * 40}))
        world.results.append(result.model_copy(update={"attempt": 7}))
        world.take_results()
        assert world.states(pull) == ["pending"]

    def test_a_result_before_its_manifest_is_not_believed(self, world: World) -> None:
        """Only what stands in storage counts."""
        pull = world.proposed()
        world.gated(pull)
        message = world.claimed()
        world.results.append(ResultMessage(scan_id=message.spec.scan_id, attempt=AttemptNumber(1)))
        world.take_results()
        assert world.scan(world.gate(pull)).state is ScanState.ACTIVE
        assert world.states(pull) == ["pending"]


class TestSharing:
    def test_two_pull_requests_of_one_commit_share_one_scan(self, world: World) -> None:
        """Equal work runs once, and both are answered."""
        repo = world.repository()
        pulls = [repo.pull_request("topic"), repo.pull_request("topic", "release")]
        gates = [world.gated(pull) for pull in pulls]
        assert gates[0].waits_for == gates[1].waits_for
        world.scanned()
        assert world.worker.claim() is None
        assert [world.states(pull) for pull in pulls] == [["pending", "succeeded"]] * 2

    def test_a_fresh_result_is_judged_at_once_without_a_pending_after(self, world: World) -> None:
        """Nothing is queued, and the first status is the verdict."""
        repo = world.repository()
        world.gated(repo.pull_request("topic"))
        world.scanned()
        world.clock.advance(24 * 3600)
        second = repo.pull_request("topic", "release")
        world.gated(second)
        assert world.states(second) == ["succeeded"]
        assert world.worker.claim() is None

    def test_a_stale_result_is_scanned_again(self, world: World) -> None:
        """What is known of vulnerabilities changes by the day."""
        repo = world.repository()
        world.gated(repo.pull_request("topic"))
        world.scanned()
        world.clock.advance(24 * 3600 + 1)
        second = repo.pull_request("topic", "release")
        world.gated(second)
        assert world.states(second) == ["pending"]
        assert world.scanned(Ending(VULNERABLE)).spec.attempt == 2
        assert world.states(second) == ["pending", "failed"]

    def test_a_result_of_another_scanner_version_is_scanned_again(self, world: World) -> None:
        """A newer scanner may find more."""
        repo = world.repository()
        world.gated(repo.pull_request("topic"))
        world.scanned()
        newer = world.with_settings(scanner_version="9.9.9")
        second = repo.pull_request("topic", "release")
        newer.gated(second)
        assert world.states(second) == ["pending"]

    def test_another_gate_tries_a_failed_scan_again(self, world: World) -> None:
        """What failed for one may end better for the next; the first keeps its error."""
        repo = world.repository()
        first = repo.pull_request("topic")
        world.gated(first)
        error = AttemptError(kind=AttemptErrorKind.SCANNER_FAILED, sentence="QScanner failed.")
        world.scanned(Ending(None, exit_code=1, error=error))
        second = repo.pull_request("topic", "release")
        world.gated(second)
        world.scanned()
        assert (world.states(first)[-1], world.states(second)[-1]) == ("error", "succeeded")


def test_the_adapter_is_asked_for_by_the_organisations_name(world: World) -> None:
    """One app serves several organisations."""
    asked: list[str] = []
    devops = world.services.devops

    def noting(organisation: str) -> object:
        asked.append(organisation)
        return devops(ORG)

    world.having(devops=noting).gated(world.proposed())
    assert set(asked) == {ORG}
