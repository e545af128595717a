"""An overrun system is asked less at once, and step by step more again."""

from __future__ import annotations

import threading
from contextlib import ExitStack

import pytest
from scripted_server import Clock, answer

from stsync.http.lanes import GOOD_ANSWERS, Lanes
from stsync.http.throttle import Throttle


def open_lanes(lanes: Lanes) -> int:
    """How many requests can be under way at once now."""
    with ExitStack() as under_way:
        count = 0
        while lanes._under_way < lanes._open:
            under_way.enter_context(lanes.one())
            count += 1
        return count


def answered(lanes: Lanes, *statuses: int) -> None:
    for status in statuses:
        with lanes.one() as lane:
            lanes.heard(lane, status)


@pytest.mark.parametrize("status", [429, 503])
def test_an_overrun_system_halves_what_is_under_way_down_to_one(status):
    lanes = Lanes(5)
    seen = []
    for _ in range(4):
        seen.append(open_lanes(lanes))
        answered(lanes, status)
    assert seen == [5, 2, 1, 1]


@pytest.mark.parametrize("status", [200, 201, 204, 400, 404, 409])
def test_every_ten_good_answers_open_one_more_lane_up_to_the_limit(status):
    lanes = Lanes(4)
    answered(lanes, 429, 429)
    seen = []
    for _ in range(5):
        answered(lanes, *[status] * (GOOD_ANSWERS - 1))
        seen.append(open_lanes(lanes))
        answered(lanes, status)
    assert seen == [1, 2, 3, 4, 4]


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_failure_of_another_kind_changes_nothing(status):
    lanes = Lanes(4)
    answered(lanes, *[status] * 20)
    assert open_lanes(lanes) == 4
    answered(lanes, 429, *[status] * 20)
    assert open_lanes(lanes) == 2


def test_one_busy_moment_halves_once_although_it_meets_every_request_under_way():
    lanes = Lanes(4)
    with ExitStack() as under_way:
        for lane in [under_way.enter_context(lanes.one()) for _ in range(4)]:
            lanes.heard(lane, 429)
    assert open_lanes(lanes) == 2


def test_a_busy_answer_begins_the_count_of_good_ones_again():
    lanes = Lanes(4)
    with lanes.one() as early:
        answered(lanes, 429, *[200] * (GOOD_ANSWERS - 1))
        lanes.heard(early, 429)
    answered(lanes, 200)
    assert open_lanes(lanes) == 2


def test_a_request_waits_until_a_lane_is_open_again():
    clock = Clock()
    throttle = Throttle(1_000_000, 2, sleep=clock.sleep, clock=clock)
    order: list[str] = []
    with throttle.slot() as lane:
        throttle.heard(lane, 429)
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
    assert open_lanes(session._throttle._lanes) == 2
    for _ in range(2 * GOOD_ANSWERS - 1):
        session.read(server.base)
    assert open_lanes(session._throttle._lanes) == 4
