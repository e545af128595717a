"""Documents at or below zero: adjustments, credit memos, deferred revenue, deposits as pricebook items."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from stsync.sandbox.company.billing import Heading, adjustment, invoice
from stsync.sandbox.company.credits import credit_memo
from stsync.sandbox.company.crm import customer
from stsync.sandbox.company.lines import labor, part
from stsync.sandbox.company.office import Office, june
from stsync.sandbox.company.receipts import payment
from stsync.sandbox.company.values import Ref, of

_MEMBERSHIP = Heading(unit="Phoenix HVAC Maintenance", configuration="MembershipInvoice", kind="Membership")


def deferred_revenue_recognition(office: Office) -> list[Ref]:
    """A $0.00 visit of a membership: income above, deferred liability below. Skipping it loses revenue (trap 17)."""
    member = customer(office)
    sale = invoice(office, member, june(1), [labor("228.00", "Membership, one year", account="2400")], _MEMBERSHIP)
    lines = [
        labor("114.00", "Spring tune-up, member", account="4500"),
        labor("-114.00", "From deferred memberships", account="2400"),
    ]
    visit = invoice(office, member, june(17), lines, replace(_MEMBERSHIP, kind="Maintenance"))
    return of("invoices", sale, visit)


def empty_zero_invoice(office: Office) -> list[Ref]:
    """Posted invoices of $0.00 with nothing on them: one without items, one whose items are null, one free line."""
    owner = customer(office)
    bare = invoice(office, owner, june(3), [])
    null_items = invoice(office, owner, june(3), [])
    null_items["items"] = None
    free = invoice(office, owner, june(3), [labor("0.00", "Recall, no charge")])
    return of("invoices", bare, null_items, free)


def adjustment_above_zero(office: Office) -> list[Ref]:
    """A second invoice that adds to an earlier one, which somebody had already paid."""
    owner = customer(office)
    original = invoice(office, owner, june(8), [labor("320.00")])
    receipt = payment(office, owner, june(8), Decimal("320.00"), applied=[(original, Decimal("320.00"))])
    extra = adjustment(office, owner, original, june(19), [labor("85.00", "Forgotten second hour")])
    return [*of("invoices", original, extra), *of("payments", receipt)]


def adjustment_below_zero(office: Office) -> list[Ref]:
    """An adjustment that takes back part of an open invoice, tax included; it is a credit in the books."""
    owner = customer(office, zone="Scottsdale")
    lines = [labor("410.00"), part("96.35")]
    original = invoice(office, owner, june(9), lines, Heading(zone="Scottsdale"))
    credit = adjustment(office, owner, original, june(22), [part("-96.35", "Part was under warranty")])
    return of("invoices", original, credit)


def adjustment_before_its_original(office: Office) -> list[Ref]:
    """An adjustment that the feed delivers before the invoice it adjusts (trap 37)."""
    owner = customer(office)
    original = invoice(office, owner, june(18), [labor("500.00")])
    credit = adjustment(office, owner, original, june(19), [labor("-50.00", "Late arrival")])
    credit["modifiedOn"] = "2026-06-20T16:00:00Z"
    original["modifiedOn"] = "2026-06-24T16:00:00Z"
    return of("invoices", original, credit)


def negative_total(office: Office) -> list[Ref]:
    """An invoice below zero that adjusts nothing: a membership was cancelled and its rest given back."""
    lines = [labor("-95.00", "Membership cancelled", account="2400")]
    return of("invoices", invoice(office, customer(office), june(23), lines, _MEMBERSHIP))


def credit_memo_applied(office: Office) -> list[Ref]:
    """A ServiceTitan credit memo, applied to the invoice it was written for."""
    owner = customer(office, zone="Mesa")
    heading = Heading(unit="East Valley HVAC Service", zone="Mesa")
    original = invoice(office, owner, june(10), [labor("289.00"), part("72.00")], heading)
    lines = [part("72.00", "Part returned")]
    memo = credit_memo(office, owner, june(24), lines, heading, applied=[(original, Decimal("77.98"))])
    return [*of("invoices", original), *of("credit_memos", memo)]


def credit_memo_unapplied(office: Office) -> list[Ref]:
    """A credit memo that nobody has applied yet, across two business units."""
    owner = customer(office, zone="Mesa")
    lines = [
        labor("40.00", "Goodwill"),
        labor("60.00", "Goodwill", account="4200", unit="East Valley Plumbing"),
    ]
    heading = Heading(unit="East Valley HVAC Service", zone="Mesa")
    return of("credit_memos", credit_memo(office, owner, june(25), lines, heading))


def deposit_item_on_liability(office: Office) -> list[Ref]:
    """A deposit sold as a pricebook item on the liability account, taken back by a negative line on the final invoice."""
    owner = customer(office)
    install = Heading(unit="Phoenix HVAC Install", kind="Install")
    deposit = invoice(office, owner, june(2), [labor("1500.00", "Deposit, new system", account="2300")], install)
    paid = payment(office, owner, june(2), Decimal("1500.00"), "Check", applied=[(deposit, Decimal("1500.00"))])
    lines = [
        labor("7900.00", "New heat pump, installed", account="4110"),
        labor("-1500.00", "Deposit received", account="2300"),
    ]
    final = invoice(office, owner, june(26), lines, install)
    return [*of("invoices", deposit, final), *of("payments", paid)]


ALL = (
    deferred_revenue_recognition,
    empty_zero_invoice,
    adjustment_above_zero,
    adjustment_below_zero,
    adjustment_before_its_original,
    negative_total,
    credit_memo_applied,
    credit_memo_unapplied,
    deposit_item_on_liability,
)
