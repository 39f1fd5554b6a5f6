"""Names of scans: equal for equal work, different for everything else."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from scan_core.model.ids import CommitSha, OrganisationName, ProjectId, RepositoryId
from scan_core.model.rules import Rules
from scan_core.model.target import Mode, Profile, ScanType, SourceTarget, scan_id

PROJECT = ProjectId("11111111-2222-3333-4444-555555555555")
REPOSITORY = RepositoryId("aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee")
TARGET = SourceTarget(
    organisation=OrganisationName("contoso"), project_id=PROJECT, repository_id=REPOSITORY, commit=CommitSha("a" * 40)
)
PROFILE = Profile(scan_types=(ScanType.PKG, ScanType.SECRET), mode=Mode.GET_REPORT, exclude_dirs=("a", "b"))

_NAMES = st.lists(st.text(max_size=4), max_size=4).map(tuple)
_PROFILES = st.builds(
    Profile,
    scan_types=st.lists(st.sampled_from(ScanType), min_size=1).map(tuple),
    mode=st.sampled_from(Mode),
    policy_tags=_NAMES,
    exclude_dirs=_NAMES,
    exclude_files=_NAMES,
)


def unordered(profile: Profile) -> tuple[object, ...]:
    """What a profile says, apart from order."""
    return (
        profile.mode,
        *(frozenset(names) for names in (profile.scan_types, profile.policy_tags)),
        *excludes(profile),
    )


def excludes(profile: Profile) -> tuple[frozenset[str], frozenset[str]]:
    """What a profile leaves out, apart from order."""
    return frozenset(profile.exclude_dirs), frozenset(profile.exclude_files)


class TestScanId:
    def test_it_is_stable(self) -> None:
        """Rows and folders are named by it: a change orphans what is stored."""
        assert scan_id(TARGET, PROFILE) == scan_id(TARGET.model_copy(), PROFILE.model_copy())
        assert scan_id(TARGET, PROFILE).islower()
        assert len(scan_id(TARGET, PROFILE)) == 40

    @given(_PROFILES, _PROFILES)
    def test_profiles_that_say_the_same_share_a_scan(self, one: Profile, other: Profile) -> None:
        """And only those."""
        assert (scan_id(TARGET, one) == scan_id(TARGET, other)) == (unordered(one) == unordered(other))

    @pytest.mark.parametrize(
        "change",
        [
            {"organisation": "fabrikam"},
            {"project_id": REPOSITORY},
            {"repository_id": PROJECT},
            {"commit": "b" * 40},
        ],
    )
    def test_another_target_is_another_scan(self, change: dict[str, Any]) -> None:
        """Whatever differs."""
        assert scan_id(TARGET.model_copy(update=change), PROFILE) != scan_id(TARGET, PROFILE)


class TestTarget:
    @pytest.mark.parametrize(
        "change",
        [
            {"organisation": "Contoso"},
            {"organisation": "a/b"},
            {"project_id": "../.."},
            {"repository_id": PROJECT.upper().replace("1", "A")},
            {"commit": "a" * 39},
            {"commit": "--upload-pack"},
            {"commit": "a" * 40 + "\n"},
        ],
    )
    def test_it_holds_nothing_that_could_mean_something_else(self, change: dict[str, Any]) -> None:
        """Ids become paths, addresses and arguments."""
        with pytest.raises(ValidationError):
            SourceTarget.model_validate(TARGET.model_dump() | change)

    def test_a_value_cannot_be_changed(self) -> None:
        """Whoever holds one can rely on it."""
        with pytest.raises(ValidationError):
            TARGET.commit = CommitSha("b" * 40)  # type: ignore[misc]  # on purpose


def test_tags_are_part_of_a_profile_only_where_policies_are_asked() -> None:
    """Otherwise two gates with the same work would not share it."""
    assert Rules(policy_tags=("prod",)).profile.policy_tags == ()
    assert Rules(policy_tags=("prod",), mode=Mode.EVALUATE_POLICY).profile.policy_tags == ("prod",)
