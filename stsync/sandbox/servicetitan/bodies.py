"""Request bodies: the fields they may hold, checked by type; all that is wrong is named together.

Not modelled: lengths of texts, coercion of numbers and dates from text, duplicate keys.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from stsync.sandbox.servicetitan.errors import Invalid

Check = Callable[[Any], bool]


def text(value: Any) -> bool:
    """A string."""
    return isinstance(value, str)


def integer(value: Any) -> bool:
    """A whole number, and no boolean."""
    return isinstance(value, int) and not isinstance(value, bool)


def number(value: Any) -> bool:
    """A JSON number: money in requests is never text (trap 1)."""
    return integer(value) or isinstance(value, Decimal)


def boolean(value: Any) -> bool:
    """true or false."""
    return isinstance(value, bool)


def guid(value: Any) -> bool:
    """A GUID in its usual spelling."""
    return (
        isinstance(value, str)
        and re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", value) is not None
    )


def one_of(*allowed: str) -> Check:
    """One of these spellings."""
    return lambda value: value in allowed


def array(check: Check) -> Check:
    """A list whose members all pass."""
    return lambda value: isinstance(value, list) and all(check(one) for one in value)


def nullable(check: Check) -> Check:
    """The same, or null."""
    return lambda value: value is None or check(value)


def record(fields: Mapping[str, Check], required: tuple[str, ...] = ()) -> Check:
    """An object with these fields and no others."""

    def check(value: Any) -> bool:
        return isinstance(value, dict) and not problems(value, fields, required, strict=True)

    return check


def problems(
    body: Mapping[str, Any], fields: Mapping[str, Check], required: tuple[str, ...], *, strict: bool
) -> dict[str, list[str]]:
    """What is wrong with a body, field by field."""
    found = {name: [f"The {name} field is required."] for name in required if body.get(name) is None}
    for name, value in body.items():
        if name not in fields:
            if strict:
                found[name] = ["The sandbox knows no such field here."]
        elif name not in found and not fields[name](value):
            found[name] = ["The value is not valid."]
    return found


def checked(
    body: object, fields: Mapping[str, Check], required: tuple[str, ...] = (), *, strict: bool = True, at: str = ""
) -> dict[str, Any]:
    """The body, when it is an object of these fields. Raises 400 naming everything that is wrong."""
    if not isinstance(body, dict):
        raise Invalid({at: ["An object is expected."]})
    found = problems(body, fields, required, strict=strict)
    if found:
        raise Invalid({f"{at}{name}": messages for name, messages in found.items()})
    return body


def checked_rows(body: object, fields: Mapping[str, Check], required: tuple[str, ...]) -> list[dict[str, Any]]:
    """A bare array of objects (trap 4). Raises 400 for anything else."""
    if not isinstance(body, list):
        raise Invalid({"": ["An array is expected."]})
    return [checked(row, fields, required, at=f"[{index}].") for index, row in enumerate(body)]
