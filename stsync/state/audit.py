"""The append-only record of every write, each row sealed by a hash over itself and the row before it.

The chain shows that a row was changed, taken out or put in between; the end of the chain is written down
beside each finished run, so that rows cut off at the end are missed too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from stsync.core.canonical import canonical_json, parse_json
from stsync.errors import StateError
from stsync.state.database import Database, Row
from stsync.state.packing import packed, unpacked
from stsync.state.rows import AuditRow
from stsync.state.texts import time_from, time_text

_PAGE = 1000
# When, by which run, what, about which stage and source, and the detail as text.
_Event = tuple[str, str, str, str, str, str]
_COLUMNS = "id, at, run_id, event, stage, source_id, detail, hash"


class Audit:
    """The table `audit`; triggers refuse UPDATE and DELETE on it."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now
        self._later: list[_Event] = []
        # Inside one transaction nobody else appends: the end is as we left it.
        self._end: tuple[int, tuple[int, bytes]] = (-1, (0, b""))

    def append(
        self, event: str, *, run_id: str, stage: str = "", source_id: str = "", detail: Mapping[str, Any]
    ) -> None:
        """Write down one event, in the caller's transaction if there is one. Never put a secret into `detail`."""
        row = (time_text(self._now()), run_id, event, stage, source_id, canonical_json(detail))
        with self._database.joined():
            self._write([*self._taken(), row])

    def append_later(self, event: str, *, run_id: str, detail: Mapping[str, Any]) -> None:
        """Write down one event together with the next one that is appended: it gets no commit of its own.

        For what is told again by something durable: a request whose intent was committed before it left. A killed run
        loses the last of these, never an intent or an outcome.
        """
        row = (time_text(self._now()), run_id, event, "", "", canonical_json(detail))
        self._later.append(row)

    def flush(self) -> None:
        """Write down what append_later has put off."""
        if self._later:
            with self._database.joined():
                self._write(self._taken())

    def _taken(self) -> list[_Event]:
        """What was put off so far; a lane that puts off another meanwhile keeps it for the next time."""
        count = len(self._later)
        taken, self._later[:count] = self._later[:count], []
        return taken

    def _write(self, rows: Sequence[_Event]) -> None:
        last_id, last_hash = self.end()
        for *fields, written in rows:
            last_id += 1
            last_hash = seal(last_hash, (last_id, *fields, written))
            self._database.execute(
                f"INSERT INTO audit ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - constants only
                (last_id, *fields, packed(written), last_hash),
            )
        self._end = (self._database.moment, (last_id, last_hash))

    def end(self) -> tuple[int, bytes]:
        """Number and hash of the newest row; no hash while there is none."""
        moment, known = self._end
        if moment == self._database.moment:
            return known
        row = self._database.one("SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1")
        return (row[0], row[1]) if row else (0, b"")

    def rows(
        self,
        *,
        event: str | None = None,
        stage: str | None = None,
        source_id: str | None = None,
        since: datetime | None = None,
        after: int = 0,
    ) -> Iterator[AuditRow]:
        """The events that fit all that is given, oldest first, streamed; `after` is the number of a row before them."""
        wanted = {"event": event, "stage": stage, "source_id": source_id}
        # The index goes by stage and source; asked for a stage alone, each page would sort all rows of the stage.
        names = {"stage": "stage" if source_id is not None else "+stage"}
        conditions = [
            (f"{names.get(column, column)} = ?", value) for column, value in wanted.items() if value is not None
        ]
        if since is not None:
            conditions.append(("at >= ?", time_text(since)))
        for row in self._pages(conditions, after):
            yield _audit_row(row)

    def verify(self) -> int:
        """Check the chain from the first row to the last and return how many rows there are.

        Raises StateError naming the first row that does not fit.
        """
        count, previous = 0, b""
        ends: dict[int, bytes] = dict(self._ends_of_runs())
        for row in self._pages([]):
            found = row[-1]
            count += 1
            if row[0] != count or found != _sealed(previous, row) or ends.pop(count, found) != found:
                raise _changed(count, f"The audit was changed outside stsync: row {count} is not as it was written.")
            previous = found
        if ends:
            raise _changed(
                count + 1, f"The audit was cut off outside stsync: row {count + 1} and those after it are gone."
            )
        return count

    def _ends_of_runs(self) -> list[Row]:
        return self._database.select("SELECT audit_id, audit_hash FROM runs WHERE audit_id > 0")

    def _pages(self, conditions: list[tuple[str, str]], last: int = 0) -> Iterator[Row]:
        where = " AND ".join(["id > ?", *(condition for condition, _ in conditions)])
        sql = f"SELECT {_COLUMNS} FROM audit WHERE {where} ORDER BY id LIMIT ?"  # noqa: S608 - constants only
        values = [value for _, value in conditions]
        while True:
            page = self._database.select(sql, (last, *values, _PAGE))
            yield from page
            if len(page) < _PAGE:
                return
            last = page[-1][0]


def seal(previous: bytes, fields: tuple[Any, ...]) -> bytes:
    """The hash of a row, over the hash of the row before it and its own columns in their order, the detail as text."""
    return sha256(previous + canonical_json(fields).encode()).digest()


def _sealed(previous: bytes, row: Row) -> bytes:
    """The hash that a row should have; none for one whose detail nobody can read."""
    *fields, detail, _ = row
    try:
        return seal(previous, (*fields, unpacked(detail)))
    except StateError:
        return b""


def _audit_row(row: Row) -> AuditRow:
    number, at, run_id, event, stage, source_id, detail, found = row
    return AuditRow(number, time_from(at), run_id, event, stage, source_id, parse_json(unpacked(detail)), found.hex())


def _changed(row: int, message: str) -> StateError:
    return StateError(
        "audit-changed",
        message,
        hint="Keep this file as evidence, and compare it with a backup; rows before that one are intact.",
        context={"row": str(row)},
    )
