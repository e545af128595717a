"""Files that only their owner may read: written atomically, refused when others can open them."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

MAX_BYTES = 64 * 1024


class NotPrivate(Exception):
    """The file can be read by somebody else than its owner."""


def read_private(path: Path, *, check_mode: bool = True) -> bytes:
    """The content of an owner-only file.

    Raises NotPrivate when group or others have any right on it, OSError when it cannot be read.
    The rights are those of the file that was opened, so nothing can be swapped in between.
    Windows has no such mode bits; there the profile folder's access list protects the file.
    """
    with path.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if not stat.S_ISREG(mode):
            raise OSError(f"{path} is not a regular file")
        if check_mode and os.name == "posix" and mode & 0o077:
            raise NotPrivate(f"{path} can be opened by others (mode {stat.S_IMODE(mode):04o}); run: chmod 600 {path}")
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise OSError(f"{path} is larger than any secret ({MAX_BYTES} bytes)")
    return content


def stands(path: Path) -> bool:
    """Whether something is there, or may be: a place we may not look into is for the reader to complain about."""
    try:
        return path.exists()
    except OSError:
        return True


def write_private(path: Path, content: bytes) -> None:
    """Replace the file at once and durably; it is 0600 from its first byte, its folder 0700 when new."""
    _private_folder(path.parent)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def create_private(path: Path, content: bytes) -> None:
    """Write a new owner-only file; FileExistsError when there is one already, which stays as it is."""
    _private_folder(path.parent)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    _sync_folder(path.parent)


def _private_folder(folder: Path) -> None:
    if not folder.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
