"""Tokens of `$filter` and `$orderby` expressions.

A raw `+` is not a blank: it is no token at all, so the expression is malformed (ecosystem facts section 0, 3).
Not modelled: durations, binary literals, arithmetic.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from stsync.sandbox.businesscentral.errors import BcError, bad_request

_TOKEN = re.compile(
    r"""(?P<blank>[ \t]+)
      | (?P<string>'(?:[^']|'')*')
      | (?P<guid>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})
      | (?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))
      | (?P<date>\d{4}-\d\d-\d\d)
      | (?P<number>-?\d+(?:\.\d+)?)
      | (?P<name>[A-Za-z_][A-Za-z0-9_./]*)
      | (?P<mark>[(),:])""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Token:
    """One token: its kind, its text, where it starts."""

    kind: str
    text: str
    start: int


def syntax_error(expression: str, position: int) -> BcError:
    """The OData library's word for an expression it cannot read."""
    return bad_request(f"Syntax error at position {position} in '{expression}'.")


def tokens(expression: str) -> list[Token]:
    """Split an expression. Raises 400 BadRequest at the first character that belongs to no token."""
    found: list[Token] = []
    position = 0
    while position < len(expression):
        match = _TOKEN.match(expression, position)
        if match is None:
            raise syntax_error(expression, position)
        kind = str(match.lastgroup)
        if kind != "blank":
            found.append(Token(kind, match[0], position))
        position = match.end()
    return found
