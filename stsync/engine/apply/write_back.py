"""Telling ServiceTitan what is in the books: marks travel a hundred at a time, and each has its own result.

Crash here, or lose an answer, and the next run looks first: a payment that shows Exported, and an invoice or credit memo
that shows Exported with our number as its `exportId`, was told. Where ServiceTitan does not show it (yet), the mark is
sent again: it sets the same state and the same number once more, so that is harmless, unlike repeating a posting.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from stsync.core.operations import Operation, Verb
from stsync.core.plan import Decision
from stsync.core.reasons import Reason
from stsync.engine.apply.desk import Desk
from stsync.engine.apply.protocol import Blocked, Protocol, Sent
from stsync.errors import CredentialsError
from stsync.http.outcomes import OutcomeUnknown, Refused
from stsync.servicetitan.client import Marked, ServiceTitan
from stsync.servicetitan.problems import reason_for, row_reason
from stsync.stages.write_back import RESOURCES, STAGE
from stsync.state import Incoming, State

# No ceiling is published (facts section 4); a hundred rows keep the harm of one refused request small.
ROWS_PER_REQUEST = 100


class WriteBackDesk:
    """Carries out the marks of a plan."""

    def __init__(
        self, servicetitan: ServiceTitan, state: State, protocol: Protocol, desk: Desk, now: Callable[[], datetime]
    ) -> None:
        self._servicetitan = servicetitan
        self._state = state
        self._protocol = protocol
        self._desk = desk
        self._now = now

    def apply(self, decisions: Sequence[Decision]) -> None:
        """Mark what is in the books; a document whose posting did not come about is left without a word."""
        ready = [row for row in map(self._row, decisions) if row is not None]
        self._open([decision for decision, _ in ready])
        self._take_on([decision for decision, _ in ready if decision.operations[0].verb == Verb.ADOPT])
        ready = [row for row in ready if row[0].operations[0].verb == Verb.MARK]
        if len(ready) < len(decisions):
            self._desk.progress.advance(STAGE, len(decisions) - len(ready))
        for resource in RESOURCES.values():
            rows = [row for row in ready if row[0].operations[0].entity == resource]
            for start in range(0, len(rows), ROWS_PER_REQUEST):
                part = rows[start : start + ROWS_PER_REQUEST]
                self._send(resource, part)
                self._desk.progress.advance(STAGE, len(part))

    def _take_on(self, decisions: Sequence[Decision]) -> None:
        """What ServiceTitan shows as exported already; an intent whose answer was lost is closed with it."""
        for decision in decisions:
            operation = decision.operations[0]
            self._protocol.adopt(operation, {"why": operation.why})
            self._desk.carry(decision)

    def _row(self, decision: Decision) -> tuple[Decision, dict[str, Any]] | None:
        """The decision with the row that is sent for it, once its document is surely in the books under a number."""
        operation = decision.operations[0]
        kind, record_id = operation.facts["record"]
        if operation.facts["here"] and not self._desk.has_carried(kind, record_id):
            return None
        try:
            body = self._protocol.filled(operation)
        except Blocked:
            return None
        return None if "externalId" in body and not body["externalId"] else (decision, body)

    def _open(self, decisions: Sequence[Decision]) -> None:
        """Give each mark its record in the inbox: it has a standing of its own from here on."""
        incoming = [Incoming(one.source_id, None, self._content(one.operations[0])) for one in decisions]
        self._state.inbox.store(STAGE, incoming, feed=None, token=None, seen_at=self._now())
        self._desk.write_down(decisions)

    def _content(self, operation: Operation) -> dict[str, Any]:
        kind, record_id = operation.facts["record"]
        return {"record": kind, "id": record_id, "number": self._number(operation)}

    def _number(self, operation: Operation) -> str:
        body = self._protocol.filled(operation)
        return str(body.get("externalId") or operation.facts["number"])

    def _send(self, resource: str, rows: Sequence[tuple[Decision, dict[str, Any]]]) -> None:
        """One request; if ServiceTitan refuses it as a whole, halves of it, down to the row that it means."""
        writes = [(decision.operations[0], body) for decision, body in rows]
        try:
            said = self._protocol.attempt_together(writes, self._request(resource, [body for _, body in rows]))
        except Refused as error:
            if len(rows) == 1:
                self._refuse(rows[0][0], reason_for(error))
                return
            middle = len(rows) // 2
            self._send(resource, rows[:middle])
            self._send(resource, rows[middle:])
        except CredentialsError as error:
            self._not_permitted(resource, rows, error)
        except OutcomeUnknown as error:
            for decision, _ in rows:
                self._desk.wait(decision, replace(_UNANSWERED, note=error.text))
        else:
            for (decision, _), result in zip(rows, said, strict=True):
                self._note(decision, result)

    def _not_permitted(
        self, resource: str, rows: Sequence[tuple[Decision, dict[str, Any]]], error: CredentialsError
    ) -> None:
        """Everything is posted by now: a scope that is missing here holds the marks, and the run ends as it should."""
        if error.reference != "permission-missing":
            raise error
        reason = _not_permitted(resource, error)
        for decision, _ in rows:
            self._protocol.refuse(decision.operations[0], reason)
            self._desk.hold(decision, reason)

    def _request(self, resource: str, bodies: Sequence[dict[str, Any]]) -> Callable[[], list[Marked]]:
        if resource != "payments":
            return lambda: self._servicetitan.mark_exported(resource, bodies)

        def send() -> list[Marked]:
            ids = [int(body["paymentId"]) for body in bodies]
            self._servicetitan.set_payments_status(ids, "Exported")
            # All or nothing: this call has no results row by row (trap 3).
            return [Marked(one, True, "") for one in ids]

        return send

    def _note(self, decision: Decision, result: Marked) -> None:
        operation = decision.operations[0]
        if result.success:
            self._protocol.record(operation, Sent(str(result.id), self._number(operation)), {"why": operation.why})
            self._desk.carry(decision)
        elif result.success is None:
            self._desk.wait(decision, replace(_UNANSWERED, note=result.error))
        else:
            reason = row_reason(result.error)
            self._protocol.refuse(operation, reason)
            self._refuse(decision, reason)

    def _refuse(self, decision: Decision, reason: Reason) -> None:
        """The mark failed, the document did not: the message says so before it says why."""
        message = (
            f"{decision.about.number.capitalize()} is in the books, but ServiceTitan was not told: {reason.message}"
        )
        self._desk.refuse(decision, replace(reason, message=message))


_UNANSWERED = Reason(
    "mark-unanswered",
    "ServiceTitan was told that the document is in the books, but no answer came that can be trusted.",
    "Nothing to do: the next run looks whether it shows, and tells it again if not, which does no harm.",
)


def _not_permitted(resource: str, error: CredentialsError) -> Reason:
    return Reason(
        "write-back-not-permitted",
        f"ServiceTitan does not let stsync mark {resource.replace('-', ' ')} as exported. The books are not touched by it.",
        f"Let a ServiceTitan administrator accept the app version that may write {resource.replace('-', ' ')}, or set "
        f"write_back.{resource.replace('-', '_')}: no in the configuration.",
        error.note,
    )
