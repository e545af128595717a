"""An overrun system is asked less at once, and step by step more again."""

from __future__ import annotations

import threading
from contextlib import ExitStack

import pytest
from scripted_server import Clock, answer

from stsync.http.in_flight import GOOD_ANSWERS, InFlight
from stsync.http.throttle import Throttle


def room(in_flight: InFlight) -> int:
    """How many requests can be under way at once now."""
    with ExitStack() as under_way:
        count = 0
        while in_flight._under_way < in_flight._open:
            under_way.enter_context(in_flight.one())
            count += 1
        return count


def answered(in_flight: InFlight, *statuses: int) -> None:
    for status in statuses:
        with in_flight.one() as slot:
            in_flight.heard(slot, status)


@pytest.mark.parametrize("status", [429, 503])
def test_an_overrun_system_halves_what_is_under_way_down_to_one(status):
    in_flight = InFlight(5)
    seen = []
    for _ in range(4):
        seen.append(room(in_flight))
        answered(in_flight, status)
    assert seen == [5, 2, 1, 1]


@pytest.mark.parametrize("status", [200, 201, 204, 400, 404, 409])
def test_every_ten_good_answers_open_one_more_up_to_the_limit(status):
    in_flight = InFlight(4)
    answered(in_flight, 429, 429)
    seen = []
    for _ in range(5):
        answered(in_flight, *[status] * (GOOD_ANSWERS - 1))
        seen.append(room(in_flight))
        answered(in_flight, status)
    assert seen == [1, 2, 3, 4, 4]


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_failure_of_another_kind_changes_nothing(status):
    in_flight = InFlight(4)
    answered(in_flight, *[status] * 20)
    assert room(in_flight) == 4
    answered(in_flight, 429, *[status] * 20)
    assert room(in_flight) == 2


def test_one_busy_moment_halves_once_although_it_meets_every_request_under_way():
    in_flight = InFlight(4)
    with ExitStack() as under_way:
        for slot in [under_way.enter_context(in_flight.one()) for _ in range(4)]:
            in_flight.heard(slot, 429)
    assert room(in_flight) == 2


def test_a_busy_answer_begins_the_count_of_good_ones_again():
    in_flight = InFlight(4)
    with in_flight.one() as early:
        answered(in_flight, 429, *[200] * (GOOD_ANSWERS - 1))
        in_flight.heard(early, 429)
    answered(in_flight, 200)
    assert room(in_flight) == 2


def test_a_request_waits_until_there_is_room_again():
    clock = Clock()
    throttle = Throttle(1_000_000, 2, sleep=clock.sleep, clock=clock)
    order: list[str] = []
    with throttle.slot() as slot:
        throttle.heard(slot, 429)
    with throttle.slot():
        thread = threading.Thread(target=lambda: _through(throttle, order))
        thread.start()
        thread.join(0.05)
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"]


def _through(throttle: Throttle, order: list[str]) -> None:
    with throttle.slot():
        order.append("second")


def test_a_session_asks_less_at_once_after_a_busy_answer_and_recovers(server, opened):
    server.plays(answer(503), answer(200, {"id": "1"}))
    session = opened(concurrent=4)
    session.read(server.base)
    assert room(session._throttle._in_flight) == 2
    for _ in range(2 * GOOD_ANSWERS - 1):
        session.read(server.base)
    assert room(session._throttle._in_flight) == 4
