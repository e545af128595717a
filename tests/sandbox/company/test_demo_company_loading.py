"""The company in the simulators: complete, and with sums that the simulator agrees with."""

from __future__ import annotations

import copy
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

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
    before = {kind: copy.deepcopy(dict(tenant.tables[kind])) for kind in ("invoices", "payments", "customers")}
    changed = LATER[name](demo, tenant)
    assert changed
    for kind, row_id in changed:
        now = {key: value for key, value in tenant.tables[kind][row_id].items() if key != "modifiedOn"}
        then = {key: value for key, value in before[kind][row_id].items() if key != "modifiedOn"}
        assert now != then, (name, kind, row_id)
