"""Parts of a run side by side: what waits for what, one posting at a time, and how an error ends everything."""

from __future__ import annotations

import os
import signal
import threading
import time
from functools import partial

import pytest

from stsync.engine.lanes import Lanes, parts

SOON = 5.0
COUNTS = [1, 2, 3, 4, 5]


@pytest.mark.parametrize(("rows", "sizes"), [(0, []), (7, [7]), (20, [10, 10]), (40, [4, 8, 10, 10, 8])])
def test_a_long_backlog_begins_with_small_parts(rows: int, sizes: list[int]) -> None:
    cut = list(parts(list(range(rows)), 10))
    assert [len(part) for part in cut] == sizes
    assert [row for part in cut for row in part] == list(range(rows))


@pytest.mark.parametrize("count", COUNTS)
def test_a_part_begins_when_what_it_comes_after_is_done(count: int) -> None:
    done: list[str] = []
    with Lanes(count) as lanes:
        card = lanes.begin(lambda: (time.sleep(0.02), done.append("card"))[1])
        invoice = lanes.begin(partial(done.append, "invoice"), after=[card])
        lanes.begin(partial(done.append, "payment"), after=[card, invoice])
    assert done == ["card", "invoice", "payment"]


def test_parts_that_wait_for_nothing_overtake_those_that_wait() -> None:
    gate = threading.Event()
    done: list[str] = []
    with Lanes(2) as lanes:
        card = lanes.begin(lambda: gate.wait(SOON) and None)
        lanes.begin(partial(done.append, "its invoice"), after=[card])
        lanes.wait([lanes.begin(partial(done.append, "another invoice"))])
        assert done == ["another invoice"]
        gate.set()
    assert done == ["another invoice", "its invoice"]


def test_one_lane_does_everything_in_order_and_in_the_thread_that_asks() -> None:
    threads: list[str] = []
    with Lanes(1) as lanes:
        for _ in range(3):
            lanes.begin(lambda: threads.append(threading.current_thread().name))
    assert threads == [threading.current_thread().name] * 3


@pytest.mark.parametrize("count", COUNTS[1:])
def test_nobody_posts_while_another_lane_posts(count: int) -> None:
    inside: list[int] = []
    most: list[int] = []

    def post() -> None:
        with lanes.posting():
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.002)
            inside.pop()

    with Lanes(count) as lanes:
        for _ in range(20):
            lanes.begin(post)
    assert most == [1] * 20


def test_drafts_are_made_while_another_part_is_posted() -> None:
    drafted = threading.Event()
    seen: list[bool] = []

    def post() -> None:
        with lanes.posting():
            seen.append(drafted.wait(SOON))

    with Lanes(2) as lanes:
        lanes.begin(post)
        lanes.begin(drafted.set)
    assert seen == [True]


def test_whoever_had_to_wait_for_the_posting_lane_is_told() -> None:
    entered, gate = threading.Event(), threading.Event()
    waited: dict[str, bool] = {}

    def post(name: str) -> None:
        with lanes.posting() as had_to:
            waited[name] = had_to
            entered.set()
            gate.wait(SOON)

    with Lanes(2) as lanes:
        lanes.begin(partial(post, "first"))
        entered.wait(SOON)
        second = lanes.begin(partial(post, "second"))
        time.sleep(0.05)
        gate.set()
        lanes.wait([second])
    assert waited == {"first": False, "second": True}


@pytest.mark.parametrize("count", COUNTS)
def test_the_first_error_ends_the_run_and_nothing_more_is_begun(count: int) -> None:
    done: list[str] = []

    def fail() -> None:
        raise LookupError("the books cannot be reached")

    def work() -> None:
        with Lanes(count) as lanes:
            failing = lanes.begin(fail)
            lanes.begin(partial(done.append, "after it"), after=[failing])
            lanes.wait([failing])

    with pytest.raises(LookupError, match="cannot be reached"):
        work()
    assert done == []


def test_nothing_is_posted_any_more_once_another_lane_failed() -> None:
    failed = threading.Event()
    posted: list[str] = []

    def fail() -> None:
        failed.set()
        raise LookupError

    def post(lanes: Lanes) -> None:
        failed.wait(SOON)
        time.sleep(0.05)
        with lanes.posting():
            posted.append("posted")

    def work() -> None:
        with Lanes(2) as lanes:
            lanes.begin(partial(post, lanes))
            lanes.begin(fail)

    with pytest.raises(LookupError):
        work()
    assert posted == []


def test_what_is_under_way_comes_to_its_end_before_the_error_is_told() -> None:
    written: list[str] = []
    begun = threading.Event()

    def answered() -> None:
        begun.set()
        time.sleep(0.1)
        written.append("the answer is written down")

    def work() -> None:
        with Lanes(2) as lanes:
            lanes.begin(answered)
            begun.wait(SOON)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert written == ["the answer is written down"]


def test_a_person_who_stops_a_run_is_told_what_is_waited_for() -> None:
    order: list[str] = []
    begun = threading.Event()

    def answered() -> None:
        begun.set()
        time.sleep(0.1)
        order.append("answered")

    def work() -> None:
        with Lanes(2, stopping=lambda: order.append("told")) as lanes:
            lanes.begin(answered)
            begun.wait(SOON)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert order == ["told", "answered"]


def test_who_waits_for_the_posting_lane_looks_again_while_the_last_one_still_posts() -> None:
    posting, looked = threading.Event(), threading.Event()
    order: list[str] = []

    def post() -> None:
        with lanes.posting():
            posting.set()
            looked.wait(SOON)
            order.append("posted")

    def look() -> None:
        order.append("looked")
        looked.set()

    def post_next() -> None:
        posting.wait(SOON)
        with lanes.posting(look):
            order.append("posted next")

    with Lanes(2) as lanes:
        lanes.begin(post)
        lanes.begin(post_next)
    assert order == ["looked", "posted", "posted next"]


def test_ctrl_c_while_everything_is_begun_waits_for_what_is_under_way() -> None:
    written: list[str] = []
    told: list[str] = []

    def answered() -> None:
        time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.2)
        written.append("the answer is written down")

    def work() -> None:
        with Lanes(2, stopping=partial(told.append, "stopping")) as lanes:
            lanes.begin(answered)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert (told, written) == (["stopping"], ["the answer is written down"])
