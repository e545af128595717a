"""Values between JSON and the books: types, lengths, enum encoding, blanks (BC facts section 1).

Not modelled: durations, binary streams, geography; lengths beyond those of the fields in use.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import cache
from typing import Any

from stsync.sandbox.businesscentral.core.table import ZERO_GUID
from stsync.sandbox.businesscentral.errors import BcError, bad_request, too_long

GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
BLANK_DATE = "0001-01-01"


class Kind(StrEnum):
    """The type of a property, named as Edm names it where it has a name of its own."""

    TEXT = "Edm.String"
    CODE = "Code"
    GUID = "Edm.Guid"
    DECIMAL = "Edm.Decimal"
    INTEGER = "Edm.Int32"
    BOOLEAN = "Edm.Boolean"
    DATE = "Edm.Date"
    DATETIME = "Edm.DateTimeOffset"
    ENUM = "Enum"

    @property
    def edm(self) -> str:
        """The Edm type that messages name."""
        return "Edm.String" if self in {Kind.CODE, Kind.ENUM} else self.value


@cache
def encode_option(name: str) -> str:
    """An option as v2.0 writes it: `In Review` is `In_x0020_Review`, blank is `_x0020_`."""
    return "".join(c if c.isalnum() or c == "_" else f"_x{ord(c):04X}_" for c in name or " ")


@cache
def decode_option(text: str) -> str:
    """The plain name of an option, whether it came encoded or plain."""
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda m: chr(int(m[1], 16)), text) or " "


def option_named(text: str, options: tuple[str, ...]) -> str:
    """The option that a text names. Raises the platform's error, which has the code `Unknown`."""
    name = decode_option(text)
    if name not in options:
        listed = ",".join(options)
        message = f"'{text}' is not an option. The existing options are: {listed}"
        raise BcError(400, "Unknown", message)
    return name


def format_datetime(moment: datetime) -> str:
    """A timestamp in UTC with milliseconds and Z."""
    if moment.year == 1:
        return f"{BLANK_DATE}T00:00:00Z"
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def parse_datetime(text: str) -> datetime:
    """A timestamp of a payload or filter. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _encode_date(value: date | None) -> str:
    return value.isoformat() if value else BLANK_DATE


def _as_is(value: Any) -> Any:
    return value


ENCODERS: dict[Kind, Callable[[Any], Any]] = {
    **dict.fromkeys(Kind, _as_is),
    Kind.DATE: _encode_date,
    Kind.DATETIME: format_datetime,
    Kind.ENUM: encode_option,
}


def _mismatch(value: Any, kind: Kind) -> BcError:
    return bad_request(f"Cannot convert the literal '{value}' to the expected type '{kind.edm}'.")


def decode(
    value: Any, kind: Kind, *, length: int = 0, options: tuple[str, ...] = (), text_numbers: bool = False
) -> Any:
    """A JSON value as the books hold it. Null is the blank of its type.

    `text_numbers` is IEEE754Compatible=true, under which decimals may come quoted (BC facts section 10).
    """
    if value is None:
        return _blank(kind)
    if kind in {Kind.TEXT, Kind.CODE}:
        return _decode_text(value, kind, length)
    if kind is Kind.ENUM:
        if not isinstance(value, str):
            raise _mismatch(value, kind)
        return option_named(value, options)
    if kind is Kind.DECIMAL:
        return _decode_decimal(value, text_numbers=text_numbers)
    return _decode_other(value, kind)


def _blank(kind: Kind) -> Any:
    blanks: dict[Kind, Any] = {
        Kind.GUID: ZERO_GUID,
        Kind.DECIMAL: Decimal(0),
        Kind.INTEGER: 0,
        Kind.BOOLEAN: False,
        Kind.DATE: None,
        Kind.DATETIME: None,
        Kind.ENUM: " ",
    }
    return blanks.get(kind, "")


def _decode_text(value: Any, kind: Kind, length: int) -> str:
    if not isinstance(value, str):
        raise _mismatch(value, kind)
    text = value.strip().upper() if kind is Kind.CODE else value
    if length and len(text) > length:
        raise too_long(text, length)
    return text


def _decode_decimal(value: Any, *, text_numbers: bool) -> Decimal:
    if isinstance(value, str) and not text_numbers:
        raise decimal_format_error("string")
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise _mismatch(value, Kind.DECIMAL)
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise _mismatch(value, Kind.DECIMAL) from None
    if not number.is_finite():
        raise _mismatch(value, Kind.DECIMAL)
    return number


def decimal_format_error(given: str) -> BcError:
    """The OData library's refusal of a decimal in the other format."""
    return bad_request(
        "Cannot convert a value to target type 'Edm.Decimal' because of conflict between input format "
        f"{given} and parameter 'IEEE754Compatible' false/true."
    )


def _decode_other(value: Any, kind: Kind) -> Any:
    if kind is Kind.BOOLEAN and isinstance(value, bool):
        return value
    if kind is Kind.INTEGER and isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise _mismatch(value, kind)
    if kind is Kind.GUID and GUID.fullmatch(value):
        return value.lower()
    try:
        if kind is Kind.DATE:
            return None if value == BLANK_DATE else _strict_date(value)
        if kind is Kind.DATETIME:
            return parse_datetime(value)
    except ValueError:
        raise bad_request(f"Unable to convert value '{value}' to {kind.edm.removeprefix('Edm.')}.") from None
    raise _mismatch(value, kind)


def _strict_date(text: str) -> date:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise ValueError(text)
    return date.fromisoformat(text)
