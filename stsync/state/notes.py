"""Small facts worth remembering between runs: the mapping's digest, a secret's expiry, the last tie-out."""

from __future__ import annotations

from collections.abc import Iterable

from stsync.core.canonical import canonical_json
from stsync.state.database import Database

# The names of ServiceTitan's tax zones by id, as they were last heard.
TAX_ZONE_NAMES = "tax zone names"


class Notes:
    """The table `notes`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, key: str, value: str | None = None) -> str | None:
        """With a value, remember it; in either case return what is remembered now, or None."""
        if value is not None:
            self._database.execute(
                "INSERT INTO notes (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (key, value),
            )
            return value
        row = self._database.one("SELECT value FROM notes WHERE key = ?", (key,))
        return row[0] if row else None

    def many(self, keys: Iterable[str]) -> dict[str, str]:
        """Those of these keys under which anything is remembered."""
        wanted = canonical_json(sorted(set(keys)))
        return dict(
            self._database.select(
                "SELECT key, value FROM notes WHERE key IN (SELECT value FROM json_each(?))", (wanted,)
            )
        )

    def all(self) -> dict[str, str]:
        """Everything remembered, by key."""
        return dict(self._database.select("SELECT key, value FROM notes ORDER BY key"))
