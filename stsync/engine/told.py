"""What ServiceTitan was told, and what it was not: read from the ledger, so that a crash or a late switch loses nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stsync.core.links import link
from stsync.core.plan import TO_APPLY, About
from stsync.engine.records import OPEN, Records, chosen
from stsync.engine.scope import Scope
from stsync.stages.write_back import ONE, STAGE, InBooks, Key, Known, Mark, record_of, source_id
from stsync.state import InboxRow, LedgerRow, State


class Marks:
    """The marks of a run, given out portion by portion: with the documents of a portion its own, and then the rest.

    Nothing is read of kinds that are switched off, but their open marks. `trusted`: whatever shows as exported was told by
    us, with the number that the books have (stsync state rebuild).
    """

    def __init__(self, state: State, scope: Scope, kinds: Iterable[str], *, trusted: bool = False) -> None:
        self._state = state
        self._scope = scope
        self._trusted = trusted
        self._looked_at = frozenset(one for one in ONE if one in scope.stages or _travels_with_invoices(one, scope))
        self._wanted = frozenset(kinds) & self._looked_at
        # Ids alone: a write-back that is switched on late finds every document of the past here.
        self._left = {(kind, one) for kind in sorted(self._wanted) for one in _untold(state, kind)}
        self._open = {record_of(row.source_id) for row in state.inbox.rows(STAGE, OPEN)}

    def __len__(self) -> int:
        return len(self._left | self._open)

    def of(self, records: Records) -> Known:
        """What decides about the marks of these records."""
        return self._taken(records.hashes.keys() & (self._left | self._open), records)

    def everything(self, records: Records) -> Known:
        """What decides about the marks of these records and about all others together."""
        return self._taken(self._left | self._open, records)

    def rest(self, size: int) -> Iterator[Known]:
        """What decides about the marks of records that are in no portion, so many at a time."""
        left = sorted(self._left | self._open)
        for start in range(0, len(left), size):
            yield self._taken(left[start : start + size], Records())

    def _taken(self, keys: Iterable[Key], records: Records) -> Known:
        mine = set(keys)
        rows = {kind: self._rows(kind, mine & self._left) for kind in sorted(self._wanted)}
        posted = [one for kind in rows for one in _posted(self._state, kind, rows[kind])]
        wanted = {source_id(one.kind, one.id) for one in posted} | {source_id(*one) for one in mine & self._open}
        # Of those too that this plan may post.
        wanted |= {source_id(kind, one) for kind, one in records.hashes if kind in self._wanted}
        exported = _exported(records)
        exported |= {(kind, one.source_id): _export_id(one) for kind in rows for one in rows[kind] if _is_exported(one)}
        looked_at = self._looked_at if self._scope.only is None else ()
        self._left -= mine
        self._open -= mine
        return Known(self._wanted, looked_at, posted, _marks(self._state, wanted), exported, self._trusted)

    def _rows(self, kind: str, keys: Iterable[Key]) -> list[InboxRow]:
        rows = self._state.inbox.find_many(kind, [one for found, one in keys if found == kind]).values()
        return [row for row in rows if self._scope.only is None or chosen(row, self._scope.only)]


def _travels_with_invoices(kind: str, scope: Scope) -> bool:
    return kind == "credit_memos" and "invoices" in scope.stages


def _untold(state: State, kind: str) -> list[str]:
    return [one for one in state.ledger.untold(kind, STAGE, f"{ONE[kind]}-") if one.isdigit()]


def _exported(records: Records) -> dict[Key, str]:
    """The open records that show as exported; their number there is looked at once they are in the books."""
    exported = {("payments", one.id): "" for one in records.payments if one.status == "Exported"}
    exported |= {("invoices", one.id): "" for one in records.invoices if one.status == "Exported"}
    return exported | {
        ("credit_memos", one.id): "" for one in records.credit_memos if one.document.status == "Exported"
    }


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


def _marks(state: State, ids: Iterable[str]) -> dict[str, Mark]:
    wanted = set(ids)
    rows = state.inbox.find_many(STAGE, wanted)
    entries = state.ledger.by_sources(STAGE, wanted)
    return {one: _mark(rows.get(one), entries.get(one, [])) for one in rows.keys() | entries.keys()}


def _mark(row: InboxRow | None, entries: Iterable[LedgerRow]) -> Mark:
    told = link(entries)
    if row is None:
        return Mark(told=told.number, revision=told.revision)
    number = str(row.content.get("number") or "")
    return Mark(row.state, row.outcome or "", number, told.number, told.revision)
