"""How times, money and reasons are written in the file: as text that a person can read in any SQLite browser."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from stsync.core.canonical import canonical_json, parse_json
from stsync.core.reasons import Reason


def time_text(moment: datetime) -> str:
    """UTC with microseconds, so that the texts sort as the times do. Raises ValueError for a time without a zone."""
    if moment.tzinfo is None:
        raise ValueError("a time without a time zone cannot be stored")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def time_from(text: str) -> datetime:
    """The moment that time_text wrote."""
    return datetime.fromisoformat(text)


def optional_time(text: str | None) -> datetime | None:
    """The moment, or None where none was written."""
    return None if text is None else time_from(text)


def money_text(amount: Decimal | None) -> str | None:
    """The amount digit for digit: sqlite-utils and REAL columns would turn it into a float (ecosystem facts 0.1)."""
    if amount is None:
        return None
    if not isinstance(amount, Decimal) or not amount.is_finite():
        raise TypeError(f"an amount is a finite Decimal, not {amount!r}")
    return str(amount)


def money_from(text: str | None) -> Decimal | None:
    """The amount that money_text wrote."""
    return None if text is None else Decimal(text)


def reason_text(reason: Reason) -> str:
    """A reason as JSON; the views for people take it apart again."""
    return canonical_json(reason_fields(reason))


def reason_fields(reason: Reason) -> dict[str, str]:
    """A reason as plain fields."""
    return {"reference": reason.reference, "message": reason.message, "hint": reason.hint, "note": reason.note}


def reason_from(text: str | None) -> Reason | None:
    """The reason that reason_text wrote."""
    return None if text is None else Reason(**parse_json(text))


def storable(text: str | None) -> str | None:
    """Text that SQLite can hold: half a surrogate pair, which JSON may carry, becomes a question mark."""
    return None if text is None else text.encode("utf-8", "replace").decode()
