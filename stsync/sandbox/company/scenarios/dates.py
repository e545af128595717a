"""Days: before go-live, in a period the books have closed, at the edges of the month, and missing."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from stsync.sandbox.company.billing import Heading, invoice
from stsync.sandbox.company.crm import customer
from stsync.sandbox.company.lines import labor
from stsync.sandbox.company.office import MONTH_FIRST, MONTH_LAST, Office, june
from stsync.sandbox.company.receipts import payment
from stsync.sandbox.company.values import Ref, of


def closed_period(office: Office) -> list[Ref]:
    """Dated May 28 and posted late: after go-live, but the books are open for June only."""
    row = invoice(office, customer(office), date(2026, 5, 28), [labor("264.00")])
    row["modifiedOn"] = office.at(june(3))
    return of("invoices", row)


def payment_in_closed_period(office: Office) -> list[Ref]:
    """A check of May 30, entered in June, for an invoice of June."""
    owner = customer(office)
    work = invoice(office, owner, june(2), [labor("330.00")])
    check = payment(
        office,
        owner,
        date(2026, 5, 30),
        Decimal("330.00"),
        "Check",
        applied=[(work, Decimal("330.00"))],
        applied_on=june(2),
    )
    return [*of("invoices", work), *of("payments", check)]


def before_go_live(office: Office) -> list[Ref]:
    """An invoice of April, before go-live, that a customer pays in June: it is in the books from elsewhere, or nowhere."""
    owner = customer(office)
    work = invoice(office, owner, date(2026, 4, 21), [labor("540.00")])
    paid = payment(office, owner, june(5), Decimal("540.00"), "Check", applied=[(work, Decimal("540.00"))])
    return [*of("invoices", work), *of("payments", paid)]


def invoice_date_missing(office: Office) -> list[Ref]:
    """Posted without an invoice date."""
    row = invoice(office, customer(office), june(9), [labor("120.00")])
    row["invoiceDate"] = row["dueDate"] = None
    return of("invoices", row)


def due_date_missing(office: Office) -> list[Ref]:
    """Posted without a due date and without a term."""
    row = invoice(office, customer(office), june(9), [labor("121.00")])
    row["dueDate"] = row["termName"] = None
    return of("invoices", row)


def edges_of_the_month(office: Office) -> list[Ref]:
    """Dated on the first and the last day: a time zone applied to midnight would move both (trap 22)."""
    owner = customer(office)
    first = invoice(office, owner, MONTH_FIRST, [labor("101.00")])
    last = invoice(office, owner, MONTH_LAST, [labor("130.00")])
    # Written at half past nine in the evening of the 30th in Phoenix, which is July in UTC.
    last["createdOn"] = "2026-07-01T04:30:00.5Z"
    last["modifiedOn"] = "2026-07-01T04:31:12Z"
    return of("invoices", first, last)


def due_next_year(office: Office) -> list[Ref]:
    """The due date was agreed by hand, half a year on, and follows from no term."""
    heading = Heading(unit="Commercial Services", term="10th of Following Month")
    row = invoice(office, customer(office, commercial=True), june(24), [labor("3100.00", account="4400")], heading)
    row["dueDate"] = "2027-01-15T00:00:00Z"
    return of("invoices", row)


ALL = (
    closed_period,
    payment_in_closed_period,
    before_go_live,
    invoice_date_missing,
    due_date_missing,
    edges_of_the_month,
    due_next_year,
)
