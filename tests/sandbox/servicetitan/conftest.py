"""A small tenant with one of everything, a clock that moves when told, and a client that is let in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from stsync.sandbox.servicetitan import Line, Tenant, app, rows
from stsync.sandbox.servicetitan.pricebook import add_sku
from stsync.sandbox.servicetitan.skus import CATEGORIES, EQUIPMENT, MATERIALS, SERVICES
from stsync.sandbox.wsgi import Request, Response

HEADERS = {"Authorization": "Bearer token", "ST-App-Key": "ak1.test"}


@dataclass
class Bench:
    """The tenant, its clock and its API."""

    tenant: Tenant
    moment: list[datetime]
    ids: dict[str, int] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=lambda: [0.0])

    def __post_init__(self) -> None:
        known = {"token": "cid.test"}
        self.api = app(self.tenant, known.get, monotonic=lambda: self.seconds[0])

    def wait(self, **duration: float) -> None:
        """Let time pass."""
        self.moment[0] += timedelta(**duration)

    def call(self, method: str, path: str, headers: dict[str, str] | None = None, **body: Any) -> Response:
        """One call below the tenant: `accounting/invoices?ids=1`."""
        module, _, rest = path.partition("/")
        url = f"/{module}/v2/tenant/7/{rest}"
        self.seconds[0] += 0.1
        return self.api(Request.build(method, url, headers=HEADERS if headers is None else headers, **body))

    def get(self, path: str) -> Any:
        """The body of a call that succeeds."""
        response = self.call("GET", path)
        assert response.status == 200, response.json()
        return response.json()

    def refusal(self, path: str) -> Any:
        """The error of a call that is refused with 400."""
        response = self.call("GET", path)
        assert response.status == 400, response.encoded()
        return response.json()["errors"]

    def feed(self, path: str, start: str = "", recent: bool = False) -> Iterator[list[Any]]:
        """All pages of a feed."""
        token = start
        while True:
            query = f"from={token}&includeRecentChanges={'true' if recent else 'false'}"
            body = self.get(f"{path}?{query}")
            token = body["continueFrom"]
            yield body["data"]
            if not body["hasMore"]:
                return


def make_bench() -> Bench:
    """A bench with a tenant that has one of everything."""
    moment = [datetime(2026, 11, 2, 12, tzinfo=UTC)]
    tenant = Tenant(7, clock=lambda: moment[0])
    tenant.connect("cid.test", "ak1.test")
    bench = Bench(tenant, moment)
    ids = bench.ids
    ids["unit"] = tenant.add_business_unit("HVAC")
    ids["other_unit"] = tenant.add_business_unit("Plumbing")
    ids["account"] = tenant.add_gl_account("4000", "Service Income")
    tenant.add("gl_account_types", rows.blank("gl_account_types", {"name": "Income"}))
    ids["type"] = tenant.add_payment_type("Check")
    ids["term"] = tenant.add_payment_term("Net 30")
    ids["zone"] = tenant.add_tax_zone("Ohio", ("State", Decimal("0.0575")), ("County", Decimal("0.0125")))
    ids["customer"] = tenant.add_customer("Ann Ames")
    ids["contact"] = tenant.add_contact(ids["customer"], "Email", "ann@example.org")
    ids["location"] = tenant.add_location(ids["customer"], "Home", taxZoneId=ids["zone"])
    ids["location_contact"] = tenant.add_location_contact(ids["location"], "Phone", "5550100")
    ids["bill"] = tenant.add_inventory_bill(Decimal("81.50"), number="B-1")
    lines = [
        Line("Repair", Decimal("100.00"), gl_account_id=ids["account"], taxable=True),
        Line("Discount", Decimal("-10.00"), type="PriceModifier", business_unit_id=ids["other_unit"]),
    ]
    ids["invoice"] = tenant.book_invoice(
        ids["customer"], lines, business_unit_id=ids["unit"], tax=Decimal("7.00"), location_id=ids["location"]
    )
    ids["payment"] = tenant.take_payment(
        ids["customer"], Decimal("50.00"), type_id=ids["type"], applied={ids["invoice"]: Decimal("40.00")}
    )
    ids["credit"] = tenant.issue_credit_memo(ids["customer"], Decimal("5.00"))
    tenant.apply_credit_memo(ids["credit"], ids["invoice"], Decimal("5.00"))
    category = {"name": "Repairs", "categoryType": "Services"}
    ids["category"] = add_sku(tenant, CATEGORIES, category)["id"]
    for kind in (SERVICES, MATERIALS, EQUIPMENT):
        given = {"code": "X-1", "description": "Thing", "price": Decimal("10.10"), "categories": [ids["category"]]}
        ids[kind.table] = add_sku(tenant, kind, given)["id"]
    return bench


@pytest.fixture
def bench() -> Bench:
    """A fresh bench."""
    return make_bench()
