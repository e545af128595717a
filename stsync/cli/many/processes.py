"""The companies' processes: started, listened to, stopped together, and what became of each."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from stsync.cli.many.one import MARK, Order
from stsync.cli.many.which import Company
from stsync.errors import ExitCode

# -P: a folder that happens to hold a yaml.py must not be taken for our library.
COMMAND = (sys.executable, "-P", "-m", "stsync.cli.many.one")
STOPPED = 130
_KNOWN = {int(code) for code in ExitCode} | {STOPPED}


class Listener(Protocol):
    """Whoever hears how far the companies are."""

    def begins(self, company: Company) -> None: ...
    def progress(self, company: Company, line: str) -> None: ...
    def problem(self, company: Company, line: str) -> None: ...
    def ends(self, outcome: Outcome) -> None: ...


@dataclass(frozen=True)
class Outcome:
    """How one company ended. `printed` is a file with what it printed; `summary` is empty when it could not say.

    `signal` is what killed the process, `started` is False when everything was stopped before its turn came.
    """

    company: Company
    exit_code: int
    seconds: float
    printed: Path
    summary: dict[str, Any] = field(default_factory=dict)
    signal: int = 0
    started: bool = True

    @property
    def whole(self) -> bool:
        """Whether it said all that it had to say."""
        return bool(self.summary) and not self.signal


class Processes:
    """Runs each company in a process of its own, so many at a time.

    The same interpreter, no shell, and no argument but the module's name: the order goes through a pipe.
    """

    def __init__(self, order: Order, folder: Path, listener: Listener) -> None:
        self._order = order
        self._folder = folder
        self._listener = listener
        self._running: set[subprocess.Popen[str]] = set()
        self._changing = threading.Lock()
        self._stopped = False

    def all(self, companies: Sequence[Company], *, parallel: int) -> list[Outcome]:
        """What became of each, in the order given. Ctrl-C stops those that run, and starts no other."""
        with _ended_like_ctrl_c(), ThreadPoolExecutor(max_workers=parallel) as pool:
            futures = [pool.submit(self._outcome, number, one) for number, one in enumerate(companies)]
            self._wait(futures)
            return [future.result() for future in futures]

    def _wait(self, futures: Sequence[Future[Outcome]]) -> None:
        for stopping in (signal.SIGINT, signal.SIGTERM):
            try:
                wait(futures)
            except KeyboardInterrupt:
                self._stop(stopping)
        # Stopped twice: nobody is asked again.
        with suppress(KeyboardInterrupt):
            wait(futures)

    def _stop(self, by: signal.Signals) -> None:
        with self._changing:
            self._stopped = True
            for process in self._running:
                # Windows hands the Ctrl-C of a console to every process in it.
                if os.name != "nt" or by != signal.SIGINT:
                    process.send_signal(by)

    def _outcome(self, number: int, company: Company) -> Outcome:
        printed, summary = self._folder / f"{number}.out", self._folder / f"{number}.json"
        began = time.monotonic()
        with printed.open("wb") as out:
            process = self._started(out)
            if process is None:
                return Outcome(company, STOPPED, 0.0, printed, started=False)
            self._listener.begins(company)
            self._listen(process, company, self._order.text(company.path, summary))
            code = process.wait()
        if code == -signal.SIGINT:
            # It was stopped before it had begun.
            code = STOPPED
        with self._changing:
            self._running.discard(process)
        outcome = Outcome(
            company,
            code if code in _KNOWN else int(ExitCode.BUG),
            time.monotonic() - began,
            printed,
            json.loads(summary.read_text(encoding="utf-8")) if summary.exists() else {},
            signal=-code if code < 0 else 0,
        )
        self._listener.ends(outcome)
        return outcome

    def _started(self, out: Any) -> subprocess.Popen[str] | None:
        with self._changing:
            if self._stopped:
                return None
            process = subprocess.Popen(  # noqa: S603 - our own module, no word of anybody else
                COMMAND,
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                env={**os.environ, "PYTHONIOENCODING": "utf-8"},
                # A Ctrl-C reaches this process, which tells the others once; not each of them twice.
                start_new_session=os.name != "nt",
            )
            self._running.add(process)
            return process

    def _listen(self, process: subprocess.Popen[str], company: Company, order: str) -> None:
        assert process.stdin is not None
        assert process.stderr is not None
        with suppress(BrokenPipeError), process.stdin:
            process.stdin.write(order)
        with process.stderr:
            for line in process.stderr:
                text = line.rstrip("\n")
                tell = self._listener.progress if text.startswith(MARK) else self._listener.problem
                tell(company, text.removeprefix(MARK))


@contextmanager
def _ended_like_ctrl_c() -> Iterator[None]:
    """A service manager ends the whole by SIGTERM: the companies' runs then stop between two requests too."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before: Callable[[int, Any], Any] | int | None = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
