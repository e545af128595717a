"""Clients that are broken on purpose, each in a process of its own: what the trials have to find."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from stsync.selftest.places import Fault, Kill, Place
from stsync.selftest.trial import Ground, Verdict


def attempt_with_a_client_that_simply_repeats(kind: str, fault: Fault) -> Verdict:
    """What most clients do: a write without an answer is sent again. The fault comes at the first request of a kind."""
    from stsync.http import session
    from stsync.http.outcomes import OutcomeUnknown
    from stsync.http.retry import Transient

    careful = session.Session._written

    def careless(self: Any, *given: Any) -> Any:
        try:
            return careful(self, *given)
        except OutcomeUnknown as error:
            raise Transient(str(error)) from error

    session.Session._written = careless  # type: ignore[method-assign]
    return _attempt(kind, fault)


def attempt_with_a_client_that_takes_silence_for_success(kind: str, fault: Fault) -> Verdict:
    """A write without an answer is noted as done, and nobody looks."""
    from stsync.http import session
    from stsync.http.answers import Answer
    from stsync.http.outcomes import OutcomeUnknown

    careful = session.Session._written

    def careless(self: Any, *given: Any) -> Any:
        try:
            return careful(self, *given)
        except OutcomeUnknown:
            return Answer(204, None)

    session.Session._written = careless  # type: ignore[method-assign]
    return _attempt(kind, fault)


def attempt_with_a_client_that_does_not_look(kind: str, kill: Kill, lanes: int) -> Verdict:
    """Neither before a payment is sent again, nor before it is posted, is the general ledger asked whether it is there."""
    from stsync.engine import survey
    from stsync.engine.apply.journals import Journals

    looked_up = survey.Lookup.added

    def blind(self: Any, *given: Any) -> Any:
        return replace(looked_up(self, *given), posted_payments={}, posted_refunds={})

    survey.Lookup.added = blind  # type: ignore[method-assign]
    Journals.anything_booked = lambda *_: set()  # type: ignore[method-assign]
    return _attempt(kind, Fault.NONE, kill, lanes)


def _attempt(kind: str, fault: Fault, kill: Kill = Kill.NEVER, lanes: int = 1) -> Verdict:
    ground = Ground()
    try:
        faultless = ground.lay()
        number = faultless.requests.index(kind) + 1
        return ground.attempt(Place(kind, number, fault, kill, lanes=lanes), faultless)
    finally:
        ground.close()
