"""The same seed gives the same company; the scale changes the crowd, never the scenarios."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import date

import pytest

from stsync.sandbox.company import SCENARIOS, Demo, build, meaning, meanings


def test_the_same_seed_gives_the_same_company() -> None:
    assert asdict(build(invoices=300, seed=7)) == asdict(build(invoices=300, seed=7))


def test_another_seed_gives_another_company() -> None:
    first, second = build(invoices=300, seed=7), build(invoices=300, seed=8)
    assert [row["total"] for row in first.invoices] != [row["total"] for row in second.invoices]


def test_scenario_ids_are_the_same_at_every_scale_and_with_every_seed(demo: Demo) -> None:
    assert build(invoices=50, seed=1).scenarios == demo.scenarios
    assert build(invoices=50, seed=99).scenarios == demo.scenarios


@pytest.mark.parametrize("invoices", [200, 500, 1500])
def test_the_number_of_invoices_is_the_number_asked_for(invoices: int) -> None:
    assert len(build(invoices=invoices).invoices) == invoices


def test_a_number_smaller_than_the_scenarios_still_yields_all_of_them() -> None:
    small = build(invoices=1)
    assert set(small.scenarios) == set(SCENARIOS)
    ordinary = {row["id"] for row in small.invoices} - small.scenario_ids("invoices")
    assert len(ordinary) == 30, "beside the scenarios stands always something that troubles nobody"


def test_ids_are_unique_within_their_kind(demo: Demo) -> None:
    for kind in ("customers", "customer_contacts", "locations", "invoices", "payments", "credit_memos"):
        ids = [row["id"] for row in getattr(demo, kind)]
        assert len(ids) == len(set(ids)), kind
    items = [item["id"] for row in demo.invoices for item in row["items"] or ()]
    assert len(items) == len(set(items))


def test_the_company_is_the_size_it_claims(demo: Demo) -> None:
    assert len(demo.technicians) == 150
    assert 8 <= sum(row["active"] for row in demo.business_units) <= 12
    assert 5 <= len(demo.tax_zones) <= 8
    assert sum(row["isMultipleTaxZone"] for row in demo.tax_zones) == 1


def test_nothing_is_changed_after_the_month_is_complete(demo: Demo) -> None:
    latest = demo.now.strftime("%Y-%m-%dT%H:%M:%S")
    for kind in ("customers", "locations", "invoices", "payments", "credit_memos", "inventory_bills"):
        for row in getattr(demo, kind):
            assert row["createdOn"][:19] <= latest
            assert row["modifiedOn"][:19] <= latest


def test_ordinary_documents_are_dated_in_the_month(demo: Demo) -> None:
    first, last = (one.isoformat() for one in demo.month)
    assert demo.month == (date(2026, 6, 1), date(2026, 6, 30))
    for kind, key in (("invoices", "invoiceDate"), ("payments", "date")):
        special = demo.scenario_ids(kind)
        for row in getattr(demo, kind):
            assert row["id"] in special or first <= row[key][:10] <= last


def test_most_documents_are_posted(demo: Demo) -> None:
    ordinary = [row for row in build(invoices=2000).invoices if row["id"] not in demo.scenario_ids("invoices")]
    shares = {s: sum(r["syncStatus"] == s for r in ordinary) / len(ordinary) for s in ("Posted", "Pending", "Exported")}
    assert shares["Posted"] > 0.85
    assert 0 < shares["Exported"] < shares["Pending"]


def test_every_scenario_says_what_it_is() -> None:
    assert all(meaning(name).endswith(".") for name in SCENARIOS)


def test_every_scenario_names_rows_that_exist(demo: Demo) -> None:
    assert set(demo.scenarios) == set(SCENARIOS)
    for name, refs in demo.scenarios.items():
        assert refs, name
        for kind in {kind for kind, _ in refs}:
            assert len(demo.scenario_rows(name, kind)) == sum(1 for one, _ in refs if one == kind)


def test_a_month_of_five_thousand_documents_holds_every_scenario_and_is_made_quickly() -> None:
    started = time.monotonic()
    large = build(documents=5000, seed=3)
    assert time.monotonic() - started < 10
    assert len(large.invoices) + len(large.payments) + len(large.credit_memos) == 5000
    assert large.scenarios == build(invoices=1).scenarios
    assert len(large.credit_memos) > 20
    again = build(documents=5000, seed=3)
    assert [row["total"] for row in again.invoices] == [row["total"] for row in large.invoices]


def test_the_table_of_scenarios_says_of_each_what_it_is() -> None:
    table = meanings()
    assert list(table) == list(SCENARIOS)
    assert table["opening_credit"].startswith("A deposit of April, in the books as an open credit")
