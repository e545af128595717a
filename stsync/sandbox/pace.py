"""Modelled time: what each request takes, who waits for whom, and the account of it all.

A request walks through modelled time as a `Visit`. Its clock is where the model has got to, not where the thread is:
the simulator's own computing is absorbed as long as it is quicker than what it stands for, and a late wake-up does not
add up over a hundred operations. Nobody sleeps while holding a lock.

Not modelled: fairness between users, a posting lane that serves anybody but first come, first served.
"""

from __future__ import annotations

import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from stsync.sandbox.bookings import Bookings
from stsync.sandbox.latency import COSTS, JITTER, OPERATION_SECONDS, ROUND_TRIP_MS, Latency
from stsync.sandbox.wsgi import App, Request, Response

TOKEN_SYSTEMS = ("servicetitan_auth", "entra")


class TooLong(Exception):
    """The request has used up what one operation may take; it was cut off there."""


class Pace:
    """The latency model of one sandbox: `visit` for each outer request, `figures` for what was booked so far.

    `now` and `sleep` are real seconds unless a test brings its own.
    """

    def __init__(
        self,
        latency: Latency,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.latency = latency
        self.now = now
        self._sleep = sleep
        self._lock = threading.Lock()
        self._lanes: dict[str, float] = defaultdict(float)
        self.reset()

    def reset(self) -> None:
        """Forget everything booked; the jitter starts over."""
        with self._lock:
            self._draws: dict[str, random.Random] = {}
            self._booked = Bookings()

    def figures(self) -> dict[str, object]:
        """What was booked since the last reset, as the admin port shows it."""
        with self._lock:
            return self._booked.as_json(self.latency)

    def scaled(self, seconds: float) -> float:
        """What a span of the modelled systems lasts here."""
        return seconds * self.latency.scale

    @contextmanager
    def visit(self, system: str) -> Iterator[Visit]:
        """One outer request, which has come over the network when the block begins."""
        with self._lock:
            self._booked.arrive(system)
        try:
            visit = Visit(self, self.now() + self.scaled(ROUND_TRIP_MS[system] / 1000))
            visit.catch_up()
            yield visit
        finally:
            with self._lock:
                self._booked.leave(system)

    def refused(self, system: str, status: int) -> None:
        """Note that a limit turned a request down."""
        with self._lock:
            self._booked.refuse(system, status)

    def waited(self, seconds: float) -> None:
        """Note that a request stood in the queue of its user for so many real seconds."""
        with self._lock:
            self._booked.queue(seconds / self.latency.scale)

    def book(self, kind: str, size: int, start: float, latest: float, lane: str) -> float:
        """Enter an operation that could begin at `start`; when it is over, or TooLong where that is past `latest`.

        With a lane it begins when everything booked there before is over.
        """
        with self._lock:
            micros = self._micros(kind, size)
            begin = max(start, self._lanes[lane]) if lane else start
            end = begin + self.scaled(micros / 1e6)
            if end > latest:
                if lane and begin < latest:
                    self._lanes[lane] = latest
                raise TooLong
            self._booked.operate(kind, micros)
            if lane:
                self._lanes[lane] = end
                self._booked.post(lane, begin, end, micros, (begin - start) / self.latency.scale)
            return end

    def sleep_until(self, moment: float) -> None:
        """Sleep, unless the moment has passed."""
        left = moment - self.now()
        if left > 0:
            self._sleep(left)

    def _micros(self, kind: str, size: int) -> int:
        """Whole microseconds, so that the sums of two runs agree to the last digit whatever the order of threads.

        For the same reason the jitter is on the fixed part alone: which of two documents is the n-th depends on the
        threads, how many there are and how many lines they have together does not.
        """
        if kind not in self._draws:
            self._draws[kind] = random.Random(f"{self.latency.seed}/{kind}")
        cost = COSTS[kind]
        jitter = self._draws[kind].uniform(-JITTER, JITTER)
        return round(cost.base_ms * (1 + jitter) * 1000) + round(cost.per_ms * 1000) * size


class Visit:
    """One request's way through modelled time."""

    def __init__(self, pace: Pace, at: float) -> None:
        self._pace = pace
        self._at = at
        self.begin(0.0)

    def begin(self, waited: float) -> None:
        """The server turns to it, after so many real seconds in the queue: from now on its operation time runs."""
        if waited:
            self._pace.waited(waited)
            self._at = max(self._at, self._pace.now())
        self._latest = self._at + self._pace.scaled(OPERATION_SECONDS)

    def spend(self, kind: str, size: int = 0, *, lane: str = "") -> None:
        """Book an operation; `catch_up` waits for its end. Raises TooLong, which ends the request at its limit."""
        try:
            self._at = self._pace.book(kind, size, self._at, self._latest, lane)
        except TooLong:
            self._at = self._latest
            raise

    def catch_up(self) -> None:
        """Sleep until everything booked so far is over. The caller holds no lock."""
        self._pace.sleep_until(self._at)


def paced_tokens(app: App, pace: Pace, system: str) -> App:
    """The same token server, taking its time."""

    def answer(request: Request) -> Response:
        with pace.visit(system) as visit:
            response = app(request)
            visit.spend("token")
            visit.catch_up()
            if response.status in (429, 503):
                pace.refused(system, response.status)
            return response

    return answer
