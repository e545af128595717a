"""Query options of a URL, also nested in `$expand`.

Not modelled: `$search`, `$apply`, `$compute`, aliases.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote

from stsync.sandbox.businesscentral.errors import BcError, bad_request

KNOWN = {
    "$filter",
    "$orderby",
    "$select",
    "$expand",
    "$top",
    "$skip",
    "$count",
    "$skiptoken",
    "$schemaversion",
    "$format",
}


@dataclass(frozen=True)
class Query:
    """Parsed query options; None where an option was not given."""

    filter: str | None = None
    order: tuple[tuple[str, bool], ...] = ()
    """Property names, each with True for descending."""
    select: tuple[str, ...] | None = None
    expand: dict[str, Query] = field(default_factory=dict)
    top: int | None = None
    skip: int = 0
    count: bool = False
    skip_token: str | None = None
    schema_21: bool = False


def decode_query(raw: str) -> dict[str, str]:
    """The parameters of a raw query string. A `+` stays a plus (ecosystem facts section 0, fact 3)."""
    pairs = (piece.partition("=") for piece in raw.split("&") if piece)
    return {unquote(name): unquote(value) for name, _, value in pairs}


def parse_query(options: dict[str, str]) -> Query:
    """Parse the system query options. Raises 400 on unknown ones and on malformed values."""
    unknown = [name for name in options if name.startswith("$") and name not in KNOWN]
    if unknown:
        raise bad_request(f"The query parameter '{unknown[0]}' is not supported.")
    return Query(
        filter=options.get("$filter"),
        order=_parse_order(options.get("$orderby", "")),
        select=_parse_select(options.get("$select")),
        expand=_parse_expand(options.get("$expand", "")),
        top=_parse_number(options, "$top"),
        skip=_parse_number(options, "$skip") or 0,
        count=options.get("$count", "false").lower() == "true",
        skip_token=options.get("$skiptoken"),
        schema_21=options.get("$schemaversion") == "2.1",
    )


def _parse_number(options: dict[str, str], name: str) -> int | None:
    if name not in options:
        return None
    if not options[name].isdecimal():
        raise bad_request(
            f"Invalid value '{options[name]}' for {name} query option found. "
            f"The {name} query option requires a non-negative integer value."
        )
    return int(options[name])


def _parse_order(text: str) -> tuple[tuple[str, bool], ...]:
    order = []
    for piece in filter(None, (part.strip() for part in text.split(","))):
        name, _, direction = piece.partition(" ")
        if direction.strip() not in {"", "asc", "desc"}:
            raise bad_request(f"Syntax error in $orderby expression '{text}'.")
        order.append((name, direction.strip() == "desc"))
    return tuple(order)


def _parse_select(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    names = tuple(filter(None, (part.strip() for part in text.split(","))))
    return None if not names or "*" in names else names


def _parse_expand(text: str) -> dict[str, Query]:
    expand: dict[str, Query] = {}
    for piece in split_outside(text, ","):
        name, bracket, rest = piece.strip().partition("(")
        if bracket and not rest.endswith(")"):
            raise bad_request(f"Syntax error in $expand expression '{text}'.")
        inner = (option.strip().partition("=") for option in split_outside(rest[:-1], ";"))
        expand[name.strip()] = parse_query({option: value for option, _, value in inner})
    return expand


def split_outside(text: str, separator: str) -> list[str]:
    """Split at separators that stand outside brackets and quotes; empty text gives no parts."""
    parts, depth, quoted, start = [], 0, False, 0
    for index, character in enumerate(text):
        quoted ^= character == "'"
        if quoted:
            continue
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == separator and depth == 0:
            parts.append(text[start:index])
            start = index + 1
    if quoted or depth:
        raise bad_request("Bad Request - Error in query syntax.")
    rest = text[start:]
    return [*parts, rest] if rest else parts


def invalid_url() -> BcError:
    """A URL that does not parse."""
    return BcError(400, "BadRequest_InvalidRequestUrl", "The request URL is not valid.")
