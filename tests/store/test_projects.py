"""Projects that are looked after, and the pull requests followed in each."""

from datetime import timedelta

import pytest

from scan_core.model.ids import OrganisationName
from scan_core.store.connection import Storage
from scan_core.store.projects import ProjectStore
from scan_core.store.rows import Conflict
from tests.builders import HOUR, NOON, a_pull_request
from tests.store.projects import ID, a_project, followed


@pytest.fixture
def projects(storage: Storage) -> ProjectStore:
    """An empty store."""
    return ProjectStore(storage.tables)


def test_a_project_is_enrolled_once(projects: ProjectStore, storage: Storage) -> None:
    """By whichever process comes first."""
    for store in (projects, projects, ProjectStore(storage.tables)):
        store.enrol(a_project(failures=len(projects.enrolled())))
    assert [row.value for row in projects.enrolled()] == [a_project()]


def test_a_turn_is_moved_on_by_one(projects: ProjectStore) -> None:
    """Whoever comes second read what does not stand any more."""
    projects.enrol(a_project())
    (row,) = projects.enrolled()
    projects.write(row, a_project(next_at=NOON + HOUR))
    with pytest.raises(Conflict):
        projects.write(row, a_project(next_at=NOON + timedelta(minutes=1)))
    assert projects.enrolled()[0].value.next_at == NOON + HOUR


def test_a_pull_request_is_followed_until_it_is_let_go_of(projects: ProjectStore) -> None:
    """Following it again changes nothing; other projects have theirs."""
    one = followed()
    projects.follow(one)
    projects.follow(one.model_copy(update={"seen_status": 7}))
    projects.follow(followed(pull_request=a_pull_request()))
    (row,) = projects.followed(OrganisationName("fabrikam"), ID)
    assert row.value == one
    projects.let_go(row)
    assert projects.followed(OrganisationName("fabrikam"), ID) == []


def test_what_changed_since_it_was_read_stays(projects: ProjectStore) -> None:
    """Neither noted over nor let go of."""
    projects.follow(followed())
    (row,) = projects.followed(OrganisationName("fabrikam"), ID)
    newer = row.value.model_copy(update={"seen_status": 3})
    projects.note(row, newer)
    projects.note(row, row.value)
    projects.let_go(row)
    assert [each.value for each in projects.followed(OrganisationName("fabrikam"), ID)] == [newer]
