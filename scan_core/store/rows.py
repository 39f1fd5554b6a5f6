"""Typed rows in a table, each changed only by whoever read its latest version."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.data.tables import TableClient, UpdateMode

from scan_core.model.value import Value

_PIECE = 15_000
"""Characters in one property: Azure Tables keeps 64 KiB of UTF-16 in a string, and a character may take 4 bytes."""
_PRECONDITION_FAILED = 412


class Conflict(Exception):
    """Somebody else changed or made the row first: read again and decide again."""


@dataclass(frozen=True)
class Versioned[T]:
    """A value as it stood when it was read; replacing it needs this version."""

    value: T
    etag: str


class Rows[T: Value]:
    """Rows of one type in one table, as JSON, found by partition and row key."""

    def __init__(self, table: TableClient, kind: type[T]) -> None:
        """Wrap a table.

        Args:
            table: The table.
            kind: What its rows hold.
        """
        self._table = table
        self._kind = kind

    def read(self, partition: str, row: str) -> Versioned[T] | None:
        """Read one row.

        Args:
            partition: Its partition key.
            row: Its row key.

        Returns:
            The value and its version; None where there is no such row.
        """
        try:
            entity = self._table.get_entity(partition, row)
        except ResourceNotFoundError:
            return None
        return self._versioned(entity)

    def insert(self, partition: str, row: str, value: T) -> Versioned[T]:
        """Write a row that does not exist yet.

        Args:
            partition: Its partition key.
            row: Its row key.
            value: What it holds.

        Returns:
            The value with its first version.

        Raises:
            Conflict: The row exists.
        """
        try:
            answer = self._table.create_entity(entity_of(partition, row, value))
        except ResourceExistsError as exists:
            raise Conflict(row) from exists
        return Versioned(value, str(answer["etag"]))

    def replace(self, partition: str, row: str, old: Versioned[T], value: T) -> Versioned[T]:
        """Write a row over the version that was read.

        Args:
            partition: Its partition key.
            row: Its row key.
            old: What was read.
            value: What it shall hold.

        Returns:
            The value with its new version.

        Raises:
            Conflict: The row changed, or went, since it was read.
        """
        try:
            answer = self._table.update_entity(
                entity_of(partition, row, value),
                mode=UpdateMode.REPLACE,
                etag=old.etag,
                match_condition=MatchConditions.IfNotModified,
            )
        except (ResourceModifiedError, ResourceNotFoundError) as moved:
            raise Conflict(row) from moved
        return Versioned(value, str(answer["etag"]))

    def delete(self, partition: str, row: str, old: Versioned[T]) -> bool:
        """Delete a row in the version that was read.

        Args:
            partition: Its partition key.
            row: Its row key.
            old: What was read.

        Returns:
            Whether it is gone; False where it changed since.
        """
        try:
            self._table.delete_entity(partition, row, etag=old.etag, match_condition=MatchConditions.IfNotModified)
        except ResourceNotFoundError:
            return True
        except HttpResponseError as refused:
            if refused.status_code == _PRECONDITION_FAILED:
                return False
            raise
        return True

    def partition(self, partition: str) -> Iterator[tuple[str, Versioned[T]]]:
        """Read all rows of a partition that hold this type.

        Args:
            partition: The partition key.

        Yields:
            Each row's key and value.
        """
        query = "PartitionKey eq @partition and Kind eq @kind"
        names = {"partition": partition, "kind": self._kind.__name__}
        for entity in self._table.query_entities(query, parameters=names):
            yield str(entity["RowKey"]), self._versioned(entity)

    def _versioned(self, entity: Any) -> Versioned[T]:  # noqa: ANN401 - the SDK's own mapping with metadata
        pieces = (str(entity[f"Body{number}"]) for number in range(int(entity["Pieces"])))
        return Versioned(self._kind.model_validate_json("".join(pieces)), str(entity.metadata["etag"]))


def entity_of(partition: str, row: str, value: Value) -> dict[str, str | int]:
    """Write a value as a table's entity.

    Args:
        partition: Its partition key.
        row: Its row key.
        value: What it holds.

    Returns:
        The entity, its JSON in as many properties as it takes.
    """
    body = value.model_dump_json()
    pieces = [body[start : start + _PIECE] for start in range(0, len(body), _PIECE)]
    return {
        "PartitionKey": partition,
        "RowKey": row,
        "Kind": type(value).__name__,
        "Pieces": len(pieces),
        **{f"Body{number}": piece for number, piece in enumerate(pieces)},
    }
