"""What drift remembers from one look to the next, so that a daily look stays cheap and finds stay found."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stsync.state import State

_NOTE = "drift"


@dataclass(frozen=True)
class Memory:
    """`stamp` is the newest modification that Business Central showed (its own clock), `looked_at` is ours; `open` are
    the documents that were not as they were posted, which are looked at again until they are."""

    stamp: datetime | None = None
    looked_at: datetime | None = None
    open: frozenset[tuple[str, str]] = frozenset()


def recall(state: State) -> Memory:
    """What the last look left behind."""
    kept = json.loads(state.notes.note(_NOTE) or "{}")
    if not kept.get("stamp"):
        return Memory()
    found = frozenset((str(kind), str(source_id)) for kind, source_id in kept["open"])
    return Memory(datetime.fromisoformat(kept["stamp"]), datetime.fromisoformat(kept["looked_at"]), found)


def remember(state: State, memory: Memory) -> None:
    """Keep it for the next look; it is a note of ours, no part of the books."""
    if memory.stamp is None or memory.looked_at is None:
        return
    kept = {"stamp": memory.stamp.isoformat(), "looked_at": memory.looked_at.isoformat(), "open": sorted(memory.open)}
    state.notes.note(_NOTE, json.dumps(kept))
