"""Request bodies and query strings, written exactly as both systems read them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from json.encoder import encode_basestring as quoted
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

Params = Mapping[str, object] | Sequence[tuple[str, object]]


def json_text(value: Any) -> str:
    """JSON with decimals as plain numbers, digit for digit, and properties in the order given.

    The standard encoder can only write a Decimal by way of a float, which changes amounts; and Business
    Central replays fields in payload order (BC facts section 1), so nothing is sorted here.
    Raises TypeError for a float and ValueError for a number that JSON does not have.
    """
    if isinstance(value, str):
        return quoted(value)
    if value is None or isinstance(value, int):
        return json.dumps(value)
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(json_text(item) for item in value) + "]"
    if isinstance(value, (dict, Mapping)):
        return "{" + ",".join(f"{_name(key)}:{json_text(item)}" for key, item in value.items()) + "}"
    raise TypeError(f"{type(value).__name__} does not belong in a request body")


def with_query(url: str, params: Params | None) -> str:
    """The URL with its query; spaces become %20, a plus %2B (ecosystem section 0 fact 3, ServiceTitan trap 11)."""
    if not params:
        return url
    query = urlencode(params, doseq=True, safe="$", quote_via=quote)
    return f"{url}{'&' if urlsplit(url).query else '?'}{query}"


def _name(key: object) -> str:
    if not isinstance(key, str):
        raise TypeError("property names are text")
    return quoted(key)


def _number(amount: Decimal) -> str:
    if not amount.is_finite():
        raise ValueError(f"{amount} cannot be sent as an amount")
    return format(amount, "f")
