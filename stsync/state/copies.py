"""Backups of the state file, and putting one back.

A copy of the file alone can miss what SQLite keeps beside it (ecosystem facts 4.2), so a backup is made by SQLite
itself. Putting an old one back loses nothing in the books: whatever it does not know of is found there by its natural key.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from stsync.errors import StateError, UsageError
from stsync.state.complaints import explained, explained_os_error
from stsync.state.connect import connect_scratch, copy_file
from stsync.state.files import private_file
from stsync.state.open import State
from stsync.state.rows import Pin

_BESIDE = ("-journal", "-wal", "-shm")


@dataclass(frozen=True)
class Verdict:
    """A sound file: how many records and audit rows it holds, and when its last run was."""

    records: int
    audit_rows: int
    last_run: datetime | None


def backup(path: Path, target: Path) -> None:
    """Copy the state file, readable by its owner alone. Raises StateError, and UsageError when the target exists."""
    if not path.exists():
        raise UsageError("state-missing", f"There is no state file {path} yet.", hint="The first run makes it.")
    if target.exists():
        raise UsageError(
            "file-exists", f"{target} is there already.", hint="Choose another name; no backup is written over another."
        )
    scratch = connect_scratch()
    try:
        copy_file(path, scratch)
        _write(scratch.connection, target)
    finally:
        scratch.close()


def verify(path: Path, pin: Pin | None = None) -> Verdict:
    """Read a whole file for damage, and its audit for changes. Raises StateError; with `pin` also for another's file."""
    if not path.exists():
        raise UsageError("state-missing", f"There is no state file {path}.", hint="Name the file, or run a sync first.")
    with State.open_scratch(path) as state:
        rows = state.check()
        if pin is not None:
            state.check_pin(pin)
        records = sum(total.records for total in state.inbox.counts().values())
        last = next(iter(state.runs.last(1)), None)
    return Verdict(records, rows, last.started_at if last is not None else None)


def restore(backup_file: Path, path: Path, *, aside: Path) -> None:
    """Put a backup in the place of the state file, which is kept as `aside`; call it under the run lock.

    Raises UsageError when there is no such backup or `aside` exists, StateError when the disk fails.
    """
    if not backup_file.exists():
        raise UsageError("state-missing", f"There is no file {backup_file}.", hint="Name the backup to put back.")
    if aside.exists():
        raise UsageError("file-exists", f"{aside} is there already.", hint="Wait a second and try again.")
    fresh = path.with_name(path.name + ".restoring")
    remove(fresh)
    backup(backup_file, fresh)
    put_in_place(fresh, path, aside=aside)


def put_in_place(fresh: Path, path: Path, *, aside: Path) -> None:
    """Let a closed file take the place of the state file, which is kept as `aside`, if there is one.

    Call it under the run lock. Raises StateError when the disk fails.
    """
    try:
        for suffix in ("", *_BESIDE):
            present = path.with_name(path.name + suffix)
            if present.exists():
                present.replace(aside.with_name(aside.name + suffix))
        fresh.replace(path)
    except OSError as error:
        raise explained_os_error(error, str(path)) from error


def _write(source: sqlite3.Connection, target: Path) -> None:
    descriptor = private_file(target)
    os.close(descriptor)
    try:
        with closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
    except sqlite3.Error as error:
        remove(target)
        raise explained(error, target) or StateError("state-disk-error", str(error)) from error


def remove(path: Path) -> None:
    """Delete a file, and what SQLite keeps beside it."""
    for suffix in ("", *_BESIDE):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
