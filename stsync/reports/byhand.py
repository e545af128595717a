"""What a person declared to be dealt with by hand: putting it down, taking it back, and telling who said so."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stsync.errors import UsageError
from stsync.reports.words import KINDS, NOUNS, outcome_words
from stsync.state import AuditRow, InboxRow, State

OUTCOME = "by_hand"
_OPEN = ("held", "dead", "waiting")


@dataclass(frozen=True)
class ByHand:
    """One record with who dealt with it, when that was said, why, and for what cause it had stopped."""

    row: InboxRow
    by: str
    at: datetime
    why: str
    cause: str


def set_aside(state: State, row: InboxRow, *, operator: str, reason: str) -> None:
    """Settle a record that a person dealt with; both reasons go into the audit in the same commit.

    Raises UsageError for a record that is not held, dead or waiting.
    """
    _check_open(row)
    stopped = row.reason
    detail = {
        "operator": operator,
        "reason": reason,
        "state": row.state,
        "cause": stopped.message if stopped else "",
        "reference": stopped.reference if stopped else "",
    }
    with state.transaction():
        state.inbox.settle(row.kind, row.source_id, OUTCOME, run_id=row.run_id or "", content_hash=row.hash)
        state.audit.append("ignored", run_id="", stage=row.kind, source_id=row.source_id, detail=detail)


def put_back(state: State, row: InboxRow, *, operator: str, reason: str) -> None:
    """Put such a record back in the queue. Raises UsageError for one that nobody had dealt with by hand."""
    one = NOUNS[row.kind]
    if row.state != "settled" or row.outcome != OUTCOME:
        raise UsageError(
            "record-not-by-hand",
            f"{one.capitalize()} {row.number or row.source_id} does not stand as dealt with by hand.",
            hint="stsync held --ignored lists the records that do.",
        )
    with state.transaction():
        state.inbox.reopen(row.kind, (row.source_id,))
        detail = {"operator": operator, "reason": reason}
        state.audit.append("ignored-undone", run_id="", stage=row.kind, source_id=row.source_id, detail=detail)


def by_hand(state: State, stages: Collection[str] = KINDS) -> list[ByHand]:
    """Every record that stands as dealt with by hand, in the order in which it was said."""
    found: list[ByHand] = []
    for stage in stages:
        said = {row.source_id: row for row in state.audit.rows(event="ignored", stage=stage)}
        rows = state.inbox.find_many(stage, said).values()
        found += [_told(row, said[row.source_id]) for row in rows if _stands_so(row)]
    return sorted(found, key=lambda one: (one.at, one.row.kind, one.row.source_id))


def document(one: ByHand) -> dict[str, Any]:
    """One of them for --json."""
    row = one.row
    return {
        "stage": row.kind,
        "source_id": row.source_id,
        "number": row.number or row.source_id,
        "customer": row.customer_name or "",
        "dated": row.on or "",
        "amount": row.amount,
        "by": one.by,
        "at": one.at,
        "reason": one.why,
        "cause": one.cause,
    }


def _stands_so(row: InboxRow) -> bool:
    return row.state == "settled" and row.outcome == OUTCOME


def _told(row: InboxRow, said: AuditRow) -> ByHand:
    detail = said.detail
    return ByHand(row, str(detail.get("operator", "")), said.at, str(detail["reason"]), str(detail.get("cause", "")))


def _check_open(row: InboxRow) -> None:
    if row.state in _OPEN:
        return
    stands = "new, so that the next sync decides about it" if row.state == "pending" else outcome_words(row.outcome)
    raise UsageError(
        "record-not-open",
        f"{NOUNS[row.kind].capitalize()} {row.number or row.source_id} is not held, dead or waiting: it is {stands}.",
        hint="Only what stands still can be dealt with by hand; stsync held lists it.",
    )
