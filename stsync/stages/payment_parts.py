"""What a payment pays: which parts are applied with it, and which stand on account until a person applies them.

Business Central's journal applies a line to a posted invoice of the same day or an earlier one with enough left to pay;
everything else is money on account, which is right in the books, and which API v2.0 cannot apply afterwards (facts
section 5, "No ledger entity"). So each part that stays on account says what a person has to do with it, if anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from stsync.core.links import Link
from stsync.core.operations import digest
from stsync.core.reasons import Reason
from stsync.core.source.payment import Application, Payment
from stsync.stages.paper import natural_key as invoice_key
from stsync.stages.payment_entry import JournalLine, Payable
from stsync.stages.payment_journals import natural_key


@dataclass(frozen=True)
class Part:
    """One application of a payment: through the journal, or on account, and why (`because`).

    `amount` is what is left of it to apply; `to_do` says that a person has to apply it; `closed` that the books had
    nothing left to pay on the invoice.
    """

    application: Application
    payable: Payable
    amount: Decimal
    because: str = ""
    to_do: bool = False
    closed: bool = False

    @property
    def applied(self) -> bool:
        """Whether the journal applies it."""
        return not self.because


def parts(payment: Payment, payables: Mapping[str, Payable], posting_on: date) -> list[Part]:
    """The applications of a payment that is going to be posted on that day."""
    return [_part(one, payables[one.invoice_id], posting_on) for one in payment.applications]


def _part(application: Application, payable: Payable, posting_on: date) -> Part:
    whole = Part(application, payable, application.amount)
    if payable.nothing or payable.total == 0:
        return _on_account(whole, "there is nothing to pay on it", to_do=False)
    if payable.credit:
        return _on_account(whole, "it is a credit in the books")
    if payable.posting_date is not None and posting_on < payable.posting_date:
        # Refused as soon as the journal has a balancing account (facts section 5); never tried, so it cannot matter.
        return _on_account(whole, f"it is dated {payable.posting_date}, after the payment")
    if payable.remaining is not None and payable.remaining <= 0:
        return _on_account(whole, "nothing was left to pay on it when the payment was posted", closed=True)
    if payable.remaining is not None and payable.remaining < application.amount:
        return _on_account(whole, f"only {payable.remaining:,.2f} was left to pay on it when the payment was posted")
    return whole


def _on_account(part: Part, because: str, *, to_do: bool = True, closed: bool = False) -> Part:
    return Part(part.application, part.payable, part.amount, because, to_do, closed)


def lines(payment: Payment, divided: Sequence[Part]) -> list[JournalLine]:
    """One line for each application, one for an unapplied rest; they always add up to the payment.

    What stays on account has a line of its own for each invoice, so that a person applies whole entries.
    """
    found = [_line(part) for part in divided]
    rest = [JournalLine(-payment.unapplied)] if payment.unapplied > 0 else []
    return found + rest


def _line(part: Part) -> JournalLine:
    if not part.applied:
        return JournalLine(-part.amount)
    payable = part.payable
    number = "" if payable.id else payable.number
    return JournalLine(-part.amount, payable.id, number, payable.comes_first)


@dataclass(frozen=True)
class Carried:
    """A payment as it stands posted in the books, from our own ledger.

    `base` is a hash of everything but its applications; `applied` what is applied to which invoice, through the journal
    or, as a person says, by hand; `closed` the invoices that had nothing left to pay when it was posted; `settled` is true
    once a person has said that all of it is applied.
    """

    base: str
    applied: Mapping[str, Decimal] = field(default_factory=dict)
    closed: frozenset[str] = frozenset()
    settled: bool = False

    @classmethod
    def of(cls, link: Link) -> Carried | None:
        """What the ledger says; None where it does not know (a row of another making, or a lost state)."""
        kept = link.carried
        if "base" not in kept:
            return None
        applied = {str(one): Decimal(str(amount)) for one, amount in kept.get("applied", {}).items()}
        return cls(str(kept["base"]), applied, frozenset(kept.get("closed", ())), bool(kept.get("settled")))

    def shown(self) -> dict[str, Any]:
        """The same as plain values for the ledger."""
        return {
            "carried": {
                "base": self.base,
                "applied": dict(self.applied),
                "closed": sorted(self.closed),
                "settled": self.settled,
            }
        }

    def only_added(self, payment: Payment) -> bool:
        """Whether nothing has changed since but that parts on account are now applied to invoices."""
        now = {one.invoice_id: one.amount for one in payment.applications}
        kept = all(abs(now.get(one, Decimal(0))) >= abs(amount) for one, amount in self.applied.items())
        return kept and self.base == base(payment)


def base(payment: Payment) -> str:
    """A hash of what the books know of a payment besides its applications."""
    customer = payment.customer.id if payment.customer else None
    unit = payment.business_unit.id if payment.business_unit else None
    return digest(
        [payment.active, payment.paid_on, payment.total, payment.type_id or payment.type_name, customer, unit],
    )


def carried(payment: Payment, divided: Iterable[Part]) -> Carried:
    """What is to be remembered of a payment that is posted so."""
    divided = list(divided)
    applied = {part.application.invoice_id: part.amount for part in divided if part.applied}
    return Carried(base(payment), applied, frozenset(one.application.invoice_id for one in divided if one.closed))


def confirmed(payment: Payment, link: Link) -> dict[str, Any]:
    """What the ledger keeps once a person has said that everything is applied in the books as in ServiceTitan."""
    known = Carried.of(link)
    closed = known.closed if known is not None else frozenset()
    now = {one.invoice_id: one.amount for one in payment.applications}
    carried: dict[str, Any] = Carried(base(payment), now, closed, settled=True).shown()["carried"]
    return {**carried, "applied": {one: str(amount) for one, amount in now.items()}}


def open_parts(payment: Payment, known: Carried, payables: Mapping[str, Payable]) -> list[Part]:
    """What of a posted payment is not applied in the books yet, as far as they show."""
    if known.settled and all(one.invoice_id in known.applied for one in payment.applications):
        return []
    found: list[Part] = []
    for one in payment.applications:
        left = one.amount - known.applied.get(one.invoice_id, Decimal(0))
        payable = payables[one.invoice_id]
        if left == 0 or payable.nothing or payable.total == 0:
            continue
        closed = one.invoice_id in known.closed
        if not _shows(one, left, payable, closed_before=closed):
            found.append(Part(one, payable, left, _since(payment, payable, closed), to_do=True, closed=closed))
    return found


def _since(payment: Payment, payable: Payable, closed: bool) -> str:
    if closed:
        return "nothing was left to pay on it when the payment was posted"
    if payable.posting_date and payment.paid_on and payment.paid_on < payable.posting_date:
        return f"it is dated {payable.posting_date}, after the payment"
    return "it could not be applied when it was posted"


def _shows(application: Application, left: Decimal, payable: Payable, *, closed_before: bool) -> bool:
    """Whether the books show a part as applied: its invoice is closed since, or open by exactly ServiceTitan's balance.

    The balance counts only if ServiceTitan noted it after the application: the two feeds are no common moment (facts
    section 2, mixed clocks). What was closed before proves nothing.
    """
    if payable.remaining is None or closed_before or payable.credit:
        return False
    if payable.remaining <= 0:
        return left > 0
    applied_by = _end_of(application.applied_on)
    agrees = bool(applied_by) and payable.as_of >= applied_by and payable.remaining == payable.balance
    return agrees and (left < 0 or payable.total is None or payable.total - payable.remaining >= left)


def _end_of(moment: str) -> str:
    """The latest moment that an application's time can mean: a midnight may stand for the whole day."""
    return f"{moment[:10]}T23:59:59" if moment.endswith("T00:00:00") else moment


def surely_open(payment: Payment, payables: Mapping[str, Payable]) -> list[Part]:
    """What of a payment that was found posted is surely not applied: fewer than its amount is paid on the invoice.

    For a payment of which our ledger does not know how it was posted, because the state was lost.
    """
    found: list[Part] = []
    for one in payment.applications:
        payable = payables[one.invoice_id]
        if payable.remaining is None or payable.total is None or payable.nothing or payable.total == 0:
            continue
        if payable.total - payable.remaining < one.amount:
            found.append(Part(one, payable, one.amount, _since(payment, payable, False), to_do=True))
    return found


def shown_invoice(application: Application, payable: Payable) -> str:
    """The invoice as a person finds it: its number in the books if it has one, and both of ServiceTitan's."""
    titan = application.invoice_number or application.invoice_id
    key = f"external document number {invoice_key(application.invoice_id)}"
    return f"{payable.number} (ServiceTitan {titan}, {key})" if payable.number else f"{titan} ({key})"


def to_apply(payment: Payment, entry: str, customer_number: str, divided: Iterable[Part]) -> Reason | None:
    """What a person has to apply in the books of a payment, or of a later issue of it; None when there is nothing."""
    wanted = [one for one in divided if one.to_do]
    if not wanted:
        return None
    each = "; ".join(
        f"{one.amount:,.2f} to invoice {shown_invoice(one.application, one.payable)}: {one.because}" for one in wanted
    )
    twice = (
        " Look first what closed the invoice: if somebody entered this payment by hand, reverse one of the two."
        if any(one.closed for one in wanted) and entry == natural_key(payment.id)
        else ""
    )
    return Reason(
        "apply-in-business-central",
        f"Payment {entry} stands in the books, but a part of it is on account. Apply {each}.",
        f"Page Customer Ledger Entries, customer {customer_number}: stand on the payment {entry}, choose Apply Entries, and "
        f"set the invoice as applied.{twice} stsync sees it when the invoice is closed or its remaining amount is "
        f"ServiceTitan's balance; or say so: stsync applied payment {payment.id}",
    )


def not_applied_notes(divided: Iterable[Part]) -> tuple[str, ...]:
    """What a reader of the record should know of parts that need nobody."""
    return tuple(
        f"{one.amount:,.2f} on account: applied in ServiceTitan to invoice "
        f"{one.application.invoice_number or one.application.invoice_id}; {one.because}"
        for one in divided
        if not one.applied and not one.to_do
    )
