"""The company behind the simulators' own interfaces: what a client would read, and what the books accept."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from stsync.sandbox import businesscentral, servicetitan
from stsync.sandbox.company import Demo, build, load_business_central, load_servicetitan
from stsync.sandbox.company.chart import ACCOUNT, UNIT
from stsync.sandbox.wsgi import App, Request, parse_json

FEEDS = {
    "crm": {"customers": "customers", "customers/contacts": "customer_contacts", "locations": "locations"},
    "accounting": {"invoices": "invoices", "payments": "payments", "inventory-bills": "inventory_bills"},
    "settings": {"business-units": "business_units"},
    "pricebook": {"services": "services", "materials": "materials", "equipment": "equipment"},
}


def call(app: App, method: str, path: str, body: Any = None, **headers: str) -> Any:
    answer = app(
        Request.decoded(
            method=method,
            path=path.partition("?")[0],
            raw_query=path.partition("?")[2],
            headers={"authorization": "Bearer a-token", "content-type": "application/json", **headers},
            body=b"" if body is None else json.dumps(body).encode(),
            base_url="https://localhost",
        )
    )
    payload = answer.encoded()
    assert answer.status < 300, (answer.status, payload)
    return parse_json(payload) if payload else None


@pytest.fixture(scope="module")
def served() -> tuple[Demo, Callable[[str], Any]]:
    demo = build(invoices=200, seed=3)
    tenant = servicetitan.Tenant(demo.tenant_id, clock=lambda: demo.now)
    tenant.connect("a-client", "a-key")
    tenant.switches.calls_per_second = None
    load_servicetitan(demo, tenant)
    app = servicetitan.app(tenant, lambda _: "a-client")
    return build(invoices=200, seed=3), lambda path: call(app, "GET", path, **{"st-app-key": "a-key"})


@pytest.mark.parametrize(("module", "feed"), [(module, feed) for module, feeds in FEEDS.items() for feed in feeds])
def test_a_feed_delivers_every_row_exactly_as_generated(
    module: str, feed: str, served: tuple[Demo, Callable[[str], Any]]
) -> None:
    demo, get = served
    read: dict[int, Any] = {}
    token = None
    for _ in range(50):
        query = {"from": token} if token else {}
        page = get(f"/{module}/v2/tenant/{demo.tenant_id}/export/{feed}?{urlencode(query)}")
        read |= {row["id"]: row for row in page["data"]}
        token = page["continueFrom"]
        if not page["hasMore"]:
            break
    assert read == {row["id"]: row for row in getattr(demo, FEEDS[module][feed])}


def test_the_books_post_an_invoice_of_several_departments() -> None:
    demo = build(invoices=1)
    environment = businesscentral.Environment(clock=lambda: demo.now)
    company = environment.create_company(demo.books.company_name)
    load_business_central(demo, company)
    app = businesscentral.app(environment, authorise=lambda token: token)
    base = f"/v2.0/{environment.tenant_id}/{environment.name}/api/v2.0/companies({company.id})"
    [row] = demo.scenario_rows("several_business_units", "invoices")
    customer = call(app, "POST", f"{base}/customers", {"displayName": row["customer"]["name"]})
    dimension = next(iter(company.dimensions))
    lines = [
        {
            "lineType": "Account",
            "lineObjectNumber": ACCOUNT[item["generalLedgerAccount"]["number"]].books_number,
            "quantity": 1,
            "unitPrice": float(item["total"]),
            "dimensionSetLines": [
                {"code": dimension.code, "valueCode": UNIT[item["businessUnit"]["name"]].code},
            ],
        }
        for item in row["items"]
    ]
    draft = call(
        app,
        "POST",
        f"{base}/salesInvoices",
        {"customerNumber": customer["number"], "invoiceDate": "2026-06-04", "postingDate": "2026-06-04"}
        | {"salesInvoiceLines": lines},
    )
    call(app, "POST", f"{base}/salesInvoices({draft['id']})/Microsoft.NAV.post")
    posted = {entry.account_number for entry in company.gl_entries}
    assert posted >= {"40100", "40200", "40300", "12100"}
