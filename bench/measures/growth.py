"""Whether a run becomes slower the more it has seen."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack

from figures import Figure, Goal
from office import Bench, insist_all_posted
from place import HERE, Place, Ran, run

CHANGES = 50
ROUNDS = 3
# The month whose rows are written again and again; a smaller one for fewer documents.
MONTH = 400
_SEED = """
import sys, tempfile
from pathlib import Path
from seeded_state import carried_month, multiplied
with tempfile.TemporaryDirectory() as folder:
    month = carried_month(Path(folder), invoices=int(sys.argv[1]))
for path, documents in zip(sys.argv[2::2], sys.argv[3::2], strict=True):
    print(multiplied(month, Path(path), int(documents)))
"""


def measure(bench: Bench) -> list[Figure]:
    """The same 50 changes on states of very different age."""
    seen, rounds = bench.options.seen, min(ROUNDS, bench.options.repeats)
    runs: dict[int, list[Ran]] = {one: [] for one in seen}
    with ExitStack() as stack:
        places = {one: stack.enter_context(bench.place(f"growth-{one}", documents=2)) for one in seen}
        _seed(places, bench)
        for place in places.values():
            # The first run reads everything once and is another matter.
            place.stsync("sync").insist("the first run on the seeded state")
        # In turns, so that what else the machine does falls on all of them.
        for number in range(rounds):
            bench.tell(f"growth: {CHANGES} changes on each state, round {number + 1} of {rounds}")
            for one, place in places.items():
                runs[one].append(_changed(place))
    return [*(_figure(one, taken) for one, taken in runs.items()), *_ratios(runs)]


def _figure(seen: int, taken: list[Ran]) -> Figure:
    return Figure(
        "growth",
        f"{CHANGES} changes after {seen:,} documents",
        f"Wall time of stsync sync with {CHANGES} new documents on a state that has seen {seen:,}; best of {len(taken)}.",
        min(ran.wall for ran in taken),
        "s",
        note=f"Processor time {_cpu(taken):.2f} s, peak memory {max(ran.peak_mb for ran in taken):.0f} MB.",
    )


def _ratios(runs: dict[int, list[Ran]]) -> list[Figure]:
    if len(runs) < 2:
        return []
    most, least = max(runs), min(runs)
    what = f"The run on the state of {most:,} documents by the one on the state of {least:,}"
    wall = min(ran.wall for ran in runs[most]) / min(ran.wall for ran in runs[least])
    cpu = _cpu(runs[most]) / _cpu(runs[least])
    return [
        Figure("growth", "growth of a run's time", f"{what}, wall time.", wall, "x", Goal(1.3)),
        Figure("growth", "growth of a run's processor time", f"{what}, processor time.", cpu, "x"),
    ]


def _cpu(taken: list[Ran]) -> float:
    return min(ran.cpu for ran in taken)


def _changed(place: Place) -> Ran:
    before = place.ask("books")
    place.ask("more", documents=CHANGES)
    ran = place.stsync("sync").insist("a run with changes")
    insist_all_posted(place.ask("books"), before["posted_invoices"] + CHANGES // 2, before["payments"] + CHANGES // 2)
    return ran


def _seed(places: dict[int, Place], bench: Bench) -> None:
    """In a process of its own: what a process had resident before it starts another counts as the other's peak."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent)])}
    words = [sys.executable, "-c", _SEED, str(min(MONTH, max(places)))]
    for documents, place in places.items():
        words += [str(place.config.parent / "stsync.db"), str(documents)]
    run(words, environment, tick=lambda seconds: bench.tell(f"  making the states: {seconds:.0f} s")).insist("seeding")
