"""Pricebook entries: created or changed in ServiceTitan.

Always one by one: a bulk PATCH wants whole rows and would write fields that are not ours (trap 29).
A write that was sent without an answer is never repeated as it was: the next run reads the whole pricebook, finds the
entry by its code, and plans from what stands there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from stsync.core.operations import Operation, Verb, shown
from stsync.core.plan import Decision
from stsync.core.source.fields import UnknownShape
from stsync.core.source.item import Sku
from stsync.engine.apply.desk import Desk
from stsync.engine.apply.protocol import Protocol, Sent, carried_facts
from stsync.servicetitan.client import ServiceTitan
from stsync.servicetitan.query import PRICEBOOK


def apply_pricebook(
    decisions: Sequence[Decision], *, servicetitan: ServiceTitan, protocol: Protocol, desk: Desk
) -> None:
    """Carry out every item decision."""
    work = partial(_apply, servicetitan=servicetitan, protocol=protocol)
    desk.carry_out("pricebook", decisions, work, waits_for="another item")


def _apply(decision: Decision, *, servicetitan: ServiceTitan, protocol: Protocol) -> None:
    for operation in decision.operations:
        facts = {**carried_facts(decision, operation), **operation.facts}
        if operation.verb == Verb.ADOPT:
            protocol.adopt(operation, facts)
        else:
            _write(operation, servicetitan, protocol, facts)


def _write(operation: Operation, servicetitan: ServiceTitan, protocol: Protocol, facts: Mapping[str, Any]) -> None:
    kind = PRICEBOOK[operation.entity]

    def send(body: dict[str, Any], target: str, _parent: str) -> Sent:
        if operation.verb == Verb.CREATE:
            row = servicetitan.create_sku(kind, body)
            return Sent(str(row["id"]), operation.natural_key, body=row)
        return Sent(target, operation.natural_key, body=servicetitan.patch_sku(kind, int(target), body))

    sent = protocol.attempt(operation, send)
    protocol.record(operation, sent, {**facts, "base": _stored(operation, sent, facts["base"])})


def _stored(operation: Operation, sent: Sent, base: Mapping[str, Any]) -> dict[str, Any]:
    """The base with what ServiceTitan made of the values it was given, as far as its answer shows them."""
    found = dict(base)
    with suppress(UnknownShape):
        sku = Sku.parse(operation.entity, sent.body)
        for name in operation.body:
            if name in found and name in sent.body:
                found[name] = {**found[name], "theirs": shown(sku.value(name))}
    return found
