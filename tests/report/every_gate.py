"""A page for every state that a gate can be in."""

from scan_core.model.gate import GateState
from scan_core.model.scan import ScanState
from scan_core.model.verdict import Outcome, ReasonCode
from tests.report.builders import (
    BUILD,
    CHECK,
    NOW,
    PUSH,
    attempt,
    concluded_scan,
    counts,
    decided,
    decision,
    failed_image_page,
    failed_page,
    gate,
    image,
    image_gate,
    lost_attempt,
    page,
    reason,
    scan,
    verdict,
)

HOSTILE = "</style><script>alert(1)</script><img src=x onerror=alert(1)>\"'{{7*7}}\u202e\x00"
EVERY_GATE = {
    "open, nothing known": page(gate(rules=None)),
    "open, running": page(gate(), scan(ScanState.ACTIVE, lost_attempt(), attempt(2, claimed_at=NOW))),
    "open, delayed": page(gate(problem=HOSTILE), scan()),
    "draft": page(gate(GateState.WAITING)),
    "superseded": page(gate(GateState.SUPERSEDED), scan(ScanState.STOPPING)),
    "closed": page(gate(GateState.CLOSED)),
    "failed": failed_page(),
    "failed, verdict gone": page(decided(Outcome.FAILED, reason(), counts=counts(critical=2))),
    "passed": page(decided(Outcome.PASSED), concluded_scan(), verdict=verdict(Outcome.PASSED)),
    "error without a scan": page(decided(Outcome.ERROR, reason(code=ReasonCode.RULES_UNREADABLE))),
    "images, nothing known": page(image_gate(BUILD)),
    "images, running": page(image_gate(CHECK, image(), image("web")), scan()),
    "images, failed": failed_image_page(),
    "images, verdict gone": failed_image_page(BUILD).model_copy(update={"verdict": None}),
    "images, none there": page(image_gate(CHECK, state=GateState.DECIDED, decision=decision(Outcome.ERROR))),
    "push": page(gate(place=PUSH), scan()),
    "not applicable": page(decided(Outcome.NOT_APPLICABLE), verdict=verdict(Outcome.NOT_APPLICABLE)),
}
