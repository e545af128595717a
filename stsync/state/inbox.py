"""Every record we have read, and where it stands: pending, waiting, held, dead or settled.

Waiting needs something else first (its invoice is not in the books yet); held needs a person (a mapping is
missing) and is planned again in every run; dead was refused several times and waits for `stsync replay`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from heapq import merge
from typing import Literal

from stsync.core.canonical import canonical_json, parse_json
from stsync.core.reasons import Reason
from stsync.errors import StsyncError
from stsync.state.cursors import Cursors
from stsync.state.database import Database, Row
from stsync.state.intake import arrivals, take_in
from stsync.state.packing import unpacked
from stsync.state.rows import InboxRow, InboxState, Incoming, Stored, Total, Version
from stsync.state.texts import money_from, money_text, reason_from, reason_text, storable, time_from, time_text
from stsync.state.totals import totals, units

_PAGE = 500
_COLUMNS = (
    "source_id, state, outcome, hash, modified_at, first_seen_at, changed_at, last_seen_at,"
    " attempts, reason, run_id, number, amount, customer_name, dated, content"
)
# Asked for a state and for ids, SQLite would read all records of the state: there may be a million settled ones.
_BY_ID = "inbox INDEXED BY inbox_by_id"


class Inbox:
    """The tables `inbox` and `versions`; one row per kind and source id."""

    def __init__(self, database: Database, cursors: Cursors) -> None:
        self._database = database
        self._cursors = cursors

    def store(
        self, kind: str, rows: Iterable[Incoming], *, feed: str | None, token: str | None, seen_at: datetime
    ) -> Stored:
        """Keep a page of records, then move the feed's cursor, in one commit: rows are durable before the token.

        Equal content changes nothing but when it was last seen; other content makes the record pending again
        and keeps the former version; content with an older modification time than ours is kept as a version only.
        """
        page = arrivals(rows)
        with self._database.transaction():
            stored = take_in(self._database, kind, page, seen_at)
            if feed is not None:
                self._cursors.advance(feed, token, seen_at)
        return stored

    def rows(self, kind: str, states: Collection[str], outcomes: Collection[str] = ()) -> Iterator[InboxRow]:
        """The records in these states, or settled with one of these outcomes, in the order of their numbers.

        Rows may be settled while they are being read: each page is a query of its own, from where the last ended.
        """
        # Each state is read along an index of its own: what is settled costs nothing, however much of it there is.
        parts = [self._part(kind, "state", state) for state in sorted(states)]
        parts += [self._part(kind, "outcome", outcome) for outcome in sorted(outcomes)]
        last: Row = (-1, "")
        for row in merge(*parts):
            # One that has moved on while it was read may come again out of the state that it moved to.
            if row[:2] > last:
                last = row[:2]
                yield _inbox_row(kind, row[1:])

    def _part(self, kind: str, column: str, value: str) -> Iterator[Row]:
        last: Row = (-1, "")
        while True:
            page = self._database.select(
                f"SELECT source_order, {_COLUMNS} FROM inbox"  # noqa: S608 - constants only
                f" WHERE kind = ? AND {column} = ? AND (source_order, source_id) > (?, ?)"
                " ORDER BY source_order, source_id LIMIT ?",
                (kind, value, *last, _PAGE),
            )
            yield from page
            if len(page) < _PAGE:
                return
            last = page[-1][:2]

    def find(self, kind: str, source_id: str) -> InboxRow | None:
        """One record, or None if no feed ever brought it."""
        return self.find_many(kind, (source_id,)).get(source_id)

    def find_many(self, kind: str, ids: Iterable[str]) -> dict[str, InboxRow]:
        """Those of these records that we have, by source id."""
        found = self._database.select(
            f"SELECT {_COLUMNS} FROM inbox"  # noqa: S608 - constants only
            " WHERE kind = ? AND source_id IN (SELECT value FROM json_each(?))",
            (kind, canonical_json(sorted(set(ids)))),
        )
        return {row[0]: _inbox_row(kind, row) for row in found}

    def changed_since(self, kind: str, moment: datetime | None) -> set[str]:
        """The records whose content changed after we first had it, at that moment or later (by our own clock)."""
        rows = self._database.select(
            "SELECT source_id FROM inbox WHERE kind = ? AND changed_at <> first_seen_at AND changed_at >= ?",
            (kind, time_text(moment) if moment is not None else ""),
        )
        return {source_id for (source_id,) in rows}

    def children(self, kind: str, parents: Iterable[str]) -> dict[str, list[InboxRow]]:
        """The records that belong to these parents, by parent; parents without any are left out."""
        found: dict[str, list[InboxRow]] = {}
        rows = self._database.select(
            f"SELECT {_COLUMNS}, parent FROM inbox"  # noqa: S608 - constants only
            " WHERE kind = ? AND parent IN (SELECT value FROM json_each(?)) ORDER BY source_order, source_id",
            (kind, canonical_json(sorted(set(parents)))),
        )
        for *columns, parent in rows:
            found.setdefault(parent, []).append(_inbox_row(kind, tuple(columns)))
        return found

    def set_aside(self, kind: str, ids: Iterable[str], outcome: str) -> int:
        """Settle pending records that were read for the sake of others; returns how many."""
        return self._database.execute(
            f"UPDATE {_BY_ID} SET state = 'settled', outcome = ?"  # noqa: S608 - constants only
            " WHERE kind = ? AND state = 'pending' AND source_id IN (SELECT value FROM json_each(?))",
            (outcome, kind, canonical_json(sorted(set(ids)))),
        )

    def reopen(self, kind: str, ids: Iterable[str]) -> int:
        """Make settled records pending again, because something beside their own content changed; returns how many."""
        return self._database.execute(
            f"UPDATE {_BY_ID} SET state = 'pending', outcome = NULL"  # noqa: S608 - constants only
            " WHERE kind = ? AND state = 'settled' AND source_id IN (SELECT value FROM json_each(?))",
            (kind, canonical_json(sorted(set(ids)))),
        )

    def reopen_outcomes(self, outcomes: Collection[str]) -> int:
        """Make records pending again that settled this way, because the configuration changed; returns how many."""
        return self._database.execute(
            "UPDATE inbox SET state = 'pending', outcome = NULL WHERE state = 'settled'"
            " AND outcome IN (SELECT value FROM json_each(?))",
            (canonical_json(sorted(outcomes)),),
        )

    def describe(
        self, kind: str, source_id: str, *, number: str | None, amount: Decimal | None, name: str | None, on: str | None
    ) -> None:
        """Note what a person sees of the record in lists: its number, money, customer and date."""
        self._change(
            kind,
            source_id,
            "number = ?, amount = ?, units = ?, customer_name = ?, dated = ?",
            (storable(number), money_text(amount), units(amount), storable(name), storable(on)),
        )

    def settle(
        self,
        kind: str,
        source_id: str,
        outcome: str,
        *,
        run_id: str,
        content_hash: str | None = None,
        reason: Reason | None = None,
    ) -> None:
        """The record needs nothing more of us: `outcome` says how it ended, `reason` what a person still has to do.

        With `content_hash`, the content that was acted on: if a newer one has arrived since, the record stays pending.
        """
        row = self._database.one(
            "UPDATE inbox SET run_id = ?,"
            " state = iif(coalesce(?, hash) = hash, 'settled', 'pending'),"
            " outcome = iif(coalesce(?, hash) = hash, ?, NULL), reason = ?, attempts = 0"
            " WHERE kind = ? AND source_id = ? RETURNING 1",
            (
                run_id,
                content_hash,
                content_hash,
                outcome,
                reason_text(reason) if reason is not None else None,
                kind,
                source_id,
            ),
        )
        if row is None:
            raise _unknown_record(kind, source_id)

    def wait(self, kind: str, source_id: str, reason: Reason, run_id: str) -> None:
        """The record waits for another one; that is nobody's fault."""
        self._put_off(kind, source_id, "waiting", reason, run_id)

    def hold(self, kind: str, source_id: str, reason: Reason, run_id: str) -> None:
        """The record needs a person's decision; no attempt is spent."""
        self._put_off(kind, source_id, "held", reason, run_id)

    def refuse(self, kind: str, source_id: str, reason: Reason, *, limit: int, run_id: str) -> Literal["held", "dead"]:
        """The books refused the record: one attempt is spent, and at `limit` attempts it is dead until replayed."""
        row = self._database.one(
            "UPDATE inbox SET attempts = attempts + 1, state = iif(attempts + 1 >= ?, 'dead', 'held'),"
            " outcome = NULL, reason = ?, run_id = ? WHERE kind = ? AND source_id = ? RETURNING state",
            (limit, reason_text(reason), run_id, kind, source_id),
        )
        if row is None:
            raise _unknown_record(kind, source_id)
        return "dead" if row[0] == "dead" else "held"

    def counts(self) -> dict[tuple[str, str, str | None], Total]:
        """How many records, and how much money, by kind, state and outcome."""
        return totals(self._database)

    def replay(
        self,
        *,
        kind: str | None = None,
        source_id: str | None = None,
        states: Collection[str] = ("dead", "held", "waiting"),
    ) -> int:
        """Make records pending again with their attempts forgotten; returns how many. The ledger is not touched."""
        wanted = {"kind": kind, "source_id": source_id}
        named = {column: value for column, value in wanted.items() if value is not None}
        conditions = ["state IN (SELECT value FROM json_each(?))", *(f"{column} = ?" for column in named)]
        return self._database.execute(
            f"UPDATE {_BY_ID if len(named) == 2 else 'inbox'} SET state = 'pending', outcome = NULL,"  # noqa: S608
            f" reason = NULL, attempts = 0 WHERE {' AND '.join(conditions)}",
            (canonical_json(sorted(states)), *named.values()),
        )

    def versions(self, kind: str, source_id: str) -> list[Version]:
        """Every content the record has had, in the order we saw them; the current one last."""
        where = "FROM {} WHERE kind = ? AND source_id = ?"
        former = self._database.select(
            f"SELECT seen_at, modified_at, hash, content {where.format('versions')} ORDER BY id", (kind, source_id)
        )
        current = self._database.select(
            f"SELECT changed_at, modified_at, hash, content {where.format('inbox')}", (kind, source_id)
        )
        return [_version(row) for row in (*former, *current)]

    def _put_off(self, kind: str, source_id: str, state: InboxState, reason: Reason, run_id: str) -> None:
        self._change(
            kind,
            source_id,
            "state = ?, outcome = NULL, reason = ?, run_id = ?",
            (state, reason_text(reason), run_id),
        )

    def _change(self, kind: str, source_id: str, changes: str, values: tuple[str | int | None, ...]) -> None:
        sql = f"UPDATE inbox SET {changes} WHERE kind = ? AND source_id = ?"  # noqa: S608 - constants only
        if not self._database.execute(sql, (*values, kind, source_id)):
            raise _unknown_record(kind, source_id)


def _inbox_row(kind: str, row: Row) -> InboxRow:
    (
        source_id, state, outcome, content_hash, modified_at, first_seen_at, changed_at, last_seen_at,
        attempts, reason, run_id, number, amount, customer_name, dated, content,
    ) = row  # fmt: skip
    return InboxRow(
        kind, source_id, state, outcome, content_hash, modified_at,
        time_from(first_seen_at), time_from(changed_at), time_from(last_seen_at),
        attempts, reason_from(reason), run_id, number, money_from(amount), customer_name, dated, content,
    )  # fmt: skip


def _version(row: Row) -> Version:
    seen_at, modified_at, content_hash, content = row
    return Version(time_from(seen_at), modified_at, content_hash, parse_json(unpacked(content)))


def _unknown_record(kind: str, source_id: str) -> StsyncError:
    return StsyncError(
        "inbox-unknown-record",
        f"The {kind} record {source_id} was decided on, but it is not in the inbox.",
        hint="This is a bug in stsync; please report it with the run id.",
        context={"kind": kind, "source_id": source_id},
    )
