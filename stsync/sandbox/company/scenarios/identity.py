"""Who the customer is: names and addresses too long, merged, inactive, alike, missing, and ids beyond 32 bits."""

from __future__ import annotations

from decimal import Decimal

from stsync.sandbox.company.billing import Heading, invoice
from stsync.sandbox.company.crm import customer, merge
from stsync.sandbox.company.lines import labor
from stsync.sandbox.company.office import Office, june
from stsync.sandbox.company.receipts import payment
from stsync.sandbox.company.values import Ref, of


def long_name_and_address(office: Office) -> list[Ref]:
    """A name of more than 100 characters, a street of more than 100, a unit of more than 50, a city of more than 30."""
    name = (
        "The Board of Directors of the Ahwatukee Foothills Village Homeowners Association, Phase Seven, "
        "in care of Sunstone Community Management and Real Estate Services, LLC"
    )
    owner = customer(office, name, commercial=True)
    long_address = {
        "street": "Maintenance Building B behind the East Clubhouse, enter from the service road at the corner of "
        "South Mountain View Parkway and East Chandler Boulevard",
        "unit": "Mechanical room on the second floor, next to the elevator machine room",
        "city": "Ahwatukee Foothills Village of South Phoenix",
    }
    owner["address"].update(long_address)
    office.location_of[owner["id"]]["address"].update(long_address)
    heading = Heading(unit="Commercial Services", term="Net 30")
    row = invoice(office, owner, june(18), [labor("880.00", account="4400")], heading)
    return [*of("customers", owner), *of("invoices", row)]


def merged_customer(office: Office) -> list[Ref]:
    """Three customers merged one after the other; documents still name the first, who is inactive (trap 23)."""
    first, second, survivor = (customer(office, name) for name in ("Jo Vega", "Joan Vega", "Joan M. Vega"))
    work = invoice(office, first, june(3), [labor("290.00")])
    paid = payment(office, first, june(4), Decimal("290.00"), applied=[(work, Decimal("290.00"))])
    middle = invoice(office, second, june(10), [labor("310.00")])
    latest = invoice(office, survivor, june(24), [labor("150.00")])
    merge(office, first, second, office.at(june(15)))
    merge(office, second, survivor, office.at(june(20)))
    return [
        *of("customers", first, second, survivor),
        *of("invoices", work, middle, latest),
        *of("payments", paid),
    ]


def inactive_customer(office: Office) -> list[Ref]:
    """Deactivated after the work was done; not merged with anybody."""
    owner = customer(office, active=False)
    return [*of("customers", owner), *of("invoices", invoice(office, owner, june(11), [labor("199.00")]))]


def same_name_twice(office: Office) -> list[Ref]:
    """Two different people of one name, each with an invoice."""
    people = [customer(office, "Maria Garza"), customer(office, "Maria Garza", zone="Chandler")]
    works = [invoice(office, person, june(12), [labor("175.00")]) for person in people]
    return [*of("customers", *people), *of("invoices", *works)]


def invoice_without_customer(office: Office) -> list[Ref]:
    """A point-of-sale invoice that names no customer and no location."""
    heading = Heading(configuration="CounterSales", kind="Counter Sale")
    row = invoice(office, customer(office), june(13), [labor("35.00", "Filter, over the counter")], heading)
    row.update(customer=None, customerAddress=None, location=None, locationAddress=None)
    return of("invoices", row)


def customer_never_seen(office: Office) -> list[Ref]:
    """Names a customer that no customer feed ever delivers."""
    row = invoice(office, customer(office), june(13), [labor("64.00")])
    row["customer"] = {"id": 9_999_998, "name": "Nobody We Know"}
    return of("invoices", row)


def ids_beyond_32_bits(office: Office) -> list[Ref]:
    """Customer, location, invoice and payment with ids above 2^31 (trap 27)."""
    owner = customer(office, customer_id=2**31 + 17, location_id=2**31 + 18)
    work = invoice(office, owner, june(16), [labor("212.00")], invoice_id=2**33 + 1)
    paid = payment(
        office, owner, june(16), Decimal("212.00"), applied=[(work, Decimal("212.00"))], payment_id=2**33 + 2
    )
    return [*of("customers", owner), *of("invoices", work), *of("payments", paid)]


def ids_beyond_53_bits(office: Office) -> list[Ref]:
    """An invoice and its payment with ids that a binary float cannot hold; two of them are neighbours."""
    owner = customer(office)
    works = [invoice(office, owner, june(17), [labor("77.00")], invoice_id=2**53 + offset) for offset in (0, 1)]
    paid = payment(
        office, owner, june(17), Decimal("77.00"), applied=[(works[1], Decimal("77.00"))], payment_id=2**53 + 3
    )
    return [*of("invoices", *works), *of("payments", paid)]


ALL = (
    long_name_and_address,
    merged_customer,
    inactive_customer,
    same_name_twice,
    invoice_without_customer,
    customer_never_seen,
    ids_beyond_32_bits,
    ids_beyond_53_bits,
)
