"""Documents whose number or life is not what it seems, and those that `later.py` will change after posting."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from stsync.sandbox.company.billing import Heading, invoice
from stsync.sandbox.company.crm import customer
from stsync.sandbox.company.lines import labor, part
from stsync.sandbox.company.office import Office, june
from stsync.sandbox.company.receipts import payment
from stsync.sandbox.company.values import Ref, of


def renumbered(office: Office) -> list[Ref]:
    """The office gave the invoice a number of its own; it is not the job's (trap 21)."""
    heading = Heading(number="INV-2026-0610-A")
    return of("invoices", invoice(office, customer(office), june(10), [labor("233.00")], heading))


def duplicate_reference_numbers(office: Office) -> list[Ref]:
    """Two invoices of different customers under one number, one after the other."""
    heading = Heading(number="100200")
    works = [invoice(office, customer(office), june(on), [labor("118.00")], heading) for on in (10, 24)]
    return of("invoices", *works)


def reference_number_missing(office: Office) -> list[Ref]:
    """An invoice without any number."""
    row = invoice(office, customer(office), june(11), [labor("119.00")])
    row["referenceNumber"] = None
    return of("invoices", row)


def voided_before_transfer(office: Office) -> list[Ref]:
    """Cancelled before anything was transferred: inactive, with its lines still on it."""
    row = invoice(office, customer(office), june(12), [labor("305.00")])
    row.update(active=False, balance="0.00")
    return of("invoices", row)


def mismatched_total(office: Office) -> list[Ref]:
    """The lines and the tax do not add up to the total by one cent; whatever made it so, it must not be posted."""
    row = invoice(office, customer(office), june(16), [labor("99.00"), part("20.00")])
    row["total"] = row["balance"] = str(Decimal(row["total"]) + Decimal("0.01"))
    return of("invoices", row)


def pending_empty_job(office: Office) -> list[Ref]:
    """A job that was booked and not begun: its invoice exists already, empty and pending."""
    return of("invoices", invoice(office, customer(office), june(29), [], Heading(status="Pending")))


def changed_after_posting(office: Office) -> list[Ref]:
    """Six ordinary invoices, one of them with two lines, that `later.py` edits once they are in the books."""
    owner = customer(office)
    heading = Heading()
    works = [
        invoice(office, owner, june(20 + position), [labor(f"{400 + position}.00"), part("50.00")], heading)
        for position in range(5)
    ]
    works.append(invoice(office, owner, june(25), [labor("500.00")], replace(heading, unit="Phoenix Electrical")))
    return [*of("customers", owner), *of("invoices", *works)]


def payment_changed_after_posting(office: Office) -> list[Ref]:
    """Two invoices of equal amount and two payments; later one payment is voided, the other applied elsewhere."""
    owner = customer(office)
    works = [invoice(office, owner, june(on), [labor("260.00")]) for on in (22, 23)]
    full = Decimal("260.00")
    paid = [
        payment(office, owner, june(22), full, "Check", applied=[(works[0], full)]),
        payment(office, owner, june(23), Decimal("100.00"), applied=[(works[1], Decimal("100.00"))]),
    ]
    return [*of("invoices", *works), *of("payments", *paid)]


def merged_after_posting(office: Office) -> list[Ref]:
    """Two customers with an invoice each who later turn out to be one."""
    people = [customer(office, "Lena Shaw"), customer(office, "Lena R. Shaw")]
    works = [invoice(office, person, june(9), [labor("188.00")]) for person in people]
    return [*of("customers", *people), *of("invoices", *works)]


ALL = (
    renumbered,
    duplicate_reference_numbers,
    reference_number_missing,
    voided_before_transfer,
    mismatched_total,
    pending_empty_job,
    changed_after_posting,
    payment_changed_after_posting,
    merged_after_posting,
)
