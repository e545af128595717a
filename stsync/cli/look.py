"""`stsync status` and `stsync held`: where everything stands, and what needs a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from stsync.cli.console import OUTPUT, Column, counted, emit_json, insist, money, say, table
from stsync.cli.options import ConfigOption, JsonOption, QuietOption, answering
from stsync.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from stsync.credentials.expiry import Expiry
    from stsync.reports.byhand import ByHand
    from stsync.reports.causes import Cause, Record
    from stsync.reports.standing import RunLine, StageStanding, Standing
    from stsync.wiring import Wiring

# So many records of one cause are listed before --all is needed.
SHOWN = 10
_PART_WORDS = {
    "carried": "carried",
    "to_apply": "in the books, but to be applied by a person there; see: stsync held --to-apply",
    "draft": "left for a person to post in Business Central",
    "by_hand": "dealt with by hand; see: stsync held --ignored",
    "nothing_to_do": "nothing to do",
    "not_ready": "waiting for ServiceTitan to post it",
    "waiting": "waiting for another record",
    "in_doubt": "in doubt: sent, the answer is not known; the next sync looks",
    "held": "HELD for a person; see: stsync held",
    "dead": "DEAD after several refusals; see: stsync held",
    "new": "new, for the next sync",
}


@answering
def status(
    runs: Annotated[int, typer.Option("--runs", min=1, max=1000, help="How many of the last runs to show.")] = 5,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> ExitCode:
    """Show the last runs, how far each feed was read, and where every record stands, with counts and money.

    For the accountant and for whoever looks after the schedule. It reads the state file only: nothing is asked of
    ServiceTitan or Business Central, nothing is changed. Exit code 3 while records are held or dead, else 0.

    Example: stsync status --runs 20
    """
    from datetime import UTC, datetime

    from stsync.reports.standing import document, standing
    from stsync.state import State
    from stsync.wiring import wire

    wiring, now = wire(config), datetime.now(UTC)
    with State.open_reading(wiring.state_path) as state, state.still():
        state.check_pin(wiring.pin)
        answer = standing(state, last_runs=runs)
    expiry = _login_expiry(wiring)
    if OUTPUT.json:
        ends = {"name": expiry.name, "on": expiry.on, "days_left": expiry.days_left(now.date())} if expiry else None
        head = {"systems": wiring.banner(), "state": str(wiring.state_path), "go_live": wiring.config.go_live}
        emit_json({**head, **document(answer, now), "login_expiry": ends})
    else:
        _show_status(wiring, answer, expiry, now)
    return ExitCode.HELD if answer.needs_a_person else ExitCode.OK


def _login_expiry(wiring: Wiring) -> Expiry | None:
    """When Business Central's login ends, as far as it is known; status never fails over it."""
    from pathlib import Path

    from stsync.credentials.expiry import noted_expiry
    from stsync.errors import StsyncError

    certificate = wiring.config.business_central.certificate_file
    try:
        return noted_expiry(wiring.credentials, Path(certificate) if certificate else None)
    except StsyncError:
        return None


def _show_status(wiring: Wiring, answer: Standing, expiry: Expiry | None, now: datetime) -> None:
    say(wiring.banner())
    say(f"State file {wiring.state_path}; documents dated from {wiring.config.go_live} on.")
    if not answer.runs:
        say("\nNothing has been run yet. Start with: stsync sync --dry-run")
    _show_runs(answer.runs)
    _show_cursors(answer, now)
    _show_stages(wiring, answer)
    _show_alarms(answer, expiry, now)


def _show_runs(runs: tuple[RunLine, ...]) -> None:
    from stsync.reports.words import local

    if not runs:
        return
    columns = [Column("when"), Column("command"), Column("by"), Column("ended"), Column("carried")]
    rows = [
        (
            local(line.run.started_at),
            line.run.command,
            f"{line.run.user} on {line.run.host}",
            line.ended if line.run.exit_code is None else f"{line.run.exit_code}: {line.ended}",
            _carried(line),
        )
        for line in runs
    ]
    table("Last runs, newest first", columns, rows)


def _carried(line: RunLine) -> str:
    from stsync.reports.words import NOUNS

    parts = [counted(total.records, NOUNS.get(stage, stage)) for stage, total in line.carried.items() if total.records]
    amounts = [money(total.amount) for total in line.carried.values() if total.amount]
    return ", ".join(parts) + (f" ({' / '.join(amounts)})" if amounts else "") or "nothing"


def _show_cursors(answer: Standing, now: datetime) -> None:
    from stsync.reports.words import ago, local

    if answer.cursors:
        rows = [(one.feed, local(one.read_at), ago(one.read_at, now)) for one in answer.cursors]
        table("Read so far", [Column("feed"), Column("read at"), Column("how long ago")], rows)


def _show_stages(wiring: Wiring, answer: Standing) -> None:
    if answer.unread:
        insist(answer.unread)
    columns = [Column("stage"), Column("where it stands"), Column("records", right=True), Column("amount", right=True)]
    rows: list[tuple[str, str, str, str]] = []
    for stage in answer.stages:
        if stage.read.records:
            rows += _stage_rows(wiring, stage)
    if not rows:
        return
    table("Where every record stands", columns, rows)
    if answer.contacts:
        say(f"Contacts read: {answer.contacts:,}; they belong to their customers and are not counted above.")
    if answer.adds_up:
        say("Every record read stands in exactly one line; the lines add up to what was read, in number and money.")
    else:
        insist("The lines above do NOT add up to what was read. This is a bug in stsync; please report it.")


def _stage_rows(wiring: Wiring, stage: StageStanding) -> list[tuple[str, str, str, str]]:
    from stsync.reports.standing import PARTS, part_of
    from stsync.reports.words import STAGES, outcome_words

    amounts = stage.stage in {"invoices", "credit_memos", "payments"}
    name = STAGES.get(stage.stage, stage.stage)
    last = "= documents in the books" if stage.stage == "write_backs" else f"= {name} read"
    rows = [("", last, f"{stage.read.records:,}", money(stage.read.amount) if amounts else "")]
    for part in reversed(PARTS):
        total = stage.parts[part]
        if not total.records:
            continue
        words = _PART_WORDS[part]
        if part == "new" and stage.stage == "customers" and wiring.config.customers.transfer == "with_documents":
            words = "without documents, so left out (customers.transfer)"
        kinds = [one for one in stage.outcomes if part_of("settled", one) == part]
        if part == "nothing_to_do" or (part == "carried" and len(kinds) > 1):
            words += ": " + ", ".join(f"{stage.outcomes[one].records:,} {outcome_words(one)}" for one in kinds)
        rows.append(("", words, f"{total.records:,}", money(total.amount) if amounts else ""))
    rows.reverse()
    return [(name, *rows[0][1:]), *rows[1:]]


def _show_alarms(answer: Standing, expiry: Expiry | None, now: datetime) -> None:
    from stsync.reports.words import local

    for line in answer.runs:
        if line.cut_off:
            insist(
                f"The run of {local(line.run.started_at)} ({line.run.command}) was cut off before its end. What it had "
                "sent by then is recorded; the next sync looks in Business Central before it repeats anything."
            )
    if answer.loose:
        last = answer.loose[-1]
        say(
            f"{counted(len(answer.loose), 'write')} beside the records above went out without a known answer, the last "
            f"one: {last.verb} {last.natural_key}. The records in it are looked up one by one."
        )
    if expiry is not None and expiry.due(now.date()):
        insist(expiry.sentence(now.date()))
    elif expiry is not None:
        say(expiry.sentence(now.date()))
    if answer.needs_a_person:
        insist(f"{counted(answer.needs_a_person, 'record needs', 'records need')} a person. See: stsync held")


@answering
def held(
    stage: Annotated[
        str | None,
        typer.Option(
            "--stage",
            help="Only customers, invoices, credit-memos, payments, items or write-backs.",
            show_default=False,
        ),
    ] = None,
    waiting: Annotated[bool, typer.Option("--waiting", help="Also show what waits and needs nobody.")] = False,
    ignored: Annotated[bool, typer.Option("--ignored", help="Also show what was dealt with by hand.")] = False,
    to_apply: Annotated[
        bool, typer.Option("--to-apply", help="Also show what is in the books and has to be applied there by you.")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help=f"List all records, not {SHOWN} for each cause.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> ExitCode:
    """List what is not in the books and needs a person: by cause, the one with the most money first.

    For the accountant. Each cause says what happened, what it means for the books, what to do (with the exact lines
    to add to the configuration), and which records it stops. Exit code 3 while there are any, else 0.

    Example: stsync held --stage payments --all
    """
    from stsync.cli.applied import show_to_apply
    from stsync.reports import byhand, toapply
    from stsync.reports.causes import causes, document, not_ready
    from stsync.reports.standing import queued
    from stsync.reports.words import KINDS
    from stsync.state import State
    from stsync.wiring import wire

    wiring = wire(config)
    stages: tuple[str, ...] = (_stage(stage),) if stage else KINDS
    with State.open_reading(wiring.state_path) as state, state.still():
        state.check_pin(wiring.pin)
        found = causes(state, ("held",), stages)
        dead = causes(state, ("dead",), stages)
        waits = [*causes(state, ("waiting",), stages), *not_ready(state, stages)] if waiting else []
        put_aside = byhand.by_hand(state, stages) if ignored else []
        applicable = toapply.to_apply(state, stages) if to_apply else []
        ahead = queued(state, stages, with_documents=wiring.config.customers.transfer == "with_documents")
    if OUTPUT.json:
        groups = {"held": found, "dead": dead, **({"waiting": waits} if waiting else {})}
        told = {name: [document(cause) for cause in group] for name, group in groups.items()}
        by_hand = {"ignored": [byhand.document(one) for one in put_aside]} if ignored else {}
        by_you = {"to_apply": [toapply.document(one) for one in applicable]} if to_apply else {}
        emit_json({**told, **by_hand, **by_you, "queued": ahead})
        return ExitCode.HELD if found or dead else ExitCode.OK
    _show_causes(found, dead, waits, ahead, everything=everything)
    if waiting and not waits:
        say("Nothing is waiting.")
    if ignored:
        _show_by_hand(put_aside)
    if to_apply:
        show_to_apply(applicable)
    return ExitCode.HELD if found or dead else ExitCode.OK


def _stage(word: str) -> str:
    from stsync.reports.words import KINDS, kind_named

    kind = kind_named(word)
    if kind is None:
        raise UsageError("stage-unknown", f"There is no stage '{word}'.", hint=f"It is one of: {', '.join(KINDS)}.")
    return kind


def _show_causes(found: list[Cause], dead: list[Cause], waits: list[Cause], ahead: int, *, everything: bool) -> None:
    if not found and not dead:
        say(_nothing_held(ahead))
    shown: set[str] = set()
    if found:
        records = sum(len(cause.records) for cause in found)
        insist(f"Held: {counted(records, 'record')}, {counted(len(found), 'cause')}, most money first.")
        say("Once the cause is mended, the next sync takes them by itself.")
    for number, cause in enumerate(found, start=1):
        _show_cause(f"{number}.", cause, shown, everything=everything)
    if dead:
        insist("\nDead: refused several times and put aside. After mending the cause, run: stsync replay")
    for number, cause in enumerate(dead, start=1):
        _show_cause(f"{number}.", cause, shown, everything=everything)
    if ahead and (found or dead):
        say(f"\nBesides, {counted(ahead, 'record is', 'records are')} queued for the next sync.")
    if waits:
        say("\nWaiting: nothing to do, these follow by themselves.")
    for number, cause in enumerate(waits, start=1):
        _show_cause(f"{number}.", cause, shown, everything=everything)


def _show_by_hand(put_aside: list[ByHand]) -> None:
    from stsync.reports.words import NOUNS, local

    if not put_aside:
        say("Nothing was dealt with by hand.")
        return
    names = ("what", "number", "customer", "date", "amount", "by", "when", "what was done", "it was held because")
    rows = [
        (
            *(NOUNS[one.row.kind], one.row.number or one.row.source_id, one.row.customer_name or "", one.row.on or ""),
            *(money(one.row.amount), one.by, local(one.at), one.why, one.cause),
        )
        for one in put_aside
    ]
    table("Dealt with by hand", [Column(name, right=name == "amount") for name in names], rows)
    say("To put one back in the queue: stsync ignore KIND ID --undo")


def _nothing_held(ahead: int) -> str:
    """Nothing held may also mean that nobody has looked yet, for example after a replay."""
    if not ahead:
        return "Nothing is held: nothing needs a person."
    queue = counted(ahead, "record is", "records are")
    return f"Nothing is held now; {queue} queued, and the next sync decides about them: stsync sync"


def _show_cause(number: str, cause: Cause, shown: set[str], *, everything: bool) -> None:
    from stsync.reports.words import NOUNS

    tell = say if cause.state in {"waiting", "settled"} else insist
    count = counted(len(cause.records), NOUNS[cause.stage])
    amount = f", {money(cause.amount)}" if cause.stage in {"invoices", "credit_memos", "payments"} else ""
    tell(f"\n{number} {count}{amount}  ({cause.reference})")
    tell(f"   {cause.message}")
    tell(f"   What it means: {cause.meaning}")
    if cause.hint:
        tell("   What to do: " + cause.hint.replace("\n", "\n   "))
    for line in cause.config_lines:
        tell(f"     {line}" + ("   (named above already)" if line in shown else ""))
    shown.update(cause.config_lines)
    for words in cause.vendor_words[:3]:
        tell(f"   They said: {words}")
    listed = cause.records if everything else cause.records[:SHOWN]
    _show_records(cause, listed)
    if len(listed) < len(cause.records):
        tell(f"   and {len(cause.records) - len(listed):,} more; --all lists them.")


def _show_records(cause: Cause, records: tuple[Record, ...]) -> None:
    amounts = cause.stage in {"invoices", "credit_memos", "payments"}
    columns = [Column("number"), Column("customer" if amounts else "name")]
    columns += [Column("date"), Column("amount", right=True)] if amounts else []
    columns += [Column("refused")] if cause.state == "dead" else []
    columns += [Column("in its own words")] if cause.differ else []
    rows = []
    for one in records:
        row = [one.number, one.customer]
        row += [one.dated, money(one.amount)] if amounts else []
        row += [counted(one.attempts, "time")] if cause.state == "dead" else []
        rows.append([*row, one.reason.message] if cause.differ else row)
    table("", columns, rows, needed=cause.state in {"held", "dead"})
