"""How ServiceTitan writes money, times and dates (facts section 1.5 and trap 1).

Not modelled: the tenant's local time zone; every time here is UTC, every date a date.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CENT = Decimal("0.01")


def real_time() -> datetime:
    """The present, aware and in UTC."""
    return datetime.now(UTC)


def money_text(amount: Decimal | int) -> str:
    """Decimal text with at least two places: 12 becomes "12.00", 0.125 stays "0.125"."""
    exact = Decimal(amount)
    places = exact.as_tuple().exponent
    return f"{exact.quantize(_CENT):f}" if isinstance(places, int) and places > -2 else f"{exact:f}"


def timestamp(moment: datetime) -> str:
    """UTC with Z and 0 to 7 digits of a second, as .NET writes it: whole seconds have none, others seven."""
    utc = moment.astimezone(UTC)
    # The seventh digit is below what a Python clock knows; a client that cannot read it should notice here.
    fraction = f".{utc.microsecond:06d}{utc.microsecond % 10}" if utc.microsecond else ""
    return f"{utc:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def midnight(day: date) -> str:
    """A calendar date as invoices carry it: midnight with a Z that means nothing (trap 22)."""
    return f"{day:%Y-%m-%d}T00:00:00Z"


def moment(text: str) -> datetime:
    """An instant from text; a bare date is its midnight, no offset means UTC. Raises ValueError."""
    parsed = datetime.fromisoformat(text)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def micros(instant: datetime) -> int:
    """Microseconds since 1970, for ordering."""
    return (instant - _EPOCH) // timedelta(microseconds=1)
