"""What a session asks before a request leaves, when others draw on the same allowance of the vendor."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Budget(Protocol):
    """An allowance that several sessions share, perhaps in several processes."""

    def slot(self, weight: int = 1) -> AbstractContextManager[None]:
        """One request's place; it counts as `weight` requests."""

    def penalise(self, seconds: float) -> None:
        """Let no request of anybody leave for so long."""


class Unshared:
    """Nobody else draws on the allowance: the session's own limits are enough."""

    def slot(self, weight: int = 1) -> AbstractContextManager[None]:  # noqa: ARG002
        """A place at once."""
        return nullcontext()

    def penalise(self, seconds: float) -> None:
        """Nobody to tell."""
