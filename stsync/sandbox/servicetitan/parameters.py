"""Query parameters: how each is read, refused and applied to rows.

A parameter that the simulator knows by name but does not apply answers 501 rather than wrong rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from stsync.sandbox.servicetitan.errors import Invalid, Refusal
from stsync.sandbox.servicetitan.table import Row
from stsync.sandbox.servicetitan.values import moment

Keep = Callable[[Row, Any], bool]
Read = Callable[[list[str]], Any]
IDS_CEILING = 50


@dataclass(frozen=True)
class Parameter:
    """One filter: its name, how its values are read (ValueError refuses them), and which rows it keeps."""

    name: str
    read: Read
    keep: Keep


def read_integer(values: list[str]) -> int:
    """A whole number."""
    if not re.fullmatch(r"-?\d{1,19}", values[-1]):
        raise ValueError(f"The value '{values[-1]}' is not valid.")
    return int(values[-1])


def read_decimal(values: list[str]) -> Decimal:
    """An amount."""
    try:
        return Decimal(values[-1])
    except InvalidOperation:
        raise ValueError(f"The value '{values[-1]}' is not valid.") from None


def read_moment(values: list[str]) -> datetime:
    """A date or date-time."""
    try:
        return moment(values[-1])
    except ValueError:
        raise ValueError(f"The value '{values[-1]}' is not valid.") from None


def read_day(values: list[str]) -> date:
    """A calendar date."""
    return read_moment(values).date()


def read_boolean(values: list[str]) -> bool:
    """true or false in any case, as .NET reads a boolean."""
    if values[-1].lower() not in ("true", "false"):
        raise ValueError(f"The value '{values[-1]}' is not valid.")
    return values[-1].lower() == "true"


def read_text(values: list[str]) -> str:
    """Text as it stands."""
    return values[-1]


def read_list(values: list[str]) -> list[str]:
    """One comma-separated text of 50 parts at most (facts 1.5)."""
    parts = [part.strip() for part in values[-1].split(",") if part.strip()]
    if len(parts) > IDS_CEILING:
        raise ValueError(f"No more than {IDS_CEILING} values are allowed.")
    return parts


def read_ids(values: list[str], ceiling: int | None = IDS_CEILING) -> list[int]:
    """Comma-separated ids, at most `ceiling` of them."""
    parts = [part.strip() for part in values[-1].split(",") if part.strip()]
    if ceiling is not None and len(parts) > ceiling:
        raise ValueError(f"No more than {ceiling} ids are allowed.")
    return [read_integer([part]) for part in parts]


def read_choice(*allowed: str) -> Read:
    """One value of an enumeration, spelt exactly (trap 13)."""

    def read(values: list[str]) -> str:
        if values[-1] not in allowed:
            raise ValueError(f"The value '{values[-1]}' is not valid.")
        return values[-1]

    return read


def read_choices(*allowed: str, comma: bool = False) -> Read:
    """Several values of an enumeration: the parameter repeated, or one comma-separated text."""

    def read(values: list[str]) -> list[str]:
        parts = values[-1].split(",") if comma else values
        return [read_choice(*allowed)([part]) for part in parts]

    return read


def reference(name: str, *path: str) -> Parameter:
    """The id at a path (`customer`, `id`) equals the parameter."""
    return Parameter(name, read_integer, lambda row, wanted: _at(row, path) == wanted)


def references(name: str, *path: str) -> Parameter:
    """The id at a path is one of a comma-separated list."""
    return Parameter(name, read_ids, lambda row, wanted: _at(row, path) in wanted)


def equals(name: str, *path: str) -> Parameter:
    """The text at a path equals the parameter."""
    return Parameter(name, read_text, lambda row, wanted: str(_at(row, path)) == wanted)


def contains(name: str, *path: str) -> Parameter:
    """The text at a path contains the parameter, whatever the case."""
    return Parameter(name, read_text, lambda row, wanted: wanted.lower() in str(_at(row, path) or "").lower())


def one_of(name: str, key: str, read: Read) -> Parameter:
    """The value of a key is one of those read."""
    return Parameter(name, read, lambda row, wanted: row[key] in wanted)


def on_or_after(name: str, key: str) -> Parameter:
    """The time of a key is not before the parameter."""
    return Parameter(name, read_moment, lambda row, start: row[key] is not None and moment(row[key]) >= start)


def before(name: str, key: str) -> Parameter:
    """The time of a key is before the parameter."""
    return Parameter(name, read_moment, lambda row, end: row[key] is not None and moment(row[key]) < end)


def not_below(name: str, key: str) -> Parameter:
    """The amount of a key is at least the parameter: totalGreater is inclusive (facts 3.1)."""
    return Parameter(name, read_decimal, lambda row, bound: Decimal(row[key] or 0) >= bound)


def not_above(name: str, key: str) -> Parameter:
    """The amount of a key is at most the parameter."""
    return Parameter(name, read_decimal, lambda row, bound: Decimal(row[key] or 0) <= bound)


def accepted(name: str, read: Read = read_text) -> Parameter:
    """Read and checked, without an effect on the rows here."""
    return Parameter(name, read, lambda _row, _value: True)


def unmodelled(*names: str) -> tuple[Parameter, ...]:
    """Parameters of the specification that the simulator does not apply."""

    def refuse(_values: list[str]) -> None:
        raise Refusal(501, "The sandbox does not model this parameter.")

    return tuple(Parameter(name, refuse, lambda _row, _value: True) for name in names)


CREATED = (on_or_after("createdOnOrAfter", "createdOn"), before("createdBefore", "createdOn"))
TRI_STATE = read_choice("True", "Any", "False")
ACTIVE_STATE = read_choice("ActiveOnly", "InactiveOnly", "All")


def read_all(parameters: Iterable[Parameter], given: Mapping[str, list[str]]) -> list[tuple[Keep, Any]]:
    """The filters of a request, ready to apply. Raises `Invalid` with all that is wrong with them."""
    errors: dict[str, list[str]] = {}
    filters: list[tuple[Keep, Any]] = []
    for parameter in parameters:
        if parameter.name not in given:
            continue
        try:
            filters.append((parameter.keep, parameter.read(given[parameter.name])))
        except ValueError as error:
            errors[parameter.name] = [str(error)]
    if errors:
        raise Invalid(errors)
    return filters


def custom_fields(given: Mapping[str, list[str]]) -> Keep | None:
    """The filter `customField.Fields[Name]=Value`, joined by `customField.Operator` And (default) or Or."""
    wanted = {
        match[1]: values[-1]
        for name, values in given.items()
        if (match := re.fullmatch(r"customField\.Fields\[(.+)\]", name))
    }
    if not wanted:
        return None
    if len(wanted) > IDS_CEILING:
        raise Invalid({"customField.Fields": [f"No more than {IDS_CEILING} fields are allowed."]})
    join = any if given.get("customField.Operator", ["And"])[-1] == "Or" else all

    def keep(row: Row, _value: Any) -> bool:
        has = {one["name"]: one["value"] for one in row["customFields"] or ()}
        return join(has.get(name) == value for name, value in wanted.items())

    return keep


def _at(row: Row, path: tuple[str, ...]) -> Any:
    value: Any = row
    for key in path:
        value = value.get(key) if value else None
    return value
