"""Rows of one project: the project itself, and a pull request that is followed in it."""

from typing import Any

from scan_core.model.ids import OrganisationName, ProjectId
from scan_core.store.projects import Followed, Project
from tests.builders import NOON, a_pull_request

ID = ProjectId("11111111-1111-1111-1111-111111111111")


def a_project(**changes: Any) -> Project:
    """A project whose turn comes at noon."""
    return Project(**{"organisation": OrganisationName("fabrikam"), "project_id": ID, "next_at": NOON, **changes})


def followed(**changes: Any) -> Followed:
    """A pull request of that project."""
    return Followed(**{"pull_request": a_pull_request(project_id=ID), "next_at": NOON, **changes})
