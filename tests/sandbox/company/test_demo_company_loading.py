"""The company in the simulators: complete, and with sums that the simulator agrees with."""

from __future__ import annotations

import copy
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest

from stsync.sandbox.businesscentral import Company
from stsync.sandbox.businesscentral.environment import Environment
from stsync.sandbox.company import (
    LATER,
    MISSING_DIMENSION_VALUE,
    Demo,
    add_missing_dimension_value,
    build,
    load_business_central,
    load_servicetitan,
)
from stsync.sandbox.servicetitan.tenant import Tenant


@pytest.fixture
def loaded() -> tuple[Demo, Tenant]:
    demo = build(invoices=200, seed=5)
    tenant = Tenant(demo.tenant_id, clock=lambda: demo.now)
    load_servicetitan(demo, tenant)
    return demo, tenant


def test_the_tenant_holds_every_row(loaded: tuple[Demo, Tenant]) -> None:
    demo, tenant = loaded
    for name in ("customers", "invoices", "payments", "credit_memos", "inventory_bills", "services", "payment_types"):
        assert len(tenant.tables[name]) == len(getattr(demo, name)) > 0
    assert len(tenant.tables["invoice_items"]) == sum(len(row["items"] or ()) for row in demo.invoices)


def test_the_tenants_own_sums_agree_with_the_rows(loaded: tuple[Demo, Tenant]) -> None:
    _, tenant = loaded

    def sums() -> dict[str, Any]:
        keys = {"invoices": "balance", "payments": "unappliedAmount", "credit_memos": "balance", "customers": "balance"}
        return {table: {i: row[key] for i, row in tenant.tables[table].items()} for table, key in keys.items()}

    before = copy.deepcopy(sums())
    tenant.settle()
    assert sums() == before


def test_the_books_are_set_up_with_one_department_missing() -> None:
    demo = build(invoices=1)
    company = Environment().create_company(demo.books.company_name)
    load_business_central(demo, company)
    codes = {value.code for value in company.dimension_values if value.dimension_code == "DEPARTMENT"}
    assert "PHX-HVAC-I" in codes
    assert MISSING_DIMENSION_VALUE not in codes
    assert company.settings.global_dimensions[0] == "DEPARTMENT"
    assert company.ledger_setup.allow_posting_from == date(2026, 6, 1)
    assert company.ledger_setup.allow_posting_to == date(2026, 6, 30)
    add_missing_dimension_value(company)
    assert MISSING_DIMENSION_VALUE in {value.code for value in company.dimension_values}


def test_tax_areas_carry_the_zones_percents() -> None:
    demo = build(invoices=1)
    company = Environment().create_company(demo.books.company_name)
    load_business_central(demo, company)
    glendale = company.tax_areas.first("code", "AZ-GLE")
    assert glendale is not None
    assert glendale.rates["TAXABLE"] == Decimal("9.2")
    assert company.receivables_accounts["DOMESTIC"] == "12100"


@pytest.mark.parametrize("name", LATER)
def test_a_later_change_touches_the_rows_it_names(name: str, loaded: tuple[Demo, Tenant]) -> None:
    demo, tenant = loaded
    before = {kind: copy.deepcopy(dict(table)) for kind, table in tenant.tables.items()}
    changed = LATER[name](demo, tenant)
    assert changed
    for kind, row_id in changed:
        now = {key: value for key, value in tenant.tables[kind][row_id].items() if key != "modifiedOn"}
        then = {key: value for key, value in before[kind].get(row_id, {}).items() if key != "modifiedOn"}
        assert now != then, (name, kind, row_id)


@pytest.fixture(scope="module")
def books_with_history() -> tuple[Demo, Company]:
    demo = build(invoices=1)
    company = Environment().create_company(demo.books.company_name)
    load_business_central(demo, company, history=True)
    return demo, company


def test_history_is_in_the_books_only_when_it_is_asked_for() -> None:
    demo = build(invoices=1)
    company = Environment().create_company(demo.books.company_name)
    load_business_central(demo, company)
    assert [len(table) for table in (company.customers, company.invoices, company.gl_entries)] == [0, 0, 0]


def test_open_items_stand_in_the_books_as_they_were_brought_over(books_with_history: tuple[Demo, Company]) -> None:
    demo, company = books_with_history
    items = {item.number: item for item in demo.books.openings}
    entries = {entry.document_number: entry for entry in company.customer_ledger}
    assert {number: entry.remaining for number, entry in entries.items()} == {n: i.amount for n, i in items.items()}
    assert {one.number for one in company.invoices} == {n for n, one in items.items() if not one.by_journal}
    assert {entry.posting_date for entry in company.gl_entries if entry.posting_date >= demo.go_live} == set()
    assert sum(entry.amount for entry in company.gl_entries) == 0
    assert company.series["posted_invoice"].next_number == "PS-INV103001"


def test_open_items_have_a_counterpart_with_servicetitans_balance_but_one(
    books_with_history: tuple[Demo, Company],
) -> None:
    demo, _ = books_with_history
    [odd] = demo.scenario_rows("opening_of_another_amount", "invoices")
    [brought] = [item for item in demo.books.openings if item.number == odd["referenceNumber"]]
    assert brought.amount - Decimal(odd["balance"]) == 10
    [partly] = demo.scenario_rows("opening_partly_paid", "invoices")
    [brought] = [item for item in demo.books.openings if item.external_number == partly["referenceNumber"]]
    assert (brought.amount, partly["total"], partly["balance"]) == (500, "900.00", "0.00")


def test_cards_are_alike_in_the_way_their_scenario_says(books_with_history: tuple[Demo, Company]) -> None:
    demo, company = books_with_history
    cards = {row.display_name: row for row in company.customers}
    assert len([row for row in company.customers if row.display_name == "Rosalind Ekberg"]) == 2
    [known] = demo.scenario_rows("known_by_phone", "customers")
    theirs = next(row["value"] for row in demo.customer_contacts if row["customerId"] == known["id"])
    card = cards["Desmond Achterberg"]
    assert card.phone_number != theirs
    assert "".join(filter(str.isdigit, card.phone_number)) == f"1{theirs}"
    [blocked] = demo.scenario_rows("card_blocked", "customers")
    assert (cards["Bertram Holloway"].number, cards["Bertram Holloway"].blocked) == (f"ST{blocked['id']}", "All")
    assert cards["Everett Quandt"].gen_bus_posting_group == ""
    rules = {one.parent_id: one.posting_validation for one in company.default_dimensions}
    assert rules[cards["Maricopa Cold Storage"].id] == "Same Code"
    assert rules[company.accounts.first("number", "40720").id] == "Code Mandatory"


def test_the_books_disagree_with_the_pricebook_where_the_scenarios_say_so() -> None:
    demo = build(invoices=1)
    items = {item.number: item for item in demo.books.items}
    rows = {(kind, row["id"]): row for kind in ("services", "materials", "equipment") for row in getattr(demo, kind)}

    def pairs(name: str) -> list[tuple[Any, Any]]:
        return [(rows[ref], items[rows[ref]["code"]]) for ref in demo.scenarios[name]]

    for row, item in pairs("pricebook_costs_changed"):
        assert item.unit_cost == (row["cost"] * Decimal("1.06")).quantize(Decimal("0.01"), ROUND_HALF_UP)
    assert [item.unit_cost / row["cost"] for row, item in pairs("pricebook_cost_leapt")] == [2]
    assert [item.blocked for _, item in pairs("pricebook_item_blocked")] == [True]
    assert [item.type for _, item in pairs("pricebook_kind_conflict")] == ["Service"]
    assert demo.scenarios["pricebook_kind_conflict"][0][0] == "materials"
    one, other = pairs("pricebook_code_used_twice")
    assert one[0]["code"] == other[0]["code"]
