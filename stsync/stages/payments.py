"""Payments: a ServiceTitan payment becomes lines in a customer payment journal that belongs to stsync alone.

What a bookkeeper can rely on:
- one line for each invoice the payment is applied to, and one for an unapplied rest; together they are the payment;
- all lines of a payment carry the document number `ST-P<id>`, so that the books alone can answer for it;
- a payment waits, without an error, until its invoices are posted;
- a payment of a type without a journal is held and names the line to add; nothing goes to a default account;
- a payment that was changed or applied otherwise after posting is held, never carried over silently.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from stsync.core.links import Link
from stsync.core.mapping import Gap
from stsync.core.mapping import Mapping as Choices
from stsync.core.operations import Operation, Verb, digest
from stsync.core.plan import About, Decision, act, hold, settle, wait
from stsync.core.reasons import Reason
from stsync.core.snapshot import BookJournal, OpenLine, Snapshot
from stsync.core.source.payment import Application, Payment
from stsync.stages.invoices import Buyer, readiness
from stsync.stages.payment_entry import Entry, Payable, described, journal_lines, own_lines, unmatched
from stsync.stages.payment_journals import STAGE, Settings, is_ours, natural_key
from stsync.stages.sales_lines import unmapped


def fingerprint(payment: Payment) -> str:
    """A hash of everything that went, or would go, into the books."""
    return digest(
        [
            payment.active,
            payment.paid_on,
            payment.total,
            payment.type_id or payment.type_name,
            payment.customer.id if payment.customer else None,
            [[one.invoice_id, one.amount] for one in payment.applications],
        ]
    )


def plan(
    payment: Payment,
    *,
    link: Link,
    payer: Buyer,
    payables: Mapping[str, Payable],
    choices: Choices,
    snapshot: Snapshot,
    settings: Settings,
) -> Decision:
    """Decide about one payment, in the order a clerk would ask."""
    about = described(payment)
    if link.posted:
        return _already_posted(payment, link, about)
    if _may_be_ours(payment, settings) and natural_key(payment.id) in snapshot.posted_payments:
        return _found_posted(payment, snapshot.posted_payments[natural_key(payment.id)], link, about)
    early = _not_for_us(payment, about, snapshot, settings)
    if early is not None:
        return early
    if natural_key(payment.id) in snapshot.posted_payments:
        return _found_posted(payment, snapshot.posted_payments[natural_key(payment.id)], link, about)
    code = choices.lookup("payment_types", payment.type_id, payment.type_name)
    reason = payer.reason or _not_bookable(payment, code, snapshot, settings)
    if reason is not None or code is None:
        return hold(STAGE, payment.id, about, reason or unmapped([_type_gap(payment)]))
    applied = [payables[one.invoice_id] for one in payment.applications]
    obstacle = _application_obstacle(payment, payer, applied)
    if obstacle is not None:
        return hold(STAGE, payment.id, about, obstacle)
    waits = next((one.waits for one in applied if one.waits is not None), None)
    if waits is not None:
        return wait(STAGE, payment.id, about, waits)
    rule = f"journal {code}, for payment type '{payment.type_name}'"
    return _carry(payment, payer, applied, code.upper(), link=link, snapshot=snapshot, settings=settings, rule=rule)


def _already_posted(payment: Payment, link: Link, about: About) -> Decision:
    if link.fingerprint == fingerprint(payment):
        return settle(STAGE, payment.id, about, "posted")
    return hold(STAGE, payment.id, about, _changed_after_posting(payment, about))


def _changed_after_posting(payment: Payment, about: About) -> Reason:
    what = "changed or applied to other invoices" if payment.active else "voided"
    return Reason(
        "changed-after-posting",
        f"Payment {about.number} was {what} in ServiceTitan after it was posted as {natural_key(payment.id)}.",
        "Nothing was changed in the books. To see every field and the way out, run: stsync drift --only "
        f"{natural_key(payment.id)}",
    )


def _not_for_us(payment: Payment, about: About, snapshot: Snapshot, settings: Settings) -> Decision | None:
    """Payments that do not belong in the books, or not yet."""
    if not payment.active or payment.status != settings.status:
        left = _left_in_books(payment, about, snapshot)
        if left is not None:
            return hold(STAGE, payment.id, about, left)
    if not payment.active:
        notes = ("voided in ServiceTitan before transfer",)
        return settle(STAGE, payment.id, about, "nothing_to_post", notes=notes)
    outcome = readiness(payment.status, settings.status)
    if outcome:
        asks = (natural_key(payment.id),) if _may_be_ours(payment, settings) else ()
        return settle(STAGE, payment.id, about, outcome, asks=asks)
    if payment.paid_on is None:
        return hold(STAGE, payment.id, about, _NO_DATE)
    if payment.paid_on < settings.go_live:
        return settle(STAGE, payment.id, about, "before_go_live")
    if payment.total == 0 and not payment.applications:
        return settle(STAGE, payment.id, about, "nothing_to_post")
    if payment.total < 0:
        return hold(STAGE, payment.id, about, _REFUND)
    return None


def _may_be_ours(payment: Payment, settings: Settings) -> bool:
    """Whether a payment that shows Exported may have been carried by us: the write-back marks so what we posted, and the
    state file that knew of it may be lost."""
    exported = readiness(payment.status, settings.status) == "exported_elsewhere"
    return payment.active and exported and (payment.paid_on or settings.go_live) >= settings.go_live


def _left_in_books(payment: Payment, about: About, snapshot: Snapshot) -> Reason | None:
    """What a payment that is voided or unposted in ServiceTitan has left behind: the books are asked, not the ledger."""
    number = natural_key(payment.id)
    if number in snapshot.posted_payments:
        return _changed_after_posting(payment, about)
    if not any(line.document_number == number for journal in snapshot.journals.values() for line in journal.lines):
        return None
    what = "unposted" if payment.active else "voided"
    return Reason(
        "voided-before-posting",
        f"Payment {about.number} was {what} in ServiceTitan while its lines stand unposted in a payment journal.",
        f"Delete the lines with document number {number} from the journal.",
    )


_NO_DATE = Reason(
    "payment-without-date",
    "The payment has no date in ServiceTitan, so it belongs to no period.",
    "Set the payment date in ServiceTitan.",
)
_REFUND = Reason(
    "refund-not-carried",
    "This is money paid back (a refund or a returned payment); refunds are not carried over by this version.",
    "Enter it in a general journal in Business Central by hand.",
)


def _type_gap(payment: Payment) -> Gap:
    return Gap("payment_types", payment.type_name or payment.type_id, "payment journal code")


def _not_bookable(payment: Payment, code: str | None, snapshot: Snapshot, settings: Settings) -> Reason | None:
    """What stands in the way before any invoice is looked at."""
    if code is None:
        return unmapped([_type_gap(payment)])
    if len(natural_key(payment.id)) > 20:
        return Reason(
            "payment-number-too-long",
            f"The document number {natural_key(payment.id)} is longer than the 20 characters of Business Central.",
            "Enter this payment by hand, and tell the makers of stsync.",
        )
    if payment.paid_on is not None and not snapshot.accepts(payment.paid_on):
        return Reason(
            "posting-date-closed",
            f"The payment is dated {payment.paid_on}, but Business Central accepts posting dates "
            f"{snapshot.posting_from or 'any'} to {snapshot.posting_to or 'any'}.",
            "Open the period on the General Ledger Setup page (Allow Posting From/To).",
        )
    return _journal_obstacle(code.upper(), snapshot, settings)


def _journal_obstacle(code: str, snapshot: Snapshot, settings: Settings) -> Reason | None:
    journal = snapshot.journals.get(code)
    choice = settings.journals.get(code)
    if journal is None and (choice is None or choice.balancing_account is None):
        return Reason(
            "journal-missing",
            f"Business Central has no customer payment journal {code}.",
            f"Create the batch {code} on the Cash Receipt Journals page with the bank as balancing account, or add to "
            f'the configuration:\npayments.journals:  {code}: {{balancing_account: "<G/L account number>"}}',
        )
    if journal is None and choice is not None and choice.balancing_account not in snapshot.accounts:
        return Reason(
            "account-not-usable",
            f"The balancing account {choice.balancing_account} of journal {code} does not exist in Business Central.",
            f"Correct payments.journals.{code}.balancing_account in the configuration.",
        )
    foreign = _foreign(journal)
    if foreign:
        return Reason(
            "foreign-lines-in-journal",
            f"The payment journal {code} holds {len(foreign)} lines that stsync did not make "
            f"(document number {foreign[0].document_number or 'blank'}). Posting it would post them too.",
            f"Post, move or delete those lines in Business Central; the journal {code} must belong to stsync alone.",
        )
    return None


def _foreign(journal: BookJournal | None) -> list[OpenLine]:
    lines = journal.lines if journal is not None else ()
    return [line for line in lines if not is_ours(line.document_number)]


def _application_obstacle(payment: Payment, payer: Buyer, applied: Sequence[Payable]) -> Reason | None:
    if payment.unapplied < 0 or any(one.amount < 0 for one in payment.applications):
        return Reason(
            "applied-more-than-paid",
            f"ServiceTitan applies {payment.applied:,.2f} of a payment of {payment.total:,.2f}.",
            "Correct the applications of the payment in ServiceTitan.",
        )
    for application, payable in zip(payment.applications, applied, strict=True):
        reason = payable.holds or _mismatch(payment, payer, application, payable)
        if reason is not None:
            return reason
    return None


def _mismatch(payment: Payment, payer: Buyer, application: Application, payable: Payable) -> Reason | None:
    if payable.waits is not None:
        return None
    if payable.customer_number and payable.customer_number != payer.number:
        return Reason(
            "payment-by-another-customer",
            f"The payment is from customer {payer.number}, but invoice {application.invoice_number} belongs to "
            f"{payable.customer_number}; Business Central applies payments within one customer only.",
            "Correct the payment in ServiceTitan, or enter it in Business Central by hand.",
        )
    if payable.posting_date and payment.paid_on and payment.paid_on < payable.posting_date:
        # Business Central refuses such a line as soon as the journal has a balancing account (facts section 5).
        return Reason(
            "payment-before-invoice",
            f"The payment is dated {payment.paid_on}, before its invoice {application.invoice_number} of "
            f"{payable.posting_date}; Business Central does not apply to a later entry through its interface.",
            "Enter the payment in Business Central by hand, or correct one of the two dates in ServiceTitan.",
        )
    return None


def _carry(
    payment: Payment,
    payer: Buyer,
    applied: Sequence[Payable],
    code: str,
    *,
    link: Link,
    snapshot: Snapshot,
    settings: Settings,
    rule: str,
) -> Decision:
    """New, found again, or half made: the writes for a payment that may be carried over."""
    about = described(payment)
    more: dict[str, Any] = {"fingerprint": fingerprint(payment), "rules": (rule,), "journal": code}
    number = natural_key(payment.id)
    entry = Entry(payment, payer, code, snapshot, link)
    good, bad = own_lines(snapshot, number, code, payment, payer)
    missing, surplus = unmatched(journal_lines(payment, applied), good)
    operations = [*entry.deletions([*bad, *surplus]), *entry.creations(missing)]
    if not settings.post and not operations:
        return settle(STAGE, payment.id, about, "draft", **more)
    return act(STAGE, payment.id, about, operations, outcome="posted" if settings.post else "draft", **more)


def _found_posted(payment: Payment, booked: Decimal, link: Link, about: About) -> Decision:
    """What the books hold already is taken on if it is this payment; no journal has to be posted for it."""
    more: dict[str, Any] = {"fingerprint": fingerprint(payment)}
    if link.exists and link.fingerprint != more["fingerprint"]:
        return hold(STAGE, payment.id, about, _changed_after_posting(payment, about), **more)
    if booked != payment.total:
        reason = Reason(
            "posted-with-other-total",
            f"Business Central has posted {booked:,.2f} under {natural_key(payment.id)}; ServiceTitan's payment is "
            f"{payment.total:,.2f}.",
            "Compare both; correct the entry in Business Central, or the payment in ServiceTitan.",
        )
        return hold(STAGE, payment.id, about, reason, **more)
    adopt = Operation(
        key=f"{STAGE}:{payment.id}:adopt:{link.revision}",
        stage=STAGE,
        source_id=payment.id,
        verb=Verb.ADOPT,
        entity="customerPayments",
        natural_key=natural_key(payment.id),
        label=f"payment {about.number}, {about.name}",
        why="already posted in Business Central; nothing is sent",
        target=natural_key(payment.id),
        amount=payment.total,
        facts={"posted": True, "number": natural_key(payment.id)},
    )
    return act(STAGE, payment.id, about, [adopt], outcome="posted", **more)
