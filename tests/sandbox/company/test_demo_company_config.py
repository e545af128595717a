"""The demo configuration is valid, covers what the month uses, and lacks exactly two lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from stsync.config.model import Config
from stsync.sandbox.company import Demo, demo_config, fix
from stsync.sandbox.company.chart import ACCOUNT, UNIT

URLS = {
    "servicetitan_api": "https://127.0.0.1:9001",
    "servicetitan_auth": "https://127.0.0.1:9002",
    "business_central": "https://127.0.0.1:9003",
    "entra": "https://127.0.0.1:9004",
}
COMPANY = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


def config(*, complete: bool = False) -> dict[str, Any]:
    text = demo_config(URLS, Path("a folder"), company_id=COMPANY, tenant_id="a-tenant", complete=complete)
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


def test_the_configuration_is_valid() -> None:
    parsed = Config.model_validate(config())
    assert parsed.dimensions.business_unit == "DEPARTMENT"
    assert parsed.go_live.isoformat() == "2026-05-01"
    assert set(parsed.mapping.payment_types.values()) <= set(parsed.payments.journals)


def test_the_extended_configuration_is_valid_and_its_values_exist_in_the_books(demo: Demo) -> None:
    text = demo_config(URLS, Path("a folder"), company_id=COMPANY, tenant_id="a-tenant", extended=True)
    loaded = yaml.safe_load(text)
    parsed = Config.model_validate(loaded)
    assert [one.dimension for one in parsed.dimensions.more] == ["TRADE", "JOBTYPE", "CHANNEL"]
    values = {(dimension, code) for dimension, code, _ in demo.books.dimension_values}
    for table, dimension in (("trades", "TRADE"), ("job_types", "JOBTYPE")):
        assert {(dimension, code) for code in loaded["mapping"][table].values()} <= values
    assert set(loaded["mapping"]["refunds"].values()) <= {account.number for account in demo.books.accounts}
    types = {row["job"]["type"] for row in demo.invoices if row["job"]}
    assert types - set(loaded["mapping"]["job_types"]) == {"Warranty Visit"}


def test_the_fix_is_what_the_configuration_lacks() -> None:
    lacking, complete, lines = config()["mapping"], config(complete=True)["mapping"], yaml.safe_load(fix())["mapping"]
    assert {name: {**table, **lines.get(name, {})} for name, table in lacking.items()} == complete
    assert sum(len(table) for table in lines.values()) == 2


def test_the_mapping_covers_the_month_but_for_what_is_missing_on_purpose(demo: Demo) -> None:
    mapping = config()["mapping"]
    books = {account.number for account in demo.books.accounts}
    charged = [item for row in demo.invoices for item in row["items"] or () if item["isChargeable"]]
    numbers = {item["generalLedgerAccount"]["number"] for item in charged if item["generalLedgerAccount"]}
    assert numbers - set(mapping["accounts"]) - books == {"4600"}
    assert {row["type"] for row in demo.payments} - set(mapping["payment_types"]) == {"Payment App"}
    assert {row["salesTaxCode"]["name"] for row in demo.invoices if row["salesTaxCode"]} <= set(mapping["tax_zones"])
    assert {row["termName"] for row in demo.invoices} - set(mapping["terms"]) == {None, "When the insurance pays"}


def test_every_mapped_code_exists_in_the_books_but_one_department(demo: Demo) -> None:
    mapping = config(complete=True)["mapping"]
    postable = {account.number for account in demo.books.accounts if account.direct_posting}
    assert set(mapping["accounts"].values()) | set(mapping["tax_zones"].values()) <= postable
    values = {code for dimension, code, _ in demo.books.dimension_values if dimension == "DEPARTMENT"}
    assert set(mapping["business_units"].values()) - values == {"EV-SOLAR"}
    assert set(mapping["terms"].values()) <= {code for code, _, _ in demo.books.payment_terms}
    balancing = {journal["balancing_account"] for journal in config()["payments"]["journals"].values()}
    assert balancing <= postable


def test_names_of_business_units_are_not_their_codes() -> None:
    assert not {unit.name.upper() for unit in UNIT.values()} & {unit.code for unit in UNIT.values()}


def test_codes_fit_business_central(demo: Demo) -> None:
    assert all(len(code) <= 20 for _, code, _ in demo.books.dimension_values)
    assert all(len(name) <= 50 for _, _, name in demo.books.dimension_values)
    assert all(len(code) <= 10 for code, _, _ in demo.books.payment_terms)
    assert all(len(code) <= 10 for code in config()["payments"]["journals"])
    assert all(len(item.number) <= 20 and len(item.name) <= 100 for item in demo.books.items)
    assert {account.books_number for account in ACCOUNT.values()} <= {one.number for one in demo.books.accounts}
