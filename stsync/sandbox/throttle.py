"""A sliding window that counts calls: so many in so many seconds, then wait.

Real seconds by default even where a simulator's calendar is injected: a calendar that stands still must not
turn the sixty-first call of a test into a refusal for ever. Not modelled: fixed windows, bursts, penalties.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable


class SlidingWindow:
    """Admits `limit` calls in any `seconds`; a limit of None admits all."""

    def __init__(self, limit: int | None, seconds: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self._seconds = seconds
        self._monotonic = monotonic
        self._admitted: deque[float] = deque()

    def wait(self) -> float:
        """Count one call: 0 when it is admitted, otherwise the seconds until one would be."""
        if self.limit is None:
            return 0.0
        now = self._monotonic()
        while self._admitted and self._admitted[0] <= now - self._seconds:
            self._admitted.popleft()
        if len(self._admitted) < self.limit:
            self._admitted.append(now)
            return 0.0
        return self._admitted[0] + self._seconds - now if self._admitted else self._seconds
