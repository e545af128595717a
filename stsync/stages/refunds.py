"""Refunds, returned checks and chargebacks: negative payments, as lines of a general journal that belongs to stsync alone.

What a bookkeeper can rely on:
- one line for each, on the customer's account, balanced by the account that the money left (`mapping.refunds`, else the
  account of the journal that the payment type is mapped to); nothing goes to a default account;
- it carries the document number `ST-P<id>` like every payment, without a document type;
- once posted it is to be applied by a person: API v2.0 applies no posted entries, and a line of a general journal cannot
  name what it is for (facts 2.11). What it belongs to is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from stsync.core.links import Link
from stsync.core.mapping import Gap
from stsync.core.mapping import Mapping as Choices
from stsync.core.posting_dates import PostingDay
from stsync.core.reasons import Reason
from stsync.core.snapshot import OpenLine, Snapshot
from stsync.core.source.payment import Payment
from stsync.stages.buyer import Buyer
from stsync.stages.findings import unmapped
from stsync.stages.payment_entry import JournalLine, Payable, description, external_number
from stsync.stages.payment_journals import Settings, natural_key
from stsync.stages.payment_parts import Carried, open_parts, shown_invoice

# An option as Business Central writes it in JSON: G/L Account (facts section 1, enum JSON).
GL_ACCOUNT = "G_x002F_L_x0020_Account"


@dataclass(frozen=True)
class Source:
    """The G/L account that the money left, and by which line of the configuration; or why there is none."""

    account: str = ""
    rule: str = ""
    reason: Reason | None = None


def source(payment: Payment, choices: Choices, snapshot: Snapshot, settings: Settings) -> Source:
    """The account of a refund: its own line in mapping.refunds, else the one that balances its type's payment journal."""
    own = choices.lookup("refunds", payment.type_id, payment.type_name)
    if own is not None:
        return _usable(own.upper(), f"mapping.refunds, payment type '{payment.type_name}'", snapshot)
    code = (choices.lookup("payment_types", payment.type_id, payment.type_name) or "").upper()
    choice, standing = settings.journals.get(code), snapshot.journals.get(code)
    account = choice.balancing_account if choice is not None else None
    account = account or (standing.balancing_account if standing is not None else "")
    if not account:
        return Source(reason=unmapped([gap(payment)]))
    # A batch that a bank account balances shows the bank's number (facts 2.8), which is no G/L account.
    if account not in snapshot.accounts:
        return Source(reason=_bank_balances(payment, code, account))
    return _usable(account, f"the account that balances journal {code}, payment type '{payment.type_name}'", snapshot)


def gap(payment: Payment) -> Gap:
    """The line that is missing when it is not known which account this money left."""
    return Gap("refunds", payment.type_name or payment.type_id)


def _usable(number: str, rule: str, snapshot: Snapshot) -> Source:
    account = snapshot.accounts.get(number)
    if account is not None and account.usable:
        return Source(number, f"account {number}, from {rule}")
    what = "does not exist in Business Central" if account is None else "cannot be posted to in Business Central"
    return Source(
        reason=Reason(
            "account-not-usable",
            f"The account {number} that this money left ({rule}) {what}.",
            "Name an open posting account with direct posting there.",
        )
    )


def _bank_balances(payment: Payment, code: str, number: str) -> Reason:
    return Reason(
        "mapping-missing",
        f"The payment journal {code} is balanced by {number}, which is no G/L account, so it is not known which account "
        "this money left.",
        unmapped([gap(payment)]).hint,
    )


def line(payment: Payment) -> JournalLine:
    """The one line: money paid back is positive, a debit of the customer."""
    return JournalLine(-payment.total)


def body(
    payment: Payment, number: str, payer: Buyer, day: PostingDay, wanted: JournalLine, *, account: str
) -> dict[str, Any]:
    """The line of the general journal; each type goes before its number, which it would clear (facts 2.11)."""
    return {
        "accountType": "Customer",
        "accountNumber": payer.number,
        "postingDate": day.on,
        "documentNumber": number,
        "externalDocumentNumber": external_number(payment),
        "amount": wanted.amount,
        "description": description(payment, day),
        "balanceAccountType": GL_ACCOUNT,
        "balancingAccountNumber": account,
    }


def stands_right(code: str, standing: OpenLine, *, journal: str, day: PostingDay, payer: Buyer, account: str) -> bool:
    """Whether a line in a journal is the one we would make now, its amount apart."""
    where = (standing.entity, code, standing.balancing_account)
    what = (standing.posting_date, standing.customer_number)
    return (where, what) == (("journalLines", journal, account), (day.on, payer.number.upper()))


def is_booked(total: Decimal, by_account: Mapping[str, Decimal], account: str = "") -> bool:
    """Whether entries under our document number are this refund: its account was credited with exactly its amount.

    A receipt that somebody posted under the number has the opposite sign. Without a known account, any will do.
    """
    if account:
        return by_account.get(account) == total
    return min(by_account.values(), default=Decimal(0)) == total


def to_apply(
    payment: Payment,
    payer_number: str,
    original: Link,
    known: Carried,
    payables: Mapping[str, Payable],
    *,
    entry: str,
) -> Reason | None:
    """What a person has to apply a posted refund to; None once it is."""
    if known.settled and all(one.invoice_id in known.applied for one in payment.applications):
        return None
    left = open_parts(payment, known, payables)
    if payment.applications and not left and not _credits(payment, payables):
        return None
    back = -payment.total
    return Reason(
        "apply-in-business-central",
        f"{back:,.2f} paid back stands in the books as {entry}, open on the customer's account. "
        + " ".join(_belongs_to(payment, original, payables)),
        f"Page Customer Ledger Entries, customer {payer_number}: unapply the payment first if it is applied, then stand on "
        f"{entry}, choose Apply Entries, and set what it belongs to as applied. Then say so: stsync applied payment "
        f"{payment.id}",
    )


def _credits(payment: Payment, payables: Mapping[str, Payable]) -> bool:
    """Whether it settles a credit, of which Business Central shows no remaining amount."""
    return any(payables[one.invoice_id].credit for one in payment.applications)


def _belongs_to(payment: Payment, original: Link, payables: Mapping[str, Payable]) -> list[str]:
    said: list[str] = []
    if payment.refunded_payment is not None:
        number = original.number or natural_key(payment.refunded_payment)
        there = f"payment {number}" if original.posted else f"ServiceTitan's payment {payment.refunded_payment}"
        said.append(f"It gives back {there}.")
    for one in payment.applications:
        payable = payables[one.invoice_id]
        shown = shown_invoice(one, payable)
        if payable.credit:
            said.append(f"Apply it to the credit memo of adjustment {shown}.")
        elif payable.nothing:
            said.append(f"ServiceTitan applies it to invoice {shown}, which has nothing on it.")
        else:
            said.append(f"It opens invoice {shown} again: unapply the payment from it, and apply it to that payment.")
    if not payment.applications:
        said.append(
            "Apply it to what is left of that payment." if said else "It is applied to nothing in ServiceTitan."
        )
    return said
