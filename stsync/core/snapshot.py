"""What Business Central holds, as far as a plan may rely on it: read once, in bulk, before deciding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from stsync.core.sales import Draft
from stsync.core.source.item import Item


@dataclass(frozen=True)
class Account:
    """A general ledger account; only open posting accounts with direct posting can stand on a line (facts section 6)."""

    number: str
    name: str
    id: str = ""
    posting: bool = True
    blocked: bool = False
    direct_posting: bool = True

    @property
    def usable(self) -> bool:
        """Whether a sales line may name it."""
        return self.posting and not self.blocked and self.direct_posting


@dataclass(frozen=True)
class BookCustomer:
    """A customer card: its number, its token for changes, and the fields stsync owns.

    `owner` is the id of the ServiceTitan customer that was carried or linked to it, empty for none.
    """

    id: str
    number: str
    etag: str
    blocked: str
    fields: Mapping[str, str | bool]
    owner: str = ""


def stands(status: str, entity: str) -> bool:
    """Whether a sales document still stands for something: what was cancelled, and the credit memo that cancelled it, do
    not. A corrective invoice does: it takes a cancellation back (facts section 4).
    """
    return status != "Canceled" and not (status == "Corrective" and entity == "salesCreditMemos")


@dataclass(frozen=True)
class BookInvoice:
    """A sales document found by its external document number. `posted` is proven by the ledger, not by its status (trap 1).

    `total` is below zero for a credit memo, as ServiceTitan says it. `remaining` is what is still open of a posted
    invoice; None where Business Central does not say (credit memos). `applies_to` is the invoice that a credit memo
    names (its id, or its number where it was no sales invoice).
    """

    id: str
    number: str
    customer_number: str
    total: Decimal
    status: str
    posted: bool
    posting_date: date | None
    etag: str = ""
    remaining: Decimal | None = None
    entity: str = "salesInvoices"
    applies_to: str = ""

    @property
    def live(self) -> bool:
        """Whether it still stands for something."""
        return stands(self.status, self.entity)

    @property
    def open(self) -> bool:
        """Whether a payment or credit memo can be applied to it (facts section 5: a closed one refuses at posting)."""
        return self.posted and self.live and self.status != "Paid" and self.remaining != 0


@dataclass(frozen=True)
class OpenLine:
    """An unposted line of a journal, of a customer; negative amounts are money received.

    `entity` is the set that shows it: customerPayments, or journalLines for a line of a general journal; `number` is its
    place there.
    """

    id: str
    document_number: str
    customer_number: str
    amount: Decimal
    applies_to_id: str
    posting_date: date | None
    applies_to_number: str = ""
    balancing_account: str = ""
    entity: str = "customerPayments"
    number: int = 0


@dataclass(frozen=True)
class BookJournal:
    """A customer payment journal, or a general journal, and what stands in it unposted."""

    id: str
    code: str
    balancing_account: str
    lines: tuple[OpenLine, ...] = ()


@dataclass(frozen=True)
class Snapshot:
    """Facts from Business Central. A natural key that is in `probed` and has no counterpart is surely not there.

    `drafts` are our drafts with their lines, by id, as far as they were read with them.
    `strangers` are the cards found by name, e-mail or telephone that belong to no ServiceTitan customer of ours; the
    clues they were looked for by stand in `probed` too.
    `journals_made` counts, from our own ledger, how often a payment journal of this code was made before, and a general
    journal under `general:` and its code. `posted_payments` are the amounts of the payments that the general ledger shows
    under a document number; `posted_refunds` what stands there without a document type, by G/L account, debits positive.
    """

    accounts: Mapping[str, Account] = field(default_factory=dict)
    dimensions: Mapping[str, frozenset[str]] = field(default_factory=dict)
    payment_terms: Mapping[str, str] = field(default_factory=dict)
    items: Mapping[str, Item] = field(default_factory=dict)
    posting_from: date | None = None
    posting_to: date | None = None
    journals: Mapping[str, BookJournal] = field(default_factory=dict)
    general_journals: Mapping[str, BookJournal] = field(default_factory=dict)
    journals_made: Mapping[str, int] = field(default_factory=dict)
    customers: Mapping[str, BookCustomer] = field(default_factory=dict)
    strangers: Mapping[str, BookCustomer] = field(default_factory=dict)
    invoices: Mapping[str, tuple[BookInvoice, ...]] = field(default_factory=dict)
    credit_memos: Mapping[str, tuple[BookInvoice, ...]] = field(default_factory=dict)
    drafts: Mapping[str, Draft] = field(default_factory=dict)
    posted_payments: Mapping[str, Decimal] = field(default_factory=dict)
    posted_refunds: Mapping[str, Mapping[str, Decimal]] = field(default_factory=dict)
    probed: frozenset[str] = frozenset()

    def documents(self, natural_key: str) -> tuple[BookInvoice, ...]:
        """Every sales document with this external document number that still stands for something."""
        return tuple(one for one in self._every(natural_key) if one.live)

    def cancelled(self, natural_key: str, book_id: str) -> tuple[BookInvoice, ...]:
        """The sales document of this id, if it was cancelled, or cancels another."""
        return tuple(one for one in self._every(natural_key) if one.id == book_id and not one.live)

    def _every(self, natural_key: str) -> tuple[BookInvoice, ...]:
        return (*self.invoices.get(natural_key, ()), *self.credit_memos.get(natural_key, ()))

    def accepts(self, day: date) -> bool:
        """Whether the company-wide posting dates allow a day; a user's own range can be narrower and is not visible."""
        if self.posting_from is not None and day < self.posting_from:
            return False
        return self.posting_to is None or day <= self.posting_to
