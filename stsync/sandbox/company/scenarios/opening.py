"""Open invoices from before go-live, brought over into the books in different ways, and paid after go-live."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from stsync.sandbox.company.billing import invoice
from stsync.sandbox.company.crm import customer
from stsync.sandbox.company.history import BooksCustomer, card, contact, opening
from stsync.sandbox.company.lines import labor
from stsync.sandbox.company.office import Office, june
from stsync.sandbox.company.receipts import payment
from stsync.sandbox.company.values import Ref, Row, of


def _known(office: Office, name: str) -> tuple[Row, BooksCustomer]:
    """A customer whose name nobody else in the month has: a card of the books would make every namesake doubtful."""
    owner = customer(office, name)
    return owner, card(office, owner, email=contact(office, owner, "Email"))


def opening_as_sales_invoice(office: Office) -> list[Ref]:
    """An open invoice of April 14; the books have it as a posted sales invoice with ServiceTitan's number. Paid June 9."""
    owner, known = _known(office, "Opal Winterbourne")
    work = invoice(office, owner, date(2026, 4, 14), [labor("460.00")])
    opening(office, known, f"OLD-{work['referenceNumber']}", "460.00", external_number=work["referenceNumber"])
    paid = payment(office, owner, june(9), Decimal("460.00"), "Check", applied=[(work, Decimal("460.00"))])
    return [*of("customers", owner), *of("invoices", work), *of("payments", paid)]


def opening_by_journal(office: Office) -> list[Ref]:
    """An open invoice of April 20 that a general journal brought over; it has no sales invoice, and is paid in two parts."""
    owner, known = _known(office, "Jasper Kowalczyk")
    work = invoice(office, owner, date(2026, 4, 20), [labor("700.00")])
    opening(office, known, work["referenceNumber"], "700.00", by_journal=True)
    paid = [
        payment(office, owner, june(on), Decimal(amount), "Check", applied=[(work, Decimal(amount))])
        for on, amount in ((4, "300.00"), (18, "400.00"))
    ]
    return [*of("customers", owner), *of("invoices", work), *of("payments", *paid)]


def opening_under_another_number(office: Office) -> list[Ref]:
    """Brought over under a number of the old books: only customer, day and amount say which invoice it is."""
    owner, known = _known(office, "Minerva Thistlewood")
    work = invoice(office, owner, date(2026, 4, 27), [labor("385.50")])
    opening(office, known, "OB-2207", "385.50", by_journal=True, on=date(2026, 4, 27))
    paid = payment(office, owner, june(12), Decimal("385.50"), applied=[(work, Decimal("385.50"))])
    return [*of("customers", owner), *of("invoices", work), *of("payments", paid)]


def opening_of_equal_amounts(office: Office) -> list[Ref]:
    """Two open invoices of one customer over the same amount, and two opening entries: which is which, a person says."""
    owner, known = _known(office, "Ambrose Delacroix")
    works = [invoice(office, owner, date(2026, 4, on), [labor("150.00")]) for on in (15, 22)]
    for number in ("OB-2301", "OB-2302"):
        opening(office, known, number, "150.00", by_journal=True)
    paid = payment(office, owner, june(15), Decimal("150.00"), "Check", applied=[(works[1], Decimal("150.00"))])
    return [*of("customers", owner), *of("invoices", *works), *of("payments", paid)]


def opening_partly_paid(office: Office) -> list[Ref]:
    """$900.00 of April, $400.00 paid before go-live: the books brought over the $500.00 that were left. Paid in June."""
    owner, known = _known(office, "Tabitha Ravenscroft")
    work = invoice(office, owner, date(2026, 4, 10), [labor("900.00")])
    opening(office, known, f"OLD-{work['referenceNumber']}", "500.00", external_number=work["referenceNumber"])
    paid = [
        payment(office, owner, on, Decimal(amount), "Check", applied=[(work, Decimal(amount))])
        for on, amount in ((date(2026, 4, 25), "400.00"), (june(10), "500.00"))
    ]
    return [*of("customers", owner), *of("invoices", work), *of("payments", *paid)]


def opening_of_another_amount(office: Office) -> list[Ref]:
    """The books brought over $10.00 more than ServiceTitan says is owed; nobody has paid yet."""
    owner, known = _known(office, "Leopold Vanterpool")
    work = invoice(office, owner, date(2026, 4, 28), [labor("240.00")])
    opening(office, known, work["referenceNumber"], "250.00", by_journal=True)
    return [*of("customers", owner), *of("invoices", work)]


def opening_credit(office: Office) -> list[Ref]:
    """A deposit of April, in the books as an open credit, that ServiceTitan applied to an invoice of June."""
    owner, known = _known(office, "Cordelia Haverford")
    opening(office, known, "OB-2410", "-300.00", by_journal=True)
    work = invoice(office, owner, june(16), [labor("820.00")])
    full = [(work, Decimal("300.00"))]
    deposit = payment(office, owner, date(2026, 4, 29), Decimal("300.00"), "Check", applied=full, applied_on=june(16))
    return [*of("customers", owner), *of("invoices", work), *of("payments", deposit)]


ALL = (
    opening_as_sales_invoice,
    opening_by_journal,
    opening_under_another_number,
    opening_of_equal_amounts,
    opening_partly_paid,
    opening_of_another_amount,
    opening_credit,
)
