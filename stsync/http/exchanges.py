"""What was sent and what came back, in the few words that the audit trail and the counters keep."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Exchange:
    """One request on the wire. `url` keeps its query but no secrets; `status` is 0 where no answer came.

    `writes` is how many writes it carried: 0 for reads, 1 for a single write, more for a batch of them.
    """

    system: str
    method: str
    url: str
    request_id: str
    correlation_id: str
    status: int
    milliseconds: int
    attempt: int
    writes: int = 0


OnExchange = Callable[[Exchange], None]


class Tally:
    """How many requests left, by method; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def add(self, method: str) -> None:
        """One more request by this method."""
        with self._lock:
            self._counts[method] += 1

    def snapshot(self) -> dict[str, int]:
        """The counts so far, as a copy."""
        with self._lock:
            return dict(self._counts)
