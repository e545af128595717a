"""How long a person waits before anything is said."""

from __future__ import annotations

import os
import statistics
import sys
import time
from pathlib import Path
from subprocess import DEVNULL, run

from figures import Figure, Goal
from office import Bench
from place import Failed, Place


def measure(bench: Bench) -> list[Figure]:
    """`stsync --help`, `stsync status` on a real state, and what a shell calls to complete a word."""
    program = str(Path(sys.executable).with_name("stsync"))
    if not Path(program).exists():
        raise Failed(f"there is no program {program}; start-up is measured on the installed command")
    documents = min(200, bench.options.documents)
    with bench.place("start-up", documents=documents) as place:
        place.stsync("sync").insist("stsync sync")
        environment, status = _environment(place), [program, "status", "--config", str(place.config)]
        repeats = bench.options.repeats
        # What the function calls that `stsync --install-completion bash` writes.
        completing = {**environment, "_STSYNC_COMPLETE": "complete_bash", "COMP_WORDS": "stsync st", "COMP_CWORD": "1"}
        return [
            _figure("stsync --help", [program, "--help"], environment, goal=250, repeats=repeats),
            _figure(
                "stsync status",
                status,
                environment,
                goal=350,
                repeats=repeats,
                what=f"on a state with {documents} documents",
            ),
            _figure(
                "shell completion", [program], completing, goal=200, repeats=repeats, what="bash: 'stsync st<Tab>'"
            ),
        ]


def _environment(place: Place) -> dict[str, str]:
    return {**os.environ, **place.environment, "NO_COLOR": "1"}


def _figure(
    name: str, words: list[str], environment: dict[str, str], *, goal: float, repeats: int, what: str = ""
) -> Figure:
    times = [_milliseconds(name, words, environment) for _ in range(repeats)]
    best, slowest = min(times), max(times)
    return Figure(
        "start-up",
        name,
        f"Median wall time of {repeats} fresh processes{f', {what}' if what else ''}.",
        statistics.median(times),
        "ms",
        Goal(goal),
        f"Best {best:.0f} ms, slowest {slowest:.0f} ms.",
    )


def _milliseconds(name: str, words: list[str], environment: dict[str, str]) -> float:
    began = time.perf_counter()
    done = run(words, env=environment, stdin=DEVNULL, capture_output=True, check=False)
    took = (time.perf_counter() - began) * 1000
    if done.returncode or not done.stdout.strip():
        raise Failed(f"{name} ended with exit code {done.returncode}: {done.stderr.decode()[-300:]}")
    return took
