"""Opening documents that a person has linked (stsync baseline): what customers owed at go-live, document by document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from stsync.books.cards import Cards
from stsync.books.result import Share
from stsync.books.values import Record
from stsync.core.links import BASELINE
from stsync.core.source.fields import UnknownShape
from stsync.core.source.invoice import Invoice

if TYPE_CHECKING:
    from stsync.state import LedgerRow, State


def openings(state: State, cards: Cards) -> Iterator[tuple[str, Share]]:
    """Each linked invoice with the card that it stands on, and what was open on it at go-live.

    The amount is the one that was accepted; Business Central's balance has to contain it, or a difference is left.
    """
    rows = [row for row in state.ledger.links("invoices") if row.detail.get("origin") == BASELINE and row.amount]
    found = state.inbox.find_many("invoices", {row.source_id for row in rows})
    for row in rows:
        try:
            invoice = Invoice.parse(found[row.source_id].content) if row.source_id in found else None
        except UnknownShape:
            invoice = None
        card = _card(row, invoice, cards)
        if invoice is not None and card and row.amount is not None:
            name = invoice.customer.name if invoice.customer else ""
            record = Record(
                "invoices", invoice.id, invoice.number or invoice.id, name, invoice.invoiced_on, invoice.total
            )
            yield card, Share(record, -row.amount, f"opening document {row.target_number}: {row.detail.get('why', '')}")


def _card(row: LedgerRow, invoice: Invoice | None, cards: Cards) -> str:
    """A journal's opening entry does not say whose it is: then it is the card of the invoice's customer."""
    known = str(row.detail.get("customer") or "")
    if known or invoice is None or invoice.customer is None:
        return known
    cards.learn([invoice.customer.id])
    return cards.card(invoice.customer.id)
