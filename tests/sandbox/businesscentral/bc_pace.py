"""Clocks of modelled time, books that are served at a pace, and callers that come at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from bc_client import Answer, Books

from stsync.sandbox.businesscentral import Service
from stsync.sandbox.latency import Latency
from stsync.sandbox.pace import Pace


class OneThread:
    """A clock for one thread: sleeping is what moves it."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


class Stepped:
    """A clock for several threads: whoever sleeps stays asleep until the test has moved it far enough."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._changed = threading.Condition()
        self.asleep: list[float] = []

    def now(self) -> float:
        with self._changed:
            return self.seconds

    def sleep(self, seconds: float) -> None:
        with self._changed:
            wake = self.seconds + seconds
            self.asleep.append(wake)
            self._changed.notify_all()
            assert self._changed.wait_for(lambda: self.seconds >= wake - 1e-9, 10), "the test never went on"
            self.asleep.remove(wake)
            self._changed.notify_all()

    def to(self, seconds: float, *, sleepers: int) -> None:
        """Go there, and wait until so many sleep on."""
        with self._changed:
            self.seconds = max(self.seconds, seconds)
            self._changed.notify_all()
        self.settled(sleepers)

    def settled(self, sleepers: int) -> None:
        """Wait until exactly so many sleep beyond the present."""
        with self._changed:
            settled = self._changed.wait_for(
                lambda: len(self.asleep) == sleepers and all(wake > self.seconds for wake in self.asleep), 10
            )
        assert settled, f"{len(self.asleep)} sleep, not {sleepers}"


class Paced(Books):
    """Books that take their time by the given clock."""

    def __init__(self, clock: Any, latency: Latency | None = None) -> None:
        super().__init__()
        self.paths: list[str] = []
        self.company.add_customer("C1", "Ann")
        self.serve(clock, latency)

    def serve(self, clock: Any, latency: Latency | None = None) -> None:
        """Go by this clock from now on, with nothing booked."""
        self.pace = Pace(latency or Latency(), now=clock.now, sleep=clock.sleep)
        self.service = Service(self.environment, lambda token: token or None, pace=self.pace)

    def figures(self) -> Any:
        return self.pace.figures()


class Crowd:
    """Calls that run at the same time, each in a thread of its own."""

    def __init__(self) -> None:
        self._threads: dict[str, threading.Thread] = {}
        self._answers: dict[str, Answer] = {}

    def start(self, name: str, call: Callable[[], Answer]) -> None:
        def run() -> None:
            self._answers[name] = call()

        self._threads[name] = threading.Thread(target=run, daemon=True)
        self._threads[name].start()

    def answer(self, name: str) -> Answer:
        """What it was told; waits for it."""
        self._threads[name].join(10)
        return self._answers[name]
