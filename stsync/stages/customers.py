"""Customers: a ServiceTitan customer becomes one Business Central customer.

What a bookkeeper can rely on:
- one ServiceTitan customer has at most one customer card, found by its number or linked to it by a person;
- no card is made while Business Central has one that may be the same customer: a person decides which it is;
- a card is not taken on for its number alone: not if it is another customer's, or has nothing in common with this one;
- only fields that changed in ServiceTitan since they were last carried are written; what a person edited on the card
  in the meantime stays in all others, and where both changed the same field, ServiceTitan's value is written and said;
- a name or address that is too long is shortened, and that is said;
- the loser of a merge is reported, never deleted; its documents follow the survivor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stsync.core.likeness import Traits, nothing_alike
from stsync.core.links import Link
from stsync.core.operations import Operation, Verb, digest
from stsync.core.plan import About, Decision, act, hold, settle
from stsync.core.reasons import Reason
from stsync.core.snapshot import BookCustomer
from stsync.core.source.customer import Customer, Reach
from stsync.core.text import fit, typed, utf16_length
from stsync.stages import customer_card

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
    """The choices made in the configuration. `look_for_alike`: hold a new customer that a card may stand for already."""

    number: Callable[[str], str]
    tax_liable: bool | None = None
    look_for_alike: bool = True


@dataclass(frozen=True)
class Alike:
    """A card that may be this customer, and why."""

    card: BookCustomer
    reasons: tuple[str, ...]


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
    notes += [f"{text} left out: Business Central does not take it" for text in reach.left_out]
    fields: dict[str, Any] = {field: fit(text, _LENGTHS[field]) for field, text in texts.items()}
    fields = {"displayName": fields.pop("displayName"), "type": _kind(customer), **fields}
    if settings.tax_liable is not None:
        fields["taxLiable"] = settings.tax_liable and not customer.tax_exempt
    return fields, notes


def _kind(customer: Customer) -> str:
    return "Company" if customer.commercial else "Person"


def traits(customer: Customer, reach: Reach) -> Traits:
    """What tells the customer from others, as ServiceTitan has it."""
    return Traits(customer.name, customer.address.street, customer.address.postal_code, reach.phone, reach.email)


def card_traits(card: BookCustomer) -> Traits:
    """The same of a card in Business Central."""
    names = ("displayName", "addressLine1", "postalCode", "phoneNumber", "email")
    return Traits(*(str(card.fields.get(name) or "") for name in names))


def clues(customer: Customer, reach: Reach, settings: Settings, suspected: Sequence[str]) -> tuple[str, ...]:
    """What to look for before a card is made: others that may be this customer's; none where nobody wants that."""
    if not settings.look_for_alike:
        return ()
    fields, _ = card(customer, reach, settings)
    return (*customer_card.clues(fields), *(f"number={one}" for one in suspected))


def plan(
    customer: Customer,
    reach: Reach,
    *,
    link: Link,
    found: BookCustomer | None,
    settings: Settings,
    probed: bool = True,
    needed: bool = False,
    alike: Sequence[Alike] = (),
    said_new: bool = False,
    suspected: Sequence[str] = (),
) -> Decision:
    """Decide about one customer.

    `found` is the card with our number, `probed` says whether it was looked for; `needed`: a document names the customer.
    `alike` are cards that may be the customer already, `said_new` that a person said that it is none of them;
    `suspected` are the numbers of cards for whose sake the customer was held before.
    """
    number = settings.number(customer.id)
    about = About(number=link.number or number, name=customer.name)
    if customer.merged_to is not None:
        note = f"merged into ServiceTitan customer {customer.merged_to}; documents follow the survivor"
        return settle(STAGE, customer.id, about, "merged", notes=(note,))
    fields, notes = card(customer, reach, settings)
    fingerprint = digest(fields)
    if link.exists and link.settled and link.fingerprint == fingerprint:
        return settle(STAGE, customer.id, about, "unchanged", fingerprint=fingerprint)
    if not customer.active and not link.exists and not needed:
        return settle(STAGE, customer.id, about, "ignored", notes=("inactive in ServiceTitan and on no document",))
    if utf16_length(number) > 20:
        return hold(STAGE, customer.id, about, _number_too_long(number))
    if found is None and link.exists and probed:
        return hold(STAGE, customer.id, about, card_gone(link, customer.name))
    taken = _taken(customer, reach, link, found)
    if taken is not None:
        return hold(STAGE, customer.id, about, taken)
    looks = not said_new and not link.exists
    if found is None and looks and settings.look_for_alike and alike:
        numbers = tuple(one.card.number for one in alike)
        return hold(STAGE, customer.id, about, _perhaps_there(customer, alike), kept={"alike": numbers})
    looked_for = clues(customer, reach, settings, suspected) if looks else ()
    writes, outcome = _write(customer, fields, link=link, found=found, notes=notes, settings=settings, clues=looked_for)
    return act(STAGE, customer.id, about, writes, outcome=outcome, notes=tuple(notes), fingerprint=fingerprint)


def _write(
    customer: Customer,
    fields: Mapping[str, Any],
    *,
    link: Link,
    found: BookCustomer | None,
    notes: list[str],
    settings: Settings,
    clues: tuple[str, ...],
) -> tuple[list[Operation], str]:
    """What the customer needs, and how it then settles."""
    if found is None:
        # A linked card has a number of its own: that is the one to look for before anything can be decided.
        number = link.number or settings.number(customer.id)
        return [_create(customer, number, fields, link, notes, clues=clues)], "created"
    base = _base(fields, link, found)
    change = customer_card.change(fields, base=base, found=found.fields)
    notes += change.kept
    if not change.values or not (link.exists or link.sent):
        return [_adopt(customer, fields, found, link)], "unchanged"
    # A card that a lost answer kept from us is taken on first, as it was then: what changed since is a write of its own.
    first = [] if link.exists else [_adopt(customer, base, found, link)]
    return [*first, _update(customer, fields, found, link, change)], "updated"


def _base(fields: Mapping[str, Any], link: Link, found: BookCustomer) -> Mapping[str, Any]:
    """ServiceTitan's values as they were last carried over; of a write whose answer was lost, as far as it arrived."""
    if link.settled:
        return link.carried
    if not link.exists:
        return {name: link.sent.get(name, "") for name in fields}
    arrived = {name: value for name, value in link.sent.items() if found.fields.get(name) == value}
    return {**link.carried, **arrived}


def _create(
    customer: Customer, number: str, fields: Mapping[str, Any], link: Link, notes: list[str], *, clues: tuple[str, ...]
) -> Operation:
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
        facts={"carried": fields, "clues": clues},
    )


def _adopt(customer: Customer, fields: Mapping[str, Any], found: BookCustomer, link: Link) -> Operation:
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
        facts={"carried": fields, "fingerprint": digest(fields)},
    )


def _update(
    customer: Customer, fields: Mapping[str, Any], found: BookCustomer, link: Link, change: customer_card.Change
) -> Operation:
    return Operation(
        key=f"{STAGE}:{customer.id}:update:{link.revision}",
        stage=STAGE,
        source_id=customer.id,
        verb=Verb.UPDATE,
        entity="customers",
        natural_key=found.number,
        label=customer.name,
        why="changed in ServiceTitan: " + "; ".join(change.told),
        target=found.id,
        etag=found.etag,
        body=dict(change.values),
        before={field: found.fields.get(field, "") for field in change.values},
        facts={"carried": fields, "country": found.fields.get("country", "")},
    )


def _perhaps_there(customer: Customer, alike: Sequence[Alike]) -> Reason:
    shown = [f"{one.card.number} {one.card.fields.get('displayName', '')} ({_why(one)})" for one in alike[:3]]
    more = f" and {len(alike) - 3} more" if len(alike) > 3 else ""
    what = "a card that may be this customer" if len(alike) == 1 else "cards that may be this customer"
    return Reason(
        "customer-perhaps-there",
        f"Business Central already has {what}: {'; '.join(shown)}{more}. No second card was made for {customer.name}.",
        f"If it is the same customer, run: stsync link customer {customer.id} --to {typed(alike[0].card.number)}\n"
        f"If it is another one, run: stsync link customer {customer.id} --new\n"
        "For many at once, as a file to review, run: stsync link propose --out links.csv",
    )


def _why(one: Alike) -> str:
    return ", ".join([*one.reasons, *([f"blocked: {one.card.blocked}"] if one.card.blocked.strip() else [])])


def _number_too_long(number: str) -> Reason:
    return Reason(
        "customer-number-too-long",
        f"The customer number {number} is longer than the 20 characters Business Central allows.",
        "Choose a shorter template for customers.number in the configuration.",
    )


def _taken(customer: Customer, reach: Reach, link: Link, found: BookCustomer | None) -> Reason | None:
    """Why a card of our number is not this customer's: people can number cards by hand (facts section 2.2).

    A write whose answer never came (`settled` is false) may have made the card, whoever has edited it since.
    """
    if found is None or link.exists:
        return None
    name = str(found.fields.get("displayName") or "")
    if found.owner not in {"", customer.id}:
        return Reason(
            "customer-number-taken",
            f"The card {found.number} {name} has the number that {customer.name} would get, but it is linked to "
            f"ServiceTitan customer {found.owner}. Nothing was sent: two customers never share a card.",
            f"If both are one customer, merge them in ServiceTitan. If not, make a card for {customer.name} in Business "
            f"Central, and run: stsync link customer {customer.id} --to NUMBER",
        )
    if not link.settled or not nothing_alike(traits(customer, reach), card_traits(found)):
        return None
    return Reason(
        "customer-number-taken",
        f"The card {found.number} {name} has the number that {customer.name} would get, but neither name, e-mail, "
        "telephone nor street agree. Nothing was sent.",
        f"If it is the same customer, run: stsync link customer {customer.id} --to {typed(found.number)}\n"
        "If not, choose another template for customers.number in the configuration, or make a card for "
        f"{customer.name} in Business Central and name its number in that command.",
    )


def card_gone(link: Link, name: str) -> Reason:
    """Why nothing goes to a card that was deleted or renumbered."""
    return Reason(
        "customer-card-gone",
        f"Customer {link.number} {name} was carried over earlier, but Business Central has no such customer any more.",
        "Ask who deleted or renumbered the card. Restore its number, then run: stsync replay --stage customers",
    )


def blocked(number: str, name: str, card: BookCustomer | None, document: str) -> Reason | None:
    """Why a card takes no such document (facts section 7.2): All always blocks; Invoice lets payments and credits pass."""
    kind = card.blocked.strip() if card is not None else ""
    if kind == "All" or (kind == "Invoice" and document == "invoice"):
        return Reason(
            "customer-blocked",
            f"Customer {number} {name} is blocked in Business Central (Blocked: {kind}), so no {document} can be booked "
            "for it. Nothing was sent.",
            f"Clear Blocked on the customer card {number}, or settle with whoever blocked it; then run: stsync sync",
        )
    return None


def survivor(customer_id: str, customers: Mapping[str, Customer]) -> str | None:
    """The customer that documents of this one go to after merges; chains are followed (facts section 6, customer merge).

    None when the chain is broken or runs in a circle.
    """
    chain = merges(customer_id, customers)
    last = customers.get(chain[-1])
    return last.id if last is not None and last.merged_to is None else None


def merges(customer_id: str, customers: Mapping[str, Customer]) -> list[str]:
    """The customer and those that it was merged into, one after the other; in a circle the first repeated one is last."""
    chain = [customer_id]
    while (here := customers.get(chain[-1])) is not None and here.merged_to is not None:
        chain.append(here.merged_to)
        if here.merged_to in chain[:-1]:
            break
    return chain
