"""Tables that people edit in a spreadsheet: CSV or Excel, read with what spreadsheets do to text, written safely.

Reading allows for semicolons, a byte order mark and numbers for text, and refuses what cannot be undone: formulas,
dates, another encoding.
"""

from __future__ import annotations

import csv
import importlib
import io
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stsync.core.mapping import csv_line, from_spreadsheet, spreadsheet_safe

LARGEST = 20_000_000
Row = tuple[int, list[str]]


@dataclass(frozen=True)
class Fault:
    """Something in the file that cannot be used; line 0 means the whole file. `column` counts from 1, 0 is unknown."""

    line: int
    sentence: str
    found: str = ""
    column: int = 0


class UnusableFile(Exception):
    """The file as a whole cannot be read; the text says why."""


def read_rows(path: Path, faults: list[Fault]) -> list[Row]:
    """The lines of the file with their numbers; cells that cannot be used are empty, and named in `faults`.

    Raises UnusableFile.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise UnusableFile("the file is larger than 20 MB")
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise UnusableFile("there is no such file") from error
    except OSError as error:
        raise UnusableFile(f"the file cannot be read: {error.strerror}") from error
    if path.suffix.lower() in {".xlsx", ".xlsm"}:
        return _workbook_rows(content, faults)
    if path.suffix.lower() in {".xls", ".xlsb", ".ods", ".numbers"}:
        raise UnusableFile("this kind of spreadsheet cannot be read; save it as CSV UTF-8 or as .xlsx")
    return _csv_rows(content)


def _csv_rows(content: bytes) -> list[Row]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UnusableFile(
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
        raise UnusableFile(f"line {reader.line_num} is not CSV ({error})") from error
    return rows


def _workbook_rows(content: bytes, faults: list[Fault]) -> list[Row]:
    try:
        openpyxl: Any = importlib.import_module("openpyxl")
    except ImportError as error:
        raise UnusableFile(
            "reading Excel files needs one more package: pip install 'stsync[xlsx]' - or save the sheet as CSV UTF-8"
        ) from error
    try:
        sheet = openpyxl.load_workbook(io.BytesIO(content), read_only=False).worksheets[0]
    except Exception as error:
        # A zip of XML: whatever zlib, the parser or the library say of it, the file is what is wrong.
        raise UnusableFile("the file is not an Excel workbook, or it is damaged") from error
    return [
        (number, [_cell(cell, number, faults) for cell in cells])
        for number, cells in enumerate(sheet.iter_rows(), start=1)
    ]


def _cell(cell: Any, line: int, faults: list[Fault]) -> str:
    value = cell.value
    if value is None:
        return ""
    if cell.data_type == "f":
        faults.append(
            Fault(line, f"cell {cell.coordinate} is a formula; type its result instead", str(value), cell.column)
        )
        return ""
    if isinstance(value, str):
        return from_spreadsheet(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | float) or value % 1 != 0:
        faults.append(
            Fault(
                line,
                f"cell {cell.coordinate} is not text; format it as text and type it again",
                str(value),
                cell.column,
            )
        )
        return ""
    # A number shown with leading zeros (format 00000) is a code that Excel took for a number.
    shown_as = cell.number_format or ""
    width = len(shown_as) if set(shown_as) == {"0"} else 0
    return str(int(value)).zfill(width)


def csv_content(lines: Iterable[Sequence[str]]) -> bytes:
    """The lines as a CSV file; the byte order mark makes Excel read it as UTF-8."""
    return "".join(csv_line(line) + "\r\n" for line in lines).encode("utf-8-sig")


def write_csv(path: Path, lines: Iterable[Sequence[str]]) -> None:
    """Write a CSV file: all of it or nothing, with the permissions of the file it replaces.

    Raises OSError when the place cannot be written.
    """
    content = csv_content(lines)
    target = path.resolve()
    fresh = target.with_name(f".{target.name}.{os.getpid()}.new")
    try:
        # The owner's alone from its first byte, and where there was no file before.
        with os.fdopen(
            os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600), "wb"
        ) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, fresh)
        fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)


def workbook_content(lines: Sequence[Sequence[str]], widths: Sequence[int]) -> bytes:
    """An Excel sheet of text cells, its first line fixed and with filters; nothing in it is ever run.

    Raises UnusableFile without the package that writes Excel files.
    """
    try:
        openpyxl: Any = importlib.import_module("openpyxl")
    except ImportError as error:
        raise UnusableFile(
            "writing Excel files needs one more package: pip install 'stsync[xlsx]' - or name a file that ends with .csv"
        ) from error
    book = openpyxl.Workbook()
    sheet = book.active
    for number, line in enumerate(lines, start=1):
        for column, text in enumerate(line, start=1):
            cell = sheet.cell(number, column, spreadsheet_safe(text))
            cell.data_type, cell.number_format = "s", "@"
    for column, width in enumerate(widths, start=1):
        sheet.column_dimensions[openpyxl.utils.get_column_letter(column)].width = width
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = sheet.dimensions
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()
