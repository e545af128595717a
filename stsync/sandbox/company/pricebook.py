"""The contractor's pricebook: services, materials and equipment by trade, discounts and fees.

About 100 services, 130 materials and 36 equipment rows; a real shop has thousands of each (ServiceTitan facts,
section 7), but the shapes and the spread of prices are the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random

from stsync.sandbox.company import shapes
from stsync.sandbox.company.chart import ACCOUNT, UNITS
from stsync.sandbox.company.values import Row, cents, words

# Positions in `Pricebook.skus` of those that the books see otherwise; the scenarios of the pricebook name them.
BLOCKED_POSITION, CONFLICT_POSITION, JUMP_POSITION, TWICE_POSITION = 60, 130, 150, 8
_SET_UP = "2025-11-03T18:04:11.52Z"
_TRADES = ("HVAC", "Plumbing", "Electrical")
_SERVICES = {
    "HVAC": words(
        "Diagnostic visit|Capacitor replacement|Contactor replacement|Refrigerant recharge|Blower motor replacement|"
        "Condenser coil cleaning|Evaporator coil cleaning|Thermostat installation|Drain line clearing|"
        "Compressor replacement|Precision tune-up|Duct sealing|Air quality test|Furnace igniter replacement",
        "|",
    ),
    "Plumbing": words(
        "Leak search|Faucet replacement|Toilet rebuild|Water heater flush|Water heater installation|Main line clearing|"
        "Camera inspection|Hydro jetting|Garbage disposal installation|Pressure regulator replacement|"
        "Slab leak repair|Gas line test|Hose bib replacement|Sump pump service",
        "|",
    ),
    "Electrical": words(
        "Panel inspection|Breaker replacement|Outlet installation|Ceiling fan installation|Surge protection|"
        "EV charger installation|Lighting retrofit|Smoke detector replacement|Generator maintenance|Rewire per room",
        "|",
    ),
}
_MATERIALS = {
    "HVAC": words(
        "Capacitor|Contactor|Refrigerant R-410A|Filter|Relay|Fan blade|Line set|Thermostat|Float switch", "|"
    ),
    "Plumbing": words("Copper elbow|PEX pipe|Wax ring|Supply line|Ball valve|Flapper|P-trap|Anode rod|Cartridge", "|"),
    "Electrical": words("Breaker|Receptacle|Wire 12/2|Wire nut box|Conduit|Junction box|Dimmer|GFCI", "|"),
}
_EQUIPMENT = {
    "HVAC": ["Split system", "Package unit", "Heat pump", "Furnace"],
    "Plumbing": ["Water heater", "Tankless heater", "Softener", "Sump pump"],
    "Electrical": ["Load center", "EV charger", "Standby generator", "Transfer switch"],
}
_SIZES = ("small", "medium", "large", "heavy duty", "premium")


@dataclass(frozen=True)
class Sku:
    """One thing that can be sold: `kind` is the item type of an invoice line, `account` a ServiceTitan number."""

    id: int
    code: str
    name: str
    kind: str
    trade: str
    price: Decimal
    cost: Decimal
    taxable: bool
    account: str


@dataclass(frozen=True)
class Pricebook:
    """The SKUs by use, and the same as ServiceTitan's rows."""

    skus: tuple[Sku, ...]
    categories: tuple[Row, ...]
    services: tuple[Row, ...]
    materials: tuple[Row, ...]
    equipment: tuple[Row, ...]
    discounts_and_fees: tuple[Row, ...]

    def of(self, trade: str, kind: str) -> list[Sku]:
        """All SKUs of a trade and kind, in order of id."""
        return [sku for sku in self.skus if sku.trade == trade and sku.kind == kind]


def trade_account(trade: str) -> str:
    """The revenue account that a trade's SKUs carry when nobody chose another."""
    return next(unit.account for unit in UNITS if unit.trade == trade)


def pricebook(rng: Random) -> Pricebook:
    """The same pricebook for the same random source."""
    services = tuple(_skus(rng, "Service", _SERVICES, base_id=40_001, prefix="S", low=49, high=420))
    materials = tuple(_skus(rng, "Material", _MATERIALS, base_id=50_001, prefix="M", low=2, high=120))
    equipment = tuple(_skus(rng, "Equipment", _EQUIPMENT, base_id=60_001, prefix="E", low=700, high=6500))
    return Pricebook(
        skus=services + materials + equipment,
        categories=tuple(_categories()),
        services=tuple(_service_row(sku) for sku in services),
        materials=(
            *(_material_row(sku) for sku in materials),
            # Codes are distinct per kind only: this material has the code of a service.
            _material_row(replace(materials[0], id=59_001, code=services[TWICE_POSITION].code, name="Kit, as a part")),
        ),
        equipment=tuple(_equipment_row(sku) for sku in equipment),
        discounts_and_fees=tuple(_discounts_and_fees()),
    )


def _skus(
    rng: Random,
    kind: str,
    names: dict[str, list[str]],
    *,
    base_id: int,
    prefix: str,
    low: int,
    high: int,
) -> list[Sku]:
    sizes = _SIZES[:3] if kind != "Material" else _SIZES
    wanted = [(trade, name, size) for trade in _TRADES for name in names[trade] for size in sizes]
    skus = []
    for position, (trade, name, size) in enumerate(wanted):
        price = cents(Decimal(rng.randint(low * 100, high * 100)) / 100)
        cost = cents(price * Decimal(rng.randint(20, 60)) / 100)
        code = f"{prefix}-{trade[:2].upper()}-{position + 1:04d}"
        taxable = kind != "Service"
        sku = Sku(base_id + position, code, f"{name}, {size}", kind, trade, price, cost, taxable, trade_account(trade))
        skus.append(sku)
    return skus


def _categories() -> list[Row]:
    rows = []
    for position, (trade, kind) in enumerate((t, k) for t in _TRADES for k in ("Services", "Materials")):
        rows.append(
            shapes.filled(
                shapes.CATEGORY_KEYS,
                id=9_001 + position,
                name=f"{trade} {kind}",
                active=True,
                position=position,
                categoryType=kind,
                hideInMobile=False,
                createdOn=_SET_UP,
                modifiedOn=_SET_UP,
            )
        )
    return rows


def category_id(sku: Sku) -> int:
    """The category a SKU is filed under; equipment is filed with materials."""
    return 9_001 + 2 * _TRADES.index(sku.trade) + (0 if sku.kind == "Service" else 1)


def _priced(sku: Sku) -> Row:
    member = cents(sku.price * Decimal("0.90"))
    return {
        "id": sku.id,
        "code": sku.code,
        "displayName": sku.name,
        "description": f"<p>{sku.name}</p>",
        "price": sku.price,
        "memberPrice": member,
        "addOnPrice": sku.price,
        "addOnMemberPrice": member,
        "taxable": sku.taxable,
        "account": ACCOUNT[sku.account].name,
        "hours": Decimal("1.5") if sku.kind == "Service" else Decimal(0),
        "active": True,
        "paysCommission": False,
        "bonus": Decimal(0),
        "commissionBonus": Decimal(0),
        "cost": sku.cost,
        "createdOn": _SET_UP,
        "modifiedOn": _SET_UP,
    }


def _service_row(sku: Sku) -> Row:
    category = {"id": category_id(sku), "name": f"{sku.trade} Services", "active": True}
    return shapes.filled(
        shapes.SERVICE_KEYS,
        **_priced(sku),
        isLabor=False,
        soldByCommission=Decimal(0),
        categories=[category],
        warranty={"duration": 365, "description": "One year, parts and labor"},
    )


def _stocked(sku: Sku) -> Row:
    return {
        **_priced(sku),
        "categories": [category_id(sku)],
        "unitOfMeasure": "Each",
        "isInventory": sku.kind == "Material",
        "costOfSaleAccount": ACCOUNT["5100" if sku.kind == "Material" else "5200"].name,
        "assetAccount": ACCOUNT["1300"].name,
        "displayInAmount": True,
        "generalLedgerAccountId": ACCOUNT[sku.account].id,
    }


def _material_row(sku: Sku) -> Row:
    return shapes.filled(
        shapes.MATERIAL_KEYS,
        **_stocked(sku),
        deductAsJobCost=False,
        isConfigurableMaterial=False,
        chargeableByDefault=True,
        createdById=7,
        isOtherDirectCost=False,
    )


def _equipment_row(sku: Sku) -> Row:
    return shapes.filled(
        shapes.EQUIPMENT_KEYS,
        **_stocked(sku),
        manufacturer="Sonoran Works",
        model=f"SW{sku.id}",
        manufacturerWarranty={"duration": 3650, "description": "Ten years, parts"},
        serviceProviderWarranty={"duration": 730, "description": "Two years, labor"},
        isConfigurableEquipment=False,
    )


def _discounts_and_fees() -> list[Row]:
    wanted = (
        (8_001, "Discount", "MEMBER10", "Member discount", "Percentage", Decimal(10), "4800"),
        (8_002, "Discount", "COUPON50", "Coupon", "Fixed", Decimal(50), "4800"),
        (8_003, "Fee", "CARDFEE", "Card fee", "Percentage", Decimal("2.5"), "4810"),
    )
    return [
        shapes.filled(
            shapes.DISCOUNT_AND_FEE_KEYS,
            id=row_id,
            type=kind,
            code=code,
            displayName=name,
            description=f"<p>{name}</p>",
            amountType=amount_type,
            amount=amount,
            limit=Decimal(0),
            taxable=False,
            hours=Decimal(0),
            account=ACCOUNT[account].name,
            active=True,
            bonus=Decimal(0),
            commissionBonus=Decimal(0),
            paysCommission=False,
            excludeFromPayroll=False,
            createdOn=_SET_UP,
            modifiedOn=_SET_UP,
        )
        for row_id, kind, code, name, amount_type, amount, account in wanted
    ]
