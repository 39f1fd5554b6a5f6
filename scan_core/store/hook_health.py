"""Table ``gates``: when each organisation's hooks are looked at next, and what is remembered of those in trouble."""

from typing import Annotated

from azure.data.tables import TableServiceClient
from pydantic import Field

from scan_core.model.ids import Guid, Organisation, OrganisationName, ProjectId
from scan_core.model.value import Moment, Value
from scan_core.store.rows import Conflict, Rows, Versioned

_TURNS = "hooks"


class HookTurn(Value):
    """The turn of one organisation."""

    organisation: Organisation
    next_at: Moment
    """When its turn comes; whoever moves this on has the turn."""
    looked_until: Moment
    """Every lost event of before was asked for."""
    failures: int = Field(default=0, ge=0)
    """How many of its latest turns in a row failed."""


class TroubledProject(Value):
    """What is remembered of a project whose hooks lost events or had to be repaired."""

    organisation: Organisation
    project_id: Annotated[ProjectId, Guid]
    looked_until: Moment | None = None
    """Every lost event of this project of before was asked for, where that is later than the organisation's."""
    made_anew: dict[str, tuple[Moment, ...]] = Field(default_factory=dict)
    """By the name of a subscription's place: when it was made anew and delivered nothing since."""
    refusals: int = Field(default=0, ge=0)
    """How many of the latest repairs in a row were refused."""
    repair_at: Moment | None = None
    """When the next repair is tried, after a refusal."""


class HookStore:
    """Turns of organisations, and projects in trouble."""

    def __init__(self, tables: TableServiceClient) -> None:
        """Use the table of an account.

        Args:
            tables: The account's tables.
        """
        table = tables.get_table_client("gates")
        self._turns = Rows(table, HookTurn)
        self._projects = Rows(table, TroubledProject)

    def turn(self, first: HookTurn) -> Versioned[HookTurn]:
        """Read the turn of an organisation.

        Args:
            first: What shall stand where there is none yet.

        Returns:
            The turn as it stands.
        """
        found = self._turns.read(_TURNS, first.organisation)
        if found is not None:
            return found
        try:
            return self._turns.insert(_TURNS, first.organisation, first)
        except Conflict:
            return self.turn(first)

    def write(self, old: Versioned[HookTurn], turn: HookTurn) -> Versioned[HookTurn]:
        """Write a turn over the version read.

        Args:
            old: What was read.
            turn: What shall stand.

        Returns:
            The turn with its new version.

        Raises:
            Conflict: It changed meanwhile.
        """
        return self._turns.replace(_TURNS, turn.organisation, old, turn)

    def troubled(self, organisation: OrganisationName) -> list[Versioned[TroubledProject]]:
        """List the projects that something is remembered of.

        Args:
            organisation: Whose projects.

        Returns:
            The projects, in no order that means anything.
        """
        return [project for _, project in self._projects.partition(_partition(organisation))]

    def remember(self, old: Versioned[TroubledProject] | None, project: TroubledProject) -> Versioned[TroubledProject]:
        """Write a project over the version read.

        Args:
            old: What was read; None where there was nothing.
            project: What shall stand.

        Returns:
            The project with its new version.

        Raises:
            Conflict: It changed, or came, meanwhile.
        """
        place, row = _partition(project.organisation), project.project_id
        if old is None:
            return self._projects.insert(place, row, project)
        return self._projects.replace(place, row, old, project)

    def forget(self, old: Versioned[TroubledProject]) -> None:
        """Forget a project, unless its row changed since it was read.

        Args:
            old: What was read.
        """
        self._projects.delete(_partition(old.value.organisation), old.value.project_id, old)


def _partition(organisation: OrganisationName) -> str:
    return f"{_TURNS}.{organisation}"
