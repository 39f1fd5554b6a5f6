"""Subjects and places: what has a look, what has a gate, and what each is called."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from scan_core.model.gate import BuildImages, Gate, Look
from scan_core.model.ids import BranchRef, GateName, Iteration, Subject
from scan_core.model.image import platform
from scan_core.model.place import BuildPlace, CheckPlace, CommitPlace, Place, PullRequestPlace
from scan_core.model.request import LookRequest, PushRequest, RequestMessage
from scan_core.model.rules import Rules
from scan_core.model.subject import Branch, BuildRef, Check, PullRequestRef, StatusName, subject_id
from scan_core.model.target import ImageTarget, scan_id
from tests.builders import NOON, a_gate, an_iteration

PROJECT = "11111111-2222-3333-4444-555555555555"
REPOSITORY = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
WHERE = {"organisation": "contoso", "project_id": PROJECT}
COMMIT = "a" * 40
MAIN = "refs/heads/main"

PULL_REQUEST = PullRequestRef.model_validate({**WHERE, "repository_id": REPOSITORY, "pull_request_id": 7})
BRANCH = Branch.model_validate({**WHERE, "repository_id": REPOSITORY, "ref": MAIN})
BUILD = BuildRef.model_validate({**WHERE, "build_id": 7})
CHECK = Check.model_validate(
    {
        **WHERE,
        "hub": "build",
        "plan_id": "cccccccc-0000-0000-0000-000000000001",
        "job_id": "cccccccc-0000-0000-0000-000000000002",
        "task_id": "cccccccc-0000-0000-0000-000000000003",
        "build_id": 7,
        "sealed_token": "sealed",
    }
)
SUBJECTS = (PULL_REQUEST, BRANCH, BUILD, CHECK)


def commit_place(**changes: Any) -> CommitPlace:
    """A commit."""
    return CommitPlace.model_validate({**WHERE, "repository_id": REPOSITORY, "commit": COMMIT, **changes})


def iteration_place(**changes: Any) -> PullRequestPlace:
    """An iteration."""
    return an_iteration(pull_request=PULL_REQUEST, source_commit=COMMIT).model_copy(update=changes)


PLACES: tuple[Place, ...] = (
    iteration_place(),
    iteration_place(name=StatusName.IMAGE),
    iteration_place(iteration=Iteration(2)),
    iteration_place(iteration=Iteration(0)),
    commit_place(),
    commit_place(ref=MAIN),
    commit_place(ref="refs/heads/release"),
    commit_place(name="image"),
    commit_place(commit="b" * 40),
    commit_place(repository_id=PROJECT),
    BuildPlace(build=BUILD, commit=None),
    CheckPlace(check=CHECK),
    CheckPlace(check=CHECK.model_copy(update={"task_id": PROJECT})),
)


class TestSubjects:
    def test_each_has_a_partition_of_its_own(self) -> None:
        """Also where their numbers are the same."""
        subjects = [each.subject for each in SUBJECTS]
        assert len(set(subjects)) == len(SUBJECTS)
        for each in subjects:
            TypeAdapter(Subject).validate_python(each)

    @given(
        st.lists(st.lists(st.integers(0, 9) | st.text(max_size=3), max_size=4), min_size=2, max_size=2, unique_by=repr)
    )
    def test_other_ids_are_another_subject(self, ids: list[list[Any]]) -> None:
        """However they are put together."""
        assert subject_id(*ids[0]) != subject_id(*ids[1])

    @pytest.mark.parametrize("of", SUBJECTS)
    def test_a_request_and_a_look_keep_their_kind(self, of: Any) -> None:
        """In the queue and in the table."""
        request = LookRequest(request_id="r", of=of, accepted_at=NOON)
        assert RequestMessage.validate_json(RequestMessage.dump_json(request)) == request
        look = Look(of=of, accepted_at=NOON, newest_accepted_at=NOON, next_try_at=NOON)
        assert Look.model_validate_json(look.model_dump_json()) == look

    def test_a_look_that_an_older_version_wrote_can_be_read(self) -> None:
        """Without what was added since."""
        look = Look(of=BRANCH, accepted_at=NOON, newest_accepted_at=NOON, next_try_at=NOON)
        old = look.model_dump(exclude={"tip", "current", "ending"})
        assert Look.model_validate(old) == look

    def test_a_check_names_its_build_where_it_says_one(self) -> None:
        """In its own project."""
        assert CHECK.build == BUILD
        assert CHECK.model_copy(update={"build_id": None}).build is None

    def test_the_token_of_a_check_is_no_part_of_its_name(self) -> None:
        """It is forgotten, and the row stays."""
        for changes in ({"sealed_token": None}, {"build_id": None}, {"timeline_id": PROJECT}):
            assert CHECK.model_copy(update=changes).subject == CHECK.subject

    @pytest.mark.parametrize(
        "change",
        [
            {"hub": "build/../x"},
            {"hub": ""},
            {"plan_id": "x"},
            {"job_id": "../.."},
            {"task_id": PROJECT.upper().replace("1", "A")},
            {"timeline_id": ""},
            {"build_id": 0},
            {"judges": ()},
            {"judges": ("everything",)},
            {"images": ("a",) * 21},
            {"sealed_token": "x" * 16_001},
        ],
    )
    def test_a_check_holds_nothing_that_could_mean_something_else(self, change: dict[str, Any]) -> None:
        """Its ids become parts of addresses, and it stands in a message."""
        with pytest.raises(ValidationError):
            Check.model_validate({**CHECK.model_dump(), **change})

    @pytest.mark.parametrize(
        "ref", ["main", "refs/tags/v1", "refs/heads/", "refs/heads/a b", "refs/heads/a\n", "refs/heads/" + "x" * 600]
    )
    def test_a_branch_has_a_full_name(self, ref: str) -> None:
        """Anything else could be a tag."""
        with pytest.raises(ValidationError):
            Branch.model_validate({**BRANCH.model_dump(), "ref": ref})

    def test_a_push_names_fifty_branches_at_most(self) -> None:
        """It has to fit into a message."""
        push = {"request_id": "r", **WHERE, "repository_id": REPOSITORY, "accepted_at": NOON}
        refs = [BranchRef(f"refs/heads/{number}") for number in range(51)]
        assert len(PushRequest.model_validate({**push, "refs": refs[:50]}).refs) == 50
        with pytest.raises(ValidationError):
            PushRequest.model_validate({**push, "refs": refs})


class TestPlaces:
    def test_each_has_a_gate_of_its_own(self) -> None:
        """Two branches at one commit too, which may have other rules in front of them."""
        ids = [place.gate_id for place in PLACES]
        assert len(set(ids)) == len(PLACES)
        for each in ids:
            TypeAdapter(GateName).validate_python(each)

    @pytest.mark.parametrize("place", PLACES)
    def test_each_survives_its_row(self, place: Place) -> None:
        """As the kind that it was, under the id that it had."""
        gate = a_gate(place=place)
        read = Gate.model_validate_json(gate.model_dump_json())
        assert read == gate
        assert read.place.gate_id == gate.gate_id
        assert str(read.gate_id).startswith(f"{place.subject}-")

    def test_the_images_of_an_iteration_stand_beside_its_source(self) -> None:
        """In one partition, so that both end with it."""
        source, images = iteration_place(), iteration_place(name=StatusName.IMAGE)
        assert source.subject == images.subject
        assert images.gate_id == f"{source.gate_id}-image"

    def test_what_is_learnt_later_does_not_change_a_gates_name(self) -> None:
        """A build's commit, a check's log."""
        assert BuildPlace(build=BUILD, commit=None).gate_id == BuildPlace(build=BUILD, commit=COMMIT).gate_id  # type: ignore[arg-type]  # a commit
        assert CheckPlace(check=CHECK).gate_id == CheckPlace(check=CHECK, log_id=7).gate_id

    @pytest.mark.parametrize("place", PLACES)
    def test_each_says_whose_it_is(self, place: Place) -> None:
        """Its organisation's client shows its status."""
        assert place.organisation == "contoso"


class TestImages:
    TARGET = ImageTarget.model_validate(
        {
            "organisation": "contoso",
            "registry": "shop.azurecr.io",
            "repository": "team/app",
            "digest": "sha256:" + "0" * 64,
            "platform": platform("linux/amd64"),
        }
    )

    def test_are_named_by_digest(self) -> None:
        """As a scanner is told them."""
        assert self.TARGET.reference == f"shop.azurecr.io/team/app@sha256:{'0' * 64}"

    @pytest.mark.parametrize(
        "change",
        [
            {"organisation": "fabrikam"},
            {"registry": "other.azurecr.io"},
            {"repository": "team/base"},
            {"digest": "sha256:" + "1" * 64},
            {"platform": platform("linux/arm64")},
        ],
    )
    def test_that_differ_are_other_scans(self, change: dict[str, Any]) -> None:
        """Whatever differs."""
        profile = Rules().image_profile
        assert scan_id(self.TARGET.model_copy(update=change), profile) != scan_id(self.TARGET, profile)

    @pytest.mark.parametrize(
        "change",
        [{"digest": "sha256:" + "0" * 63}, {"digest": "latest"}, {"registry": "Shop.io"}, {"repository": "../x"}],
    )
    def test_hold_nothing_that_could_mean_something_else(self, change: dict[str, Any]) -> None:
        """They become arguments and addresses."""
        with pytest.raises(ValidationError):
            ImageTarget.model_validate({**self.TARGET.model_dump(), **change})

    def test_are_scanned_alike_whatever_is_left_out_of_sources(self) -> None:
        """So that the rules of two repositories share a scan of one base."""
        excluding = Rules(exclude_dirs=("vendor",), exclude_files=("*.lock",))
        assert scan_id(self.TARGET, excluding.image_profile) == scan_id(self.TARGET, Rules().image_profile)

    def test_that_an_older_version_wrote_can_be_read(self) -> None:
        """Without what was added since."""
        images = BuildImages.model_validate({"build_id": 1, "definition_id": 1, "references": ()})
        assert (images.asked, images.unresolved, images.plan_ids) == ((), False, ())
