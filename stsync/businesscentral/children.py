"""Collections below a row: asked for with $expand, or each by its own path. Pure; no network.

That `$expand` goes into lines and dimensions of a whole list is told of the platform in general (facts section 9);
the path of each row is documented for every one of them (facts 2.6, 2.9, 2.12, 2.13). So both must do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from stsync.businesscentral.odata import Read, entity

Row = dict[str, Any]
# One collection, and perhaps one inside it: `salesInvoiceLines($expand=dimensionSetLines)`.
_NESTED = re.compile(r"(?P<name>\w+)(?:\(\$expand=(?P<inner>.+)\))?")
# Collections stand side by side with commas between them; a comma in brackets belongs to an inner one.
_BETWEEN = re.compile(r",(?![^(]*\))")


def asked_for(read: Read) -> list[tuple[str, str]]:
    """The collections that a read expands, each with what is expanded inside it; empty when it expands nothing."""
    parts = (_NESTED.fullmatch(part) for part in _BETWEEN.split(read.expand))
    return [(found["name"], found["inner"] or "") for found in parts if found is not None]


def kind(read: Read) -> tuple[str, str]:
    """What reads have in common that a server either expands or does not: the entity set and the option."""
    return read.entity.rsplit("/", 1)[-1], read.expand


def shown(rows: Sequence[Row], read: Read) -> bool:
    """Whether every row carries what was expanded, inner levels too; a server that ignores the option leaves it out."""
    return all(_shows(rows, name, inner) for name, inner in asked_for(read))


def _shows(rows: Sequence[Row], name: str, inner: str) -> bool:
    if not all(isinstance(row.get(name), list) for row in rows):
        return False
    return all(shown(row[name], Read(name, expand=inner)) for row in rows)


def without(read: Read) -> Read:
    """The same rows without what is below them, but with the id that leads there."""
    select = (*read.select, "id") if read.select and "id" not in read.select else read.select
    return replace(read, expand="", select=select)


def below(read: Read, rows: Sequence[Row]) -> list[Read]:
    """The reads of what is below each row, by its documented path: all of one row, then those of the next."""
    return [
        Read(f"{entity(kind(read)[0], str(row['id']))}/{name}", expand=inner)
        for row in rows
        for name, inner in asked_for(read)
    ]


def joined(read: Read, rows: Sequence[Row], found: Sequence[list[Row]]) -> list[Row]:
    """The rows with what was found below each, in the order of `below`."""
    each = iter(found)
    return [{**row, **{name: next(each) for name, _ in asked_for(read)}} for row in rows]
