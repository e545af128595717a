"""One way to write a value as JSON, so that equal records have equal text and equal hashes.

Keys are sorted, nothing is padded, everything outside ASCII is escaped (a lone surrogate in a customer's
name must not stop a run), and a Decimal is written digit for digit: money never passes through a float.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quoted
from typing import Any, NoReturn


def canonical_json(value: object) -> str:
    """The value as JSON text with sorted keys; `12.50` stays `12.50`.

    Raises TypeError for a float, a key that is not text, or anything JSON has no form for, and
    ValueError for a Decimal that is not a number.
    """
    # Every record and every write passes here several times, so the commonest kinds are asked for first, and whether
    # something is a Mapping, which is slow to answer, last.
    if isinstance(value, str):
        return quoted(value)
    if value is None or isinstance(value, (int, Decimal)):
        return _scalar(value)
    if isinstance(value, (list, tuple)):
        return "[" + ",".join([canonical_json(item) for item in value]) + "]"
    if isinstance(value, (dict, Mapping)):
        return "{" + ",".join([f"{_key(key)}:{canonical_json(value[key])}" for key in sorted(value)]) + "}"
    raise TypeError(f"{type(value).__name__} has no canonical JSON form")


def parse_json(text: str | bytes) -> Any:
    """JSON text as values: a number with a point or an exponent becomes a Decimal, a whole number an int.

    Raises ValueError for text that is not JSON; NaN and Infinity are not JSON.
    """
    # json.loads makes a decoder for each call that asks for Decimals; thousands of our own rows are text already.
    if isinstance(text, str):
        return _DECODER.decode(text)
    return json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)


def sha256_of(text: str) -> str:
    """The SHA-256 of the text's UTF-8 bytes, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def digest(value: object) -> str:
    """The SHA-256 of the value's canonical JSON: equal values, equal digests. Raises what canonical_json raises."""
    return sha256_of(canonical_json(value))


def _scalar(value: int | Decimal | None) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return int.__repr__(value) if isinstance(value, int) else _number(value)


def _number(value: Decimal) -> str:
    if not value.is_finite():
        raise ValueError(f"{value} is not a number that JSON can carry")
    return str(value)


@lru_cache(maxsize=2048)  # the same few hundred names over and over
def _key(key: object) -> str:
    if not isinstance(key, str):
        raise TypeError(f"a JSON object's keys are text, not {type(key).__name__}")
    return quoted(key)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse_constant)
