"""Locks that the operating system keeps on an open file: a killed process gives them back at once.

A lock belongs to the descriptor: two descriptors of one process keep each other out as two processes do.
"""

from __future__ import annotations

import os
import sys
import time

if sys.platform == "win32":
    import msvcrt

    # Windows keeps others from reading a locked byte: lock one far behind the text.
    _FAR = 1 << 30
    _SECONDS_BETWEEN_TRIES = 0.005

    def try_lock(descriptor: int) -> bool:
        """Take the lock of this file if it is free."""
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def wait_for_lock(descriptor: int) -> None:
        """Take the lock as soon as it is free."""
        while not try_lock(descriptor):
            time.sleep(_SECONDS_BETWEEN_TRIES)

    def unlock(descriptor: int) -> None:
        """Give the lock back."""
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def try_lock(descriptor: int) -> bool:
        """Take the lock of this file if it is free. Raises OSError where the disk knows no locks."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def wait_for_lock(descriptor: int) -> None:
        """Take the lock as soon as it is free; the kernel serves those who wait one after the other."""
        fcntl.flock(descriptor, fcntl.LOCK_EX)

    def unlock(descriptor: int) -> None:
        """Give the lock back."""
        fcntl.flock(descriptor, fcntl.LOCK_UN)
