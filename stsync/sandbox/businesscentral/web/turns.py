"""How a request takes its turn at the books: at once, or in the time that the latency model gives it.

Without a model one lock is held for the whole request, a batch included. With one, the lock is held for each operation
alone, so that a request which sleeps is in nobody's way; only `Isolation: snapshot` keeps it, because one undo log
serves all sessions: such a batch does its work first and takes its time afterwards.
"""

from __future__ import annotations

from typing import Protocol

from stsync.sandbox.businesscentral.environment import Environment
from stsync.sandbox.businesscentral.errors import BcError
from stsync.sandbox.businesscentral.web.session import Operation, Session
from stsync.sandbox.businesscentral.web.work import Work, reading, work_of
from stsync.sandbox.pace import TooLong, Visit
from stsync.sandbox.wsgi import Response


class Runs(Protocol):
    """Whatever runs one operation after another for a user."""

    def run(self, operation: Operation) -> Response:
        """Run one operation; errors become their envelope."""


def cut_off() -> BcError:
    """The answer to a request that ran for eight minutes (BC facts section 11)."""
    return BcError(408, "Internal_OperationTimedOut", "The operation was cancelled because it ran too long.")


class PacedSession:
    """A session whose operations take time. Raises 408 where the request has used up its eight minutes.

    A write happens at the end of its time and not at all when it is cut off; a read happens at the beginning, because
    its answer decides how long it takes.
    """

    def __init__(self, environment: Environment, session: Session, visit: Visit, *, held: bool) -> None:
        """`held`: the caller holds the lock throughout, sleeps afterwards, and wants no sleeping here."""
        self._environment = environment
        self._session = session
        self._visit = visit
        self._held = held

    def run(self, operation: Operation) -> Response:
        """Run one operation, or raise 408; before a write it waits for the time that was booked so far."""
        if operation.method == "GET":
            with self._environment.lock:
                response = self._session.run(operation)
            self._spend(reading(operation, response))
            return response
        with self._environment.lock:
            work = work_of(self._environment, operation)
        self._spend(work)
        if not self._held:
            self._visit.catch_up()
        with self._environment.lock:
            return self._session.run(operation)

    def _spend(self, work: Work) -> None:
        try:
            self._visit.spend(work.kind, work.size, lane=work.lane)
        except TooLong:
            raise cut_off() from None
