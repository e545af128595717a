"""How ServiceTitan writes money, quantities, days and instants, and the cent rounding of the demo company.

ServiceTitan facts, section 1.5: money on invoices, payments and bills is decimal text; a calendar day travels as
midnight with a `Z`; instants carry zero to seven fraction digits.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

Row = dict[str, Any]
Ref = tuple[str, int]

CENT = Decimal("0.01")
ZERO = Decimal("0.00")


def words(text: str, separator: str | None = None) -> list[str]:
    """A written-out list: by spaces, or by a separator where the entries have spaces in them."""
    return text.split(separator)


def cents(value: Decimal) -> Decimal:
    """The amount in whole cents, halves away from zero, as a person at a till rounds."""
    return value.quantize(CENT, rounding=ROUND_HALF_UP)


def money(value: Decimal) -> str:
    """Decimal text of an amount that is already in whole cents. Raises ValueError for anything finer."""
    if value != value.quantize(CENT):
        raise ValueError(f"{value} is finer than a cent")
    return f"{value:.2f}"


def number_text(value: Decimal) -> str:
    """Decimal text of a quantity or unit price, with as many digits as it has and never an exponent."""
    return f"{value:f}"


def day(on: date) -> str:
    """A calendar day as ServiceTitan sends it."""
    return f"{on.isoformat()}T00:00:00Z"


def instant(at: datetime, ticks: int = 0) -> str:
    """An aware UTC instant with up to seven fraction digits; `ticks` are tenths of a microsecond, 0 to 9,999,999."""
    fraction = f"{ticks:07d}".rstrip("0")
    seconds = at.strftime("%Y-%m-%dT%H:%M:%S")
    return f"{seconds}.{fraction}Z" if fraction else f"{seconds}Z"


def of(kind: str, *rows: Row) -> list[Ref]:
    """References to rows of one kind, as a scenario reports them."""
    return [(kind, row["id"]) for row in rows]
