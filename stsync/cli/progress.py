"""How far a run is: bars with the time left on a terminal, a line now and then elsewhere; never silence."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from stsync.cli.console import OUTPUT, clean, counted, say

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from stsync.engine.run import Watcher

SECONDS_BETWEEN_LINES = 10.0
STOPPING = (
    "Stopping: what was sent already is waited for, which can take a minute; nothing more is begun. "
    "Ctrl-C again stops at once."
)


@contextmanager
def watcher(banner: str, *, dry_run: bool, doing: str = "writing") -> Iterator[Watcher]:
    """Someone to tell how far a run is; `doing` is what it does with the records once it has planned."""
    say(banner)
    preview_notice(dry_run=dry_run)
    if OUTPUT.json or OUTPUT.quiet:
        yield Lines(silent=True)
    elif sys.stderr.isatty():
        with _bars() as progress:
            yield _Bars(progress, doing)
    else:
        yield Lines(silent=False, doing=doing)


def preview_notice(*, dry_run: bool) -> None:
    """Say that this is a preview, where it is one."""
    if dry_run:
        say("PREVIEW: nothing will be written, in either system or here.")


@contextmanager
def counting(name: str) -> Iterator[Callable[[int, int], None]]:
    """Someone to tell how many things are done, and of how many."""
    if OUTPUT.json or OUTPUT.quiet:
        yield lambda _done, _total: None
    elif sys.stderr.isatty():
        with _bars() as progress:
            yield partial(_Bars(progress).counted, name)
    else:
        yield partial(Lines(silent=False).counted, name)


def _bars() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[count]}"),
        TimeRemainingColumn(elapsed_when_finished=True),
        TextColumn("{task.fields[time]}"),
        console=Console(stderr=True),
        transient=True,
    )


class _Bars:
    """Progress on a terminal: a line for each step, the time left while it runs and the time it took afterwards."""

    def __init__(self, progress: Progress, doing: str = "writing") -> None:
        self._progress = progress
        self._doing = doing
        self._tasks: dict[str, TaskID] = {}
        self._side_by_side: set[str] = set()

    def reading(self, feed: str, count: int) -> None:
        self._update(f"reading {feed}", count, None)

    def planning(self, step: str) -> None:
        self._update(f"planning: {step}", 0, None)

    def planned(self, done: int, total: int) -> None:
        self._update("planning", done, total)

    def applying(self, stage: str, done: int, total: int) -> None:
        name = f"{self._doing} {stage}"
        self._side_by_side.add(name)
        self._update(name, done, total)

    def stopping(self) -> None:
        self._progress.console.print(STOPPING)

    def counted(self, name: str, done: int, total: int) -> None:
        """Any other thing of which so many are done."""
        self._update(name, done, total)

    def _update(self, name: str, done: int, total: int | None) -> None:
        if name not in self._tasks:
            self._finish_others(self._side_by_side if name in self._side_by_side else set())
            self._tasks[name] = self._progress.add_task(clean(name), total=total, count="", time="")
        count = f"{done:,} of {total:,}" if total is not None else f"{done:,}" if done else ""
        time_told = "" if total is None else "left" if done < total else "taken"
        self._progress.update(self._tasks[name], completed=done, total=total, count=count, time=time_told)

    def _finish_others(self, going_on: Collection[str]) -> None:
        """Whatever went before is done: its bar is full and its clock stands."""
        still = {self._tasks[name] for name in going_on if name in self._tasks}
        for task in self._progress.tasks:
            if not task.finished and task.id not in still:
                whole = max(task.completed, 1)
                self._progress.update(task.id, completed=whole, total=whole, time="taken")


class Lines:
    """Progress in a log: one line for each step, and one now and then while a step is long.

    `mark` stands before each line, for a process that listens.
    """

    def __init__(
        self,
        *,
        silent: bool,
        doing: str = "writing",
        mark: str = "",
        seconds_between: float = SECONDS_BETWEEN_LINES,
    ) -> None:
        self._silent = silent
        self._doing = doing
        self._mark = mark
        self._seconds_between = seconds_between
        self._last = time.monotonic()
        self._name = ""
        # Several kinds of records are written side by side: each has its own beginning.
        self._began: dict[str, float] = {}

    def reading(self, feed: str, count: int) -> None:
        name = f"reading {feed}"
        self._tell(name, counted(count, "record"), new=name != self._name)

    def planning(self, step: str) -> None:
        name = f"planning: {step}"
        self._tell(name, "", new=name != self._name)

    def planned(self, done: int, total: int) -> None:
        self.counted("planning", done, total)

    def applying(self, stage: str, done: int, total: int) -> None:
        name = f"{self._doing} {stage}"
        new = name not in self._began
        self._count(name, done, total, new=new)

    def stopping(self) -> None:
        if not self._silent:
            sys.stderr.write(f"{self._mark}{STOPPING}\n")
            sys.stderr.flush()

    def counted(self, name: str, done: int, total: int) -> None:
        """Any other thing of which so many are done."""
        self._count(name, done, total, new=name != self._name)

    def _count(self, name: str, done: int, total: int, *, new: bool) -> None:
        left = "" if new else self._left(name, done, total)
        self._tell(name, f"{done:,} of {total:,}{left}", new=new, last=done == total)

    def _left(self, name: str, done: int, total: int) -> str:
        elapsed = time.monotonic() - self._began[name]
        if not done or elapsed < SECONDS_BETWEEN_LINES:
            return ""
        return f", about {elapsed / done * (total - done):.0f} s left"

    def _tell(self, name: str, detail: str, *, new: bool, last: bool = False) -> None:
        moment = time.monotonic()
        self._name = name
        if new:
            self._began[name] = moment
        if self._silent or not (new or last or moment - self._last >= self._seconds_between):
            return
        self._last = moment
        sys.stderr.write(self._mark + (f"{name}: {detail}\n" if detail else f"{name}\n"))
        sys.stderr.flush()
