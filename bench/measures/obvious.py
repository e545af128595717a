"""The same month by stsync and by the program that everybody would write first."""

from __future__ import annotations

import sys
from typing import Any

from figures import Figure, Goal
from office import Bench
from place import HERE, Failed, Ran


def measure(bench: Bench) -> list[Figure]:
    """Wall time and requests, as ratios; and the books of both must be the same."""
    ours, at = bench.carried(), bench.options
    obvious, counts, booked, books = _obvious(bench)
    insist_same_books(ours.books, books)
    theirs, mine = modelled(obvious, booked, at.obvious_scale), ours.bulk.wall / at.scale
    sent, needed = ours.bulk_counts["requests"], counts["requests"]
    return [
        Figure(
            "obvious",
            "times faster than the obvious client",
            "Wall time of a plain sequential client (bench/obvious_client.py) divided by ours, for the same month.",
            theirs / mine,
            "x",
            Goal(3.0, at_least=True),
            f"In modelled time: {theirs:,.0f} s and {mine:,.0f} s; on this machine {obvious.wall:,.0f} s at a scale of "
            f"{at.obvious_scale:g} and {ours.bulk.wall:,.0f} s at {at.scale:g}. Its own processor time, {obvious.cpu:.0f} s, "
            f"is counted once, ours {1 / at.scale:.0f} times. The general ledger by account and department, and what every "
            "customer owes, are the same.",
        ),
        Figure(
            "obvious",
            "requests, as a part of the obvious client's",
            "Requests of all kinds that the servers saw, ours divided by its; a batch is one request.",
            sent / needed,
            "",
            Goal(0.2),
            f"{sent:,} and {needed:,}.",
        ),
    ]


def modelled(ran: Ran, booked: dict[str, Any], scale: float) -> float:
    """How long a client that does one thing after another would take in life, in seconds; the least that can be said.

    Its processor time stands between its requests, and must not be blown up with them. What was booked for its requests
    is what they take at least: on a busy machine the clock shows more.
    """
    groups = ("posting", "creating", "reading", "sign_in")
    waited = sum(booked[name]["seconds"] for name in groups)
    waited += sum(one["seconds"] for one in booked["round_trips"].values())
    return float(min((ran.wall - ran.cpu) / scale, waited)) + ran.cpu


def _obvious(bench: Bench) -> tuple[Ran, dict[str, Any], dict[str, Any], dict[str, Any]]:
    with bench.place("obvious", latency=bench.options.obvious_scale) as place:
        place.ask("forget")
        words = [sys.executable, str(HERE / "obvious_client.py"), "--config", str(place.config)]
        ran = place.program(words, name="obvious client", entries=bench.options.entries).insist("the obvious client")
        return ran, place.ask("counts"), place.ask("booked"), place.ask("books")


def insist_same_books(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """The same totals, balances and documents. Raises Failed naming what differs."""
    different = [name for name in ours if ours[name] != theirs[name]]
    if different:
        raise Failed(f"the books of the two clients differ in: {', '.join(different)}")
