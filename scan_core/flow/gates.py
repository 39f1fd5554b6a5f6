"""Gates in motion: driven to their verdict, superseded, closed, and let go of their scans."""

from collections.abc import Callable
from datetime import datetime, timedelta

from pydantic import JsonValue

from scan_core.flow import admission, gate_steps, scans
from scan_core.flow.auditing import line, line_of_verdict, owing, settle
from scan_core.flow.change import change_gate
from scan_core.flow.reporting import report
from scan_core.flow.services import Services
from scan_core.model.gate import Decision, Gate, GateState, Look
from scan_core.model.ids import AttemptNumber, GateId, ScanId
from scan_core.model.place import CheckPlace, PullRequestPlace
from scan_core.model.scan import Scan
from scan_core.model.target import ImageTarget
from scan_core.model.verdict import ScanFailure, ScanResult, Verdict
from scan_core.rules.judge import judge
from scan_core.rules.unscanned import timed_out
from scan_core.store.rows import Versioned
from scan_core.telemetry import emit

REASONS_KEPT = 12
"""Reasons that a gate's row keeps; the verdict's blob has all."""
_FINDINGS_TOLD = 5
_IMAGES_TOLD = 10
_PACKAGE_CHARACTERS = 80
_PATIENCE = timedelta(days=8)
"""Longer than anything is looked for."""
_WAITING_WORDS = "No worker finished the scan in time."


def advance(services: Services, gate_id: GateId, line: admission.Line | None = None) -> None:
    """Take every step that a gate can take now, and report it. Repeating it is harmless.

    Args:
        services: The doors to the outside.
        gate_id: The gate.
        line: The scans under way and waiting, where many gates are gone through and one reading does for all.
    """
    row = services.gates.gate(gate_id)
    if row is None:
        return
    gate = row.value
    settle(services, gate)
    if not gate.state.is_current:
        release(services, gate)
        return
    try:
        if gate_steps.expects_answer(gate):
            _seek_answer(services, gate, line or admission.Line(services))
    finally:  # whatever keeps the answer, the deadline holds
        _time_out(services, gate_id)
        report(services, gate_id)


def decide(
    services: Services,
    gate: Gate,
    verdict: Verdict,
    *,
    provisional: bool = False,
    judged: tuple[tuple[ScanId, AttemptNumber], ...] = (),
    taken: Callable[[Gate, Decision], Gate | None] = gate_steps.decided,
    why: str | None = None,
) -> bool:
    """Give a gate its verdict, kept whole in a blob first; unless the gate has come to ask something else meanwhile.

    Args:
        services: The doors to the outside.
        gate: The gate as it was when the verdict was made.
        verdict: The verdict.
        provisional: Whether a later verdict may replace it (a time-out).
        judged: The attempts it was made from.
        taken: The step by which the gate takes it.
        why: Why an earlier verdict does not hold any more, in a word; None where none was looked at again.

    Returns:
        Whether the gate took it.
    """
    earlier = gate_steps.earlier_of(gate)
    decision = Decision(
        number=1 if earlier is None else earlier.number + 1,
        outcome=verdict.outcome,
        reasons=verdict.reasons[:REASONS_KEPT],
        counts=verdict.counts,
        decided_at=verdict.decided_at,
        provisional=provisional,
        verdict_sha256=services.verdicts.write(gate.gate_id, verdict),
        judged=judged,
    )

    owed = line_of_verdict(services, gate, decision, verdict, why)

    def step(row: Gate) -> Gate | None:
        after = taken(row, decision) if gate_steps.asks_the_same(row, gate) else None
        return after and owing(after, owed)

    after = change_gate(services.gates, gate.gate_id, step)
    if after is None:
        return False
    emit(
        "gate_decided",
        gate=gate.gate_id,
        kind=gate.place.kind,
        outcome=decision.outcome,
        provisional=provisional,
        findings=_worst(verdict),
        images=_images(gate),
    )
    settle(services, after)
    return True


def supersede(services: Services, gate_id: GateId) -> None:
    """End a gate in favour of a newer iteration's. Its scans are left to `release`, once the newer gate joined its own.

    Args:
        services: The doors to the outside.
        gate_id: The gate.
    """
    after = change_gate(services.gates, gate_id, lambda row: _ended(services, gate_steps.superseded(row), "newer"))
    if after is not None:
        emit("gate_superseded", gate=gate_id)
        settle(services, after)


def close(services: Services, gate: Gate, why: str) -> None:
    """End a gate with its pull request, and stop work that nobody else waits for.

    Args:
        services: The doors to the outside.
        gate: The gate.
        why: What became of the pull request, in a word.
    """
    after = change_gate(services.gates, gate.gate_id, lambda row: _ended(services, gate_steps.closed(row), why))
    if after is not None:
        emit("gate_closed", gate=gate.gate_id, why=why)
        settle(services, after)
        release(services, after)


def _worst(verdict: Verdict) -> list[JsonValue]:
    """Name the worst findings of a verdict, for charts; its blob has all. A package is told once, wherever it lies."""
    told: dict[tuple[str, str], dict[str, JsonValue]] = {}
    for finding in verdict.findings:
        if len(told) == _FINDINGS_TOLD:
            break
        told[finding.qid, finding.package] = {
            "qid": finding.qid,
            "cve": finding.cves[0] if finding.cves else None,
            "package": finding.package[:_PACKAGE_CHARACTERS],
            "severity": int(finding.severity),
        }
    return [*told.values()]


def _images(gate: Gate) -> list[JsonValue]:
    """Name the images that a gate is about, without their digests, for charts."""
    named = dict.fromkeys(f"{one.registry}/{one.repository}" for one in gate.targets if isinstance(one, ImageTarget))
    return list[JsonValue](named)[:_IMAGES_TOLD]


def _ended(services: Services, ended: Gate | None, why: str) -> Gate | None:
    return ended and owing(ended, line(ended, ended.state, services.now(), {"why": why}))


def release(services: Services, gate: Gate) -> None:
    """Let an ended gate go of its scans, and stop work that nobody else waits for.

    Args:
        services: The doors to the outside.
        gate: The gate, superseded or closed.
    """
    if gate.released:
        return
    scans.leave_all(services, gate)
    change_gate(services.gates, gate.gate_id, gate_steps.released)


def under(services: Services, look: Look) -> list[Versioned[Gate]]:
    """Read every gate that a look may lead to.

    Args:
        services: The doors to the outside.
        look: The look.

    Returns:
        The gates in its own partition, and those of a branch's commits that it names.
    """
    named = [services.gates.gate(gate_id) for gate_id in (look.current, *look.ending) if gate_id is not None]
    return [*services.gates.gates_of(look.of.subject), *(row for row in named if row is not None)]


def needs_attention(gate: Gate, unreported: object) -> bool:
    """Tell whether a gate still needs a step from somebody.

    Args:
        gate: The gate.
        unreported: What it should show and does not; None = nothing.

    Returns:
        Whether it has to stay on the agenda.
    """
    if gate.unaudited:
        return True
    if not gate.state.is_current:
        return not gate.released
    return gate_steps.expects_answer(gate) or unreported is not None


def _seek_answer(services: Services, gate: Gate, line: admission.Line) -> None:
    wanted = scans.wanted_by(gate)
    joined = [scan for scan in (scans.join(services, each) for each in wanted) if scan is not None]
    ended = [scan for scan in joined if scans.has_ended(scan)]
    is_told = bool(wanted or gate.missing)
    if is_told and len(ended) == len(wanted):
        _judge(services, gate, [scans.outcome(services, scan) for scan in ended])
    else:
        _place(services, gate, [scan for scan in joined if admission.may_wait(scan)], line)
    if _left_meanwhile(services, gate):
        for scan in wanted:
            scans.leave(services, scan.scan_id, gate.gate_id)


def _place(services: Services, gate: Gate, waiting: list[Scan], line: admission.Line) -> None:
    places = [line.ahead(scan.scan_id) for scan in waiting]
    ahead = max((place for place in places if place is not None), default=None)
    change_gate(services.gates, gate.gate_id, lambda row: gate_steps.placed(row, ahead))


def _time_out(services: Services, gate_id: GateId) -> None:
    row = services.gates.gate(gate_id)
    if row is not None and _is_past_hope(row.value, services.now()):
        change_gate(services.gates, gate_id, gate_steps.made_final)
    elif row is not None and _is_late(row.value, services.now()):
        verdict = timed_out(row.value.rules, row.value.problem or _WAITING_WORDS, services.now())
        # A check is answered once: no later verdict can replace what it was told.
        decide(services, row.value, verdict, provisional=not isinstance(row.value.place, CheckPlace))


def _judge(services: Services, gate: Gate, ends: list[ScanResult | ScanFailure]) -> None:
    if gate.rules is None:
        return
    judged = tuple((end.scan_id, end.attempt) for end in ends if isinstance(end, ScanResult))
    gaps = [ScanFailure(scan_id=None, sentence=sentence) for sentence in gate.missing]
    images = {scan.scan_id: scan.target for scan in scans.wanted_by(gate) if isinstance(scan.target, ImageTarget)}
    decide(services, gate, judge([*ends, *gaps], gate.rules, services.now(), images), judged=judged)


def _is_late(gate: Gate, now: datetime) -> bool:
    return gate.state is GateState.OPEN and now >= gate_steps.time_out_at(gate)


def _is_past_hope(gate: Gate, now: datetime) -> bool:
    """Tell whether nobody looks any more for what a gate should be judged by. A pull request's ends by itself."""
    is_told = bool(gate.waits_for or gate.missing)
    return not isinstance(gate.place, PullRequestPlace) and not is_told and now - gate.accepted_at > _PATIENCE


def _left_meanwhile(services: Services, gate: Gate) -> bool:
    """Tell whether a gate ended while it was joining, when its release may have come too early."""
    row = services.gates.gate(gate.gate_id)
    return row is not None and not row.value.state.is_current
