"""Both systems' customers, read for linking. Nothing is kept but contacts, which belong to no decision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from stsync.businesscentral.client import BusinessCentral
from stsync.businesscentral.odata import Read, any_of
from stsync.core.snapshot import BookCustomer
from stsync.core.source.customer import Customer, Reach, reach
from stsync.core.source.fields import UnknownShape
from stsync.engine.read import read_missing_contacts
from stsync.engine.survey import KEYS_PER_READ, book_customer
from stsync.servicetitan.client import ServiceTitan
from stsync.state import State

_CARD = (
    "id", "number", "displayName", "addressLine1", "addressLine2", "postalCode", "city", "state", "phoneNumber",
    "email", "blocked",
)  # fmt: skip


@dataclass(frozen=True)
class Known:
    """A ServiceTitan customer and how to reach them."""

    customer: Customer
    reach: Reach


def all_customers(servicetitan: ServiceTitan) -> list[Known]:
    """Every customer that can come into the books: active ones, and inactive ones who still owe or are owed."""
    rows = [row for row in servicetitan.everything("customers") if _matters(row)]
    contacts: dict[str, list[Mapping[str, Any]]] = {}
    # The feed from its beginning: by customer it would be a call for every fifty of them (facts 1.5 and 2).
    for page in servicetitan.feed("contacts", None, recent=True):
        for row in page.rows:
            contacts.setdefault(str(row.get("customerId")), []).append(row)
    found = []
    for row in rows:
        customer = _parsed(row)
        if customer is not None:
            found.append(Known(customer, reach(contacts.get(customer.id, ()))))
    return found


def _matters(row: Mapping[str, Any]) -> bool:
    owes = row.get("balance")
    return row.get("mergedToId") is None and (row.get("active") is not False or Decimal(str(owes or 0)) != 0)


def _parsed(row: Mapping[str, Any]) -> Customer | None:
    try:
        return Customer.parse(row)
    except UnknownShape:
        return None  # the sync holds it and says why


def these_customers(servicetitan: ServiceTitan, state: State, ids: Iterable[str]) -> dict[str, Known]:
    """These customers by id, inactive and merged ones too; their contacts are kept, as a run would keep them."""
    wanted = sorted({int(one) for one in ids})
    customers = [customer for row in servicetitan.by_ids("customers", wanted) if (customer := _parsed(row))]
    read_missing_contacts(servicetitan, state, (one.id for one in customers), now=lambda: datetime.now(UTC))
    contacts = state.inbox.children("contacts", (one.id for one in customers))
    return {one.id: Known(one, reach(row.content for row in contacts.get(one.id, ()))) for one in customers}


def all_cards(books: BusinessCentral) -> list[BookCustomer]:
    """Every customer card."""
    return [book_customer(row) for row in books.read(Read("customers", select=_CARD))]


def these_cards(books: BusinessCentral, numbers: Iterable[str]) -> dict[str, BookCustomer]:
    """These cards by number."""
    ordered = sorted({number.upper() for number in numbers})
    reads = [
        Read("customers", filter=any_of("number", ordered[start : start + KEYS_PER_READ]), select=_CARD)
        for start in range(0, len(ordered), KEYS_PER_READ)
    ]
    return {str(row["number"]): book_customer(row) for rows in books.read_many(reads) for row in rows}
