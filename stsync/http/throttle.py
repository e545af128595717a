"""How many requests may leave per second, and how many may be under way at once."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from stsync.http.in_flight import InFlight


@dataclass(frozen=True)
class Window:
    """At most so many requests in any stretch of so many seconds, however they are spread in it."""

    requests: int
    seconds: float


class Throttle:
    """A token bucket, a sliding window and a limit on concurrency, for all threads of one session.

    The bucket starts full with `burst` requests; every window of W seconds admits at most
    `per_second * W + burst` (ecosystem section 5.3), so a burst of one keeps a vendor's limit exactly. A `window`
    suits a vendor who counts over minutes: short runs go at full speed, long ones at the average allowed.
    """

    def __init__(
        self,
        per_second: float,
        concurrent: int,
        *,
        burst: int = 1,
        window: Window | None = None,
        sleep: Callable[[float], None],
        clock: Callable[[], float],
    ) -> None:
        self._interval = 1 / per_second
        self._lead = (burst - 1) * self._interval
        self._in_flight = InFlight(concurrent)
        self._lock = threading.Lock()
        self._sleep = sleep
        self._clock = clock
        self._due = clock()
        self._window = window
        self._departures: deque[float] = deque(maxlen=window.requests if window else 0)

    @contextmanager
    def slot(self, operations: int = 1) -> Iterator[int]:
        """One request's place: room first, then its turn, so that waiting requests never leave in a bunch.

        A batch takes as much of the window as it has operations: each may count (BC facts section 10). What it gives
        is for `heard`.
        """
        with self._in_flight.one() as slot:
            wait = self._reserve(operations)
            if wait > 0:
                self._sleep(wait)
            yield slot

    def heard(self, slot: int, status: int) -> None:
        """What came back to a request: fewer requests are under way at once while the system is overrun."""
        self._in_flight.heard(slot, status)

    def penalise(self, seconds: float) -> None:
        """Let no further request leave for so long: a 429 speaks to every thread, not only to the one it met."""
        with self._lock:
            self._due = max(self._due, self._clock() + seconds + self._lead)

    def _reserve(self, operations: int) -> float:
        with self._lock:
            now = self._clock()
            self._due = max(self._due, now)
            departure = max(self._due - self._lead, self._window_opens(operations))
            self._departures.extend([max(departure, now)] * operations)
            self._due = max(self._due, departure) + self._interval
            return departure - now

    def _window_opens(self, operations: int) -> float:
        """When the window has room for so many; long ago while it is not full."""
        if self._window is None:
            return -math.inf
        too_many = len(self._departures) + operations - self._window.requests
        if too_many <= 0 or not self._departures:
            return -math.inf
        return self._departures[min(too_many, len(self._departures)) - 1] + self._window.seconds
