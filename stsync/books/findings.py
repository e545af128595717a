"""Comparing one document's entries with what they must be, and naming what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from stsync.books.expected import LINES, folded, without_revenue_account
from stsync.books.general_ledger import BookDocument, SalesNumber
from stsync.books.result import Difference, Finding, What
from stsync.books.sources import Source
from stsync.books.values import ANY, Cell, Record, Section
from stsync.core.money import ZERO

Amounts = Mapping[Cell, Decimal]


def settled_cells(booked: Amounts, expected: Amounts) -> tuple[Amounts, Amounts]:
    """Both sides with accounts left out where only Business Central knows them: item lines, and bank journals."""
    if any(cell.section == Section.REVENUE and cell.account == ANY for cell in expected):
        booked, expected = (folded(one, without_revenue_account) for one in (booked, expected))
    rows = [cell for cell in expected if cell.section == Section.PAYMENTS and cell.account == ANY]
    if rows:
        booked = folded(booked, lambda cell: rows[0] if cell.section == Section.PAYMENTS else cell)
    return booked, expected


def finding(record: Record | None, document: str, booked: Amounts, expected: Amounts) -> Finding | None:
    """What is wrong, or None when every cell agrees to the cent."""
    differences = tuple(
        Difference(cell, expected.get(cell, ZERO), booked.get(cell, ZERO))
        for cell in sorted({*booked, *expected})
        if booked.get(cell, ZERO) != expected.get(cell, ZERO)
    )
    return Finding(_what(booked, expected), record, document, differences) if differences else None


def _what(booked: Amounts, expected: Amounts) -> What:
    owed = {cell: amount for cell, amount in expected.items() if amount != 0}
    if not booked:
        return What.MISSING
    if dict(booked) == {cell: 2 * amount for cell, amount in owed.items()} or _owed_twice(booked, owed):
        return What.TWICE
    if _same(booked, owed, _without_account):
        return What.ACCOUNT
    if _same(booked, owed, lambda cell: Cell(cell.section, ANY, cell.account)):
        return What.DIMENSION
    return What.AMOUNT


def _owed_twice(booked: Amounts, owed: Amounts) -> bool:
    """Whether the customer is asked for it twice, on whatever accounts the second one stands."""
    cell = Cell(Section.RECEIVABLES, ANY, ANY)
    return cell in owed and booked.get(cell) == 2 * owed[cell]


def _same(booked: Amounts, expected: Amounts, place: Callable[[Cell], Cell]) -> bool:
    """Whether both agree once a part of the cells is left out."""
    return _nonzero(folded(booked, place)) == _nonzero(folded(expected, place))


def _nonzero(amounts: Amounts) -> dict[Cell, Decimal]:
    return {cell: amount for cell, amount in amounts.items() if amount != 0}


def _without_account(cell: Cell) -> Cell:
    """Tax and payment rows are accounts themselves."""
    return Cell(cell.section, cell.row if cell.section in LINES else ANY, ANY)


def outside_item_room(
    source: Source,
    document: BookDocument,
    booked: Amounts,
    expected: Amounts,
    room: Mapping[str, tuple[Decimal, Decimal]],
) -> Finding | None:
    """A line on a wrong account of a document with item lines, whose own accounts only Business Central knows.

    What an account shows beyond the lines that name it must be what the item lines can bring there; anything else is a
    line in the wrong place.
    """
    notes = []
    for cell in sorted({*booked, *expected}):
        least, most = room.get(cell.row, (ZERO, ZERO))
        rest = booked.get(cell, ZERO) - expected.get(cell, ZERO)
        if cell.section == Section.REVENUE and cell.account != ANY and not least <= rest <= most:
            there, due = booked.get(cell, ZERO), expected.get(cell, ZERO)
            notes.append(
                f"Account {cell.account} has {there:,.2f} of it; the lines that name the account are {due:,.2f}."
            )
    return Finding(What.ACCOUNT, source.record, document.number, (), " ".join(notes)) if notes else None


def misplaced(source: Source, document: BookDocument, known: SalesNumber | None, *, keyed: bool) -> Finding | None:
    """What is wrong with a sales document whose amounts are right: the customer card, or the number it carries."""
    if known is None or source.kind == "payments":
        return None
    if known.customer and source.card and known.customer != source.card:
        note = f"It stands on the card {known.customer}; it belongs on {source.card}."
        owed = -known.total if known.kind == "Credit Memo" else known.total
        wrong, right = (Cell(Section.CUSTOMERS, card, ANY) for card in (known.customer, source.card))
        differences = (Difference(wrong, ZERO, owed), Difference(right, owed, ZERO))
        return Finding(What.CUSTOMER, source.record, document.number, differences, note)
    if not keyed:
        note = f"Its external document number is '{known.external}' now."
        return Finding(What.NUMBER, source.record, document.number, (), note)
    return None
