"""The client against the simulator, over a socket: what it sends is what a strict server takes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from requests.auth import AuthBase

from stsync.errors import CredentialsError
from stsync.http.session import Session
from stsync.sandbox.serve import served
from stsync.sandbox.servicetitan import Line, Tenant, app
from stsync.servicetitan.client import ServiceTitan
from stsync.servicetitan.query import LISTINGS


class Key(AuthBase):
    def __init__(self, app_key: str = "ak1.test") -> None:
        self.app_key = app_key

    def __call__(self, request):
        request.headers.update({"Authorization": "Bearer token", "ST-App-Key": self.app_key})
        return request


@pytest.fixture
def tenant() -> Tenant:
    made = Tenant(7, clock=lambda: datetime(2026, 11, 2, 12, tzinfo=UTC))
    made.connect("cid.test", "ak1.test")
    made.add_payment_type("Check")
    made.add_payment_term("Net 30")
    unit, account = made.add_business_unit("HVAC"), made.add_gl_account("4000", "Service Income")
    customer = made.add_customer("Ann Ames")
    line = Line("Repair", Decimal("100.10"), gl_account_id=account)
    made.book_invoice(customer, [line], business_unit_id=unit, tax=Decimal("7.00"))
    return made


@pytest.fixture
def client(tenant) -> Iterator[ServiceTitan]:
    with served(app(tenant, {"token": "cid.test"}.get)) as base:
        session = Session("ServiceTitan", auth=Key(), per_second=1000, concurrent=4)
        yield ServiceTitan(session, base, 7)
        session.close()


def test_a_feed_is_read_to_its_end(client):
    pages = list(client.feed("invoices", None, start_from=date(2026, 1, 1)))
    assert [row["total"] for page in pages for row in page.rows] == ["107.10"]
    assert list(client.feed("invoices", pages[-1].token))[-1].has_more is False


@pytest.mark.parametrize("kind", sorted(set(LISTINGS) - {"contacts"}))
def test_every_list_takes_our_parameters(client, kind):
    rows = client.everything(kind)
    ids = [row["id"] for row in rows]
    assert client.by_ids(kind, ids) == rows


def test_an_entry_is_created_changed_and_found_by_its_code(client):
    made = client.create_sku("services", {"code": "A-1", "description": "Thing", "price": Decimal("10.10")})
    client.patch_sku("services", made["id"], {"price": Decimal("12.35")})
    assert client.pricebook("services")["A-1"][0]["price"] == Decimal("12.35")


def test_marking_answers_for_each_invoice(client):
    invoice = client.everything("invoices")[0]["id"]
    rows = [{"invoiceId": each, "externalId": "PS-1"} for each in (invoice, 999_999)]
    marked = client.mark_exported("invoices", rows)
    assert [each.id for each in marked] == [invoice, 999_999]
    assert not marked[1].success


def test_a_wrong_app_key_ends_the_run(client, tenant):
    with served(app(tenant, {"token": "cid.test"}.get)) as base:
        session = Session("ServiceTitan", auth=Key(""), per_second=1000, concurrent=1)
        with pytest.raises(CredentialsError):
            ServiceTitan(session, base, 7).payment_types()
        session.close()
