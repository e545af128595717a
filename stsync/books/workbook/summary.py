"""The first sheet: who, what, as of when, the bridge from ServiceTitan to the books, and the verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from stsync.books import words
from stsync.books.result import TieOut
from stsync.books.values import WORDS, Section, Why
from stsync.books.workbook.paper import Column, Paper, Sheet, cell
from stsync.books.workbook.records import ONLY_THERE, Records
from stsync.books.workbook.sections import Totals
from stsync.core.money import ZERO

SUMMARY = "Summary"
# The other two add the same documents up again.
BRIDGED = tuple(one for one in Section if one not in words.AGAIN)
_FIRST = 1
_HOW = (
    "Every sum is live: a changed amount on any sheet moves the bridge. The letter and number before a row lead to its "
    "documents on the sheet Records."
)
COLUMNS = (Column("", 44), *(Column("", 21) for _ in BRIDGED))
Facts = Sequence[tuple[str, str]]


class Bridge:
    """The bridge while it is written downwards; one column for each section."""

    def __init__(self, sheet: Sheet, tie_out: TieOut, records: Records, totals: Mapping[Section, Totals]) -> None:
        self._sheet = sheet
        self._tie_out = tie_out
        self._records = records
        self._totals = totals
        self.at = 0

    def write(self, at: int) -> int:
        """Write it from this row on; returns the row of `Rows that differ`."""
        self.at = at
        self._heads()
        titan = self._line("ServiceTitan", lambda one: f"={self._totals[one].servicetitan}", self._servicetitan)
        causes = [self._cause(why) for why in self._causes()]
        minus = f"-SUM({{0}}{causes[0] + 1}:{{0}}{causes[-1] + 1})" if causes else ""
        expected = self._sum("= expected in the books", f"=ROUND({{0}}{titan + 1}{minus},2)", self._expected)
        self.at += 1
        books = self._line("Business Central", lambda one: f"={self._totals[one].books}", self._books)
        only = self._only()
        ours = self._sum("= in the books from ServiceTitan", f"=ROUND({{0}}{books + 1}-{{0}}{only + 1},2)", self._ours)
        self.at += 1
        rest = self._sum("Unexplained", f"=ROUND({{0}}{ours + 1}-{{0}}{expected + 1},2)", self._rest)
        last = _FIRST + len(BRIDGED) - 1
        for column in range(_FIRST, last + 1):
            self._sheet.red_unless_zero(rest, rest, column)
        return self._rows_that_differ()

    def _heads(self) -> None:
        self._sheet.text(self.at, 0, "", "head")
        for column, section in enumerate(BRIDGED, start=_FIRST):
            self._sheet.text(self.at, column, words.TITLES[section], "head_right")
        self._sheet.page.set_row(self.at, 34)
        self.at += 1

    def _line(self, text: str, formula: Callable[[Section], str], value: Callable[[Section], Decimal]) -> int:
        self._sheet.text(self.at, 0, text, "bold")
        for column, section in enumerate(BRIDGED, start=_FIRST):
            self._sheet.formula(self.at, column, formula(section), value(section))
        self.at += 1
        return self.at - 1

    def _sum(self, text: str, pattern: str, value: Callable[[Section], Decimal]) -> int:
        self._sheet.text(self.at, 0, text, "subtotal")
        for column, section in enumerate(BRIDGED, start=_FIRST):
            letter = cell(0, column)[:-1]
            self._sheet.formula(self.at, column, pattern.format(letter), value(section), "subtotal_money")
        self.at += 1
        return self.at - 1

    def _causes(self) -> list[Why]:
        present = {one.why for section in BRIDGED for one in self._tie_out.explanations(section)}
        return [why for why in Why if why in present]

    def _cause(self, why: Why) -> int:
        at = self.at
        self._sheet.text(at, 0, WORDS[why])
        for column, section in enumerate(BRIDGED, start=_FIRST):
            amounts = (one.amount for one in self._tie_out.explanations(section) if one.why == why)
            self._sheet.formula(at, column, self._records.of_cause(section, f"$A{at + 1}"), sum(amounts, ZERO))
        self.at += 1
        return at

    def _only(self) -> int:
        at = self.at
        self._sheet.text(at, 0, ONLY_THERE)
        for column, section in enumerate(BRIDGED, start=_FIRST):
            amount = sum((row.only_in_books_amount for row in self._tie_out.of(section)), ZERO)
            self._sheet.formula(at, column, self._records.of_cause(section, f"$A{at + 1}"), amount)
        self.at += 1
        return at

    def _rows_that_differ(self) -> int:
        self._sheet.text(self.at, 0, "Rows with an unexplained rest")
        for column, section in enumerate(BRIDGED, start=_FIRST):
            count = sum(row.unexplained != 0 for row in self._tie_out.of(section))
            formula = f"=SUMPRODUCT(--(ABS({self._totals[section].rests})>=0.005))"
            self._sheet.formula(self.at, column, formula, count, "count")
        return self.at

    def _servicetitan(self, section: Section) -> Decimal:
        return sum((row.servicetitan for row in self._tie_out.of(section)), ZERO)

    def _expected(self, section: Section) -> Decimal:
        return sum((row.expected for row in self._tie_out.of(section)), ZERO)

    def _books(self, section: Section) -> Decimal:
        return sum((row.books for row in self._tie_out.of(section)), ZERO)

    def _ours(self, section: Section) -> Decimal:
        return sum((row.books - row.only_in_books_amount for row in self._tie_out.of(section)), ZERO)

    def _rest(self, section: Section) -> Decimal:
        return self._tie_out.unexplained(section)


def summary(sheet: Sheet, facts: Facts, bridge: Bridge, *, wrong: int, verdict: str) -> None:
    """Write the sheet. `wrong` counts what no row shows: findings, and records that cannot be read."""
    at = 3
    for name, value in facts:
        sheet.text(at, 0, name, "bold")
        sheet.paragraph(at, _FIRST, _FIRST + len(BRIDGED) - 1, value)
        at += 1
    at += 1
    verdict_at, wrong_at = at, at + 1
    sheet.text(wrong_at, 0, "Documents named on the sheet Findings", "bold")
    sheet.count(wrong_at, _FIRST, wrong)
    differ = bridge.write(wrong_at + 2)
    span = f"{cell(differ, _FIRST)}:{cell(differ, _FIRST + len(BRIDGED) - 1)}"
    sheet.text(verdict_at, 0, "Verdict", "verdict")
    proved = f'IF(AND(SUM({span})=0,{cell(wrong_at, _FIRST)}=0),"EXACT","NOT EXACT")'
    formula = '="NOT PROVED"' if verdict == "NOT PROVED" else f"={proved}"
    sheet.formula(verdict_at, _FIRST, formula, verdict, "verdict")
    for text, style in (("EXACT", "right"), ("NOT EXACT", "wrong"), ("NOT PROVED", "wrong")):
        sheet.colour(verdict_at, _FIRST, text, style)
    for position, (left, right) in enumerate((("Prepared by", "Date"), ("Reviewed by", "Date"))):
        line = differ + 3 + 2 * position
        sheet.text(line, 0, left)
        for column in (1, 2):
            sheet.text(line, column, "", "signed")
        sheet.text(line, 3, right)
        sheet.text(line, 4, "", "signed")
    sheet.text(differ + 8, 0, _HOW, "quiet")


def page(paper: Paper, title: str) -> Sheet:
    """The first sheet, before anything is written on it."""
    return paper.sheet(SUMMARY, title, COLUMNS)
