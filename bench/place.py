"""A served month, and programs run against it as a user runs them: as processes whose cost the system itself counts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
_START_SECONDS = 600
TICK_SECONDS = 15.0


class Failed(Exception):
    """A measure that cannot be taken, and why."""


@dataclass(frozen=True)
class Ran:
    """What a program did and cost: seconds on the clock, seconds of processor time, peak memory in MB."""

    code: int
    wall: float
    cpu: float
    peak_mb: float
    output: str

    def insist(self, what: str, allowed: Sequence[int] = (0,)) -> Ran:
        """The same, or Failed if it did not end well."""
        if self.code not in allowed:
            raise Failed(f"{what} ended with exit code {self.code}: {self.output.strip()[-600:]}")
        return self


def run(words: Sequence[str], environment: dict[str, str], *, tick: Callable[[float], None] | None = None) -> Ran:
    """Run a program to its end. `tick` is called every quarter of a minute with the seconds so far."""
    with tempfile.TemporaryFile("w+") as output:
        began = time.perf_counter()
        # stdin is closed: a program that asked something would wait for ever.
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment)
        done = threading.Event()
        if tick is not None:
            threading.Thread(target=_ticking, args=(done, began, tick), daemon=True).start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            done.set()
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        said = output.read()
    return Ran(process.returncode, wall, usage.ru_utime + usage.ru_stime, _megabytes(usage.ru_maxrss), said)


def _ticking(done: threading.Event, began: float, tick: Callable[[float], None]) -> None:
    while not done.wait(TICK_SECONDS):
        tick(time.perf_counter() - began)


def _megabytes(maxrss: int) -> float:
    # Linux counts in kilobytes, macOS in bytes.
    return maxrss / 1024 / (1024 if sys.platform == "darwin" else 1)


class Place:
    """Both systems with a plain month, in a process of their own; a context manager."""

    def __init__(
        self,
        folder: Path,
        invoices: int,
        payments: int,
        customers: int,
        *,
        latency: float | None,
        tell: Callable[[str], None],
    ) -> None:
        self.folder = folder
        self.size = (invoices, payments, customers)
        self.latency = latency
        self._tell = tell
        self._asking = threading.Lock()
        self._errors: IO[str] | None = None

    def __enter__(self) -> Place:
        self.folder.mkdir(parents=True, exist_ok=True)
        invoices, payments, customers = map(str, self.size)
        words = [sys.executable, str(HERE / "served.py"), "--folder", str(self.folder)]
        words += ["--invoices", invoices, "--payments", payments, "--customers", customers]
        words += ["--no-limits"] if self.latency is None else ["--latency", str(self.latency)]
        self._errors = (self.folder / "served.log").open("w+")
        self._server = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True, env=_environment()
        )
        hello = self._answer()
        self.config = Path(hello["config"])
        self.admin_url = hello["admin_url"]
        self.environment = {**_environment(), **hello["environment"]}
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server.stdin is not None
        self._server.stdin.close()
        try:
            self._server.wait(10)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()
        if self._server.stdout is not None:
            self._server.stdout.close()
        if self._errors is not None:
            self._errors.close()

    def ask(self, do: str, **more: Any) -> Any:
        """Ask the served systems one thing. Raises Failed when they are gone."""
        with self._asking:
            assert self._server.stdin is not None
            try:
                self._server.stdin.write(json.dumps({"do": do, **more}) + "\n")
                self._server.stdin.flush()
            except OSError as error:
                raise Failed(f"the sandbox is gone: {error}") from None
            return self._answer()

    def stsync(self, *words: str, name: str = "", entries: int = 0) -> Ran:
        """Run stsync against the month, as from a shell; `entries` is how many customer entries will be made."""
        return self.program([*self._stsync_words(), *words, "--config", str(self.config)], name, entries)

    def program(self, words: Sequence[str], name: str = "", entries: int = 0) -> Ran:
        """Run any program against the month."""
        began = self.ask("progress")["entries"]

        def tick(seconds: float) -> None:
            made = self.ask("progress")["entries"] - began
            left = f", about {seconds / made * (entries - made):.0f} s left" if 0 < made < entries else ""
            counted = f", {made:,} of about {entries:,} entries" if entries else ""
            self._tell(f"  {name}: {seconds:.0f} s{counted}{left}")

        return run(words, self.environment, tick=tick if name else None)

    def state_size(self) -> int:
        """Bytes of the state file."""
        return (self.config.parent / "stsync.db").stat().st_size

    def _stsync_words(self) -> list[str]:
        scale = self.latency if self.latency is not None else 0.0
        return [sys.executable, str(HERE / "scaled.py"), str(scale)]

    def _answer(self) -> Any:
        assert self._server.stdout is not None
        line = self._server.stdout.readline()
        if line:
            return json.loads(line)
        said = ""
        if self._errors is not None:
            self._errors.seek(0)
            said = self._errors.read().strip()[-600:]
        raise Failed(f"the sandbox ended: {said}")


def _environment() -> dict[str, str]:
    """The user's environment, with this tree's stsync and without settings that would change what is measured."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STSYNC_")}
    kept["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH", "")])])
    kept.pop("CURL_CA_BUNDLE", None)
    # An installed program has its bytecode; without, each start compiles for 0.3 s what no user's machine compiles.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return kept
