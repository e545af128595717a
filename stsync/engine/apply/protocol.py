"""One foreign write, exactly once.

1. done already? Nothing is sent.
2. anything it comes after not done? It is left, blocked.
3. `intended` is written and durable.
4. it is sent. A crash here leaves the intent; the next run looks in the books by the natural key before it repeats.
5. `done` is written with the id that the books gave.

An answer is one of three kinds: *refused* (nothing happened; the record is told why), *not processed* (the system is
unavailable; the run ends, nobody's attempts are spent, and the intent stays for the next run's look), *unknown* (sent, no
trustworthy answer; the intent stays and the record waits for the next run's look).
"""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

from stsync.core.canonical import canonical_json
from stsync.core.operations import Operation, Ref, Verb, shown
from stsync.core.plan import Decision
from stsync.core.reasons import Reason
from stsync.errors import CredentialsError, SystemUnavailable, UsageError
from stsync.http.answers import Answer
from stsync.http.outcomes import OutcomeUnknown, Refused
from stsync.state import Done, Intent, LedgerRow, State

UNKNOWN = Reason(
    "outcome-unknown",
    "It was sent, but no answer came that can be trusted.",
    "Nothing to do: the next run looks in the target system before anything is repeated.",
)
# So many unknown outcomes in a row are an outage, not bad luck; going on would only make more of them.
UNKNOWNS_IN_A_ROW = 5
# What ends a run: nothing more can be sent.
ENDINGS = (SystemUnavailable, CredentialsError, UsageError)


class RecordRefused(Exception):
    """The target system refused a write of this record."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.message)
        self.reason = reason


class RecordHeld(Exception):
    """A person has to look at this record before anything more is sent for it."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.message)
        self.reason = reason


class AnotherRun(Exception):
    """Another run, with a state file of its own, does the same at the same moment: this write surely did not happen."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.message)
        self.reason = reason


class Blocked(Exception):
    """Something this operation comes after is not done."""


@dataclass(frozen=True)
class Ready:
    """An operation as it is sent: with the ids that earlier ones made."""

    operation: Operation
    body: dict[str, Any]
    target: str
    parent: str


@dataclass(frozen=True)
class Sent:
    """What the target system answered: the id and number of what was written."""

    id: str | None = None
    number: str | None = None
    request_id: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, answer: Answer) -> Sent:
        """The id and number out of the entity that Business Central answered with."""
        body = answer.body if isinstance(answer.body, dict) else {}
        number = body.get("number") or body.get("code")
        return cls(
            str(body["id"]) if body.get("id") else None, str(number) if number else None, answer.request_id, body
        )


T = TypeVar("T")
Send = Callable[[dict[str, Any], str, str], Sent]
# What became of each write of a round: the answer, or the error that a single write would have raised.
SendRound = Callable[[Sequence[Ready]], Sequence[Sent | Exception]]
Explain = Callable[[Refused], Reason]


class Protocol:
    """Runs operations through the ledger; one for a run."""

    def __init__(self, state: State, run_id: str, explain: Explain) -> None:
        self._state = state
        self.run_id = run_id
        self._explain = explain
        self._unknown_in_a_row = 0

    def perform(self, operation: Operation, send: Send, *, facts: Mapping[str, Any] | None = None) -> Sent:
        """Carry out one operation. Raises RecordRefused, Blocked, OutcomeUnknown, SystemUnavailable, CredentialsError."""
        row = self._state.ledger.find(operation.key)
        if row is not None and row.state == "done":
            return Sent(row.target_id, row.target_number)
        sent = self.attempt(operation, send)
        self.record(operation, sent, facts or {})
        return sent

    def attempt(self, operation: Operation, send: Send) -> Sent:
        """Intend and send, without recording the outcome; for writes that are confirmed in bulk.

        When a system is unavailable the intent stays: a write can take several requests (a draft line by line), and
        the first may have happened. The next run looks before it repeats, and finds the same key to go on with.
        """
        body, target, parent = self._resolved(operation)
        self.intend(operation, body)
        try:
            sent = send(body, target, parent)
        except Refused as error:
            reason = self._explain(error)
            self._state.ledger.refused(operation.key, reason, run_id=self.run_id, request_id=error.correlation_id)
            self._unknown_in_a_row = 0
            raise RecordRefused(reason) from error
        except AnotherRun as error:
            self._state.ledger.refused(operation.key, error.reason, run_id=self.run_id)
            raise
        except OutcomeUnknown as error:
            self._count_unknown(error)
            raise
        self._unknown_in_a_row = 0
        return sent

    def perform_round(
        self, operations: Sequence[Operation], send: SendRound, *, facts: Callable[[Operation], Mapping[str, Any]]
    ) -> dict[str, Sent | Exception]:
        """Carry out operations of several records in one go: by key, what `perform` would have returned or raised.

        What surely happened is written down. The caller tells the records, and then asks `end_if_down`.
        """
        rows = self._state.ledger.find_many(one.key for one in operations)
        known = {key: Sent(row.target_id, row.target_number) for key, row in rows.items() if row.state == "done"}
        found = self.attempt_round([one for one in operations if one.key not in known], send)
        with self._state.transaction():
            for one in operations:
                if isinstance(sent := found.get(one.key), Sent):
                    self.record(one, sent, facts(one))
        return {**known, **found}

    def perform_one(self, operation: Operation, send: SendRound, *, facts: Mapping[str, Any]) -> Sent:
        """`perform`, by the hands that carry out a round."""
        found = self.perform_round([operation], send, facts=lambda _: facts)
        self.end_if_down(found)
        answer = found[operation.key]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def attempt_round(self, operations: Sequence[Operation], send: SendRound) -> dict[str, Sent | Exception]:
        """Intend operations of several records in one commit and send them; what was refused is written down, what was
        carried out is not. The caller asks `end_if_down` when it has taken note of what happened: what ends the run comes
        last, so that every record before it is told."""
        keys = {one.key: needed(one) for one in operations}
        rows = self._state.ledger.find_many(key for part in keys.values() for key in part)
        missing = {one.key for one in operations if not _are_done(keys[one.key], rows)}
        found: dict[str, Sent | Exception] = {key: Blocked(key) for key in missing}
        ready = [_ready(one, rows) for one in operations if one.key not in missing]
        if not ready:
            return found
        self._state.ledger.intend([_intent(one.operation, one.body) for one in ready], self.run_id)
        answers = send(ready)
        with self._state.transaction():
            for one, answer in zip(ready, answers, strict=True):
                found[one.operation.key] = self._judged(one.operation, answer)
        return dict(sorted(found.items(), key=lambda one: isinstance(one[1], ENDINGS)))

    def _judged(self, operation: Operation, answer: Sent | Exception) -> Sent | Exception:
        """The answer as the record's own work understands it; a refusal is written down."""
        if isinstance(answer, Refused):
            reason = self._explain(answer)
            self.refuse(operation, reason, answer.correlation_id)
            return RecordRefused(reason)
        if isinstance(answer, AnotherRun | RecordHeld):
            self.refuse(operation, answer.reason)
        return answer

    def end_if_down(self, found: Mapping[str, Sent | Exception]) -> None:
        """Raise what ends the run: a system that takes nothing on, a refused login, or one unknown outcome too many."""
        for one in found.values():
            if isinstance(one, ENDINGS):
                raise one
        # Every write of a request that stayed without an answer has the same error.
        unknown = list({id(one): one for one in found.values() if isinstance(one, OutcomeUnknown)}.values())
        if any(isinstance(one, Sent | RecordRefused) for one in found.values()):
            self._unknown_in_a_row = 0
        elif unknown:
            self._unknown_in_a_row += len(unknown) - 1
            self._count_unknown(unknown[-1])

    def intend(self, operation: Operation, body: Mapping[str, Any]) -> None:
        """Write down what is about to be sent; durable when this returns."""
        self._state.ledger.intend([_intent(operation, body)], self.run_id)

    def attempt_together(self, writes: Sequence[tuple[Operation, Mapping[str, Any]]], send: Callable[[], T]) -> T:
        """Intend several writes in one commit, and send them in one request; the caller records what became of each.

        Raises what the sending raises; where nothing was carried out, the intents are closed as refused.
        """
        self._state.ledger.intend([_intent(operation, body) for operation, body in writes], self.run_id)
        try:
            answer = send()
        except Refused as error:
            for operation, _ in writes:
                self.refuse(operation, self._explain(error), error.correlation_id)
            raise
        except OutcomeUnknown as error:
            self._count_unknown(error)
            raise
        self._unknown_in_a_row = 0
        return answer

    def refuse(self, operation: Operation, reason: Reason, request_id: str = "") -> None:
        """Write down that it was surely not carried out."""
        self._state.ledger.refused(operation.key, reason, run_id=self.run_id, request_id=request_id)

    def filled(self, operation: Operation) -> dict[str, Any]:
        """The body with what earlier operations made. Raises Blocked when one of them is not done."""
        return self._resolved(operation)[0]

    def record(self, operation: Operation, sent: Sent, facts: Mapping[str, Any]) -> None:
        """Write down that it surely happened."""
        done = Done(operation.key, sent.id, sent.number, shown(facts))
        self._state.ledger.done(done, run_id=self.run_id, request_id=sent.request_id)

    def adopt(self, operation: Operation, facts: Mapping[str, Any]) -> None:
        """Take on what an earlier run made; its open intents are closed, because what they meant is there."""
        target, number = str(operation.target), str(operation.facts.get("number") or operation.natural_key)
        with self._state.transaction():
            self.close_intents(operation.stage, operation.source_id, target, number, facts)
            self.intend(operation, operation.body)
            self.record(operation, Sent(target, number), {**facts, "posted": operation.facts.get("posted", False)})

    def close_intents(
        self, stage: str, source_id: str, target: str | None, number: str | None, facts: Mapping[str, Any]
    ) -> None:
        """Mark a record's open intents as done: the books hold what they meant.

        A deletion of which nobody knew the end is taken back instead: what it was to remove is there, or was made anew.
        """
        for row in self._open(stage, source_id):
            if row.verb == Verb.CANCEL:
                continue
            if row.verb == Verb.DELETE:
                self._state.ledger.forget(row.key, run_id=self.run_id)
            else:
                self._state.ledger.done(Done(row.key, target, number, shown(facts)), run_id=self.run_id)

    def note_end(self, operation: Operation, memo: str, facts: Mapping[str, Any]) -> None:
        """Write down that a former counterpart was taken back in the books, by this credit memo; nothing is sent."""
        self.intend(operation, {})
        self.record(operation, Sent(str(operation.target), memo), facts)

    def note(self, event: str, operation: Operation, detail: Mapping[str, Any]) -> None:
        """Put a write that belongs to an operation, and is harmless to repeat, into the audit trail."""
        self._state.audit.append(
            event, run_id=self.run_id, stage=operation.stage, source_id=operation.source_id, detail=dict(detail)
        )

    def made(self, operation: Operation) -> str:
        """The id of what an operation made; empty when it is not done."""
        row = self._state.ledger.find(operation.key)
        return (row.target_id or "") if row is not None and row.state == "done" else ""

    def target(self, operation: Operation) -> str:
        """The id an operation works on. Raises Blocked when it is not made yet."""
        return self._resolved(operation)[1]

    def _open(self, stage: str, source_id: str) -> list[LedgerRow]:
        return [row for row in self._state.ledger.by_source(stage, source_id) if row.state == "intended"]

    def _resolved(self, operation: Operation) -> tuple[dict[str, Any], str, str]:
        """The operation with the ids that earlier operations made. Raises Blocked when one of them is not done."""
        keys = needed(operation)
        rows = self._state.ledger.find_many(keys) if keys else {}
        if not _are_done(keys, rows):
            raise Blocked(operation.key)
        ready = _ready(operation, rows)
        return ready.body, ready.target, ready.parent

    def _count_unknown(self, error: OutcomeUnknown) -> None:
        self._unknown_in_a_row += 1
        if self._unknown_in_a_row >= UNKNOWNS_IN_A_ROW:
            raise SystemUnavailable(
                "system-unavailable",
                f"{self._unknown_in_a_row} writes in a row were sent without a trustworthy answer; the run stopped.",
                hint="Run again later. The next run looks in the books before anything is repeated.",
                note=error.text,
            ) from error


def _intent(operation: Operation, body: Mapping[str, Any]) -> Intent:
    return Intent(
        operation.key,
        operation.stage,
        operation.source_id,
        operation.verb,
        operation.entity,
        operation.natural_key,
        operation.digest,
        canonical_json(shown(body)),
        operation.amount,
    )


def told(answer: Sent | Exception) -> None:
    """Raise what a single write would have raised, so that the record's own work ends in the same way."""
    if isinstance(answer, Exception):
        raise answer


def needed(operation: Operation) -> set[str]:
    """The keys of everything that has to be done before this operation."""
    return {*operation.after, *(one.key for one in _refs(operation))}


def _are_done(keys: Iterable[str], rows: Mapping[str, LedgerRow]) -> bool:
    return all(key in rows and rows[key].state == "done" for key in keys)


def _ready(operation: Operation, rows: Mapping[str, LedgerRow]) -> Ready:
    target, parent = str(_filled(operation.target, rows)), str(_filled(operation.parent, rows))
    return Ready(operation, _filled(operation.body, rows), target, parent)


def _refs(value: object) -> Iterable[Ref]:
    if isinstance(value, Operation):
        for part in (value.body, value.target, value.parent):
            yield from _refs(part)
    elif isinstance(value, Ref):
        yield value
    elif isinstance(value, str):
        return
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _refs(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _refs(part)


def _filled(value: Any, rows: Mapping[str, LedgerRow]) -> Any:
    if isinstance(value, str):
        return value
    if isinstance(value, Ref):
        row = rows[value.key]
        return row.target_id if value.part == "id" else row.target_number
    if isinstance(value, Mapping):
        return {name: _filled(part, rows) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(part, rows) for part in value]
    return value.isoformat() if isinstance(value, date) else value


def carried_facts(decision: Decision, operation: Operation) -> dict[str, Any]:
    """What the ledger keeps beside a write, so that a later change in the source is noticed."""
    kept: dict[str, Any] = {"fingerprint": decision.fingerprint, "why": operation.why, **decision.kept}
    if operation.verb == Verb.CREATE:
        kept["digest"] = operation.digest
    return kept


def operator() -> str:
    """Who runs this, for the audit."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
