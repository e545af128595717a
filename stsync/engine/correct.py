"""A correction, ordered by a person: what is posted is taken back, and made anew as ServiceTitan has it now.

It is read, planned, shown and carried out like a run, for one document: under the lock and the pin, through the ledger
(intended, sent, done), and a write whose answer was lost is looked for in the books before anything is repeated. What is
made anew goes the way of every other document; a correction that was interrupted is finished by the next run.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from stsync.businesscentral.client import BusinessCentral
from stsync.businesscentral.odata import Read, compare, entity, enum_text
from stsync.core.links import Link, link
from stsync.core.operations import Operation, Verb
from stsync.core.plan import TO_APPLY, Decision, Plan, Standing
from stsync.core.reasons import Reason
from stsync.core.snapshot import BookInvoice, Snapshot
from stsync.core.source.fields import UnknownShape
from stsync.core.source.invoice import Invoice
from stsync.engine import guard
from stsync.engine.apply.customers import apply_customers
from stsync.engine.apply.desk import Desk
from stsync.engine.apply.invoices import InvoiceDesk
from stsync.engine.apply.protocol import UNKNOWN, Protocol, RecordHeld, RecordRefused, Sent, operator
from stsync.engine.company import check_company
from stsync.engine.planning import Drawn, draw_plan
from stsync.engine.read import read_feeds
from stsync.engine.records import unknown_shape
from stsync.engine.reversals import Reversal, read_original
from stsync.engine.run import Trail, explain, now
from stsync.engine.scope import Scope
from stsync.engine.settings import settings
from stsync.engine.survey import book_invoice, read_all, snapshot
from stsync.engine.switches import Allowed
from stsync.errors import ExitCode, GuardError, StsyncError, UsageError
from stsync.http.outcomes import OutcomeUnknown
from stsync.stages import correction, reversal
from stsync.stages.correction import Correction, CreditMemo, InBooks
from stsync.stages.paper import natural_key
from stsync.state import Done, InboxRow, Intent, RunLock, State
from stsync.wiring import Systems, Wiring

KIND = "invoices"
_SCOPE = ("customers", "invoices")


@dataclass(frozen=True)
class Prepared:
    """What would be done, as one plan: first what is taken back, then what is made anew.

    `number` is the document's number in Business Central, which a person types to confirm.
    """

    plan: Plan
    taken_back: Correction
    invoice: Invoice
    number: str
    former_total: Decimal | None

    @property
    def anew(self) -> Decision | None:
        """The invoice made anew; None when ServiceTitan has cancelled it."""
        return self.plan.decisions[-1] if self.taken_back.anew else None


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


def correct(wiring: Wiring, source_id: str, *, command: str, dry_run: bool, confirm: Confirm) -> Outcome:
    """Prepare the correction of one invoice, and carry it out once `confirm` says so.

    Raises GuardError when it was not confirmed or cannot be carried out whole, and the errors of a run.
    """
    with _lock(wiring, command, dry_run=dry_run), _state(wiring, dry_run=dry_run) as state:
        state.pin(wiring.pin)
        trail = Trail(state)
        systems = wiring.systems(read_only=dry_run, on_exchange=trail.add)
        run_id = trail.run_id = state.runs.start(
            command, stages=(KIND,), dry_run=dry_run, pid=os.getpid(), host=socket.gethostname(), user=operator()
        )
        try:
            outcome = _Sitting(wiring, state, systems, run_id, source_id).carry_out(confirm, dry_run=dry_run)
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

    def __init__(self, wiring: Wiring, state: State, systems: Systems, run_id: str, source_id: str) -> None:
        self._wiring = wiring
        self._state = state
        self._systems = systems
        self._run_id = run_id
        self._source_id = source_id
        self._settings = settings(wiring.config, wiring.choices)

    def carry_out(self, confirm: Confirm, *, dry_run: bool) -> Outcome:
        """Read, prepare, ask, send."""
        config = self._wiring.config
        check_company(self._state, self._systems.books, config.business_central)
        read_feeds(
            self._systems.servicetitan,
            self._state,
            Scope(_SCOPE),
            go_live=config.go_live,
            now=now,
            progress=lambda *_: None,
        )
        prepared = self._prepared()
        limits = guard.Limits(config.limits.documents_per_run, config.limits.amount_per_run)
        guard.check(prepared.plan, limits, Allowed(), go_live=config.go_live.isoformat(), go_live_before=None)
        if dry_run:
            return Outcome(self._run_id, prepared, carried_out=False)
        if not confirm(prepared):
            raise _not_confirmed(prepared)
        return self._sent(prepared)

    def _prepared(self) -> Prepared:
        row = self._state.inbox.find(KIND, self._source_id)
        assert row is not None
        if row.outcome == "by_hand":
            raise _dealt_with(row)
        invoice = _parsed(row.content)
        writes = self._state.ledger.by_source(KIND, self._source_id)
        known = link(writes)
        tried = any(one.verb == Verb.CANCEL and one.state != "done" for one in writes)
        there = read_books(self._systems.books, known, natural_key(self._source_id), tried=tried)
        open_days = self._posting_dates()
        taken_back = correction.plan(invoice, known, there, open_days)
        if taken_back.by_memo and there.invoice is not None:
            original = read_original(self._systems.books, there.invoice, self._source_id, writes)
            label = taken_back.operations[0].label
            planned = reversal.plan(invoice.id, label, taken_back.operations[0], original, open_days)
            taken_back = correction.by_memo(taken_back, planned)
        if taken_back.reason is not None:
            raise _refused(taken_back.reason)
        decisions = [correction.decision(invoice, taken_back)] if taken_back.operations else []
        if taken_back.anew:
            decisions += self._anew(taken_back)
        total = there.invoice.total if there.invoice is not None else known.total
        return Prepared(Plan(tuple(decisions)), taken_back, invoice, known.number, total)

    def _posting_dates(self) -> Snapshot:
        return snapshot(read_all(self._systems.books, {"setup": Read("generalLedgerSetup")}))

    def _anew(self, taken_back: Correction) -> tuple[Decision, ...]:
        """How the invoice would be made anew once the other is taken back: drawn on a copy of the state in which it is.

        Raises GuardError when it could not be: nothing is taken back that cannot be made anew.
        """
        with self._state.scratch_copy() as copy:
            for operation in taken_back.operations:
                _pretend(copy, operation, self._run_id)
            drawn = self._drawn(copy)
        decisions = drawn.plan.decisions
        mine = next((one for one in decisions if (one.kind, one.source_id) == (KIND, self._source_id)), None)
        if mine is None or mine.standing != Standing.ACT:
            raise _cannot_be_made_anew(mine)
        return (*(one for one in decisions if one is not mine), mine)

    def _drawn(self, state: State) -> Drawn:
        """The ordinary plan for this one invoice."""
        state.inbox.reopen(KIND, [self._source_id])
        state.inbox.replay(kind=KIND, source_id=self._source_id)
        scope = Scope(_SCOPE, only=self._source_id)
        config = self._wiring.config
        drawn = draw_plan(config, self._settings, state, self._systems, scope, now=now, tell=lambda _: None)
        return Drawn(Plan(tuple(one for one in drawn.plan.decisions if _belongs(one, self._source_id))), drawn.hashes)

    def _sent(self, prepared: Prepared) -> Outcome:
        """Carry out the plan that was shown; what goes wrong is written down with the record."""
        protocol = Protocol(self._state, self._run_id, explain=explain)
        self._ordered(prepared)
        books = self._systems.books
        by_memo = Reversal(books, protocol, link(self._state.ledger.by_source(KIND, self._source_id)))
        try:
            for operation in prepared.taken_back.operations:
                if prepared.taken_back.by_memo:
                    by_memo.carry_out(operation)
                else:
                    take_back(books, protocol, operation)
        except (RecordRefused, RecordHeld) as stopped:
            self._state.inbox.hold(KIND, self._source_id, stopped.reason, self._run_id)
            return self._outcome(prepared)
        except OutcomeUnknown as error:
            reason = Reason(UNKNOWN.reference, UNKNOWN.message, _AGAIN.format(self._source_id), error.text)
            self._state.inbox.hold(KIND, self._source_id, reason, self._run_id)
            return self._outcome(prepared)
        if prepared.taken_back.anew:
            self._make_anew(prepared, protocol)
        else:
            left = reversal.left_to_apply(link(self._state.ledger.by_source(KIND, self._source_id)))
            outcome = TO_APPLY if left else "reversed"
            self._state.inbox.settle(KIND, self._source_id, outcome, run_id=self._run_id, reason=left)
        return self._outcome(prepared)

    def _make_anew(self, prepared: Prepared, protocol: Protocol) -> None:
        """The plan is drawn again on the books as they are by now, and sent only if it is the one that was shown."""
        drawn = self._drawn(self._state)
        shown = Plan(tuple(one for one in prepared.plan.decisions if one.outcome != "reversed"))
        if drawn.plan.digest != shown.digest:
            self._state.inbox.hold(KIND, self._source_id, _CHANGED_MEANWHILE, self._run_id)
            return
        attempts = self._wiring.config.limits.attempts
        desk = Desk(self._state, self._run_id, attempts=attempts, hashes=drawn.hashes, progress=lambda *_: None)
        desk.write_down(drawn.plan.decisions)
        cards = drawn.plan.of("customers", Standing.ACT)
        apply_customers(cards, books=self._systems.books, protocol=protocol, desk=desk)
        InvoiceDesk(self._systems.books, protocol, desk).apply(drawn.plan.of(KIND, Standing.ACT))

    def _ordered(self, prepared: Prepared) -> None:
        """Keep who ordered it, before anything is sent."""
        what = [f"{one.verb} {one.natural_key}" for one in prepared.plan.operations()]
        detail = {"operator": operator(), "number": prepared.number, "operations": what}
        self._state.audit.append(
            "correction", run_id=self._run_id, stage=KIND, source_id=self._source_id, detail=detail
        )

    def _outcome(self, prepared: Prepared) -> Outcome:
        row = self._state.inbox.find(KIND, self._source_id)
        assert row is not None
        now_there = link(self._state.ledger.by_source(KIND, self._source_id))
        reason = row.reason if row.state != "settled" else None
        left = reversal.left_to_apply(now_there) if row.outcome == TO_APPLY else None
        return Outcome(self._run_id, prepared, True, row.state, row.outcome or "", now_there.number, reason, left)


def _parsed(content: Mapping[str, Any]) -> Invoice:
    try:
        return Invoice.parse(content)
    except UnknownShape as error:
        reason = unknown_shape(KIND, str(error))
        raise GuardError(reason.reference, reason.message, hint=reason.hint) from None


def read_books(books: BusinessCentral, known: Link, key: str, *, tried: bool) -> InBooks:
    """The invoice as Business Central has it now, and the credit memos against it.

    Where our ledger knows of none, it is one under our key that somebody cancelled.
    """
    named = books.read(Read("salesInvoices", filter=compare("externalDocumentNumber", "eq", key)))
    by_status = [(enum_text(str(row["status"])), row) for row in named if str(row["id"]) not in known.ended]
    cancelled = [row for status, row in by_status if status == "Canceled"]
    row = books.one(entity("salesInvoices", known.id)) if known.id else None
    if row is None and not known.posted:
        row = cancelled[-1] if cancelled and len(cancelled) == len(by_status) else None
    elif row is not None and row["id"] in [one["id"] for one in cancelled]:
        row = next((one for status, one in by_status if status == "Corrective"), row)
    if row is None:
        return InBooks(None, tried=tried)
    return InBooks(_posted(row), _memos(books, str(row["number"]), key), tried)


def _posted(row: dict[str, Any]) -> BookInvoice:
    return book_invoice(row, frozenset())


def _memos(books: BusinessCentral, number: str, key: str) -> tuple[CreditMemo, ...]:
    fields = ("id", "number", "externalDocumentNumber", "status", "totalAmountIncludingTax")
    rows = books.read(Read("salesCreditMemos", filter=compare("invoiceNumber", "eq", number), select=fields))
    return tuple(
        CreditMemo(
            str(row["number"]),
            enum_text(str(row["status"])),
            Decimal(row["totalAmountIncludingTax"]),
            str(row["id"]),
        )
        for row in rows
        if not correction.is_of_stsync(str(row["externalDocumentNumber"]), key)
    )


def take_back(books: BusinessCentral, protocol: Protocol, operation: Operation) -> None:
    """Cancel a posted invoice, and see that it is cancelled. Raises RecordRefused, RecordHeld, OutcomeUnknown."""
    facts = {
        "why": operation.why,
        "former_number": operation.facts["number"],
        "ended": list(operation.facts["ended"]),
    }
    if operation.facts["noted"]:
        protocol.intend(operation, {})
        protocol.record(operation, Sent(str(operation.target), _memo_number(books, operation)), facts)
        return

    def send(_body: dict[str, Any], target: str, _parent: str) -> Sent:
        answer = books.action(entity("salesInvoices", target), "cancel")
        row = books.one(entity("salesInvoices", target))
        if row is None or enum_text(str(row["status"])) != "Canceled":
            raise RecordHeld(_not_cancelled(operation))
        return Sent(target, _memo_number(books, operation), answer.request_id)

    protocol.perform(operation, send, facts=facts)


def _memo_number(books: BusinessCentral, operation: Operation) -> str | None:
    """The credit memo that closed the invoice: Business Central does not say it, it has to be looked up (facts section 3)."""
    posted = [one for one in _memos(books, str(operation.facts["number"]), operation.natural_key) if not one.draft]
    return posted[-1].number if posted else None


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


def _belongs(decision: Decision, source_id: str) -> bool:
    """This invoice, and the customer card that it needs; nothing else travels with a correction."""
    mine = (decision.kind, decision.source_id) == (KIND, source_id)
    return mine or (decision.kind == "customers" and decision.standing == Standing.ACT)


_AGAIN = "Run stsync correct invoice {} again: it looks in Business Central first, and repeats nothing that happened."
_CHANGED_MEANWHILE = Reason(
    "changed-meanwhile-anew",
    "The former invoice is taken back, but ServiceTitan or the set-up changed since the correction was shown, so the "
    "invoice was not made anew.",
    "Look at the preview, then let the next run make it: stsync sync --dry-run",
)


def _refused(reason: Reason) -> StsyncError:
    """Why there is nothing to send: a mistake of the command when nothing drifted, else a brake."""
    kind = UsageError if reason.reference == "nothing-to-correct" else GuardError
    return kind(reason.reference, reason.message, hint=reason.hint)


def _dealt_with(row: InboxRow) -> GuardError:
    one = KIND.removesuffix("s")
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


def _cannot_be_made_anew(mine: Decision | None) -> GuardError:
    reason = mine.reason if mine is not None else None
    why = reason.message if reason is not None else "ServiceTitan's invoice is not one that goes into the books now."
    return GuardError(
        "cannot-be-made-anew",
        f"The invoice could not be made anew, so the one in the books was left alone: {why}",
        hint=reason.hint if reason is not None else "stsync trace tells where the invoice stands.",
    )


def _not_cancelled(operation: Operation) -> Reason:
    return Reason(
        "cancel-not-shown",
        f"Business Central accepted the cancellation of {operation.facts['number']}, but does not show it as cancelled.",
        _AGAIN.format(operation.source_id),
    )
