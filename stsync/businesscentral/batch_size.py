"""How many writes go into one request, by the time that their kind was seen to take (BC facts sections 10 and 11)."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence

# Small enough that a first answer which is lost leaves few writes in doubt.
FIRST = 10
_ROUNDING = 1e-9


class Sizes:
    """Sizes by kind of write; safe to share between threads.

    A batch aims at `seconds` and never holds more than `most` writes. A kind's size at most doubles after a batch, and
    shrinks at once. Kinds that share a batch share its time, each by the part that it would fill alone.
    """

    def __init__(self, most: int, seconds: float) -> None:
        self._most = float(most)
        self._seconds = seconds
        self._sizes: dict[str, float] = {}
        self._lock = threading.Lock()

    def fitting(self, kinds: Sequence[str]) -> int:
        """How many of the writes in front go into one request; at least one."""
        with self._lock:
            load = 0.0
            for count, kind in enumerate(kinds):
                load += 1 / int(self._of(kind) + _ROUNDING)
                if count and load > 1 + _ROUNDING:
                    return count
            return len(kinds)

    def took(self, kinds: Sequence[str], seconds: float) -> None:
        """A request with these was answered after so long."""
        with self._lock:
            load = self._load(kinds)
            # What was not tried says nothing about twice as many: a third of a batch lets nothing grow.
            growth = max(1.0, 2 * load)
            self._scale(kinds, min(load * self._seconds / seconds, growth) if seconds > 0 else growth)

    def halve(self, kinds: Sequence[str]) -> None:
        """A request with these was too long for the server, or no answer came."""
        with self._lock:
            self._scale(kinds, self._load(kinds) / 2)

    def single(self, kind: str) -> None:
        """A write of this kind met somebody else's lock: the next one goes alone, and holds its own locks for less long."""
        with self._lock:
            self._sizes[kind] = 1.0

    def _scale(self, kinds: Sequence[str], factor: float) -> None:
        for kind in set(kinds):
            self._sizes[kind] = min(self._most, max(1.0, self._of(kind) * factor))

    def _load(self, kinds: Sequence[str]) -> float:
        """How full a request with these is; by kind, since ten tenths make no whole in binary."""
        return sum(count / self._of(kind) for kind, count in Counter(kinds).items())

    def _of(self, kind: str) -> float:
        return self._sizes.get(kind, min(float(FIRST), self._most))
