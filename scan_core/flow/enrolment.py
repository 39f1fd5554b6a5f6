"""What is remembered so that nothing depends on hooks: projects, and the pull requests that have gates."""

import random
from datetime import timedelta

from scan_core.flow.services import Services
from scan_core.model.ids import OrganisationName, ProjectId
from scan_core.model.subject import Branch, BuildRef, PullRequestRef
from scan_core.store.projects import Followed, FollowedBranch, Project


def enrol(services: Services, organisation: OrganisationName, project_id: ProjectId) -> None:
    """Look after a project from now on. Its first turn comes within one cycle, so that projects do not come at once.

    Args:
        services: The doors to the outside.
        organisation: The project's organisation.
        project_id: The project, named by an authenticated request.
    """
    first = services.now() + _within(services.settings.reconcile_seconds)
    services.projects.enrol(Project(organisation=organisation, project_id=project_id, next_at=first))


def follow(services: Services, reference: PullRequestRef) -> None:
    """Follow a pull request that has, or is about to have, a gate. It is compared first within one cycle of its own.

    Args:
        services: The doors to the outside.
        reference: The pull request.
    """
    first = services.now() + _within(services.settings.verify_seconds)
    services.projects.follow(Followed(pull_request=reference, next_at=first))


def follow_branch(services: Services, branch: Branch) -> None:
    """Follow a branch whose pushes are judged, so that one of which no hook tells is found.

    Args:
        services: The doors to the outside.
        branch: The branch.
    """
    first = services.now() + _within(services.settings.verify_seconds)
    services.projects.follow_branch(FollowedBranch(branch=branch, next_at=first))


def follow_builds(services: Services, build: BuildRef) -> None:
    """Go through the completed builds of a project from now on, since hooks tell of them.

    Args:
        services: The doors to the outside.
        build: A build that an authenticated request named.
    """
    services.projects.go_through_builds(build.organisation, build.project_id, services.now())


def spread(seconds: float) -> timedelta:
    """Vary a period by a tenth, so that what began together does not stay together.

    Args:
        seconds: The period.

    Returns:
        Between nine and eleven tenths of it.
    """
    return timedelta(seconds=seconds * random.uniform(0.9, 1.1))  # noqa: S311 - spreads load, protects nothing


def _within(seconds: float) -> timedelta:
    return timedelta(seconds=seconds * random.random())  # noqa: S311 - spreads load, protects nothing
