"""One way to write a value as JSON, so that equal records have equal text and equal hashes.

Keys are sorted, nothing is padded, everything outside ASCII is escaped (a lone surrogate in a customer's
name must not stop a run), and a Decimal is written digit for digit: money never passes through a float.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quoted
from typing import Any, NoReturn


def canonical_json(value: object) -> str:
    """The value as JSON text with sorted keys; `12.50` stays `12.50`.

    Raises TypeError for a float, a key that is not text, or anything JSON has no form for, and
    ValueError for a Decimal that is not a number.
    """
    # Every record and every write passes here several times: looking the very type up is faster than asking what it is.
    write = _WRITERS.get(type(value))
    return write(value) if write is not None else _of_another_type(value)


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


def _object(value: Mapping[str, object]) -> str:
    found = _WRITERS.get
    parts = []
    for key in sorted(value):
        item = value[key]
        parts.append(f"{_key(key)}:{(found(type(item)) or _of_another_type)(item)}")
    return "{" + ",".join(parts) + "}"


def _array(value: Iterable[object]) -> str:
    found = _WRITERS.get
    return "[" + ",".join([(found(type(item)) or _of_another_type)(item) for item in value]) + "]"


def _of_another_type(value: object) -> str:
    """A value whose type is derived from one that has a form, or a Mapping of any kind."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, (list, tuple)):
        return _array(value)
    if isinstance(value, Mapping):
        return _object(value)
    raise TypeError(f"{type(value).__name__} has no canonical JSON form")


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
_WRITERS: dict[type, Callable[[Any], str]] = {
    str: quoted,
    int: int.__repr__,
    bool: lambda value: "true" if value else "false",
    type(None): lambda _: "null",
    Decimal: _number,
    dict: _object,
    list: _array,
    tuple: _array,
}
