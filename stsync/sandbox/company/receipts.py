"""Payments, and the negative payments that ServiceTitan uses for refunds and returned checks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from stsync.sandbox.company import shapes
from stsync.sandbox.company.billing import settle
from stsync.sandbox.company.chart import ACCOUNT, PAYMENT_TYPE, UNIT
from stsync.sandbox.company.office import Office, batch
from stsync.sandbox.company.values import ZERO, Row, day, money

Applied = tuple[Row, Decimal]


def payment(
    office: Office,
    customer: Row,
    on: date,
    total: Decimal,
    kind: str = "Credit Card",
    *,
    applied: Sequence[Applied] = (),
    applied_on: date | None = None,
    status: str = "Posted",
    refunds: Row | None = None,
    memo: str | None = None,
    payment_id: int | None = None,
) -> Row:
    """A payment spread over invoices; what is left is unapplied (facts, section 6, "Many-to-many")."""
    applied_on = applied_on or on
    payment_id = payment_id or office.next_id("payments")
    created = office.at(on, 1)
    row = shapes.filled(
        shapes.PAYMENT_KEYS,
        id=payment_id,
        active=True,
        appliedTo=[application(office, invoice, amount, applied_on) for invoice, amount in applied],
        batch=batch(on, status),
        businessUnit=applied[0][0]["businessUnit"] if applied else UNIT["Phoenix HVAC Service"].link,
        createdBy="office",
        createdOn=created,
        customer=shapes.named(customer["id"], customer["name"]),
        date=day(on),
        memo=memo,
        modifiedOn=max(office.at(applied_on, 8), created),
        referenceNumber=str(payment_id),
        refundedPaymentId=refunds["id"] if refunds else None,
        syncStatus=status,
        total=money(total),
        unappliedAmount=money(total - sum((amount for _, amount in applied), ZERO)),
        **_means(office, kind),
    )
    office.payments.append(row)
    for invoice, amount in applied:
        settle(invoice, amount, on=applied_on, at=row["modifiedOn"])
    return row


def _means(office: Office, kind: str) -> Row:
    entry = PAYMENT_TYPE[kind]
    return {
        "type": kind,
        "typeId": str(entry.id),  # text here, an integer in writes (trap 27)
        "generalLedgerAccount": ACCOUNT[entry.account].link,
        "authCode": f"{office.rng.randint(0, 999_999):06d}" if kind == "Credit Card" else None,
        "checkNumber": str(office.rng.randint(1001, 9999)) if kind == "Check" else None,
    }


def application(office: Office, invoice: Row, amount: Decimal, on: date) -> Row:
    """One application of a payment to an invoice."""
    return {
        "appliedAmount": money(amount),
        "appliedBy": "office",
        "appliedId": office.next_id("applications"),
        "appliedOn": office.at(on, 1),
        "appliedTo": invoice["id"],
        "appliedToReferenceNumber": invoice["referenceNumber"],
    }
