"""`stsync applied`: a person says that a posted entry was applied in Business Central. Nothing is sent."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from stsync.cli.console import OUTPUT, Column, counted, emit_json, insist, money, say, table
from stsync.cli.options import ConfigOption, JsonOption, QuietOption, answering
from stsync.cli.remembered import remembered
from stsync.cli.trace import kind_of
from stsync.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stsync.reports.toapply import Choice
    from stsync.state import InboxRow, State
    from stsync.wiring import Wiring

EPILOG = "For example, after applying last month's refunds:  stsync applied payments --refunds --through 2026-06-30"


@answering
def applied(
    kind: Annotated[str, typer.Argument(help="What it is: payment, invoice or credit-memo.")],
    records: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID]...", help="Their numbers in ServiceTitan or Business Central, or their ids."),
    ] = None,
    through: Annotated[
        datetime | None,
        typer.Option("--through", formats=["%Y-%m-%d"], help="All that are listed and dated up to this day."),
    ] = None,
    refunds: Annotated[bool, typer.Option("--refunds", help="With --through: only money that was paid back.")] = False,
    reason: Annotated[str, typer.Option("--reason", help="A word for the auditor, if there is something to say.")] = "",
    undo: Annotated[bool, typer.Option("--undo", help="Take it back: the next sync looks at the books again.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Say that you have applied posted entries to each other in Business Central, so that they need nobody any more.

    For the accountant, after working through: stsync held --to-apply. Nothing is sent. What Business Central shows by
    itself (an invoice that is closed now) needs no such word. If the record changes in ServiceTitan afterwards, the next
    sync looks at it again.
    """
    from stsync.reports.toapply import Choice, set_applied, take_back
    from stsync.state.lock import user_name
    from stsync.wiring import wire

    stage = kind_of(kind)
    if bool(records) == bool(through) or (refunds and through is None) or (undo and through is not None):
        raise UsageError(
            "records-unnamed",
            "Say which records were applied: their numbers, or --through with a day.",
            hint="For example: stsync applied payment 82000028   or   stsync applied payments --through 2026-06-30",
        )
    wiring = wire(config)
    choice = Choice(through.date() if through else None, refunds)
    with remembered(wiring, "stsync applied") as state:
        rows = _named(state, stage, records or (), choice)
        (take_back if undo else set_applied)(state, rows, operator=user_name(), reason=reason.strip())
    _tell(wiring, rows, undo=undo)


def _named(state: State, stage: str, records: Sequence[str], choice: Choice) -> list[InboxRow]:
    from stsync.reports.find import find_record
    from stsync.reports.toapply import to_apply

    if not records:
        return to_apply(state, (stage,), choice)
    found = {row.source_id: row for row in (find_record(state, stage, one) for one in records)}
    return list(found.values())


def _tell(wiring: Wiring, rows: Sequence[InboxRow], *, undo: bool) -> None:
    from stsync.reports.words import NOUNS

    if OUTPUT.json:
        outcome = "requeued" if undo else "posted"
        told = [{"stage": row.kind, "source_id": row.source_id, "outcome": outcome} for row in rows]
        emit_json({"systems": wiring.banner(), "records": told})
        return
    say(wiring.banner())
    if not rows:
        say("There was nothing to be applied; nothing was noted.")
        return
    for row in rows:
        say(
            f"{NOUNS[row.kind].capitalize()} {row.number or row.source_id}, {money(row.amount)}: {row.customer_name or ''}"
        )
    records = counted(len(rows), "record")
    if undo:
        say(f"{records} in the queue again. Nothing was sent; the next sync looks at the books.")
    else:
        say(f"{records} noted as applied by hand. Nothing was sent. To take one back: add its number and --undo")


def show_to_apply(rows: Sequence[InboxRow]) -> None:
    """The list of what is right in the books and open there until a person applies it."""
    if not rows:
        say("Nothing is to be applied by a person.")
        return
    insist(f"\nTo be applied by you in Business Central, page Customer Ledger Entries: {counted(len(rows), 'record')}.")
    say(
        "They are in the books; nothing was refused. Those that Business Central then shows as closed leave by themselves."
    )
    columns = [Column("number"), Column("customer"), Column("date"), Column("amount", right=True), Column("what")]
    table(
        "",
        columns,
        [
            (
                *(row.number or row.source_id, row.customer_name or "", row.on or ""),
                *(money(row.amount), row.reason.message if row.reason else ""),
            )
            for row in rows
        ],
        needed=True,
    )
    say("When it is done: stsync applied payment NUMBER")
