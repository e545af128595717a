"""Lines of an invoice: what was sold, and the same as ServiceTitan's item row."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from stsync.sandbox.company import shapes
from stsync.sandbox.company.chart import ACCOUNT, UNIT, Unit, Zone
from stsync.sandbox.company.pricebook import Sku
from stsync.sandbox.company.values import ZERO, Row, cents, money, number_text

_COST_ACCOUNT = {"Material": "5100", "Equipment": "5200"}


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line. `total` is ServiceTitan's line amount where it differs from quantity x price in cents.

    `account` is a ServiceTitan account number or None, `unit` a business unit's name or None for the header's.
    """

    description: str
    price: Decimal
    quantity: Decimal = Decimal(1)
    account: str | None = "4100"
    kind: str = "Service"
    sku: Sku | None = None
    unit: str | None = None
    taxable: bool = False
    chargeable: bool = True
    total: Decimal | None = None
    cost: Decimal = ZERO

    @property
    def amount(self) -> Decimal:
        """What the line adds to the invoice when it is chargeable."""
        return cents(self.quantity * self.price) if self.total is None else self.total


def sold(sku: Sku, *, account: str | None, quantity: Decimal = Decimal(1), unit: str | None = None) -> Line:
    """A SKU at its list price."""
    return Line(
        description=f"<p>{sku.name}</p>",
        price=sku.price,
        quantity=quantity,
        account=account,
        kind=sku.kind,
        sku=sku,
        unit=unit,
        taxable=sku.taxable,
        cost=sku.cost,
    )


def sub_total(lines: list[Line]) -> Decimal:
    """The chargeable lines together (trap 36: others may show a price and count for nothing)."""
    return sum((line.amount for line in lines if line.chargeable), ZERO)


def sales_tax(lines: list[Line], zone: Zone | None) -> Decimal:
    """Each authority's tax on the taxable lines, rounded for itself, then added up."""
    if zone is None:
        return ZERO
    base = sum((line.amount for line in lines if line.chargeable and line.taxable), ZERO)
    return sum((cents(base * rate) for _, rate in zone.authorities), ZERO)


def item_row(line: Line, *, item_id: int, order: int, unit: Unit, at: str, technician_id: int | None) -> Row:
    """The line as an item of an invoice."""
    sku = line.sku
    return shapes.filled(
        shapes.ITEM_KEYS,
        id=item_id,
        description=line.description,
        quantity=number_text(line.quantity),
        cost=number_text(line.cost),
        totalCost=money(cents(line.cost * line.quantity)),
        price=number_text(line.price),
        type=line.kind,
        skuName=sku.code if sku else None,
        skuId=sku.id if sku else 0,
        total=money(line.amount),
        inventory=line.kind == "Material",
        taxable=line.taxable,
        isChargeable=line.chargeable,
        generalLedgerAccount=ACCOUNT[line.account].link if line.account else None,
        costOfSaleAccount=ACCOUNT[_COST_ACCOUNT[line.kind]].link if line.kind in _COST_ACCOUNT else None,
        assetAccount=ACCOUNT["1300"].link if line.kind in _COST_ACCOUNT else None,
        membershipTypeId=0,
        displayName=sku.name if sku else None,
        soldHours=Decimal("1.5") if line.kind == "Service" else None,
        createdOn=at,
        modifiedOn=at,
        order=order,
        businessUnit=(UNIT[line.unit] if line.unit else unit).link,
        createdById=7,
        displayInAmount=True,
        addOn=False,
        technicianId=technician_id,
    )


def labor(price: str, description: str = "Labor", *, account: str | None = "4100", unit: str | None = None) -> Line:
    """Untaxed work at a price."""
    return Line(description=description, price=Decimal(price), account=account, unit=unit)


def part(
    price: str,
    description: str = "Part",
    *,
    quantity: str = "1",
    total: str | None = None,
    account: str = "4100",
    unit: str | None = None,
) -> Line:
    """Taxed material, with ServiceTitan's own line total where its rounding is the point."""
    return Line(
        description=description,
        price=Decimal(price),
        quantity=Decimal(quantity),
        total=Decimal(total) if total else None,
        account=account,
        kind="Material",
        unit=unit,
        taxable=True,
        cost=cents(Decimal(price) * Decimal("0.4")),
    )
