"""Inventory bills and the vendors who send them. stsync reads bills and never writes them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from stsync.sandbox.company import shapes
from stsync.sandbox.company.chart import ACCOUNT, UNIT
from stsync.sandbox.company.office import MONTH_FIRST, Office, batch
from stsync.sandbox.company.pricebook import Sku
from stsync.sandbox.company.values import Row, cents, day, money, number_text

VENDORS = {5_501: "Sonoran Supply", 5_502: "Valley Pipe & Fitting", 5_503: "Cactus Electric Wholesale"}
_VENDOR_OF = {"HVAC": 5_501, "Plumbing": 5_502, "Electrical": 5_503}
_UNIT_OF = {"HVAC": "Phoenix HVAC Service", "Plumbing": "Phoenix Plumbing Service", "Electrical": "Phoenix Electrical"}


def bill(office: Office, on: date, skus: list[Sku], quantities: list[int]) -> Row:
    """A posted bill for materials of one trade, due in 30 days, with 8.6 percent tax."""
    trade = skus[0].trade
    vendor_id = _VENDOR_OF[trade]
    net = sum((sku.cost * quantity for sku, quantity in zip(skus, quantities, strict=True)), Decimal(0))
    tax = cents(net * Decimal("0.086"))
    bill_id = office.next_id("bills")
    row = shapes.filled(
        shapes.BILL_KEYS,
        id=bill_id,
        purchaseOrderId=bill_id + 1_000_000,
        syncStatus="Posted",
        referenceNumber=f"B-{bill_id}",
        vendorNumber=str(office.rng.randint(10_000, 99_999)),
        billDate=day(on),
        billAmount=money(net + tax),
        taxAmount=money(tax),
        shippingAmount=money(Decimal(0)),
        createdBy="warehouse",
        createdOn=office.at(on),
        modifiedOn=office.at(on, 24),
        termName="Net 30",
        dueDate=day(on + timedelta(days=30)),
        shipToDescription="Main warehouse",
        postDate=day(on),
        batch=batch(on, "Posted"),
        businessUnit=UNIT[_UNIT_OF[trade]].link,
        vendor=shapes.named(vendor_id, VENDORS[vendor_id]),
        items=[
            _item(office, sku, quantity, order)
            for order, (sku, quantity) in enumerate(zip(skus, quantities, strict=True), 1)
        ],
        active=True,
    )
    office.bills.append(row)
    return row


def _item(office: Office, sku: Sku, quantity: int, order: int) -> Row:
    return shapes.filled(
        shapes.BILL_ITEM_KEYS,
        order=order,
        name=sku.name,
        description=f"<p>{sku.name}</p>",
        quantity=str(quantity),
        cost=number_text(sku.cost),
        inventoryLocation="Main warehouse",
        generalLedgerAccount=ACCOUNT[sku.account].link,
        costOfSaleAccount=ACCOUNT["5100"].link,
        assetAccount=ACCOUNT["1300"].link,
        id=office.next_id("items"),
        skuId=sku.id,
        skuType=sku.kind,
        skuCode=sku.code,
    )


def write_bills(office: Office, count: int) -> None:
    """That many bills over the month, three lines each on average."""
    for _ in range(count):
        trade = office.rng.choice(sorted(_VENDOR_OF))
        skus = office.rng.sample(office.pricebook.of(trade, "Material"), office.rng.randint(1, 5))
        on = MONTH_FIRST + timedelta(days=office.rng.randint(0, 29))
        bill(office, on, skus, [office.rng.randint(1, 24) for _ in skus])
