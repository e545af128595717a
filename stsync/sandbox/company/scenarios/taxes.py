"""Sales tax that does not follow from rate times taxable lines (trap 20)."""

from __future__ import annotations

from decimal import Decimal

from stsync.sandbox.company.billing import Heading, invoice
from stsync.sandbox.company.crm import customer
from stsync.sandbox.company.lines import labor, part
from stsync.sandbox.company.office import Office, june
from stsync.sandbox.company.values import Ref, of


def tax_on_exempt_customer(office: Office) -> list[Ref]:
    """A school that is exempt, and was charged tax all the same."""
    school = customer(office, "Mesquite Charter School", commercial=True, exempt=True)
    heading = Heading(unit="Commercial Services", term="Net 30")
    row = invoice(office, school, june(9), [part("400.00", account="4400")], heading, tax=Decimal("34.40"))
    return [*of("customers", school), *of("invoices", row)]


def exempt_customer(office: Office) -> list[Ref]:
    """A church that is exempt and was charged no tax, in a zone that has a rate."""
    church = customer(office, "Valley Fellowship Church", commercial=True, exempt=True, zone="Tempe")
    heading = Heading(unit="Commercial Services", zone="Tempe", term="Net 30")
    return of("invoices", invoice(office, church, june(10), [part("250.00", account="4400")], heading))


def tax_edited_by_hand(office: Office) -> list[Ref]:
    """A technician typed $12.00 where the zone's rate gives $10.32."""
    row = invoice(office, customer(office), june(11), [labor("180.00"), part("120.00")], tax=Decimal("12.00"))
    return of("invoices", row)


def several_tax_authorities(office: Office) -> list[Ref]:
    """State, county and city each round their own tax; together a cent more than the sum of the rates would give."""
    heading = Heading(unit="West Valley HVAC", zone="Glendale")
    lines = [part("37.40", "Filter"), part("29.70", "Relay")]
    return of("invoices", invoice(office, customer(office, zone="Glendale"), june(12), lines, heading))


def tax_rounds_badly(office: Office) -> list[Ref]:
    """Twelve taxed lines of $0.31 at 8.05 percent: tax per line and tax on the sum differ."""
    heading = Heading(zone="Scottsdale")
    lines = [part("0.31", f"Screw {position}") for position in range(1, 13)]
    return of("invoices", invoice(office, customer(office, zone="Scottsdale"), june(15), lines, heading))


def tax_zone_id_missing(office: Office) -> list[Ref]:
    """Taxed, but `taxZoneId` is null; only the older `salesTaxCode` says which zone it was."""
    row = invoice(office, customer(office), june(16), [part("210.00")])
    row["taxZoneId"] = None
    return of("invoices", row)


def tax_without_zone(office: Office) -> list[Ref]:
    """Taxed, and nothing says by which zone."""
    row = invoice(office, customer(office), june(16), [part("190.00")])
    row.update(taxZoneId=None, salesTaxCode=None)
    return of("invoices", row)


def tax_without_taxable_line(office: Office) -> list[Ref]:
    """Tax charged although no line is marked taxable."""
    return of("invoices", invoice(office, customer(office), june(17), [labor("150.00")], tax=Decimal("4.30")))


ALL = (
    tax_on_exempt_customer,
    exempt_customer,
    tax_edited_by_hand,
    several_tax_authorities,
    tax_rounds_badly,
    tax_zone_id_missing,
    tax_without_zone,
    tax_without_taxable_line,
)
