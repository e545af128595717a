"""A sitting with both systems at which nothing is sent: what `stsync link` and `stsync baseline` work in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from stsync.engine.company import check_company
from stsync.state import RunLock, State
from stsync.wiring import Systems, Wiring


@dataclass(frozen=True)
class Sitting:
    """The state file (or a copy of it) and both systems, which refuse to be written to."""

    wiring: Wiring
    state: State
    systems: Systems


@contextmanager
def sitting(wiring: Wiring, command: str, *, keeps: bool) -> Iterator[Sitting]:
    """Open everything; `keeps` says whether something may be written down in the state file.

    Raises LockHeld, StateError, CredentialsError, SystemUnavailable, UsageError 'company-differs'.
    """
    lock = RunLock(wiring.state_path, command=command) if keeps else nullcontext()
    with lock, State.open(wiring.state_path) if keeps else State.open_scratch(wiring.state_path) as state:
        state.pin(wiring.pin)
        systems = wiring.systems(read_only=True)
        check_company(state, systems.books, wiring.config.business_central)
        yield Sitting(wiring, state, systems)
