"""Literals of filters, checked against the type of the field they are compared with.

Not modelled: promotion between number types beyond Int32 and Decimal.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from stsync.sandbox.businesscentral.errors import BcError, bad_request
from stsync.sandbox.businesscentral.odata.lexer import Token
from stsync.sandbox.businesscentral.odata.schema import Property
from stsync.sandbox.businesscentral.odata.values import BLANK_DATE, Kind, option_named, parse_datetime

_EDM_OF_TOKEN = {
    "string": "Edm.String",
    "guid": "Edm.Guid",
    "date": "Edm.Date",
    "datetime": "Edm.DateTimeOffset",
    "number": "Edm.Decimal",
    "name": "Edm.Boolean",
}


def literal_value(token: Token, prop: Property, *, partial: bool = False) -> Any:
    """The value of a literal for a comparison with this property. Raises on incompatible types.

    `partial` is a piece of text for startswith and its like, which need not be a whole option.
    """
    if token.kind == "string":
        return _text(token.text[1:-1].replace("''", "'"), prop, partial=partial)
    try:
        return _other(token, prop)
    except ValueError:
        raise _incompatible(token, prop) from None


def _text(value: str, prop: Property, *, partial: bool) -> str:
    if prop.kind is Kind.CODE:
        return value.upper()
    if prop.kind is Kind.ENUM:
        return value if partial else option_named(value, prop.options)
    if prop.kind is not Kind.TEXT:
        raise _incompatible(Token("string", value, 0), prop)
    return value


def _other(token: Token, prop: Property) -> Any:
    if token.kind == "guid" and prop.kind is Kind.GUID:
        return token.text.lower()
    if token.kind == "number" and prop.kind in {Kind.DECIMAL, Kind.INTEGER}:
        return Decimal(token.text)
    if token.kind == "name" and prop.kind is Kind.BOOLEAN and token.text in {"true", "false"}:
        return token.text == "true"
    if token.kind == "date" and prop.kind is Kind.DATE:
        return None if token.text == BLANK_DATE else date.fromisoformat(token.text)
    if token.kind == "date" and prop.kind is Kind.DATETIME:
        return datetime.fromisoformat(token.text).replace(tzinfo=UTC)
    if token.kind == "datetime" and prop.kind is Kind.DATETIME:
        return parse_datetime(token.text)
    raise _incompatible(token, prop)


def _incompatible(token: Token, prop: Property) -> BcError:
    return bad_request(
        "A binary operator with incompatible types was detected. Found operand types "
        f"'{prop.kind.edm}' and '{_EDM_OF_TOKEN.get(token.kind, 'Edm.Untyped')}' for operator kind 'Equal'."
    )
