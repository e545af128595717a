"""Pricebook: a Business Central item becomes a ServiceTitan service, material or equipment with the same code.

What a bookkeeper can rely on:
- an item reaches the pricebook only by a rule in the configuration; a code stands there once;
- only the chosen fields are written, each shown with its value before and after;
- a cost or price that would change by more than the limit is held for a person;
- an entry is made inactive when its item is blocked, never deleted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from stsync.core.links import Link
from stsync.core.operations import Operation, Verb, digest
from stsync.core.plan import About, Decision, act, hold, settle
from stsync.core.reasons import Reason
from stsync.core.source.item import Item, Sku

STAGE = "pricebook"


@dataclass(frozen=True)
class Rule:
    """Items of this type and category (None: any) become this kind; `none` keeps them out."""

    kind: str
    item_type: str | None = None
    category: str | None = None
    pricebook_category: int | None = None

    def matches(self, item: Item) -> bool:
        """Whether the rule speaks of this item."""
        wanted = self.category is None or self.category.upper() == item.category.upper()
        return wanted and self.item_type in (None, item.type)


@dataclass(frozen=True)
class Settings:
    """The choices made in the configuration; the limit is in percent of the old value."""

    rules: Sequence[Rule]
    fields: frozenset[str] = frozenset({"description", "cost", "active"})
    change_limit: Decimal = Decimal(25)


def plan(item: Item, *, skus: Sequence[Sku], link: Link, settings: Settings) -> Decision:
    """Decide about one item. `skus` are all pricebook entries with the item's number as code."""
    about = About(number=item.number, name=item.name, amount=None)
    rule = next((one for one in settings.rules if one.matches(item)), None)
    if rule is None or rule.kind == "none":
        return settle(STAGE, item.id, about, "ignored", notes=("no rule in pricebook.rules takes this item",))
    fields = wanted(item, rule.kind, settings)
    fingerprint = digest([rule.kind, fields])
    more: dict[str, Any] = {"fingerprint": fingerprint, "rules": (f"{rule.kind}, by pricebook.rules",)}
    conflict = _conflict(item, rule, skus)
    if conflict is not None:
        return hold(STAGE, item.id, about, conflict, **more)
    if link.exists and link.fingerprint == fingerprint and skus:
        return settle(STAGE, item.id, about, "unchanged", **more)
    if not skus:
        return _new(item, rule, fields, link, about=about, more=more)
    changes, before = _changes(fields, skus[0])
    jump = _jump(changes, before, settings)
    if jump is not None:
        return hold(STAGE, item.id, about, jump, **more)
    outcome = "updated" if changes else "unchanged"
    return act(STAGE, item.id, about, [_write(item, skus[0], changes, before, link)], outcome=outcome, **more)


def wanted(item: Item, kind: str, settings: Settings) -> dict[str, Any]:
    """The pricebook fields as the item would have them. Services have no cost to write (facts section 3.9)."""
    values: dict[str, Any] = {}
    if "description" in settings.fields:
        values["displayName"] = item.name
        values["description"] = item.name
    if "cost" in settings.fields and kind != "service":
        values["cost"] = item.unit_cost
    if "price" in settings.fields:
        values["price"] = item.unit_price
    if "active" in settings.fields:
        values["active"] = not item.blocked
    return values


def _conflict(item: Item, rule: Rule, skus: Sequence[Sku]) -> Reason | None:
    if not item.number or not item.name:
        return Reason(
            "item-incomplete",
            f"The item {item.number or item.id} has no {'number' if not item.number else 'description'}.",
            "Complete the item card in Business Central.",
        )
    if len(skus) > 1 or any(sku.kind != rule.kind for sku in skus):
        kinds = ", ".join(f"{sku.kind} {sku.id}" for sku in skus)
        return Reason(
            "pricebook-code-conflict",
            f"The ServiceTitan pricebook already uses code {item.number} for: {kinds}.",
            f"Rename or deactivate the entry that is not meant, or change pricebook.rules so that {item.number} "
            "becomes that kind.",
        )
    return None


def _new(
    item: Item, rule: Rule, fields: Mapping[str, Any], link: Link, *, about: About, more: Mapping[str, Any]
) -> Decision:
    if item.blocked:
        return settle(STAGE, item.id, about, "ignored", notes=("blocked and not in the pricebook",), **more)
    body: dict[str, Any] = {"code": item.number, "displayName": item.name, "description": item.name, **fields}
    if rule.pricebook_category is not None:
        body["categories"] = [rule.pricebook_category]
    create = Operation(
        key=f"{STAGE}:{item.id}:create" + (f":{link.revision}" if link.revision > 1 else ""),
        stage=STAGE,
        source_id=item.id,
        verb=Verb.CREATE,
        entity=rule.kind,
        natural_key=item.number,
        label=f"item {item.number}, {item.name}",
        why=f"new {rule.kind}",
        body=body,
    )
    return act(STAGE, item.id, about, [create], outcome="created", **more)


def _changes(fields: Mapping[str, Any], sku: Sku) -> tuple[dict[str, Any], dict[str, Any]]:
    present = {
        "displayName": sku.name,
        "description": sku.description,
        "cost": sku.cost,
        "price": sku.price,
        "active": sku.active,
    }
    changes = {name: value for name, value in fields.items() if present[name] != value}
    return changes, {name: present[name] for name in changes}


def _jump(changes: Mapping[str, Any], before: Mapping[str, Any], settings: Settings) -> Reason | None:
    for name in ("cost", "price"):
        old, new = before.get(name), changes.get(name)
        if old and new is not None and abs(new - old) * 100 > settings.change_limit * abs(old):
            return Reason(
                "price-change-beyond-limit",
                f"The {name} would change from {old:,.2f} to {new:,.2f}, more than {settings.change_limit} percent.",
                "If it is right, raise pricebook.price_change_limit_percent or change it in ServiceTitan by hand.",
            )
    return None


def _write(item: Item, sku: Sku, changes: Mapping[str, Any], before: Mapping[str, Any], link: Link) -> Operation:
    verb = Verb.UPDATE if changes else Verb.ADOPT
    return Operation(
        key=f"{STAGE}:{item.id}:{verb}:{link.revision}",
        stage=STAGE,
        source_id=item.id,
        verb=verb,
        entity=sku.kind,
        natural_key=item.number,
        label=f"item {item.number}, {item.name}",
        why="changed: " + ", ".join(changes) if changes else "the pricebook agrees already; nothing is sent",
        target=sku.id,
        body=dict(changes),
        before=dict(before),
    )
