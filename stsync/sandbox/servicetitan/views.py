"""How stored rows become wire rows where the two differ: names at read time, activity, external data.

Facts 3.1: names of customers and units on documents are those of today, denormalised at read.
Not modelled: names of the time when a document was made, renamed locations' addresses on old documents.
"""

from __future__ import annotations

from stsync.sandbox.servicetitan.listing import Render
from stsync.sandbox.servicetitan.table import Row
from stsync.sandbox.servicetitan.tenant import Tenant
from stsync.sandbox.wsgi import Request


def _renamed(tenant: Tenant, table: str, reference: Row | None) -> Row | None:
    if reference is None:
        return None
    current = tenant.tables[table].get(reference["id"])
    return {"id": reference["id"], "name": current["name"] if current else reference["name"]}


def invoice(tenant: Tenant, row: Row, _request: Request) -> Row:
    """An invoice with its items, under today's names."""
    return {
        **row,
        "customer": _renamed(tenant, "customers", row["customer"]),
        "location": _renamed(tenant, "locations", row["location"]),
        "businessUnit": _renamed(tenant, "business_units", row["businessUnit"]),
        "items": None if row["items"] is None else [_item(tenant, item) for item in row["items"]],
    }


def _item(tenant: Tenant, item: Row) -> Row:
    return {**item, "businessUnit": _renamed(tenant, "business_units", item["businessUnit"])}


def invoice_item(tenant: Tenant, row: Row, _request: Request) -> Row:
    """A row of the items feed: the item, its invoice, and whether it still stands."""
    item = _item(tenant, row["item"])
    return {**item, "modifiedOn": row["modifiedOn"], "active": row["active"], "invoiceId": row["invoiceId"]}


def money(tenant: Tenant, row: Row, _request: Request) -> Row:
    """A payment or credit memo under today's names."""
    return {
        **row,
        "customer": _renamed(tenant, "customers", row["customer"]),
        "businessUnit": _renamed(tenant, "business_units", row["businessUnit"]),
    }


def without_activity(_tenant: Tenant, row: Row, _request: Request) -> Row:
    """A row whose activity the server knows and does not show."""
    return {name: value for name, value in row.items() if name != "active"}


def customers_own_contact(_tenant: Tenant, row: Row, _request: Request) -> Row:
    """A contact as a list below its customer shows it."""
    return {name: value for name, value in row.items() if name not in ("active", "customerId")}


def without_credit_memo(_tenant: Tenant, row: Row, _request: Request) -> Row:
    """A credit memo's line as a list below its credit memo shows it."""
    return {name: value for name, value in row.items() if name != "creditMemoId"}


def with_external_data(table: str, parameter: str = "externalDataApplicationGuid") -> Render:
    """A row with the external data of the application that the query names; without it, none (trap 30)."""

    def render(tenant: Tenant, row: Row, request: Request) -> Row:
        guid = request.query.get(parameter, "").lower()
        pairs = tenant.external_data.get((table, row["id"]), {}).get(guid, {})
        return {**row, "externalData": [{"key": key, "value": value} for key, value in pairs.items()]}

    return render
