"""Reads what stands: who we are, which projects there are, and what is in them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from scan_core.devops.administration import Administration
from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.devops.hooks import Subscription
from scan_core.devops.projects import Project
from scan_core.onboarding.patience import Patience
from scan_core.onboarding.plan import ProjectPlan, Standing
from scan_core.onboarding.words import in_words

type Planner = Callable[[Project, Standing], ProjectPlan]

_HOPELESS = {DevOpsErrorKind.SIGNED_OUT, DevOpsErrorKind.UNREACHABLE}


def plans(
    administration: Administration,
    patience: Patience,
    projects: Sequence[Project],
    planner: Planner,
) -> Iterator[ProjectPlan]:
    """Read each project and plan for it. Subscriptions are listed once, policies project by project.

    Args:
        administration: The organisation.
        patience: Makes the calls.
        projects: Which projects.
        planner: Makes a plan of what stands.

    Yields:
        A plan for each project, with its problem where the project cannot be read.

    Raises:
        DevOpsError: The subscriptions cannot be listed, or nothing can be read any more.
    """
    subscriptions = by_project(patience.repeatedly(administration.subscriptions))
    for project in projects:
        try:
            policies = patience.repeatedly(partial(administration.status_policies, project.id))
        except DevOpsError as error:
            if error.kind in _HOPELESS:
                raise
            yield ProjectPlan(project, problem=in_words(error))
        else:
            yield planner(project, Standing(subscriptions.get(project.id, ()), policies))


def by_project(subscriptions: Iterable[Subscription]) -> dict[str, tuple[Subscription, ...]]:
    """Sort subscriptions by the project they are limited to.

    Args:
        subscriptions: Those of an organisation; one for all projects is left out, for onboarding makes none such.

    Returns:
        Subscriptions by project id.
    """
    found: dict[str, tuple[Subscription, ...]] = {}
    for one in subscriptions:
        project_id = one.publisher_inputs.get("projectId", "").lower()
        if project_id:
            found[project_id] = (*found.get(project_id, ()), one)
    return found
