"""One run at a time on a state file. The operating system keeps the lock, so a killed run leaves none behind."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from stsync.core.canonical import canonical_json, parse_json
from stsync.errors import LockHeld
from stsync.state.complaints import explained_os_error
from stsync.state.files import private_file
from stsync.state.oslock import try_lock
from stsync.state.texts import time_text


def _utc_now() -> datetime:
    return datetime.now(UTC)


class RunLock:
    """A context manager holding `<state>.lock`, in which it says who holds it: pid, host, user, command, since."""

    def __init__(
        self, state_path: str | os.PathLike[str], *, command: str, now: Callable[[], datetime] = _utc_now
    ) -> None:
        # Resolved: the same file by another name must be the same lock.
        state = Path(state_path).expanduser().resolve()
        self.path = state.with_name(state.name + ".lock")
        self._command = command
        self._now = now
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        """Take the lock. Raises LockHeld saying who has it and since when, StateError if the place cannot be used."""
        descriptor = private_file(self.path)
        try:
            self._take(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the lock back. The file stays: deleting it would let two runs lock two different files."""
        if self._descriptor is not None:
            _write(self._descriptor, "")
            os.close(self._descriptor)
            self._descriptor = None

    def _take(self, descriptor: int) -> None:
        try:
            if not try_lock(descriptor):
                raise _held(_holder(descriptor), self.path)
            _write(descriptor, canonical_json(self._about_us()))
        except OSError as error:
            # Some network drives have no locks: without one, two runs could send the same invoice.
            raise explained_os_error(error, str(self.path)) from error

    def _about_us(self) -> dict[str, str | int]:
        return {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "user": user_name(),
            "command": self._command,
            "since": time_text(self._now()),
        }


def user_name() -> str:
    """Who runs this, as far as the system knows; services may have no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "unknown"


def _write(descriptor: int, text: str) -> None:
    os.ftruncate(descriptor, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, text.encode())


def _holder(descriptor: int) -> dict[str, str]:
    os.lseek(descriptor, 0, os.SEEK_SET)
    try:
        return {key: str(value) for key, value in parse_json(os.read(descriptor, 4096)).items()}
    except (ValueError, AttributeError):
        # Between taking the lock and writing the name there is a moment without one.
        return {}


def _held(holder: dict[str, str], path: Path) -> LockHeld:
    who = "Another run is using this state file"
    if holder:
        who += f': "{holder.get("command")}", started by {holder.get("user")} on {holder.get("host")}'
        who += f" (process {holder.get('pid')}), since {_spoken(holder.get('since', ''))}"
    return LockHeld(
        "another-run",
        who + ". Nothing was read or written.",
        hint="Wait until it has finished, then run the command again.",
        context={**holder, "lock": str(path)},
    )


def _spoken(since: str) -> str:
    return since[:19].replace("T", " ") + " UTC"
