"""Collections below rows come whole, whether the server expands them, refuses to, or ignores the wish."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
import responses
from requests import PreparedRequest

from stsync.businesscentral import children
from stsync.businesscentral.client import BusinessCentral
from stsync.businesscentral.odata import Read
from stsync.http.outcomes import OutcomeUnknown, Refused
from stsync.http.session import Session

ROOT = "https://books.example/api/v2.0"
COMPANY = "5d115c9c-44e3-ea11-bb43-000d3a2feca1"
BASE = f"{ROOT}/companies({COMPANY})"
INVOICE = "11111111-44e3-ea11-bb43-000d3a2feca1"
LINE = "22222222-44e3-ea11-bb43-000d3a2feca1"
REFUSAL = {"error": {"code": "BadRequest", "message": "Cannot expand.  CorrelationId:  4f2a."}}
NESTED = Read("salesInvoices", select=("number",), expand="salesInvoiceLines($expand=dimensionSetLines)")
WHOLE = [
    {
        "id": INVOICE,
        "number": "1001",
        "salesInvoiceLines": [{"id": LINE, "dimensionSetLines": [{"code": "DEPARTMENT", "valueCode": "WEST"}]}],
    }
]


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mocked:
        yield mocked


@pytest.fixture
def books() -> Iterator[BusinessCentral]:
    session = Session(
        "Business Central", auth=None, per_second=100_000, concurrent=4, sleep=lambda _: None, clock=lambda: 0.0
    )
    yield BusinessCentral(session, ROOT, COMPANY, use_batch=False)
    session.close()


def serve(wire: responses.RequestsMock, *, refusing: bool) -> None:
    """Three lists; a wish to expand is refused or passed over."""
    lists = {
        "salesInvoices": [{"id": INVOICE, "number": "1001"}],
        f"salesInvoices({INVOICE})/salesInvoiceLines": [{"id": LINE}],
        f"salesInvoiceLines({LINE})/dimensionSetLines": [{"code": "DEPARTMENT", "valueCode": "WEST"}],
    }
    for path, rows in lists.items():

        def answer(request: PreparedRequest, rows: list[dict[str, str]] = rows) -> tuple[int, dict[str, str], str]:
            options = parse_qs(urlsplit(str(request.url)).query)
            if refusing and "$expand" in options:
                return 400, {}, json.dumps(REFUSAL)
            names = options.get("$select", [",".join(rows[0])])[0].split(",")
            return 200, {}, json.dumps({"value": [{name: row[name] for name in names} for row in rows]})

        wire.add_callback("GET", f"{BASE}/{path}", callback=answer)


@pytest.mark.parametrize("refusing", [True, False], ids=["refused", "ignored"])
def test_what_is_not_expanded_is_read_by_its_own_path(wire, books, refusing):
    serve(wire, refusing=refusing)
    assert books.read(NESTED) == WHOLE


@pytest.mark.parametrize("refusing", [True, False], ids=["refused", "ignored"])
def test_a_server_is_not_asked_twice_for_what_it_does_not_expand(wire, books, refusing):
    serve(wire, refusing=refusing)
    books.read(NESTED)
    before = len(wire.calls)
    assert books.read_many([NESTED]) == [WHOLE]
    assert not any("expand" in str(call.request.url) for call in list(wire.calls)[before:])


def test_a_refusal_that_has_nothing_to_do_with_expanding_comes_out(wire, books):
    wire.get(f"{BASE}/salesInvoices", status=400, json=REFUSAL)
    with pytest.raises(Refused):
        books.read(NESTED)
    with pytest.raises(Refused):
        books.read(Read("salesInvoices"))


def test_an_inner_level_that_is_missing_counts_as_not_expanded():
    assert children.shown(WHOLE, NESTED)
    assert not children.shown([{"id": INVOICE, "salesInvoiceLines": [{"id": LINE}]}], NESTED)
    assert children.shown([{"id": INVOICE}], Read("salesInvoices"))


def test_an_entity_that_is_only_pointed_to_is_fetched(wire, books):
    place = f"{BASE}/customers({INVOICE})"
    wire.post(f"{BASE}/customers", status=204, headers={"Location": place})
    wire.get(place, json={"id": INVOICE, "number": "ST1"})
    assert books.create("customers", {"displayName": "Ray"}).body == {"id": INVOICE, "number": "ST1"}


@pytest.mark.parametrize("place", ["", "https://elsewhere.example/customers(1)"])
def test_an_entity_that_nothing_here_points_to_may_or_may_not_have_been_made(wire, books, place):
    wire.post(f"{BASE}/customers", status=204, headers={"Location": place})
    with pytest.raises(OutcomeUnknown):
        books.create("customers", {"displayName": "Ray"})
