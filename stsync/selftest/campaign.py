"""Many trials, some at a time, and what came of them."""

from __future__ import annotations

import atexit
import multiprocessing
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice

from stsync.errors import UsageError
from stsync.selftest.places import LANES, Place, Work, spread
from stsync.selftest.trial import Faultless, Ground, Verdict

# More of them would mean that places are numbered for another run than the one that is broken.
_FEW_MISSED = 3
_SHARE_MISSED = 0.05
Tell = Callable[["Figures", int], None]


@dataclass
class Figures:
    """What a campaign shows. Seconds are those on the wall; `faultless` are the runs that were broken.

    `missed` are runs with several lanes that had less to send than the one that was measured, and never came to the place
    where they were to be broken. They ended well, which shows nothing, so others took their turn.
    """

    faultless: tuple[Faultless, ...]
    possible: int
    verdicts: list[Verdict] = field(default_factory=list)
    seconds: float = 0.0
    missed: list[Verdict] = field(default_factory=list)

    @property
    def failed(self) -> list[Verdict]:
        """The trials that did not end as a faultless run."""
        return sorted((one for one in self.verdicts if one.problems), key=lambda one: one.place.id)

    @property
    def processor_seconds(self) -> float:
        """What all trials together used of the processors."""
        return sum(one.processor_seconds for one in (*self.verdicts, *self.missed))

    @property
    def too_many_missed(self) -> bool:
        """Whether the places are so badly numbered that the campaign does not show what it says."""
        return not self.verdicts or len(self.missed) > max(_FEW_MISSED, _SHARE_MISSED * len(self.verdicts))

    def add(self, verdict: Verdict) -> None:
        """Count a trial, or a miss."""
        found = self.verdicts if verdict.reached or verdict.problems else self.missed
        found.append(verdict)

    def cells(self) -> Counter[tuple[str, str]]:
        """How many trials there were of each kind of place and fault."""
        return Counter((one.place.kind, one.place.fault.value) for one in self.verdicts)


def campaign(
    count: int,
    *,
    seed: int = 0,
    workers: int = 2,
    lanes: Sequence[int] = LANES,
    only: str | None = None,
    tell: Tell,
) -> Figures:
    """Measure a faultless run, then break so many, or the one with the id `only`; every trial once, whatever it shows.

    The runs that are broken have so many lanes, each number of `lanes` as often as the others.
    `tell` hears of each trial that is done, and how many there will be. Raises UsageError for an id that is none,
    and where the system cannot fork.
    """
    if "fork" not in multiprocessing.get_all_start_methods():
        raise UsageError(
            "selftest-needs-fork",
            "These trials need a system that can fork a process; Windows cannot.",
            hint="Run them on Linux or macOS, or in WSL on this machine.",
        )
    began = time.monotonic()
    with _pool(1 if only else workers) as pool, _given_up_at_once(pool):
        faultless = {work: pool.submit(_faultless, work).result() for work in Work}
        everywhere = [place for one in faultless.values() for place in one.places(LANES if only else lanes)]
        figures = Figures(tuple(faultless.values()), len(everywhere))
        wanted = min(count, len(everywhere))
        chosen = iter([_named(everywhere, only)]) if only else spread(everywhere, seed)
        while turn := list(islice(chosen, wanted - len(figures.verdicts))):
            for done in as_completed([pool.submit(_attempt, place, faultless[place.work]) for place in turn]):
                figures.add(done.result())
                figures.seconds = time.monotonic() - began
                tell(figures, 1 if only else wanted)
    return figures


def _named(everywhere: Sequence[Place], only: str) -> Place:
    found = [place for place in everywhere if place.id == only]
    if not found:
        raise UsageError(
            "no-such-trial",
            f"There is no trial {only[:40]!r}.",
            hint="Copy the name from the line that a failed trial printed, for example sync.r12.mute.committed.",
        )
    return found[0]


def _pool(workers: int) -> ProcessPoolExecutor:
    """Processes of one thread each, that lay a ground of their own and fork each trial's processes from it."""
    # Spawned: the process that asks has threads, and a fork in the midst of threads is not safe.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(max_workers=workers, mp_context=context, initializer=_leave_ctrl_c_to_the_asker)


def _leave_ctrl_c_to_the_asker() -> None:
    # A terminal sends it to every process: a worker that met it in a trial would report that trial and begin the next.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _given_up_at_once(pool: ProcessPoolExecutor) -> Iterator[None]:
    """After Ctrl-C, or a bug, no trial is begun any more; those at work take a moment to end."""
    try:
        yield
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise


_GROUNDS: dict[Work, tuple[Ground, Faultless]] = {}


def _laid(work: Work) -> tuple[Ground, Faultless]:
    """This process's ground for a work, made at the first question and taken away at its end."""
    if work not in _GROUNDS:
        ground = Ground()
        atexit.register(ground.close)
        _GROUNDS[work] = (ground, ground.lay(work))
    return _GROUNDS[work]


def _faultless(work: Work) -> Faultless:
    return _laid(work)[1]


def _attempt(place: Place, faultless: Faultless) -> Verdict:
    ground, measured = _laid(place.work)
    if measured.requests != faultless.requests or measured.commits != faultless.commits:
        raise RuntimeError("a faultless run does not send the same requests twice, so places have no fixed numbers")
    return ground.attempt(place, faultless)
