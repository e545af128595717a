"""How far a run is: bars with the time left on a terminal, a line now and then elsewhere; never silence."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from stsync.cli.console import OUTPUT, clean, counted, say

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from stsync.engine.run import Watcher

SECONDS_BETWEEN_LINES = 10.0


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

    def reading(self, feed: str, count: int) -> None:
        self._update(f"reading {feed}", count, None)

    def planning(self, step: str) -> None:
        self._update(f"planning: {step}", 0, None)

    def planned(self, done: int, total: int) -> None:
        self._update("planning", done, total)

    def applying(self, stage: str, done: int, total: int) -> None:
        self._update(f"{self._doing} {stage}", done, total)

    def counted(self, name: str, done: int, total: int) -> None:
        """Any other thing of which so many are done."""
        self._update(name, done, total)

    def _update(self, name: str, done: int, total: int | None) -> None:
        if name not in self._tasks:
            self._finish_others()
            self._tasks[name] = self._progress.add_task(clean(name), total=total, count="", time="")
        count = f"{done:,} of {total:,}" if total is not None else f"{done:,}" if done else ""
        time_told = "" if total is None else "left" if done < total else "taken"
        self._progress.update(self._tasks[name], completed=done, total=total, count=count, time=time_told)

    def _finish_others(self) -> None:
        """Whatever went before is done: its bar is full and its clock stands."""
        for task in self._progress.tasks:
            if not task.finished:
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
        self._began = self._last = time.monotonic()
        self._name = ""

    def reading(self, feed: str, count: int) -> None:
        self._tell(f"reading {feed}", counted(count, "record"))

    def planning(self, step: str) -> None:
        self._tell(f"planning: {step}", "")

    def planned(self, done: int, total: int) -> None:
        self.counted("planning", done, total)

    def applying(self, stage: str, done: int, total: int) -> None:
        self.counted(f"{self._doing} {stage}", done, total)

    def counted(self, name: str, done: int, total: int) -> None:
        """Any other thing of which so many are done."""
        left = self._left(done, total)
        self._tell(name, f"{done:,} of {total:,}{left}", last=done == total)

    def _left(self, done: int, total: int) -> str:
        elapsed = time.monotonic() - self._began
        if not done or elapsed < SECONDS_BETWEEN_LINES:
            return ""
        return f", about {elapsed / done * (total - done):.0f} s left"

    def _tell(self, name: str, detail: str, *, last: bool = False) -> None:
        moment = time.monotonic()
        new = name != self._name
        if new:
            self._name, self._began = name, moment
        if self._silent or not (new or last or moment - self._last >= self._seconds_between):
            return
        self._last = moment
        sys.stderr.write(self._mark + (f"{name}: {detail}\n" if detail else f"{name}\n"))
        sys.stderr.flush()
