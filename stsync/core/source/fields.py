"""Reading single fields out of a vendor's JSON; a shape we do not know is named, not guessed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from stsync.core import money
from stsync.core.text import one_line, plain

Row = Mapping[str, Any]
_DIGITS = re.compile(r"[0-9]{1,19}")


class UnknownShape(ValueError):
    """A record does not look as ServiceTitan documents it; the message names the field."""


@dataclass(frozen=True)
class Named:
    """Something ServiceTitan refers to by id and name."""

    id: str
    name: str


def whole(row: Row, field: str) -> int:
    """A required whole number; ids can exceed 2^53 (ServiceTitan facts, trap 27)."""
    value = row.get(field)
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)  # as typeId is text on payments and a number elsewhere (same trap)
    if isinstance(value, bool) or not isinstance(value, int):
        raise UnknownShape(f"'{field}' is {_shown(value)}, not a whole number")
    return value


def record_id(row: Row, field: str = "id") -> str:
    """A record's own id as text, the only stable key (facts section 3.1)."""
    value = whole(row, field)
    if value <= 0:
        raise UnknownShape(f"'{field}' is {value}, not an id")
    return str(value)


def reference(row: Row, field: str) -> str | None:
    """The id of another record, or None; 0 stands for none on some fields (facts section 3.2)."""
    if row.get(field) is None:
        return None
    value = whole(row, field)
    return str(value) if value > 0 else None


def text(row: Row, field: str) -> str:
    """Readable text, empty when absent; ServiceTitan sends numbers as text and text as numbers in places (trap 27)."""
    value = row.get(field)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise UnknownShape(f"'{field}' is {_shown(value)}, not text")
    return plain(str(value))


def name(row: Row, field: str) -> str:
    """A name that is no HTML, such as an item's in Business Central; empty when absent."""
    value = row.get(field)
    return one_line(value) if isinstance(value, str) else text(row, field)


def flag(row: Row, field: str, *, absent: bool) -> bool:
    """A yes or no."""
    value = row.get(field)
    if value is None:
        return absent
    if not isinstance(value, bool):
        raise UnknownShape(f"'{field}' is {_shown(value)}, not yes or no")
    return value


def amount(row: Row, field: str) -> Decimal:
    """A required amount, in the document's currency."""
    try:
        return money.amount(row.get(field))
    except money.NotAnAmount:
        raise UnknownShape(f"'{field}' is {_shown(row.get(field))}, not an amount") from None


def optional_amount(row: Row, field: str) -> Decimal | None:
    """An amount, or None when it is not given."""
    return None if row.get(field) is None else amount(row, field)


def day(row: Row, field: str) -> date | None:
    """A calendar date. Midnight with a Z is how dates arrive; shifting zones would move it to another period (trap 22)."""
    value = row.get(field)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise UnknownShape(f"'{field}' is {_shown(value)}, not a date")
    try:
        parsed = date.fromisoformat(value[:10])
    except ValueError:
        raise UnknownShape(f"'{field}' is {_shown(value)}, not a date") from None
    return parsed if parsed.year > 1 else None


def second(row: Row, field: str) -> str:
    """A moment in UTC to the second, as text that compares; empty when there is none (fractions vary, facts section 1.5)."""
    value = row.get(field)
    return value[:19] if isinstance(value, str) else ""


def named(row: Row, field: str) -> Named | None:
    """A link to something with an id and a name; every such link can be null (facts section 1.5, nulls)."""
    value = part(row, field)
    if value is None:
        return None
    identity = reference(value, "id")
    return Named(identity, text(value, "name")) if identity else None


def part(row: Row, field: str) -> Row | None:
    """A nested object, or None."""
    value = row.get(field)
    if value is None:
        return None
    if not isinstance(value, dict):
        raise UnknownShape(f"'{field}' is {_shown(value)}, not an object")
    return value


def parts(row: Row, field: str) -> list[Row]:
    """A list of nested objects, empty when null."""
    value = row.get(field)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise UnknownShape(f"'{field}' is {_shown(value)}, not a list of objects")
    return value


@dataclass(frozen=True)
class Address:
    """A postal address as ServiceTitan keeps it."""

    street: str = ""
    unit: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""


def address(row: Row, field: str) -> Address:
    """An address, all blank when absent. The country stays out: Business Central wants a code of its own (facts 2.2)."""
    value = part(row, field)
    if value is None:
        return Address()
    return Address(
        street=text(value, "street"),
        unit=text(value, "unit"),
        city=text(value, "city"),
        state=text(value, "state"),
        postal_code=text(value, "zip"),
    )


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."
