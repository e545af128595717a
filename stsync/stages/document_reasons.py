"""Why a sales document is held, in a bookkeeper's words: what stands where, what it means, what to do."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from stsync.core.reasons import Reason
from stsync.core.snapshot import BookInvoice
from stsync.stages.paper import Paper


def changed_after_posting(paper: Paper, number: str, total: Decimal | None) -> Reason:
    """ServiceTitan says something else than what was posted."""
    said = "" if paper.document.active else " and that it is cancelled"
    # A sales credit memo that cancels no invoice is not cancelled by Business Central either (facts section 3).
    correct = f"run: stsync correct invoice {paper.id}" if paper.document.total >= 0 else "take it back as drift says"
    return Reason(
        "changed-after-posting",
        f"{paper.noun.capitalize()} {paper.about.number} was changed in ServiceTitan after it was posted as {number} "
        f"for {total or 0:,.2f}; ServiceTitan now says {paper.document.total:,.2f}{said}.",
        f"Nothing was changed in the books. To see every field, run: stsync drift --only {paper.id}\n"
        f"To correct the books, undo the change in ServiceTitan, or {correct}.",
    )


def applied_elsewhere(paper: Paper, number: str) -> Reason:
    """ServiceTitan applies a credit to something else than the books do."""
    noun = paper.noun
    return Reason(
        "changed-after-posting",
        f"{noun.capitalize()} {paper.about.number} was taken off an invoice in ServiceTitan, or moved to another, after it "
        f"was posted as {number} and applied to that invoice in Business Central.",
        f"Nothing was changed in the books. On the Customer Ledger Entries page, stand on credit memo {number}, choose "
        "Unapply Entries, and apply it as ServiceTitan does; then say so: "
        f'stsync ignore {noun.replace(" ", "-")} {paper.id} --reason "..."',
    )


def without_date(paper: Paper) -> Reason:
    """A document without a date belongs to no period."""
    return Reason(
        "invoice-without-date",
        f"The {paper.noun} has no date in ServiceTitan, so it belongs to no period.",
        f"Set the date of the {paper.noun} in ServiceTitan.",
    )


def exported_with_draft(paper: Paper, found: BookInvoice) -> Reason:
    """Exported by whom? A draft under our number stands in the books."""
    return Reason(
        "exported-with-draft",
        f"ServiceTitan shows {paper.noun} {paper.about.number} as exported, and Business Central holds it as draft "
        f"{found.number}. Nothing was posted.",
        f"If another program put it into the books, delete draft {found.number}; if none did, post the draft in "
        "Business Central. The next run sees either.",
    )


def twice(paper: Paper, found: Sequence[BookInvoice]) -> Reason:
    """More counterparts than one."""
    numbers = ", ".join(one.number for one in found)
    return Reason(
        "twice-in-books",
        f"Business Central holds {len(found)} sales documents with external document number {paper.key}: {numbers}.",
        "Delete or credit the ones that should not be there, then let the next run look again.",
    )


def draft_of_unknown_origin(paper: Paper, found: BookInvoice) -> Reason:
    """A draft that we do not remember and would not make."""
    return Reason(
        "draft-of-unknown-origin",
        f"Business Central holds draft {found.number} with external document number {paper.key}, which is "
        f"not what ServiceTitan says now, and stsync does not remember making it.",
        f"Look at draft {found.number}. If nobody needs it, delete it; the next run makes the right one.",
    )


def posted_otherwise(paper: Paper, found: BookInvoice) -> Reason:
    """What is posted comes to another total."""
    what = "credit memo" if found.total < 0 else "invoice"
    return Reason(
        "posted-with-other-total",
        f"Business Central holds posted {what} {found.number} for {abs(found.total):,.2f}; "
        f"ServiceTitan's total is {paper.document.total:,.2f}.",
        f"Compare both; correct {found.number} with a credit memo in Business Central, or the {paper.noun} in "
        "ServiceTitan.",
    )
