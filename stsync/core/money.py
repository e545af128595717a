"""Amounts are exact decimals in the document's currency; nothing here has ever been a binary fraction."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

CENT = Decimal("0.01")
ZERO = Decimal("0.00")


class NotAnAmount(ValueError):
    """A value that should be an amount is not one."""


def amount(value: object) -> Decimal:
    """A vendor's amount as a Decimal.

    ServiceTitan writes money as decimal text on invoices, items and payments and as numbers
    elsewhere (ServiceTitan facts, trap 1); both are accepted. Missing values are not zero: they raise.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise NotAnAmount(f"{value!r} is not an amount")
    try:
        parsed = Decimal(value)
    except InvalidOperation:
        raise NotAnAmount(f"{value!r} is not an amount") from None
    if not parsed.is_finite() or abs(parsed) >= Decimal(10) ** 15:
        raise NotAnAmount(f"{value!r} is not an amount")
    return parsed


def cents(value: Decimal) -> Decimal:
    """Rounded to the cent, halves away from zero, as Business Central rounds amounts (facts section 1, decimals)."""
    return value.quantize(CENT, rounding=ROUND_HALF_UP)


def fits(value: Decimal, places: int) -> bool:
    """Whether a number has at most so many decimal places."""
    return value == value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
