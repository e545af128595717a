"""What each ServiceTitan name or number is called in Business Central: look-ups, and the line to add when one is missing.

A look-up returns what the accountant wrote or nothing; there is no default account, journal or
dimension value (design promise 3). Pure.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Collection, Iterable
from collections.abc import Mapping as Table
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from stsync.core.canonical import digest

# What the value of each table is, in a bookkeeper's words.
WANTED = MappingProxyType(
    {
        "business_units": "dimension value",
        "accounts": "G/L account",
        "payment_types": "payment journal",
        "tax_zones": "tax liability account",
        "terms": "payment terms code",
        "items": "item number",
        "refunds": "G/L account",
        "job_types": "dimension value",
        "locations": "dimension value",
        "trades": "dimension value",
    }
)
TABLES = tuple(WANTED)
# A spreadsheet runs a cell that begins like this as a formula; an apostrophe in front makes it text.
FORMULA = re.compile(r"'*[=+\-@\t\r]")


@lru_cache(maxsize=4096)  # the same few hundred names for every line of every document
def folded(name: str) -> str:
    """How names are compared: without surrounding space, capitals equal to small letters."""
    return name.strip().casefold()


@dataclass(frozen=True)
class Gap:
    """A ServiceTitan name or number that no table has; `wanted` says what has to stand there.

    `called` is the name of something that is told by its number, because several may be called alike.
    """

    table: str
    servicetitan_key: str
    wanted: str = ""
    called: str = ""

    @property
    def placeholder(self) -> str:
        """What a person replaces, for example <DEPARTMENT value>."""
        return f"<{self.wanted or WANTED[self.table]}>"

    @property
    def entry(self) -> str:
        """The line as it stands in the YAML table."""
        name = f"  # {' '.join(self.called.split())}" if self.called else ""
        return f"{yaml_text(self.servicetitan_key)}: {self.placeholder}{name}"

    @property
    def config_line(self) -> str:
        """Where the line goes, and the line: mapping.business_units:  "Drain - West": <DEPARTMENT value>."""
        return f"mapping.{self.table}:  {self.entry}"

    @property
    def csv_line(self) -> str:
        """The same as a line of the mapping file."""
        return csv_line((self.table, self.servicetitan_key, self.placeholder, self.called))


@dataclass(frozen=True)
class Mapping:
    """The accountant's tables; keys are compared without regard to capitals and surrounding space."""

    tables: Table[str, Table[str, str]]

    @classmethod
    def of(cls, tables: Table[str, Table[str, str]]) -> Mapping:
        """The mapping with these tables; a table that is not given is empty.

        Raises ValueError for a table that stsync does not know, or two keys that compare equal and disagree.
        """
        unknown = sorted(set(tables) - set(TABLES))
        if unknown:
            raise ValueError(f"unknown mapping table {unknown[0]!r}")
        return cls(MappingProxyType({name: MappingProxyType(_folded_table(tables.get(name, {}))) for name in TABLES}))

    def lookup(self, table: str, *candidates: str | int | None) -> str | None:
        """What the first candidate found in the table is called in Business Central.

        Give the ServiceTitan id first, then the number, then the name: an id never changes, a name may.
        """
        entries = self.tables[table]
        for candidate in candidates:
            found = entries.get(folded(str(candidate))) if candidate not in {None, ""} else None
            if found is not None:
                return found
        return None

    def digest(self) -> str:
        """SHA-256 over all tables, independent of order, capitals and space in the keys."""
        return digest(self.tables)


def _folded_table(entries: Table[str, str]) -> dict[str, str]:
    table: dict[str, str] = {}
    for key, value in entries.items():
        if table.setdefault(folded(key), value) != value:
            raise ValueError(f"{key!r} stands twice with different values")
    return table


def identity(codes_in_bc: Collection[str], *codes: str | None) -> str | None:
    """The first of these numbers or codes that Business Central has itself (design section 2).

    Give numbers and codes only, never a ServiceTitan id or name: an id that happens to equal an
    account number means nothing. `codes_in_bc` are as Business Central spells them, in capitals.
    """
    for code in codes:
        own = (code or "").strip().upper()
        if own and own in codes_in_bc:
            return own
    return None


def yaml_text(text: str) -> str:
    """Text as a YAML double-quoted scalar; every YAML reader gives exactly this text back."""
    # JSON strings are YAML double-quoted scalars; the two breaks below are line ends to YAML, not to JSON.
    quoted = json.dumps(text, ensure_ascii=False)
    return re.sub(r"[\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]", lambda one: f"\\u{ord(one.group()):04x}", quoted)


def csv_line(cells: Iterable[str]) -> str:
    """One line of the mapping file, safe to open in a spreadsheet."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([spreadsheet_safe(cell) for cell in cells])
    return line.getvalue()


def spreadsheet_safe(cell: str) -> str:
    """The cell with an apostrophe in front if a spreadsheet would take it for a formula."""
    return f"'{cell}" if FORMULA.match(cell) else cell


def from_spreadsheet(cell: str) -> str:
    """The cell without the apostrophe that `spreadsheet_safe` put there."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell
