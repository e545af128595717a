"""Pricebook: a Business Central item becomes a ServiceTitan service, material or equipment with the same code.

What a bookkeeper can rely on:
- an item reaches the pricebook only by a rule in the configuration; a code stands there once;
- only the chosen fields are written, each shown with its value before and after;
- what was changed in ServiceTitan is never overwritten unseen: it stays while the item is as it was, and when both
  changed, the item is held with all three values;
- a cost or price that would change by more than the limit is held for a person;
- an entry is made inactive when its item is blocked, never deleted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from stsync.core.links import Link
from stsync.core.operations import Operation, Verb, digest, shown
from stsync.core.plan import About, Decision, act, hold, settle
from stsync.core.reasons import Reason
from stsync.core.source.item import Item, Sku
from stsync.core.text import as_html, typed
from stsync.stages.pricebook_fields import Fate, Field, three_ways, told, worded

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


def plan(
    item: Item,
    *,
    skus: Sequence[Sku],
    link: Link,
    settings: Settings,
    own: Sku | None = None,
    overwrite: bool = False,
) -> Decision:
    """Decide about one item.

    `skus` are all pricebook entries with the item's number as code, `own` is the entry that an earlier run made or
    wrote for the item, whatever its code is now. With `overwrite` a person has said that the item wins.
    """
    about = About(number=item.number, name=item.name, amount=None)
    rule = next((one for one in settings.rules if one.matches(item)), None)
    if rule is None or rule.kind == "none":
        return settle(STAGE, item.id, about, "ignored", notes=("no rule in pricebook.rules takes this item",))
    fields = wanted(item, rule.kind, settings)
    more: dict[str, Any] = {
        "fingerprint": digest([rule.kind, fields]),
        "rules": (f"{rule.kind}, by pricebook.rules",),
    }
    conflict = _conflict(item, rule, skus, own, overwrite=overwrite)
    if conflict is not None:
        return hold(STAGE, item.id, about, conflict, **more)
    if not skus:
        return _new(item, rule, fields, link, about=about, more=more)
    base = link.base if link.id == skus[0].id else {}
    return _present(
        item, three_ways(fields, skus[0], base, link.sent), skus[0], link, settings, overwrite=overwrite, more=more
    )


def _present(
    item: Item,
    fields: Sequence[Field],
    sku: Sku,
    link: Link,
    settings: Settings,
    *,
    overwrite: bool,
    more: dict[str, Any],
) -> Decision:
    """An entry that is there: written where only the item changed, left where only ServiceTitan did."""
    about = About(number=item.number, name=item.name, amount=None)
    changed = [one for one in fields if one.fate == Fate.WRITE or (overwrite and one.fate != Fate.IN_STEP)]
    # A person who names the code and says overwrite has seen the values: neither a conflict nor the limit stops it.
    reason = None if overwrite else _both_changed(item, fields) or _jump(item, changed, settings)
    if reason is not None:
        return hold(STAGE, item.id, about, reason, **more)
    notes = tuple(_kept(one) for one in fields if one.fate == Fate.KEEP and one not in changed)
    base = {**link.base, **{one.name: one.base_after({each.name for each in changed}) for one in fields}}
    if not changed and link.id == sku.id and link.settled and base == link.base:
        return settle(STAGE, item.id, about, "unchanged", notes=notes, **more)
    outcome = "updated" if changed else "unchanged"
    write = _write(item, sku, changed, base, link)
    return act(STAGE, item.id, about, [write], outcome=outcome, notes=notes, **more)


def _kept(field: Field) -> str:
    return f"{field.name}: {worded(field.theirs)} stays as ServiceTitan has it; the item says {worded(field.ours)}"


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


def _conflict(item: Item, rule: Rule, skus: Sequence[Sku], own: Sku | None, *, overwrite: bool) -> Reason | None:
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
            f"The ServiceTitan pricebook already uses code {item.number} for: {kinds}; by pricebook.rules the item is a "
            f"{rule.kind}.",
            f"Rename the entry that is not meant (inactive ones count too), or change pricebook.rules so that "
            f"{item.number} becomes that kind.",
        )
    if skus and own is not None and own.id != skus[0].id and not overwrite:
        # The item was renumbered, or the entries were recoded: the one of this code may be somebody else's.
        return Reason(
            "pricebook-code-changed",
            f"Item {item.number} belongs to {own.kind} {own.id}, which has the code {own.code} in ServiceTitan now, while "
            f"{skus[0].kind} {skus[0].id} has the code {item.number}. Nothing was written to either.",
            f"Give {own.kind} {own.id} the code {item.number} in ServiceTitan's pricebook, and the other one another. If "
            f"the item belongs to {skus[0].kind} {skus[0].id} from now on, run: "
            f"stsync push-pricebook --only {typed(item.number)} --overwrite",
        )
    if not skus and own is not None:
        return Reason(
            "pricebook-code-changed",
            f"The {own.kind} that belongs to item {item.number} has the code {own.code} in ServiceTitan now. Nothing was "
            "written, and no second entry was made.",
            f"Give {own.kind} {own.id} the code {item.number} in ServiceTitan's pricebook. If the two belong together no "
            "more, say so with stsync ignore.",
        )
    return None


def _new(
    item: Item, rule: Rule, fields: Mapping[str, Any], link: Link, *, about: About, more: Mapping[str, Any]
) -> Decision:
    if item.blocked:
        return settle(STAGE, item.id, about, "ignored", notes=("blocked and not in the pricebook",), **more)
    body = _spelt({"code": item.number, "displayName": item.name, "description": item.name, **fields})
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
        facts={"base": {name: {"ours": shown(value), "theirs": shown(value)} for name, value in fields.items()}},
    )
    return act(STAGE, item.id, about, [create], outcome="created", **more)


def _both_changed(item: Item, fields: Sequence[Field]) -> Reason | None:
    conflicts = [told(one) for one in fields if one.fate == Fate.CONFLICT]
    if not conflicts:
        return None
    return Reason(
        "changed-in-pricebook",
        f"Item {item.number} was changed on both sides: {'; '.join(conflicts)}. Nothing was written.",
        f"{_overwriting(item)} To keep ServiceTitan's, say so with stsync ignore item {typed(item.number)}, or enter its "
        "value on the item card.",
    )


def _jump(item: Item, changed: Sequence[Field], settings: Settings) -> Reason | None:
    for one in changed:
        if one.name not in {"cost", "price"} or not one.theirs:
            continue
        if abs(one.ours - one.theirs) * 100 > settings.change_limit * abs(one.theirs):
            return Reason(
                "price-change-beyond-limit",
                f"The {one.name} of {item.number} would change from {worded(one.theirs)} to {worded(one.ours)}, more "
                f"than {worded(settings.change_limit)} percent.",
                f"{_overwriting(item)} If such changes are usual, raise pricebook.price_change_limit_percent.",
            )
    return None


def _overwriting(item: Item) -> str:
    return f"If Business Central is right, run: stsync push-pricebook --only {typed(item.number)} --overwrite."


def _spelt(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as they are sent: the description is HTML in ServiceTitan (facts section 3.9), an item's name is not."""
    return {name: as_html(value) if name == "description" else value for name, value in values.items()}


def _write(item: Item, sku: Sku, changed: Sequence[Field], base: Mapping[str, Any], link: Link) -> Operation:
    verb = Verb.UPDATE if changed else Verb.ADOPT
    before = {one.name: one.theirs for one in changed}
    return Operation(
        key=f"{STAGE}:{item.id}:{verb}:{link.revision}",
        stage=STAGE,
        source_id=item.id,
        verb=verb,
        entity=sku.kind,
        natural_key=item.number,
        label=f"item {item.number}, {item.name}",
        why="changed: " + ", ".join(before) if before else "the pricebook needs nothing; nothing is sent",
        target=sku.id,
        body=_spelt({one.name: one.ours for one in changed}),
        before=before,
        facts={"base": base, "before": before},
    )
