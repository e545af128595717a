"""The records a run decides about, parsed once; a shape we do not know becomes a reason, never a crash."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from stsync.core.links import Link, link
from stsync.core.plan import TO_APPLY
from stsync.core.reasons import Reason
from stsync.core.source.credit_memo import CreditMemo
from stsync.core.source.customer import Customer, Reach, reach
from stsync.core.source.fields import UnknownShape
from stsync.core.source.invoice import Invoice
from stsync.core.source.item import Item
from stsync.core.source.payment import Payment
from stsync.engine.refused import Refusal, refusals
from stsync.engine.scope import Scope
from stsync.engine.strangers import said_new, suspected
from stsync.state import InboxRow, State

# Planned in every run: what is new, what waits for something, and what is held until a person has repaired it.
OPEN = ("pending", "waiting", "held")
ITEMS = ("pricebook",)


@dataclass(frozen=True)
class Unreadable:
    """A record whose shape we do not know."""

    kind: str
    source_id: str
    reason: Reason


@dataclass
class Records:
    """Everything that is open, with the customers it needs."""

    customers: dict[str, Customer] = field(default_factory=dict)
    pending_customers: list[str] = field(default_factory=list)
    reaches: dict[str, Reach] = field(default_factory=dict)
    invoices: list[Invoice] = field(default_factory=list)
    credit_memos: list[CreditMemo] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    links: dict[tuple[str, str], Link] = field(default_factory=dict)
    hashes: dict[tuple[str, str], str] = field(default_factory=dict)
    new: set[tuple[str, str]] = field(default_factory=set)
    said_new: frozenset[str] = frozenset()
    suspected: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    refused: Mapping[tuple[str, str], Refusal] = field(default_factory=dict)
    asked_contacts: set[str] = field(default_factory=set)

    def link(self, stage: str, source_id: str) -> Link:
        """What the ledger knows of a record."""
        return self.links.get((stage, source_id), Link())

    def named_by_new(self) -> set[str]:
        """The customers that new and changed documents name."""
        named = [
            *(one.customer for one in self.invoices if ("invoices", one.id) in self.new),
            *(one.customer for one in self.credit_memos if ("credit_memos", one.id) in self.new),
            *(one.customer for one in self.payments if ("payments", one.id) in self.new),
        ]
        return {customer.id for customer in named if customer is not None}

    def paid_by_new(self) -> set[str]:
        """The invoices that new and changed payments name."""
        new = (one for one in self.payments if ("payments", one.id) in self.new)
        return {application.invoice_id for payment in new for application in payment.applications}

    def named_customers(self) -> set[str]:
        """The customers that open documents name."""
        documents = (self.invoices, self.credit_memos, self.payments)
        named = [one.customer for records in documents for one in records]
        return {customer.id for customer in named if customer is not None}

    def reduced(self, *, new: bool = False) -> set[str]:
        """The invoices that open credits reduce: what an adjustment below zero adjusts, what a credit memo is applied to.

        With `new`, only those of new and changed records.
        """
        credits_ = [one for one in self.invoices if one.adjustment_to and one.total < 0]
        adjusted = {
            one.adjustment_to for one in credits_ if one.adjustment_to and (not new or ("invoices", one.id) in self.new)
        }
        memos = [one for one in self.credit_memos if not new or ("credit_memos", one.id) in self.new]
        return adjusted | {applied.invoice_id for one in memos for applied in one.applications}


def open_records(state: State, scope: Scope) -> Records:
    """Read and parse every open record of the scope."""
    return parsed(open_rows(state, scope))


def open_rows(state: State, scope: Scope, kinds: Iterable[str] | None = None) -> Iterator[InboxRow]:
    """Every open record of the scope as the inbox has it, page by page: documents and customers, or these kinds."""
    # What waits for a person in the books is looked at in each run: the books may show it as done by now.
    for kind in _kinds(scope) if kinds is None else kinds:
        rows = state.inbox.rows(kind, OPEN, outcomes=(TO_APPLY,))
        yield from (row for row in rows if scope.only is None or chosen(row, scope.only))


def _kinds(scope: Scope) -> tuple[str, ...]:
    """The kinds of record that these stages decide about, items apart."""
    found = {"invoices": ("invoices", "credit_memos"), "payments": ("payments",), "customers": ("customers",)}
    return tuple(kind for stage, kinds in found.items() if stage in scope.stages for kind in kinds)


def parsed(rows: Iterable[InboxRow]) -> Records:
    """These records, each kind in its order; one of a shape that we do not know is held."""
    records = Records()
    for row in rows:
        records.hashes[row.kind, row.source_id] = row.hash
        if row.state == "pending":
            records.new.add((row.kind, row.source_id))
        try:
            _add(records, row)
        except UnknownShape as error:
            records.unreadable.append(Unreadable(row.kind, row.source_id, unknown_shape(row.kind, str(error))))
    return records


def _add(records: Records, row: InboxRow) -> None:
    if row.kind == "invoices":
        records.invoices.append(Invoice.parse(row.content))
    elif row.kind == "credit_memos":
        records.credit_memos.append(CreditMemo.parse(row.content))
    elif row.kind == "payments":
        records.payments.append(Payment.parse(row.content))
    elif row.kind == "pricebook":
        records.items.append(Item.parse(row.content))
    elif row.kind == "customers":
        customer = Customer.parse(row.content)
        records.customers[customer.id] = customer
        records.pending_customers.append(customer.id)


def chosen(row: InboxRow, only: str) -> bool:
    """Whether a person means this record: by its id, or by its number as either system shows it."""
    content = row.content
    names = {row.source_id, str(content.get("referenceNumber") or ""), str(content.get("number") or "")}
    return only.casefold() in {name.casefold() for name in names}


def unknown_shape(kind: str, what: str) -> Reason:
    """The reason for a record that does not look as ServiceTitan documents it."""
    return Reason(
        "unknown-shape",
        f"This record of ServiceTitan's {kind} does not look as expected: {what}.",
        "Open it in ServiceTitan and complete it. If it looks right there, please report this message.",
    )


def add_customers(state: State, records: Records, ids: Iterable[str]) -> None:
    """Add the customers that documents name, and the survivors of their merges."""
    wanted = set(ids) - set(records.customers)
    while wanted:
        found = state.inbox.find_many("customers", wanted)
        for row in found.values():
            _add_customer(records, row)
        survivors = {one.merged_to for one in records.customers.values() if one.merged_to}
        wanted = survivors - set(records.customers) - wanted


def _add_customer(records: Records, row: InboxRow) -> None:
    records.hashes["customers", row.source_id] = row.hash
    try:
        records.customers[row.source_id] = Customer.parse(row.content)
    except UnknownShape as error:
        reason = unknown_shape("customers", str(error))
        records.unreadable.append(Unreadable("customers", row.source_id, reason))


def add_reaches(state: State, records: Records) -> None:
    """Add phone and e-mail of every customer that is looked at."""
    children = state.inbox.children("contacts", records.customers)
    for customer_id in records.customers:
        records.reaches[customer_id] = reach(row.content for row in children.get(customer_id, ()))


def add_links(state: State, records: Records) -> None:
    """Add what the ledger knows of every record, of invoices that payments and credits name, and of what refunds give back."""
    records.said_new = said_new(state)
    records.suspected = suspected(state)
    records.refused = refusals(state, records.hashes)
    paid = {one.invoice_id for payment in records.payments for one in payment.applications}
    given_back = {payment.refunded_payment for payment in records.payments if payment.refunded_payment}
    wanted = {
        "customers": set(records.customers),
        "invoices": {invoice.id for invoice in records.invoices} | paid | records.reduced(),
        "credit_memos": {memo.id for memo in records.credit_memos},
        "payments": {payment.id for payment in records.payments} | given_back,
        "pricebook": {item.id for item in records.items},
    }
    for stage, ids in wanted.items():
        for source_id, rows in state.ledger.by_sources(stage, ids).items():
            records.links[stage, source_id] = link(rows)
