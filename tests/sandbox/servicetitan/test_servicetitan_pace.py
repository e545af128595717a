"""Modelled time in front of ServiceTitan: pages take time by their rows, and the window of calls shrinks with it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from stsync.sandbox import pace as pace_module
from stsync.sandbox.latency import Latency
from stsync.sandbox.pace import Pace
from stsync.sandbox.servicetitan import app
from stsync.sandbox.wsgi import Request

SCALE = 0.1


@pytest.fixture
def pace(bench, monkeypatch):
    monkeypatch.setattr(pace_module, "JITTER", 0)

    def somebody_else_gets_in():
        with bench.tenant.lock:
            return True

    def sleep(seconds):
        with ThreadPoolExecutor(1) as other:
            assert other.submit(somebody_else_gets_in).result(timeout=10)
        bench.seconds[0] += seconds

    pace = Pace(Latency(scale=SCALE), now=lambda: bench.seconds[0], sleep=sleep)
    bench.api = app(bench.tenant, {"token": "cid.test"}.get, pace=pace)
    return pace


def zones(bench) -> int:
    """The status of a call, with nothing but modelled time passing."""
    headers = {"Authorization": "Bearer token", "ST-App-Key": "ak1.test"}
    return bench.api(Request.build("GET", "/accounting/v2/tenant/7/tax-zones", headers=headers)).status


def test_a_page_takes_its_trip_its_work_and_its_rows(bench, pace):
    assert zones(bench) == 200
    assert bench.seconds[0] == pytest.approx(SCALE * (0.040 + 0.080 + 0.00005))
    assert pace.figures()["operations"]["servicetitan_page"]["count"] == 1


def test_the_second_of_sixty_calls_shrinks_with_the_scale(bench, pace):
    bench.tenant.switches.calls_per_second = 2
    assert [zones(bench) for _ in range(3)] == [200, 200, 429]
    assert pace.figures()["refusals"] == {"servicetitan_api 429": 1}
    bench.seconds[0] += SCALE
    assert zones(bench) == 200
