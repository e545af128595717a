"""Dimensions of documents and defaults of master records."""

from __future__ import annotations

from typing import Any

import pytest
from bc_client import Books, account_line


def _set_lines(books: Books, path: str) -> dict[str, str]:
    return {row["code"]: row["valueCode"] for row in books.get(f"{path}/dimensionSetLines")["value"]}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"valueCode": "10"}, 'The "id" or "code" field must be filled in.'),
        ({"code": "AREA"}, 'The "valueId" or "valueCode" field must be filled in.'),
        ({"code": "AREA", "valueCode": "99"}, 'The "valueCode" does not match to a Dimension Value.'),
        ({"code": "NOPE", "valueCode": "10"}, "The dimension field values do not match to a specific Dimension."),
        ({"valueCode": "10", "code": "AREA"}, 'The "valueCode" does not match to a Dimension Value.'),
    ],
)
def test_a_dimension_set_line_is_refused_in_the_vendors_words(books: Books, body: dict[str, Any], message: str) -> None:
    draft = books.invoice()
    assert books.post(f"salesInvoices({draft['id']})/dimensionSetLines", body).message == message


def test_the_flat_set_has_no_parent_to_read_from(books: Books) -> None:
    assert books.get("dimensionSetLines").message == (
        "You must get to the parent first to get to the dimension set line."
    )
    assert books.post("dimensionSetLines", {"code": "AREA", "valueCode": "10"}).message == (
        "You must get to the parent first to create a dimension set line."
    )


def test_a_line_dimension_can_be_changed_and_removed_but_not_replaced(books: Books) -> None:
    area = books.company.dimensions.first("code", "AREA")
    draft = books.invoice()
    path = f"salesInvoices({draft['id']})"
    made = books.made(f"{path}/dimensionSetLines", {"code": "area", "valueCode": "10"})
    assert (made["id"], made["parentType"]) == (area.id, "Sales_x0020_Invoice")
    assert books.patch(f"{path}/dimensionSetLines({area.id})", {"valueCode": "20"})["valueDisplayName"] == "Area 20"
    assert books.patch(f"{path}/dimensionSetLines({area.id})", {"code": "OTHER"}).status == 400
    assert books.call("DELETE", f"{path}/dimensionSetLines({area.id})", If_Match="*").status == 204
    assert _set_lines(books, path) == {}


def test_shortcut_codes_and_the_set_are_two_views_of_one_thing(books: Books) -> None:
    books.company.settings.global_dimensions = ("AREA", "")
    draft = books.invoice(shortcutDimension1Code="10")
    path = f"salesInvoices({draft['id']})"
    assert _set_lines(books, path) == {"AREA": "10"}
    books.patch(f"{path}/dimensionSetLines({books.company.dimensions.first('code', 'AREA').id})", {"valueCode": "20"})
    assert books.get(path)["shortcutDimension1Code"] == "20"
    refused = books.post("salesInvoices", {"customerNumber": "C1", "shortcutDimension1Code": "99"})
    assert refused.code == "Internal_InvalidTableRelation"


def test_dimensions_of_posted_documents_change_without_the_ledger(books: Books) -> None:
    posted = books.posted(account_line(10, dimensionSetLines=[{"code": "AREA", "valueCode": "10"}]))
    line = books.company.invoice_lines.first("document_id", posted["id"])
    area = books.company.dimensions.first("code", "AREA").id
    answer = books.patch(f"salesInvoiceLines({line.id})/dimensionSetLines({area})", {"valueCode": "30"})
    assert answer["valueCode"] == "30"
    assert [e.dimensions for e in books.company.gl_entries if e.account_number == "4000"] == [{"AREA": "10"}]
    entry = books.get("generalLedgerEntries?$filter=accountNumber eq '4000'&$expand=dimensionSetLines")["value"][0]
    assert entry["dimensionSetLines"][0]["valueCode"] == "10"
    refused = books.post(f"generalLedgerEntries({entry['id']})/dimensionSetLines", {"code": "AREA", "valueCode": "10"})
    assert "dimension set lines are read only for parent type" in refused.message


def test_blocked_dimensions_and_values_cannot_be_used(books: Books) -> None:
    books.company.add_dimension_value("AREA", "10", blocked=True)
    draft = books.invoice()
    path = f"salesInvoices({draft['id']})/dimensionSetLines"
    assert books.post(path, {"code": "AREA", "valueCode": "10"}).message == "Dimension Value AREA - 10 is blocked."
    books.company.add_dimension("AREA", blocked=True)
    assert books.post(path, {"code": "AREA", "valueCode": "20"}).message == "Dimension AREA is blocked."


def test_default_dimensions_are_kept_for_customers_and_items_only(books: Books) -> None:
    company = books.company
    area = company.dimensions.first("code", "AREA")
    value = company.dimension_values.first("code", "10")
    customer = company.customers.first("number", "C1")
    body = {"dimensionId": area.id, "dimensionValueId": value.id, "postingValidation": "Same_x0020_Code"}
    made = books.made(f"customers({customer.id})/defaultDimensions", body)
    assert (made["parentType"], made["dimensionValueCode"], made["postingValidation"]) == (
        "Customer",
        "10",
        "Same_x0020_Code",
    )
    account = company.accounts.first("number", "4000")
    refused = books.post("defaultDimensions", {"parentId": account.id, **body})
    assert refused.status == 400
    company.add_default_dimension(account, "AREA", posting_validation="Code Mandatory")
    assert len(books.get("defaultDimensions")["value"]) == 1
    assert books.get(f"salesInvoices({books.invoice()['id']})/dimensionSetLines")["value"][0]["valueCode"] == "10"
    assert books.call("DELETE", f"defaultDimensions({made['id']})", If_Match="*").status == 204


def test_a_default_on_a_global_dimension_stamps_its_owner(books: Books) -> None:
    company = books.company
    company.settings.global_dimensions = ("AREA", "")
    customer = company.customers.first("number", "C1")
    before = customer.modified_at
    body = {
        "dimensionId": company.dimensions.first("code", "AREA").id,
        "dimensionValueId": company.dimension_values.first("code", "10").id,
    }
    books.made(f"customers({customer.id})/defaultDimensions", body)
    assert customer.modified_at > before
    assert customer.global_dimension_1 == "10"


def test_dimensions_and_values_are_read_only(books: Books) -> None:
    area = books.get("dimensions?$expand=dimensionValues")["value"][0]
    assert [row["code"] for row in area["dimensionValues"]] == ["10", "20", "30"]
    assert books.get(f"dimensions({area['id']})/dimensionValues?$filter=code eq '20'")["value"][0]["code"] == "20"
    assert books.post("dimensions", {"code": "X"}).code == "BadRequest_MethodNotAllowed"


def test_a_deleted_default_comes_back_whole_when_a_snapshot_fails(books: Books) -> None:
    customer = books.company.customers.first("number", "C1")
    default = books.company.add_default_dimension(customer, "AREA", "10", "Same Code")
    books.batch(
        books.inner("DELETE", f"defaultDimensions({default.id})"),
        books.inner("POST", "customers", {}),
        Isolation="snapshot",
    )
    assert [row.value_code for row in books.company.default_dimensions] == ["10"]
