"""A ServiceTitan document on its way to a sales document: which one it is, and what people call it."""

from __future__ import annotations

from dataclasses import dataclass

from stsync.core.operations import digest
from stsync.core.plan import About
from stsync.core.sales_form import Form, form_of
from stsync.core.snapshot import BookInvoice, Snapshot
from stsync.core.source.invoice import Invoice, Item


@dataclass(frozen=True)
class Paper:
    """An invoice, or a credit memo read as an invoice below zero.

    `kind` is its place in the inbox and the ledger, `key` its external document number in the books, `noun` what
    ServiceTitan calls it.
    """

    kind: str
    noun: str
    key: str
    document: Invoice

    @property
    def id(self) -> str:
        """The record's id in ServiceTitan."""
        return self.document.id

    @property
    def form(self) -> Form:
        """What it is in the books."""
        return form_of(self.document.total)

    @property
    def about(self) -> About:
        """How people know it."""
        one = self.document
        name = one.customer.name if one.customer else ""
        return About(number=one.number or one.id, name=name, on=one.invoiced_on, amount=one.total)

    @property
    def label(self) -> str:
        """The document in one line."""
        return f"{self.noun} {self.about.number}, {self.about.name}"

    def found(self, snapshot: Snapshot) -> tuple[BookInvoice, ...]:
        """Its counterparts in the books, of either form: the sign of a total can have changed since."""
        return snapshot.documents(self.key)


def natural_key(invoice_id: str) -> str:
    """The external document number: from the ServiceTitan id alone, so that the books alone can answer for it."""
    return f"ST-{invoice_id}"


def credit_key(credit_memo_id: str) -> str:
    """The external document number of a credit memo, whose ids are counted apart from those of invoices."""
    return f"ST-C{credit_memo_id}"


def of_invoice(invoice: Invoice) -> Paper:
    """An invoice, of either sign."""
    return Paper("invoices", "invoice", natural_key(invoice.id), invoice)


def fingerprint(invoice: Invoice) -> str:
    """A hash of every amount, account, date and name that went, or would go, into the books.

    A new balance or status is not among it, nor another number: the office may renumber (trap 21), and no amount moves.
    """
    return digest(
        [
            invoice.active,
            invoice.invoiced_on,
            invoice.due_on,
            invoice.customer.id if invoice.customer else None,
            invoice.total,
            invoice.sales_tax,
            invoice.tax_zone.id if invoice.tax_zone else None,
            invoice.business_unit.id if invoice.business_unit else None,
            invoice.location.id if invoice.location else None,
            invoice.job_type,
            [_item_print(item) for item in invoice.items],
        ]
    )


def _item_print(item: Item) -> list[object]:
    account = item.account.id if item.account else None
    unit = item.business_unit.id if item.business_unit else None
    return [
        item.description,
        item.quantity,
        item.price,
        item.total,
        item.sku,
        item.chargeable,
        item.taxable,
        account,
        unit,
    ]
