"""How much of the time the busiest thing that cannot be hurried was busy."""

from __future__ import annotations

from typing import Any

from figures import Figure, Goal
from office import Bench

# Business Central facts, section 11.
REQUESTS, WINDOW_SECONDS = 6_000, 300.0


def measure(bench: Bench) -> list[Figure]:
    """The busiest lower bound by the wall time."""
    done, at = bench.carried(), bench.options
    bounds = lower_bounds(done.booked, done.bulk_counts, lanes=at.lanes)
    busiest = max(bounds, key=lambda name: bounds[name])
    modelled = done.bulk.wall / at.scale
    parts = ", ".join(f"{name} {seconds:,.0f} s" for name, seconds in bounds.items())
    return [
        Figure(
            "utilisation",
            "lane utilisation",
            "The busiest lower bound divided by the wall time of the whole command, for "
            f"{at.invoices:,} invoices, {at.payments:,} payments and {at.customers:,} new customers.",
            bounds[busiest] / modelled,
            "",
            Goal(0.95, at_least=True),
            f"In modelled time: {parts}; the command took {modelled:,.0f} s. At a scale of {at.scale:g} our own "
            f"processor time ({done.bulk.cpu:.1f} s) weighs {1 / at.scale:.0f} times what it weighs in life: the true figure "
            "is higher.",
        ),
        _between(done.booked),
    ]


def _between(booked: dict[str, Any]) -> Figure:
    """What is left when reading and planning before the first posting, and what comes after the last, are not counted."""
    lane = next(iter(booked["lanes"].values()))
    return Figure(
        "utilisation",
        "posting lane, once it is at work",
        "Posting time divided by the time from the begin of the first posting to the end of the last.",
        lane["scaled_seconds"] / lane["span_scaled_seconds"],
    )


def lower_bounds(booked: dict[str, Any], counts: dict[str, Any], *, lanes: int) -> dict[str, float]:
    """What no client can beat, in modelled seconds: posting is serial, creating has so many lanes, requests a rate."""
    return {
        "posting": booked["posting"]["seconds"],
        f"creating over {lanes} lanes": booked["creating"]["seconds"] / lanes,
        # The stricter reading of section 10, which the sandbox keeps: each operation of a batch counts.
        "rate limit": counts["operations"]["business_central"] / REQUESTS * WINDOW_SECONDS,
    }
