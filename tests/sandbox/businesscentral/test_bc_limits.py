"""Limits per user: five at a time, a queue, a window of requests."""

from __future__ import annotations

import threading

import pytest
from bc_client import Books

from stsync.sandbox.businesscentral import Service
from stsync.sandbox.businesscentral.errors import BcError
from stsync.sandbox.businesscentral.web.limits import Limits


def test_the_window_of_requests_slides(books: Books) -> None:
    service = books.service
    assert isinstance(service, Service)
    seconds = [0.0]
    service.limits.timer = lambda: seconds[0]
    books.environment.switches.rate_limit = 2
    assert [books.get("customers").status for _ in range(3)] == [200, 200, 429]
    answer = books.get("customers")
    assert "Retry-After" not in answer.headers
    books.token = "client-2"
    assert books.get("customers").status == 200
    books.token = "client-1"
    seconds[0] = 301
    assert books.get("customers").status == 200


def test_a_sixth_request_waits_for_its_turn(books: Books) -> None:
    limits = Limits(books.environment)
    inside = threading.Event()
    holders = [limits.request("a") for _ in range(5)]
    for holder in holders:
        holder.__enter__()

    def sixth() -> None:
        with limits.request("a"):
            inside.set()

    thread = threading.Thread(target=sixth)
    thread.start()
    assert not inside.wait(0.02)
    holders[0].__exit__(None, None, None)
    assert inside.wait(2)
    thread.join()
    assert limits.peak["a"] == 6


def test_a_full_queue_is_429_and_a_long_wait_is_503_with_retry_after(books: Books) -> None:
    limits = Limits(books.environment)
    holders = [limits.request("a") for _ in range(5)]
    for holder in holders:
        holder.__enter__()
    books.environment.switches.queue_seconds = 0.005
    with pytest.raises(BcError) as waited, limits.request("a"):
        pytest.fail("nobody left")
    assert (waited.value.status, waited.value.headers) == (503, {"Retry-After": "10"})
    books.environment.switches.queueing = False
    with pytest.raises(BcError) as refused, limits.request("a"):
        pytest.fail("nobody left")
    assert (refused.value.status, refused.value.headers) == (429, {})
