"""Table ``gates``, partition ``holds``: which organisations are to be left alone for a while, shared by all instances.

There is a row only while an organisation is in trouble. The ordinary answer is that there is none, and it is kept for a
few seconds, so that asking costs nothing.
"""

from contextlib import suppress
from datetime import timedelta
from enum import StrEnum

from azure.data.tables import TableServiceClient

from scan_core.model.ids import Organisation, OrganisationName
from scan_core.model.value import Moment, Value
from scan_core.store.rows import Conflict, Rows, Versioned

_PARTITION = "holds"
_KEPT = timedelta(seconds=5)
"""For how long what was read is believed; whoever writes knows at once."""


class Cause(StrEnum):
    """Why an organisation is left alone."""

    THROTTLED = "throttled"
    """Azure DevOps refuses calls until then."""
    SLOW_DOWN = "slow_down"
    """It answers, and asks for a pause."""
    FAILING = "failing"
    """It does not answer, or signs us out; how long that lasts is our own guess."""


class Hold(Value):
    """An organisation in trouble, and until when nobody calls it."""

    organisation: Organisation
    cause: Cause
    kind: str
    """The kind of the latest failure, or the cause where there was none."""
    since: Moment
    """When the trouble began."""
    until: Moment
    """When calls may be made again; past, while it has not come to a pause."""
    spread_seconds: float = 0
    """Over how long after the pause those who waited come back."""
    failures: int = 0
    """How many calls failed in a row."""
    paused: bool = False
    """Whether there was a pause after which no call has succeeded yet."""

    @property
    def over_at(self) -> Moment:
        """When everybody who waited is back."""
        return self.until + timedelta(seconds=self.spread_seconds)


class HoldStore:
    """One row for each organisation in trouble."""

    def __init__(self, tables: TableServiceClient) -> None:
        """Use the table of an account.

        Args:
            tables: The account's tables.
        """
        self._rows = Rows(tables.get_table_client("gates"), Hold)
        self._known: dict[OrganisationName, tuple[Moment, Versioned[Hold] | None]] = {}

    def read(self, organisation: OrganisationName, now: Moment) -> Versioned[Hold] | None:
        """Read an organisation's row, as it stands or stood a few seconds ago.

        Args:
            organisation: The organisation.
            now: The time.

        Returns:
            The row; None where it is in no trouble.
        """
        kept = self._known.get(organisation)
        if kept is not None and timedelta(0) <= now - kept[0] < _KEPT:
            return kept[1]
        return self.fresh(organisation, now)

    def fresh(self, organisation: OrganisationName, now: Moment) -> Versioned[Hold] | None:
        """Read an organisation's row as it stands.

        Args:
            organisation: The organisation.
            now: The time.

        Returns:
            The row; None where it is in no trouble.
        """
        found = self._rows.read(_PARTITION, organisation)
        self._known[organisation] = (now, found)
        return found

    def write(self, old: Versioned[Hold] | None, hold: Hold, now: Moment) -> bool:
        """Write an organisation's row over the version read, or for the first time.

        Args:
            old: What was read.
            hold: What shall stand.
            now: The time.

        Returns:
            Whether it stands; False where somebody else was quicker.
        """
        self._known.pop(hold.organisation, None)
        with suppress(Conflict):
            if old is None:
                written = self._rows.insert(_PARTITION, hold.organisation, hold)
            else:
                written = self._rows.replace(_PARTITION, hold.organisation, old, hold)
            self._known[hold.organisation] = (now, written)
            return True
        return False

    def clear(self, old: Versioned[Hold]) -> bool:
        """Take an organisation's row away, unless it changed since it was read.

        Args:
            old: What was read.

        Returns:
            Whether it is gone.
        """
        self._known.pop(old.value.organisation, None)
        return self._rows.delete(_PARTITION, old.value.organisation, old)
