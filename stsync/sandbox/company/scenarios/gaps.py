"""What the accountant has not decided yet: documents that must be held, each naming the line to add."""

from __future__ import annotations

from decimal import Decimal

from stsync.sandbox.company.billing import Heading, invoice
from stsync.sandbox.company.chart import ACCOUNT_WITHOUT_MAPPING, PAYMENT_TYPE_WITHOUT_MAPPING, UNIT_WITHOUT_DIMENSION
from stsync.sandbox.company.crm import customer
from stsync.sandbox.company.lines import labor
from stsync.sandbox.company.office import Office, june
from stsync.sandbox.company.receipts import payment
from stsync.sandbox.company.values import Ref, Row, of


def unmapped_business_unit(office: Office) -> list[Ref]:
    """Two invoices with a line of a business unit whose code the books do not have as a dimension value."""
    solar = Heading(unit=UNIT_WITHOUT_DIMENSION, zone="Mesa", kind="Install")
    whole = invoice(office, customer(office, zone="Mesa"), june(8), [labor("640.00", account="4300")], solar)
    lines = [labor("210.00"), labor("90.00", account="4300", unit=UNIT_WITHOUT_DIMENSION)]
    return of("invoices", whole, invoice(office, customer(office), june(9), lines))


def unmapped_payment_type(office: Office) -> list[Ref]:
    """Three payments of a type that the configuration does not mention; their invoices are fine."""
    works: list[Row] = []
    paid: list[Row] = []
    for on, price in ((5, "89.00"), (12, "189.00"), (19, "289.00")):
        owner = customer(office)
        works.append(invoice(office, owner, june(on), [labor(price)]))
        applied = [(works[-1], Decimal(price))]
        paid.append(payment(office, owner, june(on), Decimal(price), PAYMENT_TYPE_WITHOUT_MAPPING, applied=applied))
    return [*of("invoices", *works), *of("payments", *paid)]


def unmapped_account(office: Office) -> list[Ref]:
    """Two invoices with a line on an account that the configuration does not mention; one is already paid."""
    owner = customer(office)
    rental = labor("150.00", "Generator, two days", account=ACCOUNT_WITHOUT_MAPPING)
    heading = Heading(unit="Phoenix Electrical")
    first = invoice(office, owner, june(15), [rental], heading)
    second = invoice(office, customer(office), june(22), [labor("320.00", account="4300"), rental], heading)
    paid = payment(office, owner, june(15), Decimal("150.00"), applied=[(first, Decimal("150.00"))])
    return [*of("invoices", first, second), *of("payments", paid)]


def unknown_term(office: Office) -> list[Ref]:
    """A term that was typed once and is in no list."""
    row = invoice(office, customer(office), june(18), [labor("410.00")])
    row["termName"] = "When the insurance pays"
    return of("invoices", row)


def item_without_account(office: Office) -> list[Ref]:
    """A charged line whose account link is null (trap 19)."""
    return of("invoices", invoice(office, customer(office), june(19), [labor("230.00"), labor("55.00", account=None)]))


def item_without_business_unit(office: Office) -> list[Ref]:
    """A charged line that names no business unit; the header names one."""
    row = invoice(office, customer(office), june(19), [labor("145.00")])
    row["items"][0]["businessUnit"] = None
    return of("invoices", row)


def no_business_unit_at_all(office: Office) -> list[Ref]:
    """Neither the line nor the header names a business unit."""
    row = invoice(office, customer(office), june(19), [labor("146.00")])
    row["businessUnit"] = row["items"][0]["businessUnit"] = None
    return of("invoices", row)


ALL = (
    unmapped_business_unit,
    unmapped_payment_type,
    unmapped_account,
    unknown_term,
    item_without_account,
    item_without_business_unit,
    no_business_unit_at_all,
)
