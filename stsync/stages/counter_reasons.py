"""Why a payment cannot be taken back, and what is left for a person when it was: in a bookkeeper's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from stsync.core.reasons import Reason
from stsync.core.snapshot import Snapshot
from stsync.core.source.payment import Payment
from stsync.stages.payment_journals import counter_key

NOT_POSTED = Reason(
    "nothing-to-correct",
    "stsync has posted nothing for this payment that still stands, so there is nothing to take back.",
    "stsync trace tells its life; a payment that is not posted yet is carried by stsync sync.",
)
SAME = Reason(
    "nothing-to-correct",
    "ServiceTitan still shows the payment as it was posted, so there is nothing to take back.",
    "If something changed in Business Central, stsync drift names it, and what to do there.",
)


def not_there(number: str) -> Reason:
    """Neither the payment nor a trace of it."""
    return Reason(
        "posted-document-missing",
        f"Business Central's general ledger does not show {number} any more, so it cannot be taken back.",
        f"Look for {number} on the Customer Ledger Entries page in Business Central. Correct it by hand, then say so with "
        "stsync ignore.",
    )


def other_entry(number: str, countered: Mapping[str, Decimal]) -> Reason:
    """Something stands under the number of the counter entry that is not its mirror image."""
    amounts = ", ".join(f"{amount:,.2f} on {account}" for account, amount in sorted(countered.items()))
    return Reason(
        "counter-entry-differs",
        f"Business Central holds {amounts} under {counter_key(number)}, which is not what would take back {number}. Nothing "
        "was sent, so that nothing is taken back twice.",
        "Decide in Business Central what that entry is worth, correct the rest by hand, then say so with stsync ignore.",
    )


def only_applied(number: str, customer: str, payment: Payment) -> Reason:
    """The money is where it belongs; only what it pays is another."""
    now = ", ".join(
        f"{one.amount:,.2f} to invoice {one.invoice_number or one.invoice_id}" for one in payment.applications
    )
    return Reason(
        "only-applied-elsewhere",
        f"ServiceTitan applies the payment otherwise since it was posted as {number}; amount, date, type and customer are "
        "the same. The money is right in the books, so no entry is needed, and nothing was sent.",
        f"Page Customer Ledger Entries, customer {customer}: stand on {number}, choose Unapply Entries, then Apply Entries, "
        f'and apply {now or "nothing"}. Then say so: stsync ignore payment {payment.id} --reason "applied anew"',
    )


def unclear(number: str, what: str) -> Reason:
    """Nothing is guessed about money."""
    return Reason(
        "counter-entry-unclear",
        f"The books and stsync's notes do not say {what} clearly enough to take back {number}. Nothing was sent.",
        f"On the Customer Ledger Entries page in Business Central, stand on {number}, unapply it, and choose Reverse "
        "Transaction. Then run this command again: it notes that, and makes the payment anew if ServiceTitan still has it.",
    )


def account_closed(number: str, account: str) -> Reason:
    """An account that takes no lines of a journal."""
    return Reason(
        "account-not-usable",
        f"The money of {number} stands on account {account}, which cannot be posted to directly. Nothing was sent.",
        f"Allow direct posting on account {account} for the moment and run this command again; or stand on {number} on the "
        "Customer Ledger Entries page, unapply it, choose Reverse Transaction, and run this command then.",
    )


def no_open_day(number: str, on: date | None, snapshot: Snapshot) -> Reason:
    """No day on which an entry could be posted."""
    return Reason(
        "correct-in-closed-period",
        f"{number} was posted on {on}, and Business Central accepts posting dates {snapshot.posting_from or 'any'} to "
        f"{snapshot.posting_to or 'any'}: there is no day on which an entry could take it back.",
        "Set Allow Posting From and To on the General Ledger Setup page in Business Central, then run the command again.",
    )


def others_in_journal(journal: str, numbers: Sequence[str]) -> Reason:
    """Our own unposted lines of other payments."""
    return Reason(
        "other-payments-in-journal",
        f"The general journal {journal} still holds lines of other payments ({', '.join(numbers[:5])}); posting it would "
        "post them too. Nothing was sent.",
        f"Run stsync sync first, or post or delete those lines in journal {journal}; then run this command again.",
    )


def not_shown(number: str, journal: str) -> Reason:
    """The line was made, and the journal does not hold it alone."""
    return Reason(
        "counter-entry-not-posted",
        f"The journal {journal} does not show the line {counter_key(number)} as it was made, or holds others beside it, so "
        "it was not posted.",
        f"Look in the general journal {journal} in Business Central, delete what should not be there, and run stsync correct "
        "again: it looks first, and repeats nothing that happened.",
    )


def not_booked(number: str) -> Reason:
    """A 204 may only mean that a job was scheduled (trap 23)."""
    return Reason(
        "posting-scheduled",
        f"Business Central accepted the posting of {counter_key(number)}, but the general ledger does not show it yet; it "
        "may post in the background.",
        "Run stsync correct again in a while: it looks first. If it stays so, look at the Job Queue Entries page.",
    )


def to_apply(entries: Sequence[Mapping[str, str]]) -> Reason:
    """What is open on the customer's account after payments were taken back."""
    told = " ".join(
        f"Entry {one['memo']} over {Decimal(one['amount']):,.2f} takes back {one['number']}; both stand on the customer's "
        "account, and what the payment had closed stays closed until it is unapplied."
        for one in entries
    )
    steps = " Then ".join(
        f"stand on {one['number']}, choose Unapply Entries if it is applied, then Apply Entries, and set {one['memo']} as "
        "applied."
        for one in entries
    )
    return Reason(
        "apply-in-business-central",
        told,
        f"Page Customer Ledger Entries, customer {entries[-1]['customer']}: {steps} Then say so: stsync applied payment "
        "NUMBER",
    )


def both(first: Reason, then: Reason | None) -> Reason:
    """What has to be applied first, and what after it."""
    if then is None:
        return first
    return replace(first, message=f"{first.message} {then.message}", hint=f"{first.hint}\n{then.hint}")
