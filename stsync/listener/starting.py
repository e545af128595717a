"""Starting a run when hints have come: one at a time, and one for many hints; and what has to be done once a day.

The run is a process of its own, because it needs secrets that the listener has no business to hold.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

LOCKED = 75


@dataclass(frozen=True)
class Pace:
    """In seconds: how long to wait for more hints after the last one, at most after the first, and after a run that
    could not start because another held the lock."""

    quiet: float = 10.0
    longest: float = 60.0
    again: float = 60.0


class Starter:
    """Runs a command some seconds after a hint; hints that come meanwhile share one run."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        pace: Pace | None = None,
        run: Callable[[Sequence[str]], int] | None = None,
        tell: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self._command = list(command)
        self._pace = pace or Pace()
        self._run = run or _run
        self._tell = tell
        self._changed = threading.Condition()
        self._first: float | None = None
        self._last = 0.0
        self._stopping = False
        self._thread = threading.Thread(target=self._work, name="starter", daemon=True)

    def start(self) -> None:
        """Begin to wait for hints."""
        self._thread.start()

    def hint(self) -> None:
        """A hint has come."""
        with self._changed:
            self._last = time.monotonic()
            self._first = self._first if self._first is not None else self._last
            self._changed.notify()

    def stop(self, timeout: float = 5.0) -> None:
        """Start nothing more. A run that is at work is left to finish: it is a process of its own."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(timeout)

    def _work(self) -> None:
        while self._due():
            try:
                code = self._run(self._command)
            except OSError as error:
                # No memory or no process left for a moment: without another attempt, no hint would start a run any more.
                self._tell(f"no run could be started ({error.strerror or error}); the next attempt follows")
                self._put_off()
                continue
            if code == LOCKED:
                self._tell("another run is at work; the next attempt follows")
                self._put_off()
            else:
                self._tell(f"the run ended with exit code {code}")

    def _due(self) -> bool:
        """Wait until a run is due; False when there will be none any more."""
        with self._changed:
            while not self._stopping:
                wait = self._remaining()
                if wait is not None and wait <= 0:
                    self._first = None
                    return True
                self._changed.wait(wait)
            return False

    def _remaining(self) -> float | None:
        if self._first is None:
            return None
        due = min(self._last + self._pace.quiet, self._first + self._pace.longest)
        return due - time.monotonic()

    def _put_off(self) -> None:
        with self._changed:
            self._last = time.monotonic() + self._pace.again - self._pace.quiet
            self._first = self._last
            self._changed.notify()


class Daily:
    """Runs a command at once and then once a day; sooner again after it failed.

    Business Central's subscriptions end after three days (BC facts section 11.2), so a day that fails costs nothing.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        every: float = 86_400.0,
        after_failure: float = 900.0,
        run: Callable[[Sequence[str]], int] | None = None,
        tell: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self._command = list(command)
        self._every, self._after_failure = every, after_failure
        self._run = run or _run
        self._tell = tell
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="daily", daemon=True)

    def start(self) -> None:
        """Begin; the first run starts at once."""
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        """Start nothing more."""
        self._stopping.set()
        self._thread.join(timeout)

    def _work(self) -> None:
        while not self._stopping.is_set():
            trouble = self._trouble()
            if trouble:
                self._tell(f"{trouble}; the next attempt follows in 15 minutes")
            self._stopping.wait(self._after_failure if trouble else self._every)

    def _trouble(self) -> str:
        """Run it once, and say what went wrong, if anything did."""
        try:
            code = self._run(self._command)
        except OSError as error:
            # No memory or no process left for a moment must not end the renewing for good.
            return f"renewing could not be started ({error.strerror or error})"
        return f"renewing ended with exit code {code}" if code else ""


def _run(command: Sequence[str]) -> int:
    return subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode  # noqa: S603 - our own command
