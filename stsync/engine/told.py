"""What ServiceTitan was told, and what it was not: read from the ledger, so that a crash or a late switch loses nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stsync.core.links import link
from stsync.core.plan import TO_APPLY, About
from stsync.engine.records import OPEN, Records, chosen
from stsync.engine.scope import Scope
from stsync.stages.write_back import ONE, STAGE, InBooks, Known, Mark, source_id
from stsync.state import InboxRow, LedgerRow, State


def known_marks(state: State, records: Records, scope: Scope, kinds: Iterable[str], *, trusted: bool = False) -> Known:
    """Everything that decides about marks. Nothing is read of kinds that are switched off, but their open marks.

    `trusted`: whatever shows as exported was told by us, with the number that the books have (stsync state rebuild).
    """
    looked_at = frozenset(kind for kind in ONE if kind in scope.stages or _travels_with_invoices(kind, scope))
    wanted = frozenset(kinds) & looked_at
    rows = {kind: _untold(state, kind, scope) for kind in sorted(wanted)}
    posted = [one for kind in rows for one in _posted(state, kind, rows[kind])]
    marks = _marks(state, [source_id(one.kind, one.id) for one in posted], records, wanted)
    exported = {("payments", one.id): "" for one in records.payments if one.status == "Exported"}
    exported |= {("invoices", one.id): "" for one in records.invoices if one.status == "Exported"}
    exported |= {("credit_memos", one.id): "" for one in records.credit_memos if one.document.status == "Exported"}
    exported |= {(kind, one.source_id): _export_id(one) for kind in rows for one in rows[kind] if _is_exported(one)}
    return Known(wanted, looked_at if scope.only is None else (), posted, marks, exported, trusted)


def _travels_with_invoices(kind: str, scope: Scope) -> bool:
    return kind == "credit_memos" and "invoices" in scope.stages


def _untold(state: State, kind: str, scope: Scope) -> list[InboxRow]:
    ids = [one for one in state.ledger.untold(kind, STAGE, f"{ONE[kind]}-") if one.isdigit()]
    rows = state.inbox.find_many(kind, ids).values()
    return [row for row in rows if scope.only is None or chosen(row, scope.only)]


def _is_exported(row: InboxRow) -> bool:
    return row.content.get("syncStatus") == "Exported"


def _export_id(row: InboxRow) -> str:
    return str(row.content.get("exportId") or "")


def _posted(state: State, kind: str, rows: Iterable[InboxRow]) -> Iterator[InBooks]:
    by_id = {row.source_id: row for row in rows}
    for record_id, entries in state.ledger.by_sources(kind, by_id).items():
        counterpart, row = link(entries), by_id[record_id]
        # An invoice of before go-live was exported by whatever came before us: only its opening document is ours.
        if not counterpart.posted or counterpart.is_baseline or not counterpart.number:
            continue
        about = About(number=row.number or "", name=row.customer_name or "")
        settled = row.state == "settled" and row.outcome in {"posted", TO_APPLY}
        yield InBooks(kind, record_id, counterpart.number, about, settled=settled)


def _marks(state: State, ids: Iterable[str], records: Records, kinds: Iterable[str]) -> dict[str, Mark]:
    """The marks of these documents, of those that this plan may post, and every open one."""
    wanted = {*ids, *(source_id(kind, one) for kind, one in records.hashes if kind in kinds)}
    rows = {row.source_id: row for row in state.inbox.rows(STAGE, OPEN)}
    rows.update(state.inbox.find_many(STAGE, wanted))
    entries = state.ledger.by_sources(STAGE, wanted | set(rows))
    return {one: _mark(rows.get(one), entries.get(one, [])) for one in rows.keys() | entries.keys()}


def _mark(row: InboxRow | None, entries: Iterable[LedgerRow]) -> Mark:
    told = link(entries)
    if row is None:
        return Mark(told=told.number, revision=told.revision)
    number = str(row.content.get("number") or "")
    return Mark(row.state, row.outcome or "", number, told.number, told.revision)
