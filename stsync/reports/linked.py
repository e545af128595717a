"""Customers about whom people decided: linked to a card, or called new."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from stsync.engine.strangers import said_new
from stsync.state import AuditRow, State


@dataclass(frozen=True)
class Linked:
    """One decision as it stands; `number` is empty for a customer that was called new."""

    servicetitan_id: str
    name: str
    number: str
    by: str
    at: datetime
    reasons: str


def linked(state: State) -> list[Linked]:
    """Every decision that still stands, in the order in which they were made."""
    said = {row.source_id: row for row in state.audit.rows(event="linked", stage="customers")}
    new = said_new(state)
    called = {row.source_id: row for row in state.audit.rows(event="said-new", stage="customers")}
    standing = {**said, **{source_id: row for source_id, row in called.items() if source_id in new}}
    names = {
        source_id: row.customer_name or "" for source_id, row in state.inbox.find_many("customers", standing).items()
    }
    return sorted((_told(row, names) for row in standing.values()), key=lambda one: (one.at, one.servicetitan_id))


def _told(row: AuditRow, names: dict[str, str]) -> Linked:
    detail = row.detail
    number, reasons = str(detail.get("number", "")), str(detail.get("reasons", ""))
    return Linked(row.source_id, names.get(row.source_id, ""), number, str(detail.get("operator", "")), row.at, reasons)
