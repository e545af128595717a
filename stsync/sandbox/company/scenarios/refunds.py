"""Money that goes back: ServiceTitan keeps all of it as negative payments (trap 26)."""

from __future__ import annotations

from decimal import Decimal

from stsync.sandbox.company.billing import adjustment, invoice
from stsync.sandbox.company.crm import customer
from stsync.sandbox.company.lines import labor
from stsync.sandbox.company.office import Office, june
from stsync.sandbox.company.receipts import payment
from stsync.sandbox.company.values import Ref, of


def refund(office: Office) -> list[Ref]:
    """Paid $600.00, then $200.00 given back: an adjustment below zero, settled by a negative payment that names the first."""
    owner = customer(office)
    work = invoice(office, owner, june(5), [labor("600.00")])
    paid = payment(office, owner, june(5), Decimal("600.00"), applied=[(work, Decimal("600.00"))])
    lines = [labor("-200.00", "Refund agreed")]
    credit = adjustment(office, owner, work, june(18), lines, refunded=True)
    back = payment(
        office, owner, june(18), Decimal("-200.00"), "Refund", applied=[(credit, Decimal("-200.00"))], refunds=paid
    )
    return [*of("invoices", work, credit), *of("payments", paid, back)]


def bounced_check(office: Office) -> list[Ref]:
    """A check that came back unpaid: a negative payment on the same invoice opens it again."""
    owner = customer(office)
    work = invoice(office, owner, june(8), [labor("315.00")])
    check = payment(office, owner, june(9), Decimal("315.00"), "Check", applied=[(work, Decimal("315.00"))])
    back = payment(
        office,
        owner,
        june(16),
        Decimal("-315.00"),
        "Returned Check",
        applied=[(work, Decimal("-315.00"))],
        refunds=check,
        memo="NSF",
    )
    return [*of("invoices", work), *of("payments", check, back)]


def refund_of_unapplied_credit(office: Office) -> list[Ref]:
    """A deposit returned because the work was called off; no invoice is touched."""
    owner = customer(office)
    deposit = payment(office, owner, june(4), Decimal("300.00"), "Check")
    back = payment(office, owner, june(22), Decimal("-300.00"), "Refund", refunds=deposit, memo="Called off")
    return of("payments", deposit, back)


ALL = (refund, bounced_check, refund_of_unapplied_credit)
