"""What a look at an organisation's hooks works with, and what it comes to."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from scan_core.devops.administration import Administration
from scan_core.devops.errors import DevOpsError
from scan_core.model.ids import OrganisationName, ProjectId
from scan_core.model.request import ProjectRequest, Request
from scan_core.model.value import Moment
from scan_core.onboarding.patience import Patience
from scan_core.onboarding.wish import Wish
from scan_core.settings.deployment import Settings
from scan_core.store.hook_health import HookStore, TroubledProject


@dataclass(frozen=True)
class HookServices:
    """The doors to the outside, built once by wiring."""

    settings: Settings
    hooks: HookStore
    send: Callable[[Request], None]
    """Queues a request durably."""
    administration: Callable[[OrganisationName], Administration]
    """The client of an organisation, as the identity that its subscriptions belong to."""
    asked_to_wait: Callable[[OrganisationName], float]
    """Seconds for which Azure DevOps wants to be left alone, by whatever part of the app it said so to."""
    failed: Callable[[OrganisationName, DevOpsError], None]
    """Lets all parts of the app know that Azure DevOps did not do what it was asked for."""
    pause: Callable[[int, float, float | None], int]
    """The retry policy: seconds after so many failures, from the first pause on, and no less than was asked for."""
    now: Callable[[], datetime]
    """The time, in UTC."""
    new_id: Callable[[], str]
    """Makes a request's id."""
    sleep: Callable[[float], None]
    """Sleeps for seconds."""


class Memory:
    """What is remembered of the projects in trouble, read once and written through."""

    def __init__(self, store: HookStore, organisation: OrganisationName) -> None:
        """Read it.

        Args:
            store: Where it is kept.
            organisation: Whose projects.
        """
        self._store = store
        self._organisation = organisation
        self._rows = {row.value.project_id: row for row in store.troubled(organisation)}

    def of(self, project_id: ProjectId) -> TroubledProject:
        """Recall a project.

        Args:
            project_id: Which.

        Returns:
            What is remembered; of most projects that is nothing.
        """
        row = self._rows.get(project_id)
        return TroubledProject(organisation=self._organisation, project_id=project_id) if row is None else row.value

    def change(self, project_id: ProjectId, changes: Mapping[str, object]) -> None:
        """Remember something else of a project.

        Args:
            project_id: Which.
            changes: Fields of `TroubledProject`.

        Raises:
            Conflict: Somebody else is at work on it.
        """
        changed = self.of(project_id).model_copy(update=dict(changes))
        self._rows[project_id] = self._store.remember(self._rows.get(project_id), changed)

    def forget_the_past(self, looked_until: Moment, yesterday: Moment) -> None:
        """Forget the projects of which nothing has to be remembered any more.

        Args:
            looked_until: Up to when the whole organisation was looked at.
            yesterday: What was made anew before does not count any more.
        """
        for project_id, row in list(self._rows.items()):
            known = row.value
            is_calm = known.refusals == 0 and (known.looked_until is None or known.looked_until <= looked_until)
            if is_calm and all(moment < yesterday for moments in known.made_anew.values() for moment in moments):
                self._store.forget(row)
                del self._rows[project_id]


@dataclass
class Look:
    """One turn of one organisation."""

    services: HookServices
    organisation: OrganisationName
    administration: Administration
    patience: Patience
    wish: Wish
    memory: Memory
    end: datetime
    """When the turn is over, whatever is left to do."""
    told: Counter[str] = field(default_factory=Counter)
    """How much was found and done, for the summary."""

    def ask_for_project(self, project_id: ProjectId) -> None:
        """Ask for a look at all of a project.

        Args:
            project_id: Which.
        """
        self.ask_for(self.project_request(project_id))

    def ask_for(self, request: Request) -> None:
        """Ask for a look.

        Args:
            request: The request that a hook would have come to.
        """
        self.services.send(request)
        self.told["looks"] += 1

    def project_request(self, project_id: ProjectId) -> ProjectRequest:
        """Make the request for a look at all of a project.

        Args:
            project_id: Which.

        Returns:
            The request.
        """
        return ProjectRequest(
            request_id=self.services.new_id(),
            organisation=self.organisation,
            project_id=project_id,
            accepted_at=self.services.now(),
        )
