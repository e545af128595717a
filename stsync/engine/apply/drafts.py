"""Reading drafts back, with their lines and dimensions, as Business Central itself holds them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from stsync.businesscentral.client import BusinessCentral
from stsync.businesscentral.odata import Read, any_of, enum_text
from stsync.core.sales import Draft, DraftLine

Row = Mapping[str, Any]
_LINES = "salesInvoiceLines($expand=dimensionSetLines)"


def read_drafts(books: BusinessCentral, natural_keys: Iterable[str]) -> dict[str, Draft]:
    """The sales invoices with these external document numbers, by id."""
    rows = books.read(Read("salesInvoices", filter=any_of("externalDocumentNumber", natural_keys), expand=_LINES))
    return {str(row["id"]): _draft(row) for row in rows}


def _draft(row: Row) -> Draft:
    lines = sorted(row.get("salesInvoiceLines") or (), key=lambda line: int(line.get("sequence") or 0))
    return Draft(
        id=str(row["id"]),
        number=str(row["number"]),
        customer_number=str(row.get("customerNumber") or ""),
        status=enum_text(str(row["status"])),
        total=Decimal(row["totalAmountIncludingTax"]),
        tax=Decimal(row["totalTaxAmount"]),
        lines=[_line(line) for line in lines],
        etag=str(row.get("@odata.etag") or "*"),
    )


def _line(row: Row) -> DraftLine:
    return DraftLine(
        kind=enum_text(str(row.get("lineType") or "")),
        number=str(row.get("lineObjectNumber") or ""),
        amount=Decimal(row.get("amountExcludingTax") or 0),
        dimensions={str(one["code"]): str(one["valueCode"]) for one in row.get("dimensionSetLines") or ()},
        id=str(row["id"]),
    )
