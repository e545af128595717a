"""Rows and tables: plain Python records with identity, row version, modification time, undo and indexes.

Values of a row are replaced, never changed in place: the undo log keeps the old value of an attribute.
Not modelled: SQL collation, locks, permissions.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Generic, TypeVar

from stsync.sandbox.businesscentral.core.undo import UndoLog

ZERO_GUID = "00000000-0000-0000-0000-000000000000"
EPOCH = datetime(1, 1, 1, tzinfo=UTC)


def new_guid() -> str:
    """A fresh id as the API prints it."""
    return str(uuid.uuid4())


class Store:
    """What all tables of an environment share: the clock, the row version counter and the undo log."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.undo = UndoLog()
        self._version = 130_000_000

    def now(self) -> datetime:
        """The server's time in UTC, cut to milliseconds as stored timestamps are."""
        moment = self.clock().astimezone(UTC)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def next_version(self) -> int:
        """The next row version of the database."""
        self._version += 1
        return self._version


@dataclass(eq=False, kw_only=True)
class Row:
    """A record. `id` is its SystemId (or the API's own id), `version` feeds the ETag."""

    id: str = field(default_factory=new_guid)
    modified_at: datetime = EPOCH
    version: int = 0

    def __setattr__(self, name: str, value: Any) -> None:
        table: Table[Any] | None = self.__dict__.get("_table")
        if table is not None:
            table.before_change(self, name, value)
        self.__dict__[name] = value


R = TypeVar("R", bound=Row)


class Table(Generic[R]):
    """Rows by id, with hash indexes on the attributes named when it was made."""

    def __init__(self, store: Store, *indexed: str) -> None:
        self._store = store
        self._rows: dict[str, R] = {}
        self._indexes: dict[str, dict[Any, dict[str, R]]] = {name: {} for name in indexed}

    def __iter__(self) -> Iterator[R]:
        return iter(list(self._rows.values()))

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, row: object) -> bool:
        return isinstance(row, Row) and self._rows.get(row.id) is row

    def indexed(self, name: str) -> bool:
        """Whether `where` finds this attribute without a scan."""
        return name in self._indexes

    def by_id(self, key: str) -> R | None:
        """The row with this id, or None."""
        return self._rows.get(key)

    def where(self, name: str, value: Any) -> list[R]:
        """Rows whose attribute has the value, in the order they came in."""
        if name in self._indexes:
            return list(self._indexes[name].get(value, {}).values())
        return [row for row in self._rows.values() if getattr(row, name) == value]

    def first(self, name: str, value: Any) -> R | None:
        """The first row whose attribute has the value, or None."""
        return next(iter(self.where(name, value)), None)

    def insert(self, row: R) -> R:
        """Add a row, stamp it, and return it."""
        row.modified_at = self._store.now()
        row.version = self._store.next_version()
        self._link(row)
        if self._store.undo.active:
            self._store.undo.record(partial(self._unlink, row))
        return row

    def insert_all(self, rows: Iterable[R]) -> None:
        """Add several rows."""
        for row in rows:
            self.insert(row)

    def delete(self, row: R) -> None:
        """Remove a row."""
        self._unlink(row)
        if self._store.undo.active:
            self._store.undo.record(partial(self._link, row))

    def touch(self, row: R) -> None:
        """Give the row a new version and modification time, as a database modify does."""
        row.modified_at = self._store.now()
        row.version = self._store.next_version()

    def before_change(self, row: R, name: str, value: Any) -> None:
        """Keep indexes and the undo log in step; called by the row itself."""
        old = row.__dict__.get(name)
        if name in self._indexes:
            self._move(row, name, old, value)
        if self._store.undo.active:
            self._store.undo.record(partial(self._restore, row, name, old))

    def _restore(self, row: R, name: str, old: Any) -> None:
        if name in self._indexes and row.id in self._rows:
            self._move(row, name, row.__dict__[name], old)
        row.__dict__[name] = old

    def _move(self, row: R, name: str, old: Any, new: Any) -> None:
        self._indexes[name].get(old, {}).pop(row.id, None)
        self._indexes[name].setdefault(new, {})[row.id] = row

    def _link(self, row: R) -> None:
        self._rows[row.id] = row
        for name, index in self._indexes.items():
            index.setdefault(getattr(row, name), {})[row.id] = row
        row.__dict__["_table"] = self

    def _unlink(self, row: R) -> None:
        row.__dict__.pop("_table", None)
        self._rows.pop(row.id, None)
        for name, index in self._indexes.items():
            index.get(getattr(row, name), {}).pop(row.id, None)
