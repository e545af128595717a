"""The two kinds of sales document in Business Central, and in what they differ (facts sections 2.5 and 2.7)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Form:
    """How one kind of sales document is called: its set, its lines' set, the field of its own date, its G/L type.

    `sign` is 1 where a positive amount is owed to us; Business Central shows the amounts of both kinds positive.
    """

    entity: str
    lines: str
    dated: str
    noun: str
    ledger_type: str
    page: str
    sign: int

    def signed(self, amount: Decimal) -> Decimal:
        """An amount of this document as ServiceTitan would say it: below zero for a credit."""
        return amount * self.sign


SALES_INVOICE = Form("salesInvoices", "salesInvoiceLines", "invoiceDate", "invoice", "Invoice", "Sales Invoices", 1)
SALES_CREDIT_MEMO = Form(
    "salesCreditMemos",
    "salesCreditMemoLines",
    "creditMemoDate",
    "credit memo",
    "Credit Memo",
    "Sales Credit Memos",
    -1,
)
FORMS = {form.entity: form for form in (SALES_INVOICE, SALES_CREDIT_MEMO)}


def form_of(total: Decimal) -> Form:
    """What a document of this total is in the books: below zero it is a credit memo (facts section 6, negative total)."""
    return SALES_CREDIT_MEMO if total < 0 else SALES_INVOICE
