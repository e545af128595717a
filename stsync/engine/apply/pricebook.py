"""Pricebook entries: created or changed in ServiceTitan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from stsync.core.operations import Operation, Verb
from stsync.core.plan import Decision
from stsync.engine.apply.desk import Desk
from stsync.engine.apply.protocol import Protocol, Sent, carried_facts
from stsync.servicetitan.client import ServiceTitan

LISTS = {"service": "services", "material": "materials", "equipment": "equipment"}


def apply_pricebook(
    decisions: Sequence[Decision], *, servicetitan: ServiceTitan, protocol: Protocol, desk: Desk
) -> None:
    """Carry out every item decision."""
    for position, decision in enumerate(decisions, start=1):
        if desk.guarded(decision, partial(_apply, decision, servicetitan, protocol), waits_for="another item"):
            desk.carry(decision)
        desk.progress("pricebook", position, len(decisions))


def _apply(decision: Decision, servicetitan: ServiceTitan, protocol: Protocol) -> None:
    for operation in decision.operations:
        facts = carried_facts(decision, operation)
        if operation.verb == Verb.ADOPT:
            protocol.adopt(operation, facts)
        else:
            _write(operation, servicetitan, protocol, facts)


def _write(operation: Operation, servicetitan: ServiceTitan, protocol: Protocol, facts: Mapping[str, Any]) -> None:
    kind = LISTS[operation.entity]

    def send(body: dict[str, Any], target: str, _parent: str) -> Sent:
        if operation.verb == Verb.CREATE:
            row = servicetitan.create_sku(kind, body)
            return Sent(str(row["id"]), operation.natural_key)
        servicetitan.patch_sku(kind, int(target), body)
        return Sent(target, operation.natural_key)

    protocol.perform(operation, send, facts=facts)
