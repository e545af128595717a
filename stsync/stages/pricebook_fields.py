"""The fields of a pricebook entry, three ways: as both systems stood when stsync last looked, and as each stands now.

The base of a field is a pair, what Business Central said and what ServiceTitan held then: ServiceTitan may round or
reformat what it is given, and that is no edit of a person's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from stsync.core.operations import shown
from stsync.core.source.item import Sku
from stsync.core.text import plain

Base = Mapping[str, Mapping[str, Any]]
WORDS = {"displayName": "name", "description": "description", "cost": "cost", "price": "price", "active": "active"}


class Fate(StrEnum):
    """What becomes of one field."""

    IN_STEP = "in step"
    WRITE = "write"
    KEEP = "keep"  # ServiceTitan's own edit stays
    CONFLICT = "conflict"  # changed on both sides since they last agreed


@dataclass(frozen=True)
class Field:
    """One field: `base` is the pair of the last look, None on first contact."""

    name: str
    base: Mapping[str, Any] | None
    theirs: Any
    ours: Any

    @property
    def fate(self) -> Fate:
        """Who has changed it since the last look decides."""
        if same(self.theirs, self.ours):
            return Fate.IN_STEP
        if self.base is None:
            return Fate.KEEP if self._is_a_persons_choice() else Fate.WRITE
        if same(self.ours, self.base["ours"]):
            return Fate.KEEP
        if same(self.theirs, self.base["theirs"]):
            return Fate.WRITE
        # The short name carries the change; a sales text that somebody wrote in ServiceTitan is theirs for good.
        return Fate.KEEP if self.name == "description" else Fate.CONFLICT

    def _is_a_persons_choice(self) -> bool:
        """On first contact: an entry that was retired stays so, and a sales text of ServiceTitan's own is kept."""
        if self.name == "active":
            return self.theirs is False
        return self.name == "description" and bool(self.theirs)

    def base_after(self, written: Iterable[str]) -> dict[str, Any]:
        """The pair to remember; a kept edit leaves it as it was, so that a later change here meets it again."""
        if self.name in written or (self.base is None and self.fate == Fate.KEEP):
            return {"ours": shown(self.ours), "theirs": shown(self.ours)}
        if self.base is None or self.fate == Fate.IN_STEP:
            return {"ours": shown(self.ours), "theirs": shown(self.theirs)}
        return dict(self.base)


def same(one: object, other: object) -> bool:
    """Whether two values are equal, whether they come from a system or from the ledger; 12.5 is 12.50."""
    return bool(shown(one) == shown(other))


def three_ways(wanted: Mapping[str, Any], sku: Sku, base: Base, sent: Mapping[str, Any]) -> list[Field]:
    """Each wanted field beside what the pricebook has.

    `sent` is a write whose answer was lost: where the pricebook shows its value, it arrived, and nobody else was there.
    """
    read = {name: plain(value) if name == "description" else value for name, value in sent.items()}
    arrived = {name: {"ours": value, "theirs": value} for name, value in read.items() if _shows(sku, name, value)}
    known = {**base, **arrived}
    return [Field(name, known.get(name), sku.value(name), ours) for name, ours in wanted.items()]


def _shows(sku: Sku, name: str, value: object) -> bool:
    return name in WORDS and same(sku.value(name), value)


def told(field: Field) -> str:
    """A conflict in words."""
    then = worded(field.base["ours"]) if field.base is not None else "unknown"
    return (
        f"the {WORDS[field.name]} was {then} when both agreed, is {worded(field.theirs)} in ServiceTitan now and "
        f"{worded(field.ours)} in Business Central"
    )


def worded(value: object) -> str:
    """A value as a person reads it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(shown(value))
    return f"'{text}'" if isinstance(value, str) and not text.replace(".", "", 1).isdigit() else text
