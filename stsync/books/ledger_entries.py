"""Reading general ledger entries of Business Central as values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from stsync.books.general_ledger import Entry
from stsync.businesscentral.odata import Read, enum_text
from stsync.core.dimensions import held_dimensions

_FIELDS = (
    "entryNumber", "postingDate", "documentNumber", "documentType", "accountNumber", "description",
    "debitAmount", "creditAmount",
)  # fmt: skip


def entries(filter_text: str, dimension: str | None) -> Read:
    """What to read for the entries that the filter lets through, with the business unit dimension where there is one."""
    return Read(
        "generalLedgerEntries",
        filter=filter_text,
        select=_FIELDS,
        expand="dimensionSetLines" if dimension else "",
        orderby="entryNumber",
    )


def entry(row: Mapping[str, Any], dimension: str | None) -> Entry:
    """A general ledger entry with its value of that dimension."""
    values = held_dimensions(row)
    return Entry(
        number=int(row["entryNumber"]),
        on=date.fromisoformat(str(row["postingDate"])[:10]),
        document_type=enum_text(str(row.get("documentType") or "")),
        document_number=str(row.get("documentNumber") or ""),
        account=str(row["accountNumber"]),
        amount=Decimal(row.get("debitAmount") or 0) - Decimal(row.get("creditAmount") or 0),
        dimension=values.get((dimension or "").upper(), ""),
        description=str(row.get("description") or ""),
    )
