"""What a preview changes in the pricebook, field by field: the value that stands there and the value to come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stsync.cli.console import Column, table
from stsync.stages.pricebook_fields import WORDS, worded

if TYPE_CHECKING:
    from stsync.core.operations import Operation


def field_by_field(operations: Sequence[Operation]) -> None:
    """Print one row for each field of these writes; a new entry has nothing before."""
    rows = [
        [one.natural_key, WORDS[name], worded(one.before[name]) if name in one.before else "", worded(value)]
        for one in operations
        for name, value in one.body.items()
        if name in WORDS
    ]
    if rows:
        columns = [Column("code"), Column("field"), Column("before"), Column("after")]
        table("pricebook, field by field", columns, rows)
