"""`stsync ignore`: a person says that a record was dealt with by hand. Nothing is sent; the audit keeps who and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from stsync.cli.console import OUTPUT, emit_json, money, say
from stsync.cli.options import ConfigOption, JsonOption, QuietOption, answering
from stsync.cli.remembered import remembered
from stsync.cli.trace import kind_of
from stsync.errors import UsageError

if TYPE_CHECKING:
    from stsync.state import InboxRow
    from stsync.wiring import Wiring

EPILOG = (
    'For example, after entering a credit:  stsync ignore invoice 10482 --reason "credit memo SCM-1017 entered by LW"'
)


@answering
def ignore(
    kind: Annotated[
        str, typer.Argument(help="What it is: invoice, credit-memo, payment, customer, item or write-back.")
    ],
    record: Annotated[
        str,
        typer.Argument(metavar="ID", help="Its number in ServiceTitan, or its id (for an item, its number)."),
    ],
    reason: Annotated[
        str, typer.Option("--reason", help="What was done by hand, and where; it is kept for the auditor.")
    ] = "",
    undo: Annotated[
        bool, typer.Option("--undo", help="Take it back: the next sync looks at the record again.")
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Say that a held, dead or waiting record was dealt with by hand, so that it needs nobody any more.

    For the accountant, after entering a credit, a refund or a correction in Business Central. Nothing is sent. If the
    record changes in ServiceTitan afterwards, the next sync looks at it again. See them with: stsync held --ignored
    """
    from stsync.reports.byhand import put_back, set_aside
    from stsync.reports.find import find_record
    from stsync.state.lock import user_name
    from stsync.wiring import wire

    stage, why = kind_of(kind), reason.strip()
    if not (why or undo):
        raise UsageError(
            "reason-missing",
            "Say what was done by hand, so that the next person and the auditor know.",
            hint='For example: --reason "credit memo SCM-1017 entered in Business Central"',
        )
    wiring = wire(config)
    with remembered(wiring, "stsync ignore") as state:
        row = find_record(state, stage, record)
        (put_back if undo else set_aside)(state, row, operator=user_name(), reason=why)
    _tell(wiring, row, undo=undo)


def _tell(wiring: Wiring, row: InboxRow, *, undo: bool) -> None:
    from stsync.reports.words import NOUNS

    if OUTPUT.json:
        outcome = "requeued" if undo else "by_hand"
        emit_json({"systems": wiring.banner(), "stage": row.kind, "source_id": row.source_id, "outcome": outcome})
        return
    say(wiring.banner())
    amount = (
        f", {money(row.amount)}"
        if row.amount is not None and row.kind in {"invoices", "credit_memos", "payments"}
        else ""
    )
    named = f"{NOUNS[row.kind].capitalize()} {row.number or row.source_id}{amount}"
    if undo:
        say(f"{named} is in the queue again. Nothing was sent; the next sync takes it: stsync sync --dry-run")
        return
    say(f"{named} stands as dealt with by hand. Nothing was sent. To take it back: add --undo")
