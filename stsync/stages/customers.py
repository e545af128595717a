"""Customers: a ServiceTitan customer becomes one Business Central customer.

What a bookkeeper can rely on:
- one ServiceTitan customer has at most one customer card, found by its number;
- only the fields stsync owns are written (name, type, address, phone, e-mail), and only when they changed in
  ServiceTitan: what a person keeps on the card otherwise stays;
- a name or address that is too long is shortened, and that is said;
- the loser of a merge is reported, never deleted; its documents follow the survivor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from stsync.core.links import Link
from stsync.core.operations import Operation, Verb, digest
from stsync.core.plan import About, Decision, act, hold, settle
from stsync.core.reasons import Reason
from stsync.core.snapshot import BookCustomer
from stsync.core.source.customer import Customer, Reach
from stsync.core.text import fit, utf16_length

STAGE = "customers"

# Field lengths from the Business Central facts, section 2.2. The order matters there: a postal code known to Business
# Central rewrites city and state, so they follow it (trap 15).
_LENGTHS = {
    "displayName": 100,
    "addressLine1": 100,
    "addressLine2": 50,
    "postalCode": 20,
    "city": 30,
    "state": 30,
    "phoneNumber": 30,
    "email": 80,
}


@dataclass(frozen=True)
class Settings:
    """The choices made in the configuration."""

    number: Callable[[str], str]
    tax_liable: bool | None = None


def card(customer: Customer, reach: Reach, settings: Settings) -> tuple[dict[str, Any], list[str]]:
    """The fields we own, in the order Business Central needs them, and what had to be shortened."""
    texts = {
        "displayName": customer.name or f"ServiceTitan customer {customer.id}",
        "addressLine1": customer.address.street,
        "addressLine2": customer.address.unit,
        "postalCode": customer.address.postal_code,
        "city": customer.address.city,
        "state": customer.address.state,
        "phoneNumber": reach.phone,
        "email": reach.email,
    }
    notes = [
        f"{field} shortened to {_LENGTHS[field]} characters; in full: {text}"
        for field, text in texts.items()
        if utf16_length(text) > _LENGTHS[field]
    ]
    fields: dict[str, Any] = {field: fit(text, _LENGTHS[field]) for field, text in texts.items()}
    fields = {"displayName": fields.pop("displayName"), "type": _kind(customer), **fields}
    if settings.tax_liable is not None:
        fields["taxLiable"] = settings.tax_liable and not customer.tax_exempt
    return fields, notes


def _kind(customer: Customer) -> str:
    return "Company" if customer.commercial else "Person"


def plan(
    customer: Customer,
    reach: Reach,
    *,
    link: Link,
    found: BookCustomer | None,
    settings: Settings,
    probed: bool = True,
    needed: bool = False,
) -> Decision:
    """Decide about one customer.

    `found` is the card with our number, `probed` says whether it was looked for; `needed`: a document names the customer.
    """
    number = settings.number(customer.id)
    about = About(number=link.number or number, name=customer.name)
    if customer.merged_to is not None:
        note = f"merged into ServiceTitan customer {customer.merged_to}; documents follow the survivor"
        return settle(STAGE, customer.id, about, "merged", notes=(note,))
    fields, notes = card(customer, reach, settings)
    fingerprint = digest(fields)
    more: dict[str, Any] = {"notes": tuple(notes), "fingerprint": fingerprint}
    if link.exists and link.fingerprint == fingerprint:
        return settle(STAGE, customer.id, about, "unchanged", fingerprint=fingerprint)
    if not customer.active and not link.exists and not needed:
        return settle(STAGE, customer.id, about, "ignored", notes=("inactive in ServiceTitan and on no document",))
    if utf16_length(number) > 20:
        return hold(STAGE, customer.id, about, _number_too_long(number))
    if found is None and link.exists and probed:
        return hold(STAGE, customer.id, about, _card_gone(link))
    if found is None:
        return act(
            STAGE, customer.id, about, [_create(customer, number, fields, link, notes)], outcome="created", **more
        )
    changes = {field: value for field, value in fields.items() if found.fields.get(field, "") != value}
    if not link.exists or not changes:
        return act(STAGE, customer.id, about, [_adopt(customer, found, link)], outcome="unchanged", **more)
    return act(STAGE, customer.id, about, [_update(customer, found, changes, link)], outcome="updated", **more)


def _create(customer: Customer, number: str, fields: Mapping[str, Any], link: Link, notes: list[str]) -> Operation:
    return Operation(
        key=f"{STAGE}:{customer.id}:create" + (f":{link.revision}" if link.revision > 1 else ""),
        stage=STAGE,
        source_id=customer.id,
        verb=Verb.CREATE,
        entity="customers",
        natural_key=number,
        label=customer.name,
        why="new customer" + ("; " + "; ".join(notes) if notes else ""),
        # Blank fields are left out: sending them would blank what a Business Central template fills in.
        body={"number": number, **{field: value for field, value in fields.items() if value != ""}},
    )


def _adopt(customer: Customer, found: BookCustomer, link: Link) -> Operation:
    return Operation(
        key=f"{STAGE}:{customer.id}:adopt:{link.revision}",
        stage=STAGE,
        source_id=customer.id,
        verb=Verb.ADOPT,
        entity="customers",
        natural_key=found.number,
        label=customer.name,
        why="already in Business Central under this number; nothing is sent",
        target=found.id,
    )


def _update(customer: Customer, found: BookCustomer, changes: Mapping[str, Any], link: Link) -> Operation:
    return Operation(
        key=f"{STAGE}:{customer.id}:update:{link.revision}",
        stage=STAGE,
        source_id=customer.id,
        verb=Verb.UPDATE,
        entity="customers",
        natural_key=found.number,
        label=customer.name,
        why="changed in ServiceTitan: " + ", ".join(changes),
        target=found.id,
        etag=found.etag,
        body=dict(changes),
        before={field: found.fields.get(field, "") for field in changes},
    )


def _number_too_long(number: str) -> Reason:
    return Reason(
        "customer-number-too-long",
        f"The customer number {number} is longer than the 20 characters Business Central allows.",
        "Choose a shorter template for customers.number in the configuration.",
    )


def _card_gone(link: Link) -> Reason:
    return Reason(
        "customer-card-gone",
        f"Customer {link.number} was carried over earlier, but Business Central has no such customer any more.",
        "Ask who deleted or renumbered the card. Restore its number, then run: stsync replay --stage customers",
    )


def survivor(customer_id: str, customers: Mapping[str, Customer]) -> str | None:
    """The customer that documents of this one go to after merges; chains are followed (facts section 6, customer merge).

    None when the chain is broken or runs in a circle.
    """
    seen: set[str] = set()
    current = customer_id
    while current not in seen:
        seen.add(current)
        customer = customers.get(current)
        if customer is None:
            return None
        if customer.merged_to is None:
            return current
        current = customer.merged_to
    return None
