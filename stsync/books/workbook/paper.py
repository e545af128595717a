"""The paper that a workbook is written on: formats, headings, print set-up, and cells that are never formulas by accident.

Amounts leave exact arithmetic here and only here: a spreadsheet knows nothing but binary fractions. Every formula over
them is therefore rounded to the cent.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import ceil
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.utility import xl_col_to_name

# A cell takes no more (Microsoft's limit for one cell).
_LONGEST = 32_767
# Control, surrogate and private characters, line separators, and direction marks; emoji need the joiner among the last.
_UNSEEN = frozenset({"Cc", "Cs", "Co", "Cf", "Zl", "Zp"})
_JOINER = "\u200d"
MONEY = "#,##0.00;[Red]-#,##0.00"
_INK, _PALE, _LINE = "#1F3864", "#EEF2F8", "#A6A6A6"
# The first two rows of every sheet say what it is; the headings stand in the fourth.
HEADINGS = 3
BODY = HEADINGS + 1

_STYLES: dict[str, dict[str, Any]] = {
    "title": {"bold": True, "font_size": 14, "font_color": _INK},
    "quiet": {"font_color": "#595959"},
    "remark": {"font_color": "#595959", "text_wrap": True, "valign": "top"},
    "bold": {"bold": True, "valign": "top"},
    "head": {
        "bold": True,
        "font_color": "#FFFFFF",
        "bg_color": _INK,
        "text_wrap": True,
        "valign": "vcenter",
        "border": 1,
        "border_color": _LINE,
    },
    "head_right": {
        "bold": True,
        "font_color": "#FFFFFF",
        "bg_color": _INK,
        "text_wrap": True,
        "align": "right",
        "valign": "vcenter",
        "border": 1,
        "border_color": _LINE,
    },
    "text": {"valign": "top"},
    "signed": {"bottom": 1},
    "wrapped": {"valign": "top", "text_wrap": True, "indent": 1},
    "count": {"num_format": "#,##0", "valign": "top"},
    "day": {"num_format": "yyyy-mm-dd", "align": "left", "valign": "top"},
    "money": {"num_format": MONEY, "valign": "top"},
    "total": {"bold": True, "top": 1, "bottom": 6, "bg_color": _PALE},
    "total_money": {"bold": True, "num_format": MONEY, "top": 1, "bottom": 6, "bg_color": _PALE},
    "total_count": {"bold": True, "num_format": "#,##0", "top": 1, "bottom": 6, "bg_color": _PALE},
    "subtotal": {"bold": True, "top": 1},
    "subtotal_money": {"bold": True, "num_format": MONEY, "top": 1},
    "verdict": {"bold": True, "font_size": 12},
    "wrong": {"bg_color": "#FFC7CE", "font_color": "#9C0006", "bold": True},
    "right": {"bg_color": "#E2EFDA", "font_color": "#375623", "bold": True},
}


@dataclass(frozen=True)
class Column:
    """A column: its heading, its width in characters, and the style of its cells."""

    name: str
    width: float
    style: str = "text"


class Paper:
    """One workbook with its styles; `under` is the line below every title."""

    def __init__(self, workbook: Workbook, under: str) -> None:
        self._workbook = workbook
        self._under = readable(under)
        self.styles = {name: workbook.add_format(style) for name, style in _STYLES.items()}

    def sheet(self, name: str, title: str, columns: Sequence[Column]) -> Sheet:
        """A sheet with its title, its headings frozen and repeated on every printed page."""
        page = self._workbook.add_worksheet(name)
        sheet = Sheet(page, self.styles, [column.width for column in columns])
        page.hide_gridlines(2)
        page.set_landscape()
        page.set_paper(1)  # US Letter
        page.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.7)
        page.fit_to_pages(1, 0)
        page.set_footer("&L&8&F&C&8&A&R&8Page &P of &N")
        for position, column in enumerate(columns):
            page.set_column(position, position, column.width)
        sheet.text(0, 0, title, "title")
        sheet.text(1, 0, self._under, "quiet")
        if any(column.name for column in columns):
            for position, column in enumerate(columns):
                sheet.text(HEADINGS, position, column.name, "head_right" if column.style == "money" else "head")
            page.set_row(HEADINGS, 32)
            page.freeze_panes(BODY, 0)
            page.repeat_rows(HEADINGS)
        return sheet


class Sheet:
    """Cells by row and column from 0."""

    def __init__(self, page: Any, styles: dict[str, Any], widths: Sequence[float]) -> None:
        self.page = page
        self._styles = styles
        self._widths = list(widths)
        self._lines: dict[int, int] = {}

    def text(self, row: int, column: int, text: str, style: str = "text") -> None:
        """Text, whatever it looks like: a customer may be called =1+1."""
        shown = readable(text)[:_LONGEST]
        self.page.write_string(row, column, shown, self._styles[style])
        if style == "wrapped":
            self._make_room(row, len(shown), self._widths[column])

    def paragraph(self, row: int, first: int, last: int, text: str, style: str = "wrapped") -> None:
        """Text over several columns, as high as it has to be."""
        shown = readable(text)[:_LONGEST]
        self.page.merge_range(row, first, row, last, "", self._styles[style])
        self.page.write_string(row, first, shown, self._styles[style])
        self._make_room(row, len(shown), sum(self._widths[first : last + 1]))

    def _make_room(self, row: int, length: int, width: float) -> None:
        """Not every program makes rows higher by itself."""
        lines = min(ceil(length / (width * 0.95)), 12)
        if lines > self._lines.get(row, 1):
            self._lines[row] = lines
            self.page.set_row(row, 15 * lines)

    def _make_wide(self, column: int, amount: Decimal) -> None:
        """A figure that does not fit into its column is shown as ###, and printed so."""
        wanted = len(f"{amount:,.2f}") * 1.1 + 1
        if wanted > self._widths[column]:
            self._widths[column] = wanted
            self.page.set_column(column, column, wanted)

    def money(self, row: int, column: int, amount: Decimal, style: str = "money") -> None:
        """An amount."""
        self._make_wide(column, amount)
        self.page.write_number(row, column, float(amount), self._styles[style])

    def count(self, row: int, column: int, count: int, style: str = "count") -> None:
        """A number of documents."""
        self.page.write_number(row, column, count, self._styles[style])

    def day(self, row: int, column: int, day: date | None) -> None:
        """A date, or an empty cell."""
        if day is None:
            self.page.write_blank(row, column, None, self._styles["day"])
        else:
            self.page.write_datetime(row, column, day, self._styles["day"])

    def formula(self, row: int, column: int, formula: str, value: Decimal | int | str, style: str = "money") -> None:
        """A formula of ours with the value that it has now, for programs that do not recalculate."""
        if isinstance(value, Decimal):
            self._make_wide(column, value)
        cached = value if isinstance(value, str) else float(value)
        self.page.write_formula(row, column, formula, self._styles[style], cached)

    def red_unless_zero(self, first: int, last: int, column: int) -> None:
        """Colour cells that should be 0.00."""
        if last < first:
            return
        for criterion, style in (("not between", "wrong"), ("between", "right")):
            rule = {"type": "cell", "criteria": criterion, "minimum": -0.004, "maximum": 0.004}
            self.page.conditional_format(first, column, last, column, {**rule, "format": self._styles[style]})

    def colour(self, row: int, column: int, text: str, style: str) -> None:
        """Colour a cell while it says exactly this."""
        rule = {"type": "cell", "criteria": "==", "value": f'"{text}"', "format": self._styles[style]}
        self.page.conditional_format(row, column, row, column, rule)


def readable(text: str) -> str:
    """Text without characters that a file cannot hold or that steer what is shown; line breaks become spaces."""
    return "".join(" " if unicodedata.category(one) in _UNSEEN and one != _JOINER else one for one in text)


def cell(row: int, column: int) -> str:
    """The address of a cell, such as D7."""
    return f"{xl_col_to_name(column)}{row + 1}"


def span(first: int, last: int, column: int, *, sheet: str = "") -> str:
    """The address of a part of a column, the same wherever the formula is copied to."""
    name = xl_col_to_name(column)
    where = f"'{sheet}'!" if sheet else ""
    return f"{where}${name}${first + 1}:${name}${last + 1}"
