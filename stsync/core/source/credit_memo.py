"""A ServiceTitan credit memo, read as an invoice below zero (facts section 3.8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from stsync.core.source import fields
from stsync.core.source.fields import Named, Row, UnknownShape
from stsync.core.source.invoice import Invoice, Item, LineAccount, tax_rate, tax_zone
from stsync.core.source.payment import Application, applications

# Where the engine puts a credit memo's lines, which ServiceTitan keeps in a list of their own.
LINES = "items"


@dataclass(frozen=True)
class CreditMemo:
    """What the books need of a credit memo.

    `document` is the same as an invoice below zero, whatever sign ServiceTitan gives its amounts (the facts do not
    say which). `applications` are the invoices that it is applied to, with positive amounts.
    """

    document: Invoice
    applications: tuple[Application, ...]

    @property
    def id(self) -> str:
        """The record's id."""
        return self.document.id

    @property
    def customer(self) -> Named | None:
        """Whose credit it is."""
        return self.document.customer

    @classmethod
    def parse(cls, row: Row) -> CreditMemo:
        """Read one row of the credit memos list with its lines under `items`. Raises UnknownShape."""
        if row.get(LINES) is None:
            raise UnknownShape("its lines are not among what ServiceTitan answered")
        total = fields.amount(row, "total")
        sign = 1 if total < 0 else -1
        subtotal = sign * fields.amount(row, "subTotal")
        return cls(
            document=Invoice(
                id=fields.record_id(row),
                number=fields.text(row, "referenceNumber"),
                status=fields.text(row, "syncStatus"),
                active=fields.flag(row, "active", absent=True),
                invoiced_on=fields.day(row, "date"),
                due_on=None,
                subtotal=subtotal,
                sales_tax=sign * (fields.optional_amount(row, "salesTax") or Decimal("0.00")),
                total=sign * total,
                tax_zone=tax_zone(row),
                customer=fields.named(row, "customer"),
                location=fields.named(row, "location"),
                location_address=fields.address(row, "locationAddress"),
                business_unit=fields.named(row, "businessUnit"),
                term="",
                adjustment_to=None,
                items=_lines(row, subtotal),
                balance=fields.optional_amount(row, "balance"),
                tax_rate=tax_rate(row),
            ),
            applications=tuple(replace(one, amount=abs(one.amount)) for one in applications(row)),
        )


def _lines(row: Row, subtotal: Decimal) -> tuple[Item, ...]:
    """The lines, with the sign that makes them add up to the subtotal."""
    rows = [entry for entry in fields.parts(row, LINES) if entry.get("active") is not False]
    lines = [_line(entry) for entry in sorted(rows, key=_order)]
    sums = sum((one.total for one in lines), Decimal(0))
    return tuple(lines if sums == subtotal else (_turned(one) for one in lines))


def _order(entry: Mapping[str, Any]) -> int:
    # Credit memo lines have no order of their own; their ids are given as they are entered.
    return fields.whole(entry, "id")


def _line(row: Row) -> Item:
    return Item(
        id=fields.record_id(row),
        description=fields.text(row, "description"),
        quantity=fields.amount(row, "quantity"),
        price=fields.amount(row, "price"),
        total=fields.amount(row, "total"),
        sku=fields.text(row, "skuName"),
        chargeable=True,
        taxable=fields.flag(row, "taxable", absent=False),
        account=LineAccount.parse(row, "revenueGeneralLedgerAccount"),
        business_unit=fields.named(row, "businessUnit"),
    )


def _turned(item: Item) -> Item:
    return replace(item, price=-item.price, total=-item.total)
