"""One payment with everything its decision depends on, and what can stand in its way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count

from stsync.core.links import Link
from stsync.core.mapping import Gap
from stsync.core.mapping import Mapping as Choices
from stsync.core.plan import About
from stsync.core.posting_dates import PostingDay, closed
from stsync.core.reasons import Reason
from stsync.core.snapshot import Snapshot
from stsync.core.source.payment import Application, Payment
from stsync.stages.buyer import Buyer
from stsync.stages.findings import unmapped
from stsync.stages.paper import natural_key as invoice_key
from stsync.stages.payment_entry import Payable, described
from stsync.stages.payment_journals import (
    RECEIPTS,
    JournalForm,
    Settings,
    counter_key,
    is_ours,
    natural_key,
    next_issue,
    standing_journals,
)


@dataclass(frozen=True)
class Case:
    """One payment with everything its decision depends on; `original` is the payment that a refund gives back."""

    payment: Payment
    link: Link
    payer: Buyer
    payables: Mapping[str, Payable]
    choices: Choices
    snapshot: Snapshot
    settings: Settings
    original: Link

    @property
    def about(self) -> About:
        """How people know it."""
        return described(self.payment)

    @property
    def number(self) -> str:
        """Its document number in the books: of the issue that stands, or would be made now."""
        if self.link.posted:
            return self.link.number
        return next(number for number in self._issues() if not self._is_countered(number))

    @property
    def is_taken_back(self) -> bool:
        """Whether the books hold an entry that takes it back, of which our ledger does not know (a lost state)."""
        return not self.link.posted and self.number != next(self._issues())

    def _issues(self) -> Iterator[str]:
        """Its document numbers from the first that our ledger does not know as taken back."""
        return (natural_key(self.payment.id, issue) for issue in count(next_issue(self.link.ended)))

    def _is_countered(self, number: str) -> bool:
        entry = counter_key(number)
        return entry in self.snapshot.posted_payments or entry in self.snapshot.posted_refunds

    @property
    def is_refund(self) -> bool:
        """Whether money was paid back (trap 26)."""
        return self.payment.total < 0

    @property
    def is_booked(self) -> bool:
        """Whether the books hold anything posted under our document number."""
        return self.number in self.snapshot.posted_payments or self.number in self.snapshot.posted_refunds

    @property
    def payable_keys(self) -> tuple[str, ...]:
        """The invoices whose remaining amount in the books decides; opening documents bear another number."""
        named = [one.invoice_id for one in self.payment.applications]
        return tuple(invoice_key(one) for one in named if self.payables[one].can_be_asked)


def not_bookable(case: Case, day: PostingDay | None) -> Reason | None:
    """What stands in the way before any invoice is looked at."""
    payment = case.payment
    if len(case.number) > 20:
        return Reason(
            "payment-number-too-long",
            f"The document number {case.number} is longer than the 20 characters of Business Central.",
            "Enter this payment by hand, and tell the makers of stsync.",
        )
    if day is None and payment.paid_on is not None:
        return closed("payment", payment.paid_on, case.snapshot)
    return None


def _type_gap(payment: Payment) -> Gap:
    return Gap("payment_types", payment.type_name or payment.type_id, "payment journal code")


def journal_obstacle(case: Case, code: str) -> Reason | None:
    """Why a payment journal cannot be used; an empty code is a payment type that is mapped to none."""
    if not code:
        return unmapped([_type_gap(case.payment)])
    snapshot = case.snapshot
    journal = snapshot.journals.get(code)
    choice = case.settings.journals.get(code)
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
    return foreign_lines(RECEIPTS, code, snapshot)


def foreign_lines(form: JournalForm, code: str, snapshot: Snapshot) -> Reason | None:
    """Lines of somebody else in our journal: a posting would post them too (trap 5)."""
    journal = standing_journals(form, snapshot).get(code)
    standing = journal.lines if journal is not None else ()
    foreign = [line for line in standing if not is_ours(line.document_number)]
    if not foreign:
        return None
    return Reason(
        "foreign-lines-in-journal",
        f"The {form.noun} {code} holds {len(foreign)} lines that stsync did not make "
        f"(document number {foreign[0].document_number or 'blank'}). Posting it would post them too.",
        f"Post, move or delete those lines in Business Central; the journal {code} must belong to stsync alone.",
    )


def application_obstacle(case: Case) -> Reason | None:
    """What is wrong with what a payment is applied to."""
    payment = case.payment
    if any(one.amount < 0 for one in payment.applications):
        return _moves_credit(payment)
    if payment.unapplied < 0:
        return Reason(
            "applied-more-than-paid",
            f"ServiceTitan applies {payment.applied:,.2f} of a payment of {payment.total:,.2f}.",
            "Correct the applications of the payment in ServiceTitan.",
        )
    for application in payment.applications:
        payable = case.payables[application.invoice_id]
        reason = payable.holds or _other_customer(case, application, payable)
        if reason is not None:
            return reason
    return None


def _moves_credit(payment: Payment) -> Reason:
    """No money, or not only: a payment that takes from one invoice what it gives to another."""
    each = ", ".join(
        f"{one.amount:,.2f} to invoice {one.invoice_number or one.invoice_id}" for one in payment.applications
    )
    return Reason(
        "payment-moves-credit",
        f"The payment of {payment.total:,.2f} moves credit between invoices in ServiceTitan: {each}. A payment journal has no "
        "such entry, so nothing was carried.",
        "Do the same on the Customer Ledger Entries page in Business Central (Unapply Entries, then Apply Entries), enter "
        f'any money received by hand, and then say so: stsync ignore payment {payment.id} --reason "..."',
    )


def _other_customer(case: Case, application: Application, payable: Payable) -> Reason | None:
    if payable.waits is not None or payable.nothing:
        return None
    if not payable.customer_number or payable.customer_number == case.payer.number:
        return None
    return Reason(
        "payment-by-another-customer",
        f"The payment is from customer {case.payer.number}, but invoice {application.invoice_number} belongs to "
        f"{payable.customer_number}; Business Central applies payments within one customer only.",
        "Correct the payment in ServiceTitan, or enter it in Business Central by hand.",
    )
