"""A ServiceTitan invoice with its items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from stsync.core.source import fields
from stsync.core.source.fields import Address, Named, Row


@dataclass(frozen=True)
class LineAccount:
    """The general ledger account ServiceTitan put on a line: income, or a liability for deposits (trap 19)."""

    id: str
    number: str
    name: str

    @classmethod
    def parse(cls, row: Row, field: str) -> LineAccount | None:
        """Read the account under this field; None for a link that is null or says nothing. Raises UnknownShape."""
        link = fields.part(row, field)
        if link is None:
            return None
        account = cls(fields.reference(link, "id") or "", fields.text(link, "number"), fields.text(link, "name"))
        return account if account.id or account.number or account.name else None


@dataclass(frozen=True)
class Item:
    """One line of an invoice; amounts in the document's currency."""

    id: str
    description: str
    quantity: Decimal
    price: Decimal
    total: Decimal
    sku: str
    chargeable: bool
    taxable: bool
    account: LineAccount | None
    business_unit: Named | None

    @classmethod
    def parse(cls, row: Row) -> Item:
        """Read one item. Raises UnknownShape."""
        return cls(
            id=fields.record_id(row),
            description=fields.text(row, "displayName") or fields.text(row, "description"),
            quantity=fields.amount(row, "quantity"),
            price=fields.amount(row, "price"),
            total=fields.amount(row, "total"),
            sku=fields.text(row, "skuName"),
            chargeable=fields.flag(row, "isChargeable", absent=True),
            taxable=fields.flag(row, "taxable", absent=False),
            account=LineAccount.parse(row, "generalLedgerAccount"),
            business_unit=fields.named(row, "businessUnit"),
        )


@dataclass(frozen=True)
class Invoice:
    """What the books need of an invoice; `number` is what people see, `id` is the only stable key (trap 21).

    `job_type` is empty without a job. `trades` are of its business units, by their id, as far as they were looked up:
    a row of the feed does not have them.
    `balance` is what ServiceTitan counted as unpaid at `modified_on` (UTC to the second, like `created_on`); `tax_rate` the
    rate of its tax zone, a fraction.
    """

    id: str
    number: str
    status: str
    active: bool
    invoiced_on: date | None
    due_on: date | None
    subtotal: Decimal
    sales_tax: Decimal
    total: Decimal
    tax_zone: Named | None
    customer: Named | None
    location: Named | None
    location_address: Address
    business_unit: Named | None
    term: str
    adjustment_to: str | None
    items: tuple[Item, ...]
    job_type: str = ""
    trades: Mapping[str, Named | None] = field(default_factory=dict)
    balance: Decimal | None = None
    modified_on: str = ""
    created_on: str = ""
    tax_rate: Decimal | None = None

    @classmethod
    def parse(cls, row: Row) -> Invoice:
        """Read one row of the invoices list or export. Raises UnknownShape."""
        return cls(
            id=fields.record_id(row),
            number=fields.text(row, "referenceNumber"),
            status=fields.text(row, "syncStatus"),
            active=fields.flag(row, "active", absent=True),
            invoiced_on=fields.day(row, "invoiceDate"),
            due_on=fields.day(row, "dueDate"),
            subtotal=fields.amount(row, "subTotal"),
            sales_tax=fields.optional_amount(row, "salesTax") or Decimal("0.00"),
            total=fields.amount(row, "total"),
            tax_zone=tax_zone(row),
            customer=fields.named(row, "customer"),
            location=fields.named(row, "location"),
            location_address=fields.address(row, "locationAddress"),
            business_unit=fields.named(row, "businessUnit"),
            term=fields.text(row, "termName"),
            adjustment_to=fields.reference(row, "adjustmentToId"),
            items=_items(row),
            job_type=_job_type(row),
            balance=fields.optional_amount(row, "balance"),
            modified_on=fields.second(row, "modifiedOn"),
            created_on=fields.second(row, "createdOn"),
            tax_rate=tax_rate(row),
        )

    @property
    def charged(self) -> tuple[Item, ...]:
        """The items that make up the subtotal; the others carry cost and maybe a price, but bill nothing (trap 36)."""
        return tuple(item for item in self.items if item.chargeable)

    @property
    def bills_nothing(self) -> bool:
        """Whether there is nothing on it to post: no total, and no line that is charged for."""
        lines = self.charged if sum((item.total for item in self.charged), Decimal(0)) == self.subtotal else self.items
        return self.total == 0 and self.sales_tax == 0 and all(item.total == 0 for item in lines)


def _job_type(row: Row) -> str:
    """The job's type by its name, the only way the row gives it (facts section 3.1, JobResponse)."""
    job = fields.part(row, "job")
    return fields.text(job, "type") if job is not None else ""


def _items(row: Row) -> tuple[Item, ...]:
    # The invoice-items export marks deleted items inactive; invoices may carry them the same way.
    rows = [entry for entry in fields.parts(row, "items") if entry.get("active") is not False]
    order = sorted(range(len(rows)), key=lambda index: (_order(rows[index]), index))
    return tuple(Item.parse(rows[index]) for index in order)


def _order(row: Row) -> int:
    value = row.get("order")
    return value if isinstance(value, int) else 0


def tax_zone(row: Row) -> Named | None:
    """The tax code used; taxZoneId is a newer field and may be missing (facts section 3.1)."""
    code = fields.named(row, "salesTaxCode")
    if code is not None:
        return code
    zone = fields.reference(row, "taxZoneId")
    return Named(zone, "") if zone else None


def zone_named(invoice: Invoice, names: Mapping[str, str]) -> Invoice:
    """The invoice with the name of a tax zone that it gives by number alone; unknown names stay empty."""
    zone = invoice.tax_zone
    if zone is None or zone.name:
        return invoice
    return replace(invoice, tax_zone=replace(zone, name=names.get(zone.id, "")))


def tax_rate(row: Row) -> Decimal | None:
    """The rate of the tax code, a fraction, as it is today (facts section 6, tax)."""
    code = fields.part(row, "salesTaxCode")
    return fields.optional_amount(code, "taxRate") if code is not None else None
