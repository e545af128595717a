"""One connection, one kind of transaction, and SQLite's complaints in words a person can act on.

Used by several lanes (threads) of one run, so every statement goes through one lock.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stsync.state.complaints import explained

Row = tuple[Any, ...]


class Database:
    """Plain SQL on one connection. sqlite-utils stays out of here: it turns Decimals into floats (ecosystem 0.1)."""

    def __init__(self, connection: sqlite3.Connection, path: Path | None) -> None:
        self.connection = connection
        self.path = path
        self._lock = threading.RLock()
        self._depth = 0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """BEGIN IMMEDIATE to COMMIT; inside another transaction it joins that one, and undoes only itself on failure.

        IMMEDIATE because a deferred transaction that reads and then writes fails at once beside another
        writer, whatever the busy timeout (ecosystem facts 0.5).
        """
        with self._lock:
            begin, commit, undo = _NESTED if self._depth else _OUTERMOST
            self._run(begin)
            self._depth += 1
            try:
                yield
                self._run(commit)
            except BaseException:
                self._undo(undo)
                raise
            finally:
                self._depth -= 1

    def execute(self, sql: str, values: Sequence[object] = ()) -> int:
        """Carry out one statement and return how many rows it touched."""
        with self._lock:
            return self._run(sql, values).rowcount

    def select(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """All rows of a query. Long lists are asked for page by page, so that no read stays open across a write."""
        with self._lock, self._explained():
            return self.connection.execute(sql, values).fetchall()

    def one(self, sql: str, values: Sequence[object] = ()) -> Row | None:
        """The first row of a query (or of a RETURNING clause), or None."""
        # Read to the end: a statement that is left half-read keeps its lock, and its change uncommitted.
        rows = self.select(sql, values)
        return rows[0] if rows else None

    def copy_into(self, target: Database) -> None:
        """Copy everything by SQLite's backup API, which only reads here."""
        with self._lock:
            if self._depth:
                raise RuntimeError("a copy in the middle of a transaction would hold half of it")
            self._run("BEGIN")
            try:
                # Python's backup waits without end for a writer; a read does so for the busy timeout only.
                self.select("SELECT 1 FROM sqlite_master")
                with self._explained():
                    self.connection.backup(target.connection)
            finally:
                self._undo(("ROLLBACK",))

    def close(self) -> None:
        """Close the connection; a second time is harmless."""
        with self._lock:
            self.connection.close()

    def _run(self, sql: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        with self._explained():
            return self.connection.execute(sql, values)

    def _undo(self, statements: Sequence[str]) -> None:
        # SQLite ends a transaction by itself on a full disk; rolling back then would hide the first error.
        if self.connection.in_transaction:
            for statement in statements:
                self.connection.execute(statement)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            told = explained(error, self.path)
            if told is None:
                raise
            raise told from error


_OUTERMOST = ("BEGIN IMMEDIATE", "COMMIT", ("ROLLBACK",))
_NESTED = ("SAVEPOINT inner_step", "RELEASE inner_step", ("ROLLBACK TO inner_step", "RELEASE inner_step"))
