"""Finding one record by whatever a person has at hand: its ServiceTitan id, its number, or Business Central's number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stsync.errors import UsageError
from stsync.reports.words import NOUNS
from stsync.state import InboxRow, LedgerRow, State

_STATES = ("pending", "waiting", "held", "dead", "settled")
# The document numbers of each stage in Business Central begin like this (stages/invoices.py, stages/payments.py).
_PREFIX = {"invoices": "ST-", "credit_memos": "ST-C", "payments": "ST-P"}


def find_record(state: State, kind: str, wanted: str) -> InboxRow:
    """The record of this kind. An id counts before a number, ServiceTitan's number before Business Central's.

    Raises UsageError 'record-unknown', or 'record-ambiguous' when several records have that number.
    """
    named = wanted.strip()
    row = state.inbox.find(kind, named)
    if row is not None:
        return row
    found = _by_number(state, kind, named) or _by_books(state, kind, named)
    if len(found) == 1:
        return found[0]
    raise _ambiguous(kind, named, found) if found else _unknown(kind, named)


def find_among(state: State, kinds: Sequence[str], wanted: str, *, hint: str) -> InboxRow:
    """The one record of these kinds; `hint` tells a person how to name one of several.

    Raises UsageError as find_record does, also where records of several kinds are called so.
    """
    if len(kinds) == 1:
        return find_record(state, kinds[0], wanted)
    found: list[InboxRow] = []
    for kind in kinds:
        try:
            found.append(find_record(state, kind, wanted))
        except UsageError as error:
            if error.reference != "record-unknown":
                raise
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError("record-unknown", f"No record with the id or number '{wanted}' has been read so far.")
    names = ", ".join(f"{NOUNS[row.kind]} {row.number or row.source_id}" for row in found)
    raise UsageError("record-ambiguous", f"'{wanted}' may be: {names}.", hint=hint)


def _by_number(state: State, kind: str, named: str) -> list[InboxRow]:
    wanted = named.casefold()
    return [row for row in state.inbox.rows(kind, _STATES) if _is_numbered(row, wanted)]


def _is_numbered(row: InboxRow, wanted: str) -> bool:
    if (row.number or "").casefold() == wanted:
        return True
    # Most records are ruled out by their text, which costs much less than reading it.
    if wanted not in row.content_json.casefold():
        return False
    content: dict[str, Any] = row.content
    return wanted in {str(content.get(name) or "").casefold() for name in ("referenceNumber", "number")}


def _by_books(state: State, kind: str, named: str) -> list[InboxRow]:
    wanted = named.casefold()
    ids = {row.source_id for row in state.ledger.links(kind) if wanted in _book_names(row)}
    prefix = _PREFIX.get(kind, "")
    if prefix and named.upper().startswith(prefix):
        ids.add(named[len(prefix) :])
    return list(state.inbox.find_many(kind, ids).values())


def _book_names(row: LedgerRow) -> set[str]:
    return {(name or "").casefold() for name in (row.target_number, row.target_id, row.natural_key)}


def _unknown(kind: str, named: str) -> UsageError:
    one = NOUNS[kind]
    return UsageError(
        "record-unknown",
        f"No {one} with the id or number '{named}' has been read so far.",
        hint=f"Give the {one}'s number as ServiceTitan or Business Central shows it, or its ServiceTitan id. "
        "If it is new there, run: stsync sync --dry-run",
    )


def _ambiguous(kind: str, named: str, found: list[InboxRow]) -> UsageError:
    ids = ", ".join(f"{row.source_id} ({row.customer_name or 'no name'}, {row.on or 'no date'})" for row in found[:10])
    return UsageError(
        "record-ambiguous",
        f"{len(found)} {NOUNS[kind]}s have the number '{named}'.",
        hint=f"Give one of these ServiceTitan ids instead: {ids}",
    )
