"""Cards in Business Central that belong to no ServiceTitan customer of ours, and customers that a person called new."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace

from stsync.core.snapshot import Snapshot
from stsync.engine.settings import Settings
from stsync.state import State

_NOTE = "customers said to be new"


def without_owned(state: State, settings: Settings, known: Snapshot) -> Snapshot:
    """The snapshot whose strangers are nobody's: cards that we carried or linked are known by the ledger.

    After a lost state file the ledger is empty: a card whose number is made from the id of a customer that we have read
    is that customer's.
    """
    if not known.strangers:
        return known
    owned = state.ledger.owners("customers", (card.id for card in known.strangers.values()))
    ids = {number: _id_in(number, settings) for number in known.strangers}
    read = state.inbox.find_many("customers", (one for one in ids.values() if one))
    free = {
        number: card for number, card in known.strangers.items() if card.id not in owned and ids[number] not in read
    }
    return replace(known, strangers=free)


def _id_in(number: str, settings: Settings) -> str:
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
