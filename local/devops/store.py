"""Durable memory: records by kind, in memory for reading and in SQLite for surviving a kill."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import TypeAdapter


class Store:
    """A SQLite file and the one lock that guards everything read from it.

    A change is written in one transaction when its outermost block ends; when the block raises, memory goes back to
    what it was. Write-ahead logging keeps every committed change through a kill of the process.
    """

    def __init__(self, path: Path) -> None:
        """Open the file, or make it.

        Args:
            path: where it lies; its folder exists.
        """
        self.lock = threading.RLock()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=NORMAL")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS records (kind TEXT, key TEXT, body BLOB, PRIMARY KEY (kind, key))"
        )
        self._depth = 0
        self._pending: list[tuple[str, str, bytes | None]] = []
        self._undo: list[Callable[[], None]] = []

    def close(self) -> None:
        """Close the file; the store cannot be used any more."""
        with self.lock:
            self._database.close()

    @contextmanager
    def change(self) -> Iterator[None]:
        """Hold the lock; write what was changed inside at the end, or take it back on an exception."""
        with self.lock:
            self._depth += 1
            try:
                yield
                if self._depth == 1:
                    self._write()
            except BaseException:
                if self._depth == 1:
                    self._take_back()
                raise
            finally:
                self._depth -= 1

    def load(self, kind: str) -> list[tuple[str, bytes]]:
        """Return key and body of every record of a kind.

        Args:
            kind: the table's name.
        """
        return self._database.execute("SELECT key, body FROM records WHERE kind = ?", (kind,)).fetchall()

    def note(self, kind: str, key: str, body: bytes | None, undo: Callable[[], None]) -> None:
        """Take one write into the present change.

        Args:
            kind: the table's name.
            key: the record's key.
            body: the record, or nothing to delete it.
            undo: how memory goes back.

        Raises:
            RuntimeError: outside of a change.
        """
        if not self._depth:
            raise RuntimeError(f"{kind} {key} was written outside of a change")
        self._pending.append((kind, key, body))
        self._undo.append(undo)

    def _write(self) -> None:
        if self._pending:
            self._database.execute("BEGIN IMMEDIATE")
            for kind, key, body in self._pending:
                if body is None:
                    self._database.execute("DELETE FROM records WHERE kind = ? AND key = ?", (kind, key))
                else:
                    self._database.execute("INSERT OR REPLACE INTO records VALUES (?, ?, ?)", (kind, key, body))
            self._database.execute("COMMIT")
        self._pending.clear()
        self._undo.clear()

    def _take_back(self) -> None:
        for undo in reversed(self._undo):
            undo()
        self._pending.clear()
        self._undo.clear()
        if self._database.in_transaction:
            self._database.execute("ROLLBACK")


class Table[T]:
    """All records of one kind by key."""

    def __init__(self, store: Store, kind: type[T]) -> None:
        """Load what is there.

        Args:
            store: where it is kept.
            kind: the record's class.
        """
        self._store = store
        self._name = kind.__name__
        self._adapter = TypeAdapter(kind)
        self._rows: dict[str, T] = {key: self._adapter.validate_json(body) for key, body in store.load(self._name)}

    def get(self, key: str | int) -> T | None:
        """Return a record, or nothing.

        Args:
            key: its key.
        """
        with self._store.lock:
            return self._rows.get(str(key))

    def all(self) -> list[T]:
        """Return every record, in the order in which they were first written."""
        with self._store.lock:
            return list(self._rows.values())

    def put(self, key: str | int, record: T) -> T:
        """Write a record inside a change and return it.

        Args:
            key: its key.
            record: the new value.
        """
        name = str(key)
        before = self._rows.get(name)
        self._store.note(self._name, name, self._adapter.dump_json(record), lambda: self._restore(name, before))
        self._rows[name] = record
        return record

    def delete(self, key: str | int) -> None:
        """Remove a record inside a change.

        Args:
            key: its key; nothing happens when there is none.
        """
        name = str(key)
        before = self._rows.get(name)
        if before is not None:
            self._store.note(self._name, name, None, lambda: self._restore(name, before))
            del self._rows[name]

    def _restore(self, name: str, before: T | None) -> None:
        if before is None:
            self._rows.pop(name, None)
        else:
            self._rows[name] = before
