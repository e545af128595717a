"""Reading general ledger entries of Business Central as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Codes:
    """The dimensions that are compared: the business unit's, if there is one, and others."""

    unit: str | None
    more: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """Every code, as Business Central spells it."""
        return (*((self.unit.upper(),) if self.unit else ()), *self.more)


def entries(filter_text: str, codes: Codes) -> Read:
    """What to read for the entries that the filter lets through, with their dimensions where any are compared."""
    return Read(
        "generalLedgerEntries",
        filter=filter_text,
        select=_FIELDS,
        expand="dimensionSetLines" if codes.all else "",
        orderby="entryNumber",
    )


def entry(row: Mapping[str, Any], codes: Codes) -> Entry:
    """A general ledger entry with its values of these dimensions."""
    values = held_dimensions(row)
    return Entry(
        number=int(row["entryNumber"]),
        on=date.fromisoformat(str(row["postingDate"])[:10]),
        document_type=enum_text(str(row.get("documentType") or "")),
        document_number=str(row.get("documentNumber") or ""),
        account=str(row["accountNumber"]),
        amount=Decimal(row.get("debitAmount") or 0) - Decimal(row.get("creditAmount") or 0),
        dimension=values.get((codes.unit or "").upper(), ""),
        description=str(row.get("description") or ""),
        more={code: values.get(code, "") for code in codes.more},
    )
