"""Brakes: a plan that would do something frightening is refused before anything is written.

Each brake says what tripped and names the option that lets this one run pass; none is off by default.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from stsync.core.operations import Verb
from stsync.core.plan import Plan
from stsync.engine.switches import Allowed
from stsync.errors import GuardError


@dataclass(frozen=True)
class Limits:
    """What one run may do; None is no limit. Amounts in the books' currency."""

    documents: int | None = None
    amount: Decimal | None = None


def check(plan: Plan, limits: Limits, allowed: Allowed, *, go_live: str, go_live_before: str | None) -> None:
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
    _check_documents(plan, limits)
    _check_amount(plan, limits)


def _check_documents(plan: Plan, limits: Limits) -> None:
    documents = {
        (one.stage, one.source_id) for one in plan.operations() if one.verb == Verb.CREATE and one.stage in _DOCUMENTS
    }
    if limits.documents is not None and len(documents) > limits.documents:
        raise GuardError(
            "too-many-documents",
            f"This run would carry {len(documents):,} documents; limits.documents_per_run is {limits.documents:,}.",
            hint="Look at the preview (--dry-run). If it is right, run once with --over-limit, or use --limit.",
        )


def _check_amount(plan: Plan, limits: Limits) -> None:
    total = sum(
        (abs(one.amount) for one in plan.operations() if one.verb == Verb.CREATE and one.amount is not None), Decimal(0)
    )
    if limits.amount is not None and total > limits.amount:
        raise GuardError(
            "amount-too-high",
            f"This run would carry {total:,.2f}; limits.amount_per_run is {limits.amount:,.2f}.",
            hint="Look at the preview (--dry-run). If it is right, run once with --over-limit, or use --limit.",
        )


_DOCUMENTS = ("invoices", "credit_memos", "payments")
