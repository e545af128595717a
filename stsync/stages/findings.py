"""What stands in the way of a document, all of it together, so that a bookkeeper repairs it once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from stsync.core.dimensions import NONE
from stsync.core.mapping import Gap
from stsync.core.reasons import Reason

SOURCE_WORDS = {
    "business_units": "business unit",
    "accounts": "ServiceTitan account",
    "payment_types": "payment type",
    "tax_zones": "tax zone",
    "terms": "payment term",
    "items": "pricebook item",
    "refunds": "payment type (for money paid back)",
    "job_types": "job type",
    "locations": "location",
    "trades": "trade",
}


def unmapped(gaps: Iterable[Gap]) -> Reason:
    """One reason for all gaps of a record, with the exact lines to add."""
    unique = list(dict.fromkeys(gaps))
    lines: list[str] = []
    for table in dict.fromkeys(gap.table for gap in unique):
        lines += [f"  {table}:", *(f"    {gap.entry}" for gap in unique if gap.table == table)]
    missing = ", ".join(_words(gap) for gap in unique)
    hint = "\n".join(["Add to the configuration, with the right value:", "mapping:", *lines])
    return Reason("mapping-missing", f"Not mapped yet: {missing}.", hint)


def _words(gap: Gap) -> str:
    words = SOURCE_WORDS[gap.table]
    if gap.called:
        return f"{words} '{gap.called}' ({gap.servicetitan_key})"
    return f"documents without a {words}" if gap.servicetitan_key == NONE else f"{words} '{gap.servicetitan_key}'"


@dataclass
class Findings:
    """What stands in the way of a document, and by which rules its lines were made."""

    gaps: list[Gap] = field(default_factory=list)
    faults: list[Reason] = field(default_factory=list)
    rules: list[str] = field(default_factory=list)

    def reason(self) -> Reason | None:
        """One reason for everything found: mapping gaps first, because they are the quickest to mend."""
        if self.gaps:
            return unmapped(self.gaps)
        return self.faults[0] if self.faults else None
