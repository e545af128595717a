"""Rows of one kind, by id and in the order of their last change.

Not modelled: transactions, history. A row is what it is now; `touch` moves it to the end of the order.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from stsync.sandbox.servicetitan.values import micros, moment, timestamp

Row = dict[str, Any]
Position = tuple[int, int]
"""A place in the order of changes: microseconds, then a running number that breaks ties."""


class Table(Mapping[int, Row]):
    """A mapping of id to row that also knows when each row last changed."""

    def __init__(self) -> None:
        self._rows: dict[int, Row] = {}
        self._order: list[tuple[int, int, int]] = []
        self._places: dict[int, tuple[int, int, int]] = {}
        self._changes = 0

    def __getitem__(self, row_id: int) -> Row:
        return self._rows[row_id]

    def __iter__(self) -> Iterator[int]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def seed(self, rows: Iterable[Row]) -> None:
        """Take many rows as they are, each changed when its `modifiedOn` (or `createdOn`) says."""
        for row in rows:
            if row["id"] in self._rows:
                raise ValueError(f"id {row['id']} is taken")
            changed = row.get("modifiedOn") or row.get("createdOn")
            self._changes += 1
            place = (micros(moment(changed)) if changed else 0, self._changes, row["id"])
            self._rows[row["id"]] = row
            self._places[row["id"]] = place
            self._order.append(place)
        self._order.sort()

    def touch(self, row_id: int, at: datetime) -> None:
        """Say that a row has changed now."""
        row = self._rows[row_id]
        if "modifiedOn" in row:
            row["modifiedOn"] = timestamp(at)
        del self._order[bisect_left(self._order, self._places[row_id])]
        self._changes += 1
        place = (micros(at), self._changes, row_id)
        self._places[row_id] = place
        insort(self._order, place)

    def changed_at(self, row_id: int) -> int:
        """When a row last changed, in microseconds since 1970."""
        return self._places[row_id][0]

    def changed_between(self, start: datetime | None, end: datetime | None) -> list[Row]:
        """The rows changed on or after `start` and before `end`, in that order."""
        low = bisect_left(self._order, (micros(start),)) if start else 0
        high = bisect_left(self._order, (micros(end),)) if end else len(self._order)
        return [self._rows[row_id] for _, _, row_id in self._order[low:high]]

    def is_changed_between(self, row_id: int, start: datetime | None, end: datetime | None) -> bool:
        """Whether `changed_between` has this row."""
        at = self.changed_at(row_id)
        return (start is None or micros(start) <= at) and (end is None or at < micros(end))

    def after(self, position: Position, until: datetime, limit: int) -> list[tuple[Position, Row]]:
        """Up to `limit` rows behind a position and not changed later than `until`, with their positions."""
        low = bisect_left(self._order, (*position, float("inf")))
        high = bisect_left(self._order, (micros(until) + 1,))
        places = self._order[low : min(high, low + limit)]
        return [((at, number), self._rows[row_id]) for at, number, row_id in places]

    def last_before(self, position: Position, until: datetime) -> Position:
        """The last position that is neither behind `position` nor later than `until`."""
        bound = min((*position, float("inf")), (micros(until) + 1, 0, 0))
        index = bisect_left(self._order, bound)
        return self._order[index - 1][:2] if index else (0, 0)
