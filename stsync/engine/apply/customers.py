"""Customer cards: created, updated with If-Match, or taken on as they are."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from stsync.businesscentral.client import BusinessCentral
from stsync.businesscentral.odata import entity, enum_text
from stsync.businesscentral.writes import Write
from stsync.core.operations import Operation, Verb
from stsync.core.plan import Decision
from stsync.engine.apply.desk import Desk
from stsync.engine.apply.protocol import ENDINGS, Protocol, Ready, Sent, carried_facts, told
from stsync.http.answers import Answer
from stsync.stages import customer_card

# So many cards are written in one go.
CARDS_TOGETHER = 25


def apply_customers(decisions: Sequence[Decision], *, books: BusinessCentral, protocol: Protocol, desk: Desk) -> None:
    """Carry out these customer decisions: what is there is taken on, everything else is written in one go."""
    waits_for = "another customer"
    silent = [one for one in decisions if not _writes(one)]
    desk.carry_out("customers", silent, partial(_take_on, protocol=protocol), waits_for=waits_for)
    writing = {operation.key: (one, operation) for one in decisions for operation in _writes(one)}
    for one, _ in writing.values():
        # A card that a lost answer kept from us is taken on first; what changed since is a write of its own.
        _take_on(one, protocol=protocol)
    for verb in (Verb.CREATE, Verb.UPDATE):
        found = protocol.perform_round(
            [operation for _, operation in writing.values() if operation.verb == verb],
            partial(_send, books),
            facts=lambda operation: _facts(*writing[operation.key]),
        )
        with desk.one_commit():
            for key, answer in found.items():
                if isinstance(answer, ENDINGS):
                    break  # they come last; raised in here, it would undo what the others were told
                decision, operation = writing[key]
                if desk.guarded(decision, partial(told, answer), waits_for=waits_for):
                    desk.carry(decision)
                    if isinstance(answer, Sent):
                        _note_rewritten(operation, answer, protocol)
        protocol.end_if_down(found)
    desk.progress.advance("customers", len(decisions) - len(silent))


def _writes(decision: Decision) -> list[Operation]:
    return [one for one in decision.operations if one.verb != Verb.ADOPT]


def _take_on(decision: Decision, *, protocol: Protocol) -> None:
    for operation in decision.operations:
        if operation.verb == Verb.ADOPT:
            protocol.adopt(operation, _facts(decision, operation))


def _facts(decision: Decision, operation: Operation) -> dict[str, Any]:
    """ServiceTitan's values as they are carried now: what changes later is told from them (three-way comparison)."""
    facts = {**carried_facts(decision, operation), "carried": operation.facts.get("carried", {})}
    return {**facts, "fingerprint": operation.facts.get("fingerprint", decision.fingerprint)}


def _send(books: BusinessCentral, cards: Sequence[Ready]) -> list[Sent | Exception]:
    answers = books.write_many([_write(one) for one in cards])
    return [
        answer if isinstance(answer, Exception) else _sent(one, answer)
        for one, answer in zip(cards, answers, strict=True)
    ]


def _write(card: Ready) -> Write:
    if card.operation.verb == Verb.CREATE:
        return Write.create("customers", card.body)
    return Write.update(entity("customers", card.target), card.body, card.operation.etag)


def _sent(card: Ready, answer: Answer) -> Sent:
    if card.operation.verb == Verb.CREATE:
        return Sent.of(answer)
    body = answer.body if isinstance(answer.body, dict) else {}
    return Sent(card.target, card.operation.natural_key, answer.request_id, body)


def _note_rewritten(operation: Operation, answered: Sent, protocol: Protocol) -> None:
    """Say what Business Central made of it: a postal code that it knows rewrites city, state and country (trap 15).

    Nothing is sent again for that: the next change is measured against what ServiceTitan said, not against the card.
    """
    card = {name: enum_text(value) if name == "type" else value for name, value in answered.body.items()}
    told = customer_card.rewritten(operation.body, card, operation.facts.get("country"))
    if told:
        protocol.note("rewritten", operation, {"number": operation.natural_key, "told": told})
