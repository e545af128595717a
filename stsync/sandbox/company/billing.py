"""Invoices and adjustment invoices, and what a payment or credit does to an invoice's balance.

One reading of the facts is built in (ServiceTitan facts, section 6, "Adjustment"): an adjustment that nobody
refunded is carried to the balance of the invoice it adjusts, and its own balance is then zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from stsync.sandbox.company import shapes
from stsync.sandbox.company.chart import TERM, UNIT, ZONE
from stsync.sandbox.company.lines import Line, item_row, sales_tax, sub_total
from stsync.sandbox.company.office import Office, batch
from stsync.sandbox.company.values import ZERO, Row, day, money

_KINDS = ("Service", "Install", "Maintenance", "Membership", "Adjustment", "Counter Sale", "Project", "Estimate")


@dataclass(frozen=True)
class Heading:
    """The head of an invoice; `number` None takes the job's number, as most offices do."""

    unit: str = "Phoenix HVAC Service"
    zone: str = "Phoenix"
    status: str = "Posted"
    term: str = "Due Upon Receipt"
    number: str | None = None
    configuration: str = "JobInvoice"
    kind: str = "Service"


def invoice(
    office: Office,
    customer: Row,
    on: date,
    lines: list[Line],
    heading: Heading | None = None,
    *,
    tax: Decimal | None = None,
    invoice_id: int | None = None,
) -> Row:
    """An invoice whose totals follow from the lines and the zone; `tax` stands for a tax that was typed by hand."""
    heading = heading or Heading()
    invoice_id = invoice_id or office.next_id("invoices")
    job_number = str(office.next_id("jobs"))
    owed = sales_tax(lines, None if customer["taxExempt"] else ZONE[heading.zone]) if tax is None else tax
    created = office.at(on)
    row = shapes.filled(
        shapes.INVOICE_KEYS,
        id=invoice_id,
        syncStatus=heading.status,
        referenceNumber=heading.number or job_number,
        **_amounts(lines, owed),
        **parties(office, customer),
        **_heading_fields(heading, on),
        createdBy="office",
        createdOn=created,
        modifiedOn=office.at(on, 24 * office.rng.randint(1, 3)),
        items=_items(office, lines, heading.unit, created),
        active=True,
    )
    if heading.configuration == "JobInvoice":
        row["job"] = {"id": int(job_number), "number": job_number, "type": heading.kind}
    if heading.status == "Exported":
        row["exportId"] = f"LEGACY-{invoice_id}"
    office.invoices.append(row)
    return row


def _amounts(lines: list[Line], tax: Decimal) -> Row:
    net = sub_total(lines)
    discounts = [line.amount for line in lines if line.kind == "PriceModifier" and line.amount < 0]
    return {
        "subTotal": money(net),
        "salesTax": money(tax),
        "total": money(net + tax),
        "balance": money(net + tax),
        "discountTotal": money(-sum(discounts, ZERO)),
    }


def parties(office: Office, customer: Row) -> Row:
    """Customer and location as a document names them."""
    location = office.location_of[customer["id"]]
    return {
        "customer": shapes.named(customer["id"], customer["name"]),
        "customerAddress": _document_address(customer),
        "location": shapes.named(location["id"], location["name"]),
        "locationAddress": _document_address(location),
    }


def _heading_fields(heading: Heading, on: date) -> Row:
    zone = ZONE[heading.zone]
    return {
        "invoiceDate": day(on),
        "dueDate": day(TERM[heading.term].due(on)),
        "termName": heading.term,
        "salesTaxCode": zone.link,
        "taxZoneId": zone.id,
        "businessUnit": UNIT[heading.unit].link,
        "invoiceType": shapes.named(901 + _KINDS.index(heading.kind), heading.kind),
        "invoiceConfiguration": heading.configuration,
        "batch": batch(on, heading.status),
        "sentStatus": "Sent",
        "reviewStatus": "NeedsReview" if heading.status == "Pending" else "Reviewed",
    }


def _items(office: Office, lines: list[Line], unit: str, at: str) -> list[Row]:
    technician_id = office.technician(unit)
    return [
        item_row(
            line,
            item_id=office.next_id("items"),
            order=position,
            unit=UNIT[unit],
            at=at,
            technician_id=technician_id,
        )
        for position, line in enumerate(lines, start=1)
    ]


def _document_address(owner: Row) -> Row:
    # A document carries the address without coordinates.
    return {key: owner["address"][key] for key in ("street", "unit", "city", "state", "zip", "country")}


def adjustment(
    office: Office,
    customer: Row,
    original: Row,
    on: date,
    lines: list[Line],
    *,
    refunded: bool = False,
) -> Row:
    """A separate invoice that adjusts an earlier one; `refunded` leaves its amount on itself for a refund to settle."""
    heading = Heading(unit=original["businessUnit"]["name"], zone=original["salesTaxCode"]["name"], kind="Adjustment")
    row = invoice(office, customer, on, lines, heading)
    row["adjustmentToId"] = original["id"]
    row["job"] = original["job"]
    if not refunded:
        original["balance"] = money(Decimal(original["balance"]) + Decimal(row["total"]))
        row["balance"] = money(ZERO)
        touch(original, row["modifiedOn"])
    return row


def settle(row: Row, amount: Decimal, *, on: date, at: str) -> None:
    """Take a payment or credit off an invoice's balance; a negative amount opens the invoice again."""
    balance = Decimal(row["balance"]) - amount
    row["balance"] = money(balance)
    row["paidOn"] = day(on) if balance == 0 and amount > 0 else None
    touch(row, at)


def touch(row: Row, at: str) -> None:
    """Record a change at that instant, unless a later one is recorded already."""
    # The first 19 characters are the whole seconds; fractions have no fixed width and do not compare as text.
    if at[:19] > row["modifiedOn"][:19]:
        row["modifiedOn"] = at
