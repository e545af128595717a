"""The words of a tie-out: periods, sections, the places where amounts stand, and why something is not in the books."""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from stsync.core.money import ZERO

# An account or row that cannot be known beforehand: whatever Business Central chose counts as the right one.
ANY = ""


@dataclass(frozen=True)
class Period:
    """The days from `first` to `last`, both included."""

    first: date
    last: date

    def __contains__(self, day: date | None) -> bool:
        return day is not None and self.first <= day <= self.last

    def __str__(self) -> str:
        return f"{self.first} to {self.last}"


def month(text: str) -> Period:
    """The calendar month written as 2026-06. Raises ValueError for anything else."""
    if not re.fullmatch(r"\d{4}-\d{2}", text):
        raise ValueError(f"{text!r} is not a month such as 2026-06")
    year, number = int(text[:4]), int(text[5:])
    first = date(year, number, 1)
    return Period(first, first.replace(day=calendar.monthrange(year, number)[1]))


class Section(StrEnum):
    """The comparisons of a tie-out. Lines and payments are shown again, added up in other ways; DIMENSIONS are those
    beside the business unit's, as far as the configuration fills any.
    """

    REVENUE = "revenue"
    ACCOUNTS = "gl_accounts"
    DIMENSIONS = "dimensions"
    SALES_TAX = "sales_tax"
    RECEIVABLES = "receivables"
    CUSTOMERS = "receivables_by_customer"
    PAYMENTS = "payments"
    PAYMENT_TYPES = "payment_types"


class Cell(NamedTuple):
    """One place where money stands: a row of a section, on one G/L account.

    `row` is the dimension value for revenue, dimension and value for dimensions, the account for tax and payments, and
    nothing for receivables.
    """

    section: Section
    row: str
    account: str


class RowKey(NamedTuple):
    """A row of the tie-out."""

    section: Section
    row: str


def rows_of(cell: Cell, payment_type: str = "") -> tuple[RowKey, ...]:
    """The rows that an amount counts in; `payment_type` is what ServiceTitan calls the payment's type."""
    own = RowKey(cell.section, cell.row)
    if cell.section == Section.REVENUE:
        return own, RowKey(Section.ACCOUNTS, cell.account)
    if cell.section == Section.PAYMENTS:
        return own, RowKey(Section.PAYMENT_TYPES, payment_type)
    return (own,)


class Why(StrEnum):
    """Why a ServiceTitan document counts otherwise in the books; the value is the stable name in JSON."""

    NOT_POSTED_IN_SERVICETITAN = "not_posted_in_servicetitan"
    EXPORTED_ELSEWHERE = "exported_elsewhere"
    BEFORE_GO_LIVE = "before_go_live"
    NOTHING_TO_POST = "nothing_to_post"
    HELD = "held"
    WAITING = "waiting"
    REFUSED = "refused"
    NOT_CARRIED_YET = "not_carried_yet"
    DRAFT = "draft"
    BY_HAND = "by_hand"
    CHANGED_AFTER_POSTING = "changed_after_posting"
    RE_DATED = "re_dated"
    ANOTHER_PERIOD = "another_period"
    SET_RIGHT = "set_right"
    BEFORE_STSYNC = "balance_before_go_live"


# What a bookkeeper reads.
WORDS = {
    Why.NOT_POSTED_IN_SERVICETITAN: "not posted in ServiceTitan yet",
    Why.EXPORTED_ELSEWHERE: "exported from ServiceTitan by other means",
    Why.BEFORE_GO_LIVE: "dated before go-live",
    Why.NOTHING_TO_POST: "nothing to post",
    Why.HELD: "held: a person has to decide",
    Why.WAITING: "waiting for something else",
    Why.REFUSED: "refused by Business Central",
    Why.NOT_CARRIED_YET: "read, but not carried over yet",
    Why.DRAFT: "draft in Business Central, not posted",
    Why.BY_HAND: "dealt with by hand",
    Why.CHANGED_AFTER_POSTING: "changed in ServiceTitan after posting",
    Why.RE_DATED: "posted on the first open day",
    Why.ANOTHER_PERIOD: "dated in another period in one of the two",
    Why.SET_RIGHT: "wrong in the books, and set right there by hand",
    Why.BEFORE_STSYNC: "balance from before go-live",
}


NOUNS = {"invoices": "invoice", "credit_memos": "credit memo", "payments": "payment", "customers": "customer"}


def noun_of(kind: str) -> str:
    """What a person calls one of an inbox kind."""
    return NOUNS.get(kind, "record")


@dataclass(frozen=True)
class Record:
    """A ServiceTitan document as people know it; `kind` is the inbox kind."""

    kind: str
    source_id: str
    number: str
    name: str
    on: date | None
    total: Decimal

    @property
    def noun(self) -> str:
        """One of its kind, in words."""
        return noun_of(self.kind)


def added(amounts: dict[Cell, Decimal], cell: Cell, amount: Decimal) -> None:
    """Add an amount to a cell in place."""
    amounts[cell] = amounts.get(cell, ZERO) + amount


def together(amounts: Mapping[Cell, Decimal], more: Mapping[Cell, Decimal]) -> dict[Cell, Decimal]:
    """Both added up, without cells that come to nothing."""
    found = dict(amounts)
    for cell, amount in more.items():
        added(found, cell, amount)
    return {cell: amount for cell, amount in found.items() if amount != 0}


def less(amounts: Mapping[Cell, Decimal], those: Mapping[Cell, Decimal]) -> dict[Cell, Decimal]:
    """The first without the second; all of the first, cells over 0.00 too, when there is no second."""
    return together(amounts, {cell: -amount for cell, amount in those.items()}) if those else dict(amounts)


def more_cell(code: str, value: str, account: str) -> Cell:
    """The place of a line by its value of another dimension than the business unit's."""
    return Cell(Section.DIMENSIONS, f"{code} {value or '(none)'}", account)
