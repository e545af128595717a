"""Rounding and date arithmetic of the books. Amounts are `Decimal` in the document's currency.

Not modelled: currencies with other precisions than 0.01, rounding setups of a company.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

ZERO = Decimal(0)
CENT = Decimal("0.01")
FIVE_PLACES = Decimal("0.00001")

_TERM = re.compile(r"([+-]?)(?:(C)([DWMQY])|(\d+)([DWMQY])|D(\d+))")


def to_cents(amount: Decimal) -> Decimal:
    """Round half away from zero to the amount precision of the local currency."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def to_five_places(value: Decimal) -> Decimal:
    """Round to the precision of unit prices and quantities, without idle zeros."""
    rounded = value.quantize(FIVE_PLACES, ROUND_HALF_UP).normalize()
    return rounded.quantize(Decimal(1)) if rounded == rounded.to_integral() else rounded


def percent_of(amount: Decimal, percent: Decimal) -> Decimal:
    """A percentage of an amount, rounded to cents."""
    return to_cents(amount * percent / 100)


def is_date_formula(text: str) -> bool:
    """Whether a text is a date formula such as `30D`, `CM+10D` or `1M`."""
    return re.fullmatch(rf"(?:{_TERM.pattern})*", text) is not None


def apply_date_formula(formula: str, start: date) -> date:
    """Calculate a due date the way payment terms do; an empty formula gives the start itself."""
    day = start
    for match in _TERM.finditer(formula):
        day = _apply_term(match, day)
    return day


def _apply_term(match: re.Match[str], day: date) -> date:
    sign = -1 if match[1] == "-" else 1
    if match[2]:
        return _end_of_period(match[3], day)
    if match[6]:
        return _next_day_of_month(int(match[6]), day)
    return _shift(day, sign * int(match[4]), match[5])


def _shift(day: date, count: int, unit: str) -> date:
    if unit in "DW":
        return day + timedelta(days=count * (7 if unit == "W" else 1))
    months = count * {"M": 1, "Q": 3, "Y": 12}[unit]
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _end_of_period(unit: str, day: date) -> date:
    if unit == "D":
        return day
    if unit == "W":
        return day + timedelta(days=6 - day.weekday())
    month = {"M": day.month, "Q": (day.month + 2) // 3 * 3, "Y": 12}[unit]
    return date(day.year, month, monthrange(day.year, month)[1])


def _next_day_of_month(wanted: int, day: date) -> date:
    target = day if wanted > day.day else _shift(day.replace(day=1), 1, "M")
    return target.replace(day=min(wanted, monthrange(target.year, target.month)[1]))
