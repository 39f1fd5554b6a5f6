"""The gate page: whole for every gate, readable by everyone, and what it tells of each."""

import pytest

from scan_core.model.finding import FoundSecret
from scan_core.model.gate import GateState, Status, StatusState
from scan_core.model.scan import ScanState
from scan_core.model.verdict import Outcome, ReasonCode
from scan_core.report.findings import MOST_ROWS
from scan_core.report.gate_page import GatePage, ScanPage, error_page
from scan_core.report.images import MOST_IMAGE_ROWS
from scan_core.rules.image_names import full_name
from tests.report.builders import (
    BUILD,
    CHECK,
    NOW,
    PLACE,
    SCAN,
    TARGET,
    attempt,
    concluded_scan,
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
from tests.report.document import Document, read
from tests.report.every_gate import EVERY_GATE


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


def test_an_error_page() -> None:
    """Says what is the matter and what to do, and nothing else."""
    document = Document(error_page(403, "This link does not open", "Open the status again. <b>"))
    assert "This link does not open" in document.text
    assert "Open the status again. <b>" in document.text
    assert not document.every("b")
