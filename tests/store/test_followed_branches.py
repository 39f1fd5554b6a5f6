"""Branches that are followed in a project, and until when its builds were gone through."""

from datetime import timedelta
from typing import Any

import pytest

from scan_core.model.ids import BranchRef, OrganisationName, ProjectId, RepositoryId
from scan_core.model.subject import Branch
from scan_core.store.connection import Storage
from scan_core.store.projects import FollowedBranch, Project, ProjectStore
from tests.builders import HOUR, NOON, a_pull_request
from tests.store.projects import ID, a_project, followed

ORG = OrganisationName("fabrikam")
OTHER = ProjectId("22222222-2222-2222-2222-222222222222")
REPOSITORY = RepositoryId("33333333-3333-3333-3333-333333333333")


@pytest.fixture
def projects(storage: Storage) -> ProjectStore:
    """An empty store."""
    return ProjectStore(storage.tables)


def a_branch(name: str = "main", **changes: Any) -> FollowedBranch:
    """A branch that is compared at noon."""
    known = {"organisation": ORG, "project_id": ID, "repository_id": REPOSITORY, "ref": BranchRef(f"refs/heads/{name}")}
    return FollowedBranch(branch=Branch.model_validate({**known, **changes}), next_at=NOON)


def refs(projects: ProjectStore, project_id: ProjectId = ID) -> set[str]:
    """The branches that are followed in a project."""
    return {row.value.branch.ref for row in projects.followed_branches(ORG, project_id)}


class TestBranches:
    def test_are_followed_once_each_in_its_project(self, projects: ProjectStore, storage: Storage) -> None:
        """A row that stands keeps its own turn."""
        for store in (projects, projects, ProjectStore(storage.tables)):
            store.follow_branch(a_branch())
        projects.follow_branch(a_branch().model_copy(update={"next_at": NOON + HOUR}))
        projects.follow_branch(a_branch("x", project_id=OTHER))
        (row,) = projects.followed_branches(ORG, ID)
        assert row.value == a_branch()
        assert refs(projects, OTHER) == {"refs/heads/x"}

    @pytest.mark.parametrize("name", ["fix/#1", "a?b&c=d'e", "naïve/ветка/🦊", "%2F..\\", "x" * 580])
    def test_may_be_called_anything(self, projects: ProjectStore, name: str) -> None:
        """No key holds the name."""
        projects.follow_branch(a_branch(name))
        assert refs(projects) == {f"refs/heads/{name}"}

    def test_are_not_mistaken_for_pull_requests(self, projects: ProjectStore) -> None:
        """Though both stand in one partition."""
        projects.follow(followed())
        projects.follow_branch(a_branch())
        assert len(projects.followed(ORG, ID)) == len(projects.followed_branches(ORG, ID)) == 1

    def test_are_noted_by_one(self, projects: ProjectStore) -> None:
        """Whoever comes second read what does not stand any more."""
        projects.follow_branch(a_branch())
        (row,) = projects.followed_branches(ORG, ID)
        later = row.value.model_copy(update={"next_at": NOON + HOUR})
        noted = projects.note_branch(row, later)
        assert noted is not None
        assert projects.note_branch(row, row.value.model_copy(update={"next_at": NOON + 2 * HOUR})) is None
        again = projects.note_branch(noted, later.model_copy(update={"next_at": NOON + 3 * HOUR}))
        assert again is not None
        assert projects.followed_branches(ORG, ID)[0] == again

    def test_are_let_go_of_in_the_version_that_was_read(self, projects: ProjectStore, storage: Storage) -> None:
        """And may be followed again by any process."""
        projects.follow_branch(a_branch())
        (row,) = projects.followed_branches(ORG, ID)
        noted = projects.note_branch(row, row.value.model_copy(update={"next_at": NOON + HOUR}))
        assert noted is not None
        projects.let_go_of_branch(row)
        assert refs(projects) == {"refs/heads/main"}
        ProjectStore(storage.tables).let_go_of_branch(noted)
        assert refs(projects) == set()
        projects.follow_branch(a_branch())
        assert refs(projects) == {"refs/heads/main"}

    def test_that_are_gone_cannot_be_noted(self, projects: ProjectStore) -> None:
        """Another let go of it."""
        projects.follow_branch(a_branch())
        (row,) = projects.followed_branches(ORG, ID)
        projects.let_go_of_branch(row)
        projects.let_go_of_branch(row)
        assert projects.note_branch(row, row.value) is None


class TestBuilds:
    def until(self, projects: ProjectStore) -> Any:
        """Until when they were gone through."""
        (row,) = projects.enrolled()
        return row.value.builds_until

    def test_are_gone_through_from_the_first_that_was_told_of(self, projects: ProjectStore, storage: Storage) -> None:
        """What stands is kept, whoever is told of the next."""
        projects.enrol(a_project())
        assert self.until(projects) is None
        projects.go_through_builds(ORG, ID, NOON)
        for store in (projects, ProjectStore(storage.tables)):
            store.go_through_builds(ORG, ID, NOON + HOUR)
        assert self.until(projects) == NOON

    def test_of_a_project_that_is_not_enrolled_are_left_alone(self, projects: ProjectStore) -> None:
        """Nothing is written; it is asked again at the next build."""
        projects.go_through_builds(ORG, ID, NOON)
        assert projects.enrolled() == []
        projects.enrol(a_project())
        projects.go_through_builds(ORG, ID, NOON + HOUR)
        assert self.until(projects) == NOON + HOUR

    def test_are_remembered_at_the_next_where_another_was_quicker(
        self, projects: ProjectStore, storage: Storage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Somebody moved the project's turn on in between."""
        projects.enrol(a_project())
        write, other = projects.write, ProjectStore(storage.tables)

        def late(old: Any, project: Project) -> Any:
            other.write(old, a_project(next_at=NOON + timedelta(minutes=1)))
            return write(old, project)

        monkeypatch.setattr(projects, "write", late)
        projects.go_through_builds(ORG, ID, NOON)
        monkeypatch.setattr(projects, "write", write)
        assert self.until(projects) is None
        projects.go_through_builds(ORG, ID, NOON + HOUR)
        assert self.until(projects) == NOON + HOUR

    def test_of_rows_that_an_older_version_wrote_are_none(self) -> None:
        """Both run side by side while one is deployed."""
        old = a_project().model_dump(exclude={"builds_until"})
        assert Project.model_validate(old).builds_until is None


def test_a_pull_request_is_named_by_its_own_row(projects: ProjectStore) -> None:
    """Two of one number in two repositories are two."""
    for _ in range(2):
        projects.follow(followed(pull_request=a_pull_request(project_id=ID)))
    assert len(projects.followed(ORG, ID)) == 2
