"""Dimensions: where their values come from, and the posting rules that Business Central's default dimensions carry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

# The mapping table that a source's names are looked up in; a constant needs none.
TABLE_OF = MappingProxyType({"job_type": "job_types", "location": "locations", "trade": "trades"})
# What stands in a mapping table for documents that have no such thing, e.g. no job behind them.
NONE = "(none)"

MANDATORY, SAME, FORBIDDEN = "Code Mandatory", "Same Code", "No Code"


@dataclass(frozen=True)
class Source:
    """One more dimension of the configuration; `kind` is job_type, location, trade or constant."""

    dimension: str
    kind: str
    value: str = ""

    @property
    def code(self) -> str:
        """The dimension's code as Business Central spells it."""
        return self.dimension.upper()


@dataclass(frozen=True)
class DefaultDimension:
    """A default dimension of a customer or item; `rule` is blank, Code Mandatory, Same Code or No Code (facts 2.14)."""

    dimension: str
    value: str
    rule: str


@dataclass(frozen=True)
class Breach:
    """A posting rule that a dimension set breaks: the value held (blank for none) and the one wanted."""

    dimension: str
    rule: str
    held: str
    wanted: str


def held_dimensions(row: Mapping[str, Any]) -> dict[str, str]:
    """The values of a row of Business Central that came with its dimensionSetLines, by dimension (facts 2.13)."""
    return {str(one["code"]): str(one["valueCode"]) for one in row.get("dimensionSetLines") or ()}


def missing(wanted: Mapping[str, str], held: Mapping[str, str]) -> dict[str, str]:
    """The values that should stand there and do not; values of other dimensions are left alone."""
    return {code: value for code, value in wanted.items() if held.get(code) != value.upper()}


def broken(defaults: Iterable[DefaultDimension], held: Mapping[str, str]) -> list[Breach]:
    """The rules that posting would be refused for (facts 7.2: mandatory dimension, Same Code)."""
    return [breach for one in defaults if (breach := _breach(one, held.get(one.dimension, ""))) is not None]


def _breach(default: DefaultDimension, held: str) -> Breach | None:
    is_broken = {
        MANDATORY: not held,
        # A Same Code rule without a value of its own demands that there be none.
        SAME: held != default.value,
        FORBIDDEN: bool(held),
    }
    if not is_broken.get(default.rule, False):
        return None
    wanted = default.value if default.rule == SAME else ""
    return Breach(default.dimension, default.rule, held, wanted)
