"""Breaking a run: faults in the servers, and kills from inside the process that runs.

The kills are put in from outside, around the one place where requests leave and the one where SQLite is asked: the
product has no switch for them.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from stsync.http.wire import Incoming, Outgoing, Wire
from stsync.sandbox import faults
from stsync.sandbox.wsgi import App, Request, Response
from stsync.selftest.places import Fault, Kill, Place, kind_of
from stsync.state.database import Database


def _envelope(status: int, title: str) -> dict[str, object]:
    """ServiceTitan's error (facts 1.3)."""
    return {"type": "", "title": title, "status": status, "traceId": "00-chaos", "errors": {}, "data": {}}


# BC facts 7.1 and 13.
_CONFLICT = {"error": {"code": "Request_EntityChanged", "message": "Another user has already changed the record."}}
_DEADLOCK = {
    "error": {
        "code": "Internal_ServerError",
        "message": "The activity was deadlocked with another user. Please retry the activity.",
    }
}
ACTIONS = {
    Fault.LOST: faults.DROP,
    Fault.ANSWER_LOST: faults.DROP_ANSWER,
    Fault.RESET: faults.CUT_BODY,
    Fault.ROLLED_BACK: faults.REQUEST_TIMEOUT,
    Fault.GATEWAY: faults.GATEWAY_TIMEOUT_AFTER_HANDLING,
    Fault.THROTTLED: faults.throttled(),
    Fault.THROTTLED_AFTER: faults.throttled(7),
    Fault.UNAVAILABLE: faults.unavailable(30),
    Fault.HTML: faults.HTML_500,
    Fault.TRUNCATED: faults.TRUNCATE,
    Fault.BAD_GZIP: faults.BAD_GZIP,
    Fault.TOKEN: faults.EXPIRE_TOKEN,
}
# What each system says in its own words.
_OWN_WORDS = {
    "business_central": {
        Fault.CONFLICT: faults.answer(409, _CONFLICT),
        Fault.DEADLOCK: faults.answer(409, _DEADLOCK),
    },
    "servicetitan_api": {
        Fault.CONFLICT: faults.answer(409, _envelope(409, "Conflict")),
        Fault.DEADLOCK: faults.answer(500, _envelope(500, "Internal error")),
    },
}
# The request of the place carries this header: with several lanes, requests do not arrive in the order in which they left.
MARK = "x-place-of-trial"


def add_fault(world_faults: faults.Faults, place: Place) -> list[faults.Rule]:
    """Put the place's fault in force, in whichever system its request comes to; one rule for each system, or none."""
    if place.fault is Fault.NONE:
        return []
    return [
        world_faults.add({**ACTIONS, **own_words}[place.fault], system=system, header=MARK)
        for system, own_words in _OWN_WORDS.items()
    ]


class Boundaries:
    """Notes the requests and commits of this process, and kills it at the chosen one.

    `tell` hears of it when the process comes to the chosen one.
    """

    def __init__(self, place: Place, tell: Callable[[str], None]) -> None:
        self._place = place
        self._tell = tell
        self._lock = threading.Lock()
        self._due = Kill.NEVER
        self.requests: list[str] = []
        self.commits = 0

    def install(self) -> None:
        """From now on every request and every commit of this process is noted."""
        self._around_requests()
        self._around_commits()

    def ended(self) -> None:
        """The run is over: a kill that waited for something to follow comes now."""
        if self._due is not Kill.NEVER:
            kill_process(os.getpid())

    def _around_requests(self) -> None:
        send = Wire.send

        def noted(wire: Wire, outgoing: Outgoing) -> Incoming:
            kind = kind_of(outgoing.method, outgoing.url, outgoing.body or b"")
            with self._lock:
                self.requests.append(kind)
                here = self._place.kind == kind and self._place.nth == self.requests.count(kind)
            if here:
                self._tell(self._place.id)
                outgoing = replace(outgoing, headers={**outgoing.headers, MARK: self._place.id})
                self._pass(Kill.LEAVING)
            elif self._due is Kill.NEXT:
                kill_process(os.getpid())
            try:
                return send(wire, outgoing)
            finally:
                # Also when the answer was an exception: what was learnt is not written down yet.
                if here:
                    self._pass(Kill.ANSWERED)
                    self._await()

        Wire.send = noted  # type: ignore[method-assign,assignment]

    def _around_commits(self) -> None:
        run = Database._run  # the one place where a statement reaches the file

        def noted(database: Database, sql: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
            if database.path is None or not _commits(database, sql):
                return run(database, sql, values)
            with self._lock:
                self.commits += 1
                if self._place.at_commit and self._place.number == self.commits:
                    self._tell(self._place.id)
                    self._await()
            self._strike(Kill.COMMITTING)
            cursor = run(database, sql, values)
            self._strike(Kill.COMMITTED)
            return cursor

        Database._run = noted  # type: ignore[method-assign,assignment]

    def _pass(self, moment: Kill) -> None:
        if self._place.kill is moment:
            kill_process(os.getpid())

    def _await(self) -> None:
        """From here on the kill is due at the next boundary of its kind."""
        if self._place.kill in {Kill.COMMITTING, Kill.COMMITTED, Kill.NEXT}:
            self._due = self._place.kill

    def _strike(self, moment: Kill) -> None:
        if self._due is moment:
            kill_process(os.getpid())


def _commits(database: Database, sql: str) -> bool:
    """A COMMIT, or a statement that commits by itself because no transaction is open."""
    word = sql.lstrip().split(maxsplit=1)[0].upper()
    if word == "COMMIT":
        return True
    return word in {"INSERT", "UPDATE", "DELETE"} and not database.connection.in_transaction


def kill_process(pid: int) -> None:
    """The hardest end that the system has; where there is no SIGKILL (Windows), TerminateProcess is it."""
    os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    # A signal sent to oneself arrives at once; one that somebody else sent may take a moment.
    time.sleep(0.01)


class KilledWhenServed:
    """Kills the client when the servers have carried out the request of the place and not answered yet."""

    def __init__(self) -> None:
        self._pid = 0

    def set(self, pid: int) -> None:
        """Kill this process; 0 for none."""
        self._pid = pid

    def around(self, app: App) -> App:
        """The same app with the trap around it."""

        def serving(request: Request) -> Response:
            response = app(request)
            if self._pid and MARK in request.headers:
                kill_process(self._pid)
            return response

        return serving


class Haste:
    """Waiting proves nothing here: a pause passes at once, and the clock is put forward by it."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def sleep(self, seconds: float) -> None:
        """Skip so many seconds."""
        self._ahead += seconds

    def clock(self) -> float:
        """Seconds, as `time.monotonic` counts them, with those that were skipped."""
        return time.monotonic() + self._ahead
