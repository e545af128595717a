"""ServiceTitan's feeds, lists and writes, from the facts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import responses

from stsync.errors import SystemUnavailable
from stsync.http.outcomes import OutcomeUnknown, Refused
from stsync.http.session import Session
from stsync.servicetitan.client import FeedTokenRefused, Marked, ServiceTitan

BASE = "https://api-integration.servicetitan.io"
TENANT = 987654321


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mocked:
        yield mocked


@pytest.fixture
def servicetitan() -> Iterator[ServiceTitan]:
    session = Session(
        "ServiceTitan", auth=None, per_second=100_000, concurrent=4, sleep=lambda _: None, clock=lambda: 0.0
    )
    yield ServiceTitan(session, BASE, TENANT)
    session.close()


def url(path: str) -> str:
    module, resource = path.split("/", 1)
    return f"{BASE}/{module}/v2/tenant/{TENANT}/{resource}"


def queries(wire: responses.RequestsMock) -> list[dict[str, list[str]]]:
    return [parse_qs(urlsplit(call.request.url or "").query) for call in wire.calls]


def _asks_from(first: int) -> Callable[[requests.PreparedRequest], tuple[bool, str]]:
    """Answers only a call whose ids begin with this one."""
    return lambda request: (f"ids={first}%2C" in (request.url or ""), f"its ids do not begin with {first}")


def feed(wire, *pages, path="accounting/export/invoices"):
    for rows, token, has_more in pages:
        wire.get(url(path), json={"data": rows, "continueFrom": token, "hasMore": has_more})


def test_a_feed_goes_on_through_an_empty_page(wire, servicetitan):
    feed(wire, ([{"id": 1}], "t1", True), ([], "t2", True), ([{"id": 2}], "t3", False))
    pages = list(servicetitan.feed("invoices", None, start_from=date(2026, 1, 1)))
    assert [(page.rows, page.token, page.has_more) for page in pages] == [
        ([{"id": 1}], "t1", True),
        ([], "t2", True),
        ([{"id": 2}], "t3", False),
    ]
    assert [query["from"] for query in queries(wire)] == [["2026-01-01"], ["t1"], ["t2"]]
    assert all(query["includeRecentChanges"] == ["true"] for query in queries(wire))


def test_a_stored_token_wins_over_the_start_date(wire, servicetitan):
    feed(wire, ([], "a+b/c=", False))
    list(servicetitan.feed("invoices", "a+b/c=", start_from=date(2026, 1, 1), recent=False))
    assert queries(wire) == [{"from": ["a+b/c="]}]


def test_a_feed_without_token_or_date_starts_at_the_first_record(wire, servicetitan):
    feed(wire, ([], "t", False))
    list(servicetitan.feed("invoices", None, recent=False))
    assert queries(wire) == [{}]


def test_a_page_is_handed_over_before_the_next_is_asked_for(wire, servicetitan):
    feed(wire, ([{"id": 1}], "t1", True))
    assert next(servicetitan.feed("invoices", None)).token == "t1"
    assert len(wire.calls) == 1


def test_a_feed_that_goes_round_in_a_circle_is_stopped(wire, servicetitan):
    feed(wire, ([{"id": 1}], "t1", True), ([{"id": 1}], "t1", True))
    with pytest.raises(SystemUnavailable) as caught:
        list(servicetitan.feed("invoices", None))
    assert caught.value.reference == "feed-stuck"


def test_a_repeated_token_with_other_rows_goes_on(wire, servicetitan):
    feed(wire, ([{"id": 1}], "t1", True), ([{"id": 2}], "t1", True), ([], "t1", False))
    assert len(list(servicetitan.feed("invoices", None))) == 3


def test_a_refused_token_is_told_from_other_refusals(wire, servicetitan):
    wire.get(url("accounting/export/invoices"), status=400, json={"title": "Bad from", "status": 400, "traceId": "t"})
    with pytest.raises(FeedTokenRefused):
        list(servicetitan.feed("invoices", "stale"))
    with pytest.raises(Refused) as caught:
        list(servicetitan.feed("invoices", None, start_from=date(2026, 1, 1)))
    assert not isinstance(caught.value, FeedTokenRefused)


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"data": None, "continueFrom": "t", "hasMore": False},
        {"data": []},
        {"data": [1], "continueFrom": "t", "hasMore": False},
        {"data": [], "continueFrom": None, "hasMore": True},
        {"data": [], "continueFrom": "t", "hasMore": "no"},
    ],
)
def test_a_feed_in_another_shape_is_never_taken_for_empty(wire, servicetitan, body):
    wire.get(url("accounting/export/invoices"), json=body)
    with pytest.raises(SystemUnavailable):
        list(servicetitan.feed("invoices", None))


@pytest.mark.parametrize("last", [{"continueFrom": "t2"}, {"continueFrom": None, "hasMore": False}])
def test_the_last_page_may_leave_out_one_of_the_two_marks(wire, servicetitan, last):
    feed(wire, ([{"id": 1}], "t1", True))
    wire.get(url("accounting/export/invoices"), json={"data": [{"id": 2}], **last})
    found = list(servicetitan.feed("invoices", None))
    assert [page.rows for page in found] == [[{"id": 1}], [{"id": 2}]]
    assert found[-1].token == (last["continueFrom"] or "t1")


def test_a_feed_that_refuses_recent_changes_is_read_without_them(wire, servicetitan):
    refusal = {"title": "Unknown parameter", "status": 400, "traceId": "t"}
    wire.get(url("accounting/export/invoices"), status=400, json=refusal)
    feed(wire, ([{"id": 1}], "t1", False))
    assert [page.rows for page in servicetitan.feed("invoices", "t0")] == [[{"id": 1}]]
    assert queries(wire)[-1] == {"from": ["t0"]}


def test_a_list_that_does_not_say_whether_there_is_more_goes_on_while_it_is_full(wire, servicetitan):
    wire.get(url("accounting/tax-zones"), json={"page": 1, "data": [{"id": 1}, {"id": 2}]})
    wire.get(url("accounting/tax-zones"), json={"page": 2, "data": [{"id": 3}]})
    assert [row["id"] for row in servicetitan.listed("accounting/tax-zones", pageSize=2)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("customers", "crm/export/customers"),
        ("contacts", "crm/export/customers/contacts"),
        ("locations", "crm/export/locations"),
        ("payments", "accounting/export/payments"),
        ("invoice-items", "accounting/export/invoice-items"),
        ("inventory-bills", "accounting/export/inventory-bills"),
        ("services", "pricebook/export/services"),
        ("materials", "pricebook/export/materials"),
        ("equipment", "pricebook/export/equipment"),
        ("business-units", "settings/export/business-units"),
    ],
)
def test_every_feed_is_where_the_facts_say(wire, servicetitan, name, path):
    feed(wire, ([], "t", False), path=path)
    assert next(servicetitan.feed(name, None)).token == "t"


def test_a_list_ends_when_it_says_so_not_on_a_short_page(wire, servicetitan):
    for rows, more in (([{"id": 1}], True), ([], True), ([{"id": 2}], False)):
        wire.get(url("accounting/tax-zones"), json={"data": rows, "hasMore": more, "page": 1})
    assert servicetitan.tax_zones() == [{"id": 1}, {"id": 2}]
    assert [query["page"] for query in queries(wire)] == [["1"], ["2"], ["3"]]
    assert queries(wire)[0] == {"active": ["Any"], "sort": ["+Id"], "page": ["1"], "pageSize": ["1000"]}
    assert "sort=%2BId" in (wire.calls[0].request.url or "")


def test_a_list_that_repeats_its_page_is_stopped(wire, servicetitan):
    wire.get(url("accounting/gl-accounts"), json={"data": [{"id": 1}], "hasMore": True})
    with pytest.raises(SystemUnavailable) as caught:
        servicetitan.gl_accounts()
    assert caught.value.reference == "paging-stuck"


def test_a_bare_array_goes_on_while_it_is_full(wire, servicetitan):
    for rows in ([{"id": 1}, {"id": 2}], [{"id": 3}]):
        wire.get(url("accounting/inventory-bills"), json=rows)
    assert len(list(servicetitan.listed("accounting/inventory-bills", pageSize=2))) == 3


def test_a_list_in_another_shape_is_never_taken_for_empty(wire, servicetitan):
    wire.get(url("accounting/payment-types"), json={"items": []})
    with pytest.raises(SystemUnavailable):
        servicetitan.payment_types()


def test_filters_are_spelled_as_servicetitan_reads_them(wire, servicetitan):
    wire.get(url("accounting/invoices"), json={"data": [], "hasMore": False})
    list(
        servicetitan.listed(
            "accounting/invoices",
            active=True,
            includeTotal=True,
            ids=[1, 2],
            businessUnitIds=[7, 8],
            statuses=["Posted", "Exported"],
            modifiedOnOrAfter=datetime(2026, 5, 1, tzinfo=UTC),
            invoicedOnOrAfter=date(2026, 5, 1),
            number=None,
        )
    )
    query = queries(wire)[0]
    assert query["active"] == ["True"]
    assert query["includeTotal"] == ["true"]
    assert query["ids"] == ["1,2"]
    assert query["businessUnitIds"] == ["7,8"]
    assert query["statuses"] == ["Posted", "Exported"]
    assert query["modifiedOnOrAfter"] == ["2026-05-01T00:00:00Z"]
    assert query["invoicedOnOrAfter"] == ["2026-05-01"]
    assert "number" not in query


def test_a_time_without_a_zone_is_not_sent(servicetitan):
    with pytest.raises(ValueError, match="zone"):
        list(servicetitan.listed("accounting/invoices", modifiedOnOrAfter=datetime(2026, 5, 1)))  # noqa: DTZ001 - the point


@pytest.mark.parametrize(
    ("kind", "path", "states"),
    [
        ("invoices", "accounting/invoices", {"activeState": ["All"]}),
        ("payments", "accounting/payments", {"activeState": ["All"]}),
        ("inventory-bills", "accounting/inventory-bills/paginated", {}),
        ("customers", "crm/customers", {"active": ["Any"], "sort": ["+Id"]}),
        ("locations", "crm/locations", {"active": ["Any"], "sort": ["+Id"]}),
    ],
)
def test_records_by_id_come_fifty_at_a_time_in_every_state(wire, servicetitan, kind, path, states):
    for start in (1, 51):
        shown = [{"id": start}, {"id": 7, "shown": start}]
        wire.get(url(path), json={"data": shown, "hasMore": False}, match=[_asks_from(start)])
    rows = servicetitan.by_ids(kind, [*range(1, 61), 1, 2])
    # Every call's rows are handed over; one that two calls show (facts 1.5, offset drift) counts once, as it came last.
    assert rows == [{"id": 1}, {"id": 7, "shown": 51}, {"id": 51}]
    first, second = queries(wire)
    assert first.pop("ids") == [",".join(map(str, range(1, 51)))]
    assert second["ids"] == [",".join(map(str, range(51, 61)))]
    assert {name: value for name, value in first.items() if name not in {"page", "pageSize"}} == states


def test_no_ids_ask_for_nothing(servicetitan):
    assert servicetitan.by_ids("customers", []) == []


def test_contacts_are_asked_for_by_customer(wire, servicetitan):
    wire.get(url("crm/customers/contacts"), json={"data": [{"id": 9}], "hasMore": False})
    assert servicetitan.by_ids("contacts", [5]) == [{"id": 9}]
    assert queries(wire)[0]["customerIds"] == ["5"]


def test_payment_terms_take_no_active_filter(wire, servicetitan):
    wire.get(url("accounting/payment-terms"), json={"data": [], "hasMore": False})
    servicetitan.payment_terms()
    assert "active" not in queries(wire)[0]


def test_two_entries_with_one_code_are_both_shown(wire, servicetitan):
    rows = [{"id": 1, "code": "A"}, {"id": 2, "code": "A"}, {"id": 3, "code": "B"}]
    wire.get(url("pricebook/materials"), json={"data": rows, "hasMore": False})
    by_code = servicetitan.pricebook("materials")
    assert {code: [row["id"] for row in found] for code, found in by_code.items()} == {"A": [1, 2], "B": [3]}


def test_a_new_entry_needs_its_id_in_the_answer(wire, servicetitan):
    wire.post(url("pricebook/services"), status=201, json={"id": 7, "code": "A"})
    wire.post(url("pricebook/services"), status=201, json={})
    body = {"code": "A", "price": Decimal("10.10")}
    assert servicetitan.create_sku("services", body)["id"] == 7
    assert wire.calls[0].request.body == b'{"code":"A","price":10.10}'
    with pytest.raises(OutcomeUnknown):
        servicetitan.create_sku("services", body)


def test_a_patched_entry_may_answer_with_nothing(wire, servicetitan):
    wire.patch(url("pricebook/equipment/12"), status=200, body=b"")
    servicetitan.patch_sku("equipment", 12, {"cost": Decimal("1.00")})
    assert wire.calls[0].request.body == b'{"cost":1.00}'


def test_a_200_with_failures_inside_is_read_row_by_row(wire, servicetitan):
    said = [{"invoiceId": 2, "success": False, "errorMessage": "Not posted"}, {"invoiceId": 1, "success": True}]
    wire.post(url("accounting/invoices/markasexported"), json=said)
    rows = [{"invoiceId": each, "externalId": f"PS-{each}"} for each in (1, 2, 3)]
    marked = servicetitan.mark_exported("invoices", rows)
    assert marked[:2] == [Marked(1, True, ""), Marked(2, False, "Not posted")]
    assert (marked[2].id, marked[2].success) == (3, None)
    assert json.loads(wire.calls[0].request.body or "") == rows


def test_marking_without_a_row_by_row_answer_is_unknown(wire, servicetitan):
    wire.post(url("accounting/invoices/markasexported"), body=b"")
    with pytest.raises(OutcomeUnknown):
        servicetitan.mark_exported("invoices", [{"invoiceId": 1}])


def test_nothing_to_mark_sends_nothing(servicetitan):
    assert servicetitan.mark_exported("invoices", []) == []
    servicetitan.set_payments_status([], "Exported")
    assert servicetitan.session.counts == {}


def test_payment_status_is_posted_and_answers_nothing(wire, servicetitan):
    wire.post(url("accounting/payments/status"), status=200, body=b"")
    servicetitan.set_payments_status([4, 5], "Exported")
    assert json.loads(wire.calls[0].request.body or "") == {"paymentIds": [4, 5], "status": "Exported"}
