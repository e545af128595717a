"""A ServiceTitan inventory bill: what a vendor wants for the goods of a purchase order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from stsync.core.source import fields
from stsync.core.source.fields import Named, Row
from stsync.core.source.invoice import LineAccount


@dataclass(frozen=True)
class BillItem:
    """One line of a bill; `cost` is for one piece, in the bill's currency."""

    id: str
    code: str
    name: str
    quantity: Decimal
    cost: Decimal
    account: LineAccount | None
    cost_of_sale_account: LineAccount | None

    @classmethod
    def parse(cls, row: Row) -> BillItem:
        """Read one line. Raises UnknownShape."""
        return cls(
            id=fields.record_id(row),
            code=fields.text(row, "skuCode"),
            name=fields.text(row, "name") or fields.text(row, "description"),
            quantity=fields.amount(row, "quantity"),
            cost=fields.amount(row, "cost"),
            account=LineAccount.parse(row, "generalLedgerAccount"),
            cost_of_sale_account=LineAccount.parse(row, "costOfSaleAccount"),
        )


@dataclass(frozen=True)
class Bill:
    """A bill as ServiceTitan holds it; its content cannot be changed through the API (facts section 3.8).

    Amounts are decimal text there, in the list as in the export; only the export says whether it is active.
    """

    id: str
    number: str
    purchase_order: str | None
    vendor: Named | None
    vendor_number: str
    summary: str
    billed_on: date | None
    due_on: date | None
    amount: Decimal
    tax: Decimal
    shipping: Decimal
    status: str
    active: bool
    business_unit: Named | None
    job_number: str
    term: str
    items: tuple[BillItem, ...]

    @classmethod
    def parse(cls, row: Row) -> Bill:
        """Read one row of either list form or of the export. Raises UnknownShape."""
        return cls(
            id=fields.record_id(row),
            number=fields.text(row, "referenceNumber"),
            purchase_order=fields.reference(row, "purchaseOrderId"),
            vendor=fields.named(row, "vendor"),
            vendor_number=fields.text(row, "vendorNumber"),
            summary=fields.text(row, "summary"),
            billed_on=fields.day(row, "billDate"),
            due_on=fields.day(row, "dueDate"),
            amount=fields.amount(row, "billAmount"),
            tax=fields.optional_amount(row, "taxAmount") or Decimal("0.00"),
            shipping=fields.optional_amount(row, "shippingAmount") or Decimal("0.00"),
            status=fields.text(row, "syncStatus"),
            active=fields.flag(row, "active", absent=True),
            business_unit=fields.named(row, "businessUnit"),
            job_number=fields.text(row, "jobNumber"),
            term=fields.text(row, "termName"),
            items=tuple(BillItem.parse(item) for item in fields.parts(row, "items")),
        )
