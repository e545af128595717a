"""The sheets of named records: who stands behind each explanation, and what was found wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from stsync.books import words
from stsync.books.result import Finding, TieOut, Uncounted
from stsync.books.values import WORDS, RowKey, Section
from stsync.books.workbook.paper import BODY, Column, Paper, Sheet, cell, span

RECORDS, FINDINGS = "Records", "Findings"
ONLY_THERE = "only in Business Central"
_LETTERS = {
    Section.REVENUE: "U",
    Section.ACCOUNTS: "G",
    Section.DIMENSIONS: "D",
    Section.SALES_TAX: "T",
    Section.RECEIVABLES: "R",
    Section.CUSTOMERS: "C",
    Section.PAYMENTS: "P",
    Section.PAYMENT_TYPES: "Y",
}
_COLUMNS = (
    Column("Row", 6), Column("Section", 24, "wrapped"), Column("Cause", 26, "wrapped"), Column("Kind", 12),
    Column("Number", 15), Column("Customer", 24, "wrapped"), Column("Date", 11), Column("Amount in this row", 14, "money"),
    Column("Document total", 14, "money"), Column("Why", 42, "wrapped"), Column("What to do", 42, "wrapped"),
)  # fmt: skip
_ROW, _SECTION, _CAUSE, _AMOUNT = 0, 1, 2, 7


@dataclass(frozen=True)
class _Line:
    ref: str
    section: Section
    cause: str
    kind: str
    number: str
    customer: str
    on: date | None
    amount: Decimal
    total: Decimal | None
    why: str
    to_do: str


def references(tie_out: TieOut) -> dict[RowKey, str]:
    """A short name for each row, by which its records are found: U1, U2, ... for business units, and so on."""
    found: dict[RowKey, str] = {}
    for section, letter in _LETTERS.items():
        found |= {row.key: f"{letter}{position}" for position, row in enumerate(tie_out.of(section), start=1)}
    return found


class Records:
    """The sheet of records, and the formulas that add them up elsewhere."""

    def __init__(self, tie_out: TieOut) -> None:
        self._refs = references(tie_out)
        self._lines = list(self._all(tie_out))
        self._last = BODY + max(len(self._lines), 1) - 1
        self.named = {line.ref for line in self._lines}

    def write(self, paper: Paper) -> None:
        """Write the sheet; the formulas of other sheets point at it by name."""
        sheet = paper.sheet(RECORDS, "Records behind the differences", _COLUMNS)
        for position, line in enumerate(self._lines, start=BODY):
            texts = (line.ref, words.TITLES[line.section], line.cause, line.kind, line.number, line.customer)
            for column, text in enumerate(texts):
                sheet.text(position, column, text, _COLUMNS[column].style)
            sheet.day(position, 6, line.on)
            sheet.money(position, _AMOUNT, line.amount)
            if line.total is not None:
                sheet.money(position, 8, line.total)
            sheet.text(position, 9, line.why, "wrapped")
            sheet.text(position, 10, line.to_do, "wrapped")
        sheet.page.autofilter(BODY - 1, 0, self._last, len(_COLUMNS) - 1)

    def of_row(self, ref_cell: str, *, only_there: bool) -> str:
        """The sum of a row's records: what others made, or everything else."""
        compared = "" if only_there else "<>"
        return (
            f'=ROUND(SUMIFS({self._amounts},{self._column(_ROW)},{ref_cell},{self._causes},"{compared}{ONLY_THERE}"),2)'
        )

    def of_cause(self, section: Section, cause_cell: str) -> str:
        """The sum of a section's records of one cause."""
        wanted = f'{self._column(_SECTION)},"{words.TITLES[section]}",{self._causes},{cause_cell}'
        return f"=ROUND(SUMIFS({self._amounts},{wanted}),2)"

    @property
    def _amounts(self) -> str:
        return self._column(_AMOUNT)

    @property
    def _causes(self) -> str:
        return self._column(_CAUSE)

    def _column(self, column: int) -> str:
        return span(BODY, self._last, column, sheet=RECORDS)

    def _all(self, tie_out: TieOut) -> Iterator[_Line]:
        for row in tie_out.rows:
            ref, section = self._refs[row.key], row.key.section
            for one in row.explanations:
                for share in one.shares:
                    record = share.record
                    yield _Line(
                        ref, section, WORDS[one.why], record.noun, record.number, record.name, record.on,
                        share.amount, record.total, share.note, share.hint,
                    )  # fmt: skip
            for each in row.only_in_books:
                yield _Line(
                    ref, section, ONLY_THERE, each.document_type or "journal entry", each.number, each.customer, each.on,
                    each.amount, None, each.description, "",
                )  # fmt: skip


_FINDING_COLUMNS = (
    Column("What", 34, "wrapped"), Column("Kind", 12), Column("Number", 15), Column("Customer", 24, "wrapped"),
    Column("Date", 11), Column("In Business Central", 18), Column("Where", 30, "wrapped"),
    Column("ServiceTitan", 14, "money"), Column("Business Central", 14, "money"), Column("Difference", 14, "money"),
    Column("What to do", 46, "wrapped"),
)  # fmt: skip


def findings(paper: Paper, tie_out: TieOut) -> None:
    """The sheet of what stands in the books otherwise than it should."""
    sheet = paper.sheet(FINDINGS, "Documents that do not agree", _FINDING_COLUMNS)
    at = BODY
    for one in tie_out.findings:
        for position in range(max(len(one.differences), 1)):
            _finding(sheet, at, one)
            if one.differences:
                each = one.differences[position]
                sheet.text(at, 6, words.place(each, tie_out), "wrapped")
                sheet.money(at, 7, each.expected)
                sheet.money(at, 8, each.found)
                sheet.formula(at, 9, f"=ROUND({cell(at, 8)}-{cell(at, 7)},2)", each.amount)
            at += 1
    for uncounted, what in (*_each(tie_out.unreadable, "cannot be read"), *_each(tie_out.undated, "in no period")):
        for column, text in enumerate((what, uncounted.noun, uncounted.number)):
            sheet.text(at, column, text)
        sheet.text(at, 10, uncounted.why, "wrapped")
        at += 1
    if at == BODY:
        sheet.text(at, 0, "None.")


def _finding(sheet: Sheet, at: int, one: Finding) -> None:
    record = one.record
    sheet.text(at, 0, " ".join((words.WHAT[one.what], one.note)).strip(), "wrapped")
    if record is not None:
        for column, text in enumerate((record.noun, record.number, record.name), start=1):
            sheet.text(at, column, text, _FINDING_COLUMNS[column].style)
        sheet.day(at, 4, record.on)
    sheet.text(at, 5, one.document)
    sheet.text(at, 10, words.to_do(one), "wrapped")


def _each(found: tuple[Uncounted, ...], what: str) -> list[tuple[Uncounted, str]]:
    return [(one, what) for one in found]
