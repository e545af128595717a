"""One row for each foreign write: written as intended before it is sent, as done or refused when that is sure.

A row that stays intended means that nobody knows: the next run asks the books by the natural key before
anything is repeated. Each change appends its audit row in the same commit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from stsync.core.canonical import canonical_json
from stsync.core.reasons import Reason
from stsync.errors import StsyncError
from stsync.state.audit import Audit
from stsync.state.database import Database, Row
from stsync.state.packing import packed
from stsync.state.rows import Done, Intent, LedgerRow
from stsync.state.texts import (
    money_from,
    money_text,
    optional_time,
    reason_fields,
    reason_from,
    reason_text,
    time_from,
    time_text,
)

_PAGE = 500
_COLUMNS = (
    "key, run_id, stage, source_id, verb, entity, natural_key, digest, state, target_id, target_number,"
    " amount, intended_at, done_at, request_id, reason, detail, body"
)

_NOTHING = packed("{}")
# By these the next run knows what has changed since; the audit says what happened, and what was to be sent (`intended`).
_OWN_MEMORY = frozenset({"fingerprint", "carried", "digest"})


class Ledger:
    """The table `ledger`, keyed by `stage:source id:verb[:revision]`."""

    def __init__(self, database: Database, audit: Audit, now: Callable[[], datetime]) -> None:
        self._database = database
        self._audit = audit
        self._now = now

    def intend(self, rows: Sequence[Intent], run_id: str) -> None:
        """Write down what is about to be sent; one commit for all, durable when this returns.

        A row that is intended already is kept. If its digest differs, the record has changed since a write of
        which nobody knew the end; the caller has asked the books by now, so the new body takes its place (the
        audit keeps the old digest). A refused row is intended again. Raises StsyncError (a bug) for a done
        key with another digest.
        """
        with self._database.transaction():
            for intent in rows:
                self._intend(intent, run_id)

    def done(self, done: str | Done | Sequence[Done], *, run_id: str, request_id: str | None = None) -> None:
        """The writes surely happened (answered, or found in the books by a probe); one commit for all.

        Raises StsyncError (a bug) for a key that was never intended, or that is done with another target.
        """
        with self._database.transaction():
            for one in _each_done(done):
                self._done(one, run_id, one.request_id or request_id)

    def refused(self, key: str, reason: Reason, *, run_id: str, request_id: str | None = None) -> None:
        """The write was surely not carried out, and this is why. Raises StsyncError (a bug) if it is done."""
        with self._database.transaction():
            before = self._open_row(key)
            self._database.execute(
                "UPDATE ledger SET state = 'refused', reason = ?, run_id = ?, request_id = ? WHERE key = ?",
                (reason_text(reason), run_id, request_id, key),
            )
            self._note("refused", before, run_id, {"request_id": request_id, "reason": reason_fields(reason)})

    def forget(self, key: str, *, run_id: str = "") -> None:
        """Take back an intent that was surely not carried out; the audit keeps that it was there.

        Raises StsyncError (a bug) if it is done.
        """
        with self._database.transaction():
            before = self._open_row(key)
            self._database.execute("DELETE FROM ledger WHERE key = ?", (key,))
            self._note("forgotten", before, run_id or before.run_id, {"digest": before.digest})

    def find(self, key: str) -> LedgerRow | None:
        """The row of this key, or None."""
        row = self._database.one(f"SELECT {_COLUMNS} FROM ledger WHERE key = ?", (key,))  # noqa: S608 - constants
        return _ledger_row(row) if row else None

    def find_many(self, keys: Iterable[str]) -> dict[str, LedgerRow]:
        """Those of these keys that have a row."""
        wanted = sorted(set(keys))
        if not wanted:
            return {}
        rows = self._database.select(
            f"SELECT {_COLUMNS} FROM ledger WHERE key IN (SELECT value FROM json_each(?))",  # noqa: S608 - constants
            (canonical_json(wanted),),
        )
        return {row[0]: _ledger_row(row) for row in rows}

    def intended(self) -> Iterator[LedgerRow]:
        """The outbox: writes of which nobody knows the end, in the order they were first intended."""
        return self._stream("state = 'intended'", ())

    def links(self, stage: str) -> Iterator[LedgerRow]:
        """What the stage has done in the other system, in the order it was intended."""
        # Along the table itself: by the index of the stage, each page would sort all that the stage has ever done.
        return self._stream("state = 'done' AND +stage = ?", (stage,))

    def card_owners(self, card_ids: Iterable[str]) -> dict[str, str]:
        """Whose customer cards these are: the customer's source id by card id; nobody's are left out."""
        rows = self._database.select(
            "SELECT target_id, source_id FROM ledger INDEXED BY ledger_of_cards"
            " WHERE stage = 'customers' AND state = 'done'"
            " AND target_id IN (SELECT value FROM json_each(?)) ORDER BY id",
            (canonical_json(sorted(set(card_ids))),),
        )
        return dict(rows)

    def by_source(self, stage: str, source_id: str) -> list[LedgerRow]:
        """Every write for one source record, in the order they were intended."""
        return list(self._stream("stage = ? AND source_id = ?", (stage, source_id)))

    def by_sources(self, stage: str, source_ids: Iterable[str]) -> dict[str, list[LedgerRow]]:
        """Every write for each of these source records, in the order they were intended; none, no entry."""
        found: dict[str, list[LedgerRow]] = {}
        rows = self._database.select(
            f"SELECT {_COLUMNS} FROM ledger WHERE stage = ?"  # noqa: S608 - constants
            " AND source_id IN (SELECT value FROM json_each(?)) ORDER BY id",
            (stage, canonical_json(sorted(set(source_ids)))),
        )
        for row in rows:
            entry = _ledger_row(row)
            found.setdefault(entry.source_id, []).append(entry)
        return found

    def untold(self, stage: str, told_stage: str, prefix: str) -> list[str]:
        """The sources whose last posting is newer than anything `told_stage` has done for `prefix` + source."""
        open_ends = (
            "FROM ledger AS posted WHERE posted.stage = ? AND posted.untold = 1 AND posted.id {} coalesce("
            "(SELECT max(told.id) FROM ledger AS told WHERE told.stage = ? AND told.source_id = ? || posted.source_id"
            " AND told.state = 'done'), 0)"
        )
        values = (stage, told_stage, prefix)
        # A posting that was told of stays so: it is asked about once more, and then never again.
        told = self._database.select(f"SELECT posted.id {open_ends.format('<')}", values)
        if told:
            self._database.execute(
                "UPDATE ledger SET untold = NULL WHERE id IN (SELECT value FROM json_each(?))",
                (canonical_json([number for (number,) in told]),),
            )
        rows = self._database.select(f"SELECT DISTINCT posted.source_id {open_ends.format('>')}", values)
        return [source_id for (source_id,) in rows]

    def _intend(self, intent: Intent, run_id: str) -> None:
        before = self.find(intent.key)
        if before and before.state == "done" and before.digest != intent.digest:
            raise _bug(intent.key, "is done already, with other content")
        if before and before.state != "refused" and before.digest == intent.digest:
            return
        self._write_intent(intent, run_id)
        self._note("intended", intent, run_id, _intent_detail(intent, before))

    def _write_intent(self, intent: Intent, run_id: str) -> None:
        self._database.execute(
            "INSERT INTO ledger (key, run_id, stage, source_id, verb, entity, natural_key, digest, state,"
            " amount, intended_at, detail, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'intended', ?, ?, ?, ?)"
            " ON CONFLICT (key) DO UPDATE SET run_id = excluded.run_id, natural_key = excluded.natural_key,"
            " digest = excluded.digest, state = 'intended', amount = excluded.amount, body = excluded.body,"
            " intended_at = excluded.intended_at, request_id = NULL, reason = NULL",
            (
                intent.key, run_id, intent.stage, intent.source_id, intent.verb, intent.entity,
                intent.natural_key, intent.digest, money_text(intent.amount), time_text(self._now()),
                _NOTHING, _NOTHING if intent.body == "{}" else packed(intent.body),
            ),
        )  # fmt: skip

    def _done(self, done: Done, run_id: str, request_id: str | None) -> None:
        before = self.find(done.key)
        if before is None:
            raise _bug(done.key, "was never intended")
        if before.state == "done":
            _raise_if_other_target(before, done)
            return
        self._database.execute(
            "UPDATE ledger SET state = 'done', target_id = ?, target_number = ?, detail = ?, done_at = ?,"
            " run_id = ?, request_id = ?, reason = NULL, untold = ? WHERE key = ?",
            (
                done.target_id, done.target_number, packed(canonical_json(done.detail)), time_text(self._now()),
                run_id, request_id, _untold(before.verb, done.detail), done.key,
            ),
        )  # fmt: skip
        target = {"target_id": done.target_id, "target_number": done.target_number, "request_id": request_id}
        told = {name: value for name, value in done.detail.items() if name not in _OWN_MEMORY}
        self._note("done", before, run_id, {**told, **target})

    def _open_row(self, key: str) -> LedgerRow:
        row = self.find(key)
        if row is None:
            raise _bug(key, "was never intended")
        if row.state == "done":
            raise _bug(key, "is done already")
        return row

    def _note(self, event: str, row: Intent | LedgerRow, run_id: str, detail: Mapping[str, Any]) -> None:
        what = {"key": row.key, "verb": row.verb, "entity": row.entity, "natural_key": row.natural_key}
        self._audit.append(event, run_id=run_id, stage=row.stage, source_id=row.source_id, detail={**detail, **what})

    def _stream(self, condition: str, values: tuple[str, ...]) -> Iterator[LedgerRow]:
        sql = f"SELECT id, {_COLUMNS} FROM ledger WHERE {condition} AND id > ? ORDER BY id LIMIT {_PAGE}"  # noqa: S608 - constants
        last = 0
        while True:
            page = self._database.select(sql, (*values, last))
            for row in page:
                yield _ledger_row(row[1:])
            if len(page) < _PAGE:
                return
            last = page[-1][0]


def _each_done(done: str | Done | Sequence[Done]) -> Sequence[Done]:
    if isinstance(done, str):
        return (Done(done),)
    return (done,) if isinstance(done, Done) else done


def _untold(verb: str, detail: Mapping[str, Any]) -> int | None:
    """1 for a posting, of which ServiceTitan may have to be told; whatever is posted already when it is found is one too."""
    return 1 if verb == "post" or detail.get("posted") is True else None


def _intent_detail(intent: Intent, before: LedgerRow | None) -> dict[str, Any]:
    detail: dict[str, Any] = {"digest": intent.digest, "amount": intent.amount}
    return {**detail, "instead_of": before.digest} if before else detail


def _raise_if_other_target(before: LedgerRow, done: Done) -> None:
    if done.target_id is not None and before.target_id not in {None, done.target_id}:
        raise _bug(done.key, f"is done already as {before.target_id}, not {done.target_id}")


def _ledger_row(row: Row) -> LedgerRow:
    (
        key, run_id, stage, source_id, verb, entity, natural_key, content_digest, state, target_id, target_number,
        amount, intended_at, done_at, request_id, reason, detail, body,
    ) = row  # fmt: skip
    return LedgerRow(
        key, run_id, stage, source_id, verb, entity, natural_key, content_digest, state, target_id, target_number,
        money_from(amount), time_from(intended_at), optional_time(done_at), request_id,
        reason_from(reason), detail, body,
    )  # fmt: skip


def _bug(key: str, what: str) -> StsyncError:
    return StsyncError(
        "ledger-bug",
        f"The operation {key} {what}; the run stopped before sending it again.",
        hint="This is a bug in stsync; please report it with the run id.",
        context={"key": key},
    )
