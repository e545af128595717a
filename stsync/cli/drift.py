"""`stsync drift`: what changed on either side after stsync had posted it, field by field, with the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from stsync.cli.only import named
from stsync.cli.options import ConfigOption, JsonOption, QuietOption, answering
from stsync.cli.reconcile import From, Month, To, period_of
from stsync.errors import ExitCode

if TYPE_CHECKING:
    from stsync.books.drift import Drift
    from stsync.books.drift_reading import Look
    from stsync.books.values import Period
    from stsync.servicetitan.client import ServiceTitan
    from stsync.state import State
    from stsync.wiring import Wiring

Only = Annotated[
    str | None,
    typer.Option(
        "--only", metavar="ID", help="One document: its number or id in ServiceTitan, or its number in the books."
    ),
]
Everything = Annotated[
    bool, typer.Option("--all", help="Compare every document ever posted, not only what changed since the last look.")
]

EPILOG = "For example every morning:  stsync drift   -   exit code 3 when something drifted. Once a month: stsync drift --all"


@answering
def drift(
    month: Month = None,
    first: From = None,
    last: To = None,
    only: Only = None,
    everything: Everything = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> ExitCode:
    """Show what changed in ServiceTitan or in Business Central after stsync had posted it, and what to do about it.

    For the accountant. It reads both systems and writes nothing in either. Without options it compares what changed since
    the last look, and what was found then; deleted documents are found with --month, --only or --all.
    """
    from stsync.cli.driftreport import report
    from stsync.wiring import wire

    period = period_of(month, first, last) if (month, first, last) != (None, None, None) else None
    wiring = wire(config)
    answer = _compare(wiring, period, named(only), everything=everything)
    report(answer, wiring.banner())
    return ExitCode.HELD if answer.serious or answer.unreadable else ExitCode.OK


def _compare(wiring: Wiring, period: Period | None, only: str | None, *, everything: bool) -> Drift:
    """Both sides as they are now: ServiceTitan's feeds are read into a copy of the state, which is then forgotten."""
    from stsync.books.drift_memory import recall, remember
    from stsync.books.drift_reading import drift as compare
    from stsync.engine.run import now
    from stsync.state import State

    systems = wiring.systems(read_only=True)
    with State.open_scratch(wiring.state_path) as state:
        state.check_pin(wiring.pin)
        if state.pinned is not None:
            _read(wiring, systems.servicetitan, state)
        look = _look(state, period, only, everything=everything)
        answer, memory = compare(look, state=state, books=systems.books, memory=recall(state), now=now)
    if not look.partial:
        with State.open(wiring.state_path) as state:
            remember(state, memory)
    return answer


def _read(wiring: Wiring, servicetitan: ServiceTitan, state: State) -> None:
    """Bring the copy of the state up to date with ServiceTitan."""
    from stsync.engine.credit_memos import read_credit_memos
    from stsync.engine.read import read_feeds
    from stsync.engine.run import now
    from stsync.engine.scope import Scope

    go_live = wiring.config.go_live
    read_feeds(servicetitan, state, Scope(), go_live=go_live, now=now, progress=lambda *_: None)
    if wiring.config.credit_memos.transfer:
        read_credit_memos(
            servicetitan, state, Scope(), go_live=go_live, at_once=True, now=now, progress=lambda *_: None
        )


def _look(state: State, period: Period | None, only: str | None, *, everything: bool) -> Look:
    from stsync.books.drift_reading import Look

    return Look(period, _owner(state, only) if only else None, everything)


def _owner(state: State, only: str) -> tuple[str, str]:
    """The one document of that name. Raises UsageError when there is none, or several."""
    from stsync.reports.find import find_among

    # An invoice, a payment and a credit memo may have one and the same id; their numbers in the books differ.
    hint = "Give its number in Business Central instead, as stsync trace shows it."
    row = find_among(state, ("invoices", "payments", "credit_memos"), only, hint=hint)
    return row.kind, row.source_id
