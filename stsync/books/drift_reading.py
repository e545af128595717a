"""Reading what drift compares: ServiceTitan's documents now and as they were posted, Business Central's documents and
ledger entries by their numbers, in bulk.

A daily look costs little: only what changed on either side since the last one, and what was found then, is compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from stsync.books import drift_books, drift_source
from stsync.books.drift import Change, Drift, Drifted, Merged
from stsync.books.drift_ledger import InLedger, dimensions_of_payment, entity_of, read_documents, read_entries, touched
from stsync.books.drift_memory import Memory
from stsync.books.drift_remedies import remedy
from stsync.books.values import Period
from stsync.core.links import Link, link
from stsync.core.source.credit_memo import CreditMemo
from stsync.core.source.customer import Customer
from stsync.core.source.fields import UnknownShape
from stsync.core.source.invoice import Invoice
from stsync.core.source.payment import Application, Payment
from stsync.engine.merged import under_former_customer
from stsync.errors import StateError
from stsync.stages import invoices, payments

if TYPE_CHECKING:
    from stsync.businesscentral.client import BusinessCentral
    from stsync.state import InboxRow, LedgerRow, State

Document = Invoice | Payment
Owner = tuple[str, str]

_STATES = ("pending", "waiting", "held", "dead", "settled")
_OPEN = ("pending", "waiting", "held", "dead")
_IDS_PER_LOOK = 500
_PARSE: dict[str, Callable[[Mapping[str, object]], Document]] = {
    "invoices": Invoice.parse,
    "credit_memos": lambda row: CreditMemo.parse(row).document,
    "payments": Payment.parse,
}


@dataclass(frozen=True)
class Look:
    """What to compare: the documents of some days, one document, everything, or (none of these) what changed."""

    period: Period | None = None
    only: Owner | None = None
    everything: bool = False

    @property
    def partial(self) -> bool:
        """Whether it says nothing about other documents, so that the next look cannot begin where it ended."""
        return self.period is not None or self.only is not None


@dataclass(frozen=True)
class Known:
    """A posted record: what the ledger knows of it, where it stands, and both contents."""

    row: InboxRow
    link: Link
    writes: Sequence[LedgerRow]
    now: Document
    before: Document | None

    @property
    def owner(self) -> Owner:
        """Its kind and id."""
        return self.row.kind, self.row.source_id


def drift(
    look: Look,
    *,
    state: State,
    books: BusinessCentral,
    memory: Memory,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> tuple[Drift, Memory]:
    """Compare, and say what to remember for the next look. Nothing is written.

    Raises StateError when nothing was ever read, and what the client's reads raise.
    """
    began = now()
    read_at = state.cursors.read_at("invoices")
    if read_at is None:
        raise StateError(
            "servicetitan-never-read",
            "stsync has not read ServiceTitan yet, so there is nothing to compare.",
            hint="Run stsync sync first.",
        )
    # After the computer's clock was set back, what changed since the last look cannot be told by it.
    set_back = memory.looked_at is not None and began < memory.looked_at
    complete = look.everything or look.partial or memory.stamp is None or set_back
    changed = None if complete else touched(books, memory)
    wanted = _wanted(state, look, memory, changed)
    unreadable: list[str] = []
    known = list(_known(state, wanted, unreadable))
    kept = [one for one in known if one.row.outcome != "by_hand" and _belongs(one, look)]
    in_books = _in_books(books, kept)
    documents = tuple(one for one in (_compared(each, in_books) for each in kept) if one is not None)
    answer = Drift(
        documents=documents,
        merged=() if look.only else tuple(_merged(state)),
        looked_at=len(kept),
        complete=complete,
        books_read=began,
        servicetitan_read=read_at,
        by_hand=sum(one.row.outcome == "by_hand" for one in known),
        unreadable=tuple(unreadable),
    )
    stamps = [in_books.stamp, *([changed.stamp] if changed else []), memory.stamp]
    newest = max((one for one in stamps if one is not None), default=None)
    return answer, Memory(newest, began, frozenset((one.kind, one.source_id) for one in documents))


def _wanted(state: State, look: Look, memory: Memory, changed: InLedger | None) -> dict[str, set[str]]:
    """The ids to look at, by kind."""
    wanted: dict[str, set[str]] = {kind: set() for kind in _PARSE}
    if look.only is not None:
        wanted[look.only[0]].add(look.only[1])
        return wanted
    if changed is None:
        return {kind: {row.source_id for row in state.ledger.links(kind)} for kind in _PARSE}
    for kind, source_id in {*memory.open, *changed.owners}:
        wanted[kind].add(source_id)
    for kind in _PARSE:
        wanted[kind] |= {row.source_id for row in state.inbox.rows(kind, _OPEN)}
        wanted[kind] |= state.inbox.changed_since(kind, memory.looked_at)
    return wanted


def _known(state: State, wanted: Mapping[str, set[str]], unreadable: list[str]) -> Iterator[Known]:
    """Those of the wanted records that stsync posted."""
    for kind, ids in wanted.items():
        ordered = sorted(ids)
        for start in range(0, len(ordered), _IDS_PER_LOOK):
            part = ordered[start : start + _IDS_PER_LOOK]
            writes = state.ledger.by_sources(kind, part)
            rows = state.inbox.find_many(kind, part)
            for source_id, row in rows.items():
                found = _one(state, row, writes.get(source_id, []), unreadable)
                if found is not None:
                    yield found


def _one(state: State, row: InboxRow, writes: Sequence[LedgerRow], unreadable: list[str]) -> Known | None:
    known = link(writes)
    if not known.posted or known.is_baseline:
        return None
    try:
        now = _PARSE[row.kind](row.content)
    except UnknownShape as error:
        unreadable.append(f"{row.kind} {row.number or row.source_id}: {error}")
        return None
    if isinstance(now, Invoice):
        now = under_former_customer(state, row.kind, now, known, invoices.fingerprint)
    else:
        now = under_former_customer(state, row.kind, now, known, payments.fingerprint)
    return Known(row, known, writes, now, _before(state, row, known, now))


def _before(state: State, row: InboxRow, known: Link, now: Document) -> Document | None:
    """The content that was posted: the first version with its fingerprint; None when that is not known any more."""
    if not known.fingerprint:
        return None
    if row.changed_at == row.first_seen_at:
        # After stsync state rebuild what is posted may be older than anything we have read.
        return now if _fingerprint(now) == known.fingerprint else None
    for version in state.inbox.versions(row.kind, row.source_id):
        try:
            content = _PARSE[row.kind](version.content)
        except UnknownShape:
            continue
        if _fingerprint(content) == known.fingerprint:
            return content
    return None


def _fingerprint(document: Document) -> str:
    return invoices.fingerprint(document) if isinstance(document, Invoice) else payments.fingerprint(document)


def _day(document: Document) -> date | None:
    return document.invoiced_on if isinstance(document, Invoice) else document.paid_on


def _belongs(known: Known, look: Look) -> bool:
    if look.period is None:
        return True
    days = {_day(one) for one in (known.now, known.before) if one is not None}
    return any(day is not None and day in look.period for day in days)


def _in_books(books: BusinessCentral, known: Sequence[Known]) -> InLedger:
    documents = {_place(one): one.link for one in known if one.row.kind != "payments"}
    paid = [one for one in known if one.row.kind == "payments"]
    found = read_documents(books, documents)
    dimensions = any(dimensions_of_payment(one.writes, one.now) for one in paid)
    return read_entries(books, found, documents, {one.row.source_id: one.link for one in paid}, dimensions=dimensions)


def _place(known: Known) -> str:
    """What a sales document's external number says after `ST-`: a credit memo and an invoice may have the same id."""
    return f"C{known.row.source_id}" if known.row.kind == "credit_memos" else known.row.source_id


def _compared(known: Known, in_books: InLedger) -> Drifted | None:
    changes = [*_source_changes(known), *_book_changes(known, in_books)]
    if not changes:
        return None
    kind, source_id = known.owner
    number = known.link.number
    about = known.before or known.now
    return Drifted(
        kind=kind,
        source_id=source_id,
        number=known.now.number or source_id,
        name=about.customer.name if about.customer else "",
        on=_day(about),
        book_number=number,
        changes=tuple(changes),
        remedy=remedy(kind, source_id, number, changes, credit=entity_of(known.link) == "salesCreditMemos"),
    )


def _source_changes(known: Known) -> list[Change]:
    now, before = known.now, known.before
    if before is None:
        same = known.link.fingerprint in {"", _fingerprint(now)}
        return [] if same else drift_source.unknown_before(known.link.total, now)
    if isinstance(now, Invoice) and isinstance(before, Invoice):
        return [*drift_source.invoice_changes(before, now), *_moved(known)]
    if isinstance(now, Payment) and isinstance(before, Payment):
        return drift_source.payment_changes(_as_booked(before, now, known.link), now)
    return []


def _moved(known: Known) -> list[Change]:
    """A credit that stands applied to an invoice in the books, and not in ServiceTitan any more."""
    applied = {str(one): Decimal(str(amount)) for one, amount in known.link.carried.get("applied", {}).items()}
    if not applied or not known.now.active:
        return []
    return drift_source.moved_credit(applied, _reduces(known))


def _reduces(known: Known) -> tuple[Application, ...]:
    if known.row.kind == "credit_memos":
        return CreditMemo.parse(known.row.content).applications
    adjusted = known.now.adjustment_to if isinstance(known.now, Invoice) else None
    return () if adjusted is None else (Application(adjusted, "", -known.now.total),)


def _as_booked(before: Payment, now: Payment, known: Link) -> Payment:
    """The payment as the books took it, if its applications changed: one on an empty invoice stands on account there."""
    if before.applications == now.applications or "applied" not in known.carried:
        return before
    booked = tuple(one for one in before.applications if one.invoice_id in known.carried["applied"])
    return replace(before, applications=booked)


def _book_changes(known: Known, in_books: InLedger) -> list[Change]:
    posted = in_books.posted(known.link, known.writes, known.before or known.now)
    if isinstance(known.now, Payment):
        return drift_books.payment_changes(posted, in_books.payment_entries.get(known.row.source_id, ()))
    there = in_books.documents.get(_place(known), drift_books.InBooks())
    # What a person had taken back by stsync correct is no second document, whatever Business Central calls it.
    rows = tuple(row for row in there.rows if row.id not in known.link.ended)
    return drift_books.document_changes(posted, replace(there, rows=rows))


def _merged(state: State) -> Iterator[Merged]:
    """Customers with a card whom ServiceTitan merged into another."""
    losers = {row.source_id: row for row in state.inbox.rows("customers", _STATES) if _may_be_merged(row)}
    cards = {source_id: link(rows) for source_id, rows in state.ledger.by_sources("customers", losers).items()}
    for source_id, card in cards.items():
        try:
            customer = Customer.parse(losers[source_id].content)
        except UnknownShape:
            continue
        if card.exists and customer.merged_to is not None:
            survivor = state.inbox.find("customers", customer.merged_to)
            name = survivor.customer_name if survivor is not None else None
            documents = _documents_on(state, card.number)
            yield Merged(source_id, customer.name, card.number, customer.merged_to, name or "", documents)


def _may_be_merged(row: InboxRow) -> bool:
    return row.outcome == "merged" or row.state in _OPEN


def _documents_on(state: State, card: str) -> int:
    ids = {row.source_id for row in state.ledger.links("invoices") if row.detail.get("customer") == card}
    return len(ids)
