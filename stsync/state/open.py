"""Opening the state file, and the one object through which the rest of stsync uses it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from stsync.errors import StsyncError
from stsync.state import pinning
from stsync.state.audit import Audit
from stsync.state.complaints import damaged, wrong_totals
from stsync.state.connect import connect_reading, connect_scratch, connect_writing, copy_file
from stsync.state.cursors import Cursors
from stsync.state.database import Database
from stsync.state.inbox import Inbox
from stsync.state.ledger import Ledger
from stsync.state.migrations import is_present, migrate
from stsync.state.notes import Notes
from stsync.state.rows import Pin
from stsync.state.runs import Runs
from stsync.state.totals import counted, totals


def _utc_now() -> datetime:
    return datetime.now(UTC)


class State:
    """What stsync knows between runs: inbox, cursors, ledger, audit, runs, notes, and whose books these are."""

    def __init__(
        self, database: Database, now: Callable[[], datetime] = _utc_now, copied_from: Path | None = None
    ) -> None:
        self._database = database
        self._copied_from = copied_from
        self._now = now
        self.path = database.path
        self.audit = Audit(database, now)
        self.cursors = Cursors(database)
        self.inbox = Inbox(database, self.cursors)
        self.ledger = Ledger(database, self.audit, now)
        self.runs = Runs(database, self.audit, now)
        self.notes = Notes(database)

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, now: Callable[[], datetime] = _utc_now) -> Self:
        """Open the file, creating it (owner only) and bringing it to this version's shape where needed.

        Raises StateError when the file is damaged, in a place that cannot be written, not ours, or of a newer
        stsync; LockHeld when another program keeps it.
        """
        return cls(_ready(connect_writing(_place(path))), now)

    @classmethod
    def open_scratch(cls, path: str | os.PathLike[str], *, now: Callable[[], datetime] = _utc_now) -> Self:
        """A private copy of the file, or an empty state where there is none: for previews, which write nothing.

        Neither the file nor its folder is created, migrated or touched. Raises what open raises.
        """
        place = _place(path)
        scratch = connect_scratch()
        try:
            if place.exists():
                copy_file(place, scratch)
            return cls(_ready(scratch), now, copied_from=place)
        except BaseException:
            scratch.close()
            raise

    @classmethod
    def open_reading(cls, path: str | os.PathLike[str], *, now: Callable[[], datetime] = _utc_now) -> Self:
        """The file itself, for commands that only look: nothing can be written through it, and nothing is copied.

        Each question is answered by what is committed when it is asked; `still` holds the file for several. A file of an
        older shape, or one that a killed run left to be repaired, is read as a copy. Raises what open raises.
        """
        place = _place(path)
        database = connect_reading(place) if place.exists() else None
        if database is None:
            return cls.open_scratch(path, now=now)
        try:
            if is_present(database):
                return cls(database, now)
        except BaseException:
            database.close()
            raise
        database.close()
        return cls.open_scratch(path, now=now)

    def still(self) -> AbstractContextManager[None]:
        """What is read inside is of one moment; a run that is at work waits meanwhile, so nothing slow belongs in it."""
        return self._database.still()

    def scratch_copy(self) -> State:
        """A private copy, for a dry run to work on: the file stays as it is, byte for byte."""
        scratch = connect_scratch()
        self._database.copy_into(scratch)
        return State(scratch, self._now)

    def transaction(self) -> AbstractContextManager[None]:
        """BEGIN IMMEDIATE to COMMIT, joining an outer one. Never keep one open across a network call."""
        return self._database.transaction()

    @property
    def pinned(self) -> Pin | None:
        """The pair of systems this file belongs to, or None while it is new."""
        return pinning.pinned(self._database)

    def pin(self, pin: Pin) -> None:
        """Give the file to this pair of systems. Raises StateError if it belongs to another."""
        pinning.write_pin(self._database, pin, self._where())

    def check_pin(self, pin: Pin) -> None:
        """Raises StateError 'state-pinned-elsewhere', saying both, if the file belongs to another pair."""
        pinning.check_pin(self._database, pin, self._where())

    def check(self) -> int:
        """Read the whole file for damage, its sums for being true and the audit for changes; returns the number of audit
        rows. For `doctor`."""
        (verdict,) = self._database.select("PRAGMA integrity_check(1)")[0]
        if verdict != "ok":
            raise damaged(self._where(), str(verdict))
        if totals(self._database) != counted(self._database):
            raise wrong_totals(self._where())
        return self.audit.verify()

    def close(self) -> None:
        """Close the file; a second time is harmless."""
        try:
            self.audit.flush()
        except (StsyncError, sqlite3.Error):
            # Whatever ended the run says more than that its last requests were not noted; their intents were.
            pass
        finally:
            self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _where(self) -> str:
        # A person corrects a file, not the copy of it that a preview works on.
        return str(self.path or self._copied_from or "of temporary files")


def _place(path: str | os.PathLike[str]) -> Path:
    return Path(path).expanduser().resolve()


def _ready(database: Database) -> Database:
    try:
        migrate(database)
    except BaseException:
        database.close()
        raise
    return database
