"""A Business Central item and the pricebook entry it meets in ServiceTitan."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from stsync.core.source import fields
from stsync.core.source.fields import Row


@dataclass(frozen=True)
class Item:
    """What the pricebook needs of an item; amounts in the books' currency."""

    id: str
    number: str
    name: str
    type: str
    category: str
    blocked: bool
    unit_price: Decimal
    unit_cost: Decimal
    unit_of_measure: str

    @classmethod
    def parse(cls, row: Row) -> Item:
        """Read one row of Business Central's items. Raises UnknownShape."""
        identity = row.get("id")
        if not isinstance(identity, str) or not identity:
            raise fields.UnknownShape("'id' is missing")
        return cls(
            id=identity,
            number=fields.name(row, "number"),
            name=fields.name(row, "displayName"),
            type=decoded(fields.text(row, "type")),
            category=fields.text(row, "itemCategoryCode"),
            blocked=fields.flag(row, "blocked", absent=False),
            unit_price=fields.amount(row, "unitPrice"),
            unit_cost=fields.amount(row, "unitCost"),
            unit_of_measure=fields.text(row, "baseUnitOfMeasureCode"),
        )


def decoded(option: str) -> str:
    """An option name without the _xHHHH_ marks that Business Central writes; both forms occur (facts section 1)."""
    return option.replace("_x002D_", "-").replace("_x0020_", " ").replace("_x002F_", "/").strip()


@dataclass(frozen=True)
class Sku:
    """A pricebook entry as ServiceTitan holds it: kind is service, material or equipment."""

    kind: str
    id: str
    code: str
    name: str
    description: str
    price: Decimal
    cost: Decimal
    active: bool

    @classmethod
    def parse(cls, kind: str, row: Row) -> Sku:
        """Read one row of a pricebook list. Raises UnknownShape."""
        return cls(
            kind=kind,
            id=fields.record_id(row),
            code=fields.text(row, "code"),
            name=fields.name(row, "displayName"),
            description=fields.text(row, "description"),
            price=fields.optional_amount(row, "price") or Decimal(0),
            cost=fields.optional_amount(row, "cost") or Decimal(0),
            active=fields.flag(row, "active", absent=True),
        )

    def value(self, field: str) -> Any:
        """What stands in a field, by ServiceTitan's name for it. Raises KeyError for one that is not kept here."""
        values = {
            "displayName": self.name,
            "description": self.description,
            "cost": self.cost,
            "price": self.price,
            "active": self.active,
        }
        return values[field]

    @classmethod
    def unreadable(cls, kind: str, row: Row) -> Sku:
        """An entry of a shape that we do not know: it occupies its code, and nothing more can be said of it."""
        identity = str(row.get("id") or "without a number")
        return cls(f"unreadable {kind}", identity, str(row.get("code") or ""), "", "", Decimal(0), Decimal(0), True)
