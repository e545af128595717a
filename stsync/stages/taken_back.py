"""What the books alone say of corrections: posted invoices that were taken back, and that our ledger does not know as such.

A state file that is lost, or a backup from before the correction, shows an invoice number twice in the books: one document
was taken back, one stands. What an accountant can rely on:
- a credit memo `ST-<id>-C<n>` names the document that it takes back in its first line; only where that line cannot be read
  is it told by the total, and only if one document alone has that total;
- what was taken back is written down as such, and nothing is sent for it;
- two documents that nobody can tell apart stay held for a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from stsync.core.links import Link
from stsync.core.operations import Operation
from stsync.core.plan import Decision, Standing
from stsync.core.sales import Draft
from stsync.core.snapshot import BookInvoice, Snapshot
from stsync.core.source.invoice import Invoice
from stsync.stages import correction, reversal
from stsync.stages.paper import natural_key


@dataclass(frozen=True)
class TakenBack:
    """A posted document and the credit memo that takes it back."""

    document: BookInvoice
    memo: BookInvoice


def asks(invoice_id: str, snapshot: Snapshot, link: Link) -> tuple[str, ...]:
    """The numbers under which the books may hold credit memos that take back what they hold posted, and we do not know.

    Each takes back one document, so there are at most as many as documents; cancelled ones count on (stsync correct).
    """
    documents = snapshot.invoices.get(natural_key(invoice_id), ())
    if not any(one.posted and one.live and one.id not in link.ended for one in documents):
        return ()
    return tuple(reversal.key(invoice_id, number) for number in range(1, len(documents) + 1))


def found(invoice_id: str, snapshot: Snapshot, link: Link) -> list[TakenBack]:
    """What the books show as taken back, oldest first, apart from what the ledger knows."""
    documents = snapshot.invoices.get(natural_key(invoice_id), ())
    left = [one for one in documents if one.posted and one.live and one.id not in link.ended]
    pairs: list[TakenBack] = []
    for number in range(1, len(documents) + 1):
        memos = snapshot.credit_memos.get(reversal.key(invoice_id, number), ())
        memo = next((one for one in memos if one.posted and one.live), None)
        document = _document(memo, left, snapshot.drafts.get(memo.id)) if memo is not None else None
        if memo is not None and document is not None:
            left.remove(document)
            pairs.append(TakenBack(document, memo))
    return pairs


def _document(memo: BookInvoice, documents: Sequence[BookInvoice], lines: Draft | None) -> BookInvoice | None:
    equal = [one for one in documents if one.total == -memo.total]
    texts = [line.text for line in lines.lines if line.kind == "Comment"] if lines is not None else []
    named = [one for one in equal if any(reversal.names(text, one.number) for text in texts)]
    if named or any(reversal.names_any(text) for text in texts):
        return named[0] if named else None
    return equal[0] if len(equal) == 1 else None


def link_after(link: Link, pairs: Sequence[TakenBack]) -> Link:
    """The link once they are written down as taken back; one whose own document still stands is left as it is."""
    if not pairs or (link.exists and link.id not in {one.document.id for one in pairs}):
        return link
    for one in pairs:
        link = Link(
            revision=link.revision + 1,
            attempt=link.attempt + 1,
            ended=link.ended | {one.document.id},
            carried=_carried(link, one),
        )
    return link


def written_down(decision: Decision, invoice: Invoice, link: Link, pairs: Sequence[TakenBack]) -> Decision:
    """The decision with what was taken back noted before anything else; `link` is what the ledger knows now."""
    if link_after(link, pairs) is link or decision.standing not in {Standing.ACT, Standing.SETTLE}:
        return decision
    notes: list[Operation] = []
    for one in pairs:
        notes.append(_noted(invoice, link, one))
        link = link_after(link, [one])
    if decision.standing == Standing.ACT:
        return replace(decision, operations=(*notes, *decision.operations))
    return replace(
        decision,
        standing=Standing.ACT,
        operations=tuple(notes),
        outcome="nothing_to_post",
        afterwards=decision.reason,
        reason=None,
    )


def _noted(invoice: Invoice, link: Link, one: TakenBack) -> Operation:
    end = correction.noted(invoice, link, one.document)
    why = f"taken back by credit memo {one.memo.number} in the books already; nothing is sent"
    facts = {**end.facts, "memo": one.memo.number, "carried": _carried(link, one)}
    return replace(end, why=why, facts=facts)


def _carried(link: Link, one: TakenBack) -> dict[str, object]:
    """What is left to be applied: nothing once the credit memo is used up."""
    if one.memo.status == "Paid":
        return dict(link.carried)
    return reversal.carried(link, reversal.entry(one.document, one.memo.number))
