"""Customers that the books knew before go-live: under another number, twice, blocked, or with rules of their own."""

from __future__ import annotations

from decimal import Decimal

from stsync.sandbox.company.billing import invoice
from stsync.sandbox.company.crm import customer
from stsync.sandbox.company.history import card, contact, same_number
from stsync.sandbox.company.lines import labor
from stsync.sandbox.company.office import Office, june
from stsync.sandbox.company.receipts import payment
from stsync.sandbox.company.values import Ref, Row, of


def _worked(office: Office, owner: Row, on: int, price: str) -> list[Ref]:
    return [*of("customers", owner), *of("invoices", invoice(office, owner, june(on), [labor(price)]))]


def known_by_email(office: Office) -> list[Ref]:
    """The books have the customer under a number of their own, with the same e-mail address and another spelling."""
    owner = customer(office, "Katherine Oberlin")
    card(office, owner, spelt="K. Oberlin", email=contact(office, owner, "Email").upper(), phone="928-555-0199")
    return _worked(office, owner, 8, "171.00")


def known_by_phone(office: Office) -> list[Ref]:
    """The books have the telephone number with a country code and brackets; ServiceTitan keeps ten digits."""
    owner = customer(office, "Desmond Achterberg")
    digits = contact(office, owner, "MobilePhone")
    card(office, owner, phone=f"+1 ({digits[:3]}) {digits[3:6]}-{digits[6:]}")
    return _worked(office, owner, 9, "172.00")


def known_by_name_and_address(office: Office) -> list[Ref]:
    """Same name and street in the books, abbreviated otherwise, and neither e-mail nor telephone."""
    owner = customer(office, "Philippa Vandermeer")
    address = owner["address"]
    street = address["street"].upper().replace(" ST", " STREET").replace(" AVE", " AVENUE")
    card(office, owner, street=street, city=address["city"], state="AZ", postal_code=address["zip"])
    return _worked(office, owner, 10, "173.00")


def known_twice(office: Office) -> list[Ref]:
    """The books have the customer twice, once by e-mail and once by telephone: a person must say which card counts."""
    owner = customer(office, "Rosalind Ekberg")
    card(office, owner, email=contact(office, owner, "Email"))
    card(office, owner, phone=contact(office, owner, "MobilePhone"))
    return _worked(office, owner, 11, "174.00")


def known_by_name_only(office: Office) -> list[Ref]:
    """Somebody of that name is in the books, at another address and telephone: probably somebody else."""
    owner = customer(office, "Anna Miller")
    card(office, owner, street="77 Lakeshore Dr", city="Tucson", state="AZ", postal_code="85701", phone="5205550177")
    return _worked(office, owner, 12, "175.00")


def card_blocked(office: Office) -> list[Ref]:
    """The customer's card exists under the right number and is blocked for everything."""
    owner = customer(office, "Bertram Holloway")
    card(office, owner, same_number(owner), blocked="All")
    return _worked(office, owner, 15, "176.00")


def card_blocked_for_invoices(office: Office) -> list[Ref]:
    """The card is blocked for invoices only; the customer's payment on account may still be posted."""
    owner = customer(office, "Cornelia Dray")
    card(office, owner, same_number(owner), blocked="Invoice")
    deposit = payment(office, owner, june(16), Decimal("90.00"), "Check")
    return [*_worked(office, owner, 17, "177.00"), *of("payments", deposit)]


def card_without_posting_groups(office: Office) -> list[Ref]:
    """The card was made by an import that gave it no posting groups: the invoice fails, the card did not (trap 16)."""
    owner = customer(office, "Everett Quandt")
    card(office, owner, same_number(owner), posting_groups=False)
    return _worked(office, owner, 16, "178.00")


def card_applies_to_oldest(office: Office) -> list[Ref]:
    """The card applies money to the oldest invoice by itself; ServiceTitan keeps this deposit unapplied."""
    owner = customer(office, "Mildred Fairbanks")
    card(office, owner, same_number(owner), application_method="Apply to Oldest")
    refs = _worked(office, owner, 5, "300.00")
    return [*refs, *of("payments", payment(office, owner, june(18), Decimal("120.00"), "Check"))]


def postcode_rewrites_the_city(office: Office) -> list[Ref]:
    """The books' list of post codes says CAREFREE where the customer lives in Cave Creek (trap 15)."""
    owner = customer(office, "Harriet Lindgren")
    owner["address"].update(city="Cave Creek", zip="85377")
    return _worked(office, owner, 19, "179.00")


ALL = (
    known_by_email,
    known_by_phone,
    known_by_name_and_address,
    known_twice,
    known_by_name_only,
    card_blocked,
    card_blocked_for_invoices,
    card_without_posting_groups,
    card_applies_to_oldest,
    postcode_rewrites_the_city,
)
