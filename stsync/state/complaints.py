"""What SQLite and the operating system say about the state file, in words a person can act on."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Callable
from pathlib import Path

from stsync.errors import LockHeld, StateError, StsyncError

_SCRATCH = "(its copy in the folder for temporary files)"


def explained(error: sqlite3.Error, path: Path | None) -> StsyncError | None:
    """SQLite's complaint as ours, or None when it is not about the file but about our own SQL (a bug)."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return None
    # The low byte is the primary result code; the rest only refines it.
    complaint = _COMPLAINTS.get(code & 0xFF)
    return complaint(str(path or _SCRATCH), str(error)) if complaint else None


def explained_os_error(error: OSError, where: str) -> StateError:
    """What the operating system said about the file or its folder, as ours."""
    note = error.strerror or str(error)
    if error.errno == errno.EROFS:
        return read_only(where, note)
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return disk_full(where, note)
    return no_access(where, note)


def damaged(where: str, note: str) -> StateError:
    """The file is not a database, or no longer a sound one."""
    return StateError(
        "state-damaged",
        f"The state file {where} is damaged; nothing was changed in it.",
        hint="Put its newest backup back: stsync state restore FILE. Where there is none, stsync state rebuild --force keeps "
        "the file aside and makes a new one from the two systems.",
        note=note,
        context={"state": where},
    )


def wrong_totals(where: str) -> StateError:
    """The running totals do not come to what the records come to, one by one."""
    return StateError(
        "state-totals-wrong",
        f"The sums in the state file {where} are not those of its records: another program has changed it. The books are not "
        "concerned, but what status shows cannot be trusted.",
        hint="Put its newest backup back: stsync state restore FILE. Where there is none, stsync state rebuild --force makes "
        "a new one from the two systems.",
        context={"state": where},
    )


def read_only(where: str, note: str) -> StateError:
    """The place can be read but not written."""
    return StateError(
        "state-read-only",
        f"The state file {where} is in a place that cannot be written to.",
        hint="Choose another place with `state:` in the configuration, or make this one writable.",
        note=note,
        context={"state": where},
    )


def no_access(where: str, note: str) -> StateError:
    """The place cannot be opened at all."""
    return StateError(
        "state-no-access",
        f"The state file {where} cannot be opened or created.",
        hint="Check that its folder is a folder you may write in, or change `state:` in the configuration.",
        note=note,
        context={"state": where},
    )


def on_network(where: str, drive: str) -> StateError:
    """A place where neither the lock nor what was saved can be relied upon."""
    return StateError(
        "state-on-network-drive",
        f"The state file {where} lies on {drive}. There a lock may hold for one computer only, and what was saved may be "
        "lost; nothing was read or written.",
        hint="Put the file on a local disk of this computer with `state:` in the configuration. To take it along, use "
        "stsync state backup --out FILE, and stsync state restore FILE at the new place.",
        context={"state": where},
    )


def disk_full(where: str, note: str) -> StateError:
    """There is no room left."""
    return StateError(
        "state-disk-full",
        f"There is no room left on the disk for the state file {where}; what was saved before is safe.",
        hint="Free some space, then run the command again.",
        note=note,
        context={"state": where},
    )


def disk_error(where: str, note: str) -> StateError:
    """Reading or writing failed below SQLite."""
    return StateError(
        "state-disk-error",
        f"The disk failed while the state file {where} was being read or written.",
        hint="Check the disk or the network drive, then run the command again.",
        note=note,
        context={"state": where},
    )


def busy(where: str, note: str) -> LockHeld:
    """Somebody else has kept the file for longer than we wait."""
    return LockHeld(
        "state-busy",
        f"Another program has kept the state file {where} for too long.",
        hint="Close the other program (a database browser, a backup) and run the command again.",
        note=note,
        context={"state": where},
    )


_COMPLAINTS: dict[int, Callable[[str, str], StsyncError]] = {
    sqlite3.SQLITE_CORRUPT: damaged,
    sqlite3.SQLITE_NOTADB: damaged,
    sqlite3.SQLITE_READONLY: read_only,
    sqlite3.SQLITE_FULL: disk_full,
    sqlite3.SQLITE_CANTOPEN: no_access,
    sqlite3.SQLITE_PERM: no_access,
    sqlite3.SQLITE_AUTH: no_access,
    sqlite3.SQLITE_BUSY: busy,
    sqlite3.SQLITE_LOCKED: busy,
    sqlite3.SQLITE_IOERR: disk_error,
}
