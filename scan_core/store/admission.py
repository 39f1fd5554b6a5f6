"""Table ``scans``, partition ``active``: which scans are under way or wait for their turn; few, read at once.

An entry follows the scan's own row, which is the truth: it is written after the row became active and taken away after
the row ended, and whoever looks round mends what a death in between left.
"""

from collections.abc import Sequence
from http import HTTPStatus

from azure.core import MatchConditions
from azure.data.tables import TableServiceClient, TableTransactionError, UpdateMode

from scan_core.model.ids import OrganisationName, ScanId
from scan_core.model.value import Moment, Value
from scan_core.store.rows import Conflict, Rows, Versioned, entity_of

_PARTITION = "active"
_TURN = "turn"
_MOVED = {HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND, HTTPStatus.PRECONDITION_FAILED}
MOST_AT_ONCE = 99
"""Operations of one transaction, less the turn (Microsoft, "Performing entity group transactions")."""


class Enlisted(Value):
    """A scan that is under way, or wants to be."""

    scan_id: ScanId
    organisation: OrganisationName
    repository: str
    """The repository of sources, or of images with its registry: what one cap holds for."""
    since: Moment
    admitted_at: Moment | None = None


class Turn(Value):
    """When somebody was last admitted. Changing it is what serialises admission."""

    taken_at: Moment


class AdmissionStore:
    """The entries, and whose turn it is."""

    def __init__(self, tables: TableServiceClient) -> None:
        """Use the table of an account.

        Args:
            tables: The account's tables.
        """
        self._table = tables.get_table_client("scans")
        self._entries = Rows(self._table, Enlisted)
        self._turns = Rows(self._table, Turn)

    def entries(self) -> list[Versioned[Enlisted]]:
        """List the scans that are under way or wait.

        Returns:
            Every entry, in no order that means anything.
        """
        return [entry for _, entry in self._entries.partition(_PARTITION)]

    def entry(self, scan_id: ScanId) -> Enlisted | None:
        """Read one scan's entry.

        Args:
            scan_id: The scan.

        Returns:
            The entry; None where there is none.
        """
        found = self._entries.read(_PARTITION, scan_id)
        return None if found is None else found.value

    def turn(self, now: Moment) -> Versioned[Turn]:
        """Read whose turn it is, before the entries are read.

        Args:
            now: The time, for the very first turn.

        Returns:
            The turn as it stands.
        """
        found = self._turns.read(_PARTITION, _TURN)
        if found is not None:
            return found
        try:
            return self._turns.insert(_PARTITION, _TURN, Turn(taken_at=now))
        except Conflict:
            return self.turn(now)

    def enlist(self, entry: Enlisted) -> None:
        """Add a scan, unless it is there.

        Args:
            entry: The scan.
        """
        try:
            self._entries.insert(_PARTITION, entry.scan_id, entry)
        except Conflict:
            return

    def delist(self, scan_id: ScanId) -> None:
        """Take a scan away, if it is there.

        Args:
            scan_id: The scan.
        """
        entry = self._entries.read(_PARTITION, scan_id)
        if entry is not None:
            self._entries.delete(_PARTITION, scan_id, entry)

    def admit(self, turn: Versioned[Turn], chosen: Sequence[Versioned[Enlisted]], now: Moment) -> None:
        """Admit scans, all or none, if nobody else admitted any since the turn was read.

        Args:
            turn: What `turn` gave before the entries were read.
            chosen: Entries as they were read, at most 99.
            now: The time.

        Raises:
            Conflict: Somebody else did, or an entry changed or went: read again.
        """
        rows: list[tuple[str, str, Value]] = [(_TURN, turn.etag, Turn(taken_at=now))]
        for entry in chosen:
            admitted = entry.value.model_copy(update={"admitted_at": now})
            rows.append((entry.value.scan_id, entry.etag, admitted))
        unchanged = {"mode": UpdateMode.REPLACE, "match_condition": MatchConditions.IfNotModified}
        operations = [
            ("update", entity_of(_PARTITION, row, value), {"etag": etag, **unchanged}) for row, etag, value in rows
        ]
        try:
            self._table.submit_transaction(operations)
        except TableTransactionError as refused:
            if refused.status_code in _MOVED:
                raise Conflict(_TURN) from refused
            raise
