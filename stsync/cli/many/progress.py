"""How far several companies are: a line for each on a terminal, plain lines with the company's name elsewhere."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from stsync.cli.console import OUTPUT, clean, one_line
from stsync.cli.many.processes import Listener, Outcome
from stsync.cli.many.report import state
from stsync.cli.many.which import Company

if TYPE_CHECKING:
    from rich.progress import Progress

Show = Callable[[Outcome], None]


@contextmanager
def listening(companies: Sequence[Company], show: Show) -> Iterator[Listener]:
    """Someone to tell how far each company is; `show` prints what a company had to say, once that does not disturb."""
    if OUTPUT.json or OUTPUT.quiet:
        yield _Lines(show, silent=True)
    elif sys.stderr.isatty():
        shown: list[Outcome] = []
        problems: list[tuple[Company, str]] = []
        with _bars() as bars:
            yield _Bars(bars, companies, shown, problems)
        for company, line in problems:
            _problem(company, line)
        for outcome in sorted(shown, key=lambda one: companies.index(one.company)):
            show(outcome)
    else:
        yield _Lines(show, silent=False)


def _bars() -> Progress:
    from rich.console import Console
    from rich.progress import Progress, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn("{task.description}"),
        TextColumn("{task.fields[line]}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )


class _Bars:
    """One line for each company, from waiting for its turn to how it ended."""

    def __init__(
        self,
        bars: Progress,
        companies: Sequence[Company],
        shown: list[Outcome],
        problems: list[tuple[Company, str]],
    ) -> None:
        self._bars = bars
        self._shown = shown
        self._problems = problems
        self._tasks = {
            one: bars.add_task(_plain(one.name), start=False, total=1, line="waits for its turn") for one in companies
        }

    def begins(self, company: Company) -> None:
        self._bars.start_task(self._tasks[company])
        self.progress(company, "begins")

    def progress(self, company: Company, line: str) -> None:
        self._bars.update(self._tasks[company], line=_plain(line), refresh=True)

    def problem(self, company: Company, line: str) -> None:
        self._problems.append((company, line))

    def ends(self, outcome: Outcome) -> None:
        self._bars.update(self._tasks[outcome.company], completed=1, line=_plain(state(outcome)))
        self._shown.append(outcome)


class _Lines:
    """Lines for a log; what each company had to say follows when it has ended."""

    def __init__(self, show: Show, *, silent: bool) -> None:
        self._show = show
        self._silent = silent
        self._one_at_a_time = threading.Lock()

    def begins(self, company: Company) -> None:
        self.progress(company, "begins")

    def progress(self, company: Company, line: str) -> None:
        if not self._silent:
            self.problem(company, line)

    def problem(self, company: Company, line: str) -> None:
        with self._one_at_a_time:
            _problem(company, line)

    def ends(self, outcome: Outcome) -> None:
        with self._one_at_a_time:
            self._show(outcome)


def _problem(company: Company, line: str) -> None:
    sys.stderr.write(clean(f"{one_line(company.name)}: {line}") + "\n")
    sys.stderr.flush()


def _plain(text: str) -> str:
    """Text for one line of the terminal; rich must read no markup in it."""
    from rich.markup import escape

    return escape(clean(one_line(text)))
