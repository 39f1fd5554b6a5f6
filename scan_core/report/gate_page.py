"""The page that a gate's status links to; there is one for every gate, also for one without a scan."""

from typing import Annotated

from pydantic import Field

from scan_core.model.gate import Decision, Gate, GateState
from scan_core.model.scan import Scan
from scan_core.model.subject import StatusName
from scan_core.model.value import Moment, Value
from scan_core.model.verdict import Outcome, Reason, ReasonCode, SeverityCounts, Verdict
from scan_core.report.advice import fixes
from scan_core.report.counts import SEVERITIES, in_words
from scan_core.report.findings import MOST_ROWS, finding_rows, secret_rows
from scan_core.report.gist import has
from scan_core.report.headline import headline
from scan_core.report.images import MOST_IMAGE_ROWS, image_rows, names_in_findings, scan_names
from scan_core.report.place_words import kinds, place_words
from scan_core.report.progress import attempt_lines, progress
from scan_core.report.rendering import headers as page_headers
from scan_core.report.rendering import rendered
from scan_core.report.rules_words import read_from, rules_in_words

Link = Annotated[str, Field(pattern=r"^(/[A-Za-z0-9]|https?://)")]
"""A path on our own host or a web address; never a script."""


class ScanPage(Value):
    """A scan that the gate waits or waited for, and where its reports can be had."""

    scan: Scan
    sarif: Link | None = None
    spdx: Link | None = None
    cyclonedx: Link | None = None


class GatePage(Value):
    """Everything that a gate's page tells."""

    gate: Gate
    verdict: Verdict | None = None
    """The whole verdict; None where there is none yet, or where it cannot be read any more."""
    scans: tuple[ScanPage, ...] = ()
    verdict_link: Link | None = None
    place_link: Link | None = None
    attempts_allowed: int = 3
    now: Moment


def gate_page(view: GatePage) -> str:
    """Write a gate's page.

    Args:
        view: The gate and what belongs to it.

    Returns:
        An HTML document; to be sent with `headers`.
    """
    gate, verdict = view.gate, view.verdict
    rules = (verdict.rules if verdict else None) or gate.rules
    judged = _is_judged(gate.decision)
    names, scans = names_in_findings(gate), scan_names(gate, (one.scan for one in view.scans))
    return rendered(
        "gate.html.j2",
        page=view,
        gate=gate,
        place=place_words(gate),
        organisation=gate.place.organisation,
        top=headline(gate),
        fixes=fixes(gate, verdict) if verdict else (),
        reasons=_reasons(view),
        tiles=_tiles(_counts(view), judged=judged),
        found=in_words(_counts(view)),
        verdict=verdict,
        judged=judged,
        images=image_rows(gate, verdict) if StatusName.IMAGE in kinds(gate) else None,
        image_number=sum(target.kind == "image" for target in gate.targets),
        most_images=MOST_IMAGE_ROWS,
        findings=finding_rows(verdict.findings, names) if verdict else (),
        secrets=secret_rows(verdict.secrets, names) if verdict else (),
        names=names,
        most_rows=MOST_ROWS,
        scans=[_scan(one, view, scans[one.scan.scan_id]) for one in view.scans],
        rules_place=read_from(rules) if rules else None,
        rules=rules_in_words(rules.rules, kinds(gate)) if rules else (),
        renew=gate.state is GateState.OPEN,
    )


def error_page(status: int, title: str, sentence: str) -> str:
    """Write the page of something that cannot be shown.

    Args:
        status: The HTTP status it is sent with.
        title: What is the matter, in a few words.
        sentence: What to do about it.

    Returns:
        An HTML document; to be sent with `headers`.
    """
    return rendered("error.html.j2", status=status, title=title, sentence=sentence)


def headers() -> dict[str, str]:
    """Name the headers of every page here.

    Returns:
        A new dictionary of header names and values, the content type among them.
    """
    return dict(page_headers())


def _reasons(view: GatePage) -> tuple[Reason, ...]:
    if view.gate.state is not GateState.DECIDED or view.gate.decision is None:
        return ()
    return tuple(sorted(view.gate.decision.reasons, key=lambda reason: not reason.blocking))


def _counts(view: GatePage) -> SeverityCounts:
    if view.verdict:
        return view.verdict.counts
    return view.gate.decision.counts if view.gate.decision else SeverityCounts()


def _is_judged(decision: Decision | None) -> bool:
    """Whether no findings means that there are none."""
    if decision is None or decision.outcome not in {Outcome.PASSED, Outcome.FAILED}:
        return False
    return not has(decision, ReasonCode.ALLOWED_ON_ERROR) and not has(decision, ReasonCode.NOTHING_TO_JUDGE)


def _tiles(counts: SeverityCounts, *, judged: bool) -> tuple[tuple[str, int], ...]:
    """Numbers to look at; none where nothing is known, since a nought would say that nothing is there."""
    numbers = tuple((name, getattr(counts, name)) for name in (*SEVERITIES, "secrets"))
    return numbers if judged or any(number for _, number in numbers) else ()


def _scan(one: ScanPage, view: GatePage, named: tuple[str, str]) -> dict[str, object]:
    downloads = (
        ("SARIF", "findings, for code viewers", one.sarif),
        ("SPDX", "bill of materials", one.spdx),
        ("CycloneDX", "bill of materials", one.cyclonedx),
    )
    return {
        "row": one.scan,
        "kind": named[0],
        "name": named[1],
        "progress": progress(one.scan, view.attempts_allowed, view.now),
        "attempts": attempt_lines(one.scan, view.now),
        "downloads": [(name, what, link) for name, what, link in downloads if link],
        "version": one.scan.conclusion.scanner_version if one.scan.conclusion else None,
    }
