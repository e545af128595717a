"""`stsync trace` and `stsync audit`: what happened to one record, and everything that was written."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from stsync.cli.console import OUTPUT, Column, counted, emit_json, insist, money, one_line, say, table
from stsync.cli.options import ConfigOption, JsonOption, QuietOption, answering
from stsync.errors import UsageError

if TYPE_CHECKING:
    from stsync.reports.life import Event, Life
    from stsync.state import AuditRow, RunRow, State


@answering
def trace(
    kind: Annotated[
        str, typer.Argument(help="What it is: invoice, credit-memo, payment, customer, item or write-back.")
    ],
    record: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="Its number in ServiceTitan or Business Central, or its id (for an item, its number)."
        ),
    ],
    config: ConfigOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Tell the life of one record: what was read, what was decided and by which rule, what was sent and answered.

    For the accountant who asks "did it make it?", and for an auditor. It reads the state file only.

    Examples: stsync trace invoice 10482, stsync trace payment ST-P82000001, stsync trace customer ST61 --json
    """
    from stsync.reports.find import find_record
    from stsync.reports.life import document, life
    from stsync.state import State
    from stsync.wiring import wire

    stage = kind_of(kind)
    wiring = wire(config)
    with State.open_reading(wiring.state_path) as state:
        state.check_pin(wiring.pin)
        answer = life(state, find_record(state, stage, record))
        runs = {run.run_id: run for run in state.runs.last(100_000)}
    if OUTPUT.json:
        emit_json(document(answer))
    else:
        _show_life(answer, runs)


def kind_of(word: str) -> str:
    """The stage that a person means by a kind. Raises UsageError for another word."""
    from stsync.reports.words import ONE, kind_named

    kind = kind_named(word)
    if kind is None:
        raise UsageError(
            "kind-unknown", f"There is no kind '{word}'.", hint=f"It is one of: {', '.join(ONE.values())}."
        )
    return kind


def _show_life(answer: Life, runs: dict[str, RunRow]) -> None:
    from stsync.reports.standing import amount_of
    from stsync.reports.words import NOUNS

    row = answer.row
    amount = money(amount_of(row)) if row.kind in {"invoices", "credit_memos", "payments"} else ""
    known = [row.customer_name or "", f"dated {row.on}" if row.on else "", amount]
    about = one_line(", ".join(part for part in known if part))
    identity = "Business Central id" if row.kind == "pricebook" else "ServiceTitan id"
    insist(f"{NOUNS[row.kind].capitalize()} {one_line(row.number or row.source_id)} ({identity} {row.source_id})")
    if about:
        insist(f"  {about}")
    if answer.link.exists:
        target = "ServiceTitan" if row.kind == "pricebook" else "Business Central"
        insist(f"  {target}: {answer.number or answer.link.id} (id {answer.link.id})")
    insist(f"  Where it stands: {answer.stands}")
    insist("  What comes next: " + answer.next.replace("\n", "\n    "))
    if row.reason and row.reason.note:
        insist(f"  They said: {row.reason.note}")
    say(f"\n{counted(len(answer.events), 'entry', 'entries')}, oldest first, on this computer's clock:")
    _show_events(answer.events, runs)


def _show_events(events: tuple[Event, ...], runs: dict[str, RunRow]) -> None:
    run_id = ""
    for event in events:
        if event.run_id and event.run_id != run_id:
            run_id = event.run_id
            run = runs.get(run_id)
            by = f"{run.command}, by {run.user} on {run.host}" if run else "another state file's run"
            say(f"\n  Run {run_id}: {by}")
        moment = event.at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        say(f"  {moment}  {event.text}")
        for line in event.lines:
            say(f"{'':23}{line}".replace("\n", "\n" + " " * 23))


@answering
def audit(
    run: Annotated[
        str | None, typer.Option("--run", help="Only this run; 'last' is the newest.", show_default=False)
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option("--since", formats=["%Y-%m-%d"], help="Only from this day on.", show_default=False),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            "--kind", help="Only invoice, credit-memo, payment, customer, item or write-back.", show_default=False
        ),
    ] = None,
    record: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="Only this record; needs --kind.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1_000_000, help="The newest so many rows.")] = 200,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check that no row was ever changed, taken out or put in.")
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Show the audit: every decision and every write, with its ids, oldest first; nothing in it is ever changed.

    For auditors, and for questions to a vendor's support. --verify checks the seal over the whole audit instead;
    exit code 2 when it was broken.

    Examples: stsync audit --run last, stsync audit --kind invoice --id 10482
    """
    from stsync.state import State
    from stsync.wiring import wire

    wiring = wire(config)
    with State.open_reading(wiring.state_path) as state:
        state.check_pin(wiring.pin)
        if verify:
            _tell_verified(state)
            return
        rows, left_out = _chosen(state, run=run, since=since, kind=kind, record=record, limit=limit)
    if OUTPUT.json:
        emit_json({"rows": [_row_document(row) for row in rows], "left_out": left_out})
    else:
        _show_rows(rows, left_out)


def _tell_verified(state: State) -> None:
    count = state.audit.verify()
    if OUTPUT.json:
        emit_json({"rows": count, "intact": True})
        return
    say(f"The audit is intact: {counted(count, 'row')}, each sealed over the row before it.")


def _chosen(
    state: State, *, run: str | None, since: datetime | None, kind: str | None, record: str | None, limit: int
) -> tuple[list[AuditRow], int]:
    """The newest rows that fit, oldest first, and how many older ones were left out."""
    from collections import deque

    from stsync.reports.find import find_record

    if record is not None and kind is None:
        raise UsageError("audit-id-without-kind", "--id needs --kind beside it.", hint="For example: --kind invoice")
    stage = kind_of(kind) if kind is not None else None
    source_id = find_record(state, stage, record).source_id if stage is not None and record is not None else None
    from_moment = _moment(since) if since is not None else None
    chosen: deque[AuditRow] = deque(maxlen=limit)
    count = 0
    one_run = _run(state, run) if run is not None else None
    for row in state.audit.rows(stage=stage, source_id=source_id, since=from_moment):
        if one_run is None or _belongs(row, one_run):
            chosen.append(row)
            count += 1
    return list(chosen), count - len(chosen)


def _moment(day: datetime) -> datetime:
    """The day's beginning on this computer's clock; at the edges of the calendar a clock cannot be shifted."""
    try:
        return day.astimezone()
    except (ValueError, OverflowError):
        return day.replace(tzinfo=UTC)


def _run(state: State, wanted: str) -> RunRow:
    runs = state.runs.last(100_000)
    found = runs[0] if wanted == "last" and runs else next((one for one in runs if one.run_id == wanted), None)
    if found is None:
        raise UsageError(
            "run-unknown",
            f"There was no run '{wanted}'.",
            hint="stsync status --json lists the runs with their ids; --run last is the newest one.",
        )
    return found


def _belongs(row: AuditRow, run: RunRow) -> bool:
    """Requests on the wire are kept without a run; one run works at a time, so their moment tells."""
    if row.run_id:
        return row.run_id == run.run_id
    ends = run.finished_at
    return row.event == "sent" and run.started_at <= row.at and (ends is None or row.at <= ends)


def _show_rows(rows: list[AuditRow], left_out: int) -> None:
    from stsync.reports.entries import sentence

    if not rows:
        say("No rows fit.")
        return
    columns = [Column("no.", right=True), Column("when"), Column("run"), Column("record"), Column("what")]
    cells = [
        (
            str(row.id),
            row.at.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
            row.run_id,
            f"{row.stage} {row.source_id}".strip(),
            "\n".join([sentence(row)[0], *sentence(row)[1]]),
        )
        for row in rows
    ]
    table("Audit, oldest first", columns, cells)
    if left_out:
        say(f"Older rows not shown: {left_out:,}; --limit shows more.")


def _row_document(row: AuditRow) -> dict[str, object]:
    return {
        "id": row.id,
        "at": row.at,
        "run_id": row.run_id,
        "event": row.event,
        "stage": row.stage,
        "source_id": row.source_id,
        "detail": row.detail,
        "hash": row.hash,
    }
