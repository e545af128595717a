"""Hints that came from outside, in a small file of their own beside the state file.

The program that listens to the internet opens nothing but this file: neither the books' state nor a secret of
ServiceTitan or Business Central is within its reach. A hint is durable before it is acknowledged.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from stsync.errors import StateError
from stsync.state.connect import connect_writing
from stsync.state.database import Database
from stsync.state.texts import time_from, time_text

_TABLE = """
CREATE TABLE IF NOT EXISTS hints (
    id INTEGER PRIMARY KEY,
    occurrence TEXT NOT NULL UNIQUE,
    event TEXT NOT NULL, kind TEXT NOT NULL, source_id TEXT NOT NULL,
    arrived_at TEXT NOT NULL, taken_at TEXT
) STRICT"""
_OPEN = "CREATE INDEX IF NOT EXISTS hints_open ON hints (id) WHERE taken_at IS NULL"
# Repeats come within minutes (facts section 5: the last retry after 300 seconds); a month answers questions.
_KEPT_DAYS = 31
_NEVER_DAYS = 1e9


@dataclass(frozen=True)
class StoredHint:
    """One hint; `kind` and `source_id` are empty when the delivery did not say."""

    id: int
    event: str
    kind: str
    source_id: str
    arrived_at: datetime


def hints_path(state_path: Path) -> Path:
    """Where the hints of this state file are."""
    return state_path.with_name(state_path.name + ".hints")


class Hints:
    """The file of hints."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Hints:
        """Open the file, creating it for its owner only. Raises StateError."""
        database = connect_writing(Path(path).expanduser().resolve())
        try:
            with database.transaction():
                database.execute(_TABLE)
                database.execute(_OPEN)
        except BaseException:
            database.close()
            raise
        return cls(database)

    def keep(
        self,
        *,
        occurrence: str,
        event: str,
        kind: str,
        source_id: str,
        at: datetime,
        again_after: timedelta | None = None,
    ) -> bool:
        """Keep a hint; durable when this returns. False for an occurrence that is here already.

        With `again_after`, one that a run has taken counts anew when it comes that long after it came before: what is
        told apart by its words alone may truly happen twice.
        """
        days = _NEVER_DAYS if again_after is None else again_after / timedelta(days=1)
        added = self._database.execute(
            "INSERT INTO hints (occurrence, event, kind, source_id, arrived_at) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (occurrence) DO UPDATE SET taken_at = NULL, arrived_at = excluded.arrived_at"
            " WHERE taken_at IS NOT NULL AND julianday(excluded.arrived_at) - julianday(arrived_at) > ?",
            (occurrence, event, kind, source_id, time_text(at), days),
        )
        return bool(added)

    def waiting(self) -> list[StoredHint]:
        """The hints that no run has taken yet, oldest first."""
        rows = self._database.select(
            "SELECT id, event, kind, source_id, arrived_at FROM hints WHERE taken_at IS NULL ORDER BY id"
        )
        return [StoredHint(number, event, kind, source, time_from(at)) for number, event, kind, source, at in rows]

    def count(self) -> int:
        """How many hints wait."""
        row = self._database.one("SELECT count(*) FROM hints WHERE taken_at IS NULL")
        return int(row[0]) if row is not None else 0

    def take(self, hints: Iterable[StoredHint], at: datetime) -> None:
        """Say that a run has read what these hint at; old ones are forgotten."""
        with self._database.transaction():
            for hint in hints:
                self._database.execute("UPDATE hints SET taken_at = ? WHERE id = ?", (time_text(at), hint.id))
            self._database.execute(
                "DELETE FROM hints WHERE taken_at IS NOT NULL AND julianday(?) - julianday(taken_at) > ?",
                (time_text(at), _KEPT_DAYS),
            )

    def close(self) -> None:
        """Close the file; a second time is harmless."""
        self._database.close()

    def __enter__(self) -> Hints:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def waiting_hints(state_path: Path) -> Hints | None:
    """The hints beside a state file, or None when nobody listens; a file that cannot be used is no reason to stop a run."""
    path = hints_path(state_path)
    if not path.exists():
        return None
    try:
        return Hints.open(path)
    except StateError:
        return None
