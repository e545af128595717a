"""Corrections of posted invoices: what is taken back in the books, and how, once a person has said so.

What an accountant can rely on:
- a posted document is never edited: Business Central's own cancellation posts a credit memo against it;
- an invoice that is paid cannot be cancelled there (facts section 3), and is taken back by a sales credit memo with the
  lines that were posted, total for total;
- after that the invoice is made anew as ServiceTitan has it now, through the same draft, comparison and posting as any
  other; an invoice that is cancelled in ServiceTitan is not made anew;
- nothing here happens in an ordinary run.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from stsync.core.links import Link
from stsync.core.operations import Operation, Verb
from stsync.core.plan import About, Decision, Standing, hold
from stsync.core.reasons import Reason
from stsync.core.snapshot import BookInvoice, Snapshot
from stsync.core.source.invoice import Invoice
from stsync.stages.invoices import STAGE, fingerprint, natural_key

_CARRIED = re.compile(r"ST-C?[0-9]+")


@dataclass(frozen=True)
class CreditMemo:
    """A sales credit memo that Business Central holds against the invoice."""

    number: str
    status: str
    total: Decimal
    id: str = ""

    @property
    def draft(self) -> bool:
        """Whether it is not posted."""
        return self.status in {"Draft", "In Review"}


@dataclass(frozen=True)
class InBooks:
    """The invoice in Business Central and the credit memos against it; `tried` is true when stsync tried to cancel it.

    Where a person cancelled it and then cancelled the cancellation, it is the invoice that restored it.
    """

    invoice: BookInvoice | None
    memos: Sequence[CreditMemo] = ()
    tried: bool = False


@dataclass(frozen=True)
class Correction:
    """What is taken back, in order. `reason` says why nothing can be done here; `anew` whether the invoice is made again.

    `by_memo` when Business Central's own cancellation would refuse, so that a credit memo has to do it
    (stages/reversal.py): `operations` then only note the end.
    """

    operations: tuple[Operation, ...] = ()
    reason: Reason | None = None
    anew: bool = True
    by_memo: bool = False


def plan(invoice: Invoice, link: Link, there: InBooks, snapshot: Snapshot) -> Correction:
    """How to bring the books back into line with one invoice of ServiceTitan."""
    found = there.invoice
    if link.is_baseline:
        return Correction(reason=_opening(link))
    if not link.posted:
        return _nothing_posted(invoice, link, found)
    if found is None:
        return Correction(reason=_CREDIT if link.entity == "salesCreditMemos" else _not_there(link))
    if found.status == "Canceled":
        return Correction((_take_back(invoice, link, found, noted=True),), anew=invoice.active)
    reason = _memo_in_the_way(found, there)
    if reason is not None:
        return Correction(reason=reason)
    undone = tuple(memo.id for memo in there.memos if _undoes(memo, found))
    if undone:
        return Correction((_take_back(invoice, link, found, noted=True, ended=undone),), anew=invoice.active)
    if link.fingerprint == fingerprint(invoice):
        return Correction(reason=_SAME)
    closed = found.posting_date is not None and not snapshot.accepts(found.posting_date)
    restored = found.id != link.id
    if closed or restored or found.remaining != found.total:
        end = _take_back(invoice, link, found, noted=True, ended=(link.id,) if restored else ())
        return Correction((end,), anew=invoice.active, by_memo=True)
    return Correction((_take_back(invoice, link, found),), anew=invoice.active)


def by_memo(taken_back: Correction, planned: Sequence[Operation] | Reason) -> Correction:
    """The correction with the writes of the credit memo, or with why there can be none."""
    if isinstance(planned, Reason):
        return replace(taken_back, operations=(), reason=planned)
    return replace(taken_back, operations=tuple(planned))


def is_of_stsync(external_number: str, key: str) -> bool:
    """Whether a credit memo carries the number of another document of ServiceTitan: an adjustment or a credit memo there,
    which stsync carried. The memo of a cancellation carries the invoice's own number, or none."""
    number = external_number.strip().upper()
    return number != key and _CARRIED.fullmatch(number) is not None


def without_ended(snapshot: Snapshot, key: str, link: Link) -> Snapshot:
    """The snapshot without counterparts that stand for nothing: cancelled ones, and those a person had taken back.

    Our own draft whose posting had no answer stays in it: that somebody cancelled it since shows that it was posted.
    """
    found = (snapshot.invoices.get(key, ()), snapshot.credit_memos.get(key, ()))
    doubtful = link.id if link.exists and not link.posted and not link.settled else ""
    kept = [
        tuple(one for one in part if (one.live or one.id == doubtful) and one.id not in link.ended) for part in found
    ]
    if [len(part) for part in kept] == [len(part) for part in found]:
        return snapshot
    return replace(
        snapshot,
        invoices={**snapshot.invoices, key: kept[0]},
        credit_memos={**snapshot.credit_memos, key: kept[1]},
    )


def unless_cancelled_there(decision: Decision, found: Sequence[BookInvoice], link: Link) -> Decision:
    """Hold what would be made anew though a person cancelled it in Business Central: only a person may overrule that."""
    dead = [one for one in found if not one.live and one.id not in link.ended]
    # Where nothing is made anew it is our own posting that had no answer; what became of it is drift.
    taken_on = [one.verb for one in decision.operations] == [Verb.ADOPT]
    stands = any(one.live and one.id not in link.ended for one in found)
    if decision.standing != Standing.ACT or taken_on or stands or not dead:
        return decision
    number = decision.about.number or decision.source_id
    reason = Reason(
        "cancelled-in-business-central",
        f"Invoice {number} stands in Business Central as {dead[-1].number}, which somebody cancelled there; ServiceTitan "
        f"still shows it with {dead[-1].total:,.2f}.",
        f"If the cancellation was right, cancel the invoice in ServiceTitan too. If not, run: stsync correct invoice "
        f"{decision.source_id}",
    )
    return hold(decision.kind, decision.source_id, decision.about, reason)


def decision(invoice: Invoice, taken_back: Correction) -> Decision:
    """What is taken back, as a decision that a plan can show."""
    return Decision(
        STAGE, invoice.id, Standing.ACT, described(invoice), operations=taken_back.operations, outcome="reversed"
    )


def described(invoice: Invoice) -> About:
    """How people know the invoice."""
    name = invoice.customer.name if invoice.customer else ""
    return About(number=invoice.number or invoice.id, name=name, on=invoice.invoiced_on, amount=invoice.total)


def noted(invoice: Invoice, link: Link, found: BookInvoice) -> Operation:
    """The end of a counterpart that the books show as taken back already; nothing is sent."""
    return _take_back(invoice, link, found, noted=True)


def _take_back(
    invoice: Invoice, link: Link, found: BookInvoice, *, noted: bool = False, ended: Sequence[str] = ()
) -> Operation:
    """Business Central's own cancellation; `noted` when it is done there already, and only has to be written down.

    `ended` are credit memos that closed the invoice, by their ids.
    """
    about = described(invoice)
    why = "posts a corrective credit memo on the invoice's own date, and closes the invoice"
    return Operation(
        key=f"{STAGE}:{invoice.id}:cancel:{link.revision}",
        stage=STAGE,
        source_id=invoice.id,
        verb=Verb.CANCEL,
        entity="salesInvoices",
        natural_key=natural_key(invoice.id),
        label=f"invoice {about.number}, {about.name}, posted as {found.number}",
        why="cancelled in Business Central already; nothing is sent" if noted else why,
        before={"status": found.status, "total": found.total, "remaining": found.remaining},
        target=found.id,
        amount=found.total,
        facts={"noted": noted, "number": found.number, "ended": tuple(ended)},
    )


def _nothing_posted(invoice: Invoice, link: Link, found: BookInvoice | None) -> Correction:
    """Our ledger knows of nothing that stands: an earlier correction stopped halfway, or the state was lost after a
    person had cancelled it (`cancelled-in-business-central`)."""
    if found is not None and found.status == "Canceled" and invoice.active:
        return Correction((_take_back(invoice, link, found, noted=True),))
    if link.ended and invoice.active:
        return Correction()
    return Correction(reason=_NOT_POSTED)


def _undoes(memo: CreditMemo, found: BookInvoice) -> bool:
    """A credit memo of a cancellation that failed after it was posted: the invoice is closed by it (facts section 3)."""
    return not memo.draft and memo.total == found.total and found.remaining == 0


def _memo_in_the_way(found: BookInvoice, there: InBooks) -> Reason | None:
    for memo in there.memos:
        if memo.draft:
            return _draft_memo(found, memo, tried=there.tried)
        if memo.status not in {"Canceled"} and not (_undoes(memo, found) and there.tried):
            return _credited(found, memo)
    return None


_NOT_POSTED = Reason(
    "nothing-to-correct",
    "stsync has posted nothing for this invoice that still stands, so there is nothing to take back.",
    "stsync trace tells its life; an invoice that is not posted yet is carried by stsync sync.",
)
_CREDIT = Reason(
    "correct-credit-by-hand",
    "The invoice is below zero and stands in the books as a sales credit memo, which Business Central does not cancel. "
    "Nothing was sent.",
    "Enter a sales invoice over the same amount by hand, apply the two to each other on the page Customer Ledger Entries, "
    "then say so with stsync ignore; what ServiceTitan shows now is entered by hand, too.",
)
_SAME = Reason(
    "nothing-to-correct",
    "ServiceTitan still shows the invoice as it was posted, so there is nothing to take back.",
    "If something changed in Business Central, stsync drift names it, and what to do there.",
)


def _opening(link: Link) -> Reason:
    return Reason(
        "correct-opening-document",
        f"The invoice is from before go_live and linked to opening document {link.number}, which stsync did not make. "
        "Nothing was sent.",
        f"Correct {link.number} by hand in Business Central.",
    )


def _not_there(link: Link) -> Reason:
    return Reason(
        "posted-document-missing",
        f"Business Central does not show {link.number} any more, so it cannot be cancelled.",
        "Look for it and for its entries on the Customer Ledger Entries page in Business Central: entries usually stay when "
        "somebody deletes a posted document. Correct it by hand, then say so with stsync ignore.",
    )


def _draft_memo(found: BookInvoice, memo: CreditMemo, *, tried: bool) -> Reason:
    why = "a cancellation that failed halfway left it behind" if tried else "somebody prepared it by hand"
    return Reason(
        "credit-memo-in-the-way",
        f"Draft credit memo {memo.number} over {memo.total:,.2f} stands against {found.number}: {why}. Nothing was sent.",
        f"Delete {memo.number} on the Sales Credit Memos page in Business Central and run this command again, or post it "
        "there.",
    )


def _credited(found: BookInvoice, memo: CreditMemo) -> Reason:
    return Reason(
        "credited-by-hand",
        f"Credit memo {memo.number} over {memo.total:,.2f} is posted against {found.number}, and stsync did not make it. "
        "Nothing was sent, so that nothing is taken back twice.",
        "Decide in Business Central what the credit memo is worth, correct the rest by hand, then say so with stsync ignore.",
    )
