"""One sheet for each comparison: a row for each business unit, account, zone, customer or type, with live sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from stsync.books import words
from stsync.books.result import Row, TieOut
from stsync.books.sheet import COUNTED
from stsync.books.values import Section
from stsync.books.workbook.paper import BODY, Column, Paper, Sheet, cell, span
from stsync.books.workbook.records import Records, references
from stsync.core.money import ZERO

NAMES = {
    Section.REVENUE: "Business units",
    Section.ACCOUNTS: "GL accounts",
    Section.DIMENSIONS: "Dimensions",
    Section.SALES_TAX: "Sales tax",
    Section.RECEIVABLES: "Receivables",
    Section.CUSTOMERS: "Customers",
    Section.PAYMENTS: "Payments",
    Section.PAYMENT_TYPES: "Payment types",
}
_CODE = 2
_TITAN_COUNT, _TITAN, _NOT, _EXPECTED, _BOOKS_COUNT, _BOOKS, _ONLY, _REST = range(3, 11)


@dataclass(frozen=True)
class Totals:
    """Where a section's totals stand, for formulas of other sheets; the rows' rests as a range."""

    servicetitan: str
    books: str
    rests: str


def section(paper: Paper, tie_out: TieOut, section: Section, records: Records, remarks: Sequence[str] = ()) -> Totals:
    """Write the section's sheet."""
    name, code = words.heads(tie_out, section)
    sheet = paper.sheet(NAMES[section], words.TITLES[section], _columns(name or "What", code or "Code"))
    if remarks:
        sheet.paragraph(2, 0, _REST, " ".join(remarks), "remark")
    refs = references(tie_out)
    rows = tie_out.of(section)
    if section == Section.DIMENSIONS and not rows:
        sheet.page.hide()
    for at, row in enumerate(rows, start=BODY):
        _row(sheet, at, row, refs[row.key], records)
    last = BODY + len(rows) - 1
    _total(sheet, BODY, last, rows, words.total_of(section))
    counted = section in COUNTED
    sheet.red_unless_zero(BODY, last + 1, _REST)
    hidden = [] if counted else [_TITAN_COUNT, _BOOKS_COUNT]
    for column in [*hidden, *([] if code else [_CODE])]:
        sheet.page.set_column(column, column, None, None, {"hidden": True})
    return _totals(NAMES[section], last)


def _columns(name: str, code: str) -> tuple[Column, ...]:
    return (
        Column("Row", 7), Column(name, 40), Column(code, 26),
        Column("Documents", 11, "money"), Column("ServiceTitan", 16, "money"), Column("Not in the books", 16, "money"),
        Column("Expected", 16, "money"), Column("Documents", 11, "money"), Column("In the books", 16, "money"),
        Column("Only there", 16, "money"), Column("Unexplained", 14, "money"),
    )  # fmt: skip


def _row(sheet: Sheet, at: int, row: Row, ref: str, records: Records) -> None:
    sheet.text(at, 0, ref)
    sheet.text(at, 1, words.name(row), "wrapped")
    sheet.text(at, 2, words.code(row), "wrapped")
    sheet.count(at, _TITAN_COUNT, row.servicetitan_documents)
    sheet.money(at, _TITAN, row.servicetitan)
    sheet.count(at, _BOOKS_COUNT, row.books_documents)
    sheet.money(at, _BOOKS, row.books)
    if ref in records.named:
        sheet.formula(at, _NOT, records.of_row(cell(at, 0), only_there=False), row.explained)
        sheet.formula(at, _ONLY, records.of_row(cell(at, 0), only_there=True), row.only_in_books_amount)
    else:
        # Most customers have no record to add up; thousands of sums over nothing would only slow the file down.
        sheet.money(at, _NOT, ZERO)
        sheet.money(at, _ONLY, ZERO)
    _differences(sheet, at, row.expected, row.unexplained, "money")


def _differences(sheet: Sheet, at: int, expected: Decimal, rest: Decimal, style: str) -> None:
    sheet.formula(at, _EXPECTED, f"=ROUND({cell(at, _TITAN)}-{cell(at, _NOT)},2)", expected, style)
    books = f"{cell(at, _BOOKS)}-{cell(at, _ONLY)}-{cell(at, _EXPECTED)}"
    sheet.formula(at, _REST, f"=ROUND({books},2)", rest, style)


def _total(sheet: Sheet, first: int, last: int, rows: Sequence[Row], name: str) -> None:
    at = last + 1
    for column, text in enumerate(("", name, "")):
        sheet.text(at, column, text, "total")
    sums = {
        _TITAN: sum((row.servicetitan for row in rows), ZERO),
        _NOT: sum((row.explained for row in rows), ZERO),
        _BOOKS: sum((row.books for row in rows), ZERO),
        _ONLY: sum((row.only_in_books_amount for row in rows), ZERO),
    }
    for column, amount in sums.items():
        sheet.formula(at, column, _sum(first, last, column), amount, "total_money")
    counts = {
        _TITAN_COUNT: sum(row.servicetitan_documents for row in rows),
        _BOOKS_COUNT: sum(row.books_documents for row in rows),
    }
    for column, count in counts.items():
        sheet.formula(at, column, _sum(first, last, column), count, "total_count")
    rest = sum((row.unexplained for row in rows), ZERO)
    _differences(sheet, at, sum((row.expected for row in rows), ZERO), rest, "total_money")


def _sum(first: int, last: int, column: int) -> str:
    return f"=ROUND(SUM({cell(first, column)}:{cell(last, column)}),2)" if last >= first else "=0"


def _totals(name: str, last: int) -> Totals:
    where = f"'{name}'!"
    rests = span(BODY, max(last, BODY), _REST, sheet=name)
    return Totals(f"{where}{cell(last + 1, _TITAN)}", f"{where}{cell(last + 1, _BOOKS)}", rests)
