"""A ServiceTitan payment and the invoices it is applied to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from stsync.core.source import fields
from stsync.core.source.fields import Named, Row


@dataclass(frozen=True)
class Application:
    """A part of a payment applied to one invoice; amount in the payment's currency.

    `applied_on` is the moment of the latest application, UTC to the second; empty when ServiceTitan does not say.
    """

    invoice_id: str
    invoice_number: str
    amount: Decimal
    applied_on: str = ""


@dataclass(frozen=True)
class Payment:
    """What the books need of a payment; a negative total is a refund (trap 26)."""

    id: str
    number: str
    status: str
    active: bool
    paid_on: date | None
    total: Decimal
    type_id: str
    type_name: str
    customer: Named | None
    applications: tuple[Application, ...]
    refunded_payment: str | None
    check_number: str
    memo: str
    business_unit: Named | None = None

    @classmethod
    def parse(cls, row: Row) -> Payment:
        """Read one row of the payments list or export. Raises UnknownShape."""
        return cls(
            id=fields.record_id(row),
            number=fields.text(row, "referenceNumber"),
            status=fields.text(row, "syncStatus"),
            active=fields.flag(row, "active", absent=True),
            paid_on=fields.day(row, "date"),
            total=fields.amount(row, "total"),
            type_id=fields.text(row, "typeId"),
            type_name=fields.text(row, "type"),
            customer=fields.named(row, "customer"),
            applications=applications(row),
            refunded_payment=fields.reference(row, "refundedPaymentId"),
            check_number=fields.text(row, "checkNumber"),
            memo=fields.text(row, "memo"),
            business_unit=fields.named(row, "businessUnit"),
        )

    @property
    def applied(self) -> Decimal:
        """The part that is applied to invoices."""
        return sum((application.amount for application in self.applications), Decimal(0))

    @property
    def unapplied(self) -> Decimal:
        """The rest, a credit on the customer's account (facts section 6, many-to-many)."""
        return self.total - self.applied


def applications(row: Row) -> tuple[Application, ...]:
    """Applications by invoice: several to one invoice are added up, because the set is what matters (trap 25)."""
    amounts: dict[str, Decimal] = {}
    numbers: dict[str, str] = {}
    moments: dict[str, str] = {}
    for entry in fields.parts(row, "appliedTo"):
        invoice = fields.reference(entry, "appliedTo")
        if invoice is None:
            raise fields.UnknownShape("'appliedTo' names no invoice")
        amounts[invoice] = amounts.get(invoice, Decimal(0)) + fields.amount(entry, "appliedAmount")
        numbers[invoice] = fields.text(entry, "appliedToReferenceNumber")
        moments[invoice] = max(moments.get(invoice, ""), fields.second(entry, "appliedOn"))
    return tuple(
        Application(invoice, numbers[invoice], amounts[invoice], moments[invoice])
        for invoice in sorted(amounts, key=int)
        if amounts[invoice] != 0
    )
