"""A correction, ordered by a person: what is posted is taken back, and made anew as ServiceTitan has it now.

It is read, planned, shown and carried out like a run, for one record: under the lock and the pin, through the ledger
(intended, sent, done), and a write whose answer was lost is looked for in the books before anything is repeated. What is
made anew goes the way of every other record; a correction that was interrupted is finished by the next run.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from stsync.core.links import link
from stsync.core.operations import Operation
from stsync.core.plan import TO_APPLY, About, Decision, Plan, Standing
from stsync.core.reasons import Reason
from stsync.engine import guard
from stsync.engine.apply.desk import Progress
from stsync.engine.apply.portion import Applying
from stsync.engine.apply.protocol import UNKNOWN, Protocol, RecordHeld, RecordRefused, operator
from stsync.engine.company import check_company
from stsync.engine.correct_invoices import Invoices
from stsync.engine.correct_payments import Payments
from stsync.engine.correct_trade import Taking, Trade
from stsync.engine.lanes import Lanes
from stsync.engine.planning import Drawn, draw_plan
from stsync.engine.read import read_feeds
from stsync.engine.run import Trail, explain, now
from stsync.engine.scope import Scope
from stsync.engine.settings import settings
from stsync.engine.switches import Allowed
from stsync.errors import ExitCode, GuardError, StsyncError, UsageError
from stsync.http.outcomes import OutcomeUnknown
from stsync.state import Done, InboxRow, Intent, RunLock, State
from stsync.wiring import Systems, Wiring


@dataclass(frozen=True)
class Target:
    """The record that is to be corrected; `kind` is its place in the inbox."""

    kind: str
    source_id: str

    @property
    def noun(self) -> str:
        """What people, and the commands, call it."""
        return self.kind.removesuffix("s").replace("_", "-")


@dataclass(frozen=True)
class Prepared:
    """What would be done, as one plan: first what is taken back, then what is made anew."""

    target: Target
    plan: Plan
    taking: Taking

    @property
    def about(self) -> About:
        """How people know the record."""
        return self.taking.about

    @property
    def number(self) -> str:
        """Its number in Business Central, which a person types to confirm; ServiceTitan's where nothing stands there."""
        return self.taking.number or self.about.number

    @property
    def total_afterwards(self) -> Decimal:
        """What the books will hold for it."""
        return self.taking.total if self.taking.correction.anew else Decimal("0.00")


@dataclass(frozen=True)
class Outcome:
    """What became of it: where the record stands, its number in the books now, and why it stopped, if it did.

    `afterwards` is what a person has to apply in Business Central now.
    """

    run_id: str
    prepared: Prepared
    carried_out: bool
    state: str = ""
    outcome: str = ""
    number: str = ""
    reason: Reason | None = None
    afterwards: Reason | None = None

    @property
    def exit_code(self) -> ExitCode:
        """3 when a person has to look at the document again."""
        return ExitCode.HELD if self.reason is not None else ExitCode.OK


Confirm = Callable[[Prepared], bool]


def correct(wiring: Wiring, target: Target, *, command: str, dry_run: bool, confirm: Confirm) -> Outcome:
    """Prepare the correction of one record, and carry it out once `confirm` says so.

    Raises GuardError when it was not confirmed or cannot be carried out whole, and the errors of a run.
    """
    with _lock(wiring, command, dry_run=dry_run), _state(wiring, dry_run=dry_run) as state:
        state.pin(wiring.pin)
        trail = Trail(state)
        systems = wiring.systems(read_only=dry_run, on_exchange=trail.add)
        run_id = trail.run_id = state.runs.start(
            command, stages=(target.kind,), dry_run=dry_run, pid=os.getpid(), host=socket.gethostname(), user=operator()
        )
        try:
            outcome = _Sitting(wiring, state, systems, run_id, target).carry_out(confirm, dry_run=dry_run)
        except StsyncError as error:
            state.runs.finish(run_id, int(error.exit_code), {"error": error.reference, "requests": systems.requests()})
            raise
        state.runs.finish(run_id, int(outcome.exit_code), {"requests": systems.requests()})
        return outcome


def _lock(wiring: Wiring, command: str, *, dry_run: bool) -> AbstractContextManager[Any]:
    return nullcontext() if dry_run else RunLock(wiring.state_path, command=command)


def _state(wiring: Wiring, *, dry_run: bool) -> State:
    return State.open_scratch(wiring.state_path) if dry_run else State.open(wiring.state_path)


class _Sitting:
    """One correction at work."""

    def __init__(self, wiring: Wiring, state: State, systems: Systems, run_id: str, target: Target) -> None:
        self._wiring = wiring
        self._state = state
        self._systems = systems
        self._run_id = run_id
        self._target = target
        self._settings = settings(wiring.config, wiring.choices)
        self._trade = self._trade_of(target.kind)

    def _trade_of(self, kind: str) -> Trade:
        if kind == "payments":
            return Payments(self._state, self._systems.books, self._settings)
        return Invoices(self._state, self._systems.books)

    def carry_out(self, confirm: Confirm, *, dry_run: bool) -> Outcome:
        """Read, prepare, ask, send."""
        config = self._wiring.config
        check_company(self._state, self._systems.books, config.business_central)
        read_feeds(
            self._systems.servicetitan,
            self._state,
            Scope(self._trade.stages),
            go_live=config.go_live,
            now=now,
            progress=lambda *_: None,
        )
        prepared = self._prepared()
        limits = guard.Limits(config.limits.documents_per_run, config.limits.amount_per_run)
        load = guard.load(prepared.plan.operations())
        guard.check(load, limits, Allowed(), go_live=config.go_live.isoformat(), go_live_before=None)
        if dry_run:
            return Outcome(self._run_id, prepared, carried_out=False)
        if not confirm(prepared):
            raise _not_confirmed(prepared)
        return self._sent(prepared)

    def _row(self) -> InboxRow:
        row = self._state.inbox.find(self._target.kind, self._target.source_id)
        assert row is not None
        return row

    def _prepared(self) -> Prepared:
        row = self._row()
        if row.outcome == "by_hand":
            raise _dealt_with(self._target, row)
        taking = self._trade.prepare(self._target.source_id)
        taken_back = taking.correction
        if taken_back.reason is not None:
            raise _refused(taken_back.reason)
        ended = Decision(
            self._target.kind,
            self._target.source_id,
            Standing.ACT,
            taking.about,
            operations=taken_back.operations,
            outcome="reversed",
        )
        first = (ended,) if taken_back.operations else ()
        anew = self._anew(taking) if taken_back.anew else Plan(())
        plan = replace(anew, decisions=(*first, *anew.decisions))
        return Prepared(self._target, plan, taking)

    def _anew(self, taking: Taking) -> Plan:
        """How the record would be made anew once the other is taken back: drawn on a copy of the state in which it is.

        Raises GuardError when it could not be: nothing is taken back that cannot be made anew.
        """
        with self._state.scratch_copy() as copy:
            for operation in taking.correction.operations:
                _pretend(copy, operation, self._run_id)
            plan = self._drawn(copy).plan
        mine = next((one for one in plan.decisions if self._is_mine(one)), None)
        if mine is None or mine.standing != Standing.ACT:
            raise _cannot_be_made_anew(self._target, mine)
        return replace(plan, decisions=(*(one for one in plan.decisions if one is not mine), mine))

    def _drawn(self, state: State) -> Drawn:
        """The ordinary plan for this one record."""
        kind, source_id = self._target.kind, self._target.source_id
        state.inbox.reopen(kind, [source_id])
        state.inbox.replay(kind=kind, source_id=source_id)
        scope = Scope(self._trade.stages, only=source_id)
        config = self._wiring.config
        drawn = draw_plan(config, self._settings, state, self._systems, scope, now=now, tell=lambda _: None)
        # This record, and the customer card that it needs; nothing else travels with a correction.
        kept = (one for one in drawn.plan.decisions if self._is_mine(one) or _is_card(one))
        return replace(drawn, plan=replace(drawn.plan, decisions=tuple(kept)))

    def _is_mine(self, decision: Decision) -> bool:
        return (decision.kind, decision.source_id) == (self._target.kind, self._target.source_id)

    def _sent(self, prepared: Prepared) -> Outcome:
        """Carry out the plan that was shown; what goes wrong is written down with the record."""
        protocol = Protocol(self._state, self._run_id, explain=explain)
        self._ordered(prepared)
        kind, source_id = self._target.kind, self._target.source_id
        try:
            self._trade.take_back(prepared.taking, protocol)
        except (RecordRefused, RecordHeld) as stopped:
            self._state.inbox.hold(kind, source_id, stopped.reason, self._run_id)
            return self._outcome(prepared)
        except OutcomeUnknown as error:
            reason = Reason(UNKNOWN.reference, UNKNOWN.message, _again(self._target), error.text)
            self._state.inbox.hold(kind, source_id, reason, self._run_id)
            return self._outcome(prepared)
        if prepared.taking.correction.anew:
            self._make_anew(prepared, protocol)
        else:
            left = self._trade.left_to_apply(source_id)
            outcome = TO_APPLY if left else "reversed"
            self._state.inbox.settle(kind, source_id, outcome, run_id=self._run_id, reason=left)
        return self._outcome(prepared)

    def _make_anew(self, prepared: Prepared, protocol: Protocol) -> None:
        """The plan is drawn again on the books as they are by now, and sent only if it is the one that was shown."""
        drawn = self._drawn(self._state)
        plan, kind = drawn.plan, self._target.kind
        shown = tuple(one for one in prepared.plan.decisions if one.outcome != "reversed")
        if plan.digest != replace(prepared.plan, decisions=shown).digest:
            self._state.inbox.hold(kind, self._target.source_id, _changed_meanwhile(self._target), self._run_id)
            return
        if kind != "payments":
            drawn = replace(drawn, plan=replace(plan, preparations=(), postings=()))
        # One document: nothing to do side by side.
        with Lanes(1) as lanes:
            Applying(
                self._state,
                self._systems,
                protocol,
                lanes,
                attempts=self._wiring.config.limits.attempts,
                progress=Progress(lambda *_: None),
                now=now,
            ).take(drawn)

    def _ordered(self, prepared: Prepared) -> None:
        """Keep who ordered it, before anything is sent."""
        what = [f"{one.verb} {one.natural_key}" for one in prepared.plan.operations()]
        detail = {"operator": operator(), "number": prepared.taking.number, "operations": what}
        kind, source_id = self._target.kind, self._target.source_id
        self._state.audit.append("correction", run_id=self._run_id, stage=kind, source_id=source_id, detail=detail)

    def _outcome(self, prepared: Prepared) -> Outcome:
        row = self._row()
        now_there = link(self._state.ledger.by_source(self._target.kind, self._target.source_id))
        reason = row.reason if row.state != "settled" else None
        # The new invoice has its number by now; with a payment the row says what belongs to both, old and new.
        left = row.reason if self._target.kind == "payments" else self._trade.left_to_apply(row.source_id)
        left = left if row.outcome == TO_APPLY else None
        return Outcome(self._run_id, prepared, True, row.state, row.outcome or "", now_there.number, reason, left)


def _pretend(state: State, operation: Operation, run_id: str) -> None:
    """Note in a copy of the state that an operation is done."""
    intent = Intent(
        operation.key,
        operation.stage,
        operation.source_id,
        operation.verb,
        operation.entity,
        operation.natural_key,
        operation.digest,
        "{}",
        operation.amount,
    )
    state.ledger.intend([intent], run_id)
    ended = {"ended": list(operation.facts.get("ended", ()))}
    state.ledger.done(Done(operation.key, str(operation.target), detail=ended), run_id=run_id)


def _is_card(decision: Decision) -> bool:
    return decision.kind == "customers" and decision.standing == Standing.ACT


def _again(target: Target) -> str:
    return (
        f"Run stsync correct {target.noun} {target.source_id} again: it looks in Business Central first, and repeats "
        "nothing that happened."
    )


def _changed_meanwhile(target: Target) -> Reason:
    return Reason(
        "changed-meanwhile-anew",
        f"The former {target.noun} is taken back, but ServiceTitan, the books or the set-up changed since the correction was "
        "shown, so it was not made anew.",
        "Look at the preview, then let the next run make it: stsync sync --dry-run",
    )


def _refused(reason: Reason) -> StsyncError:
    """Why there is nothing to send: a mistake of the command when nothing drifted, else a brake."""
    kind = UsageError if reason.reference == "nothing-to-correct" else GuardError
    return kind(reason.reference, reason.message, hint=reason.hint)


def _dealt_with(target: Target, row: InboxRow) -> GuardError:
    one = target.noun
    return GuardError(
        "dealt-with-by-hand",
        f"A person has said that {one} {row.number or row.source_id} was dealt with by hand; a correction would do it a "
        "second time. Nothing was sent.",
        hint=f"stsync trace {one} {row.source_id} tells who said what. If nothing was done in the books after all, say so: "
        f"stsync ignore {one} {row.source_id} --undo\nThen run this command again.",
    )


def _not_confirmed(prepared: Prepared) -> GuardError:
    return GuardError(
        "not-confirmed",
        "The correction was shown and not confirmed; nothing was sent.",
        hint=f"On a terminal type {prepared.number or 'the number'} when asked. A script has to add --yes.",
    )


def _cannot_be_made_anew(target: Target, mine: Decision | None) -> GuardError:
    reason, one = (mine.reason if mine is not None else None), target.noun
    why = reason.message if reason is not None else f"ServiceTitan's {one} is not one that goes into the books now."
    return GuardError(
        "cannot-be-made-anew",
        f"The {one} could not be made anew, so the one in the books was left alone: {why}",
        hint=reason.hint if reason is not None else "stsync trace tells where it stands.",
    )
