"""Doctor: the state file - whether it is there, sound, ours, private, and on a disk that keeps what it is told."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from stsync.errors import LockHeld, StsyncError
from stsync.setup.checks import Check, fail, ok, problem, unknown, warn
from stsync.state import Pin, State
from stsync.state.place import Place, place_of, read_mounts


def state_checks(path: Path, pin: Pin) -> Iterator[Check]:
    """Everything that can be told without touching the file."""
    path = path.expanduser().resolve()
    if path.exists():
        yield from _privacy(path)
        yield _soundness(path, pin)
    else:
        yield _room_for_it(path)
    yield place_check(path, place_of(path, read_mounts()))


def _privacy(path: Path) -> Iterator[Check]:
    if os.name == "nt":
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        found = f"{path} can be opened by others (mode {mode:04o})"
        yield warn("state", "privacy", found, f"Run: chmod 600 {path}")
    else:
        yield ok("state", "privacy", "only you can open it")


def _soundness(path: Path, pin: Pin) -> Check:
    try:
        with State.open_scratch(path) as state:
            rows = state.check()
            state.check_pin(pin)
            owner = "belongs to these two systems" if state.pinned else "belongs to nobody yet"
    except LockHeld as error:
        return warn("state", "state file", error.message, error.hint)
    except StsyncError as error:
        return problem("state", "state file", error)
    return ok("state", "state file", f"{path}: sound, {owner}, {rows:,} audit entries unchanged")


def _room_for_it(path: Path) -> Check:
    nearest = next(folder for folder in path.parents if folder.exists())
    if nearest.is_dir() and os.access(nearest, os.W_OK):
        return ok("state", "state file", f"{path} is not there yet; the first run makes it")
    found = f"{path} is not there, and {nearest} cannot be written to"
    return fail("state", "state file", found, "Choose another place with `state:` in the configuration.")


def budget_check(folder: Path, *, named: bool) -> Check:
    """The line about the folder in which runs of one application share what Business Central allows it."""
    name, todo = (
        "shared limits",
        "Name a folder on a local disk with business_central.budget_folder in the configuration.",
    )
    place = place_of(folder, read_mounts())
    nearest = next(one for one in (folder, *folder.parents) if one.exists())
    if not (nearest.is_dir() and os.access(nearest, os.W_OK)):
        found = f"{folder} cannot be written to: "
        if named:
            return fail("state", name, found + "no run can start", todo)
        return warn("state", name, found + "runs side by side do not know of each other's requests", todo)
    if place.network:
        return warn("state", name, f"{folder} lies on {place.network}, where locks may not hold", todo)
    return ok("state", name, f"runs of one application on this machine count together in {folder}")


def place_check(path: Path, place: Place) -> Check:
    """The line about the disk: a network drive or a synchronising program can damage the file (users' need 29)."""
    todo = "Put the file on a local disk of this machine with `state:` in the configuration."
    if place.network:
        return fail("state", "disk", f"{path} lies on {place.network}", todo)
    if place.synchronised_by:
        found = f"{path} lies in {place.synchronised_by}, which another program synchronises"
        return fail("state", "disk", found, todo)
    if place.file_system:
        return ok("state", "disk", f"a local disk ({place.file_system})")
    return unknown("state", "disk", "no sign of a synchronised folder; this system does not tell network drives", todo)
