"""Hints start runs: one for many, never two at once."""

from __future__ import annotations

import threading
import time

from stsync.listener.starting import LOCKED, Daily, Pace, Starter


class Runs:
    """Counts runs instead of starting them."""

    def __init__(self, *codes: int) -> None:
        self.codes = list(codes)
        self.started = 0
        self.at_work = 0
        self.most = 0
        self.changed = threading.Condition()

    def __call__(self, _command: object) -> int:
        with self.changed:
            self.started += 1
            self.at_work += 1
            self.most = max(self.most, self.at_work)
            self.changed.notify_all()
        time.sleep(0.005)
        with self.changed:
            self.at_work -= 1
        return self.codes.pop(0) if self.codes else 0

    def wait_for(self, count: int) -> bool:
        with self.changed:
            return self.changed.wait_for(lambda: self.started >= count, timeout=5)


QUICK = Pace(quiet=0.02, longest=0.05, again=0.02)


def test_a_hundred_hints_share_a_run():
    runs = Runs()
    starter = Starter(["stsync"], pace=Pace(quiet=0.05, longest=5), run=runs)
    starter.start()
    for _ in range(100):
        starter.hint()
    assert runs.wait_for(1)
    starter.stop()
    assert (runs.started, runs.most) == (1, 1)


def test_hints_that_never_pause_do_not_put_a_run_off_for_ever():
    runs = Runs()
    starter = Starter(["stsync"], pace=QUICK, run=runs)
    starter.start()
    ends = time.monotonic() + 0.3
    while time.monotonic() < ends:
        starter.hint()
        time.sleep(0.005)
    starter.stop()
    assert runs.started >= 2
    assert runs.most == 1


def test_a_run_that_found_the_lock_taken_is_started_again():
    runs = Runs(LOCKED, 0)
    starter = Starter(["stsync"], pace=QUICK, run=runs)
    starter.start()
    starter.hint()
    assert runs.wait_for(2)
    starter.stop()


def test_a_run_that_could_not_be_started_does_not_end_the_starting():
    runs, told = Runs(), []
    troubles = [BlockingIOError(11, "Resource temporarily unavailable")]

    def run(command: object) -> int:
        if troubles:
            raise troubles.pop()
        return runs(command)

    starter = Starter(["stsync"], pace=QUICK, run=run, tell=told.append)
    starter.start()
    starter.hint()
    assert runs.wait_for(1)
    starter.stop()
    assert told[0] == "no run could be started (Resource temporarily unavailable); the next attempt follows"


def test_nothing_is_started_after_the_stop():
    runs = Runs()
    starter = Starter(["stsync"], pace=QUICK, run=runs)
    starter.start()
    starter.stop()
    starter.hint()
    time.sleep(0.1)
    assert runs.started == 0


def test_a_renewal_that_could_not_be_started_does_not_end_the_renewing():
    runs, told = Runs(), []
    troubles = [OSError(12, "Cannot allocate memory")]

    def run(command: object) -> int:
        if troubles:
            raise troubles.pop()
        return runs(command)

    daily = Daily(["stsync"], after_failure=0.01, run=run, tell=told.append)
    daily.start()
    assert runs.wait_for(1)
    daily.stop()
    assert told == ["renewing could not be started (Cannot allocate memory); the next attempt follows in 15 minutes"]
