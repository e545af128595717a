"""Customers, their locations and contacts, and what happens when two customers are merged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from stsync.sandbox.company import people, shapes
from stsync.sandbox.company.chart import TERM, ZONE
from stsync.sandbox.company.office import Office
from stsync.sandbox.company.values import ZERO, Row, instant

_FIRST_CUSTOMER = datetime(2025, 12, 1, 16, tzinfo=UTC)


def customer(
    office: Office,
    name: str | None = None,
    *,
    commercial: bool = False,
    zone: str = "Phoenix",
    exempt: bool = False,
    active: bool = True,
    customer_id: int | None = None,
    location_id: int | None = None,
) -> Row:
    """A customer with one location, a telephone number and mostly an e-mail address."""
    name = name or (people.business_name(office.rng) if commercial else people.person_name(office.rng))
    created = instant(_FIRST_CUSTOMER + timedelta(minutes=office.rng.randint(0, 260_000)))
    row = shapes.filled(
        shapes.CUSTOMER_KEYS,
        id=customer_id or office.next_id("customers"),
        active=active,
        name=name,
        type="Commercial" if commercial else "Residential",
        address=people.address(office.rng, ZONE[zone]),
        balance=ZERO,
        taxExempt=exempt,
        doNotMail=False,
        doNotService=False,
        nationalAccount=False,
        createdOn=created,
        createdById=7,
        modifiedOn=created,
        paymentTermId=TERM["Net 30" if commercial else "Due Upon Receipt"].id,
    )
    office.customers.append(row)
    office.location_of[row["id"]] = location(office, row, zone, location_id=location_id)
    _add_contacts(office, row)
    return row


def location(office: Office, owner: Row, zone: str, *, name: str | None = None, location_id: int | None = None) -> Row:
    """A location of a customer, by default under the customer's name at the bill-to address."""
    row = shapes.filled(
        shapes.LOCATION_KEYS,
        taxZoneId=ZONE[zone].id,
        id=location_id or office.next_id("locations"),
        customerId=owner["id"],
        active=owner["active"],
        name=name or owner["name"],
        address=dict(owner["address"]),
        createdOn=owner["createdOn"],
        createdById=7,
        modifiedOn=owner["createdOn"],
        taxExempt=owner["taxExempt"],
    )
    office.locations.append(row)
    return row


def _add_contacts(office: Office, owner: Row) -> None:
    _add_contact(office, owner, "MobilePhone", people.phone(office.rng))
    if office.rng.random() < 0.85:
        _add_contact(office, owner, "Email", people.email(owner["name"], owner["id"]))


def _add_contact(office: Office, owner: Row, kind: str, value: str) -> None:
    office.contacts.append(
        shapes.filled(
            shapes.CONTACT_KEYS,
            modifiedOn=owner["createdOn"],
            phoneSettings={"phoneNumber": value if kind != "Email" else "", "doNotText": False},
            createdOn=owner["createdOn"],
            id=office.next_id("contacts"),
            type=kind,
            value=value,
            customerId=owner["id"],
            active=owner["active"],
        )
    )


def merge(office: Office, loser: Row, survivor: Row, at: str) -> None:
    """The loser becomes inactive and points to the survivor, who gets the location (facts, section 6)."""
    loser["active"] = False
    loser["mergedToId"] = survivor["id"]
    loser["modifiedOn"] = survivor["modifiedOn"] = at
    location = office.location_of[loser["id"]]
    location["customerId"] = survivor["id"]
    location["modifiedOn"] = at
