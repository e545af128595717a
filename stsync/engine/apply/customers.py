"""Customer cards: created, updated with If-Match, or taken on as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from stsync.businesscentral.client import BusinessCentral
from stsync.businesscentral.odata import entity, enum_text
from stsync.core.operations import Operation, Verb
from stsync.core.plan import Decision
from stsync.engine.apply.desk import Desk
from stsync.engine.apply.protocol import Protocol, Sent, carried_facts
from stsync.stages import customer_card


def apply_customers(decisions: Sequence[Decision], *, books: BusinessCentral, protocol: Protocol, desk: Desk) -> None:
    """Carry out every customer decision."""
    work = partial(_apply, books=books, protocol=protocol)
    desk.carry_out("customers", decisions, work, waits_for="another customer")


def _apply(decision: Decision, *, books: BusinessCentral, protocol: Protocol) -> None:
    for operation in decision.operations:
        # ServiceTitan's values as they are carried now: what changes later is told from them (three-way comparison).
        facts = {**carried_facts(decision, operation), "carried": operation.facts.get("carried", {})}
        facts["fingerprint"] = operation.facts.get("fingerprint", decision.fingerprint)
        if operation.verb == Verb.ADOPT:
            protocol.adopt(operation, facts)
        elif operation.verb == Verb.CREATE:
            answered = protocol.perform(operation, lambda body, _target, _parent: _create(books, body), facts=facts)
            _note_rewritten(operation, answered, protocol)
        else:
            _update(operation, books, protocol, facts)


def _create(books: BusinessCentral, body: Mapping[str, Any]) -> Sent:
    return Sent.of(books.create("customers", body))


def _update(operation: Operation, books: BusinessCentral, protocol: Protocol, facts: Mapping[str, Any]) -> None:
    def send(body: dict[str, Any], target: str, _parent: str) -> Sent:
        answer = books.update(entity("customers", target), body, operation.etag)
        return Sent(
            target, operation.natural_key, answer.request_id, answer.body if isinstance(answer.body, dict) else {}
        )

    _note_rewritten(operation, protocol.perform(operation, send, facts=facts), protocol)


def _note_rewritten(operation: Operation, answered: Sent, protocol: Protocol) -> None:
    """Say what Business Central made of it: a postal code that it knows rewrites city, state and country (trap 15).

    Nothing is sent again for that: the next change is measured against what ServiceTitan said, not against the card.
    """
    card = {name: enum_text(value) if name == "type" else value for name, value in answered.body.items()}
    told = customer_card.rewritten(operation.body, card, operation.facts.get("country"))
    if told:
        protocol.note("rewritten", operation, {"number": operation.natural_key, "told": told})
