"""Filters, order, selection, expansion, paging, counting."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from bc_client import Books, account_line


def _numbers(books: Books, expression: str, rest: str = "") -> list[str]:
    answer = books.get(f"customers?$filter={quote(expression)}{rest}")
    assert answer.status == 200, answer.body
    return [row["number"] for row in answer["value"]]


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("number eq 'c1'", ["C1"]),
        ("number ne 'C1'", ["C2"]),
        ("number gt 'C1'", ["C2"]),
        ("number ge 'C1' and displayName eq 'Ann'", ["C1"]),
        ("number eq 'C1' or number eq 'C2' or number eq 'C9'", ["C1", "C2"]),
        ("not (number eq 'C1')", ["C2"]),
        ("startswith(displayName,'A')", ["C1"]),
        ("endswith(displayName,'b') eq true", ["C2"]),
        ("contains(displayName,'n')", ["C1"]),
        ("tolower(displayName) eq 'bob'", ["C2"]),
        ("taxLiable eq true", ["C2"]),
        ("creditLimit lt 0.5 and (number eq 'C2')", ["C2"]),
        ("blocked eq ' '", ["C1", "C2"]),
        ("blocked eq '_x0020_'", ["C1", "C2"]),
        ("displayName eq 'O''Neil'", []),
        ("lastModifiedDateTime ge 2026-06-15T12:00:00Z", ["C1", "C2"]),
        ("lastModifiedDateTime gt 2026-06-15T13:00:00.000Z", []),
    ],
)
def test_filters_find_what_they_say(books: Books, expression: str, found: list[str]) -> None:
    assert _numbers(books, expression) == found


@pytest.mark.parametrize(
    "expression",
    [
        "number eq 'C1' or displayName eq 'Bob'",
        "taxAreaDisplayName eq 'TX'",
        "currencyCode eq 'USD'",
        "id eq 'x'",
        "creditLimit eq '5'",
        "nothing eq 'x'",
        "number eq",
        "number like 'C'",
        "number in ('C1','C2')",
        "contains(tolower(displayName),'n')",
    ],
)
def test_filters_that_the_service_refuses(books: Books, expression: str) -> None:
    assert books.get(f"customers?$filter={quote(expression)}").status == 400


def test_a_raw_plus_is_not_a_blank(books: Books) -> None:
    assert books.get("customers?$filter=number+eq+'C1'").status == 400
    assert books.get("customers?$filter=number%20eq%20'C1'").status == 200


def test_schema_version_2_1_brings_in_and_nested_functions(books: Books) -> None:
    assert _numbers(books, "number in ('C1','C9')", "&$schemaversion=2.1") == ["C1"]
    assert _numbers(books, "contains(tolower(displayName),'b')", "&$schemaversion=2.1") == ["C2"]


def test_guids_dates_and_enums_filter_by_their_own_literals(books: Books) -> None:
    draft = books.invoice(invoiceDate="2026-05-01", postingDate="2026-05-02")
    for expression in (
        f"id eq {draft['id']}",
        "invoiceDate eq 2026-05-01",
        "postingDate gt 2026-05-01 and postingDate lt 2026-05-03",
        "status eq 'Draft'",
        "externalDocumentNumber eq ''",
    ):
        answer = books.get(f"salesInvoices?$filter={quote(expression)}")
        assert [row["id"] for row in answer["value"]] == [draft["id"]], expression


def test_orderby_top_and_skip(books: Books) -> None:
    answer = books.get("customers?$orderby=displayName desc&$top=1")
    assert [row["number"] for row in answer["value"]] == ["C2"]
    assert [row["number"] for row in books.get("customers?$skip=1")["value"]] == ["C2"]


def test_select_cuts_the_row_and_refuses_what_is_not_there(books: Books) -> None:
    row = books.get("customers?$select=number,displayName")["value"][0]
    assert set(row) == {"@odata.etag", "number", "displayName"}
    assert books.get("customers?$select=nothing").status == 400
    assert books.get("customers?$search=x").status == 400


def test_expand_goes_down_several_levels(books: Books) -> None:
    line = account_line(10, dimensionSetLines=[{"code": "AREA", "valueCode": "10"}])
    draft = books.invoice(line, account_line(20))
    expand = "salesInvoiceLines($select=unitPrice;$filter=unitPrice lt 15;$expand=dimensionSetLines($select=valueCode))"
    answer = books.get(f"salesInvoices({draft['id']})?$select=number&$expand={quote(expand)},customer($select=number)")
    assert [row["unitPrice"] for row in answer["salesInvoiceLines"]] == [10]
    assert answer["salesInvoiceLines"][0]["dimensionSetLines"][0]["valueCode"] == "10"
    assert answer["customer"]["number"] == "C1"


def test_single_navigations_expand_to_an_object(books: Books) -> None:
    row = books.get("customers?$expand=customerFinancialDetails,agedAccountsReceivable")["value"][0]
    assert row["customerFinancialDetails"]["number"] == "C1"
    assert row["agedAccountsReceivable"]["customerNumber"] == "C1"


def test_pages_follow_an_absolute_link_to_the_last_row(books: Books) -> None:
    for number in range(7):
        books.company.add_customer(f"D{number}", f"Customer {number}")
    url = f"{books.root}/companies({books.company.id})/customers?$select=number&$filter=startswith(number,'D')"
    seen: list[str] = []
    pages = 0
    while url:
        answer = books.raw("GET", url, Prefer="odata.maxpagesize=3")
        seen += [row["number"] for row in answer["value"]]
        url = answer.body.get("@odata.nextLink", "")
        assert not url or url.startswith("https://localhost/v2.0/")
        pages += 1
    assert seen == [f"D{number}" for number in range(7)]
    assert pages == 3


def test_top_caps_the_result_over_all_pages(books: Books) -> None:
    for number in range(7):
        books.company.add_customer(f"D{number}", "x")
    first = books.get("customers?$top=4&$filter=startswith(number,'D')", Prefer="odata.maxpagesize=3")
    second = books.raw("GET", first["@odata.nextLink"], Prefer="odata.maxpagesize=3")
    assert [row["number"] for row in first["value"] + second["value"]] == ["D0", "D1", "D2", "D3"]
    assert "@odata.nextLink" not in second.body


def test_the_server_cuts_pages_of_its_own_accord(books: Books) -> None:
    books.environment.switches.page_size = 1
    assert "@odata.nextLink" in books.get("customers").body


def test_a_lost_skip_token_is_said_to_be_no_longer_valid(books: Books) -> None:
    answer = books.get("customers?$skiptoken=AAAA")
    assert (answer.status, answer.code) == (400, "SkipTokenIsNoLongerValid")


def test_counts_cover_all_matching_rows(books: Books) -> None:
    assert books.get("customers?$count=true&$top=1")["@odata.count"] == 2
    assert books.get("customers/$count").text == "2"
    assert books.get("customers/$count?$filter=number%20eq%20'C1'").text == "1"


def test_general_ledger_entries_are_read_from_an_entry_number(books: Books) -> None:
    books.posted()
    last = max(entry.entry_number for entry in books.company.gl_entries)
    assert len(books.get(f"generalLedgerEntries?$filter=entryNumber gt {last - 1}".replace(" ", "%20"))["value"]) == 1
