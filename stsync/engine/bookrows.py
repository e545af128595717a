"""Rows of Business Central's sales documents as values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from stsync.businesscentral.odata import enum_text
from stsync.core.dimensions import held_dimensions
from stsync.core.sales import Draft, DraftLine
from stsync.core.sales_form import Form

Row = Mapping[str, Any]


def day(value: object) -> date | None:
    """A date of Business Central, or None for its empty one."""
    # 0001-01-01 is Business Central's empty date (facts section 1, dates).
    if not isinstance(value, str) or value.startswith("0001"):
        return None
    return date.fromisoformat(value[:10])


def with_lines(form: Form) -> str:
    """What to expand so that documents come with their lines and these with their dimensions."""
    return f"{form.lines}($expand=dimensionSetLines)"


def draft_of(form: Form, row: Row) -> Draft:
    """A document that was read together with its lines."""
    lines = sorted(row.get(form.lines) or (), key=lambda line: int(line.get("sequence") or 0))
    return Draft(
        id=str(row["id"]),
        number=str(row["number"]),
        customer_number=str(row.get("customerNumber") or ""),
        status=enum_text(str(row["status"])),
        total=Decimal(row["totalAmountIncludingTax"]),
        tax=Decimal(row["totalTaxAmount"]),
        lines=[_line(line) for line in lines],
        etag=str(row.get("@odata.etag") or "*"),
        posting_on=day(row.get("postingDate")),
        dimensions=held_dimensions(row),
        dated=day(row.get(form.dated)),
        key=str(row.get("externalDocumentNumber") or "").strip().upper(),
    )


def _line(row: Row) -> DraftLine:
    return DraftLine(
        kind=enum_text(str(row.get("lineType") or "")),
        number=str(row.get("lineObjectNumber") or ""),
        amount=Decimal(row.get("amountExcludingTax") or 0),
        dimensions=held_dimensions(row),
        id=str(row["id"]),
        tax=Decimal(row.get("totalTaxAmount") or 0),
        tax_percent=Decimal(row.get("taxPercent") or 0),
        text=str(row.get("description") or ""),
    )
