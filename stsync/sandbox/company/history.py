"""What stood in the books before go-live: customer cards that somebody typed, and open items that were brought over.

A scenario writes it beside its documents (`Office.cards`, `Office.openings`); `loading` puts it into the books.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from stsync.sandbox.company import shapes
from stsync.sandbox.company.people import email
from stsync.sandbox.company.values import Row

if TYPE_CHECKING:
    from stsync.sandbox.company.office import Office

OPENING_ACCOUNT = "31000"
LAST_DAY_BEFORE = date(2026, 4, 30)


@dataclass(frozen=True)
class BooksCustomer:
    """A customer card. `defaults` are (dimension, value, posting rule); `blocked` is blank, Ship, Invoice or All."""

    number: str
    name: str
    street: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""
    phone: str = ""
    email: str = ""
    blocked: str = " "
    posting_groups: bool = True
    application_method: str = "Manual"
    defaults: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True)
class Opening:
    """An open item of a card: a sales invoice, or (`by_journal`) an opening entry; below zero an open credit."""

    customer: str
    number: str
    amount: Decimal
    on: date = LAST_DAY_BEFORE
    due: date | None = None
    by_journal: bool = False
    external_number: str = ""


def card(office: Office, owner: Row, number: str = "", *, spelt: str = "", **fields: Any) -> BooksCustomer:
    """A card for a ServiceTitan customer under a number of the books' own; nothing but the name is taken over."""
    made = BooksCustomer(number or f"C{10_100 + len(office.cards)}", spelt or owner["name"], **fields)
    office.cards.append(made)
    return made


def same_number(owner: Row) -> str:
    """The number that the demo configuration gives to a ServiceTitan customer."""
    return f"ST{owner['id']}"


def contact(office: Office, owner: Row, kind: str) -> str:
    """The customer's own e-mail address or telephone number in ServiceTitan; one is added where there is none.

    The telephone number becomes one that nobody else has: the range kept for fiction is small, and others share it.
    """
    kinds = ("Email",) if kind == "Email" else ("MobilePhone", "Phone")
    unique = f"92855501{len(office.cards):02d}"
    for row in office.contacts:
        if row["customerId"] == owner["id"] and row["type"] in kinds:
            if kind != "Email":
                row["value"] = row["phoneSettings"]["phoneNumber"] = unique
            return str(row["value"])
    value = email(owner["name"], owner["id"]) if kind == "Email" else unique
    office.contacts.append(
        shapes.filled(
            shapes.CONTACT_KEYS,
            modifiedOn=owner["createdOn"],
            phoneSettings={"phoneNumber": "" if kind == "Email" else value, "doNotText": False},
            createdOn=owner["createdOn"],
            id=office.next_id("contacts"),
            type=kinds[0],
            value=value,
            customerId=owner["id"],
            active=True,
        )
    )
    return value


def opening(office: Office, owner: BooksCustomer, number: str, amount: str, **fields: Any) -> Opening:
    """An open item brought over into the books."""
    made = Opening(owner.number, number, Decimal(amount), **fields)
    office.openings.append(made)
    return made
