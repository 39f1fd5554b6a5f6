"""The gate of several builds' images: in whatever order they come, the same is judged in the end."""

from datetime import timedelta
from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scan_core.flow.gate_steps import expects_answer
from scan_core.flow.images_steps import contributed, revived, together
from scan_core.flow.opening import is_undetermined
from scan_core.model.gate import BuildImages, Decision, Gate, GateState
from scan_core.model.image import image_reference, platform
from scan_core.model.target import ImageTarget
from scan_core.model.verdict import Outcome, SeverityCounts
from tests.builders import HOUR, NOON, a_gate, some_rules

RULES = some_rules()


def target(name: str) -> ImageTarget:
    """An image."""
    reference = image_reference(f"shop.azurecr.io/{name}@sha256:{name.encode().hex():0>64}")
    assert reference.digest is not None
    return ImageTarget.model_validate(
        {
            "organisation": "fabrikam",
            "registry": reference.registry,
            "repository": reference.repository,
            "digest": reference.digest,
            "platform": platform("linux/amd64"),
        }
    )


def images(build_id: int = 1, definition_id: int = 1, *names: str, **more: Any) -> BuildImages:
    """What a build made."""
    known = {
        "references": names,
        "targets": tuple(target(name) for name in names),
        "asked": tuple(f"{name} linux/amd64" for name in names),
    }
    return BuildImages.model_validate({"build_id": build_id, "definition_id": definition_id, **known, **more})


def after(gate: Gate, *builds: BuildImages) -> Gate:
    """The gate once it was told of builds, one after the other."""
    return reduce(lambda row, one: contributed(row, one, RULES, NOON, HOUR) or row, builds, gate)


def decided(gate: Gate, **changes: Any) -> Gate:
    """The gate with a verdict."""
    known = {
        "number": 1,
        "outcome": Outcome.PASSED,
        "reasons": (),
        "counts": SeverityCounts(),
        "decided_at": NOON,
    }
    decision = Decision.model_validate({**known, **changes})
    return gate.model_copy(update={"state": GateState.DECIDED, "decision": decision})


def judged(gate: Gate) -> tuple[set[str], set[str], bool]:
    """What a gate judges, apart from order: its images, its problems, and whether it can be judged at all."""
    names = {str(one.repository) for one in gate.targets if isinstance(one, ImageTarget)}
    return names, set(gate.missing), not is_undetermined(gate)


_NAMES = st.lists(st.sampled_from("abcd"), max_size=3, unique=True)
_BUILDS = st.lists(
    st.one_of(
        st.builds(
            lambda build, names, missing: images(build, build % 3, *names, missing=missing),
            st.integers(1, 6),
            _NAMES,
            st.lists(st.sampled_from(["x is gone", "y is gone"]), max_size=1).map(tuple),
        ),
        st.integers(1, 6).map(lambda build: images(build, build % 3, unresolved=True)),
    ),
    max_size=6,
)


class TestAnyOrder:
    @given(_BUILDS, st.randoms(use_true_random=False))
    def test_gives_the_same_in_the_end(self, builds: list[BuildImages], random: Any) -> None:
        """Hooks come twice, late and in any order, to several instances at once."""
        shuffled = [*builds, *builds[:2]]
        random.shuffle(shuffled)
        gate = a_gate()
        assert judged(after(gate, *builds)) == judged(after(gate, *shuffled))

    @given(_BUILDS)
    def test_of_each_pipeline_the_newest_build_counts(self, builds: list[BuildImages]) -> None:
        """And nothing of an older one is left."""
        gate = after(a_gate(), *builds)
        newest: dict[int, int] = {}
        for one in builds:
            newest[one.definition_id] = max(one.build_id, newest.get(one.definition_id, 0))
        assert {one.definition_id: one.build_id for one in gate.builds} == newest

    @given(_BUILDS)
    def test_what_is_known_already_changes_nothing(self, builds: list[BuildImages]) -> None:
        """So nothing is written, and no verdict is taken away."""
        gate = after(a_gate(), *builds)
        assert all(contributed(gate, one, RULES, NOON, HOUR) is None for one in (*builds, *gate.builds))

    @given(_BUILDS)
    def test_a_gate_that_forgot_its_rules_is_told_them_again(self, builds: list[BuildImages]) -> None:
        """A verdict without a scan took them, and its pull request came back since."""
        gate = after(a_gate(), *builds)
        forgetful = gate.model_copy(update={"rules": None, "targets": (), "waits_for": (), "missing": ()})
        assert judged(after(forgetful, *gate.builds)) == judged(gate)


class TestOneBuild:
    def test_an_image_that_was_seen_stays_judged(self) -> None:
        """Taking a tag off the build hides nothing, nor does an instance that read the build earlier."""
        gate = after(a_gate(), images(1, 1, "bad"), images(1, 1, "good"))
        assert judged(gate)[0] == {"bad", "good"}

    def test_a_newer_build_of_the_pipeline_replaces_it(self) -> None:
        """What it made is not deployed any more."""
        gate = after(a_gate(), images(1, 1, "bad"), images(2, 1, "good"), images(1, 1, "late"))
        assert judged(gate)[0] == {"good"}

    @pytest.mark.parametrize("first", [0, 1])
    def test_together_is_the_same_either_way(self, first: int) -> None:
        """Apart from order."""
        both = [images(1, 1, "a", missing=("m",)), images(1, 1, "b", plan_ids=("p",))]
        one = together(both[first], both[1 - first])
        assert {target.repository for target in one.targets} == {"a", "b"}
        assert (set(one.references), set(one.asked)) == ({"a", "b"}, {"a linux/amd64", "b linux/amd64"})
        assert (one.missing, one.plan_ids, one.unresolved) == (("m",), ("p",), False)


class TestToBeFound:
    def test_nothing_passes_while_a_builds_images_are_not_known(self) -> None:
        """Another build's verdict does not answer for it."""
        gate = decided(after(a_gate(), images(1, 1, "good")))
        waiting = after(gate, images(2, 2, unresolved=True))
        assert (waiting.state, waiting.decision, waiting.waits_for) == (GateState.OPEN, None, ())
        assert is_undetermined(waiting)
        assert is_undetermined(after(waiting, images(3, 3, "other")))
        known = after(waiting, images(2, 2, "late"))
        assert judged(known) == ({"good", "late"}, set(), True)

    def test_once_they_are_known_they_stay_so(self) -> None:
        """An instance whose registry does not answer takes nothing back."""
        gate = after(a_gate(), images(1, 1, "good"))
        assert contributed(gate, images(1, 1, unresolved=True), RULES, NOON, HOUR) is None

    def test_a_newer_build_takes_the_older_ones_place_at_once(self) -> None:
        """What the older one made says nothing of the newer."""
        gate = after(a_gate(), images(1, 1, "old"), images(2, 1, unresolved=True))
        assert is_undetermined(gate)
        assert [one.build_id for one in gate.builds] == [2]


class TestClocks:
    def test_a_new_question_has_its_own_deadline(self) -> None:
        """Counted from its own request."""
        later = NOON + timedelta(minutes=50)
        gate = decided(after(a_gate(), images(1, 1, "a")))
        asked = contributed(gate, images(2, 2, "b"), RULES, later, HOUR)
        assert asked is not None
        assert (asked.opened_at, asked.accepted_at, asked.deadline) == (later, later, later + HOUR)

    def test_a_late_request_does_not_shorten_the_deadline(self) -> None:
        """The others were promised theirs."""
        gate = a_gate(deadline=NOON + 2 * HOUR)
        asked = contributed(gate, images(1, 1, "a"), RULES, NOON - HOUR, HOUR)
        assert asked is not None
        assert asked.deadline == NOON + 2 * HOUR

    def test_a_time_out_gives_way(self) -> None:
        """It was no verdict."""
        gate = decided(after(a_gate(), images(1, 1, unresolved=True)), provisional=True, outcome=Outcome.ERROR)
        asked = after(gate, images(1, 1, "a"))
        assert (asked.state, asked.decision) == (GateState.OPEN, None)
        assert expects_answer(asked)


@pytest.mark.parametrize("state", [GateState.SUPERSEDED, GateState.CLOSED])
def test_a_gate_that_ended_takes_nothing(state: GateState) -> None:
    """It never turns red."""
    assert contributed(a_gate(state=state), images(1, 1, "a"), RULES, NOON, HOUR) is None


def test_problems_of_every_build_are_told_once() -> None:
    """And what keeps a verdict from being trusted comes first."""
    gate = a_gate(builds=(images(1, 1, missing=("gone",)),))
    told = contributed(gate, images(2, 2, missing=("gone", "refused")), RULES, NOON, HOUR, ("The rules are odd.",))
    assert told is not None
    assert told.missing == ("The rules are odd.", "gone", "refused")


def test_only_a_closed_gate_is_revived() -> None:
    """With what it judged, and a deadline of its own."""
    closed = after(a_gate(), images(1, 1, "a")).model_copy(update={"state": GateState.CLOSED, "released": True})
    again = revived(closed, NOON + HOUR, HOUR)
    assert again is not None
    assert (again.state, again.released, again.deadline) == (GateState.OPEN, False, NOON + 2 * HOUR)
    assert again.waits_for == closed.waits_for
    assert revived(again, NOON, HOUR) is None
