"""Limits per user: concurrent requests with a queue, and a sliding window of requests (BC facts section 11).

A 429 comes without Retry-After, a 503 with it. Not modelled: limits per environment, body size, gateway.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from stsync.sandbox.businesscentral.environment import Environment
from stsync.sandbox.businesscentral.errors import BcError


def too_many_requests() -> BcError:
    """The answer beyond a limit: no Retry-After (facts section 14)."""
    return BcError(429, "Application_TooManyRequests", "Too many requests reached. Actual limit was exceeded.")


def queue_timed_out() -> BcError:
    """The answer to a request that waited too long for its turn."""
    message = "The request waited too long in the queue of this user."
    return BcError(503, "Internal_TenantUnavailable", message, {"Retry-After": "10"})


class Limits:
    """Counts requests per user, outside the lock on the books.

    `timer` gives seconds. It is not the environment's clock, which tests may stop: a window must slide. `scale` shrinks
    every span of time, as the latency model asks for it.
    """

    def __init__(
        self, environment: Environment, timer: Callable[[], float] = time.monotonic, scale: float = 1.0
    ) -> None:
        self.timer = timer
        self._scale = scale
        self._environment = environment
        self._turn = threading.Condition()
        self._running: dict[str, int] = defaultdict(int)
        self._waiting: dict[str, int] = defaultdict(int)
        self._recent: dict[str, deque[float]] = defaultdict(deque)
        self.peak: dict[str, int] = defaultdict(int)
        """The most requests that each user ever had running and waiting at once."""

    @contextmanager
    def request(self, user: str) -> Iterator[float]:
        """Hold a place among the user's concurrent requests; gives the seconds waited for it. Raises 429 and 503."""
        waited = self._enter(user)
        try:
            yield waited
        finally:
            with self._turn:
                self._running[user] -= 1
                self._turn.notify_all()

    def count_operations(self, user: str, number: int) -> None:
        """Count a batch, whose own request was counted, as many as it has operations. Raises 429 before any of them.

        Whether they count one by one is undocumented (BC facts section 10), hence a switch.
        """
        if self._environment.switches.rate_counts_operations and number > 1:
            with self._turn:
                self._count(user, number - 1)

    def _enter(self, user: str) -> float:
        switches = self._environment.switches
        with self._turn:
            self._count(user)
            self.peak[user] = max(self.peak[user], self._running[user] + self._waiting[user] + 1)
            waited = self._wait(user) if self._running[user] >= switches.concurrent_requests else 0.0
            self._running[user] += 1
            return waited

    def _wait(self, user: str) -> float:
        switches = self._environment.switches
        if not switches.queueing or self._waiting[user] >= switches.queue_length:
            raise too_many_requests()
        since, patience = self.timer(), switches.queue_seconds * self._scale
        self._waiting[user] += 1
        free = self._turn.wait_for(lambda: self._running[user] < switches.concurrent_requests, patience)
        self._waiting[user] -= 1
        if not free:
            raise queue_timed_out()
        return self.timer() - since

    def _count(self, user: str, number: int = 1) -> None:
        switches = self._environment.switches
        now = self.timer()
        recent = self._recent[user]
        start = now - switches.rate_window_seconds * self._scale
        while recent and recent[0] <= start:
            recent.popleft()
        if len(recent) + number > switches.rate_limit:
            raise too_many_requests()
        recent.extend([now] * number)
