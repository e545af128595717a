"""The state file for commands that take down a person's word: locked, and surely that of these two systems."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from stsync.errors import UsageError

if TYPE_CHECKING:
    from stsync.state import State
    from stsync.wiring import Wiring


@contextmanager
def remembered(wiring: Wiring, command: str) -> Iterator[State]:
    """What runs have remembered so far. Raises UsageError where no run was, LockHeld, StateError."""
    from stsync.state import RunLock, State

    if not wiring.state_path.exists():
        raise UsageError("record-unknown", "Nothing has been read so far.", hint="Start with: stsync sync --dry-run")
    with RunLock(wiring.state_path, command=command), State.open(wiring.state_path) as state:
        state.check_pin(wiring.pin)
        yield state
