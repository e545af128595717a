"""Comparing one document's entries with what they must be, and naming what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from stsync.books.result import Difference, Finding, What
from stsync.books.values import ANY, Cell, Record, Section, added
from stsync.core.money import ZERO

Amounts = Mapping[Cell, Decimal]


def settled_cells(booked: Amounts, expected: Amounts) -> tuple[Amounts, Amounts]:
    """Both sides with accounts left out where only Business Central knows them: item lines, and bank journals."""
    if any(cell.section == Section.REVENUE and cell.account == ANY for cell in expected):
        booked, expected = (_folded(one, _without_revenue_account) for one in (booked, expected))
    rows = [cell for cell in expected if cell.section == Section.PAYMENTS and cell.account == ANY]
    if rows:
        booked = _folded(booked, lambda cell: rows[0] if cell.section == Section.PAYMENTS else cell)
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
    if dict(booked) == {cell: 2 * amount for cell, amount in owed.items()}:
        return What.TWICE
    if _same(booked, owed, _without_account):
        return What.ACCOUNT
    if _same(booked, owed, lambda cell: Cell(cell.section, ANY, cell.account)):
        return What.DIMENSION
    return What.AMOUNT


def _same(booked: Amounts, expected: Amounts, place: Callable[[Cell], Cell]) -> bool:
    """Whether both agree once a part of the cells is left out."""
    return _nonzero(_folded(booked, place)) == _nonzero(_folded(expected, place))


def _nonzero(amounts: Amounts) -> dict[Cell, Decimal]:
    return {cell: amount for cell, amount in amounts.items() if amount != 0}


def _folded(amounts: Amounts, place: Callable[[Cell], Cell]) -> dict[Cell, Decimal]:
    found: dict[Cell, Decimal] = {}
    for cell, amount in amounts.items():
        added(found, place(cell), amount)
    return found


def _without_account(cell: Cell) -> Cell:
    """Tax and payment rows are accounts themselves."""
    return Cell(cell.section, cell.row if cell.section == Section.REVENUE else ANY, ANY)


def _without_revenue_account(cell: Cell) -> Cell:
    return Cell(cell.section, cell.row, ANY) if cell.section == Section.REVENUE else cell
