"""`stsync correct`: a correction of the books, prepared and shown, and carried out only when a person says so."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stsync.cli.console import OUTPUT, Column, clean, emit_json, insist, money, one_line, say, table
from stsync.cli.options import ConfigOption, JsonOption, QuietOption, answering
from stsync.cli.sync import DryRun
from stsync.cli.trace import kind_of
from stsync.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from stsync.engine.correct import Outcome, Prepared

Yes = Annotated[bool, typer.Option("--yes", help="Carry it out without asking; for a script, after a look.")]

EPILOG = "For example, after stsync drift:  stsync correct invoice 10482 --dry-run, look, then without --dry-run."


@answering
def correct(
    kind: Annotated[str, typer.Argument(help="What it is: invoice or payment.")],
    record: Annotated[
        str, typer.Argument(metavar="ID", help="Its number in ServiceTitan or Business Central, or its id.")
    ],
    dry_run: DryRun = False,
    yes: Yes = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> ExitCode:
    """Take back a posted invoice or payment that ServiceTitan has changed or voided since, and make it anew as it is now.

    For the accountant, after stsync drift. It shows what would be sent, and sends it only after somebody has typed the
    document's number, or with --yes. Nothing that is posted is edited: an invoice is cancelled or credited, a payment gets
    a counter entry.
    """
    from stsync.engine.correct import Target
    from stsync.engine.correct import correct as carry_out
    from stsync.http.redact import redact
    from stsync.wiring import wire

    stage = _stage(kind)
    wiring = wire(config)
    target = Target(stage, _source_id(wiring, stage, record))
    say(wiring.banner())
    command = redact(" ".join(["stsync", *sys.argv[1:]]))

    def confirmed(prepared: Prepared) -> bool:
        _show(prepared)
        return yes or _typed(prepared)

    outcome = carry_out(wiring, target, command=command, dry_run=dry_run, confirm=confirmed)
    if dry_run:
        _show(outcome.prepared)
    _tell(outcome, wiring.banner())
    return outcome.exit_code


_CORRECTED = ("invoices", "payments")


def _stage(kind: str) -> str:
    stage = kind_of(kind)
    if stage not in _CORRECTED:
        raise UsageError(
            "correct-by-hand",
            f"A {kind} is corrected by a person in Business Central; this command takes back invoices and payments.",
            hint="Run: stsync drift. It names what to enter, on which pages.",
        )
    return stage


def _source_id(wiring: Any, stage: str, record: str) -> str:
    from stsync.reports.find import find_record
    from stsync.state import State

    with State.open_scratch(wiring.state_path) as state:
        state.check_pin(wiring.pin)
        return find_record(state, stage, record).source_id


def _show(prepared: Prepared) -> None:
    """The plan: what is taken back, and what is made anew."""
    about, noun = prepared.about, prepared.target.noun
    insist(f"{noun.capitalize()} {one_line(about.number)}, {one_line(about.name)}: the correction")
    columns = [Column("write"), Column("to"), Column("under"), Column("amount", right=True), Column("what it does")]
    rows = [
        [one.verb.value, one.entity, one.natural_key, money(one.amount), one.why] for one in prepared.plan.operations()
    ]
    table("", columns, rows, needed=True)
    before, after = money(prepared.taking.former_total), money(prepared.total_afterwards)
    insist(f"  In the books for this {noun}: {before} before, {after} afterwards.")


def on_a_terminal() -> bool:
    """Whether somebody sits before it who can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def _typed(prepared: Prepared) -> bool:
    """Whether somebody on a terminal typed the document's number; nobody is ever asked where no terminal is."""
    if OUTPUT.json or not on_a_terminal():
        return False
    # A document may have no number, and Enter alone must never be the right answer; the question is printed by typer.
    wanted = clean(one_line(prepared.number)) or prepared.target.source_id
    return bool(typer.prompt(f"Type {wanted} to carry it out", default="", show_default=False).strip() == wanted)


def _tell(outcome: Outcome, banner: str) -> None:
    if OUTPUT.json:
        emit_json({"systems": banner, **_document(outcome)})
        return
    if not outcome.carried_out:
        say("This was a preview. Nothing was sent, and nothing was noted.")
    elif outcome.reason is not None:
        insist(f"Not finished: {outcome.reason.message}")
        insist(f"  What to do: {outcome.reason.hint}")
        if outcome.reason.note:
            insist(f"  They said: {outcome.reason.note}")
    elif outcome.number:
        former = outcome.prepared.taking.number or f"the former {outcome.prepared.target.noun}"
        say(f"Done: {former} is taken back, and {outcome.number} stands instead.")
    elif outcome.outcome == "draft":
        say(
            f"Done: {outcome.prepared.number} is taken back. What stands instead is left for a person to post (post: no)."
        )
    else:
        noun = outcome.prepared.target.noun
        say(
            f"Done: {outcome.prepared.number} is taken back. The {noun} is cancelled in ServiceTitan, so none stands instead."
        )
    if outcome.afterwards is not None:
        insist(f"  To be applied: {outcome.afterwards.message}")
        insist(f"  What to do: {outcome.afterwards.hint}")


def _document(outcome: Outcome) -> dict[str, Any]:
    from stsync.cli.runreport import operation_document

    prepared = outcome.prepared
    return {
        "run_id": outcome.run_id,
        "carried_out": outcome.carried_out,
        "stage": prepared.target.kind,
        "source_id": prepared.target.source_id,
        "number": prepared.about.number,
        "before": {"number": prepared.taking.number, "amount": prepared.taking.former_total},
        "after": {"number": outcome.number, "amount": prepared.total_afterwards},
        "operations": [operation_document(one) for one in prepared.plan.operations()],
        "state": outcome.state,
        "outcome": outcome.outcome,
        "reason": vars(outcome.reason) if outcome.reason is not None else None,
        "afterwards": vars(outcome.afterwards) if outcome.afterwards is not None else None,
    }
