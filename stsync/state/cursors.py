"""How far each feed has been read. A cursor moves in the transaction that stores the rows, never before."""

from __future__ import annotations

from datetime import datetime

from stsync.state.database import Database
from stsync.state.rows import Cursor
from stsync.state.texts import optional_time, time_text

# Kept among the notes.
_READING = "reading-unfinished:"


class Cursors:
    """The table `cursors`: one row per feed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def token(self, feed: str) -> str | None:
        """The feed's continuation token exactly as the source gave it, or None before the first page."""
        row = self._database.one("SELECT token FROM cursors WHERE feed = ?", (feed,))
        return row[0] if row else None

    def read_at(self, feed: str) -> datetime | None:
        """When the feed was last read, or None if never."""
        row = self._database.one("SELECT read_at FROM cursors WHERE feed = ?", (feed,))
        return optional_time(row[0]) if row else None

    def all(self) -> list[Cursor]:
        """Every feed's cursor, by name."""
        rows = self._database.select("SELECT feed, token, read_at FROM cursors ORDER BY feed")
        return [Cursor(feed, token, optional_time(read_at)) for feed, token, read_at in rows]

    def set(self, feed: str, token: str | None, read_at: datetime | None) -> None:
        """Put a cursor where it is told; for resets and for feeds that store nothing."""
        self._database.execute(
            "INSERT INTO cursors (feed, token, read_at) VALUES (?, ?, ?)"
            " ON CONFLICT (feed) DO UPDATE SET token = excluded.token, read_at = excluded.read_at",
            (feed, token, time_text(read_at) if read_at else None),
        )

    def reading(self, feed: str, *, ended: bool) -> None:
        """Remember that the feed is being read on from its place, or that its end was reached."""
        self._database.execute(
            "INSERT INTO notes (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (f"{_READING}{feed}", "" if ended else "yes"),
        )

    def broken_off(self, feed: str) -> bool:
        """Whether the last reading did not come to the end of the feed: what follows its place was never seen."""
        row = self._database.one("SELECT value FROM notes WHERE key = ?", (f"{_READING}{feed}",))
        return bool(row and row[0])

    def advance(self, feed: str, token: str | None, read_at: datetime) -> None:
        """Move a cursor after its rows: a page without a token leaves the token where it was."""
        self._database.execute(
            "INSERT INTO cursors (feed, token, read_at) VALUES (?, ?, ?)"
            " ON CONFLICT (feed) DO UPDATE SET token = coalesce(excluded.token, token), read_at = excluded.read_at",
            (feed, token, time_text(read_at)),
        )
