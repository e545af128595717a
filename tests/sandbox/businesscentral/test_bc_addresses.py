"""Who may call, under which address, and how errors look."""

from __future__ import annotations

import re

import pytest
from bc_client import Books

GUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def test_a_request_without_an_accepted_token_is_401(books: Books) -> None:
    books.token = "expired"
    answer = books.get("customers")
    assert (answer.status, answer.code) == (401, "Authentication_InvalidCredentials")


def test_the_tenant_segment_is_optional_and_a_wrong_one_is_401(books: Books) -> None:
    path = f"api/v2.0/companies({books.company.id})/customers"
    assert books.raw("GET", f"/v2.0/Sandbox/{path}").status == 200
    assert books.raw("GET", f"/v2.0/other-tenant/sandbox/{path}").status == 401


def test_a_wrong_environment_is_404(books: Books) -> None:
    assert books.raw("GET", "/v2.0/production/api/v2.0/companies").status == 404


def test_a_company_is_named_by_path_by_parameter_or_not_at_all(books: Books) -> None:
    assert books.raw("GET", f"{books.root}/customers?company=CRONUS%20USA").status == 200
    assert books.raw("GET", f"{books.root}/customers?company={books.company.id}").status == 200
    assert books.raw("GET", f"{books.root}/customers").status == 400
    unknown = books.raw("GET", f"{books.root}/companies(00000000-0000-0000-0000-00000000000a)/customers")
    assert (unknown.status, unknown.code) == (404, "Internal_CompanyNotFound")


def test_the_companies_are_listed_and_cannot_be_made(books: Books) -> None:
    listed = books.raw("GET", f"{books.root}/companies")
    assert [row["name"] for row in listed["value"]] == ["CRONUS USA"]
    assert books.raw("GET", f"{books.root}/companies({books.company.id})")["name"] == "CRONUS USA"
    made = books.raw("POST", f"{books.root}/companies", {"name": "X"})
    assert (made.status, made.code) == (405, "BadRequest_MethodNotAllowed")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("customerPayment", 404, "BadRequest_NotFound"),
        ("customers(00000000-0000-0000-0000-00000000000a)", 404, "Internal_RecordNotFound"),
        ("customers('C1')", 400, "BadRequest_InvalidRequestUrl"),
    ],
)
def test_addresses_that_lead_nowhere(books: Books, path: str, status: int, code: str) -> None:
    answer = books.get(path)
    assert (answer.status, answer.code) == (status, code)


def test_an_unknown_navigation_is_a_resource_not_found(books: Books) -> None:
    customer = books.company.customers.first("number", "C1")
    answer = books.get(f"customers({customer.id})/orders")
    assert (answer.status, answer.code) == (404, "BadRequest_ResourceNotFound")
    assert answer.message == "Resource not found for the segment 'orders'."


def test_an_error_ends_with_two_blanks_a_correlation_id_and_a_full_stop(books: Books) -> None:
    message = books.get("nothing").body["error"]["message"]
    assert re.search(rf"  CorrelationId:  {GUID}\.$", message)


def test_answers_carry_context_and_etag_unless_metadata_is_declined(books: Books) -> None:
    row = books.get("customers")["value"][0]
    assert re.fullmatch(r'W/"JzIwO[A-Za-z0-9+/=]+"', row["@odata.etag"])
    context = books.get("customers")["@odata.context"]
    assert context.endswith(f"/$metadata#companies({books.company.id})/customers")
    single = books.get(f"customers({row['id']})")
    assert single["@odata.context"].endswith("/customers/$entity")
    bare = books.get(f"customers({row['id']})", Accept="application/json;odata.metadata=none")
    assert not [name for name in bare.body if name.startswith("@")]


def test_client_request_ids_come_back_when_asked_for(books: Books) -> None:
    answer = books.get("customers", client_request_id="abc", return_client_request_id="true")
    assert answer.headers["client-request-id"] == "abc"
    assert answer.headers["request-id"]


def test_pages_that_cannot_be_written_refuse_the_verb(books: Books) -> None:
    assert books.post("accounts", {"number": "1"}).code == "BadRequest_MethodNotAllowed"
    assert books.post("generalLedgerSetup", {}).status == 405


def test_a_body_that_is_not_json_and_one_of_another_type_are_refused(books: Books) -> None:
    from stsync.sandbox.wsgi import Request

    url = f"{books.root}/companies({books.company.id})/customers"
    auth = {"Authorization": "Bearer x"}
    broken = books.service(Request.build("POST", url, body=b"{", headers={**auth, "Content-Type": "application/json"}))
    other = books.service(Request.build("POST", url, body=b"<a/>", headers={**auth, "Content-Type": "text/xml"}))
    assert (broken.status, other.status) == (400, 415)
