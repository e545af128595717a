"""Documents that Business Central refused for their customer card: sent again once somebody has changed the card.

Posting groups cannot be read through the API (facts section 2.2), so nobody can see beforehand that they are missing.
But filling them in gives the card a new ETag; until then another attempt would only be refused again.
"""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from dataclasses import dataclass

from stsync.core.operations import Operation
from stsync.core.plan import Decision, Standing, hold
from stsync.core.reasons import Reason
from stsync.core.snapshot import Snapshot
from stsync.state import State

_NOTE = "refused for the customer card"
_FAULTS = frozenset({"business-posting-group-missing", "customer-posting-group-missing"})


@dataclass(frozen=True)
class Refusal:
    """Why a document was refused, and the ETag that its customer's card had then."""

    reason: Reason
    etag: str


def refusals(state: State, among: Container[tuple[str, str]] | None = None) -> dict[tuple[str, str], Refusal]:
    """What was refused for its card and still stands as that in the inbox, by kind and id; only those `among` these."""
    kept: Mapping[str, Mapping[str, str]] = json.loads(state.notes.note(_NOTE) or "{}")
    found: dict[tuple[str, str], Refusal] = {}
    for kind, etags in kept.items():
        wanted = [one for one in etags if among is None or (kind, one) in among]
        for source_id, row in state.inbox.find_many(kind, wanted).items():
            # A replay, or new content, takes the reason away: then it is tried again.
            if row.state == "held" and row.reason is not None and row.reason.reference in _FAULTS:
                found[kind, source_id] = Refusal(row.reason, etags[source_id])
    return found


def remember_refusal(state: State, decision: Decision, reason: Reason, etags: Mapping[str, str]) -> None:
    """Keep which card, in which state, stood in the way; what came through since is forgotten.

    `etags` are those of the cards that were looked up, by number.
    """
    etag = etags.get(_card(decision))
    if reason.reference not in _FAULTS or etag is None:
        return
    kept: dict[str, dict[str, str]] = {decision.kind: {decision.source_id: etag}}
    for (kind, source_id), one in refusals(state).items():
        kept.setdefault(kind, {}).setdefault(source_id, one.etag)
    state.notes.note(_NOTE, json.dumps(kept, sort_keys=True))


def unless_refused(decision: Decision, snapshot: Snapshot, refusal: Refusal | None) -> Decision:
    """Held again, without a word to Business Central, as long as the card is as it was when it stood in the way."""
    if refusal is None or decision.standing != Standing.ACT:
        return decision
    card = snapshot.customers.get(_card(decision))
    if card is None or card.etag != refusal.etag:
        return decision
    return hold(decision.kind, decision.source_id, decision.about, refusal.reason)


def card_named(operation: Operation) -> str:
    """The number of the customer card that a write names, as it was sent; empty when it names none."""
    number = operation.body.get("customerNumber")
    if operation.body.get("accountType") == "Customer":
        number = operation.body.get("accountNumber")
    return str(number or "")


def _card(decision: Decision) -> str:
    """The card that the document goes to."""
    numbers = (card_named(one) for one in decision.operations)
    return next((number.upper() for number in numbers if number), "")
