"""ServiceTitan's side of a tie-out, from the state file: each document as it was last read, with what became of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice
from typing import TYPE_CHECKING, Any

from stsync.books.general_ledger import Books, documents
from stsync.books.matching import owners
from stsync.books.result import Uncounted
from stsync.books.sources import Document, Source, day_of
from stsync.books.values import Period
from stsync.core.links import Link, link
from stsync.core.source.credit_memo import CreditMemo
from stsync.core.source.fields import UnknownShape
from stsync.core.source.invoice import Invoice, zone_named
from stsync.core.source.payment import Payment
from stsync.stages import invoices, payments
from stsync.state.notes import TAX_ZONE_NAMES

if TYPE_CHECKING:
    from stsync.state import InboxRow, LedgerRow, State


@dataclass(frozen=True)
class _Kind:
    """How the records of one inbox kind are read; `prints` tells content that was posted from content that was not."""

    parse: Callable[[Mapping[str, Any]], Document]
    dated: str
    prints: Callable[[Any], str]


KINDS = {
    "invoices": _Kind(Invoice.parse, "invoiceDate", invoices.fingerprint),
    "credit_memos": _Kind(lambda row: CreditMemo.parse(row).document, "date", invoices.fingerprint),
    "payments": _Kind(Payment.parse, "date", payments.fingerprint),
}
_STATES = ("pending", "waiting", "held", "dead", "settled")
_AT_ONCE = 500


def read_sources(state: State, period: Period, books: Books) -> tuple[list[Source], list[Uncounted]]:
    """Every document that belongs to the period, in ServiceTitan or in the books; and those that cannot be read."""
    named = owners(documents(books.entries), books.sales_numbers)
    found: list[Source] = []
    unreadable: list[Uncounted] = []
    zones = json.loads(state.notes.note(TAX_ZONE_NAMES) or "{}")
    for kind in KINDS:
        ids = {source_id for one, source_id in named if one == kind}
        ids |= _remembered(state, kind, books)
        rows = [(row, _parsed(kind, row, period, unreadable)) for row in _candidates(state, kind, period, ids)]
        wanted = [
            (row, now)
            for row, now in rows
            if now is not None and (row.source_id in ids or day_of(now) is None or day_of(now) in period)
        ]
        links = _links(state, kind, [row.source_id for row, _ in wanted])
        said = _said(state, kind)
        sources = [_named(_source(state, row, now, links.get(row.source_id, Link())), zones) for row, now in wanted]
        found += [replace(one, note=said.get(one.now.id, "")) if one.by_hand else one for one in sources]
    return found, unreadable


def _named(source: Source, zones: Mapping[str, str]) -> Source:
    """With the names of tax zones that ServiceTitan gives by number alone (taxZoneId): the mapping knows names."""
    now, before = (zone_named(one, zones) if isinstance(one, Invoice) else one for one in (source.now, source.before))
    return (
        source
        if (now, before) == (source.now, source.before)
        else replace(source, now=now or source.now, before=before)
    )


def every_source_since(state: State, first: date) -> Iterator[Source]:
    """Every document since that day in any state, a few at a time: a company's years do not fit into memory."""
    for kind in KINDS:
        said = _said(state, kind)
        rows = (row for row in state.inbox.rows(kind, _STATES) if not _settled_before(row, first))
        for part in _parts(rows):
            read = [(row, now) for row in part if (now := _parsed(kind, row, None, [])) is not None]
            links = _links(state, kind, [row.source_id for row, _ in read])
            for row, now in read:
                one = _source(state, row, now, links.get(row.source_id, Link()))
                yield replace(one, note=said.get(one.now.id, "")) if one.by_hand else one


def _settled_before(row: InboxRow, first: date) -> bool:
    return row.state == "settled" and bool(row.on) and date.fromisoformat(str(row.on)) < first


def _parts(rows: Iterator[InboxRow]) -> Iterator[list[InboxRow]]:
    while part := list(islice(rows, _AT_ONCE)):
        yield part


def _said(state: State, kind: str) -> dict[str, str]:
    """What people said when they dealt with records by hand, the last word of each."""
    rows = state.audit.rows(event="ignored", stage=kind)
    return {row.source_id: f"{row.detail['reason']} ({row.detail['operator']}, {row.at:%Y-%m-%d})" for row in rows}


def _remembered(state: State, kind: str, books: Books) -> set[str]:
    """Sales documents that our ledger posted under numbers of this period, should their external number be lost."""
    if kind == "payments":
        return set()
    numbers = {one.document_number for one in books.entries if one.document_type in {"Invoice", "Credit Memo"}}
    numbers |= {one.credits for one in books.sales_numbers if one.undone}
    return {row.source_id for row in state.ledger.links(kind) if row.verb == "post" and row.target_number in numbers}


def _candidates(state: State, kind: str, period: Period, ids: set[str]) -> Iterator[InboxRow]:
    """Every record that may belong to the period; a settled one is described by its date, others may have changed."""
    for row in state.inbox.rows(kind, _STATES):
        outside = row.state == "settled" and row.on and date.fromisoformat(row.on) not in period
        if not outside or row.source_id in ids:
            yield row


def _parsed(kind: str, row: InboxRow, period: Period | None, unreadable: list[Uncounted]) -> Document | None:
    try:
        return KINDS[kind].parse(row.content)
    except UnknownShape as error:
        if period is not None and _perhaps_in(kind, row, period):
            number = str(row.content.get("referenceNumber") or row.source_id)
            unreadable.append(Uncounted(kind, row.source_id, number, str(error)))
        return None


def _perhaps_in(kind: str, row: InboxRow, period: Period) -> bool:
    """Whether a record that cannot be read could belong to the period; only a plain date outside says no."""
    try:
        return date.fromisoformat(str(row.content.get(KINDS[kind].dated))[:10]) in period
    except ValueError:
        return True


def _links(state: State, kind: str, ids: Sequence[str]) -> dict[str, Link]:
    found: dict[str, Link] = {}
    for start in range(0, len(ids), _AT_ONCE):
        rows = state.ledger.by_sources(kind, ids[start : start + _AT_ONCE])
        found.update({source_id: _with_card(link(each), each) for source_id, each in rows.items()})
    return found


def _with_card(known: Link, rows: Sequence[LedgerRow]) -> Link:
    """The link with the customer card, which a payment's lines name in what was sent last: it may have been made anew."""
    if known.customer:
        return known
    sent = (row.body for row in reversed(rows) if row.state == "done" and "customerNumber" in row.body)
    card = next((str(json.loads(body)["customerNumber"]) for body in sent), "")
    return replace(known, customer=card)


def _source(state: State, row: InboxRow, now: Document, known: Link) -> Source:
    if known.is_baseline:
        known = Link()  # an opening document is not ours: the books hold it under another name and date
    return Source(
        now=now,
        state=row.state,
        outcome=row.outcome or "",
        reason=row.reason,
        posted=known.posted,
        number=known.number if known.posted else "",
        draft=known.exists and not known.posted,
        before=_content_before(state, row, now, known) if known.posted else None,
        card=known.customer,
        of=row.kind,
    )


def _content_before(state: State, row: InboxRow, now: Document, known: Link) -> Document | None:
    """The content that was posted, if the record has changed since; None if it has not, or if it cannot be told."""
    kind = KINDS[row.kind]
    if known.fingerprint in {"", kind.prints(now)}:
        return None
    for version in reversed(state.inbox.versions(row.kind, row.source_id)):
        try:
            content = kind.parse(version.content)
        except UnknownShape:
            continue
        if kind.prints(content) == known.fingerprint:
            return content
    return None
