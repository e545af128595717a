"""Whether a run becomes slower the more it has seen."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from figures import Figure, Goal
from office import Bench, insist_all_posted
from place import HERE, Failed, Place, Ran, run

CHANGES = 50
ROUNDS = 3
_SEED = """
import sys
from pathlib import Path
from seeded_state import seeded_state
seeded_state(Path(sys.argv[1]), int(sys.argv[2]))
"""


def measure(bench: Bench) -> list[Figure]:
    """The same 50 changes on states of very different age."""
    if not (HERE / "seeded_state.py").exists():
        raise Failed("bench/seeded_state.py, which makes a state that has seen so many documents, is not there")
    seen, rounds = bench.options.seen, min(ROUNDS, bench.options.repeats)
    best = {documents: _best_run(bench, documents, rounds) for documents in seen}
    figures = [
        Figure(
            "growth",
            f"{CHANGES} changes after {documents:,} documents",
            f"Wall time of stsync sync with {CHANGES} new documents on a state that has seen {documents:,}; best of {rounds}.",
            ran.wall,
            "s",
            note=f"Processor time {ran.cpu:.2f} s, peak memory {ran.peak_mb:.0f} MB.",
        )
        for documents, ran in best.items()
    ]
    if len(seen) < 2:
        return figures
    ratio = best[max(seen)].wall / best[min(seen)].wall
    what = f"The run on the state of {max(seen):,} documents by the one of {min(seen):,}."
    return [*figures, Figure("growth", "growth of a run's time", what, ratio, "x", Goal(1.3))]


def _best_run(bench: Bench, documents: int, rounds: int) -> Ran:
    bench.tell(f"growth: {CHANGES} changes on a state that has seen {documents:,} documents")
    with bench.place(f"growth-{documents}", documents=2) as place:
        _seed(place.config.parent / "stsync.db", documents, bench)
        # The first run reads everything once and is another matter.
        place.stsync("sync").insist("the first run on the seeded state")
        return min((_changed(place) for _ in range(rounds)), key=lambda ran: ran.wall)


def _changed(place: Place) -> Ran:
    before = place.ask("books")
    place.ask("more", documents=CHANGES)
    ran = place.stsync("sync").insist("a run with changes")
    insist_all_posted(place.ask("books"), before["posted_invoices"] + CHANGES // 2, before["payments"] + CHANGES // 2)
    return ran


def _seed(path: Path, documents: int, bench: Bench) -> None:
    """In a process of its own: what a process had resident before it starts another counts as the other's peak."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent)])}
    words = [sys.executable, "-c", _SEED, str(path), str(documents)]
    run(words, environment, tick=lambda seconds: bench.tell(f"  making the state: {seconds:.0f} s")).insist("seeding")
