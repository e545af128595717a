"""Customers: strictness of bodies, field order, numbers, tokens, reports."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from bc_client import Books

from stsync.sandbox.businesscentral.core.number_series import NumberSeries


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({}, "Application_DialogException", 'A "displayName" must be provided.'),
        (
            {"displayName": "A", "balanceDue": 1},
            "BadRequest_InvalidOperation",
            "Control 'balanceDue' is read-only.",
        ),
        (
            {"displayName": "A", "addressLine2": "x" * 57},
            "Application_StringExceededLength",
            "The length of the string is 57, but it must be less than or equal to 50 characters. Value: " + "x" * 57,
        ),
        (
            {"displayName": "A", "type": "Robot"},
            "Unknown",
            "'Robot' is not an option. The existing options are: Company,Person",
        ),
        (
            {"displayName": "A", "phoneNumber": "CALL ME"},
            "Application_FieldValidationException",
            "Phone No. must not contain letters in Customer No.=''.",
        ),
        (
            {"displayName": "A", "paymentTermsId": "00000000-0000-0000-0000-00000000000a"},
            "Application_DialogException",
            'The "paymentTermsId" does not match to a Payment Terms.',
        ),
    ],
)
def test_a_body_is_refused_in_the_vendors_words(books: Books, body: dict[str, Any], code: str, message: str) -> None:
    answer = books.post("customers", body)
    assert (answer.status, answer.code, answer.message) == (400, code, message)
    assert len(books.company.customers) == 2


@pytest.mark.parametrize("body", [{"displayName": "A", "nickname": "x"}, {"DisplayName": "A"}, {"displayName": 5}, []])
def test_unknown_names_and_wrong_types_are_bad_requests(books: Books, body: Any) -> None:
    answer = books.post("customers", body)
    assert (answer.status, answer.code) == (400, "BadRequest")


def test_code_fields_are_stored_upper_case_and_trimmed(books: Books) -> None:
    assert books.made("customers", {"number": " st9 ", "displayName": "A"})["number"] == "ST9"


def test_a_number_comes_from_the_series_when_none_is_sent(books: Books) -> None:
    assert books.made("customers", {"displayName": "A"})["number"] == "C00010"
    assert books.made("customers", {"displayName": "A"})["number"] == "C00011"


def test_numbers_of_ones_own_need_a_series_that_allows_them(books: Books) -> None:
    books.company.series["customer"] = NumberSeries("CUST", "1", books.environment.store.undo, manual=False)
    answer = books.post("customers", {"number": "ST1", "displayName": "A"})
    assert answer.message.startswith("You may not enter numbers manually.")


def test_an_existing_number_is_refused(books: Books) -> None:
    answer = books.post("customers", {"number": "C1", "displayName": "A"})
    assert (answer.status, answer.code) == (400, "Internal_EntityWithSameKeyExists")
    books.environment.switches.same_key_status = 409
    assert books.post("customers", {"number": "C1", "displayName": "A"}).status == 409


def test_a_known_post_code_overwrites_the_address_sent_before_it(books: Books) -> None:
    books.company.add_post_code("75001", "Addison", "TX")
    early = books.made("customers", {"displayName": "A", "city": "Mine", "postalCode": "75001"})
    late = books.made("customers", {"displayName": "A", "country": "US", "postalCode": "75001", "city": "Mine"})
    assert (early["city"], early["state"], early["country"]) == ("Addison", "TX", "US")
    assert late["city"] == "Mine"


def test_a_changed_country_clears_city_post_code_and_state(books: Books) -> None:
    made = books.made("customers", {"displayName": "A", "country": "US", "city": "X", "state": "TX"})
    changed = books.patch(f"customers({made['id']})", {"country": "CA"})
    assert (changed["city"], changed["state"], changed["country"]) == ("", "", "CA")
    assert books.patch(f"customers({made['id']})", {"country": "ZZ"}).code == "Internal_InvalidTableRelation"


def test_the_local_currency_reads_as_its_code_with_a_zero_id(books: Books) -> None:
    euro = books.company.add_currency("EUR")
    made = books.made("customers", {"displayName": "A", "currencyCode": "USD"})
    assert (made["currencyCode"], made["currencyId"]) == ("USD", "00000000-0000-0000-0000-000000000000")
    clash = books.post("customers", {"displayName": "A", "currencyId": euro.id, "currencyCode": "USD"})
    assert clash.message == "The currency values do not match to a specific Currency."
    assert books.made("customers", {"displayName": "A", "currencyId": euro.id})["currencyCode"] == "EUR"


def test_a_patch_needs_a_token_and_heeds_it(books: Books) -> None:
    made = books.made("customers", {"displayName": "A"})
    path = f"customers({made['id']})"
    assert books.call("PATCH", path, {"city": "X"}).code == "BadRequest_InvalidToken"
    assert books.patch(path, {"city": "X"}, tag="abc").code == "BadRequest_InvalidToken"
    changed = books.patch(path, {"city": "X"}, tag=made["@odata.etag"])
    assert changed.status == 200
    stale = books.patch(path, {"city": "Y"}, tag=made["@odata.etag"])
    assert (stale.status, stale.code) == (409, "Request_EntityChanged")
    assert stale.message == "Another user has already changed the record."
    assert books.patch(path, {"city": "Y"}, tag=changed["@odata.etag"]).status == 200
    assert books.get(path)["@odata.etag"] == books.get(path)["@odata.etag"]


def test_a_patch_that_fails_half_way_changes_nothing(books: Books) -> None:
    made = books.made("customers", {"displayName": "A", "city": "Old"})
    answer = books.patch(f"customers({made['id']})", {"city": "New", "country": "ZZ"})
    assert answer.status == 400
    assert books.get(f"customers({made['id']})")["city"] == "Old"
    assert books.patch(f"customers({made['id']})", {"displayName": ""}).message == (
        'The blank "displayName" is not allowed.'
    )


def test_balances_move_without_stamping_the_customer(books: Books) -> None:
    before = books.get("customers?$filter=number eq 'C1'")["value"][0]
    books.posted()
    after = books.get("customers?$filter=number eq 'C1'")["value"][0]
    assert (before["balanceDue"], after["balanceDue"]) == (0, 100)
    assert after["lastModifiedDateTime"] == before["lastModifiedDateTime"]
    assert after["@odata.etag"] == before["@odata.etag"]


def test_sales_of_today_show_tomorrow_in_the_financial_details(books: Books) -> None:
    posted = books.posted()
    path = f"customerFinancialDetails({posted['customerId']})"
    assert (books.get(path)["balance"], books.get(path)["totalSalesExcludingTax"]) == (100, 0)
    books.clock.advance(days=1)
    assert books.get(path)["totalSalesExcludingTax"] == 100
    assert books.get(path)["overdueAmount"] == 100


def test_the_aged_report_buckets_by_due_date_and_ends_with_a_total(books: Books) -> None:
    books.posted()
    books.clock.advance(days=40)
    rows = books.get("agedAccountsReceivables")["value"]
    assert rows[0]["period2Amount"] == 100
    assert (rows[-1]["customerId"], rows[-1]["balanceDue"]) == ("00000000-0000-0000-0000-000000000000", 100)
    filtered = books.get("agedAccountsReceivables?$filter=agedAsOfDate eq 2026-06-15 and periodLengthFilter eq '30D'")
    assert filtered["value"][0]["currentAmount"] == Decimal(100)


def test_the_aged_reports_date_moves_its_columns_and_leaves_nothing_out(books: Books) -> None:
    books.posted()
    before = "agedAccountsReceivables?$filter=agedAsOfDate eq 2020-01-01 and periodLengthFilter eq '30D'"
    assert books.get(before)["value"][0]["balanceDue"] == 100
    books.environment.switches.aged_report_honours_date = True
    assert books.get(before)["value"][0]["balanceDue"] == 0


def test_a_customer_with_entries_or_drafts_cannot_be_deleted(books: Books) -> None:
    posted = books.posted()
    answer = books.call("DELETE", f"customers({posted['customerId']})", If_Match="*")
    assert answer.message.endswith("because there are one or more open ledger entries.")
    fresh = books.made("customers", {"displayName": "A"})
    assert books.call("DELETE", f"customers({fresh['id']})", If_Match="*").status == 204
    assert books.get(f"customers({fresh['id']})").status == 404
