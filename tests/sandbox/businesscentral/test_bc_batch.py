"""`$batch`: order, limits, isolation and the commit trap."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from bc_client import Books, account_line


def _customer(books: Books, number: str, **headers: str) -> dict[str, Any]:
    return books.inner("POST", "customers", {"number": number, "displayName": number}, **headers)


def _statuses(answer: Any) -> list[int]:
    return [each["status"] for each in answer["responses"]]


def test_operations_are_answered_in_order_with_their_ids(books: Books) -> None:
    anonymous = _customer(books, "B2")
    del anonymous["id"]
    answer = books.batch(_customer(books, "B1"), anonymous, books.inner("GET", "customers?$top=1"))
    assert answer.status == 200
    assert [each["id"] for each in answer["responses"]] == ["customers", None, "customers?$top=1"]
    assert _statuses(answer) == [201, 201, 200]
    assert answer["responses"][2]["body"]["value"][0]["number"] == "B1"


def test_a_batch_stops_at_the_first_failure_unless_told_to_go_on(books: Books) -> None:
    requests = (_customer(books, "B1"), _customer(books, "C1"), _customer(books, "B2"))
    stopped = books.batch(*requests)
    assert _statuses(stopped) == [201, 400]
    assert "CorrelationId:  " in stopped["responses"][1]["body"]["error"]["message"]
    went_on = books.batch(*requests, Prefer="odata.continue-on-error")
    assert _statuses(went_on) == [400, 400, 201]


def test_a_hundred_operations_are_the_limit(books: Books) -> None:
    requests = [books.inner("GET", "customers/$count") for _ in range(101)]
    assert books.batch(*requests).status == 400
    assert len(books.batch(*requests[:100])["responses"]) == 100


def test_the_answer_is_multipart_unless_json_is_asked_for(books: Books) -> None:
    answer = books.batch(_customer(books, "B1"), Accept="*/*")
    assert answer.headers["Content-Type"].startswith("multipart/mixed; boundary=batchresponse_")
    assert answer.text is not None
    assert "HTTP/1.1 201" in answer.text


def test_the_company_can_be_a_header_of_the_operation(books: Books) -> None:
    request = {"method": "GET", "url": "customers/$count", "headers": {"Company": "CRONUS USA"}, "id": "1"}
    assert books.batch(request)["responses"][0]["body"] == "2"


def test_a_snapshot_takes_everything_back_although_earlier_answers_say_201(books: Books) -> None:
    answer = books.batch(_customer(books, "B1"), _customer(books, "C1"), Isolation="snapshot")
    assert _statuses(answer) == [201, 400]
    assert books.get("customers/$count").text == "2"
    kept = books.batch(_customer(books, "B1"), Isolation="snapshot")
    assert _statuses(kept) == [201]
    assert books.get("customers/$count").text == "3"


def test_a_posting_makes_what_came_before_it_permanent(books: Books) -> None:
    draft = books.invoice()
    answer = books.batch(
        _customer(books, "B1"),
        books.inner("POST", f"salesInvoices({draft['id']})/Microsoft.NAV.post"),
        _customer(books, "B2"),
        _customer(books, "C1"),
        Isolation="snapshot",
    )
    assert _statuses(answer) == [201, 204, 201, 400]
    assert [row.number for row in books.company.customers] == ["C1", "C2", "B1"]
    assert books.get(f"salesInvoices({draft['id']})")["status"] == "Open"


def test_a_failed_posting_in_a_snapshot_still_commits_what_came_before(books: Books) -> None:
    draft = books.invoice(account_line(-1))
    answer = books.batch(
        _customer(books, "B1"),
        books.inner("POST", f"salesInvoices({draft['id']})/Microsoft.NAV.post"),
        Isolation="snapshot",
    )
    assert _statuses(answer) == [201, 400]
    assert books.company.customers.first("number", "B1") is not None
    assert len(books.company.gl_entries) == 0


def test_quoted_decimals_are_read_when_declared(books: Books) -> None:
    quoted = {"customerNumber": "C1", "salesInvoiceLines": [account_line("10.25", quantity="1")]}
    declared = books.inner(
        "POST", "salesInvoices", quoted, **{"Content-Type": "application/json;IEEE754Compatible=true"}
    )
    made = books.batch(declared)["responses"][0]
    assert (made["status"], made["body"]["totalAmountIncludingTax"]) == (201, Decimal("10.25"))
    assert _statuses(books.batch(books.inner("POST", "salesInvoices", quoted))) == [400]


def test_the_decimal_defect_can_be_switched_on(books: Books) -> None:
    plain = {"customerNumber": "C1", "salesInvoiceLines": [account_line(Decimal("10.25"))]}
    assert _statuses(books.batch(books.inner("POST", "salesInvoices", plain))) == [201]
    books.environment.switches.batch_decimal_defect = True
    refused = books.batch(books.inner("POST", "salesInvoices", plain))["responses"][0]
    assert refused["status"] == 400
    assert "Cannot convert a value to target type 'Edm.Decimal'" in refused["body"]["error"]["message"]
    assert books.post("salesInvoices", plain).status == 201


def test_batches_can_be_unavailable_and_malformed(books: Books) -> None:
    assert books.raw("POST", f"{books.root}/$batch", {"operations": []}).status == 400
    books.environment.switches.batch_enabled = False
    books.environment.switches.batch_disabled_status = 501
    assert books.batch(_customer(books, "B1")).status == 501
