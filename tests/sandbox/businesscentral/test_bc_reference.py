"""Items, terms, units, tax, accounts and what comes with them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from bc_client import Books

from stsync.sandbox.businesscentral.core.amounts import apply_date_formula, to_five_places


@pytest.mark.parametrize(
    ("formula", "due"),
    [
        ("", date(2026, 1, 31)),
        ("30D", date(2026, 3, 2)),
        ("1M", date(2026, 2, 28)),
        ("CM+10D", date(2026, 2, 10)),
        ("2W", date(2026, 2, 14)),
        ("D15", date(2026, 2, 15)),
        ("1Y-1D", date(2027, 1, 30)),
    ],
)
def test_date_formulas(formula: str, due: date) -> None:
    assert apply_date_formula(formula, date(2026, 1, 31)) == due


def test_prices_keep_five_places_without_idle_zeros() -> None:
    assert str(to_five_places(Decimal("10.123456"))) == "10.12346"
    assert str(to_five_places(Decimal("100.00"))) == "100"


def test_items_are_made_changed_and_read_with_their_links(books: Books) -> None:
    books.company.add_item_category("HVAC")
    body = {
        "number": "f-1",
        "displayName": "Filter",
        "type": "Non-Inventory",
        "unitPrice": Decimal("12.345678"),
        "baseUnitOfMeasureCode": "pcs",
        "itemCategoryCode": "HVAC",
        "generalProductPostingGroupCode": "RETAIL",
    }
    item = books.made("items", body)
    assert (item["number"], item["type"], item["unitPrice"]) == ("F-1", "Non_x002D_Inventory", Decimal("12.34568"))
    assert books.get(f"items({item['id']})?$expand=itemCategory")["itemCategory"]["code"] == "HVAC"
    assert books.patch(f"items({item['id']})", {"blocked": True})["blocked"] is True
    assert books.post("items", {"displayName": "x", "inventory": 1}).message == (
        "Inventory cannot be changed during on insert."
    )
    assert books.post("items", body).code == "Internal_EntityWithSameKeyExists"
    assert books.post("items", {"baseUnitOfMeasureCode": "NOPE"}).code == "Internal_InvalidTableRelation"


def test_an_inventory_change_does_not_stamp_the_item(books: Books) -> None:
    item = books.get("items")["value"][0]
    changed = books.patch(f"items({item['id']})", {"inventory": 5})
    assert (changed["inventory"], changed["lastModifiedDateTime"]) == (5, item["lastModifiedDateTime"])


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("paymentMethods", {"code": "card", "displayName": "Card"}),
        ("paymentTerms", {"code": "15d", "displayName": "15 days", "dueDateCalculation": "15D"}),
        ("unitsOfMeasure", {"code": "box", "displayName": "Box"}),
        ("taxAreas", {"code": "ca", "displayName": "California"}),
        ("taxGroups", {"code": "food", "displayName": "Food"}),
        ("currencies", {"code": "eur", "displayName": "Euro"}),
        ("itemCategories", {"code": "cat", "displayName": "Category"}),
    ],
)
def test_reference_records_live_a_whole_life(books: Books, path: str, body: dict[str, str]) -> None:
    made = books.made(path, body)
    assert made["code"] == body["code"].upper()
    assert books.post(path, body).code == "Internal_EntityWithSameKeyExists"
    assert books.post(path, {"displayName": "x"}).code == "BadRequest_RequiredParamNotProvided"
    assert books.patch(f"{path}({made['id']})", {"displayName": "New"})["displayName"] == "New"
    assert books.call("DELETE", f"{path}({made['id']})").status == 204


def test_a_bad_date_formula_cannot_be_evaluated(books: Books) -> None:
    answer = books.post("paymentTerms", {"code": "X", "dueDateCalculation": "soon"})
    assert answer.code == "Application_EvaluateException"


def test_accounts_show_direct_posting_type_and_movement(books: Books) -> None:
    books.posted()
    rows = {row["number"]: row for row in books.get("accounts")["value"]}
    assert (rows["4000"]["netChange"], rows["4000"]["directPosting"]) == (-100, True)
    assert (rows["1200"]["directPosting"], rows["4300"]["accountType"]) == (False, "Heading")


def test_company_information_names_the_local_currency(books: Books) -> None:
    row = books.get("companyInformation")["value"][0]
    assert row["currencyCode"] == "USD"
    changed = books.patch(f"companyInformation({row['id']})", {"city": "Austin"})
    assert changed["city"] == "Austin"
    assert books.post("companyInformation", {}).status == 405
