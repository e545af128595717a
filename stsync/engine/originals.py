"""The invoices that credits reduce: where each stands in ServiceTitan, in this run and in the inbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property

from stsync.core.links import Link
from stsync.core.operations import Verb
from stsync.core.plan import Decision, Standing
from stsync.core.reasons import Reason
from stsync.core.sales import Expected
from stsync.core.sales_form import SALES_INVOICE
from stsync.core.source.invoice import Invoice
from stsync.core.source.payment import Application, Payment
from stsync.engine import absent
from stsync.engine.records import Records
from stsync.stages.credits import Original
from stsync.stages.paper import natural_key


@dataclass(frozen=True)
class Stand:
    """An invoice of the inbox that is not open in this run: how it settled, or why it has not."""

    number: str
    outcome: str
    reason: Reason | None = None


# Invoices that will never be in our books, and why.
_ABSENT = {
    "before_go_live": "is dated before go_live and was not carried over",
    "exported_elsewhere": "was exported from ServiceTitan by other means",
    "by_hand": "a person dealt with by hand (stsync ignore)",
}
# Invoices that have no amount in the books, so that nothing can be applied to them.
_NOTHING = frozenset({"nothing_to_post", "removed", "reversed"})


@dataclass(frozen=True)
class Originals:
    """Looks an invoice up in everything a plan knows; `decided` are the decisions about the plain invoices of this run,
    `payments` those that may be carried, `taken` what the credits of this run have taken of each invoice so far."""

    records: Records
    stands: Mapping[str, Stand] = field(default_factory=dict)
    invoices: Mapping[str, Invoice] = field(default_factory=dict)
    decided: Mapping[str, Decision] = field(default_factory=dict)
    payments: Sequence[Payment] = ()
    taken: dict[str, Decimal] = field(default_factory=dict)

    @cached_property
    def _claims(self) -> Mapping[str, Decimal]:
        """What the payments are applied to each invoice for, without what the books have taken off it already."""
        found: dict[str, Decimal] = {}
        for payment in self.payments:
            link = self.records.link("payments", payment.id)
            for one in payment.applications:
                left = one.amount - _taken_off(link, one.invoice_id)
                found[one.invoice_id] = found.get(one.invoice_id, Decimal(0)) + left
        return found

    def of_adjustment(self, invoice: Invoice) -> Sequence[Original]:
        """What an adjustment below zero adjusts."""
        if invoice.adjustment_to is None or invoice.total >= 0:
            return ()
        applied = Application(invoice.adjustment_to, "", -invoice.total, invoice.created_on)
        return (self._original(invoice.adjustment_to, applied),)

    def of(self, applications: Sequence[Application]) -> Sequence[Original]:
        """What a credit memo is applied to."""
        return tuple(self._original(one.invoice_id, one) for one in applications)

    def _original(self, invoice_id: str, applied: Application) -> Original:
        invoice, stand = self.invoices.get(invoice_id), self.stands.get(invoice_id)
        number = (invoice.number if invoice else "") or applied.invoice_number or (stand.number if stand else "")
        original = Original(
            number=number or invoice_id,
            amount=applied.amount,
            key=natural_key(invoice_id),
            balance=invoice.balance if invoice else None,
            total=invoice.total if invoice else None,
            claimed=self._claims.get(invoice_id, Decimal(0)) + self.taken.get(invoice_id, Decimal(0)),
            invoice_id=invoice_id,
            as_of=invoice.modified_on if invoice else "",
            applied_on=applied.applied_on,
        )
        if invoice is not None and invoice.total < 0:
            return replace(original, nothing=True)  # a credit itself
        link = self.records.link("invoices", invoice_id)
        if link.is_baseline:
            return _opening(original, link)
        if link.posted:
            return original
        decision = self.decided.get(invoice_id)
        if decision is not None:
            return _decided(original, decision)
        if stand is None and invoice is not None:  # beyond this run's limit
            return replace(original, waits=_waits(original, None, ""))
        return _elsewhere(original, stand)


def using_up(originals: Originals, decision: Decision) -> Decision:
    """Take what a credit of this plan is applied to off its invoice: the next one finds so much less."""
    if decision.standing == Standing.ACT and any(one.verb != Verb.ADOPT for one in decision.operations):
        for invoice_id, amount in decision.kept.get("carried", {}).get("applied", {}).items():
            originals.taken[invoice_id] = originals.taken.get(invoice_id, Decimal(0)) + Decimal(amount)
    return decision


def _taken_off(link: Link, invoice_id: str) -> Decimal:
    if not link.posted:
        return Decimal(0)
    return Decimal(str(link.carried.get("applied", {}).get(invoice_id, 0)))


def _opening(original: Original, link: Link) -> Original:
    """An opening document stands under a number of its own: it is named, and Business Central says whether it is open."""
    named = {"invoiceId": link.id} if link.id else {"invoiceNumber": link.number}
    return replace(original, key="", number=link.number, opening=named)


def _decided(original: Original, decision: Decision) -> Original:
    if decision.standing == Standing.SETTLE:
        return _settled(original, decision.outcome)
    if decision.standing != Standing.ACT or decision.outcome == "draft":
        return replace(original, waits=_waits(original, decision.reason, decision.outcome))
    last = decision.operations[-1]
    if decision.outcome != "posted" or last.entity != SALES_INVOICE.entity:
        return replace(original, nothing=True)
    expected = last.facts.get("expected")
    if not isinstance(expected, Expected):
        return original  # found posted: the books say the rest
    return replace(
        original,
        made=last.target,
        comes_first=(last.key,),
        customer_number=expected.customer_number,
        posting_on=expected.posting_on,
    )


def _elsewhere(original: Original, stand: Stand | None) -> Original:
    if stand is None:
        return replace(original, waits=absent.not_read("The credit reduces", original.number))
    if stand.reason is not None and not stand.outcome:
        return replace(original, waits=_waits(original, stand.reason, stand.outcome))
    return _settled(original, stand.outcome)


def _settled(original: Original, outcome: str) -> Original:
    if outcome in _ABSENT:
        return replace(original, absent=_ABSENT[outcome])
    if outcome in _NOTHING:
        return replace(original, nothing=True)
    if outcome in {"posted", "to_apply"}:
        return original
    return replace(original, waits=_waits(original, None, outcome))


def _waits(original: Original, reason: Reason | None, outcome: str) -> Reason:
    return absent.waits_for("credit", original.number, outcome, reason)
