"""What is right in the books and has to be applied there by a person: listing it, and taking down that it was done.

Business Central lets no program apply posted entries, and shows the remaining amount of invoices alone (facts section
5, "No ledger entity"). So refunds and whatever else it does not show rest on a person's word, kept with name and reason.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from stsync.core.links import Link, link
from stsync.core.operations import Verb, digest
from stsync.core.plan import TO_APPLY
from stsync.core.source.credit_memo import CreditMemo
from stsync.core.source.invoice import Invoice
from stsync.core.source.payment import Payment
from stsync.errors import UsageError
from stsync.reports.words import KINDS, NOUNS, outcome_words
from stsync.stages.payment_parts import confirmed
from stsync.state import Done, InboxRow, Intent, LedgerRow, State

_ENTITY = "customerLedgerEntries"


@dataclass(frozen=True)
class Choice:
    """Which of the listed records are meant: up to a day, or money paid back alone. None and no mean all."""

    through: date | None = None
    refunds: bool = False

    def takes(self, row: InboxRow) -> bool:
        """Whether the record is meant; one without a date is never taken by a day."""
        dated = self.through is None or (row.on is not None and date.fromisoformat(row.on) <= self.through)
        return dated and (not self.refunds or (row.amount or Decimal(0)) < 0)


def to_apply(state: State, stages: Collection[str] = KINDS, choice: Choice | None = None) -> list[InboxRow]:
    """Every record that a person has to apply in the books, oldest first."""
    rows = (row for stage in stages for row in state.inbox.rows(stage, (), outcomes=(TO_APPLY,)))
    wanted = choice or Choice()
    return sorted((row for row in rows if wanted.takes(row)), key=lambda row: (row.on or "", row.kind, row.source_id))


def set_applied(state: State, rows: Sequence[InboxRow], *, operator: str, reason: str) -> None:
    """Take down that a person has applied these; all in one commit, each in ledger and audit.

    Raises UsageError, and changes nothing, when one of them is not to be applied.
    """
    for row in rows:
        if row.outcome != TO_APPLY:
            raise _not_to_apply(row)
    with state.transaction():
        for row in rows:
            known = state.ledger.by_source(row.kind, row.source_id)
            stands = link(known)
            _confirm(state, row, known, _confirmed(row, stands), reason or "applied in Business Central")
            # Of an invoice that was taken back and is void in ServiceTitan, nothing stands.
            outcome = "reversed" if stands.ended and not stands.posted else "posted"
            state.inbox.settle(row.kind, row.source_id, outcome, run_id=row.run_id or "", content_hash=row.hash)
            detail = {"operator": operator, "reason": reason, "was": row.reason.message if row.reason else ""}
            state.audit.append("applied", run_id="", stage=row.kind, source_id=row.source_id, detail=detail)


def take_back(state: State, rows: Sequence[InboxRow], *, operator: str, reason: str) -> None:
    """Forget what a person said: the next run looks at the books again. Raises UsageError where nobody had said it."""
    said = {row.source_id: state.ledger.by_source(row.kind, row.source_id) for row in rows}
    for row in rows:
        if not _was_confirmed(said[row.source_id]):
            raise UsageError(
                "record-not-applied",
                f"Nobody has said that {NOUNS[row.kind]} {row.number or row.source_id} was applied by hand.",
                hint="stsync trace shows what is known of it.",
            )
    with state.transaction():
        for row in rows:
            known = said[row.source_id]
            before = link(one for one in known if one.verb != Verb.CONFIRM).carried
            _confirm(state, row, known, before, "taken back")
            state.inbox.reopen(row.kind, (row.source_id,))
            detail = {"operator": operator, "reason": reason}
            state.audit.append("applied-undone", run_id="", stage=row.kind, source_id=row.source_id, detail=detail)


def document(row: InboxRow) -> dict[str, Any]:
    """One of them for --json."""
    return {
        "stage": row.kind,
        "source_id": row.source_id,
        "number": row.number or row.source_id,
        "customer": row.customer_name or "",
        "dated": row.on or "",
        "amount": row.amount,
        "what": row.reason.message if row.reason else "",
        "how": row.reason.hint if row.reason else "",
    }


def _was_confirmed(rows: Iterable[LedgerRow]) -> bool:
    last = [row for row in rows if row.verb == Verb.CONFIRM][-1:]
    return bool(last) and bool((last[0].detail.get("carried") or {}).get("settled"))


def _confirmed(row: InboxRow, known: Link) -> Mapping[str, Any]:
    """How the record stands in the books by now: everything that ServiceTitan applies is applied there."""
    if row.kind != "payments":
        applied = _reduced(row)
        return {**known.carried, "applied": {one: str(amount) for one, amount in applied.items()}, "settled": True}
    return confirmed(Payment.parse(row.content), known)


def _confirm(state: State, row: InboxRow, known: Sequence[LedgerRow], carried: Mapping[str, Any], why: str) -> None:
    number = sum(one.verb == Verb.CONFIRM for one in known) + 1
    key = f"{row.kind}:{row.source_id}:{Verb.CONFIRM}:{number}"
    natural = link(known).number or row.number or row.source_id
    intent = Intent(key, row.kind, row.source_id, Verb.CONFIRM, _ENTITY, natural, digest({}), "{}", row.amount)
    state.ledger.intend([intent], "")
    state.ledger.done(Done(key, None, natural, {"why": why, "carried": carried}), run_id="")


def _not_to_apply(row: InboxRow) -> UsageError:
    stands = outcome_words(row.outcome) if row.state == "settled" else row.state
    return UsageError(
        "record-not-to-apply",
        f"{NOUNS[row.kind].capitalize()} {row.number or row.source_id} is not to be applied by a person: it is {stands}.",
        hint="stsync held --to-apply lists those that are. Nothing was noted.",
    )


def _reduced(row: InboxRow) -> dict[str, Decimal]:
    """The invoices that a credit is applied to in ServiceTitan, with the amounts."""
    if row.kind == "credit_memos":
        return {one.invoice_id: one.amount for one in CreditMemo.parse(row.content).applications}
    invoice = Invoice.parse(row.content)
    return {invoice.adjustment_to: -invoice.total} if invoice.adjustment_to is not None else {}
