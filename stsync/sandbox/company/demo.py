"""The demo company's month: all rows of ServiceTitan and the set-up of the books, generated from a seed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from random import Random

from stsync.sandbox.company import setup_rows
from stsync.sandbox.company.books import Books, books
from stsync.sandbox.company.month import write_documents, write_month
from stsync.sandbox.company.office import MONTH_FIRST, MONTH_LAST, NOW, Office
from stsync.sandbox.company.pricebook import pricebook
from stsync.sandbox.company.purchasing import write_bills
from stsync.sandbox.company.scenarios import SCENARIOS
from stsync.sandbox.company.values import ZERO, Ref, Row

TENANT_ID = 985_798_691
GO_LIVE = date(2026, 5, 1)
ORDINARY_AT_LEAST = 30


@dataclass(frozen=True)
class Demo:
    """One generated company. Lists hold ServiceTitan's rows as they travel; `scenarios` names the hard ones.

    `now` is the instant at which the month is complete: no row was changed later. Simulators whose clock stands
    before it do not show everything.
    """

    seed: int
    customers: list[Row]
    customer_contacts: list[Row]
    locations: list[Row]
    business_units: list[Row]
    gl_accounts: list[Row]
    payment_types: list[Row]
    payment_terms: list[Row]
    tax_zones: list[Row]
    invoices: list[Row]
    payments: list[Row]
    credit_memos: list[Row]
    credit_memo_items: list[Row]
    inventory_bills: list[Row]
    categories: list[Row]
    services: list[Row]
    materials: list[Row]
    equipment: list[Row]
    discounts_and_fees: list[Row]
    technicians: list[Row]
    books: Books
    scenarios: dict[str, list[Ref]] = field(default_factory=dict)
    tenant_id: int = TENANT_ID
    go_live: date = GO_LIVE
    month: tuple[date, date] = (MONTH_FIRST, MONTH_LAST)
    now: datetime = NOW

    def scenario_rows(self, name: str, kind: str) -> list[Row]:
        """A scenario's rows of one kind, in the order it wrote them. Raises KeyError for an unknown name."""
        wanted = [row_id for row_kind, row_id in self.scenarios[name] if row_kind == kind]
        found = {row["id"]: row for row in getattr(self, kind) if row["id"] in set(wanted)}
        return [found[row_id] for row_id in wanted]

    def scenario_ids(self, kind: str) -> set[int]:
        """The ids of all rows of one kind that belong to any scenario."""
        return {row_id for refs in self.scenarios.values() for row_kind, row_id in refs if row_kind == kind}


def build(invoices: int = 2000, seed: int = 1, *, documents: int | None = None) -> Demo:
    """The company with about that many invoices in its month; the same for the same seed.

    `documents` asks for that many invoices, payments and credit memos together instead. The scenarios come first and
    are always complete, with some ordinary invoices after them, so a small number still yields all of them. Their
    documents have the same ids at every scale and with every seed.
    """
    prices = pricebook(Random(seed))
    office = Office(Random(seed), prices)
    scenarios = {name: scenario(office) for name, scenario in SCENARIOS.items()}
    if documents is None:
        write_month(office, max(invoices - len(office.invoices), ORDINARY_AT_LEAST))
    else:
        write_documents(office, documents)
    write_bills(office, max(3, len(office.invoices) // 20))
    _balance_customers(office)
    return Demo(
        seed=seed,
        customers=office.customers,
        customer_contacts=office.contacts,
        locations=office.locations,
        business_units=setup_rows.business_units(TENANT_ID),
        gl_accounts=setup_rows.gl_accounts(),
        payment_types=setup_rows.payment_types(),
        payment_terms=setup_rows.payment_terms(),
        tax_zones=setup_rows.tax_zones(),
        invoices=office.invoices,
        payments=office.payments,
        credit_memos=office.credit_memos,
        credit_memo_items=office.credit_memo_items,
        inventory_bills=office.bills,
        categories=list(prices.categories),
        services=list(prices.services),
        materials=list(prices.materials),
        equipment=list(prices.equipment),
        discounts_and_fees=list(prices.discounts_and_fees),
        technicians=office.technicians,
        books=books(prices, office),
        scenarios=scenarios,
    )


def _balance_customers(office: Office) -> None:
    """What each customer owes: open invoices less unapplied money; a merged customer's share is the survivor's."""
    owed: dict[int, Decimal] = defaultdict(lambda: ZERO)
    survivors = {row["id"]: row["mergedToId"] for row in office.customers if row["mergedToId"]}
    sources = (
        (office.invoices, "balance", 1),
        (office.payments, "unappliedAmount", -1),
        (office.credit_memos, "balance", -1),
    )
    for rows, key, sign in sources:
        for row in rows:
            if row["active"] and row["customer"]:
                owed[_survivor(row["customer"]["id"], survivors)] += sign * Decimal(row[key])
    for customer in office.customers:
        customer["balance"] = owed[customer["id"]]


def _survivor(customer_id: int, survivors: dict[int, int]) -> int:
    while customer_id in survivors:
        customer_id = survivors[customer_id]
    return customer_id
