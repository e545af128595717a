"""Brakes: a plan that would do something frightening is refused before anything is written.

Each brake says what tripped and names the option that lets this one run pass; none is off by default.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from stsync.core.operations import Operation, Verb
from stsync.engine.switches import Allowed
from stsync.errors import GuardError


@dataclass(frozen=True)
class Limits:
    """What one run may do; None is no limit. Amounts in the books' currency."""

    documents: int | None = None
    amount: Decimal | None = None


@dataclass(frozen=True)
class Load:
    """What a plan would make: how many documents, and for how much. The loads of a run's portions add up."""

    documents: int = 0
    amount: Decimal = Decimal(0)

    def __add__(self, other: Load) -> Load:
        return Load(self.documents + other.documents, self.amount + other.amount)


def load(operations: Iterable[Operation]) -> Load:
    """What these operations would make; no document may be in two loads that are added."""
    made = [one for one in operations if one.verb == Verb.CREATE]
    documents = {(one.stage, one.source_id) for one in made if one.stage in _DOCUMENTS}
    return Load(len(documents), sum((abs(one.amount) for one in made if one.amount is not None), Decimal(0)))


def check(planned: Load, limits: Limits, allowed: Allowed, *, go_live: str, go_live_before: str | None) -> None:
    """Raises GuardError for the first brake that trips."""
    if go_live_before is not None and go_live_before != go_live and not allowed.go_live_changed:
        raise GuardError(
            "go-live-changed",
            f"go_live is {go_live} now; the last run worked with {go_live_before}. Documents between the two "
            "would be treated differently from now on.",
            hint="If that is meant, run once with --go-live-changed; otherwise put the old date back.",
        )
    if allowed.over_limit:
        return
    if limits.documents is not None and planned.documents > limits.documents:
        raise GuardError(
            "too-many-documents",
            f"This run would carry {planned.documents:,} documents; limits.documents_per_run is {limits.documents:,}.",
            hint="Look at the preview (--dry-run). If it is right, run once with --over-limit, or use --limit.",
        )
    if limits.amount is not None and planned.amount > limits.amount:
        raise GuardError(
            "amount-too-high",
            f"This run would carry {planned.amount:,.2f}; limits.amount_per_run is {limits.amount:,.2f}.",
            hint="Look at the preview (--dry-run). If it is right, run once with --over-limit, or use --limit.",
        )


_DOCUMENTS = ("invoices", "credit_memos", "payments")
