"""What stsync itself costs, with systems that answer at once and in a process of their own."""

from __future__ import annotations

from dataclasses import dataclass

from figures import Figure, Goal
from office import Bench, insist_all_posted

# The sizes of the goals. The largest takes as long as all other measures together, and has to be asked for.
GOALS = (2_000, 20_000, 100_000)


@dataclass(frozen=True)
class _Cost:
    documents: int
    cpu: float
    peak_mb: float
    state: int
    server_cpu: float


def measure(bench: Bench) -> list[Figure]:
    """Processor time, peak memory and state file, for each size; and how flat the memory is."""
    costs = [_carry(bench, documents) for documents in bench.options.sizes]
    left_out = [documents for documents in GOALS if documents not in bench.options.sizes]
    return [*(figure for one in costs for figure in _figures(one)), *_flatness(costs), *map(_left_out, left_out)]


def _carry(bench: Bench, documents: int) -> _Cost:
    bench.tell(f"own cost of {documents:,} documents, latency model off")
    with bench.place(f"cost-{documents}", documents=documents) as place:
        name = f"stsync sync of {documents:,}"
        ran = place.stsync("sync", name=name, entries=documents * 104 // 100).insist("stsync sync")
        insist_all_posted(place.ask("books"), documents - documents // 2, documents // 2)
        return _Cost(documents, ran.cpu, ran.peak_mb, place.state_size(), place.ask("counts")["server_cpu"])


def _figures(one: _Cost) -> list[Figure]:
    what = f"{one.documents:,} documents"
    return [
        Figure(
            "cost",
            f"processor time per document, {what}",
            "User and system time of the stsync process, from its start to its end, divided by invoices and payments.",
            one.cpu / one.documents * 1000,
            "ms",
            Goal(3.0),
            f"{one.cpu:.1f} s in all; the simulators, in their own process, {one.server_cpu:.1f} s.",
        ),
        Figure(
            "cost",
            f"peak memory, {what}",
            "The most memory the stsync process ever had resident.",
            one.peak_mb,
            "MB",
            Goal(200.0),
        ),
        Figure(
            "cost",
            f"state file per document, {what}",
            "Bytes of the state file divided by invoices and payments.",
            one.state / one.documents / 1000,
            "kB",
        ),
    ]


def _flatness(costs: list[_Cost]) -> list[Figure]:
    if len(costs) < 2:
        return []
    most, least = max(one.peak_mb for one in costs), min(one.peak_mb for one in costs)
    sizes = " and ".join(f"{one.documents:,}" for one in costs)
    return [
        Figure(
            "cost",
            "growth of peak memory",
            f"The largest peak divided by the smallest, for {sizes} documents.",
            most / least,
            "x",
            Goal(1.2),
        )
    ]


def _left_out(documents: int) -> Figure:
    return Figure(
        "cost",
        f"all of this for {documents:,} documents",
        f"Not asked for; --sizes {documents} measures it.",
        None,
    )
