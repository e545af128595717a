"""What a person has set right by hand: a document of others that takes a wrong difference back, cell by cell.

A posted document is corrected by another one, so the wrong one stays wrong for ever. Both are named, and the month is exact
again; without this, doing what a finding advises would change nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from stsync.books.general_ledger import BookDocument, SalesNumber
from stsync.books.places import Places
from stsync.books.result import Finding
from stsync.books.sources import Source
from stsync.books.values import Cell, Section
from stsync.core.money import ZERO

Amounts = Mapping[Cell, Decimal]


def set_right(
    findings: Iterable[Finding],
    foreign: Sequence[BookDocument],
    sources: Mapping[tuple[str, str], Source],
    sales: Mapping[tuple[str, str], SalesNumber],
    places: Places,
) -> dict[int, BookDocument]:
    """The document that takes a finding back, by the position of the finding; each is taken once.

    Where the customer's debt is concerned, only a sales document of the same card counts: a journal entry does not say whose
    debt it changes. Otherwise the finding moves money from one place to another, and so must the document.
    """
    free = list(foreign)
    found: dict[int, BookDocument] = {}
    for position, one in enumerate(findings):
        source = sources.get((one.record.kind, one.record.source_id)) if one.record is not None else None
        if source is None or not one.differences:
            continue
        wanted = {each.cell: -each.amount for each in one.differences}
        for document in free:
            if _may(wanted, source, sales.get(document.key)) and booked_for(document, wanted, places) == wanted:
                found[position] = document
                free.remove(document)
                break
    return found


def booked_for(document: BookDocument, wanted: Iterable[Cell], places: Places) -> dict[Cell, Decimal]:
    """Its amounts by cell; also on accounts of payments, where a journal entry that is no receipt counts for nothing."""
    booked = places.booked(document)
    net = document.net()
    for cell in wanted:
        if cell.section == Section.PAYMENTS and cell not in booked and net.get(cell.account):
            booked[cell] = net[cell.account]
    return booked


def _may(wanted: Amounts, source: Source, known: SalesNumber | None) -> bool:
    if any(cell.section == Section.RECEIVABLES for cell in wanted):
        return known is not None and bool(source.card) and known.customer == source.card
    sections = {cell.section for cell in wanted}
    return all(sum((wanted[cell] for cell in wanted if cell.section == one), ZERO) == 0 for one in sections)
