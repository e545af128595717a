"""One connection, one kind of transaction, and SQLite's complaints in words a person can act on.

Used by several lanes (threads) of one run, so every statement goes through one lock.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from stsync.state.complaints import explained

Row = tuple[Any, ...]


class Database:
    """Plain SQL on one connection. sqlite-utils stays out of here: it turns Decimals into floats (ecosystem 0.1)."""

    def __init__(self, connection: sqlite3.Connection, path: Path | None) -> None:
        self.connection = connection
        self.path = path
        self._lock = threading.RLock()
        self._open: list[_Steps] = []
        self._moment = 0

    def transaction(self) -> AbstractContextManager[None]:
        """BEGIN IMMEDIATE to COMMIT; inside another transaction it joins that one, and undoes only itself on failure.

        IMMEDIATE because a deferred transaction that reads and then writes fails at once beside another
        writer, whatever the busy timeout (ecosystem facts 0.5).
        """
        return _Transaction(self, _NESTED)

    def joined(self) -> AbstractContextManager[None]:
        """The same for a single change at the end of what is read: inside another transaction it costs nothing, because
        a statement that fails undoes itself."""
        return _Transaction(self, _JOINED)

    def still(self) -> AbstractContextManager[None]:
        """What is read inside is of one moment. A writer has to wait for its end: for short questions only."""
        return _Transaction(self, _JOINED, _STILL)

    @property
    def moment(self) -> int:
        """Another number whenever a transaction begins or ends, or something is undone. Inside one, what was read is true
        for as long as the number stays: nobody else writes meanwhile."""
        return self._moment

    def begin(self, inside: _Steps, outermost: _Steps) -> None:
        """Begin a transaction, or join the one that is open; the lock is kept until it ends."""
        self._lock.acquire()
        steps = inside if self._open else outermost
        try:
            if steps.begin:
                self._run(steps.begin)
        except BaseException:
            self._lock.release()
            raise
        self._moment += not self._open
        self._open.append(steps)

    def end(self, *, well: bool) -> None:
        """Commit what was begun last, or undo it."""
        steps = self._open.pop()
        try:
            if well and steps.commit:
                self._run(steps.commit)
        except BaseException:
            well = False
            raise
        finally:
            try:
                if not well:
                    self._undo(steps.undo)
            finally:
                self._moment += not (well and self._open)
                self._lock.release()

    def execute(self, sql: str, values: Sequence[object] = ()) -> int:
        """Carry out one statement and return how many rows it touched."""
        with self._lock:
            return self._run(sql, values).rowcount

    def select(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """All rows of a query. Long lists are asked for page by page, so that no read stays open across a write."""
        with self._lock:
            try:
                return self.connection.execute(sql, values).fetchall()
            except sqlite3.Error as error:
                self._tell(error)
                raise

    def one(self, sql: str, values: Sequence[object] = ()) -> Row | None:
        """The first row of a query (or of a RETURNING clause), or None."""
        # Read to the end: a statement that is left half-read keeps its lock, and its change uncommitted.
        rows = self.select(sql, values)
        return rows[0] if rows else None

    def copy_into(self, target: Database) -> None:
        """Copy everything by SQLite's backup API, which only reads here."""
        with self._lock:
            if self._open:
                raise RuntimeError("a copy in the middle of a transaction would hold half of it")
            self._run("BEGIN")
            try:
                # Python's backup waits without end for a writer; a read does so for the busy timeout only.
                self.select("SELECT 1 FROM sqlite_master")
                self.connection.backup(target.connection)
            except sqlite3.Error as error:
                self._tell(error)
                raise
            finally:
                self._undo(("ROLLBACK",))

    def close(self) -> None:
        """Close the connection; a second time is harmless."""
        with self._lock:
            self.connection.close()

    def _run(self, sql: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        # No context manager here: every statement of a run passes, tens of thousands of them.
        try:
            return self.connection.execute(sql, values)
        except sqlite3.Error as error:
            self._tell(error)
            raise

    def _undo(self, statements: Sequence[str]) -> None:
        # SQLite ends a transaction by itself on a full disk; rolling back then would hide the first error.
        if self.connection.in_transaction:
            for statement in statements:
                self.connection.execute(statement)

    def _tell(self, error: sqlite3.Error) -> None:
        """Raises the complaint in words for people; returns when the fault is our own SQL."""
        told = explained(error, self.path)
        if told is not None:
            raise told from error


class _Transaction:
    """A class, because a generator takes longer than the statements of a short transaction."""

    def __init__(self, database: Database, inside: _Steps, outermost: _Steps | None = None) -> None:
        self._database = database
        self._inside = inside
        self._outermost = outermost or _OUTERMOST

    def __enter__(self) -> None:
        self._database.begin(self._inside, self._outermost)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.end(well=kind is None)


class _Steps(NamedTuple):
    begin: str
    commit: str
    undo: tuple[str, ...]


_OUTERMOST = _Steps("BEGIN IMMEDIATE", "COMMIT", ("ROLLBACK",))
_NESTED = _Steps("SAVEPOINT inner_step", "RELEASE inner_step", ("ROLLBACK TO inner_step", "RELEASE inner_step"))
_STILL = _Steps("BEGIN", "COMMIT", ("ROLLBACK",))
_JOINED = _Steps("", "", ())
