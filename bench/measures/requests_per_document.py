"""How many requests a document takes, in bulk and from day to day, and what a run costs that finds nothing."""

from __future__ import annotations

from typing import Any

from figures import Figure, Goal
from office import Bench


def measure(bench: Bench) -> list[Figure]:
    """By kind of document, in bulk and in the steady state; then a run with nothing new."""
    done, at = bench.carried(), bench.options
    few = done.steady_documents
    bulk = {"customer": at.customers, "invoice": at.invoices, "payment": at.payments}
    steady = {"customer": max(1, few // 10), "invoice": few - few // 2, "payment": few // 2}
    return [
        *_by_kind(done.bulk_counts, bulk, "in bulk", f"a month of {at.documents:,} documents"),
        *_by_kind(done.steady_counts, steady, "day to day", f"{few} new documents after that month"),
        *_idle(done.idle_counts, done.idle.cpu, done.idle.wall, at.scale),
    ]


def _by_kind(counts: dict[str, Any], documents: dict[str, int], when: str, what: str) -> list[Figure]:
    found = [
        Figure(
            "requests",
            f"requests per {kind}, {when}",
            f"Requests about {kind}s divided by the number of {kind}s: {what}. A batch belongs to its operations in parts.",
            counts["by_kind"].get(kind, 0) / number,
        )
        for kind, number in documents.items()
        if number
    ]
    total = documents["invoice"] + documents["payment"]
    overall = Figure(
        "requests",
        f"requests per document, {when}",
        f"All requests, logins and reference data too, divided by invoices and payments: {what}.",
        counts["requests"] / total,
        note=f"{counts['requests']:,} requests; {_refusals(counts)}",
    )
    return [overall, *found]


def _refusals(counts: dict[str, Any]) -> str:
    refused = sum(number for status, number in counts["by_status"].items() if status in {"429", "503", "408", "504"})
    return f"{refused} were refused by a limit." if refused else "none was refused by a limit."


def _idle(counts: dict[str, Any], cpu: float, wall: float, scale: float) -> list[Figure]:
    return [
        Figure(
            "requests",
            "requests of a run with nothing new",
            "All requests of a second run, logins too.",
            counts["requests"],
            goal=Goal(8),
        ),
        Figure(
            "requests",
            "own time of a run with nothing new",
            "Processor time of the whole process, start-up included.",
            cpu,
            "s",
            Goal(1.0),
            f"It took {wall:.2f} s on the clock, with the servers at a scale of {scale:g}.",
        ),
    ]
