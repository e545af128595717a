"""`stsync reconcile`: ServiceTitan's month against Business Central's own numbers, to the cent."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stsync.cli.options import ConfigOption, JsonOption, QuietOption, answering
from stsync.cli.workbookfile import check_workbook, write_workbook
from stsync.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from stsync.books.values import Period

Month = Annotated[
    str | None,
    typer.Option("--month", metavar="YYYY-MM", help="A calendar month, such as 2026-06.", show_default=False),
]
From = Annotated[
    datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day.", show_default=False)
]
To = Annotated[
    datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="The last day, included.", show_default=False)
]
Everything = Annotated[bool, typer.Option("--all", help="List every record behind a figure, not only the first ones.")]
Xlsx = Annotated[
    Path | None,
    typer.Option(
        "--xlsx", metavar="FILE", help="Also write an Excel workbook with live sums, to be filed.", show_default=False
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Replace the workbook if it is there already.")]

EPILOG = (
    "For example at month-end:  stsync reconcile --month 2026-06   -   exit code 0 only if every cent is explained."
)


@answering
def reconcile(
    month: Month = None,
    first: From = None,
    last: To = None,
    everything: Everything = False,
    xlsx: Xlsx = None,
    force: Force = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> ExitCode:
    """Compare ServiceTitan's month with Business Central's general ledger, and explain every difference.

    For the accountant at month-end. It reads Business Central's own entries, and ServiceTitan's documents as the last
    run has read them; it writes nothing in either system.
    """
    from stsync.books.reading import reconcile as compare
    from stsync.state import State
    from stsync.wiring import wire

    period = period_of(month, first, last)
    check_workbook(xlsx, force=force)
    wiring = wire(config)
    with State.open_scratch(wiring.state_path) as state:
        state.check_pin(wiring.pin)
        books = wiring.systems(read_only=True).books
        result = compare(period, state=state, books=books, config=wiring.config, choices=wiring.choices)
    from stsync.books.doubts import proved
    from stsync.cli.tieoutreport import report

    if xlsx is not None:
        write_workbook(xlsx, result, wiring)
    report(result, wiring.banner(), everything=everything, workbook=xlsx)
    return ExitCode.OK if proved(result) else ExitCode.HELD


def period_of(month: str | None, first: datetime | None, last: datetime | None) -> Period:
    """The days that these options mean. Raises UsageError."""
    from stsync.books.values import Period
    from stsync.books.values import month as month_of

    if month is not None and first is None and last is None:
        try:
            return month_of(month)
        except ValueError:
            raise UsageError(
                "month-unreadable", f"{month!r} is not a month.", hint="Write it like --month 2026-06."
            ) from None
    if month is not None or first is None or last is None:
        raise UsageError(
            "period-missing",
            "Say which days to compare: either a month, or the first and the last day.",
            hint="For example: --month 2026-06, or --from 2026-06-01 --to 2026-06-15.",
        )
    if last < first:
        raise UsageError("period-backwards", "The last day lies before the first.", hint="Swap --from and --to.")
    return Period(first.date(), last.date())
