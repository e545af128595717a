"""Mapping tables in a CSV or Excel file: columns table, servicetitan, business_central, comment.

People edit these files in spreadsheets, so reading allows for what spreadsheets do (semicolons, a byte
order mark, numbers for text) and refuses what cannot be undone (formulas, dates, another encoding).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stsync.config.sheet import Fault, Row, UnusableFile, read_rows, write_csv
from stsync.core.mapping import TABLES, csv_line, folded

COLUMNS = ("table", "servicetitan", "business_central", "comment")
NEEDED = COLUMNS[:3]


@dataclass(frozen=True)
class Entry:
    """One line of the file; `line` counts from 1 and is 0 for an entry that is only written."""

    table: str
    servicetitan: str
    business_central: str
    comment: str = ""
    line: int = 0


@dataclass(frozen=True)
class Contents:
    """What a mapping file holds, and what is wrong with it."""

    entries: tuple[Entry, ...]
    faults: tuple[Fault, ...]


def read_entries(path: Path) -> Contents:
    """The entries of a mapping file, and every fault in it; nothing is raised for what a person can correct.

    A line without a business_central value is not an entry: it is a gap that somebody has yet to fill.
    """
    faults: list[Fault] = []
    try:
        rows = read_rows(path, faults)
        columns = _columns(rows)
    except UnusableFile as unusable:
        return Contents((), (Fault(0, str(unusable)),))
    entries = list(_entries(rows[1:], columns, faults))
    return Contents(tuple(_without_repeats(entries, faults)), tuple(sorted(faults, key=lambda f: f.line)))


def _columns(rows: Sequence[Row]) -> dict[str, int]:
    header = [cell.strip().lower().replace(" ", "_") for cell in rows[0][1]] if rows else []
    missing = [name for name in NEEDED if name not in header]
    if missing:
        raise UnusableFile(f"the first line has to name the columns {', '.join(COLUMNS)}; {missing[0]} is missing")
    return {name: header.index(name) for name in COLUMNS if name in header}


def _entries(rows: Iterable[Row], columns: Mapping[str, int], faults: list[Fault]) -> Iterator[Entry]:
    for line, cells in rows:
        values = {name: cells[at] if at < len(cells) else "" for name, at in columns.items()}
        table = values["table"].lower().replace(" ", "_").replace("-", "_")
        if not any(values.values()) or values["table"].startswith("#"):
            continue
        if table not in TABLES:
            faults.append(Fault(line, f"there is no table '{values['table']}'; it is one of {', '.join(TABLES)}"))
        elif not values["servicetitan"]:
            faults.append(Fault(line, "the column servicetitan is empty"))
        elif values["business_central"] and not _is_placeholder(values["business_central"]):
            yield Entry(table, values["servicetitan"], values["business_central"], values.get("comment", ""), line)


def _is_placeholder(value: str) -> bool:
    """Whether the line was copied from a held record's message and not filled in yet."""
    return value.startswith("<") and value.endswith(">")


def _without_repeats(entries: Iterable[Entry], faults: list[Fault]) -> Iterator[Entry]:
    first: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        earlier = first.setdefault((entry.table, folded(entry.servicetitan)), entry)
        if earlier is entry:
            yield entry
        elif earlier.business_central.upper() != entry.business_central.upper():
            sentence = (
                f"'{entry.servicetitan}' is {entry.business_central} here, but {earlier.business_central} "
                f"in line {earlier.line}; keep one of them"
            )
            faults.append(Fault(entry.line, sentence, entry.business_central))


def entries_of(tables: Mapping[str, Mapping[str, str]]) -> list[Entry]:
    """All tables as lines of a mapping file, in their usual order."""
    return [Entry(name, key, tables[name][key]) for name in TABLES if name in tables for key in sorted(tables[name])]


def as_csv(entries: Iterable[Entry]) -> str:
    """The entries as CSV text that a spreadsheet can open without running anything in it."""
    lines = [csv_line(COLUMNS)]
    lines += [csv_line((e.table, e.servicetitan, e.business_central, e.comment)) for e in entries]
    return "\r\n".join(lines) + "\r\n"


def write_entries(path: Path, entries: Iterable[Entry]) -> None:
    """Write a mapping file: all of it or nothing, with the permissions of the file it replaces.

    The byte order mark makes Excel read it as UTF-8. Raises OSError when the place cannot be written.
    """
    write_csv(path, (COLUMNS, *((e.table, e.servicetitan, e.business_central, e.comment) for e in entries)))
