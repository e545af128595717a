"""Which records belong together, worked out on disk: a backlog's ids and ties must not fill the memory.

A private database of SQLite's own: without a name, so nobody else can open it, and gone when it is closed or the process
ends.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from types import TracebackType
from typing import Any, Self

Pair = tuple[str, str]


class Groups:
    """Records by kind, id and place in the order, each in a group; and ties from groups to records."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        for statement in _SHAPE:
            self._database.execute(statement)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Forget everything."""
        self._database.close()

    def add(self, records: Iterable[tuple[str, str, str]]) -> None:
        """Records by kind, id and group, in the order in which they are to be worked."""
        self._database.executemany("INSERT OR IGNORE INTO record (kind, id, grouped) VALUES (?, ?, ?)", records)

    def tie(self, ties: Iterable[tuple[str, str, str]]) -> None:
        """Say that groups have to do with records (group, kind, id), whether these are among ours or not."""
        self._database.executemany("INSERT INTO tie (grouped, kind, id) VALUES (?, ?, ?)", ties)

    def across(self) -> Iterator[Pair]:
        """The groups that a tie joins, two by two."""
        sql = (
            "SELECT DISTINCT tie.grouped, record.grouped FROM tie JOIN record USING (kind, id)"
            " WHERE tie.grouped <> record.grouped"
        )
        return self._each(sql)

    def outside(self, kind: str) -> Iterator[Pair]:
        """The records of a kind that ties name and that are not among ours: the id, and a group that names it, by id."""
        sql = (
            "SELECT DISTINCT tie.id, tie.grouped FROM tie LEFT JOIN record USING (kind, id)"
            " WHERE tie.kind = ? AND record.id IS NULL ORDER BY tie.id"
        )
        return self._each(sql, (kind,))

    def merge(self, into: Mapping[str, str]) -> None:
        """Make groups parts of others."""
        self._database.executemany(
            "UPDATE record SET grouped = ? WHERE grouped = ?", ((other, one) for one, other in into.items())
        )

    def cut(self, size: int, first: Iterable[Pair] = ()) -> int:
        """Gather whole groups into portions of about so many records; returns how many portions.

        The groups of the `first` records (kind, id) are the first portion, however many; the others follow in the order of
        their records.
        """
        self._database.executemany("UPDATE record SET first = 1 WHERE kind = ? AND id = ?", first)
        number, room, were_first = 0, size, False
        for name, count, is_first in self._each(_IN_ORDER):
            full = count > room and not is_first
            if room < size and (full or (were_first and not is_first)):
                number, room = number + 1, size
            self._database.execute("INSERT INTO portion (grouped, number) VALUES (?, ?)", (name, number))
            room, were_first = room - count, bool(is_first)
        return number + 1 if room < size else number

    def portion(self, number: int) -> dict[str, list[str]]:
        """The ids of a portion by kind, in their order."""
        found: dict[str, list[str]] = {}
        sql = "SELECT kind, id FROM record JOIN portion USING (grouped) WHERE number = ? ORDER BY place"
        for kind, one in self._each(sql, (number,)):
            found.setdefault(kind, []).append(one)
        return found

    def _each(self, sql: str, values: Iterable[object] = ()) -> Iterator[Any]:
        with closing(self._database.execute(sql, tuple(values))) as cursor:
            yield from cursor


_SHAPE = (
    # The page cache is all that stays in memory (in KiB); nothing here has to survive a crash.
    "PRAGMA cache_size = -4096",
    "PRAGMA journal_mode = OFF",
    "PRAGMA synchronous = OFF",
    "PRAGMA temp_store = FILE",
    "CREATE TABLE record (place INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, grouped TEXT NOT NULL,"
    " first INTEGER NOT NULL DEFAULT 0, UNIQUE (kind, id))",
    "CREATE INDEX record_by_group ON record (grouped)",
    "CREATE TABLE tie (grouped TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL)",
    "CREATE INDEX tie_by_record ON tie (kind, id)",
    "CREATE TABLE portion (grouped TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE INDEX portion_by_number ON portion (number)",
)
_IN_ORDER = "SELECT grouped, count(*), max(first) FROM record GROUP BY grouped ORDER BY max(first) DESC, min(place)"
