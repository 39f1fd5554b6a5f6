"""What is said of each place: named, judged, queued, ended, and what to do there."""

import pytest

from scan_core.model.finding import Severity
from scan_core.model.gate import Gate, GateState
from scan_core.model.place import Place
from scan_core.model.rules import ImageRule, OnNothing, Rules, RulesRead
from scan_core.model.subject import StatusName
from scan_core.model.verdict import Outcome, ReasonCode
from scan_core.report.advice import advice, fixes
from scan_core.report.headline import headline
from scan_core.report.place_words import kinds, place_words
from scan_core.report.rules_words import read_from, rules_in_words
from scan_core.report.texts import status_for
from tests.report.builders import (
    BUILD,
    CHECK,
    IMAGES_OF_COMMIT,
    IMAGES_OF_PULL_REQUEST,
    PLACE,
    PUSH,
    TARGET,
    decision,
    failed_image_page,
    finding,
    gate,
    image,
    image_gate,
    reason,
    verdict,
)

LOST = CHECK.model_copy(update={"check": CHECK.check.model_copy(update={"build_id": None}), "commit": None})
BOTH = CHECK.model_copy(update={"check": CHECK.check.model_copy(update={"judges": tuple(StatusName)})})
PLACES: dict[str, Place] = {
    "pull request": PLACE,
    "push": PUSH,
    "images of a pull request": IMAGES_OF_PULL_REQUEST,
    "images of a commit": IMAGES_OF_COMMIT,
    "build": BUILD,
    "check": CHECK,
    "check of both": BOTH,
}
TWO = (image(), image("web", digit="b"))


def at(place: Place, state: GateState = GateState.OPEN, **changes: object) -> Gate:
    """A gate at a place, of which nothing more is known."""
    return gate(state, gate_id=place.gate_id, place=place, **({"targets": (), "waits_for": ()} | changes))


def failed(of: Gate, code: ReasonCode, outcome: Outcome = Outcome.FAILED) -> Gate:
    """The same gate with a verdict."""
    why = decision(outcome, reason("Something", code=code))
    return of.model_copy(update={"state": GateState.DECIDED, "decision": why})


def shown(of: Gate) -> str:
    """What its status says."""
    status = status_for(of)
    assert status
    return status.description


class TestStatus:
    @pytest.mark.parametrize(
        ("place", "description"),
        [
            (PUSH, "Scanning 1a2b3c4…"),
            (IMAGES_OF_PULL_REQUEST, "Scanning images of 1a2b3c4…"),
            (IMAGES_OF_COMMIT, "Scanning images of 1a2b3c4…"),
            (BUILD, "Scanning images of build 17…"),
            (CHECK, "Scanning build 17…"),
            (LOST, "Scanning the build…"),
        ],
    )
    def test_before_anything_is_known(self, place: Place, description: str) -> None:
        """Whose it is."""
        assert shown(at(place)) == description

    def test_images_are_counted(self) -> None:
        """Once they are known, with or without the source."""
        assert shown(image_gate(BUILD, image())) == "Scanning 1 image…"
        assert shown(image_gate(BUILD, *TWO)) == "Scanning 2 images…"
        both = image_gate(BOTH, image()).model_copy(update={"targets": (TARGET, image())})
        assert shown(both) == "Scanning 1a2b3c4 and 1 image…"

    def test_the_queue(self) -> None:
        """How many are ahead."""
        assert shown(image_gate(BUILD, *TWO, ahead=3)) == "Queued: 3 ahead of 2 images"
        assert shown(image_gate(BUILD, *TWO, ahead=0)) == "Queued: 2 images are next"
        assert shown(image_gate(BUILD, image(), ahead=0)) == "Queued: 1 image is next"
        assert shown(gate(ahead=0)) == "Queued: 1a2b3c4 is next"

    def test_a_pass_says_of_how_many(self) -> None:
        """Of images; a source is one anyway."""
        passed = decision(Outcome.PASSED)
        assert shown(image_gate(BUILD, *TWO, state=GateState.DECIDED, decision=passed)) == (
            "Passed: no findings in 2 images"
        )


class TestHeadline:
    @pytest.mark.parametrize(
        ("of", "sentence"),
        [
            (at(PLACE), "This change does not pass"),
            (at(PUSH), "This commit does not pass"),
            (image_gate(BUILD, image()), "This image does not pass"),
            (image_gate(IMAGES_OF_COMMIT, *TWO), "These 2 images do not pass"),
            (image_gate(IMAGES_OF_PULL_REQUEST, *TWO, missing=("One is not there.",)), "What was built does not pass"),
            (at(CHECK), "This build does not pass"),
        ],
    )
    def test_what_does_not_pass(self, of: Gate, sentence: str) -> None:
        """Is named as people see it there."""
        assert headline(failed(of, ReasonCode.COUNT)).sentence == f"{sentence}. Something."

    def test_what_is_waited_for(self) -> None:
        """In the singular and the plural."""
        assert headline(image_gate(BUILD, *TWO)).sentence == "2 images are being scanned."
        assert headline(at(BUILD)).sentence == "Images of build 17 are being scanned."
        assert headline(at(PUSH)).sentence == "1a2b3c4 is being scanned."

    def test_the_queue(self) -> None:
        """Is not said to be a scan."""
        top = headline(image_gate(BUILD, *TWO, ahead=3))
        assert (top.word, top.sentence) == (
            "Queued",
            "2 images are waiting for a free worker, about 3 scans before it.",
        )
        assert headline(gate(ahead=0)).sentence == "1a2b3c4 is waiting for a free worker, next in turn."

    @pytest.mark.parametrize(
        ("place", "superseded", "closed"),
        [
            (PLACE, "A newer state of the pull request", "The pull request was completed or abandoned"),
            (IMAGES_OF_PULL_REQUEST, "A newer state of the pull request", "The pull request was completed"),
            (PUSH, "A newer commit of the branch", "The branch was deleted"),
            (CHECK, "A newer state of the pipeline", "What this gate stood in has ended"),
        ],
    )
    def test_what_is_over(self, place: Place, superseded: str, closed: str) -> None:
        """For the reason that there is at its place."""
        assert headline(at(place, GateState.SUPERSEDED)).sentence.startswith(superseded)
        assert headline(at(place, GateState.CLOSED)).sentence.startswith(closed)

    def test_a_pass_over_nothing_looks_different(self) -> None:
        """It rests on a permission."""
        nothing = decision(Outcome.PASSED, reason("Nothing", code=ReasonCode.NOTHING_TO_JUDGE, blocking=False))
        top = headline(at(CHECK, GateState.DECIDED, decision=nothing))
        assert (top.tone, top.sentence) == ("warn", "This build passes. Nothing.")
        assert "on_nothing: allow" in top.advice[0]


class TestAdvice:
    @pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
    @pytest.mark.parametrize("code", ReasonCode)
    def test_none_speaks_of_another_place(self, place: Place, code: ReasonCode) -> None:
        """There is something to do, and it can be done there."""
        of = failed(at(place), code, Outcome.ERROR)
        given = " ".join(advice(of, decision(Outcome.ERROR, reason("x", code=code))))
        assert given.endswith(".")
        assert "{" not in given
        if code is ReasonCode.MERGE_CONFLICTS:  # only a pull request's source has them
            return
        if place not in {PLACE, IMAGES_OF_PULL_REQUEST}:
            assert "pull request" not in given
            assert "target branch" not in given
        if kinds(of) == {StatusName.IMAGE}:
            assert "push" not in given.replace("pushed", "")

    @pytest.mark.parametrize(
        ("place", "code", "says"),
        [
            (PUSH, ReasonCode.RULES_UNREADABLE, "Correct .scangate.yml on this branch, then push to the branch again"),
            (BUILD, ReasonCode.COUNT, "Rebuild on a newer base image"),
            (BUILD, ReasonCode.SECRETS, "in the layers of what was pushed"),
            (BUILD, ReasonCode.SCAN_FAILED, "then run the pipeline again"),
            (IMAGES_OF_PULL_REQUEST, ReasonCode.POLICY_AUDIT, "on_audit on the target branch"),
            (CHECK, ReasonCode.REFUSED, "Correct the check's settings in Azure Pipelines, then run the stage again"),
            (CHECK, ReasonCode.TIMED_OUT, "A check is answered once, so run the stage again"),
            (CHECK, ReasonCode.NOTHING_TO_JUDGE, "on the branch named under Rules"),
        ],
    )
    def test_it_fits_the_place(self, place: Place, code: ReasonCode, says: str) -> None:
        """In a few that matter."""
        assert says in advice(at(place), decision(Outcome.ERROR, reason("x", code=code)))[0]

    def test_a_check_of_both_tells_both(self) -> None:
        """The source is upgraded, the image rebuilt."""
        source, images = advice(at(BOTH), decision(Outcome.FAILED, reason()))
        assert source.startswith("Upgrade the packages")
        assert images.startswith("Rebuild")

    def test_without_rules_the_default_branch_is_named(self) -> None:
        """They would be read there."""
        (line,) = advice(at(BUILD, rules=None), decision(Outcome.FAILED, reason(code=ReasonCode.POLICY_AUDIT)))
        assert line.endswith("change on_audit on the default branch.")

    def test_packages_with_a_fix_are_named(self) -> None:
        """Of images that do not pass."""
        view = failed_image_page()
        assert view.verdict
        assert fixes(view.gate, view.verdict) == (
            "2 of 3 packages with findings can be had fixed: openssl 3.0.2-0ubuntu1.15, log4j-core 2.17.1.",
        )
        assert fixes(gate(), view.verdict) == ()
        assert fixes(view.gate, verdict(Outcome.PASSED)) == ()

    def test_many_and_none(self) -> None:
        """The first six; or that another base is needed."""
        many = tuple(finding(package=f"p{number}", severity=Severity.HIGH) for number in range(8))
        (line,) = fixes(at(BUILD), verdict(Outcome.FAILED, reason(), findings=many))
        assert line.endswith("p5 2.17.1 and 2 more.")
        unfixed = (finding(fixed_version=None),)
        (line,) = fixes(at(BUILD), verdict(Outcome.FAILED, reason(), findings=unfixed))
        assert line.startswith("No fix is known")


class TestFacts:
    @pytest.mark.parametrize(
        ("place", "title", "noun"),
        [
            (PLACE, "pull request 12, iteration 3", "pull request"),
            (IMAGES_OF_PULL_REQUEST, "images of pull request 12, iteration 3", "pull request"),
            (PUSH, "commit 1a2b3c4", "commit"),
            (IMAGES_OF_COMMIT, "images of commit 1a2b3c4", "commit"),
            (BUILD, "images of build 17", "build"),
            (CHECK, "check of build 17", "build"),
            (LOST, "check of a pipeline", "build"),
        ],
    )
    def test_title(self, place: Place, title: str, noun: str) -> None:
        """What is judged and where."""
        words = place_words(at(place))
        assert (words.title, words.noun) == (title, noun)

    def test_each_place_has_its_own(self) -> None:
        """Branch, build, commits, what a check judges."""
        assert _facts(PUSH)["Branch"] == "main"
        assert "Branch" not in _facts(IMAGES_OF_COMMIT)
        assert _facts(BUILD)["Build"] == "17"
        assert _facts(BOTH)["Judges"] == "source and images"
        assert "Commit" not in _facts(LOST)
        merged = IMAGES_OF_PULL_REQUEST.model_copy(update={"commit": "f" * 40})
        assert _facts(merged)["Built"] == "fffffff"


class TestRules:
    def test_of_images(self) -> None:
        """Which, for which platforms, and what without one."""
        entry = ImageRule(image="a.b/c:$(Build.BuildId)", pipeline="web", platforms=(image().platform,))
        rules = Rules(images=(entry, ImageRule(image="a.b/d:1")), on_nothing=OnNothing.ALLOW, exclude_dirs=("x",))
        words = dict(rules_in_words(rules, frozenset({StatusName.IMAGE})))
        assert words["Images"] == "a.b/c:$(Build.BuildId) of pipeline web for linux/amd64; a.b/d:1"
        assert (words["Platforms"], words["Check of no image"]) == ("linux/amd64", "lets through, visibly")
        assert "Left out" not in words

    def test_without_a_repository(self) -> None:
        """There is no branch to name."""
        read = RulesRead.model_validate({"rules": Rules(), "branch": ""})
        assert read_from(read).endswith("there is no branch of Azure DevOps to read .scangate.yml on.")


def _facts(place: Place) -> dict[str, str]:
    """What the page says of a place, by label."""
    return {fact.label: fact.text for fact in place_words(at(place)).facts}
