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


def asked_for(read: Read) -> tuple[str, str] | None:
    """The collection that a read expands, and what is expanded inside it; None when it expands nothing."""
    found = _NESTED.fullmatch(read.expand)
    return (found["name"], found["inner"] or "") if found else None


def kind(read: Read) -> tuple[str, str]:
    """What reads have in common that a server either expands or does not: the entity set and the option."""
    return read.entity.rsplit("/", 1)[-1], read.expand


def shown(rows: Sequence[Row], read: Read) -> bool:
    """Whether every row carries what was expanded, inner levels too; a server that ignores the option leaves it out."""
    wanted = asked_for(read)
    if wanted is None:
        return True
    name, inner = wanted
    if not all(isinstance(row.get(name), list) for row in rows):
        return False
    return all(shown(row[name], Read(name, expand=inner)) for row in rows)


def without(read: Read) -> Read:
    """The same rows without what is below them, but with the id that leads there."""
    select = (*read.select, "id") if read.select and "id" not in read.select else read.select
    return replace(read, expand="", select=select)


def below(read: Read, rows: Sequence[Row]) -> list[Read]:
    """The reads of what is below each row, by its documented path."""
    wanted = asked_for(read)
    if wanted is None:
        return []
    name, inner = wanted
    return [Read(f"{entity(kind(read)[0], str(row['id']))}/{name}", expand=inner) for row in rows]


def joined(read: Read, rows: Sequence[Row], found: Sequence[list[Row]]) -> list[Row]:
    """The rows with what was found below each."""
    wanted = asked_for(read)
    if wanted is None:
        return list(rows)
    return [{**row, wanted[0]: each} for row, each in zip(rows, found, strict=True)]
