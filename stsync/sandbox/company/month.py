"""An ordinary June: jobs, memberships, and how customers pay. Nothing here should trouble anybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from stsync.sandbox.company.billing import Heading, invoice
from stsync.sandbox.company.chart import UNIT, UNITS, ZONE_BY_ID, ZONES
from stsync.sandbox.company.credits import credit_memo
from stsync.sandbox.company.crm import customer
from stsync.sandbox.company.lines import Line, labor, sold
from stsync.sandbox.company.office import MONTH_FIRST, MONTH_LAST, Office
from stsync.sandbox.company.pricebook import Sku
from stsync.sandbox.company.receipts import payment
from stsync.sandbox.company.values import Row, cents

_WORKING_UNITS = [unit for unit in UNITS if unit.share]
_SHARES = [unit.share for unit in _WORKING_UNITS]
_COMMERCIAL = "Commercial Services"
_KIND_OF_UNIT = {"Phoenix HVAC Install": "Install", "Phoenix HVAC Maintenance": "Maintenance"}
# Cards first, as in homes everywhere; commercial customers send checks and bank transfers.
_HOME_MEANS = {"Credit Card": 62, "Check": 20, "ACH": 12, "Cash": 6}
# How many invoices of a large month get a credit memo of their own.
_CREDITED = 0.15
_MONTHLY_FEE = Decimal("19.95")


@dataclass(frozen=True)
class _Town:
    """The customers of the month, and the SKUs to sell them by trade and kind."""

    homes: Sequence[Row]
    businesses: Sequence[Row]
    skus: dict[tuple[str, str], list[Sku]]


def write_month(office: Office, invoices: int) -> None:
    """That many invoices, with their customers and payments."""
    if invoices <= 0:
        return
    town = _town(office, invoices)
    for _ in range(invoices):
        _write_one(office, town)
    _pay_open_businesses(office, town)


def write_documents(office: Office, documents: int) -> None:
    """Fill the month up to that many invoices, payments and credit memos, as far as the scenarios leave room."""
    town = _town(office, max(documents // 2, 1))
    # What the businesses pay together at the end of the month comes on top.
    reserved = (len(town.businesses) + 1) // 2
    while _written(office) < documents - reserved:
        _write_one(office, town)
        if office.rng.random() < _CREDITED:
            _credit_one(office)
    _pay_open_businesses(office, town)
    while _written(office) < documents:
        owner = office.rng.choice(town.homes)
        payment(office, owner, MONTH_LAST, office.amount(40, 400), "Check")


def _written(office: Office) -> int:
    return len(office.invoices) + len(office.payments) + len(office.credit_memos)


def _credit_one(office: Office) -> None:
    """A goodwill credit memo on the last invoice, if something is still owed on it."""
    row = office.invoices[-1]
    if row["syncStatus"] != "Posted" or Decimal(row["balance"]) <= 0 or row["customer"] is None:
        return
    owner = next(one for one in reversed(office.customers) if one["id"] == row["customer"]["id"])
    amount = min(Decimal(row["balance"]), office.amount(10, 60))
    heading = Heading(unit=row["businessUnit"]["name"], zone=row["salesTaxCode"]["name"])
    on = min(date.fromisoformat(row["invoiceDate"][:10]) + timedelta(days=3), MONTH_LAST)
    line = labor(str(amount), "Goodwill", account=UNIT[heading.unit].account)
    credit_memo(office, owner, on, [line], heading, applied=[(row, amount)])


def _town(office: Office, invoices: int) -> _Town:
    zones = [zone.name for zone in ZONES[:6]]
    homes = [customer(office, zone=office.rng.choice(zones)) for _ in range(1 + invoices * 6 // 10)]
    businesses = [
        customer(office, commercial=True, zone=office.rng.choice(zones), exempt=office.rng.random() < 0.1)
        for _ in range(1 + invoices // 150)
    ]
    kinds = ("Service", "Material", "Equipment")
    trades = {unit.trade for unit in _WORKING_UNITS}
    skus = {(trade, kind): office.pricebook.of(trade, kind) for trade in sorted(trades) for kind in kinds}
    return _Town(homes, businesses, skus)


def _write_one(office: Office, town: _Town) -> None:
    rng = office.rng
    status = rng.choices(("Posted", "Pending", "Exported"), (91, 6, 3))[0]
    on = MONTH_FIRST + timedelta(days=rng.randint(0, 1 if status == "Exported" else 29))
    if rng.random() < 0.08:
        _bill_membership(office, rng.choice(town.homes), on, status)
        return
    unit = rng.choices(_WORKING_UNITS, _SHARES)[0].name
    owner = rng.choice(town.businesses if unit == _COMMERCIAL else town.homes)
    begun = status != "Pending" or rng.random() < 0.5
    lines = _lines(rng, town, unit) if begun else []
    heading = Heading(
        unit=unit,
        zone=_zone_of(office, owner),
        status=status,
        term="Net 30" if unit == _COMMERCIAL else "Due Upon Receipt",
        kind=_KIND_OF_UNIT.get(unit, "Service"),
    )
    row = invoice(office, owner, on, lines, heading)
    if unit != _COMMERCIAL or status == "Exported":
        _pay(office, owner, row, on)


def _zone_of(office: Office, owner: Row) -> str:
    return ZONE_BY_ID[office.location_of[owner["id"]]["taxZoneId"]].name


def _bill_membership(office: Office, owner: Row, on: date, status: str) -> None:
    heading = Heading(
        unit="Phoenix HVAC Maintenance",
        zone=_zone_of(office, owner),
        status=status,
        configuration="MembershipInvoice",
        kind="Membership",
    )
    fee = labor(str(_MONTHLY_FEE), "Membership, monthly", account="2400")
    row = invoice(office, owner, on, [fee], heading)
    row["membershipId"] = 400_000 + owner["id"] % 100_000
    if status != "Pending":
        payment(office, owner, on, _MONTHLY_FEE, applied=[(row, _MONTHLY_FEE)], status=status)


def _lines(rng: Random, town: _Town, unit_name: str) -> list[Line]:
    unit = UNIT[unit_name]
    installs = unit_name == "Phoenix HVAC Install"
    count = 1 + min(14, int(rng.expovariate(1 / 3)))
    lines = [sold(rng.choice(town.skus[unit.trade, "Equipment"]), account=unit.account)] if installs else []
    while len(lines) < count:
        kind = "Service" if not lines or rng.random() < 0.45 else "Material"
        quantity = Decimal(1) if kind == "Service" else Decimal(rng.choice((1, 1, 1, 2, 3, 5)))
        lines.append(sold(rng.choice(town.skus[unit.trade, kind]), account=unit.account, quantity=quantity))
    if rng.random() < 0.03:
        helper = rng.choice(_WORKING_UNITS)
        lines.append(labor("85.00", "Help from another crew", account=helper.account, unit=helper.name))
    if rng.random() < 0.07:
        off = cents(lines[0].amount * Decimal("-0.10"))
        lines.append(replace(labor(str(off), "Member discount", account="4800"), kind="PriceModifier"))
    if rng.random() < 0.05:
        lines.append(
            replace(sold(rng.choice(town.skus[unit.trade, "Material"]), account=unit.account), chargeable=False)
        )
    return lines


def _pay(office: Office, owner: Row, row: Row, on: date) -> None:
    total, status = Decimal(row["total"]), row["syncStatus"]
    if total <= 0 or status == "Pending":
        return
    if status == "Exported":
        payment(office, owner, on, total, applied=[(row, total)], status=status)
        return
    chance = office.rng.random()
    if chance < 0.80:
        _receive(office, owner, row, on, total)
    elif chance < 0.85:
        half = cents(total / 2)
        _receive(office, owner, row, on, half)
        _receive(office, owner, row, on, total - half)
    elif chance < 0.91:
        _receive(office, owner, row, on, cents(total / 3))


def _receive(office: Office, owner: Row, row: Row, on: date, amount: Decimal) -> None:
    if amount == 0:
        return
    paid_on = min(on + timedelta(days=office.rng.choice((0, 0, 0, 1, 3, 7))), MONTH_LAST)
    kind = office.rng.choices(list(_HOME_MEANS), list(_HOME_MEANS.values()))[0]
    if amount > 3000 and office.rng.random() < 0.5:
        kind = "Desert Home Financing"
    status = "Pending" if office.rng.random() < 0.03 else "Posted"
    payment(office, owner, paid_on, amount, kind, applied=[(row, amount)], status=status)


def _pay_open_businesses(office: Office, town: _Town) -> None:
    """Every second business pays everything it owes with one check or transfer late in the month."""
    owing: dict[int, list[Row]] = {}
    paying = town.businesses[::2]
    wanted = {owner["id"] for owner in paying}
    for row in office.invoices:
        if row["syncStatus"] == "Posted" and row["customer"] and row["customer"]["id"] in wanted:
            owing.setdefault(row["customer"]["id"], []).append(row)
    for owner in paying:
        shares = [(row, Decimal(row["balance"])) for row in owing.get(owner["id"], ()) if Decimal(row["balance"]) > 0]
        if shares:
            total = sum((share for _, share in shares), Decimal(0))
            payment(office, owner, MONTH_LAST, total, office.rng.choice(("Check", "ACH")), applied=shares)
