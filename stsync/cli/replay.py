"""`stsync replay`: put records back in the queue. It sends nothing; the next sync takes them, through the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from stsync.cli.console import OUTPUT, Column, counted, emit_json, money, say, table
from stsync.cli.options import ConfigOption, JsonOption, QuietOption, answering
from stsync.errors import UsageError

if TYPE_CHECKING:
    from stsync.state import InboxRow, State
    from stsync.wiring import Wiring

# What failed: refused or held until somebody mends it. A waiting record is taken only when it is named.
_FAILED = ("dead", "held")
_NAMED = ("dead", "held", "waiting")


@answering
def replay(
    stage: Annotated[
        str | None,
        typer.Option(
            "--stage",
            help="Only customers, invoices, credit-memos, payments, items or write-backs.",
            show_default=False,
        ),
    ] = None,
    record: Annotated[
        str | None,
        typer.Option("--id", metavar="ID", help="Only this record: its number or ServiceTitan id.", show_default=False),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show which records it would be; change nothing.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Put failed records back in the queue: all that are held or dead, or one stage, or one record.

    For the accountant, after mending what was wrong. Nothing is sent now: the next sync takes them, with their
    attempts forgotten. What is in Business Central already is never sent again: replay does not go around the ledger.

    Examples: stsync replay, stsync replay --stage payments, stsync replay --id 10482
    """
    from contextlib import nullcontext

    from stsync.state import RunLock, State
    from stsync.wiring import wire

    wiring = wire(config)
    kinds = _kinds(stage)
    reading = dry_run or not wiring.state_path.exists()
    lock = nullcontext() if reading else RunLock(wiring.state_path, command="stsync replay")
    with lock, (State.open_scratch if reading else State.open)(wiring.state_path) as state:
        state.check_pin(wiring.pin)
        rows = [_named(state, kinds, record)] if record is not None else _failed(state, kinds)
        rows = [row for row in rows if row.state in (_NAMED if record is not None else _FAILED)]
        if not dry_run:
            _requeue(state, rows)
    _tell(wiring, rows, dry_run=dry_run, one=record)


def _kinds(stage: str | None) -> tuple[str, ...]:
    from stsync.reports.words import KINDS, kind_named

    if stage is None:
        return KINDS
    kind = kind_named(stage)
    if kind is None:
        raise UsageError("stage-unknown", f"There is no stage '{stage}'.", hint=f"It is one of: {', '.join(KINDS)}.")
    return (kind,)


def _failed(state: State, kinds: tuple[str, ...]) -> list[InboxRow]:
    return [row for kind in kinds for row in state.inbox.rows(kind, _FAILED)]


def _named(state: State, kinds: tuple[str, ...], wanted: str) -> InboxRow:
    from stsync.reports.find import find_among

    return find_among(state, kinds, wanted, hint="Say which one with --stage, for example --stage invoices")


def _requeue(state: State, rows: list[InboxRow]) -> None:
    """Each record, and why it had stopped, goes into the audit in the same commit."""
    from stsync.state.lock import user_name

    operator = user_name()
    with state.transaction():
        for row in rows:
            state.inbox.replay(kind=row.kind, source_id=row.source_id, states=_NAMED)
            reason = row.reason.message if row.reason else ""
            detail = {"operator": operator, "state": row.state, "attempts": row.attempts, "reason": reason}
            state.audit.append("replayed", run_id="", stage=row.kind, source_id=row.source_id, detail=detail)


def _tell(wiring: Wiring, rows: list[InboxRow], *, dry_run: bool, one: str | None) -> None:
    from stsync.reports.words import NOUNS

    if OUTPUT.json:
        emit_json({"systems": wiring.banner(), "dry_run": dry_run, "requeued": [_document(row) for row in rows]})
        return
    say(wiring.banner())
    if not rows:
        say(
            f"'{one}' is not held, dead or waiting, so there is nothing to put back; stsync trace tells its life."
            if one is not None
            else "Nothing is held or dead: there is nothing to put back."
        )
        return
    columns = [Column("what"), Column("number"), Column("name"), Column("amount", right=True), Column("it was")]
    cells = [
        (NOUNS[row.kind], row.number or row.source_id, row.customer_name or "", money(row.amount), row.state)
        for row in rows
    ]
    table("Would be put back in the queue" if dry_run else "Put back in the queue", columns, cells)
    if dry_run:
        say(f"{counted(len(rows), 'record')}. This was a dry run: nothing was changed.")
    else:
        say(f"{counted(len(rows), 'record')}. Nothing was sent; the next sync takes them: stsync sync --dry-run")


def _document(row: InboxRow) -> dict[str, object]:
    return {
        "stage": row.kind,
        "source_id": row.source_id,
        "number": row.number,
        "amount": row.amount,
        "was": row.state,
        "attempts": row.attempts,
        "reason": row.reason.message if row.reason else "",
    }
