"""Mapping tables in a CSV or Excel file: columns table, servicetitan, business_central, comment.

People edit these files in spreadsheets, so reading allows for what spreadsheets do (semicolons, a byte
order mark, numbers for text) and refuses what cannot be undone (formulas, dates, another encoding).
"""

from __future__ import annotations

import csv
import importlib
import io
import os
import shutil
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stsync.core.mapping import TABLES, csv_line, folded, from_spreadsheet

COLUMNS = ("table", "servicetitan", "business_central", "comment")
NEEDED = COLUMNS[:3]
LARGEST = 20_000_000


@dataclass(frozen=True)
class Entry:
    """One line of the file; `line` counts from 1 and is 0 for an entry that is only written."""

    table: str
    servicetitan: str
    business_central: str
    comment: str = ""
    line: int = 0


@dataclass(frozen=True)
class Fault:
    """Something in the file that cannot be used; line 0 means the whole file."""

    line: int
    sentence: str
    found: str = ""


@dataclass(frozen=True)
class Contents:
    """What a mapping file holds, and what is wrong with it."""

    entries: tuple[Entry, ...]
    faults: tuple[Fault, ...]


class _UnusableFile(Exception):
    """The file as a whole cannot be read; the text says why."""


Row = tuple[int, list[str]]


def read_entries(path: Path) -> Contents:
    """The entries of a mapping file, and every fault in it; nothing is raised for what a person can correct.

    A line without a business_central value is not an entry: it is a gap that somebody has yet to fill.
    """
    faults: list[Fault] = []
    try:
        rows = _rows(path, faults)
        columns = _columns(rows)
    except _UnusableFile as unusable:
        return Contents((), (Fault(0, str(unusable)),))
    entries = list(_entries(rows[1:], columns, faults))
    return Contents(tuple(_without_repeats(entries, faults)), tuple(sorted(faults, key=lambda f: f.line)))


def _rows(path: Path, faults: list[Fault]) -> list[Row]:
    try:
        if path.stat().st_size > LARGEST:
            raise _UnusableFile("the file is larger than 20 MB, so it cannot be a mapping")
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise _UnusableFile("there is no such file") from error
    except OSError as error:
        raise _UnusableFile(f"the file cannot be read: {error.strerror}") from error
    if path.suffix.lower() in {".xlsx", ".xlsm"}:
        return _workbook_rows(content, faults)
    if path.suffix.lower() in {".xls", ".xlsb", ".ods", ".numbers"}:
        raise _UnusableFile("this kind of spreadsheet cannot be read; save it as CSV UTF-8 or as .xlsx")
    return _csv_rows(content)


def _csv_rows(content: bytes) -> list[Row]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _UnusableFile(
            f"line {line} is not UTF-8; in Excel, save the file as 'CSV UTF-8 (comma delimited)'"
        ) from error
    header = text.split("\n", 1)[0]
    # Excel writes semicolons wherever the comma is the decimal sign.
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows: list[Row] = []
    try:
        begins = 1
        for cells in reader:
            rows.append((begins, [from_spreadsheet(cell.strip()) for cell in cells]))
            begins = reader.line_num + 1
    except csv.Error as error:
        raise _UnusableFile(f"line {reader.line_num} is not CSV ({error})") from error
    return rows


def _workbook_rows(content: bytes, faults: list[Fault]) -> list[Row]:
    try:
        openpyxl: Any = importlib.import_module("openpyxl")
    except ImportError as error:
        raise _UnusableFile(
            "reading Excel files needs one more package: pip install 'stsync[xlsx]' - or save the sheet as CSV UTF-8"
        ) from error
    try:
        sheet = openpyxl.load_workbook(io.BytesIO(content), read_only=False).worksheets[0]
    except (zipfile.BadZipFile, KeyError, IndexError, ValueError, TypeError, SyntaxError) as error:
        raise _UnusableFile("the file is not an Excel workbook, or it is damaged") from error
    return [
        (number, [_cell(cell, number, faults) for cell in cells])
        for number, cells in enumerate(sheet.iter_rows(), start=1)
    ]


def _cell(cell: Any, line: int, faults: list[Fault]) -> str:
    value = cell.value
    if value is None:
        return ""
    if cell.data_type == "f":
        faults.append(Fault(line, f"cell {cell.coordinate} is a formula; type its result instead", str(value)))
        return ""
    if isinstance(value, str):
        return from_spreadsheet(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        faults.append(
            Fault(line, f"cell {cell.coordinate} is not text; format it as text and type it again", str(value))
        )
        return ""
    # A number shown with leading zeros (format 00000) is a code that Excel took for a number.
    shown_as = cell.number_format or ""
    width = len(shown_as) if set(shown_as) == {"0"} else 0
    return str(int(value)).zfill(width)


def _columns(rows: Sequence[Row]) -> dict[str, int]:
    header = [cell.strip().lower().replace(" ", "_") for cell in rows[0][1]] if rows else []
    missing = [name for name in NEEDED if name not in header]
    if missing:
        raise _UnusableFile(f"the first line has to name the columns {', '.join(COLUMNS)}; {missing[0]} is missing")
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
    target = path.resolve()
    fresh = target.with_name(f".{target.name}.{os.getpid()}.new")
    try:
        with fresh.open("x", encoding="utf-8-sig", newline="") as file:
            file.write(as_csv(entries))
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, fresh)
        fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)
