"""One undo log for all tables of an environment: failed requests, failed postings and batches roll back.

Business Central's transactions are modelled as far as a client can see them: a request that fails leaves
nothing behind, `commit` makes everything before it permanent even when a later step fails (BC facts
section 10, commit trap). Not modelled: isolation between sessions (one lock serialises them), deadlocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class UndoLog:
    """Undo steps of the running transaction; positions are absolute so that a commit can drop the past."""

    def __init__(self) -> None:
        self._steps: list[Callable[[], None]] = []
        self._dropped = 0
        self._depth = 0

    @property
    def active(self) -> bool:
        """Whether a transaction is running. Set-up from Python runs outside and is not logged."""
        return self._depth > 0

    def record(self, step: Callable[[], None]) -> None:
        """Remember how to take one change back."""
        self._steps.append(step)

    def commit(self) -> None:
        """Make everything so far permanent."""
        self._dropped += len(self._steps)
        self._steps.clear()

    def position(self) -> int:
        """Where the log stands; `roll_back` returns to it."""
        return self._dropped + len(self._steps)

    def roll_back(self, position: int) -> None:
        """Take back all changes after `position`, as far as no commit stands between."""
        keep = max(position - self._dropped, 0)
        while len(self._steps) > keep:
            self._steps.pop()()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Undo what the block did if it raises; the outermost block ends the log."""
        start = self.position()
        self._depth += 1
        try:
            yield
        except BaseException:
            self.roll_back(start)
            raise
        finally:
            self._depth -= 1
            if self._depth == 0:
                self.commit()
