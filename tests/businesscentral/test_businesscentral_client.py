"""Business Central's reads, batches and writes, from the facts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from urllib.parse import unquote

import pytest
import responses

from stsync.businesscentral.client import BusinessCentral, PagingExpired
from stsync.businesscentral.odata import Read
from stsync.errors import SystemUnavailable, UsageError
from stsync.http.outcomes import OutcomeUnknown, Refused
from stsync.http.session import Session

ROOT = "https://api.businesscentral.dynamics.com/v2.0/t/production/api/v2.0"
COMPANY = "5d115c9c-44e3-ea11-bb43-000d3a2feca1"
BASE = f"{ROOT}/companies({COMPANY})"
BATCH = f"{ROOT}/$batch"


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mocked:
        yield mocked


@pytest.fixture
def session() -> Iterator[Session]:
    made = Session(
        "Business Central", auth=None, per_second=100_000, concurrent=4, sleep=lambda _: None, clock=lambda: 0.0
    )
    yield made
    made.close()


@pytest.fixture
def books(session) -> BusinessCentral:
    return BusinessCentral(session, ROOT, COMPANY)


def error(code: str, message: str = "No.") -> dict[str, dict[str, str]]:
    return {"error": {"code": code, "message": f"{message}  CorrelationId:  4f2a."}}


def asked(wire) -> list[str]:
    return [unquote(call.request.url or "").removeprefix(BASE) for call in wire.calls]


def test_a_list_is_followed_to_its_last_page(wire, books):
    wire.get(f"{BASE}/customers", json={"value": [{"id": 1}], "@odata.nextLink": f"{BASE}/customers?$skiptoken=a"})
    wire.get(f"{BASE}/customers", json={"value": [], "@odata.nextLink": f"{BASE}/customers?$skiptoken=b"})
    wire.get(f"{BASE}/customers", json={"value": [{"id": 2}]})
    assert books.read(Read("customers", filter="number eq 'A B'")) == [{"id": 1}, {"id": 2}]
    assert asked(wire) == ["/customers?$filter=number eq 'A B'", "/customers?$skiptoken=a", "/customers?$skiptoken=b"]
    assert "%20" in (wire.calls[0].request.url or "")
    for call in wire.calls:
        assert call.request.headers["Prefer"] == "odata.maxpagesize=1000"
        assert call.request.headers["Accept-Language"] == "en-US"


def test_rows_stream_before_the_next_page_is_asked_for(wire, books):
    wire.get(f"{BASE}/items", json={"value": [{"id": 1}], "@odata.nextLink": f"{BASE}/items?$skiptoken=a"})
    assert next(books.stream(Read("items"))) == {"id": 1}
    assert len(wire.calls) == 1


def test_top_is_a_limit_even_when_the_server_pages_on(wire, books):
    page = {"value": [{"id": 1}, {"id": 2}], "@odata.nextLink": f"{BASE}/items?$skiptoken=a"}
    wire.get(f"{BASE}/items", json=page)
    assert books.read(Read("items", top=2)) == [{"id": 1}, {"id": 2}]


def test_a_next_page_on_another_host_is_not_followed(wire, books):
    wire.get(f"{BASE}/items", json={"value": [], "@odata.nextLink": "https://evil.example/items"})
    with pytest.raises(SystemUnavailable) as caught:
        books.read(Read("items"))
    assert caught.value.reference == "next-page-elsewhere"


def test_a_list_that_goes_round_in_a_circle_is_stopped(wire, books):
    wire.get(f"{BASE}/items", json={"value": [{"id": 1}], "@odata.nextLink": f"{BASE}/items?$skiptoken=a"})
    with pytest.raises(SystemUnavailable) as caught:
        books.read(Read("items"))
    assert caught.value.reference == "paging-stuck"
    assert len(wire.calls) == 2


def test_a_forgotten_place_begins_the_list_again_once(wire, books):
    page = {"value": [{"id": 1}], "@odata.nextLink": f"{BASE}/items?$skiptoken=a"}
    wire.get(f"{BASE}/items", json=page)
    wire.get(f"{BASE}/items", status=400, json=error("SkipTokenIsNoLongerValid"))
    wire.get(f"{BASE}/items", json=page)
    wire.get(f"{BASE}/items", json={"value": [{"id": 2}]})
    assert books.read(Read("items")) == [{"id": 1}, {"id": 2}]


def test_a_stream_does_not_repeat_what_it_has_given(wire, books):
    wire.get(f"{BASE}/items", json={"value": [{"id": 1}], "@odata.nextLink": f"{BASE}/items?$skiptoken=a"})
    wire.get(f"{BASE}/items", status=400, json=error("SkipTokenIsNoLongerValid"))
    with pytest.raises(PagingExpired):
        list(books.stream(Read("items")))


@pytest.mark.parametrize("body", [{}, {"value": None}, {"value": [1]}, [], {"id": "1"}])
def test_a_list_in_another_shape_is_never_taken_for_empty(wire, books, body):
    wire.get(f"{BASE}/items", json=body)
    with pytest.raises(SystemUnavailable):
        books.read(Read("items"))


def test_companies_lie_beside_the_company(wire, books):
    wire.get(f"{ROOT}/companies", json={"value": [{"name": "CRONUS"}]})
    assert books.companies() == [{"name": "CRONUS"}]


@pytest.mark.parametrize("code", ["Internal_RecordNotFound", "BadRequest_ResourceNotFound"])
def test_what_bc_says_is_not_there_is_none(wire, books, code):
    wire.get(f"{BASE}/salesInvoices(1)", status=404, json=error(code))
    assert books.one("salesInvoices(1)", expand="salesInvoiceLines") is None
    assert asked(wire) == ["/salesInvoices(1)?$expand=salesInvoiceLines"]


def test_one_entity_keeps_money_exact(wire, books):
    wire.get(f"{BASE}/salesInvoices(1)", body='{"id": "1", "totalAmountIncludingTax": 108.25}')
    assert books.one("salesInvoices(1)") == {"id": "1", "totalAmountIncludingTax": Decimal("108.25")}


def test_a_gateways_404_is_never_not_in_the_books(wire, books):
    wire.get(f"{BASE}/salesInvoices(1)", status=404, body="<html>nothing here</html>")
    with pytest.raises(UsageError) as caught:
        books.one("salesInvoices(1)")
    assert caught.value.reference == "environment-not-found"


def test_a_wrong_set_name_is_never_not_in_the_books(wire, books):
    wire.get(f"{BASE}/salesInvoice(1)", status=404, json=error("BadRequest_NotFound"))
    with pytest.raises(Refused):
        books.one("salesInvoice(1)")


def test_a_wrong_company_is_told_apart(wire, books):
    wire.get(f"{BASE}/items", status=404, json=error("Internal_CompanyNotFound"))
    wire.post(f"{BASE}/items", status=404, json=error("Internal_CompanyNotFound"))
    for attempt in (lambda: books.read(Read("items")), lambda: books.create("items", {})):
        with pytest.raises(UsageError) as caught:
            attempt()
        assert caught.value.reference == "company-not-found"


def test_a_wrong_environment_is_told_apart(wire, books):
    wire.get(f"{BASE}/items", status=404, json=error("NoEnvironment", "Environment does not exist"))
    with pytest.raises(UsageError) as caught:
        books.read(Read("items"))
    assert caught.value.reference == "environment-not-found"


def inner(number: int, rows: list[dict[str, int]], **more: object) -> dict[str, object]:
    return {"id": str(number), "status": 200, "body": {"value": rows, **more}}


def test_many_reads_go_in_one_batch(wire, books):
    wire.post(BATCH, json={"responses": [inner(1, [{"id": 2}]), inner(0, [{"id": 1}])]})
    reads = [Read("customers", filter="number eq 'A'"), Read("items", select=("id",))]
    assert books.read_many(reads) == [[{"id": 1}], [{"id": 2}]]
    request = wire.calls[0].request
    assert request.headers["Accept"] == "application/json"
    assert request.headers["Prefer"] == "odata.continue-on-error"
    sent = json.loads(request.body or "")["requests"]
    assert [each["url"] for each in sent] == [
        f"companies({COMPANY})/customers?$filter=number%20eq%20%27A%27",
        f"companies({COMPANY})/items?$select=id",
    ]
    assert {each["method"] for each in sent} == {"GET"}


def test_a_hundred_reads_is_the_most_for_one_batch(wire, books):
    def play(request):
        sent = json.loads(request.body)["requests"]
        found = [inner(int(each["id"]), []) for each in sent]
        return (200, {}, json.dumps({"responses": found}))

    wire.add_callback(responses.POST, BATCH, callback=play)
    assert books.read_many([Read("customers")] * 202) == [[]] * 202
    assert [len(json.loads(call.request.body or "")["requests"]) for call in wire.calls] == [100, 100, 2]


def test_a_failed_a_missing_and_a_long_read_are_made_on_their_own(wire, books):
    failed = {"id": "0", "status": 429, "body": {}}
    long = inner(1, [{"id": 1}], **{"@odata.nextLink": f"{BASE}/items?$skiptoken=a"})
    wire.post(BATCH, json={"responses": [failed, long, inner(2, [{"id": 9}])]})
    for entity, row in (("customers", 5), ("items", 6), ("vendors", 7)):
        wire.get(f"{BASE}/{entity}", json={"value": [{"id": row}]})
    reads = [Read("customers"), Read("items"), Read("accounts"), Read("vendors")]
    assert books.read_many(reads) == [[{"id": 5}], [{"id": 6}], [{"id": 9}], [{"id": 7}]]


def test_a_read_that_is_refused_inside_a_batch_is_refused(wire, books):
    wire.post(BATCH, json={"responses": [{"id": "0", "status": 400, "body": error("BadRequest")}, inner(1, [])]})
    wire.get(f"{BASE}/customers", status=400, json=error("BadRequest"))
    with pytest.raises(Refused):
        books.read_many([Read("customers"), Read("items")])


@pytest.mark.parametrize(
    "refusal",
    [
        {"status": 404, "json": error("BadRequest_NotFound")},
        {"status": 405, "json": error("BadRequest_MethodNotAllowed")},
        {"status": 501, "json": error("BadRequest_MethodNotImplemented")},
        {"status": 400, "json": error("BadRequest")},
        {"status": 404, "body": "<html></html>"},
        {"status": 200, "body": "--b\r\n", "content_type": "multipart/mixed; boundary=b"},
        {"status": 200, "json": {"value": []}},
        {"status": 200, "body": "<html>sign in</html>"},
    ],
)
def test_a_server_without_batches_is_read_singly_from_then_on(wire, books, refusal):
    wire.post(BATCH, **refusal)
    wire.get(f"{BASE}/customers", json={"value": [{"id": 1}]})
    reads = [Read("customers")] * 2
    assert books.read_many(reads) == [[{"id": 1}], [{"id": 1}]]
    batches = books.session.counts["BATCH"]
    assert books.read_many(reads) == [[{"id": 1}], [{"id": 1}]]
    assert books.session.counts["BATCH"] == batches


def test_a_server_that_is_down_is_not_mistaken_for_one_without_batches(wire, books):
    wire.post(BATCH, status=503)
    with pytest.raises(SystemUnavailable):
        books.read_many([Read("customers")] * 2)


def test_batches_can_be_switched_off(wire, session):
    wire.get(f"{BASE}/customers", json={"value": []})
    books = BusinessCentral(session, ROOT, COMPANY, use_batch=False)
    assert books.read_many([Read("customers")] * 2) == [[], []]
    assert session.counts == {"GET": 2}


def test_no_reads_and_a_single_read_need_no_batch(wire, books):
    wire.get(f"{BASE}/customers", json={"value": []})
    assert books.read_many([]) == []
    assert books.read_many([Read("customers")]) == [[]]
    assert books.session.counts == {"GET": 1}


def test_fields_leave_in_the_order_that_bc_replays(wire, books):
    wire.post(f"{BASE}/salesInvoices", status=201, json={"id": "1", "@odata.etag": 'W/"a"'})
    line = {"lineType": "Account", "lineObjectNumber": "4000", "quantity": Decimal("1.5"), "unitPrice": Decimal("0.10")}
    books.create("salesInvoices", {"customerNumber": "ST1", "salesInvoiceLines": [line]})
    assert wire.calls[0].request.body == (
        b'{"customerNumber":"ST1","salesInvoiceLines":[{"lineType":"Account","lineObjectNumber":"4000",'
        b'"quantity":1.5,"unitPrice":0.10}]}'
    )


def test_a_create_without_the_entity_in_its_answer_is_unknown(wire, books):
    wire.post(f"{BASE}/salesInvoices", status=201, body=b"")
    with pytest.raises(OutcomeUnknown):
        books.create("salesInvoices", {})


def test_a_change_names_the_version_it_is_for(wire, books):
    wire.patch(f"{BASE}/customers(1)", json={"id": "1"})
    wire.delete(f"{BASE}/customers(1)", status=204)
    books.update("customers(1)", {"displayName": "A"}, 'W/"JzIw"')
    books.delete("customers(1)", "*")
    assert [call.request.headers["If-Match"] for call in wire.calls] == ['W/"JzIw"', "*"]


def test_a_change_without_a_version_never_leaves(books):
    with pytest.raises(ValueError, match="etag"):
        books.update("customers(1)", {}, "")
    with pytest.raises(ValueError, match="etag"):
        books.delete("customers(1)", "")
    assert books.session.counts == {}


def test_a_stale_version_is_refused(wire, books):
    wire.patch(f"{BASE}/customers(1)", status=409, json=error("Request_EntityChanged", "Another user has already…"))
    with pytest.raises(Refused) as caught:
        books.update("customers(1)", {}, 'W/"old"')
    assert caught.value.code == "Request_EntityChanged"


def test_an_action_is_posted_below_its_entity(wire, books):
    wire.post(f"{BASE}/journals(1)/Microsoft.NAV.post", status=204)
    assert books.action("journals(1)", "post").status == 204
