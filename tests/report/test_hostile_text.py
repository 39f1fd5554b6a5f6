"""Text by strangers: whatever was written into a finding, a page has no element of its making."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from scan_core.model.finding import Finding, FoundSecret, Severity
from scan_core.model.gate import Gate, GateState
from scan_core.model.verdict import Outcome, Reason, ReasonCode
from scan_core.report.gate_page import GatePage, gate_page
from tests.report.builders import (
    BUILD,
    NOW,
    concluded_scan,
    decided,
    decision,
    finding,
    gate,
    image,
    image_gate,
    page,
    reason,
    verdict,
)
from tests.report.document import Document, read
from tests.report.every_gate import HOSTILE

foreign = st.text(max_size=60) | st.just(HOSTILE)
foreign_findings = st.builds(
    Finding,
    qid=foreign,
    package=foreign,
    installed_version=foreign,
    path=foreign,
    severity=st.sampled_from(Severity),
    title=foreign,
    cves=st.tuples(foreign),
    fixed_version=st.none() | foreign,
    layer_command=foreign.filter(bool),
    targets=st.tuples(foreign),
)
PLAIN_SECRET = FoundSecret(kind="x", path="x")


def hostile_gate(text: str, why: Reason) -> Gate:
    """Build a gate of images, one of which is missing for a reason by somebody else."""
    given = decision(Outcome.FAILED, why)
    return image_gate(BUILD, image(), image("web"), state=GateState.DECIDED, decision=given, missing=(text,))


def like(hostile: Finding) -> Finding:
    """Build the harmless twin of a finding."""
    words: dict[str, Any] = dict.fromkeys(
        ("qid", "package", "installed_version", "path", "title", "layer_command"), "x"
    )
    cves = tuple(name if name.startswith("CVE") else "x" for name in hostile.cves)
    fixed = "x" if hostile.fixed_version else None
    return hostile.model_copy(update=words | {"cves": cves, "fixed_version": fixed})


class TestHostileText:
    @settings(max_examples=50)
    @given(st.lists(foreign_findings, min_size=1, max_size=3), foreign)
    def test_every_text_stays_text(self, findings: list[Finding], text: str) -> None:
        """No element and no attribute comes from what was written, and nothing invisible either."""
        secret = FoundSecret(kind=text, path=text)
        why = Reason(code=ReasonCode.COUNT, text=text, blocking=True)
        whole = verdict(Outcome.FAILED, why, findings=tuple(findings), secrets=(secret,))
        html = gate_page(page(hostile_gate(text, why), concluded_scan(), verdict=whole))
        plain = verdict(Outcome.FAILED, reason("x"), findings=tuple(map(like, findings)), secrets=(PLAIN_SECRET,))
        same = gate_page(page(hostile_gate("x", reason("x")), concluded_scan(), verdict=plain))
        assert Document(html).tags == Document(same).tags
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", html)

    def test_templates_do_not_read_it(self) -> None:
        """A template's syntax in a finding is text."""
        whole = verdict(Outcome.FAILED, findings=(finding(title="{{ 7 * 7 }}{% raw %}"),))
        assert "{{ 7 * 7 }}{% raw %}" in read(page(decided(Outcome.FAILED, reason()), verdict=whole)).text

    def test_endless_text_is_cut(self) -> None:
        """One field cannot make a page of a hundred megabytes."""
        whole = verdict(Outcome.FAILED, findings=(finding(title="x" * 1_000_000),))
        assert len(gate_page(page(decided(Outcome.FAILED, reason()), verdict=whole))) < 60_000

    @pytest.mark.parametrize("link", ["javascript:alert(1)", "data:text/html,x", "//elsewhere/", "x", "", " /x"])
    def test_a_link_is_a_path_or_an_address(self, link: str) -> None:
        """Nothing else becomes one."""
        with pytest.raises(ValidationError):
            GatePage(gate=gate(), now=NOW, verdict_link=link)
