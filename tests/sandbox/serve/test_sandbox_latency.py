"""The latency model as a whole: a seed decides it, the admin port tells what it booked, the guide shows its table."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any

import pytest
import requests

from stsync.sandbox import Sandbox
from stsync.sandbox.latency import COSTS, JITTER, ROUND_TRIP_MS, Latency
from stsync.sandbox.pace import Pace, paced_tokens
from stsync.sandbox.world import World
from stsync.sandbox.wsgi import Response

GUIDE = Path(__file__).parents[3] / "docs" / "sandbox.md"


def booked(seed: int, threads: int = 1) -> Any:
    """Sixty postings and reads of different sizes, by so many threads."""
    pace = Pace(Latency(seed=seed), now=lambda: 0.0, sleep=lambda _: None)

    def work(first: int) -> None:
        for size in range(first, 60, threads):
            with pace.visit("business_central") as visit:
                visit.spend("document_post", size, lane="one")
                visit.spend("read", 60 - size)

    crowd = [threading.Thread(target=work, args=(first,)) for first in range(threads)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    return pace.figures()["operations"]


def test_the_same_seed_books_the_same_sums_whatever_the_threads_do():
    assert booked(1) == booked(1) == booked(1, threads=4)
    assert booked(1) != booked(2)
    assert booked(1)["document_post"]["count"] == 60


def test_the_jitter_stays_within_its_share():
    pace = Pace(Latency(), now=lambda: 0.0, sleep=lambda _: None)
    ends = [pace.book("customer_create", 0, 0.0, 9.0, "") for _ in range(200)]
    fixed = COSTS["customer_create"].base_ms / 1000
    assert fixed * (1 - JITTER) <= min(ends) < fixed * 0.85
    assert fixed * 1.15 < max(ends) <= fixed * (1 + JITTER)


def test_a_reset_starts_the_jitter_over():
    pace = Pace(Latency(), now=lambda: 0.0, sleep=lambda _: None)
    first = [pace.book("token", 0, 0.0, 9.0, "") for _ in range(3)]
    pace.reset()
    assert pace.figures()["operations"] == {}
    assert [pace.book("token", 0, 0.0, 9.0, "") for _ in range(3)] == first


@pytest.mark.parametrize("scale", [0, -1])
def test_a_scale_is_above_zero(scale):
    with pytest.raises(ValueError, match="above zero"):
        Latency(scale=scale)


def test_the_admin_port_tells_what_was_booked_and_forgets_it(tmp_path):
    pace = Pace(Latency(scale=0.001))
    app = paced_tokens(lambda _request: Response(429, {}), pace, "entra")
    with Sandbox({"entra": app}, tmp_path, plain=True, pace=pace) as sandbox, requests.Session() as session:
        session.trust_env = False
        assert session.get(sandbox.urls["entra"]).status_code == 429
        told = session.get(f"{sandbox.admin_url}/latency").json()
        assert told["scale"] == 0.001
        assert told["round_trips"] == {"entra": {"count": 1, "seconds": 0.06, "scaled_seconds": 0.00006}}
        assert told["sign_in"]["count"] == 1
        assert (told["refusals"], told["peak_in_flight"]) == ({"entra 429": 1}, {"entra": 1})
        assert session.delete(f"{sandbox.admin_url}/latency").status_code == 204
        assert session.get(f"{sandbox.admin_url}/latency").json()["requests_total"] == 0


def test_a_sandbox_without_a_model_says_so(tmp_path):
    with Sandbox({}, tmp_path, plain=True) as sandbox, requests.Session() as session:
        session.trust_env = False
        assert session.get(f"{sandbox.admin_url}/latency").status_code == 404
        assert session.delete(f"{sandbox.admin_url}/latency").status_code == 404


def test_a_world_at_a_pace_books_all_four_systems(tmp_path):
    with World(5, folder=tmp_path, plain=True, latency=Latency(0.001)) as world, requests.Session() as session:
        session.trust_env = False
        assert world.environment.switches.rate_counts_operations
        for url in world.sandbox.urls.values():
            session.get(url)
        told = session.get(f"{world.sandbox.admin_url}/latency").json()
        assert told["requests"] == dict.fromkeys(sorted(ROUND_TRIP_MS), 1)
        world.reset()
        assert session.get(f"{world.sandbox.admin_url}/latency").json()["requests"] == {}
    with World(5, folder=tmp_path, plain=True) as world:
        assert not world.environment.switches.rate_counts_operations


def test_the_guide_shows_the_table_that_is_in_force():
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (\S+) ms \| (.+?) \| (.+?) \|$", GUIDE.read_text("utf-8"), re.M)
    shown = {kind: (what, base, per, group) for kind, what, base, per, group in rows}
    assert shown == {
        kind: (c.what, f"{c.base_ms:g}", f"{c.per_ms:g} ms per {c.per}" if c.per else "–", c.group)
        for kind, c in COSTS.items()
    }
