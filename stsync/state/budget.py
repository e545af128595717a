"""What all runs of one machine may ask of Business Central together, kept in a few small files.

Business Central counts requests for each application, not for each company (facts section 11): 5 at once, and 6,000
in any five minutes. Runs that log in as the same application therefore share both, exactly, whoever started them:

    door        the lock under which a place is taken and noted; the kernel serves those who wait for it in turn
    slot-0...4  one lock for each request under way
    departures  when the last 6,000 requests left (a ring), and until when everybody has to hold back

The operating system gives back the locks of a killed process at once; what it sent stays counted, as it has to.
"""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import os
import struct
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from stsync.config.addresses import host, is_loopback
from stsync.errors import StateError, UsageError
from stsync.state.files import private_file
from stsync.state.oslock import try_lock, unlock, wait_for_lock

AT_ONCE = 5
WINDOW_SECONDS = 300.0
LARGEST_WINDOW = 6_000
_MAGIC = b"stsync1\0"
# The format; how many requests left so far; the moment before which nobody leaves; and the ring.
_COUNT, _COUNT_AT = struct.Struct("<Q"), 8
_STAMP, _BEFORE_AT, _RING_AT = struct.Struct("<d"), 16, 24
_SIZE = _RING_AT + LARGEST_WINDOW * _STAMP.size
# One thread of each process looks, so looking often costs little: less than 1 % of a processor for each process.
_SECONDS_BETWEEN_LOOKS = 0.002
# A clock that was set back (a restart) must not keep a run waiting for hours.
_LONGEST_WAIT = 600.0


class SharedBudget:
    """The budget of one application; for all threads of this process and all processes that name the same folder.

    Raises OSError or StateError if the folder cannot hold it. Times are of the monotonic clock, which all
    processes of a machine share.
    """

    def __init__(
        self,
        folder: Path,
        *,
        requests: int,
        seconds: float = WINDOW_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._requests = requests
        self._seconds = seconds
        self._sleep = sleep
        self._clock = clock
        self._descriptors: list[int] = []
        weakref.finalize(self, _close, self._descriptors)
        self._door = self._opened(folder / "door")
        self._slots = [self._opened(folder / f"slot-{number}") for number in range(AT_ONCE)]
        self._free = list(self._slots)
        self._first_in_line = threading.Lock()
        self._ring = self._mapped(folder / "departures")

    @contextmanager
    def slot(self, weight: int = 1) -> Iterator[None]:
        """One request's place among all; it counts as `weight` requests in the window."""
        with self._first_in_line:
            taken = self._waited_for(min(weight, self._requests))
        try:
            yield
        finally:
            self._give_back(taken)

    def penalise(self, seconds: float) -> None:
        """Let nobody's request leave for so long: a 429 speaks to every run of this application."""
        until = max(self._clock() + seconds, self._moment(_BEFORE_AT))
        _STAMP.pack_into(self._ring, _BEFORE_AT, until)

    @contextmanager
    def _locked_door(self) -> Iterator[None]:
        wait_for_lock(self._door)
        try:
            yield
        finally:
            unlock(self._door)

    def _waited_for(self, weight: int) -> int:
        while True:
            # The door is never held while waiting: a process that somebody suspends then must not shut out the others.
            with self._locked_door():
                wait = self._wait(weight)
                taken = None if wait else self._free_slot()
                if taken is not None:
                    self._note(weight)
                    return taken
            self._sleep(wait or _SECONDS_BETWEEN_LOOKS)

    def _free_slot(self) -> int | None:
        # A lock is of a descriptor: those that another thread of ours holds would seem free.
        for slot in tuple(self._free):
            if try_lock(slot):
                self._free.remove(slot)
                return slot
        return None

    def _give_back(self, slot: int) -> None:
        unlock(slot)
        self._free.append(slot)

    def _note(self, weight: int) -> None:
        now, count = self._clock(), self._count()
        for number in range(count, count + weight):
            _STAMP.pack_into(self._ring, _place(number), now)
        _COUNT.pack_into(self._ring, _COUNT_AT, count + weight)

    def _wait(self, weight: int) -> float:
        """How long until so many more requests fit into the window and nobody has to hold back."""
        now = self._clock()
        waits = [self._moment(_BEFORE_AT) - now]
        leaving = self._count() + weight - 1 - self._requests
        if leaving >= 0 and (left := self._moment(_place(leaving))) <= now:
            waits.append(left + self._seconds - now)
        return max((wait for wait in waits if 0 < wait <= _LONGEST_WAIT), default=0.0)

    def _count(self) -> int:
        return int(_COUNT.unpack_from(self._ring, _COUNT_AT)[0])

    def _moment(self, at: int) -> float:
        return float(_STAMP.unpack_from(self._ring, at)[0])

    def _opened(self, path: Path) -> int:
        descriptor = private_file(path)
        self._descriptors.append(descriptor)
        return descriptor

    def _mapped(self, path: Path) -> mmap.mmap:
        descriptor = self._opened(path)
        with self._locked_door():
            if os.fstat(descriptor).st_size != _SIZE:
                os.ftruncate(descriptor, _SIZE)
            ring = mmap.mmap(descriptor, _SIZE)
            if ring[: len(_MAGIC)] != _MAGIC:
                ring[:] = _MAGIC.ljust(_SIZE, b"\0")
        return ring


def budget_of(application: str, folder: Path, *, requests: int, named: bool) -> SharedBudget | None:
    """The budget of an application in this folder; `named` says that somebody chose it.

    None where the user's own folder cannot hold it (a service without a home): the run then keeps the limits for
    itself alone. Raises UsageError 'budget-folder-unusable' for a folder that somebody named.
    """
    try:
        return SharedBudget(folder / hashlib.sha256(application.encode()).hexdigest()[:16], requests=requests)
    except (OSError, StateError) as error:
        if not named:
            return None
        raise UsageError(
            "budget-folder-unusable",
            f"The folder {folder}, in which runs share what Business Central allows them, cannot be used. "
            "Nothing was read or written.",
            hint="Correct business_central.budget_folder, or make the folder writable for the user who runs stsync.",
            note=str(getattr(error, "note", "") or error),
        ) from error


def budget_folder(named: str | None, api_url: str) -> Path | None:
    """Where runs share: the folder that somebody named, or one of the user's own.

    None for a simulator on this machine, which has limits of its own.
    """
    if named is not None:
        return Path(named)
    if is_loopback(host(api_url)):
        return None
    from platformdirs import user_state_path

    return user_state_path("stsync", appauthor=False) / "budget"


def _place(number: int) -> int:
    return _RING_AT + number % LARGEST_WINDOW * _STAMP.size


def _close(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        with contextlib.suppress(OSError):
            os.close(descriptor)
