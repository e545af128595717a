"""The only place that prints. People read standard output; problems and progress go to standard error.

Everything that came from outside is data: control characters are taken out before a terminal sees
them, and rich never reads markup in it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from rich.console import Console

    from stsync.errors import StsyncError


@dataclass
class Output:
    """How this invocation speaks: set once from the options; `width` is for tables that somebody else will print."""

    json: bool = False
    quiet: bool = False
    width: int | None = None


OUTPUT = Output()


def clean(text: str) -> str:
    """Text that cannot steer a terminal: control and direction characters become a visible placeholder."""
    return "".join("�" if _steers(character) else character for character in text)


def _steers(character: str) -> bool:
    code = ord(character)
    return (
        (code < 32 and character not in "\n\t")
        or 127 <= code < 160
        or code in {0x061C, 0x200E, 0x200F, 0x2028, 0x2029}
        or code in range(0x202A, 0x202F)
        or code in range(0x2066, 0x206A)
    )


def one_line(text: str) -> str:
    """A name from outside beside other words: a line break in it must not look like a line of ours."""
    return " ".join(text.split())


def say(text: str = "") -> None:
    """Print a line for a person; nothing when they asked for --quiet or --json."""
    if not (OUTPUT.quiet or OUTPUT.json):
        sys.stdout.write(clean(text) + "\n")


def insist(text: str) -> None:
    """Print a line that needs a person, also under --quiet."""
    if not OUTPUT.json:
        sys.stdout.write(clean(text) + "\n")


def emit_json(value: Any) -> None:
    """Print one JSON document; amounts are text so that no reader turns them into binary fractions.

    Only ASCII: it is the same document in every encoding of the output, and no name in it can steer a terminal.
    """
    json.dump(value, sys.stdout, indent=2, ensure_ascii=True, default=_plain)
    sys.stdout.write("\n")


def pass_on(text: str) -> None:
    """Print what another process of ours made to be printed, as it is."""
    sys.stdout.write(text)


class Listed(list[Any]):
    """A list for emit_json whose entries are made one by one while it is printed: nobody holds all of them."""

    def __init__(self, entries: Callable[[], Iterable[Any]]) -> None:
        self._entries = entries

    def __iter__(self) -> Iterator[Any]:
        return iter(self._entries())

    def __bool__(self) -> bool:
        return next(iter(self), None) is not None


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    return str(value)


@dataclass(frozen=True)
class Column:
    """A table column; amounts and counts stand to the right."""

    name: str
    right: bool = False


def table(title: str, columns: Sequence[Column], rows: Iterable[Sequence[str]], *, needed: bool = False) -> None:
    """Print a table for a person (`needed`: also under --quiet)."""
    if OUTPUT.json or (OUTPUT.quiet and not needed):
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    drawn = Table(title=Text(clean(title), style="bold"), box=SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for column in columns:
        drawn.add_column(Text(column.name), justify="right" if column.right else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(clean(cell)) for cell in row))
    console().print(drawn)


def console() -> Console:
    """Rich's console on standard output, wide enough for tables in a log file."""
    from rich.console import Console

    width = OUTPUT.width or (None if sys.stdout.isatty() else 140)
    return Console(width=width, highlight=False, soft_wrap=False)


def money(amount: Decimal | None) -> str:
    """An amount as a bookkeeper writes it: 1,234.50."""
    return "" if amount is None else f"{amount:,.2f}"


def counted(count: int, one: str, many: str = "") -> str:
    """1 invoice, 2 invoices, 1,200 invoices."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def fail(error: StsyncError) -> NoReturn:
    """Tell a person what stopped the command, and leave with the exit code that a scheduler reads."""
    if OUTPUT.json:
        emit_json({"error": _error_document(error), "exit_code": int(error.exit_code)})
    else:
        sys.stderr.write(clean(_error_text(error)) + "\n")
    raise SystemExit(int(error.exit_code))


def _error_text(error: StsyncError) -> str:
    lines = [f"stsync: {error.message}"]
    lines += [f"  {line}" for line in _problem_lines(error)]
    lines += [f"  {name}: {value}" for name, value in error.context.items()]
    if error.note:
        lines.append(f"  They said: {error.note}")
    if error.hint:
        lines.append(f"  What to do: {error.hint}")
    lines.append(f"  ({error.reference}, exit code {int(error.exit_code)})")
    return "\n".join(lines)


def _problem_lines(error: StsyncError) -> list[str]:
    from stsync.errors import ConfigError

    if not isinstance(error, ConfigError):
        return []
    return [
        f"{error.file}:{problem.line}:{problem.column}: {problem.path}{': ' * bool(problem.path)}{problem.message}"
        + (f" - did you mean '{problem.suggestion}'?" if problem.suggestion else "")
        for problem in error.problems
    ]


def _error_document(error: StsyncError) -> dict[str, object]:
    from stsync.errors import ConfigError

    document: dict[str, object] = {
        "reference": error.reference,
        "message": error.message,
        "hint": error.hint,
        "note": error.note,
        "context": error.context,
    }
    if isinstance(error, ConfigError):
        document["problems"] = [vars(problem) for problem in error.problems]
    return document
