"""Which rules a gate is judged by, and what their file can do to it."""

from scan_core.model.gate import GateState
from scan_core.model.rules import Rules
from tests.flow.scripted_worker import VULNERABLE, Ending
from tests.flow.world import World


def test_rules_that_cannot_be_read_are_an_error_that_says_where(world: World) -> None:
    """File, line, key and the nearest known key; nothing is scanned."""
    pull = world.proposed(rules="# ours\nmax_hihg: 3\n")
    world.gated(pull)
    (status,) = world.shown(pull)
    assert status.state == "error"
    for word in (".scangate.yml", "2", "max_hihg", "max_high"):
        assert word in status.description
    assert world.worker.claim() is None


def test_rules_that_switch_the_gate_off_make_it_not_applicable(world: World) -> None:
    """Nothing is scanned, and the status says why."""
    pull = world.proposed(rules="enabled: false\n")
    world.gated(pull)
    (status,) = world.shown(pull)
    assert (status.state, "enabled: false" in status.description) == ("notApplicable", True)
    assert world.worker.claim() is None


def test_the_source_branch_has_no_say(world: World) -> None:
    """Whoever opens a pull request cannot loosen its rules."""
    repo = world.repository()
    world.push(repo, f"{world.origin.commit({'.scangate.yml': 'enabled: false'}, 'topic')}:refs/heads/topic")
    pull = repo.pull_request("topic")
    world.gated(pull)
    world.scanned(Ending(VULNERABLE))
    assert world.states(pull) == ["pending", "failed"]


def test_without_a_file_the_organisations_defaults_hold(world: World) -> None:
    """And the gate remembers that there was none."""
    lenient = world.having(
        default_rules=Rules(max_secrets=None, thresholds=Rules().thresholds.model_copy(update={"max_critical": 5}))
    )
    pull = world.proposed()
    gate = lenient.gated(pull)
    assert gate.rules is not None
    assert gate.rules.file_sha256 is None
    world.scanned(Ending(VULNERABLE))
    assert world.states(pull) == ["pending", "succeeded"]


def test_a_gate_remembers_which_rules_it_was_judged_by(world: World) -> None:
    """Branch, commit of the branch and the file's hash stand in its row and in the audit."""
    pull = world.proposed(rules="max_critical: 0\n")
    gate = world.gated(pull)
    assert gate.rules is not None
    assert gate.rules.branch == "refs/heads/main"
    assert gate.rules.commit == pull.iterations()[0]["targetRefCommit"]["commitId"]
    world.scanned()
    (line,) = world.audit("verdict")
    assert line["rules_sha256"] == gate.rules.file_sha256 is not None


def test_a_target_branch_that_is_gone_is_asked_for_again_and_ends_as_an_error(world: World) -> None:
    """Only "file not found" means that there is no file; the pull request itself is still there."""
    pull = world.repository().pull_request("topic", "release")
    world.push(pull.repo, ":release")
    gate = world.gated(pull)
    assert gate.state is GateState.OPEN
    assert "delayed" in world.shown(pull)[-1].description
    for _ in range(4):
        world.clock.advance(world.delayed()[-1])
        world.serve()
    assert world.gate(pull).state is GateState.OPEN
    world.clock.advance(3600)
    world.watch()
    assert world.shown(pull)[-1].state == "error"
    assert "release" in world.shown(pull)[-1].description
