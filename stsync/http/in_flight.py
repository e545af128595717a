"""How many requests may be under way at once: fewer while a system is overrun, and step by step more again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

OVERRUN = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
# So many good answers let one more leave. Business Central says neither why it is overrun nor for how long (facts
# section 11); at its usual pace these are some seconds, so that a busy moment is over before the next step.
GOOD_ANSWERS = 10


class InFlight:
    """At most so many at once, for all threads of one session.

    A 429 or 503 halves the number, down to one; answers to requests that left before that say nothing new and do not
    halve it again. Then every ten good answers add one.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._open = most
        self._under_way = 0
        self._halvings = 0
        self._good = 0
        self._changed = threading.Condition()

    @contextmanager
    def one(self) -> Iterator[int]:
        """Room for one request, as soon as there is some; what it gives is to be told to `heard`."""
        with self._changed:
            self._changed.wait_for(lambda: self._under_way < self._open)
            self._under_way += 1
            halvings = self._halvings
        try:
            yield halvings
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify()

    def heard(self, slot: int, status: int) -> None:
        """What came back to a request for which `one` gave this."""
        with self._changed:
            if status in OVERRUN:
                self._halve(slot)
            elif status < HTTPStatus.INTERNAL_SERVER_ERROR and self._open < self._most:
                self._widen()

    def _halve(self, slot: int) -> None:
        if slot == self._halvings:
            self._open = max(1, self._open // 2)
            self._halvings += 1
        self._good = 0

    def _widen(self) -> None:
        self._good += 1
        if self._good == GOOD_ANSWERS:
            self._open += 1
            self._good = 0
            self._changed.notify()
