"""The records a run decides about, parsed once; a shape we do not know becomes a reason, never a crash."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

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

Parsed = TypeVar("Parsed")

# Planned in every run: what is new, what waits for something, and what is held until a person has repaired it.
OPEN = ("pending", "waiting", "held")


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
    records = Records()
    if "invoices" in scope.stages:
        records.invoices = list(_parsed(state, "invoices", Invoice.parse, records, scope))
        records.credit_memos = list(_parsed(state, "credit_memos", CreditMemo.parse, records, scope))
    if "payments" in scope.stages:
        records.payments = list(_parsed(state, "payments", Payment.parse, records, scope))
    if scope.stages == ("pricebook",):
        records.items = list(_parsed(state, "pricebook", Item.parse, records, scope))
    if "customers" in scope.stages:
        for customer in _parsed(state, "customers", Customer.parse, records, scope):
            records.customers[customer.id] = customer
            records.pending_customers.append(customer.id)
    return records


def _parsed(
    state: State, kind: str, parse: Callable[[Mapping[str, Any]], Parsed], records: Records, scope: Scope
) -> Iterator[Parsed]:
    # What waits for a person in the books is looked at in each run: the books may show it as done by now.
    for row in state.inbox.rows(kind, OPEN, outcomes=(TO_APPLY,)):
        if scope.only is not None and not chosen(row, scope.only):
            continue
        records.hashes[kind, row.source_id] = row.hash
        if row.state == "pending":
            records.new.add((kind, row.source_id))
        try:
            yield parse(row.content)
        except UnknownShape as error:
            records.unreadable.append(Unreadable(kind, row.source_id, unknown_shape(kind, str(error))))


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
    records.refused = refusals(state)
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
