"""One trial: a run that is broken, runs without a fault until nothing is left to do, and a look at the books."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from stsync.sandbox.keeping import kept
from stsync.selftest.books import Books
from stsync.selftest.office import TrialWorld
from stsync.selftest.places import LANES, Kill, Place, Work, places
from stsync.selftest.processes import Ending, Standing, Systems, Task, run_once
from stsync.wiring import Wiring, wire

# What was sent without an answer is looked up by the next run, and what waited for it follows in the one after.
CLEAN_RUNS = 3
UNBROKEN = Place()


@dataclass(frozen=True)
class Faultless:
    """A run in one lane in which nothing goes wrong, and what it leaves: the measure of all others."""

    work: Work
    requests: tuple[str, ...]
    commits: int
    exit_code: int | None
    said: str
    books: Books
    writes: Counter[str]
    standing: Standing

    def places(self, lanes: Iterable[int]) -> list[Place]:
        """Everywhere that it can be broken, in runs with so many lanes."""
        return places(self.requests, self.commits, self.work, lanes)


@dataclass(frozen=True)
class Verdict:
    """How a trial ended; without problems, the books are those of a faultless run. Times in seconds.

    `reached` is false when the run never came to its place, which shows nothing.
    """

    place: Place
    reached: bool
    problems: tuple[str, ...]
    runs: int
    seconds: float
    processor_seconds: float


class Ground:
    """Where trials take place: both systems with their first day's work done, and stsync's notes of it.

    Each trial takes place in copies of it. `close` takes it away.
    """

    def __init__(self) -> None:
        # In memory where the system offers that: what is tried is what stsync writes and when, not the disk.
        memory = Path("/dev/shm")  # noqa: S108 - a folder of one's own is made in it
        parent = memory if memory.is_dir() and os.access(memory, os.W_OK) else None
        self._folder = Path(tempfile.mkdtemp(prefix="stsync-selftest-", dir=parent))
        self._world = TrialWorld(self._folder)
        self._world.sandbox.bind()
        self._wirings = {lanes: self._wired(lanes) for lanes in LANES}
        self._notes = b""
        self._work = Work.SYNC

    def lay(self, work: Work = Work.SYNC) -> Faultless:
        """Do what comes before this work, then measure it without a fault."""
        _warm()
        os.environ.pop("CURL_CA_BUNDLE", None)
        os.environ.update(self._world.secrets)
        self._world.first_day()
        self._carry(-48)
        self._world.second_day()
        self._work = work
        if work is Work.CORRECT:
            self._carry(-24)
        # What is here by now is never changed: a child's garbage collection need not look through it, nor copy it.
        gc.collect()
        gc.freeze()
        return self._measured()

    def attempt(self, place: Place, faultless: Faultless) -> Verdict:
        """Break a run at this place, run on without faults, and compare."""
        began, used = time.monotonic(), _processor_seconds()
        try:
            reached, problems, runs = self._tried(place, faultless)
        except TimeoutError as hung:
            reached, problems, runs = True, (str(hung),), 0
        return Verdict(place, reached, problems, runs, time.monotonic() - began, _processor_seconds() - used)

    def close(self) -> None:
        """Leave nothing behind."""
        self._world.sandbox.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _tried(self, place: Place, faultless: Faultless) -> tuple[bool, tuple[str, ...], int]:
        """Whether the run was broken, what is wrong after the trial, and how many runs it took."""
        self._restore()
        wiring = self._wirings[place.lanes]
        with Systems(self._world) as systems:
            broken = run_once(wiring, systems, self._task(again=False), place, 0)
            fired = systems.picture().fired
            clean, settled = self._until_rest(systems, wiring)
            found = systems.picture()
        problems = (
            *_of_the_break(place, broken, fired=fired),
            *_differences("books", found.books, faultless.books),
            *_repeated(found.writes, faultless.writes),
            *_of_the_end(clean[-1], faultless, settled=settled),
        )
        return broken.reached, problems, 1 + len(clean)

    def _wired(self, lanes: int) -> Wiring:
        file = self._folder / f"lanes-{lanes}.yaml"
        file.write_text(self._world.configured(self._folder, lanes), encoding="utf-8")
        return wire(file)

    def _carry(self, hours: int) -> None:
        """Run once, so many hours from now, and take over both systems and the notes as they are afterwards."""
        file = self._folder / "systems"
        with Systems(self._world) as systems:
            ending = run_once(self._wirings[1], systems, Task((Work.SYNC,), ""), UNBROKEN, hours)
            systems.keep(file)
        if ending.exit_code not in {0, 3} or ending.open_writes:
            raise RuntimeError(f"the work of the day before ended with {ending.exit_code}: {ending.said}")
        content = kept(file)
        self._world.adopt(content.demo, content.tenant, content.environment)
        self._notes = self._wirings[1].state_path.read_bytes()

    def _restore(self) -> None:
        """The notes as they were after the first day, and nothing that a killed run left beside them."""
        path = self._wirings[1].state_path
        for beside in path.parent.glob(f"{path.name}*"):
            beside.unlink()
        path.touch(mode=0o600)
        path.write_bytes(self._notes)

    def _measured(self) -> Faultless:
        self._restore()
        with Systems(self._world) as systems:
            first = run_once(self._wirings[1], systems, self._task(again=False), UNBROKEN, 0)
            clean, _ = self._until_rest(systems, self._wirings[1])
            found = systems.picture()
        last = clean[-1]
        if first.exit_code not in {0, 3} or last.open_writes:
            raise RuntimeError(f"the run without a fault ended with {first.exit_code}: {first.said}")
        end = (last.exit_code, last.said, found.books, found.writes, last.standing)
        return Faultless(self._work, first.requests, first.commits, *end)

    def _task(self, *, again: bool) -> Task:
        """What is broken, or what follows: the scheduled run comes first, then the person who ordered the correction."""
        works = (Work.SYNC, Work.CORRECT) if again and self._work is Work.CORRECT else (self._work,)
        return Task(works, str(self._world.changed))

    def _until_rest(self, systems: Systems, wiring: Wiring) -> tuple[list[Ending], bool]:
        """Run without faults until a run writes nothing; whether that came about in time."""
        endings: list[Ending] = []
        before = systems.picture().writes
        for number in range(1, CLEAN_RUNS + 1):
            endings.append(run_once(wiring, systems, self._task(again=True), UNBROKEN, number))
            now = systems.picture().writes
            if now == before:
                return endings, True
            before = now
        return endings, False


def _of_the_break(place: Place, broken: Ending, *, fired: bool) -> Iterator[str]:
    if broken.exit_code == 1:
        yield f"the broken run ended as a bug: {broken.said}"
    if place.lanes > 1 and not broken.reached:
        # The run had less to do than one in one lane: nothing was broken, which the campaign counts apart.
        if broken.killed:
            yield "the run was killed although it never came to the place"
        return
    if not fired:
        yield "the fault never happened, so this trial shows nothing"
    if (place.kill is not Kill.NEVER) is not broken.killed:
        yield "the run was killed although nobody asked for it" if broken.killed else "the run was never killed"


def _of_the_end(last: Ending, faultless: Faultless, *, settled: bool) -> Iterator[str]:
    if (last.exit_code, last.said) != (faultless.exit_code, faultless.said):
        yield f"the last run ended with {last.exit_code} {last.said}"
    if last.open_writes:
        yield f"nobody knows what became of {', '.join(last.open_writes)}"
    if not settled:
        yield f"after {CLEAN_RUNS} runs without a fault there is still something to write"
    yield from _differences("standing", last.standing, faultless.standing)


def _differences(what: str, now: Counter[tuple[str, ...]], wanted: Counter[tuple[str, ...]]) -> Iterator[str]:
    for row, count in (now - wanted).items():
        yield f"{what}: {count} too many: {' | '.join(row)}"
    for row, count in (wanted - now).items():
        yield f"{what}: {count} missing: {' | '.join(row)}"


def _repeated(now: Counter[str], wanted: Counter[str]) -> Iterator[str]:
    for write, count in (now - wanted).items():
        yield f"written {count} times too often: {write}"


def _processor_seconds() -> float:
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def _warm() -> None:
    """Import what a run imports when it needs it, once for all runs to come."""
    import msal  # noqa: F401

    import stsync.businesscentral.client
    import stsync.businesscentral.token
    import stsync.engine.correct
    import stsync.engine.run
    import stsync.servicetitan.client
    import stsync.servicetitan.token  # noqa: F401
