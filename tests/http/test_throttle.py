"""No window of a second sees more requests than allowed, and a 429 holds everybody back."""

from __future__ import annotations

import threading

import pytest
from scripted_server import Clock

from stsync.http.throttle import Throttle, Window


def departures(throttle: Throttle, clock: Clock, count: int) -> list[float]:
    times = []
    for _ in range(count):
        with throttle.slot():
            times.append(clock.now)
    return times


def test_any_second_holds_at_most_the_rate():
    clock = Clock()
    times = departures(Throttle(50, 4, sleep=clock.sleep, clock=clock), clock, 200)
    assert all(later - earlier >= 1 - 1e-9 for earlier, later in zip(times, times[50:], strict=False))


def test_a_burst_goes_at_once_and_counts_against_the_window():
    clock = Clock()
    times = departures(Throttle(10, 4, burst=20, sleep=clock.sleep, clock=clock), clock, 50)
    assert times[19] == pytest.approx(times[0])
    assert times[-1] - times[0] == pytest.approx(3.0)


def test_a_window_lets_a_short_run_go_at_once_and_holds_a_long_one_to_the_average():
    clock = Clock()
    throttle = Throttle(1_000_000, 4, window=Window(60, 300.0), sleep=clock.sleep, clock=clock)
    times = departures(throttle, clock, 200)
    assert times[59] - times[0] < 0.001
    assert all(later - earlier >= 300 - 1e-6 for earlier, later in zip(times, times[60:], strict=False))
    assert times[-1] - times[0] < 901


def test_a_batch_takes_as_much_of_the_window_as_it_has_operations():
    clock = Clock()
    throttle = Throttle(1_000_000, 4, window=Window(60, 300.0), sleep=clock.sleep, clock=clock)
    times = []
    for operations in (25, 25, 10, 1, 24, 26):
        with throttle.slot(operations):
            times.append(clock.now - 1000.0)
    assert times[:3] == pytest.approx([0, 0, 0], abs=0.001)
    # The first batch leaves the window all at once: its room is for the single request and for 24 more.
    assert times[3:5] == pytest.approx([300, 300], abs=0.001)
    assert times[5] == pytest.approx(300, abs=0.001)


def test_a_batch_waits_until_the_window_has_room_for_all_of_it():
    clock = Clock()
    throttle = Throttle(1_000_000, 4, window=Window(60, 300.0), sleep=clock.sleep, clock=clock)
    for operations, pause in ((30, 100), (30, 0)):
        with throttle.slot(operations):
            pass
        clock.sleep(pause)
    with throttle.slot(31):
        assert clock.now - 1000.0 == pytest.approx(400, abs=0.001)


def test_a_batch_larger_than_the_window_waits_for_an_empty_one():
    clock = Clock()
    throttle = Throttle(1_000_000, 4, window=Window(10, 300.0), sleep=clock.sleep, clock=clock)
    for expected in (0, 300, 600):
        with throttle.slot(25):
            assert clock.now - 1000.0 == pytest.approx(expected, abs=0.001)


def test_a_penalty_holds_the_next_request_back():
    clock = Clock()
    throttle = Throttle(10, 4, burst=5, sleep=clock.sleep, clock=clock)
    throttle.penalise(7)
    assert departures(throttle, clock, 1) == [pytest.approx(1007)]


def test_no_more_than_the_lanes_are_under_way():
    clock = Clock()
    throttle = Throttle(1_000_000, 2, sleep=lambda _: None, clock=clock)
    inside, most, lock, both = [0], [0], threading.Lock(), threading.Barrier(2, timeout=5)

    def work():
        with throttle.slot():
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            both.wait()
            with lock:
                inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == 2
