"""Payment journals, and the general journal of refunds: lines are made, the journal is read back, and only then posted,
many payments at a time.

A posting posts everything that stands in the journal (trap 5), so it is sent only when the journal holds exactly
the lines of this posting's payments. Posted lines vanish and there is no ledger entity to look them up (trap 9):
the general ledger, asked by document number, is the proof.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Any

from stsync.businesscentral.client import BusinessCentral
from stsync.core.operations import Operation, Ref, Verb
from stsync.core.plan import Decision
from stsync.core.reasons import Reason
from stsync.core.snapshot import OpenLine
from stsync.engine.apply import another
from stsync.engine.apply.desk import Desk, blocked
from stsync.engine.apply.dimension_payments import put_right
from stsync.engine.apply.journals import Journals, delete_line
from stsync.engine.apply.protocol import UNKNOWN, Blocked, Protocol, RecordRefused, Sent, carried_facts, told
from stsync.engine.lanes import Lanes
from stsync.engine.survey import open_line
from stsync.http.outcomes import OutcomeUnknown
from stsync.stages.payment_journals import RECEIPTS, REFUNDS, is_ours, journal_form, natural_key, number_of

_JOURNAL_GONE = "journal-gone"


@dataclass(frozen=True)
class _Batch:
    """One journal that is posted: its form and its id."""

    journals: Journals
    id: str

    def lines(self) -> list[OpenLine]:
        """What stands in it."""
        return self.journals.lines(self.id)


class PaymentDesk:
    """Carries out the payment decisions of a plan; `refused` remembers, for the run, the journals that could not be made."""

    def __init__(
        self,
        books: BusinessCentral,
        protocol: Protocol,
        desk: Desk,
        lanes: Lanes,
        refused: dict[str, Reason],
    ) -> None:
        self._books = books
        self._protocol = protocol
        self._desk = desk
        self._lanes = lanes
        self._refused = refused

    def prepare(self, journal: Operation) -> None:
        """Make a journal that is not there yet; the payments of a refused one are held."""
        form = REFUNDS if journal.entity == REFUNDS.journals else RECEIPTS
        try:
            self._protocol.perform(journal, Journals(self._books, form).create_journal)
        except RecordRefused as refusal:
            self._refused[journal.key] = refusal.reason

    def carry(self, decisions: Sequence[Decision]) -> None:
        """Carry out payments that no posting of this plan carries: taken on, or only put into a journal."""
        for decision in self._make_all(decisions):
            self._desk.carry(decision)
        self._desk.stop_if_another_run()
        self._desk.progress.advance("payments", len(decisions))

    def post(self, posting: Operation, decisions: Sequence[Decision]) -> None:
        """Carry out the payments of one posting."""
        refused = self._refused.get(posting.target.key) if isinstance(posting.target, Ref) else None
        if refused is not None:
            self._hold_all(decisions, refused)
        else:
            self._try_posting(posting, decisions)
        self._desk.stop_if_another_run()
        self._desk.progress.advance("payments", len(decisions))

    def _try_posting(self, posting: Operation, decisions: Sequence[Decision]) -> None:
        """Post these payments; trouble with the journal itself puts off those that are not in the books yet."""
        try:
            self._post_together(posting, decisions)
        except RecordRefused as refusal:
            self._hold_all(self._untold(decisions), refusal.reason)
        except OutcomeUnknown as error:
            self._wait_all(self._untold(decisions), replace(UNKNOWN, note=error.text))
        except Blocked:
            self._wait_all(self._untold(decisions), blocked("its payment journal"))

    def _untold(self, decisions: Iterable[Decision]) -> list[Decision]:
        """Those of which nothing is known yet: what was refused or taken out before keeps its own reason."""
        return [one for one in decisions if not self._desk.is_told(one)]

    def _wait_all(self, decisions: Iterable[Decision], reason: Reason) -> None:
        for decision in decisions:
            self._desk.wait(decision, reason)

    def _hold_all(self, decisions: Iterable[Decision], reason: Reason) -> None:
        for decision in decisions:
            self._desk.hold(decision, reason)

    def _guarded(self, decision: Decision, work: Callable[[], None]) -> bool:
        return self._desk.guarded(decision, work, waits_for="its customer or invoice")

    def _make_all(self, decisions: Sequence[Decision]) -> list[Decision]:
        """The payments' lines: outdated ones of ours deleted, missing ones made; those of which all went well."""
        begun = [one for one in decisions if self._guarded(one, partial(self._clear_way, one))]
        making = {
            one.key: (decision, one) for decision in begun for one in decision.operations if one.verb == Verb.CREATE
        }
        failed: set[str] = set()
        for form in (RECEIPTS, REFUNDS):
            found = self._protocol.perform_round(
                [one for decision, one in making.values() if journal_form(decision.about.amount) == form],
                Journals(self._books, form).create_lines,
                facts=lambda one: carried_facts(making[one.key][0], one),
            )
            for key, answer in found.items():
                decision, _ = making[key]
                # Two refused lines of one payment are one refusal: it costs one attempt.
                if decision.source_id not in failed and not self._guarded(decision, partial(told, answer)):
                    failed.add(decision.source_id)
            self._protocol.end_if_down(found)
        return [one for one in begun if one.source_id not in failed]

    def _clear_way(self, decision: Decision) -> None:
        """What comes before new lines: outdated ones of ours deleted, what is there taken on."""
        for operation in decision.operations:
            facts = carried_facts(decision, operation)
            if operation.verb == Verb.ADOPT:
                self._protocol.adopt(operation, facts)
            elif operation.verb == Verb.DELETE:
                self._delete(operation, facts)

    def _delete(self, operation: Operation, facts: Mapping[str, Any]) -> None:
        def send(_body: dict[str, Any], target: str, _parent: str) -> Sent:
            return delete_line(self._books, operation.entity, target)

        self._protocol.perform(operation, send, facts=facts)

    def _post_together(self, posting: Operation, decisions: Sequence[Decision]) -> None:
        """One posting for all these payments; if Business Central refuses it, one for each, so that one bad
        payment does not keep the others out of the books."""
        made = self._make_all(decisions)
        if not made:
            return
        at = _Batch(Journals.of(self._books, decisions[0]), self._protocol.target(posting))
        ready = self._ready(at, made, [one for one in decisions if one not in made])
        if not ready:
            return
        try:
            self._send_if_alone(posting, "1", at, ready)
        except RecordRefused as refusal:
            if refusal.reason.reference == _JOURNAL_GONE:
                # A batch that counts its own name on has another id after each posting (facts section 3).
                self._wait_all(ready, refusal.reason)
                return
            self._post_one_by_one(posting, ready, at, refusal)
        else:
            self._confirm(posting, ready, at)

    def _send_if_alone(self, posting: Operation, part: str, at: _Batch, ready: list[Decision]) -> None:
        """Post the journal, if it still holds these payments and nothing else; else `ready` keeps those that were posted.

        A line that somebody typed in while this one waited for its turn would be posted with ours (trap 5).
        """
        with self._lanes.posting() as waited:
            if waited and not _are_alone(ready, at.lines()):
                ready[:] = self._ready(at, ready, [])
            if ready:
                self._send(posting, part, at)

    def _send(self, posting: Operation, part: str, at: _Batch) -> None:
        """The key carries the run and the first payment: the same journal is posted again and again."""
        key = f"{posting.key}:{self._protocol.run_id}:{posting.facts['numbers'][0]}:{part}"
        operation = replace(posting, key=key, target=at.id)
        answer = self._protocol.attempt(operation, at.journals.post)
        self._protocol.record(operation, answer, {"payments": posting.facts["payments"]})

    def _ready(self, at: _Batch, decisions: Sequence[Decision], failed: Sequence[Decision]) -> list[Decision]:
        """The payments whose lines stand in the journal exactly as they should, if nothing else stands there.

        Lines of a payment that could not be completed are taken out, so that they are not posted with the others.
        """
        standing = at.lines()
        by_number: dict[str, list[OpenLine]] = {}
        for line in standing:
            by_number.setdefault(line.document_number, []).append(line)
        for decision in failed:
            # What another run put there is not ours to take out, nor to post.
            if not self._desk.gave_way(decision):
                self._take_out(decision, by_number.pop(number_of(decision), ()))
        decisions = self._unless_posted_elsewhere(at, decisions, by_number)
        strangers = sorted(by_number.keys() - {number_of(one) for one in decisions})
        if strangers:
            self._put_off(decisions, strangers)
            return []
        complete = [one for one in decisions if self._complete(one, by_number.get(number_of(one), []))]
        refused = put_right(at.journals, at.id, complete)
        for decision in complete:
            if (number := number_of(decision)) in refused:
                self._take_out(decision, by_number[number])
                self._desk.hold(decision, refused[number])
        return [one for one in complete if number_of(one) not in refused]

    def _unless_posted_elsewhere(
        self, at: _Batch, decisions: Sequence[Decision], by_number: dict[str, list[OpenLine]]
    ) -> list[Decision]:
        """Without those that the general ledger shows by now: another run's line was posted before ours was made."""
        posted = at.journals.anything_booked(decisions)
        for decision in decisions:
            if (number := number_of(decision)) in posted:
                self._take_out(decision, by_number.pop(number, ()))
                self._desk.give_way(decision, another.posted(number, decision.journal))
        return [one for one in decisions if number_of(one) not in posted]

    def _put_off(self, decisions: Sequence[Decision], strangers: Sequence[str]) -> None:
        """Post nothing, because the journal holds other lines too: of other payments of ours, or of somebody else."""
        journal = decisions[0].journal
        if all(is_ours(number) for number in strangers):
            self._wait_all(decisions, _others_first(journal, strangers))
        else:
            self._hold_all(decisions, _strangers(journal, strangers))

    def _complete(self, decision: Decision, lines: Sequence[OpenLine]) -> bool:
        """Whether a payment's lines add up to it; a payment with other lines is taken out of the journal and waits."""
        total = -sum((line.amount for line in lines), Decimal(0))
        if total == decision.about.amount:
            return True
        if lines:
            self._take_out(decision, lines)
            self._desk.wait(decision, _incomplete(decision, total))
        else:
            self._take_out_unseen(decision)
            self._desk.refuse(decision, _unseen(decision))
        return False

    def _take_out_unseen(self, decision: Decision) -> None:
        """Delete by their ids the lines that were made and that the journal does not show: that it shows customers' lines
        is only inferred (facts 2.11), and they must not pile up there, nor be posted by anybody unseen."""
        ids = [self._protocol.made(one) for one in decision.operations if one.verb == Verb.CREATE]
        for line_id in filter(None, ids):
            with suppress(RecordRefused):  # gone already, or posted by a person: the next run asks the general ledger
                self._take_out_line(decision, Journals.of(self._books, decision).form.lines, line_id)

    def _take_out(self, decision: Decision, lines: Iterable[OpenLine]) -> None:
        """Delete our own unposted lines of one payment."""
        for line in lines:
            self._take_out_line(decision, line.entity, line.id)

    def _take_out_line(self, decision: Decision, entity_set: str, line_id: str) -> None:
        operation = Operation(
            key=f"payments:{decision.source_id}:delete:{line_id}",
            stage="payments",
            source_id=decision.source_id,
            verb=Verb.DELETE,
            entity=entity_set,
            natural_key=number_of(decision),
            why="our own unposted line, taken out of the journal",
            target=line_id,
        )
        self._delete(operation, {})

    def _post_one_by_one(
        self, posting: Operation, decisions: Sequence[Decision], at: _Batch, refusal: RecordRefused
    ) -> None:
        """Find the payments that Business Central refuses: each is posted alone, and a refused one is taken out."""
        if len(decisions) == 1:
            self._take_out_own(decisions[0], at)
            self._desk.refuse(decisions[0], refusal.reason)
            return
        bodies = self._bodies(decisions, at)
        for part, decision in enumerate(decisions, start=2):
            self._alone(posting, part, decision, bodies[number_of(decision)], at)

    def _bodies(self, decisions: Sequence[Decision], at: _Batch) -> dict[str, list[dict[str, Any]]]:
        """Take every line out of the journal and keep what it said."""
        rows = at.journals.rows(at.id)
        bodies: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            bodies.setdefault(str(row["documentNumber"]), []).append(at.journals.again(row))
        for decision in decisions:
            own = [open_line(row) for row in rows if row["documentNumber"] == number_of(decision)]
            self._take_out(decision, own)
        return bodies

    def _alone(
        self, posting: Operation, part: int, decision: Decision, bodies: Sequence[dict[str, Any]], at: _Batch
    ) -> None:
        operations = [
            _line_again(decision, f"{self._protocol.run_id}:{number}", body, at)
            for number, body in enumerate(bodies, start=1)
        ]
        facts = {"fingerprint": decision.fingerprint, **decision.kept}
        found = self._protocol.perform_round(operations, at.journals.create_lines, facts=lambda _: facts)
        made = all(self._guarded(decision, partial(told, answer)) for answer in found.values())
        self._protocol.end_if_down(found)
        # Read back each time: somebody may have typed a line of his own into the journal meanwhile.
        ready = self._ready(at, [decision], []) if made else []
        sent = bool(ready) and self._guarded(decision, partial(self._send_if_alone, posting, str(part), at, ready))
        if sent and ready:
            self._confirm(posting, ready, at)
        else:
            self._take_out_own(decision, at)

    def _take_out_own(self, decision: Decision, at: _Batch) -> None:
        self._take_out(decision, [one for one in at.lines() if one.document_number == number_of(decision)])

    def _confirm(self, posting: Operation, decisions: Sequence[Decision], at: _Batch) -> None:
        """The general ledger is the proof: an answer of 204 may only mean that a job was scheduled (trap 23)."""
        if not decisions:
            return
        numbers = {number_of(one): one for one in decisions}
        booked = at.journals.booked(decisions)
        with self._desk.one_commit():
            for number, decision in numbers.items():
                if number in booked:
                    self._posted(posting, number, decision)
                else:
                    self._desk.wait(decision, _SCHEDULED)

    def _posted(self, posting: Operation, number: str, decision: Decision) -> None:
        operation = Operation(
            key=_posting_key(decision.source_id, number),
            stage="payments",
            source_id=decision.source_id,
            verb=Verb.POST,
            entity="journals",
            natural_key=number,
            why=f"posted with journal {posting.natural_key}",
            amount=decision.about.amount,
        )
        self._protocol.intend(operation, {})
        facts = {"fingerprint": decision.fingerprint, **decision.kept}
        self._protocol.record(operation, Sent(number, number), facts)
        self._protocol.close_intents("payments", decision.source_id, None, number, {})
        self._desk.carry(decision)


def _are_alone(decisions: Sequence[Decision], lines: Iterable[OpenLine]) -> bool:
    """Whether a journal holds the lines of these payments, to the cent, and no other line."""
    standing: dict[str, Decimal] = {}
    for line in lines:
        standing[line.document_number] = standing.get(line.document_number, Decimal(0)) - line.amount
    return standing == {number_of(one): one.about.amount for one in decisions}


def _posting_key(payment_id: str, number: str) -> str:
    """One for each issue: the row of a former one stays as it is."""
    return f"payments:{payment_id}:post" + ("" if number == natural_key(payment_id) else f":{number}")


def _line_again(decision: Decision, suffix: str, body: Mapping[str, Any], at: _Batch) -> Operation:
    return Operation(
        key=f"payments:{decision.source_id}:line:again:{suffix}",
        stage="payments",
        source_id=decision.source_id,
        verb=Verb.CREATE,
        entity=at.journals.form.lines,
        natural_key=number_of(decision),
        why="posted on its own, because its journal was refused",
        body=body,
        parent=at.id,
        amount=-Decimal(body["amount"]),
    )


_SCHEDULED = Reason(
    "posting-scheduled",
    "Business Central accepted the posting, but the general ledger does not show it yet; it may post in the background.",
    "Nothing to do: the next run looks again. If it stays so, look at the Job Queue Entries page in Business Central.",
)


def _strangers(journal: str, numbers: Sequence[str]) -> Reason:
    shown = ", ".join(number or "(blank)" for number in numbers[:5])
    return Reason(
        "foreign-lines-in-journal",
        f"The payment journal {journal} also holds lines that do not belong to this posting: {shown}. "
        "Posting it would post them too.",
        f"Post, move or delete those lines in Business Central; the journal {journal} must belong to stsync alone.",
    )


def _others_first(journal: str, numbers: Sequence[str]) -> Reason:
    """Our own lines of payments that are not in this run, or that Business Central posts in the background."""
    return Reason(
        "other-payments-in-journal",
        f"The payment journal {journal} still holds lines of other payments ({', '.join(numbers[:5])}); posting it would "
        "post them too.",
        "Run stsync sync without --only and --limit. If a payment of these is held, repair it, or delete its lines from "
        "the journal.",
    )


def _unseen(decision: Decision) -> Reason:
    return Reason(
        "payment-lines-incomplete",
        f"The line of this payment of {decision.about.amount:,.2f} was made, but Business Central does not show it in the "
        f"journal {decision.journal}, so it was deleted again and not posted.",
        f"Look in the journal {decision.journal} for lines with document number {number_of(decision)}, and delete "
        "any that is there. If it stays so, enter the payment by hand, then say so: "
        f'stsync ignore payment {decision.source_id} --reason "..."',
    )


def _incomplete(decision: Decision, total: Decimal) -> Reason:
    return Reason(
        "payment-lines-incomplete",
        f"The journal held {total:,.2f} of this payment of {decision.about.amount:,.2f}; its lines were taken out again.",
        "Nothing to do: the next run makes them anew.",
    )
