"""A run: read, plan, guard, show or apply. Read from top to bottom, it is what a clerk does.

The dry run differs in two places only: it works on a copy of the state that nobody else sees, through sessions that
refuse to write, and it ends after the guard. Either plans everything before anything is written, in portions that lie on
disk until they are carried out (engine/portions.py, engine/spool.py).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Protocol

from stsync.businesscentral import problems as books_problems
from stsync.config import digest as config_digest
from stsync.core.operations import shown
from stsync.core.plan import Planned
from stsync.core.reasons import Reason
from stsync.engine import guard
from stsync.engine.apply.desk import Carried, Progress
from stsync.engine.apply.portion import Applying
from stsync.engine.apply.protocol import Protocol as LedgerProtocol
from stsync.engine.apply.protocol import operator
from stsync.engine.apply.sweep import sweep
from stsync.engine.company import check_company
from stsync.engine.credit_memos import read_credit_memos
from stsync.engine.hinted import take_hints
from stsync.engine.lanes import Lanes
from stsync.engine.planning import Planner
from stsync.engine.read import read_feeds
from stsync.engine.scope import Scope
from stsync.engine.settings import settings
from stsync.engine.spool import Spool
from stsync.engine.switches import Allowed
from stsync.errors import ExitCode, GuardError, StsyncError
from stsync.http.exchanges import Exchange
from stsync.http.outcomes import Refused
from stsync.servicetitan import problems as titan_problems
from stsync.state import RunLock, State, Total
from stsync.state.place import place_of
from stsync.wiring import Systems, Wiring


class Watcher(Protocol):
    """Whoever shows a person how far a run is."""

    def reading(self, feed: str, count: int) -> None: ...
    def planning(self, step: str) -> None: ...
    def planned(self, done: int, total: int) -> None: ...
    def applying(self, stage: str, done: int, total: int) -> None: ...
    def stopping(self) -> None: ...


class Silent:
    """Shows nothing."""

    def reading(self, feed: str, count: int) -> None:
        """Nothing."""

    def planning(self, step: str) -> None:
        """Nothing."""

    def planned(self, done: int, total: int) -> None:
        """Nothing."""

    def applying(self, stage: str, done: int, total: int) -> None:
        """Nothing."""

    def stopping(self) -> None:
        """Nothing."""


@dataclass(frozen=True)
class Order:
    """What was asked of the run, and by which command line."""

    scope: Scope
    command: str
    dry_run: bool = False
    allowed: Allowed = field(default_factory=Allowed)


@dataclass(frozen=True)
class Result:
    """What a run did; `counts` is where every record stands afterwards.

    `in_doubt` counts writes that were sent without a trustworthy answer; `brake` is what would stop the run that a
    preview shows; `notices` are what a person should know that belongs to no record.
    """

    run_id: str
    plan: Planned
    dry_run: bool
    carried: Mapping[str, tuple[int, Decimal]]
    taken_on: Mapping[str, int]
    counts: Mapping[tuple[str, str, str | None], Total]
    requests: int
    seconds: float
    in_doubt: int = 0
    brake: GuardError | None = None
    notices: tuple[Reason, ...] = ()

    def close(self) -> None:
        """Forget the plan, once it is reported."""
        if isinstance(self.plan, Spool):
            self.plan.close()

    @property
    def exit_code(self) -> ExitCode:
        """3 while records are held or dead, or the books have not said what became of a write; 0 otherwise."""
        if self.dry_run:
            return ExitCode.OK if self.brake is None else ExitCode.GUARD
        needs_a_person = any(state in {"held", "dead"} for _, state, _ in self.counts)
        return ExitCode.HELD if needs_a_person or self.in_doubt else ExitCode.OK


def now() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC)


def run(wiring: Wiring, order: Order, watcher: Watcher | None = None) -> Result:
    """Carry out an order. Raises the errors of stsync.errors; whatever was stored or sent by then is recorded."""
    began = now()
    watching = watcher or Silent()
    with _lock(wiring, order), _state(wiring, order) as state:
        state.pin(wiring.pin)
        trail = Trail(state)
        systems = wiring.systems(read_only=order.dry_run, on_exchange=trail.add, note=state.notes.note)
        run_id = trail.run_id = _start(state, order)
        try:
            result = _run(_Sitting(wiring, order, state, systems, run_id, watching), began)
        except StsyncError as error:
            state.runs.finish(run_id, int(error.exit_code), {"error": error.reference, "requests": systems.requests()})
            raise
        summary = {"carried": shown(result.carried), "requests": result.requests, "seconds": f"{result.seconds:.1f}"}
        state.runs.finish(run_id, int(result.exit_code), summary)
        return result


@dataclass(frozen=True)
class _Sitting:
    """Everything one run works with."""

    wiring: Wiring
    order: Order
    state: State
    systems: Systems
    run_id: str
    watcher: Watcher


def _run(at: _Sitting, began: datetime) -> Result:
    config, scope = at.wiring.config, at.order.scope
    check_company(at.state, at.systems.books, config.business_central)
    note_configuration(at.wiring, at.state, at.run_id)
    # An earlier go-live asks for documents from before the place where the feeds were first read.
    from_start = config.go_live.isoformat() < (at.state.notes.note("go_live") or "")
    read_feeds(
        at.systems.servicetitan,
        at.state,
        scope,
        go_live=config.go_live,
        from_start=from_start,
        now=now,
        progress=at.watcher.reading,
    )
    notices = read_memos(at.wiring, at.state, at.systems, scope, at.watcher, from_start=from_start)
    notices = (*notices, *_place_of_state(at.wiring))
    take_hints(at.systems.servicetitan, at.state, scope, at.wiring.state_path, dry_run=at.order.dry_run, now=now)
    with ExitStack() as on_error:
        plan = on_error.enter_context(Spool())
        carried, brake = _carried_out(at, plan)
        seconds = (now() - began).total_seconds()
        result = Result(
            at.run_id,
            plan,
            at.order.dry_run,
            {kind: (count, carried.amounts[kind]) for kind, count in carried.counts.items()},
            dict(carried.taken_on),
            at.state.inbox.counts(),
            at.systems.requests(),
            seconds,
            in_doubt=sum(1 for _ in at.state.ledger.intended()),
            brake=brake,
            notices=notices,
        )
        on_error.pop_all()  # whoever reports the result closes it
    return result


def _carried_out(at: _Sitting, plan: Spool) -> tuple[Carried, GuardError | None]:
    """Plan everything, judge it as a whole, and only then carry it out, portion by portion."""
    choices = settings(at.wiring.config, at.wiring.choices)
    tell, planned = at.watcher.planning, at.watcher.planned
    planner = Planner(at.wiring.config, choices, at.state, at.systems, at.order.scope, now, tell, planned)
    for drawn in planner.portions():
        plan.add(drawn)
    brake = _guard(at, plan.load)
    return (Carried() if at.order.dry_run else _apply(at, plan)), brake


def _place_of_state(wiring: Wiring) -> tuple[Reason, ...]:
    """A warning where another program copies the state file about, and may put an older one in its place."""
    path = wiring.state_path.expanduser().resolve()
    folder = place_of(path, None).synchronised_by
    if not folder:
        return ()
    return (
        Reason(
            "state-in-synchronised-folder",
            f"The state file {path} lies in {folder}, which another program seems to synchronise. It may be damaged there, or "
            "replaced by an older copy of another computer; nothing would be doubled in the books, but work be repeated.",
            "Put it on a local disk with `state:` in the configuration.",
        ),
    )


def read_memos(
    wiring: Wiring, state: State, systems: Systems, scope: Scope, watcher: Watcher, *, from_start: bool
) -> tuple[Reason, ...]:
    """Credit memos go with the invoices, unless the office has none; what a person has to know of them."""
    if "invoices" not in scope.stages or not wiring.config.credit_memos.transfer:
        return ()
    go_live, progress = wiring.config.go_live, watcher.reading
    said = read_credit_memos(
        systems.servicetitan, state, scope, go_live=go_live, from_start=from_start, now=now, progress=progress
    )
    return () if said is None else (said,)


def _lock(wiring: Wiring, order: Order) -> AbstractContextManager[Any]:
    return nullcontext() if order.dry_run else RunLock(wiring.state_path, command=order.command)


def _state(wiring: Wiring, order: Order) -> State:
    return State.open_scratch(wiring.state_path) if order.dry_run else State.open(wiring.state_path)


def _start(state: State, order: Order) -> str:
    return state.runs.start(
        order.command,
        stages=order.scope.stages,
        dry_run=order.dry_run,
        pid=os.getpid(),
        host=socket.gethostname(),
        user=operator(),
    )


# Records that settled by a choice in the configuration, and not by what they are.
_BY_CHOICE = ("draft", "not_ready", "exported_elsewhere", "before_go_live", "ignored")


def note_configuration(wiring: Wiring, state: State, run_id: str) -> None:
    """A changed configuration may decide otherwise about records that were put aside: they are opened again."""
    # Drafts and journal lines are left for a person, who may have posted or deleted them since. What a person has to apply
    # in the books is decided about anew too, and stays listed meanwhile (engine/records.py).
    state.inbox.reopen_outcomes(("draft",))
    present = config_digest(wiring.config)
    before = state.notes.note("configuration")
    if before == present:
        return
    state.audit.append(
        "configuration", run_id=run_id, detail={"digest": present, "before": before, "mapping": wiring.choices.digest()}
    )
    state.inbox.reopen_outcomes(_BY_CHOICE)
    state.inbox.replay(kind="pricebook", states=("held",))
    state.notes.note("configuration", present)


def _guard(at: _Sitting, load: guard.Load) -> GuardError | None:
    """Raises GuardError, or, in a preview, returns it: a preview is how a person sees what tripped the brake."""
    config = at.wiring.config
    limits = guard.Limits(config.limits.documents_per_run, config.limits.amount_per_run)
    go_live = config.go_live.isoformat()
    try:
        guard.check(load, limits, at.order.allowed, go_live=go_live, go_live_before=at.state.notes.note("go_live"))
    except GuardError as brake:
        if at.order.dry_run:
            return brake
        raise
    at.state.notes.note("go_live", go_live)
    return None


def _apply(at: _Sitting, plan: Spool) -> Carried:
    """Carry out the plan, several parts of it side by side."""
    config, state = at.wiring.config, at.state
    with Lanes(config.business_central.concurrent_requests, stopping=at.watcher.stopping) as lanes:
        applying = Applying(
            state,
            at.systems,
            LedgerProtocol(state, at.run_id, explain=explain),
            lanes,
            attempts=config.limits.attempts,
            progress=Progress(at.watcher.applying, plan.acting),
            now=now,
        )
        for drawn in plan.portions():
            applying.take(drawn)
    sweep(state, at.run_id)
    return applying.carried


def explain(error: Refused) -> Reason:
    """What a refusal means, in the words for the system that refused."""
    meaning = titan_problems.reason_for if error.system == "ServiceTitan" else books_problems.reason_for
    return meaning(error)


class Trail:
    """Puts every write that left into the audit, with the ids that the vendor's support asks for."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.run_id = ""

    def add(self, exchange: Exchange) -> None:
        """Reads are only counted; writes are kept."""
        if not exchange.writes:
            return
        together = {"writes": exchange.writes} if exchange.writes > 1 else {}
        self._state.audit.append_later(
            "sent",
            run_id=self.run_id,
            detail={
                "system": exchange.system,
                "method": exchange.method,
                "url": exchange.url,
                "request_id": exchange.request_id,
                "correlation_id": exchange.correlation_id,
                "status": exchange.status,
                "milliseconds": exchange.milliseconds,
                "attempt": exchange.attempt,
                **together,
            },
        )
