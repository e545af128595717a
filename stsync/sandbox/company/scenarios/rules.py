"""Dimensions beyond the business unit: by job type, trade and location, and the books' rules about them."""

from __future__ import annotations

from stsync.sandbox.company import shapes
from stsync.sandbox.company.billing import Heading, invoice
from stsync.sandbox.company.crm import customer, location
from stsync.sandbox.company.history import card, same_number
from stsync.sandbox.company.lines import labor
from stsync.sandbox.company.office import Office, june
from stsync.sandbox.company.values import Ref, of

# Without a code for them in the demo configuration: the job type below is new.
NEW_JOB_TYPE = "Warranty Visit"


def job_types(office: Office) -> list[Ref]:
    """Three invoices of one customer whose jobs are a service call, an installation and a maintenance visit."""
    owner = customer(office)
    kinds = (
        ("Service", "Phoenix HVAC Service"),
        ("Install", "Phoenix HVAC Install"),
        ("Maintenance", "Phoenix HVAC Maintenance"),
    )
    works = [
        invoice(office, owner, june(8 + position), [labor(f"{310 + position}.00")], Heading(unit=unit, kind=kind))
        for position, (kind, unit) in enumerate(kinds)
    ]
    return of("invoices", *works)


def trades(office: Office) -> list[Ref]:
    """One invoice whose lines are heating, plumbing and electrical work: the trade follows from each line's unit."""
    lines = [
        labor("101.00"),
        labor("102.00", account="4200", unit="Phoenix Drain & Sewer"),
        labor("103.00", account="4300", unit="Phoenix Electrical"),
    ]
    return of("invoices", invoice(office, customer(office), june(11), lines))


def service_locations(office: Office) -> list[Ref]:
    """A school with two campuses: the customer is one, the location of each invoice another."""
    owner = customer(office, "Sonoran Preparatory School", commercial=True)
    works = []
    for position, name in enumerate(("North Campus", "South Campus")):
        place = location(office, owner, "Phoenix", name=name)
        heading = Heading(unit="Commercial Services", term="Net 30")
        works.append(
            invoice(office, owner, june(12 + position), [labor(f"{410 + position}.00", account="4400")], heading)
        )
        works[-1]["location"] = shapes.named(place["id"], name)
    return [*of("customers", owner), *of("locations", *office.locations[-2:]), *of("invoices", *works)]


def job_type_without_code(office: Office) -> list[Ref]:
    """A job of a type that the office made up last week; no code of the books stands for it yet."""
    row = invoice(office, customer(office), june(15), [labor("88.00")])
    row["job"]["type"] = NEW_JOB_TYPE
    return of("invoices", row)


def invoice_without_job(office: Office) -> list[Ref]:
    """A counter sale: no job, so no job type."""
    heading = Heading(configuration="CounterSales", kind="Counter Sale")
    return of("invoices", invoice(office, customer(office), june(15), [labor("22.00", "Filter")], heading))


def default_dimension_on_customer(office: Office) -> list[Ref]:
    """The customer's card has a department of its own; the lines of the invoice belong to other departments."""
    owner = customer(office, "Gadsden Realty Partners", commercial=True)
    card(office, owner, same_number(owner), defaults=(("DEPARTMENT", "COMM", " "),))
    lines = [labor("205.00"), labor("95.00", account="4200", unit="Phoenix Plumbing Service")]
    return [*of("customers", owner), *of("invoices", invoice(office, owner, june(16), lines))]


def mandatory_dimension_on_customer(office: Office) -> list[Ref]:
    """The customer's card demands a channel on every posting and has no value for it."""
    owner = customer(office, "Ocotillo Assisted Living", commercial=True)
    card(office, owner, same_number(owner), defaults=(("CHANNEL", "", "Code Mandatory"),))
    return [*of("customers", owner), *of("invoices", invoice(office, owner, june(17), [labor("215.00")]))]


def fixed_dimension_on_customer(office: Office) -> list[Ref]:
    """The customer's card fixes the department (Same Code) to one that the invoice's business unit is not."""
    owner = customer(office, "Maricopa Cold Storage", commercial=True)
    card(office, owner, same_number(owner), defaults=(("DEPARTMENT", "COMM", "Same Code"),))
    return [*of("customers", owner), *of("invoices", invoice(office, owner, june(18), [labor("225.00")]))]


def forbidden_dimension_on_customer(office: Office) -> list[Ref]:
    """The customer's card wants no project on any posting (No Code); none is sent, so nothing is wrong."""
    owner = customer(office, "Tempe Lutheran Home", commercial=True)
    card(office, owner, same_number(owner), defaults=(("PROJECT", "", "No Code"),))
    return [*of("customers", owner), *of("invoices", invoice(office, owner, june(18), [labor("226.00")]))]


def mandatory_dimension_on_account(office: Office) -> list[Ref]:
    """A line on an account that wants a trade on every entry, by a rule that the books' API does not show."""
    lines = [labor("235.00", "Warranty work, paid by the maker", account="4720")]
    return of("invoices", invoice(office, customer(office), june(19), lines))


ALL = (
    job_types,
    trades,
    service_locations,
    job_type_without_code,
    invoice_without_job,
    default_dimension_on_customer,
    mandatory_dimension_on_customer,
    fixed_dimension_on_customer,
    forbidden_dimension_on_customer,
    mandatory_dimension_on_account,
)
