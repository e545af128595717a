"""Files that a person reviews in a spreadsheet: a line to decide about, and what stands beside it to decide by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from stsync.config.sheet import Fault, UnusableFile, csv_content, read_rows, workbook_content
from stsync.core.text import plain
from stsync.credentials.private_files import write_private
from stsync.errors import UsageError

_ENDINGS = (".csv", ".xlsx")


@dataclass(frozen=True)
class Line:
    """One line of a reviewed file: its number in the file, what was decided, and the columns that are read."""

    number: int
    decision: str
    cells: dict[str, str]


def check_place(file: Path, *, force: bool) -> None:
    """Refuse a file that cannot be written or read back, before both systems are read for it. Raises UsageError."""
    if file.suffix.lower() not in _ENDINGS:
        raise UsageError(
            "file-not-written",
            f"{file} cannot be written: only .csv and .xlsx can be read back when you have filled it in.",
            hint=f"Name it for example {file.with_suffix('.csv')}",
        )
    if file.exists() and not force:
        raise UsageError("file-exists", f"{file} exists already.", hint="Name another file, or write over it: --force")
    if not file.absolute().parent.is_dir():
        raise UsageError(
            "file-not-written",
            f"{file} cannot be written: there is no folder {file.absolute().parent}.",
            hint="Make the folder, or name another place with --out.",
        )


def write_review(file: Path, columns: Sequence[str], lines: Iterable[Sequence[str]], *, force: bool) -> None:
    """Write the file, as CSV or, by its ending, as an Excel sheet, whole or not at all. Raises UsageError.

    It is its owner's alone: customers' names, addresses and telephones stand in it.
    """
    check_place(file, force=force)
    safe = [tuple(columns), *(tuple(plain(cell) for cell in line) for line in lines)]
    try:
        if file.suffix.lower() == ".xlsx":
            widths = [min(40, max(len(line[at]) for line in safe[:200]) + 2) for at in range(len(columns))]
            content = workbook_content(safe, widths)
        else:
            content = csv_content(safe)
        write_private(file.absolute(), content)
    except UnusableFile as unusable:
        raise UsageError("file-not-written", f"{file} cannot be written: {unusable}.") from unusable
    except OSError as error:
        raise UsageError("file-not-written", f"{file} cannot be written: {error.strerror or error}.") from error


def read_review(file: Path, needed: Sequence[str], decisions: Sequence[str]) -> tuple[list[Line], dict[str, str]]:
    """The decided lines, and what is wrong with the others, by line; a line without a decision is left for later.

    `needed` are the columns that are read beside `decision`; what stands in others is for people and may be anything.
    """
    faults: list[Fault] = []
    try:
        rows = read_rows(file, faults)
        at = _columns(rows[0][1] if rows else [], ("decision", *needed))
    except UnusableFile as unusable:
        return [], {str(file): str(unusable)}
    read = {column + 1 for column in at.values()}
    problems = {f"line {one.line}": one.sentence for one in faults if one.column in read}
    lines: list[Line] = []
    for number, cells in rows[1:]:
        values = {name: cells[column].strip() if column < len(cells) else "" for name, column in at.items()}
        decision = values.pop("decision").lower()
        if decision and decision not in decisions:
            problems[f"line {number}"] = f"'{decision}' is no decision; it is one of {', '.join(decisions)}, or empty"
        elif decision and f"line {number}" not in problems:
            lines.append(Line(number, decision, values))
    return lines, problems


def _columns(header: Sequence[str], needed: Sequence[str]) -> dict[str, int]:
    names = [cell.strip().lower().replace(" ", "_") for cell in header]
    missing = [name for name in needed if name not in names]
    if missing:
        raise UnusableFile(f"the first line has to name the columns {', '.join(needed)}; {missing[0]} is missing")
    return {name: names.index(name) for name in needed}
