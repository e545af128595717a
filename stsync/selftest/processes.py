"""The two processes of a trial: the systems, and the run that is broken. Both are forked from one that has everything ready.

A fork takes milliseconds and starts with a copy of everything that was prepared: the systems as the office left them,
the state file's content, the configuration. Whoever forks has one thread only, so nothing is copied in the middle of
something.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from stsync.sandbox.faults import Rule
from stsync.sandbox.keeping import keep
from stsync.selftest.books import Books, books
from stsync.selftest.breaking import Boundaries, Haste, KilledWhenServed, add_fault
from stsync.selftest.office import TrialWorld
from stsync.selftest.places import Kill, Place, Work
from stsync.selftest.writes import Writes
from stsync.wiring import Wiring

_PATIENCE_SECONDS = 120.0
BETWEEN_RUNS = timedelta(hours=1)
_CARDS = frozenset({"customers", "pricebook"})
Standing = Counter[tuple[str, ...]]


@dataclass(frozen=True)
class Picture:
    """Both systems as they are: what they hold, what was written so far, and whether the fault happened."""

    books: Books
    writes: Counter[str]
    fired: bool


@dataclass(frozen=True)
class Ending:
    """How one run ended, as it told itself; `killed` when it could not.

    `standing` is where each record stands in stsync's own notes, `open_writes` what nobody knows the outcome of. `reached`
    is whether the run came to the place where it was to be broken.
    """

    exit_code: int | None = None
    requests: tuple[str, ...] = ()
    commits: int = 0
    standing: Standing = field(default_factory=Counter)
    open_writes: tuple[str, ...] = ()
    said: str = ""
    killed: bool = False
    reached: bool = False


class Child:
    """A forked process that talks through a pipe, and is gone when the block ends."""

    def __init__(self, work: Callable[[Connection], None]) -> None:
        context: Any = multiprocessing.get_context("fork")
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(target=_only, args=(work, theirs, self.pipe))
        self._process.start()
        theirs.close()

    @property
    def pid(self) -> int:
        """The process's id."""
        return int(self._process.pid)

    def answer(self) -> Any:
        """What it sends; None when it died without a word. Raises TimeoutError when it does neither."""
        if not self.pipe.poll(_PATIENCE_SECONDS):
            raise TimeoutError(f"a process of the trial said nothing for {_PATIENCE_SECONDS:.0f} seconds")
        try:
            return self.pipe.recv()
        except (EOFError, ConnectionResetError):
            return None

    def was_killed(self) -> bool:
        """Whether it ended by SIGKILL. Waits for its end."""
        self._process.join(_PATIENCE_SECONDS)
        return bool(self._process.exitcode == -signal.SIGKILL)

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.pipe.close()
        self._process.kill()
        self._process.join()
        self._process.close()


def _only(work: Callable[[Connection], None], pipe: Connection, parents: Connection) -> None:
    parents.close()
    with contextlib.suppress(EOFError, BrokenPipeError):
        work(pipe)
    # Nothing of the parent's is tidied up twice.
    os._exit(0)


class Systems:
    """The simulators at work in a process of their own."""

    def __init__(self, world: TrialWorld) -> None:
        self._child = Child(lambda pipe: _serve(world, pipe))

    def begin(self, place: Place, pid: int) -> None:
        """Let a run meet the fault and the kill of this place; an hour has passed since the last one."""
        self._ask(("begin", place, pid))

    def picture(self) -> Picture:
        """Both systems as they are now."""
        found = self._ask(("picture",))
        assert isinstance(found, Picture)
        return found

    def keep(self, file: Path) -> None:
        """Write both systems to a file, as `stsync.sandbox.keeping` does."""
        self._ask(("keep", file))

    def _ask(self, order: tuple[Any, ...]) -> Any:
        self._child.pipe.send(order)
        return self._child.answer()

    def __enter__(self) -> Systems:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.__exit__()


def _serve(world: TrialWorld, pipe: Connection) -> None:
    """Carry out the orders of a trial; ends when nobody is there to give any."""
    killer, writes = KilledWhenServed(), Writes(world)
    plain = {name: world.sandbox.apps[name] for name in ("servicetitan_api", "business_central")}
    # Writes are counted inside, where a fault cannot hide them; the fault is around both.
    world.sandbox.exchange({name: killer.around(writes.around(app)) for name, app in plain.items()})
    world.sandbox.answer()
    rules: list[Rule] = []
    while True:
        order = pipe.recv()
        if order[0] == "picture":
            pipe.send(Picture(books(world), writes.so_far(), not rules or any(rule.fired for rule in rules)))
            continue
        if order[0] == "keep":
            keep(world, order[1], port_base=0)
            pipe.send("kept")
            continue
        _, place, pid = order
        world.faults.clear()
        world.advance(BETWEEN_RUNS)
        rules = add_fault(world.faults, place)
        killer.set(pid if place.kill is Kill.SERVED else 0)
        pipe.send("ready")


@dataclass(frozen=True)
class Task:
    """What one process does, in this order; `document` is the invoice that is corrected, by its id."""

    works: tuple[Work, ...]
    document: str


def run_once(wiring: Wiring, systems: Systems, task: Task, place: Place, number: int) -> Ending:
    """One process at work against the systems, broken at the place. `number` counts those of a trial from 0."""
    with Child(lambda pipe: _run(wiring, task, place, number, pipe)) as child:
        systems.begin(place, child.pid)
        child.pipe.send("go")
        told = child.answer()
        reached = isinstance(told, str)
        ending = child.answer() if reached else told
        if isinstance(ending, Ending):
            return replace(ending, reached=reached)
        return (
            Ending(killed=True, reached=reached)
            if child.was_killed()
            else Ending(1, said="the process died without a word")
        )


def _run(wiring: Wiring, task: Task, place: Place, number: int, pipe: Connection) -> None:
    pipe.recv()
    boundaries, haste = Boundaries(place, pipe.send), Haste()
    _put_forward(number)
    boundaries.install()
    hasty = replace(wiring, sleep=haste.sleep, clock=haste.clock)
    told = [_told(hasty, work, task.document) for work in task.works]
    boundaries.ended()
    worst = next((one for one in told if one[0] == 1), told[0])
    said = "; ".join(words for _, words in told if words)
    pipe.send(_ending(wiring.state_path, boundaries, worst[0], said))


def _put_forward(number: int) -> None:
    """Let an hour pass between two runs on our side as well."""
    from stsync.engine import correct, run

    def later() -> datetime:
        return datetime.now(UTC) + number * BETWEEN_RUNS

    for module in (run, correct):
        module.__dict__["now"] = later


def _told(wiring: Wiring, work: Work, document: str) -> tuple[int, str]:
    """Do what a bookkeeper lets stsync do: the exit code, and what it said when it stopped."""
    from stsync.engine.correct import Target, correct
    from stsync.engine.run import Order, run
    from stsync.engine.scope import Scope
    from stsync.errors import StsyncError

    try:
        if work is Work.SYNC:
            return int(run(wiring, Order(Scope(), "stsync sync")).exit_code), ""
        outcome = correct(
            wiring, Target("invoices", document), command="stsync correct", dry_run=False, confirm=lambda _: True
        )
        return int(outcome.exit_code), outcome.reason.reference if outcome.reason else ""
    except StsyncError as error:
        return int(error.exit_code), f"{error.reference}: {error.message}"
    except Exception as error:  # the trial has to tell of a bug, not to end by it
        return 1, f"{type(error).__name__}: {error}"


def _ending(state_path: Path, boundaries: Boundaries, code: int, said: str) -> Ending:
    from stsync.state import State

    with State.open_scratch(state_path) as state:
        open_writes = tuple(row.key for row in state.ledger.intended())
        standing = Counter(_standings(state))
    return Ending(code, tuple(boundaries.requests), boundaries.commits, standing, open_writes, said)


def _standings(state: Any) -> Iterator[tuple[str, ...]]:
    """Every record with its state, and why it is held or who has to apply it."""
    states = ("pending", "waiting", "held", "dead", "settled")
    for kind in ("customers", "invoices", "payments", "credit_memos", "pricebook", "write_backs"):
        for row in state.inbox.rows(kind, states):
            reason = row.reason.reference if row.reason else ""
            # A card that one run wrote and another found as it should be: created, updated or unchanged is the same.
            yield kind, row.source_id, row.state, "" if kind in _CARDS else row.outcome or "", reason
