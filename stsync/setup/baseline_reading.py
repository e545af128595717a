"""What lies before go-live: ServiceTitan's invoices that were open then, and Business Central's opening documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from stsync.businesscentral.client import BusinessCentral
from stsync.businesscentral.odata import Read, all_of, compare, enum_text
from stsync.core.source.fields import UnknownShape, amount
from stsync.core.source.invoice import Invoice
from stsync.core.source.payment import Payment
from stsync.engine.bookrows import day
from stsync.servicetitan.client import ServiceTitan, each_once

NOTHING = Decimal("0.00")
SALES_INVOICE, OPENING_ENTRY = "sales invoice", "opening entry"
# Opening documents are dated like the invoice, or on the last day before go-live; nobody dates them much earlier.
_MARGIN = timedelta(days=31)


@dataclass(frozen=True)
class OpenInvoice:
    """An invoice from before go-live that was not paid by then: what is still open, and what was paid since."""

    invoice: Invoice
    balance: Decimal
    paid_since: Decimal = NOTHING

    @property
    def open_at_go_live(self) -> Decimal:
        """What the opening balances have to hold of it."""
        return self.balance + self.paid_since


@dataclass(frozen=True)
class OpeningDocument:
    """An open document from before go-live. Of one posted through a journal only the G/L tells: no id, no customer."""

    number: str
    open: Decimal
    on: date | None
    id: str = ""
    external_number: str = ""
    customer_number: str = ""
    customer_name: str = ""

    @property
    def kind(self) -> str:
        """What people call it."""
        return SALES_INVOICE if self.id else OPENING_ENTRY


def open_invoices(servicetitan: ServiceTitan, go_live: date) -> list[OpenInvoice]:
    """Invoices from before go-live that are open now, or that something was paid on since."""
    paid = _paid_since(servicetitan, go_live)
    rows = each_once(
        servicetitan.listed(
            "accounting/invoices",
            activeState="ActiveOnly",
            invoicedOnBefore=go_live,
            **{"balanceFilter.Balance": 0, "balanceFilter.Comparer": "NotEquals"},
        )
    )
    listed = {str(row.get("id")) for row in rows}
    rows += servicetitan.by_ids("invoices", sorted(int(one) for one in paid.keys() - listed))
    found = (_open(row, go_live, paid) for row in rows)
    return [one for one in found if one is not None]


def _paid_since(servicetitan: ServiceTitan, go_live: date) -> dict[str, Decimal]:
    """What payments from go-live on pay, by invoice: a list of open invoices alone would miss those paid since."""
    paid: dict[str, Decimal] = {}
    for row in each_once(servicetitan.listed("accounting/payments", paidOnAfter=go_live - timedelta(days=1))):
        try:
            payment = Payment.parse(row)
        except UnknownShape:
            continue  # the sync holds it and says why
        if payment.active and payment.paid_on is not None and payment.paid_on >= go_live:
            for one in payment.applications:
                paid[one.invoice_id] = paid.get(one.invoice_id, NOTHING) + one.amount
    return paid


def _open(row: Mapping[str, Any], go_live: date, paid: Mapping[str, Decimal]) -> OpenInvoice | None:
    try:
        invoice, balance = Invoice.parse(row), amount(row, "balance")
    except UnknownShape:
        return None
    before = invoice.invoiced_on is not None and invoice.invoiced_on < go_live
    # An invoice that is not posted in ServiceTitan is in nobody's opening balances.
    if not before or not invoice.active or invoice.status == "Pending":
        return None
    found = OpenInvoice(invoice, balance, paid.get(invoice.id, NOTHING))
    return found if found.open_at_go_live != 0 or found.paid_since != 0 else None


@dataclass(frozen=True)
class History:
    """Everything before go-live, in number and money."""

    invoices: int
    total: Decimal


def history(servicetitan: ServiceTitan, go_live: date) -> History:
    """Count ServiceTitan's invoices from before go-live."""
    invoices, total = 0, NOTHING
    for row in each_once(
        servicetitan.listed("accounting/invoices", activeState="ActiveOnly", invoicedOnBefore=go_live)
    ):
        invoices += 1
        total += Decimal(str(row.get("total") or 0))
    return History(invoices, total)


def opening_documents(
    books: BusinessCentral, go_live: date, invoices: Iterable[OpenInvoice]
) -> dict[str, OpeningDocument]:
    """Business Central's open documents from before go-live, by number, as far back as these invoices reach."""
    dates = [one.invoice.invoiced_on for one in invoices if one.invoice.invoiced_on is not None]
    since = min(dates, default=go_live) - _MARGIN
    when = all_of(compare("postingDate", "ge", since), compare("postingDate", "lt", go_live))
    sales, entries = books.read_many(
        [
            Read("salesInvoices", filter=when, select=_SALES),
            Read("generalLedgerEntries", filter=all_of(when, compare("documentType", "eq", "Invoice")), select=_LEDGER),
        ]
    )
    posted = _debits(entries)
    found = {number: one for number, one in _by_number(sales).items() if number in posted and one.open != 0}
    ours = {str(row["number"]) for row in sales}
    return found | {number: one for number, one in posted.items() if number not in ours}


_SALES = (
    "id", "number", "externalDocumentNumber", "customerNumber", "customerName", "postingDate", "remainingAmount", "status",
)  # fmt: skip
_LEDGER = ("entryNumber", "documentNumber", "documentType", "postingDate", "debitAmount", "description")


def _by_number(rows: Sequence[Mapping[str, Any]]) -> dict[str, OpeningDocument]:
    return {
        str(row["number"]): OpeningDocument(
            number=str(row["number"]),
            open=Decimal(str(row.get("remainingAmount") or 0)),
            on=day(row.get("postingDate")),
            id=str(row["id"]),
            external_number=str(row.get("externalDocumentNumber") or ""),
            customer_number=str(row.get("customerNumber") or ""),
            customer_name=str(row.get("customerName") or ""),
        )
        for row in rows
        if enum_text(str(row.get("status") or "")) == "Open"
    }


def _debits(rows: Sequence[Mapping[str, Any]]) -> dict[str, OpeningDocument]:
    """Documents of type Invoice in the general ledger: what they debit is what the customer owed."""
    found: dict[str, OpeningDocument] = {}
    for row in rows:
        debit = Decimal(str(row.get("debitAmount") or 0))
        if enum_text(str(row.get("documentType") or "")) != "Invoice" or debit == 0:
            continue
        number = str(row["documentNumber"])
        before = found.get(number)
        found[number] = OpeningDocument(
            number=number,
            open=debit + (before.open if before else NOTHING),
            on=day(row.get("postingDate")),
            customer_name=str(row.get("description") or ""),
        )
    return found
