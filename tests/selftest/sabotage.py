"""A client that is broken on purpose, in a process of its own: what the trials have to find."""

from __future__ import annotations

from typing import Any

from stsync.selftest.places import Fault, Place
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


def _attempt(kind: str, fault: Fault) -> Verdict:
    ground = Ground()
    try:
        faultless = ground.lay()
        return ground.attempt(Place(kind, faultless.requests.index(kind) + 1, fault), faultless)
    finally:
        ground.close()
