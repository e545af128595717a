"""`stsync bills`: the inventory bills of ServiceTitan, listed and exported; never written to."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stsync.cli.options import ConfigOption, JsonOption, QuietOption, answering
from stsync.cli.reconcile import From, Month, To
from stsync.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from datetime import date

    from stsync.core.source.bill import Bill
    from stsync.stages.bills import Unreadable
    from stsync.wiring import Wiring

Vendor = Annotated[
    str | None, typer.Option("--vendor", metavar="NAME", help="One vendor: a part of the name, or its number.")
]
Csv = Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write the list into a CSV file.")]
Since = Annotated[
    datetime | None, typer.Option("--since", formats=["%Y-%m-%d"], help="Read the bills again from this day.")
]
NoRead = Annotated[bool, typer.Option("--no-read", help="List what was read before; ask ServiceTitan nothing.")]

EPILOG = "Example: stsync bills --month 2026-06 --csv june-bills.csv"


@answering
def bills(
    month: Month = None,
    first: From = None,
    last: To = None,
    vendor: Vendor = None,
    csv: Csv = None,
    since: Since = None,
    no_read: NoRead = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> ExitCode:
    """List inventory bills, with the bills that replaced others after a purchase order was edited.

    For whoever enters bills in Business Central. It reads ServiceTitan's bills and keeps every version of them in the
    state file; it writes nothing in either system.
    """
    from stsync.cli.billreport import report, write_csv
    from stsync.stages.bills import listing
    from stsync.wiring import wire

    days = _days(month, first, last)
    wiring = wire(config)
    found, unreadable = _known(wiring) if no_read else _read(wiring, since.date() if since else None)
    listed = listing(found, first=days[0], last=days[1], vendor=vendor or "")
    if csv is not None:
        write_csv(csv, listed, unreadable)
    report(listed, unreadable, wiring.banner(), csv=csv)
    return ExitCode.HELD if unreadable else ExitCode.OK


def _days(month: str | None, first: datetime | None, last: datetime | None) -> tuple[date | None, date | None]:
    """The first and the last day; either may be open. Raises UsageError."""
    from stsync.cli.reconcile import period_of

    if month is not None or (first is not None and last is not None):
        period = period_of(month, first, last)
        return period.first, period.last
    return first.date() if first else None, last.date() if last else None


def _known(wiring: Wiring) -> tuple[list[Bill], list[Unreadable]]:
    from stsync.engine.bills import known_bills
    from stsync.state import State

    with State.open_reading(wiring.state_path) as state:
        state.check_pin(wiring.pin)
        return known_bills(state)


def _read(wiring: Wiring, since: date | None) -> tuple[list[Bill], list[Unreadable]]:
    from stsync.engine.bills import known_bills, read_bills
    from stsync.engine.read import FIRST_READ_MARGIN
    from stsync.http.outcomes import Refused
    from stsync.state import RunLock, State

    with RunLock(wiring.state_path, command="stsync bills"), State.open(wiring.state_path) as state:
        state.pin(wiring.pin)
        # Sessions that refuse to write: that a bill is never written to does not hang on this command's good will.
        servicetitan = wiring.systems(read_only=True).servicetitan
        start = wiring.config.go_live - FIRST_READ_MARGIN
        try:
            read_bills(servicetitan, state, start=start, since=since, now=lambda: datetime.now(UTC))
        except Refused as error:
            raise UsageError(
                "bills-not-readable",
                "ServiceTitan does not let stsync read inventory bills.",
                hint="Check that the app's version includes tn.acc.inventorybills:r. What was read before is listed with: "
                "stsync bills --no-read",
                note=error.text,
            ) from error
        return known_bills(state)
