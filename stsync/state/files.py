"""Folders and files that only their owner can read, from their first byte."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from stsync.errors import StateError
from stsync.state.complaints import explained_os_error


def private_file(path: Path) -> int:
    """Open the file for reading and writing, creating it (0600) and its missing folders (0700); the descriptor.

    A file that others could read is closed to them. SQLite gives its journal the mode of the file beside it.
    Raises StateError if the place cannot be used.
    """
    try:
        _create_folders(path.parent)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        _close_to_others(path)
    except OSError as error:
        raise _complaint(error, path) from error
    return descriptor


def _create_folders(folder: Path) -> None:
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    for place in reversed(missing):
        # One by one: Path.mkdir(parents=True) gives the mode only to the last.
        place.mkdir(mode=0o700, exist_ok=True)


def _close_to_others(path: Path) -> None:
    if os.name != "nt" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        path.chmod(0o600)


def _complaint(error: OSError, path: Path) -> StateError:
    return explained_os_error(error, str(path))
