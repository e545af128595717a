"""Sales invoices and credit memos as Business Central lists them: whose they are and what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from stsync.books.general_ledger import SalesNumber
from stsync.businesscentral.odata import Read, enum_text

if TYPE_CHECKING:
    from stsync.businesscentral.client import BusinessCentral


def sales_documents(books: BusinessCentral, filter_text: str) -> tuple[SalesNumber, ...]:
    """The sales invoices and credit memos that the filter lets through, drafts among them."""
    common = (
        "id",
        "number",
        "externalDocumentNumber",
        "status",
        "postingDate",
        "customerNumber",
        "billToCustomerNumber",
    )
    invoices = Read("salesInvoices", filter=filter_text, select=(*common, "totalAmountIncludingTax"))
    memos = Read("salesCreditMemos", filter=filter_text, select=(*common, "totalAmountIncludingTax", "invoiceNumber"))
    return (
        *(_sales_number(row, "Invoice") for row in books.read(invoices)),
        *(_sales_number(row, "Credit Memo") for row in books.read(memos)),
    )


def _sales_number(row: Mapping[str, Any], kind: str) -> SalesNumber:
    status = enum_text(str(row.get("status") or ""))
    return SalesNumber(
        number=str(row["number"]),
        external=str(row.get("externalDocumentNumber") or ""),
        draft=status in {"Draft", "In Review"},
        kind=kind,
        # A corrective invoice restores what was cancelled by mistake (facts section 4): it stands.
        undone=status == "Canceled" or (status == "Corrective" and kind == "Credit Memo"),
        # The bill-to customer owes the money.
        customer=str(row.get("billToCustomerNumber") or row.get("customerNumber") or ""),
        credits=str(row.get("invoiceNumber") or "") if kind == "Credit Memo" else "",
        on=_day(row.get("postingDate")),
        total=Decimal(row.get("totalAmountIncludingTax") or 0),
    )


def _day(value: object) -> date | None:
    # 0001-01-01 is Business Central's empty date (facts section 1, dates).
    return None if not isinstance(value, str) or value.startswith("0001") else date.fromisoformat(value[:10])
