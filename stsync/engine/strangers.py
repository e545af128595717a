"""Cards in Business Central that belong to no ServiceTitan customer of ours, and customers that a person called new."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from stsync.core.plan import Plan
from stsync.core.snapshot import BookCustomer, Snapshot
from stsync.engine.settings import Settings
from stsync.state import State

_NOTE = "customers said to be new"
_SUSPECTED = "cards that customers may have"


def without_owned(state: State, settings: Settings, known: Snapshot) -> Snapshot:
    """The snapshot whose strangers are nobody's: cards that we carried or linked are known by the ledger.

    After a lost state file the ledger is empty: a card whose number is made from the id of a customer that we have read
    is that customer's.
    """
    known = replace(known, customers=_with_owners(state, known.customers))
    if not known.strangers:
        return known
    owned = state.ledger.card_owners(card.id for card in known.strangers.values())
    ids = {number: id_in(number, settings) for number in known.strangers}
    read = state.inbox.find_many("customers", (one for one in ids.values() if one))
    free = {
        number: card for number, card in known.strangers.items() if card.id not in owned and ids[number] not in read
    }
    return replace(known, strangers=free)


def _with_owners(state: State, cards: Mapping[str, BookCustomer]) -> dict[str, BookCustomer]:
    """The cards with the customers that they are linked to: a person may have linked one that has another's number."""
    owners = state.ledger.card_owners(card.id for card in cards.values())
    return {number: replace(card, owner=owners.get(card.id, "")) for number, card in cards.items()}


def id_in(number: str, settings: Settings) -> str:
    """The ServiceTitan id that a card's number would be made of by the template; empty if it is none."""
    before, _, after = settings.customers.number("\0").upper().partition("\0")
    found = re.fullmatch(rf"{re.escape(before)}([0-9]+){re.escape(after)}", number)
    return found.group(1) if found else ""


def said_new(state: State) -> frozenset[str]:
    """The customers of whom a person said that Business Central has no card for them."""
    return frozenset(json.loads(state.notes.note(_NOTE) or "[]"))


def say_new(state: State, ids: Iterable[str], *, taken_back: Iterable[str] = ()) -> None:
    """Remember these as new, and those no longer."""
    known = (said_new(state) | set(ids)) - set(taken_back)
    state.notes.note(_NOTE, json.dumps(sorted(known)))


def suspected(state: State) -> dict[str, tuple[str, ...]]:
    """The cards for whose sake a customer was held, by customer: they are looked at in every run until a person decides.

    What finds a card in one run (the telephone in another spelling, words of a name in another order) is too much to ask
    of the filter of a later run.
    """
    kept: Mapping[str, list[str]] = json.loads(state.notes.note(_SUSPECTED) or "{}")
    return {customer: tuple(numbers) for customer, numbers in kept.items()}


def remember_suspected(state: State, drawn: Plan) -> None:
    """Keep the cards of those that this plan holds, and forget those of whom it decided otherwise."""
    before = suspected(state)
    decided = drawn.of("customers")
    held = {one.source_id: tuple(one.kept["alike"]) for one in decided if one.kept.get("alike")}
    after = {one: numbers for one, numbers in before.items() if one not in {each.source_id for each in decided}} | held
    if after != before:
        state.notes.note(_SUSPECTED, json.dumps(after, sort_keys=True))
