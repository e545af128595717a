"""ServiceTitan credit memos that one application to one open invoice does not describe."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from stsync.sandbox.company.billing import Heading, invoice
from stsync.sandbox.company.credits import credit_memo
from stsync.sandbox.company.crm import customer
from stsync.sandbox.company.lines import labor, part
from stsync.sandbox.company.office import Office, june
from stsync.sandbox.company.receipts import payment
from stsync.sandbox.company.values import Ref, of

_HEADING = Heading()


def credit_memo_over_several_invoices(office: Office) -> list[Ref]:
    """One credit memo applied to three invoices; a sales credit memo of Business Central applies to one only."""
    owner = customer(office)
    works = [
        invoice(office, owner, june(on), [labor(price)]) for on, price in ((3, "140.00"), (4, "90.00"), (5, "75.00"))
    ]
    shares = [(works[0], Decimal("60.00")), (works[1], Decimal("90.00")), (works[2], Decimal("30.00"))]
    memo = credit_memo(office, owner, june(23), [labor("180.00", "Settlement")], _HEADING, applied=shares)
    return [*of("invoices", *works), *of("credit_memos", memo)]


def credit_memo_on_paid_invoice(office: Office) -> list[Ref]:
    """A credit memo for an invoice that was paid in full; ServiceTitan shows the invoice below zero, the money is owed."""
    owner = customer(office)
    work = invoice(office, owner, june(6), [labor("260.00")])
    paid = payment(office, owner, june(6), Decimal("260.00"), applied=[(work, Decimal("260.00"))])
    applied = [(work, Decimal("45.00"))]
    memo = credit_memo(office, owner, june(24), [labor("45.00", "Goodwill")], _HEADING, applied=applied)
    return [*of("invoices", work), *of("payments", paid), *of("credit_memos", memo)]


def credit_memo_partly_applied(office: Office) -> list[Ref]:
    """A credit memo of $200.00 of which $80.00 closed an invoice; $120.00 are left for the next visit."""
    owner = customer(office)
    work = invoice(office, owner, june(10), [labor("80.00")])
    applied = [(work, Decimal("80.00"))]
    memo = credit_memo(office, owner, june(22), [labor("200.00", "Goodwill")], _HEADING, applied=applied)
    return [*of("invoices", work), *of("credit_memos", memo)]


def credit_memo_with_tax_in_several_zones(office: Office) -> list[Ref]:
    """A taxed credit memo in a zone of three authorities, for a part that came back."""
    owner = customer(office, zone="Glendale")
    heading = Heading(unit="West Valley HVAC", zone="Glendale")
    work = invoice(office, owner, june(11), [labor("120.00"), part("37.40"), part("29.70")], heading)
    memo = credit_memo(office, owner, june(25), [part("37.40", "Part returned")], heading)
    return [*of("invoices", work), *of("credit_memos", memo)]


def credit_memo_in_closed_period(office: Office) -> list[Ref]:
    """A credit memo dated May 29 and posted in June: the books are open for June only."""
    memo = credit_memo(office, customer(office), date(2026, 5, 29), [labor("66.00", "Goodwill")], _HEADING)
    memo["modifiedOn"] = office.at(june(4))
    return of("credit_memos", memo)


def credit_memo_pending_or_voided(office: Office) -> list[Ref]:
    """Two credit memos that do not belong in the books: one nobody posted yet, one voided before any transfer."""
    pending = credit_memo(office, customer(office), june(28), [labor("25.00")], Heading(status="Pending"))
    voided = credit_memo(office, customer(office), june(12), [labor("35.00")], _HEADING)
    voided["active"] = False
    return of("credit_memos", pending, voided)


ALL = (
    credit_memo_over_several_invoices,
    credit_memo_on_paid_invoice,
    credit_memo_partly_applied,
    credit_memo_with_tax_in_several_zones,
    credit_memo_in_closed_period,
    credit_memo_pending_or_voided,
)
