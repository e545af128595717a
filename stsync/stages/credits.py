"""Which invoice a credit reduces in the books, and what is left for a person to apply there.

Business Central applies a credit memo while it is posted, to one open invoice of the same customer that it names
(facts 2.7); posted entries cannot be applied through the API. So a credit names its invoice where that can work, and
is otherwise posted open, with a word to the person who applies it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from stsync.core.links import Link
from stsync.core.operations import Ref
from stsync.core.reasons import Reason
from stsync.core.sales import SalesLine
from stsync.core.snapshot import BookInvoice, Snapshot
from stsync.stages.paper import Paper

# How Business Central's refusal of an application is called (problemrules/payments.py).
NOT_OPEN = frozenset({"applied-invoice-not-open", "payment-before-invoice"})


@dataclass(frozen=True)
class Original:
    """An invoice that a credit reduces by `amount`, as ServiceTitan and the books show it.

    `key` is its external document number, `number` what people call it, `balance` what ServiceTitan says is left of it.
    `balance` was noted `as_of`, the credit was applied to it on `applied_on` (both UTC, to the second).
    `total` is its own total, `claimed` what payments and credits that are still to be posted will take of it.
    `made` is its id in the books when this very run posts it, with the key of that posting. `opening` names the opening
    entry that a person linked it to. `waits` says that it is still to come, `absent` that it will never be in the books,
    and why; `nothing` that it has no amount to apply anything to.
    """

    number: str
    amount: Decimal
    key: str
    balance: Decimal | None = None
    total: Decimal | None = None
    claimed: Decimal = Decimal(0)
    made: str | Ref = ""
    comes_first: tuple[str, ...] = ()
    customer_number: str = ""
    posting_on: date | None = None
    opening: dict[str, str] | None = None
    waits: Reason | None = None
    absent: str = ""
    nothing: bool = False
    invoice_id: str = ""
    as_of: str = ""
    applied_on: str = ""


@dataclass(frozen=True)
class Application:
    """What a credit memo names, what must be posted before it, and what a person has to do afterwards."""

    body: dict[str, Any]
    after: tuple[str, ...] = ()
    afterwards: Reason | None = None
    waits: Reason | None = None
    notes: tuple[str, ...] = ()


UNAPPLIED = Application(body={})


def carried(originals: Sequence[Original]) -> dict[str, Any]:
    """What the ledger keeps of a credit that Business Central applies to these; nothing of one that is posted open."""
    return {"carried": {"applied": {one.invoice_id: str(one.amount) for one in originals}}} if originals else {}


def named_by(found: BookInvoice, originals: Sequence[Original], snapshot: Snapshot) -> list[Original]:
    """Those of the originals that a sales credit memo in the books names."""
    return [one for one in originals if found.applies_to and found.applies_to in _names(one, snapshot)]


def _names(original: Original, snapshot: Snapshot) -> set[str]:
    found = in_books(original, snapshot)
    return {*(original.opening or {}).values(), *((found.id, found.number) if found is not None else ())}


def moved(link: Link, originals: Sequence[Original]) -> bool:
    """Whether ServiceTitan took a credit off an invoice that it is applied to in the books."""
    now = {one.invoice_id: one.amount for one in originals}
    return any(now.get(one, Decimal(0)) < amount for one, amount in _applied(link).items())


def not_applied(link: Link, originals: Sequence[Original]) -> list[Original]:
    """What a posted credit is applied to in ServiceTitan, and not in the books as far as our ledger or a person says."""
    applied = _applied(link)
    return [one for one in originals if applied.get(one.invoice_id) != one.amount]


def _applied(link: Link) -> dict[str, Decimal]:
    return {str(one): Decimal(str(amount)) for one, amount in link.carried.get("applied", {}).items()}


def application(
    paper: Paper,
    originals: Sequence[Original],
    *,
    customer_number: str,
    posting_on: date,
    snapshot: Snapshot,
    refused: str = "",
) -> Application:
    """How a credit is applied; `refused` is why Business Central did not take the last attempt.

    A credit on several invoices, or with a part that is on none, cannot name one of them: Business Central would
    apply all of it there.
    """
    waits = next((one.waits for one in originals if one.waits is not None), None)
    if waits is not None:
        return Application({}, waits=waits)
    whole = len(originals) == 1 and originals[0].amount == abs(paper.document.total)
    if whole and refused not in NOT_OPEN:
        named = _named(originals[0], customer_number, posting_on, snapshot)
        if named is not None:
            return named
    afterwards = to_apply(paper, originals, customer_number=customer_number, posting_on=posting_on, snapshot=snapshot)
    notes = () if afterwards is not None else _why_open(originals)
    return Application({}, afterwards=afterwards, notes=notes)


def _named(original: Original, customer: str, posting_on: date, snapshot: Snapshot) -> Application | None:
    """The one invoice, where Business Central can apply to it: posted, open, the same customer's, and not later."""
    if original.opening is not None:
        return Application(dict(original.opening), notes=(f"applied to opening entry {original.number}",))
    found = in_books(original, snapshot)
    if _spoken_for(original, found):
        return None
    if found is not None:
        fits = found.open and found.customer_number == customer.upper() and not _later(found.posting_date, posting_on)
        note = f"applied to {found.number}, invoice {original.number}"
        return Application({"invoiceId": found.id}, notes=(note,)) if fits else None
    same = original.customer_number.upper() == customer.upper()
    if not original.made or not same or _later(original.posting_on, posting_on):
        return None
    note = f"applied to invoice {original.number}, which is posted first"
    return Application({"invoiceId": original.made}, after=original.comes_first, notes=(note,))


def _spoken_for(original: Original, found: BookInvoice | None) -> bool:
    """Whether payments that ServiceTitan applied to the invoice leave no room for the credit: these come after it in
    a run, and must find the invoice as open as ServiceTitan found it."""
    left = _left(original, found)
    return original.claimed > 0 and left is not None and left - original.claimed < original.amount


def _left(original: Original, found: BookInvoice | None) -> Decimal | None:
    """What is left to pay of it in the books; None when nobody knows."""
    if found is not None:
        return found.remaining
    return original.total if original.made else None


def _later(other: date | None, posting_on: date) -> bool:
    return other is not None and other > posting_on


def in_books(original: Original, snapshot: Snapshot) -> BookInvoice | None:
    """The posted sales invoice of an original, or None."""
    return next((one for one in snapshot.documents(original.key) if one.posted and one.total >= 0), None)


def to_apply(
    paper: Paper, originals: Sequence[Original], *, customer_number: str, posting_on: date, snapshot: Snapshot
) -> Reason | None:
    """What a person has still to apply of a credit that is posted open; None when nothing is left to do.

    Nothing is left where the invoice is closed in the books or about to be paid in full, or where it shows the balance
    that ServiceTitan shows.
    """
    left = [one for one in originals if not _settled(one, snapshot)]
    if not left:
        return None
    targets = "; ".join(_target(one, customer_number, posting_on, snapshot) for one in left)
    return Reason(
        "apply-in-business-central",
        f"Credit memo {paper.key} for {abs(paper.document.total):,.2f} is in the books of customer {customer_number}, and "
        f"still has to be applied there: {targets}.",
        f"On the Customer Ledger Entries page of {customer_number}, open the credit memo with external document number "
        f"{paper.key} and choose Apply Entries. stsync sees it when the invoice is closed or shows ServiceTitan's "
        f"balance; otherwise say so: stsync applied {paper.noun.replace(' ', '-')} {paper.id}",
    )


def _settled(original: Original, snapshot: Snapshot) -> bool:
    if original.nothing:
        return True
    found = in_books(original, snapshot)
    left = _left(original, found)
    if left is not None and original.claimed > 0 and left <= original.claimed:
        return True
    if found is None:
        return False
    return not found.open or _agrees(original, found)


def _agrees(original: Original, found: BookInvoice) -> bool:
    """Whether the books show the balance that ServiceTitan noted after the credit was applied there: the feeds are no
    common moment (facts section 2, mixed clocks), and a balance from before proves nothing."""
    noted_after = bool(original.applied_on) and original.as_of >= original.applied_on
    if found.remaining is None or not noted_after or found.remaining != original.balance:
        return False
    return found.total - found.remaining >= original.amount


def _target(original: Original, customer: str, posting_on: date, snapshot: Snapshot) -> str:
    what = f"{original.amount:,.2f} to invoice {original.number}"
    found = in_books(original, snapshot)
    if original.absent:
        return f"{what}, which {original.absent}: apply it to the entry that stands for it"
    if found is not None and found.customer_number != customer.upper():
        return f"{what} ({found.number}), which is customer {found.customer_number}'s"
    if found is not None and _later(found.posting_date, posting_on):
        return f"{what} ({found.number}), which is dated after the credit"
    return f"{what} ({found.number})" if found is not None else what


def _why_open(originals: Iterable[Original]) -> tuple[str, ...]:
    numbers = ", ".join(one.number for one in originals)
    return (f"not applied: invoice {numbers} is paid, closed or without an amount in the books",) if numbers else ()


def turned(lines: Iterable[SalesLine]) -> list[SalesLine]:
    """The lines of a document below zero as a credit memo shows them."""
    return [line.turned() for line in lines]
