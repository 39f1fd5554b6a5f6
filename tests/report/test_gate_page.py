"""The gate page: whole for every gate, inert whatever was written into it, readable by everyone."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import scan_core.report
from scan_core.model.finding import Finding, FoundSecret, Severity
from scan_core.model.gate import Gate, GateState, Status, StatusState
from scan_core.model.scan import ScanState
from scan_core.model.verdict import Outcome, Reason, ReasonCode
from scan_core.report.findings import MOST_ROWS, finding_rows
from scan_core.report.gate_page import GatePage, ScanPage, error_page, gate_page, headers
from scan_core.report.images import MOST_IMAGE_ROWS
from scan_core.rules.image_names import full_name
from tests.report.builders import (
    BUILD,
    CHECK,
    NOW,
    PLACE,
    PUSH,
    SCAN,
    TARGET,
    attempt,
    concluded_scan,
    counts,
    decided,
    decision,
    failed_image_page,
    failed_page,
    finding,
    gate,
    image,
    image_gate,
    lost_attempt,
    page,
    reason,
    scan,
    verdict,
)

CSS = (Path(scan_core.report.__file__).parent / "templates" / "page.css").read_text()
HOSTILE = "</style><script>alert(1)</script><img src=x onerror=alert(1)>\"'{{7*7}}\u202e\x00"


class Document(HTMLParser):
    """A page as its elements, attributes and text."""

    def __init__(self, html: str) -> None:
        """Read a page."""
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Keep text."""
        self.text += data

    def every(self, name: str) -> list[dict[str, str | None]]:
        """Return the attributes of each element of a name."""
        return [attributes for tag, attributes in self.tags if tag == name]


def read(view: GatePage) -> Document:
    """Write a page and read it."""
    return Document(gate_page(view))


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


@pytest.mark.parametrize("view", EVERY_GATE.values(), ids=EVERY_GATE.keys())
class TestEveryGate:
    def test_the_page_is_whole(self, view: GatePage) -> None:
        """One heading of the first rank, a language, a title, a main part to skip to, the times' zone."""
        document = read(view)
        assert len(document.every("h1")) == 1
        assert document.every("html") == [{"lang": "en"}]
        assert document.every("main")[0]["id"] == "main"
        assert document.every("a")[0]["href"] == "#main"
        assert "Times are in UTC" in document.text

    def test_ids_and_labels_fit(self, view: GatePage) -> None:
        """Each id stands once and each section is named by a heading."""
        document = read(view)
        ids = [attributes["id"] for _, attributes in document.tags if "id" in attributes]
        assert len(ids) == len(set(ids))
        labels = [attributes["aria-labelledby"] for attributes in document.every("section")]
        assert set(labels) <= set(ids)

    def test_tables_can_be_read_aloud(self, view: GatePage) -> None:
        """Headers have a scope, tables a caption, and roles survive the layout of a phone."""
        document = read(view)
        assert all("scope" in attributes for attributes in document.every("th"))
        assert len(document.every("caption")) == len(document.every("table"))
        assert all(attributes["role"] == "table" for attributes in document.every("table"))

    def test_nothing_acts_and_nothing_is_fetched(self, view: GatePage) -> None:
        """No script, no handler, no style or picture from anywhere."""
        document = read(view)
        assert not {tag for tag, _ in document.tags} & {"script", "img", "iframe", "link", "object", "form", "base"}
        names = {name for _, attributes in document.tags for name in attributes}
        assert not {name for name in names if name.startswith("on")} | (names & {"style", "src"})

    def test_only_what_is_pending_renews_itself(self, view: GatePage) -> None:
        """Every ten seconds while a scan is expected."""
        renewed = [meta for meta in read(view).every("meta") if meta.get("http-equiv") == "refresh"]
        assert renewed == ([{"http-equiv": "refresh", "content": "10"}] if view.gate.state is GateState.OPEN else [])


class TestWhatItTells:
    def test_failed(self) -> None:
        """Verdict, findings, secrets, attempts, rules and where to go."""
        document = read(failed_page())
        for told in (
            "Failed",
            "2 critical findings, at most 0 allowed",
            "What to do next",
            "log4j-core",
            "2.17.1",
            "no fix known",
            "CVE-2021-44228",
            "QID 376157",
            "AWS access key",
            "deploy/settings.ini",
            "The worker ended without a manifest.",
            ".scangate.yml on branch main at commit 9999999.",
            "Scanner:",
        ):
            assert told in document.text
        links = [attributes["href"] or "" for attributes in document.every("a")]
        for wanted in ("sbom.spdx.json", "sbom.cdx.json", "report.sarif.json", "verdict.json", "pullrequest/12"):
            assert any(link.endswith(wanted) for link in links)

    def test_images(self) -> None:
        """Each with digest, platform, build and what was found in it; and what could not be found."""
        document = read(failed_image_page())
        text = " ".join(document.text.split())
        for told in (
            "Images 3",
            "✕ Missing contoso.azurecr.io/team/tool:17 is not in its registry.",
            "contoso.azurecr.io/team/app:17 sha256:aaaaaaaaaaaa… linux/amd64 17 2 critical, 1 low",
            "contoso.azurecr.io/team/app:17 sha256:cccccccccccc… linux/arm64 17 1 critical, 1 low, 1 secret",
            "app/service.jar in layer sha256:dddddddddddd… RUN apt-get update",
            "var/lib/dpkg/status in a layer ADD ubuntu-jammy-rootfs.tar.gz / # base in team/app (linux/amd64), team",
            "var/lib/dpkg/status in layer sha256:eeeeeeeeeeee… in all 3 images",
            "app/.env in team/app (linux/arm64)",
            "of image team/app (linux/amd64)",
            "2 of 3 packages with findings can be had fixed",
        ):
            assert told in text
        titles = [attributes.get("title") for attributes in document.every("code")]
        assert {f"sha256:{digit * 64}" for digit in "abcde"} <= set(titles)

    def test_images_without_a_verdict(self) -> None:
        """What is not known is not said to be nothing."""
        assert (
            "2 critical"
            not in read(EVERY_GATE["images, verdict gone"]).text.partition("Findings")[0].split("Images")[-1]
        )
        assert "not to be had at the moment" in read(EVERY_GATE["images, verdict gone"]).text
        assert "not known yet" in read(EVERY_GATE["images, running"]).text
        assert "Which images these are is not known yet." in read(EVERY_GATE["images, nothing known"]).text
        assert "There are none." in read(EVERY_GATE["images, none there"]).text
        unjudged = image_gate(BUILD, image(), state=GateState.DECIDED, decision=decision(Outcome.ERROR))
        assert "no result" in read(page(unjudged)).text

    def test_many_images(self) -> None:
        """The page stays small."""
        many = tuple(image(f"app{number}") for number in range(MOST_IMAGE_ROWS + 3))
        document = read(page(image_gate(BUILD, *many)))
        assert f"The {MOST_IMAGE_ROWS} worst are shown." in document.text
        assert len(document.every("tr")) == MOST_IMAGE_ROWS + 1

    def test_one_image_is_not_told_from_others(self) -> None:
        """There are none."""
        whole = verdict(Outcome.FAILED, findings=(finding(targets=(full_name(image()),), layer="d" * 64),))
        text = read(page(image_gate(BUILD, image()), verdict=whole)).text
        assert "in layer" in " ".join(text.split())
        assert "in all" not in text

    def test_source_and_image(self) -> None:
        """A check of both tells which of them."""
        both = image_gate(CHECK, image()).model_copy(update={"targets": (TARGET, image()), "waits_for": (SCAN, SCAN)})
        found = (finding(targets=("the source",)), finding(qid="2", targets=("the source", full_name(image()))))
        text = " ".join(read(page(both, verdict=verdict(Outcome.FAILED, findings=found))).text.split())
        assert "in the source service/pom.xml" not in text
        assert "service/pom.xml in the source" in text
        assert "in the source and all images" in text

    def test_no_link_without_a_place_to_go(self) -> None:
        """A gate with nothing to download offers nothing."""
        bare = GatePage(gate=gate(), scans=(ScanPage(scan=scan()),), now=NOW)
        document = read(bare)
        assert [attributes["href"] for attributes in document.every("a")] == ["#main"]
        assert "Reports to download" not in document.text

    def test_pending_says_what_is_happening(self) -> None:
        """In words, with the time."""
        running = scan(ScanState.ACTIVE, lost_attempt(), attempt(2, claimed_at=NOW))
        assert "Attempt 2 of 3 is running since 2026-11-23 12:00:00 UTC" in read(page(gate(), running)).text

    def test_no_nought_where_nothing_is_known(self) -> None:
        """An error does not say that there are no critical findings."""
        failed = page(
            decided(Outcome.ERROR, reason(code=ReasonCode.SCAN_FAILED)), scan(ScanState.FAILED, lost_attempt())
        )
        assert "Informational" not in read(failed).text
        assert "No known vulnerability" not in read(failed).text
        allowed = reason("on_error: allow", code=ReasonCode.ALLOWED_ON_ERROR, blocking=False)
        passed = page(decided(Outcome.PASSED, allowed), verdict=verdict(Outcome.PASSED, allowed))
        assert "Informational" not in read(passed).text
        assert "No known vulnerability" not in read(passed).text

    def test_a_clean_pass_says_so(self) -> None:
        """Nothing found, and it was looked for."""
        clean = page(decided(Outcome.PASSED), concluded_scan(), verdict=verdict(Outcome.PASSED))
        assert "No known vulnerability was found." in read(clean).text

    def test_a_verdict_that_cannot_be_read(self) -> None:
        """The row still knows the numbers."""
        text = read(EVERY_GATE["failed, verdict gone"]).text
        assert "Found: 2 critical. The list is not to be had at the moment." in text

    def test_a_fork_names_both_commits(self) -> None:
        """What was scanned is not what was pushed."""
        text = read(page(gate(place=PLACE.model_copy(update={"commit": "f" * 40})))).text
        assert "fffffff, the merge commit in the target repository" in " ".join(text.split())

    def test_the_posted_status(self) -> None:
        """What the pull request shows, and since when."""
        posted = Status(state=StatusState.PENDING, description="Scanning 1a2b3c4…")
        text = read(page(gate(posted=posted, posted_at=NOW))).text
        assert "Scanning 1a2b3c4…" in text
        text = read(page(gate(posted=posted))).text
        assert "Scanning 1a2b3c4…" in text

    def test_too_many_rows(self) -> None:
        """The page stays small and says where the rest is."""
        many = tuple(finding(qid=str(number)) for number in range(MOST_ROWS + 7))
        secrets = tuple(FoundSecret(kind="key", path="a", line=number) for number in range(MOST_ROWS + 1))
        whole = verdict(Outcome.FAILED, findings=many, secrets=secrets)
        document = read(page(decided(Outcome.FAILED, reason()), verdict=whole))
        assert "The 500 worst of 507 are shown." in document.text
        assert "The first 500 of 501 are shown." in document.text
        assert len(document.every("tr")) == 2 * (MOST_ROWS + 1)

    def test_a_secret_without_a_line(self) -> None:
        """What the scanner did not tell is said to be that."""
        whole = verdict(Outcome.FAILED, secrets=(FoundSecret(kind="key", path="a"),))
        assert "not told" in read(page(decided(Outcome.FAILED, reason()), verdict=whole)).text


class TestRows:
    def test_order(self) -> None:
        """The worst first; within a severity what can be fixed."""
        rows = finding_rows(
            [
                finding(package="c", severity=Severity.LOW),
                finding(package="a", fixed_version=None),
                finding(package="b"),
            ]
        )
        assert [row.package for row in rows] == ["b", "a", "c"]

    @pytest.mark.parametrize("name", ["javascript:alert(1)", "CVE-2021-1", "cve-2021-44228", "CVE-2021-44228/../x", ""])
    def test_only_a_cve_is_linked(self, name: str) -> None:
        """Whatever else stands in its place is text."""
        assert finding_rows([finding(cves=(name,))])[0].cves[0].link is None

    def test_many_places(self) -> None:
        """The first three, and how many follow; also where an image is not the gate's any more."""
        names = {name: f"short {name}" for name in "abcdef"}
        (row,) = finding_rows([finding(targets=("a", "b", "gone", "c", "d"))], names)
        assert row.found_in == "short a, short b, gone and 2 more"
        assert finding_rows([finding(targets=("a",))])[0].found_in is None

    def test_many_cves(self) -> None:
        """The first eight, and how many follow."""
        (row,) = finding_rows([finding(cves=tuple(f"CVE-2021-{number}" for number in range(1000, 1020)))])
        assert (len(row.cves), row.further_cves) == (8, 12)
        shown = verdict(Outcome.FAILED, findings=(finding(cves=("CVE-2021-1000",) * 10),))
        assert "and 2 more" in read(page(decided(Outcome.FAILED, reason()), verdict=shown)).text


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


class TestHeaders:
    def test_only_its_own_style_is_allowed(self) -> None:
        """The policy names the hash of exactly what stands in the page."""
        style = re.search(r"<style>(.*?)</style>", gate_page(failed_page()), re.DOTALL)
        assert style
        digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
        policy = headers()["Content-Security-Policy"]
        assert f"style-src 'sha256-{digest}'" in policy
        assert policy.startswith("default-src 'none'; ")
        assert "frame-ancestors 'none'" in policy

    def test_nothing_is_kept_or_passed_on(self) -> None:
        """Links are permissions: no cache, no referrer, no guessing of types."""
        sent = headers()
        assert sent["Cache-Control"] == "no-store"
        assert sent["Referrer-Policy"] == "no-referrer"
        assert sent["X-Content-Type-Options"] == "nosniff"
        assert sent["Content-Type"] == "text/html; charset=utf-8"

    def test_nobody_changes_them_for_others(self) -> None:
        """Each caller has its own."""
        headers().clear()
        assert headers()


def test_an_error_page() -> None:
    """Says what is the matter and what to do, and nothing else."""
    document = Document(error_page(403, "This link does not open", "Open the status again. <b>"))
    assert "This link does not open" in document.text
    assert "Open the status again. <b>" in document.text
    assert not document.every("b")


def _colours(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block))


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


LIGHT, DARK = (_colours(block) for block in re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)[:2])


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_contrast(colours: dict[str, str]) -> None:
    """Text reaches 4.5 to 1 on every ground it stands on (WCAG 2.2, 1.4.3)."""
    grounds = [name for name in colours if name.endswith("-ground")]
    pairs = [(name.removesuffix("-ground"), name) for name in grounds]
    pairs += [("ink", name) for name in ("page", "card", "soft", *grounds)]
    pairs += [("quiet", name) for name in ("page", "card", "soft")]
    pairs += [("link", "card"), ("good", "card"), ("bad", "card"), ("card", "link")]
    low = {pair: round(_contrast(*(colours[name] for name in pair)), 2) for pair in pairs}
    assert {pair: ratio for pair, ratio in low.items() if ratio < 4.5} == {}
