"""A month in which nothing goes wrong: so many invoices, payments and new customers, and all of them can be posted.

The demo company's month is full of documents that break books, most of which are held on purpose; a benchmark wants to
know what an ordinary document costs. Invoices have two to four lines, from one or two departments, half of them with
sales tax, a fifth of the services sold as items of Business Central. Payments come by five means, so that they go
through five journals; most pay one invoice, every tenth pays half of one and a quarter of the customer's next.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from stsync.sandbox.company import Demo, demo, setup_rows
from stsync.sandbox.company.billing import Heading, invoice
from stsync.sandbox.company.books import books
from stsync.sandbox.company.chart import TERMS, UNIT_WITHOUT_DIMENSION, UNITS, ZONE_BY_ID, ZONES, Unit
from stsync.sandbox.company.crm import customer
from stsync.sandbox.company.lines import Line, sold
from stsync.sandbox.company.office import MONTH_FIRST, MONTH_LAST, Office
from stsync.sandbox.company.pricebook import Sku, pricebook
from stsync.sandbox.company.receipts import payment
from stsync.sandbox.company.values import ZERO, Row, cents
from stsync.sandbox.world import World

MEANS = ("Credit Card", "Check", "ACH", "Cash", "Desert Home Financing")
_MEANS_SHARES = (60, 20, 12, 5, 3)
# Every fifth service is an item in Business Central too; the others go to the account of their line.
ITEM_EVERY = 5
SPLIT_EVERY = 10
LATER = timedelta(minutes=20)
_WORKING = [unit for unit in UNITS if unit.active and unit.name != UNIT_WITHOUT_DIMENSION]
_ZONES = [zone.name for zone in ZONES[:6]]


@dataclass(frozen=True)
class Size:
    """How much there is: documents are invoices and payments."""

    invoices: int
    payments: int
    customers: int

    @classmethod
    def of(cls, documents: int) -> Size:
        """Half of the documents invoices, half payments, and one new customer for every five invoices."""
        return cls(documents - documents // 2, documents // 2, max(1, documents // 10))

    @property
    def documents(self) -> int:
        """Invoices and payments; customers are not counted."""
        return self.invoices + self.payments


class PlainWorld(World):
    """Both systems with a plain month in them; `more` books further documents, as the office does on the next day."""

    def __init__(self, size: Size, *, folder: Path | str, seed: int = 1, **more: Any) -> None:
        self.size = size
        super().__init__(0, seed, folder=folder, **more)

    def config_text(
        self, folder: Path | str, *, complete: bool = True, extended: bool = False, write_back: bool = False
    ) -> str:
        """The demo company's configuration without its gaps, and with the services that are items."""
        text = super().config_text(folder, complete=complete, extended=extended, write_back=write_back)
        items = [row["code"] for position, row in enumerate(self.demo.services) if position % ITEM_EVERY == 0]
        return text + "\n".join(["  items:", *(f'    "{code}": "{code}"' for code in items), ""])

    def more(self, documents: int) -> None:
        """Book further documents with their customers, and let ServiceTitan's feeds show them."""
        with self.tenant.lock:
            written = _write(self._office, Size.of(documents))
            for table, rows in written.items():
                for row in rows:
                    self.tenant.add(table, row)
        self.advance(LATER)

    def _generated(self) -> Demo:
        self._office = Office(Random(self.seed), pricebook(Random(self.seed)))
        _write(self._office, self.size)
        return _company(self._office, self.seed)


def _company(office: Office, seed: int) -> Demo:
    """The office's rows as a company; the pricebook and the books have the same items, so that nothing is pushed."""
    prices = office.pricebook
    services = tuple(row for row in prices.skus if row.kind == "Service")
    owned = books(replace(prices, skus=services), office)
    known = {sku.code: sku for sku in services}
    # As in ServiceTitan: the demo's differences between the two systems are for the pricebook's own rehearsal.
    items = tuple(
        replace(one, unit_price=known[one.number].price, unit_cost=known[one.number].cost, blocked=False)
        for one in owned.items
        if one.number in known
    )
    return Demo(
        seed=seed,
        customers=office.customers,
        customer_contacts=office.contacts,
        locations=office.locations,
        business_units=setup_rows.business_units(demo.TENANT_ID),
        gl_accounts=setup_rows.gl_accounts(),
        payment_types=setup_rows.payment_types(),
        payment_terms=setup_rows.payment_terms(),
        tax_zones=setup_rows.tax_zones(),
        invoices=office.invoices,
        payments=office.payments,
        credit_memos=[],
        credit_memo_items=[],
        inventory_bills=[],
        categories=list(prices.categories),
        services=list(prices.services),
        materials=[],
        equipment=[],
        discounts_and_fees=[],
        technicians=office.technicians,
        books=replace(owned, items=items),
    )


def _write(office: Office, size: Size) -> dict[str, list[Row]]:
    """Write that much into the office's own lists; returns what is new, by table."""
    before = {name: len(getattr(office, name)) for name in _LISTS}
    owners = [customer(office, zone=office.rng.choice(_ZONES)) for _ in range(size.customers)]
    stock: dict[tuple[str, str], list[Sku]] = defaultdict(list)
    for sku in office.pricebook.skus:
        stock[sku.trade, sku.kind].append(sku)
    invoices = [_invoice(office, owners[number % len(owners)], stock) for number in range(size.invoices)]
    for number in range(size.payments):
        _pay(office, owners, invoices, number)
    _balance(office, owners)
    return {_LISTS[name]: getattr(office, name)[start:] for name, start in before.items()}


_LISTS = {
    "customers": "customers",
    "contacts": "customer_contacts",
    "locations": "locations",
    "invoices": "invoices",
    "payments": "payments",
}


def _invoice(office: Office, owner: Row, stock: dict[tuple[str, str], list[Sku]]) -> Row:
    rng = office.rng
    unit = rng.choice(_WORKING)
    lines = [_line(rng, stock, unit) for _ in range(rng.randint(2, 4))]
    if rng.random() < 0.1:
        lines[-1] = replace(lines[-1], unit=rng.choice(_WORKING).name)
    zone = ZONE_BY_ID[office.location_of[owner["id"]]["taxZoneId"]].name
    heading = Heading(unit=unit.name, zone=zone, term=rng.choice(TERMS[:3]).name)
    return invoice(office, owner, MONTH_FIRST + timedelta(days=rng.randint(0, 27)), lines, heading)


def _line(rng: Random, stock: dict[tuple[str, str], list[Sku]], unit: Unit) -> Line:
    kind = "Service" if rng.random() < 0.7 else "Material"
    quantity = Decimal(1) if kind == "Service" else Decimal(rng.choice((1, 1, 2, 3, 5)))
    return sold(rng.choice(stock[unit.trade, kind]), account=unit.account, quantity=quantity)


def _pay(office: Office, owners: list[Row], invoices: list[Row], number: int) -> None:
    owner = owners[number % len(owners)]
    kind = office.rng.choices(MEANS, _MEANS_SHARES)[0]
    if number >= len(invoices):
        payment(office, owner, MONTH_LAST, office.amount(40, 400), kind)
        return
    shares = [(invoices[number], Decimal(invoices[number]["balance"]))]
    following = number + len(owners)
    if number % SPLIT_EVERY == 0 and following < len(invoices):
        shares = [(invoices[number], _part(invoices[number], 2)), (invoices[following], _part(invoices[following], 4))]
    # Not before the later of its invoices: such a payment would go on account, for a person to apply.
    on = max(date.fromisoformat(row["invoiceDate"][:10]) for row, _ in shares)
    paid_on = min(on + timedelta(days=office.rng.choice((0, 0, 1, 2))), MONTH_LAST)
    payment(office, owner, paid_on, sum((share for _, share in shares), ZERO), kind, applied=shares)


def _part(row: Row, divisor: int) -> Decimal:
    return cents(Decimal(row["balance"]) / divisor)


def _balance(office: Office, owners: list[Row]) -> None:
    """What each of these customers owes: open invoices less unapplied money."""
    owed: dict[int, Decimal] = defaultdict(lambda: ZERO)
    for rows, key, sign in ((office.invoices, "balance", 1), (office.payments, "unappliedAmount", -1)):
        for row in rows:
            owed[row["customer"]["id"]] += sign * Decimal(row[key])
    for owner in owners:
        owner["balance"] = owed[owner["id"]]
