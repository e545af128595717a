"""The customer relations module, read only: customers, locations, their contacts and exports.

Not modelled: creating and changing customers through the API, leads, bookings, tags, notes, attachments.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stsync.sandbox.servicetitan import views
from stsync.sandbox.servicetitan.errors import Invalid
from stsync.sandbox.servicetitan.listing import Listing
from stsync.sandbox.servicetitan.parameters import (
    Parameter,
    contains,
    read_boolean,
    read_decimal,
    read_ids,
    reference,
    unmodelled,
)
from stsync.sandbox.servicetitan.routes import Endpoint, feed_endpoint, list_endpoint, row_endpoint, row_of
from stsync.sandbox.servicetitan.table import Row
from stsync.sandbox.servicetitan.tenant import Tenant
from stsync.sandbox.servicetitan.values import micros, moment
from stsync.sandbox.wsgi import Request, Response

Condition = Callable[[Row], bool]
_SORTS = ("Id", "ModifiedOn", "CreatedOn")
_GUID = frozenset({"externalDataApplicationGuid"})


def _coordinate(name: str) -> Parameter:
    return Parameter(name, read_decimal, lambda row, wanted: row["address"].get(name) == wanted)


_ADDRESS = (
    *(contains(key, "address", key) for key in ("street", "unit", "city", "state", "zip", "country")),
    _coordinate("latitude"),
    _coordinate("longitude"),
    *unmodelled("externalDataKey", "externalDataValues"),
)


_CUSTOMERS = Listing(
    "customers",
    (contains("name", "name"), *_ADDRESS),
    sorts=_SORTS,
    render=views.with_external_data("customers"),
    extra=_GUID | {"excludeAccountingChangesFromModifiedDateRange", "phone"},
)


def _customer_list(tenant: Tenant, request: Request, _names: dict[str, str]) -> Response:
    conditions = [_changed_profile(tenant, request), _with_phone(tenant, request)]
    return _CUSTOMERS.answer(tenant, request, only=lambda row: all(one(row) for one in conditions))


def _with_phone(tenant: Tenant, request: Request) -> Condition:
    if "phone" not in request.query:
        return _anyone
    contacts = tenant.tables["customer_contacts"].values()
    owners = {one["customerId"] for one in contacts if one["value"] == request.query["phone"]}
    return lambda row: row["id"] in owners


def _changed_profile(tenant: Tenant, request: Request) -> Condition:
    # Facts 2: this filter exists because balance changes move a customer's modifiedOn.
    flag = request.query_all.get("excludeAccountingChangesFromModifiedDateRange", ["false"])
    start = request.query.get("modifiedOnOrAfter")
    try:
        if not read_boolean(flag) or start is None:
            return _anyone
        bound = micros(moment(start))
    except ValueError as error:
        raise Invalid({"excludeAccountingChangesFromModifiedDateRange": [str(error)]}) from None
    return lambda row: tenant.profile_changed_at(row["id"]) >= bound


def _anyone(_row: Row) -> bool:
    return True


def _contacts_of_customer(tenant: Tenant, request: Request, names: dict[str, str]) -> Response:
    customer_id = row_of(tenant, "customers", names["id"])["id"]
    listing = Listing(
        "customer_contacts", ids=False, modified=False, created=False, active=None, render=views.customers_own_contact
    )
    return listing.answer(tenant, request, only=lambda row: row["active"] and row["customerId"] == customer_id)


def _bulk_contacts(table: str, owner: str) -> tuple[Listing, Any]:
    owners = Parameter(f"{owner}s", read_ids, lambda row, wanted: row[owner] in wanted)
    listing = Listing(table, (owners,), ids=False, active=None, render=views.without_activity)

    def answer(tenant: Tenant, request: Request, _names: dict[str, str]) -> Response:
        # Facts 3.4: the bulk form needs owners or a modified bound.
        if not {f"{owner}s", "modifiedOnOrAfter", "modifiedBefore"} & set(request.query):
            raise Invalid({f"{owner}s": [f"Either {owner}s or a modified date range is required."]})
        return listing.answer(tenant, request, only=lambda row: bool(row["active"]))

    return listing, answer


def endpoints() -> list[Endpoint]:
    """All endpoints of the module."""
    return [*_customer_endpoints(), *_location_endpoints()]


def _customer_endpoints() -> list[Endpoint]:
    scope = "tn.crm.customers"
    own = frozenset({"page", "pageSize", "includeTotal"})
    bulk, bulk_answer = _bulk_contacts("customer_contacts", "customerId")
    shown = views.with_external_data("customers")
    return [
        Endpoint("GET", "crm", "customers", f"{scope}:r", _customer_list, _CUSTOMERS.parameters),
        Endpoint("GET", "crm", "customers/contacts", f"{scope}:r", bulk_answer, bulk.parameters),
        row_endpoint("crm", "customers/{id}", scope, "customers", shown),
        Endpoint("GET", "crm", "customers/{id}/contacts", f"{scope}:r", _contacts_of_customer, own),
        feed_endpoint("crm", "export/customers", scope, "customers"),
        feed_endpoint("crm", "export/customers/contacts", scope, "customer_contacts"),
    ]


def _location_endpoints() -> list[Endpoint]:
    scope = "tn.crm.locations"
    shown = views.with_external_data("locations")
    listing = Listing(
        "locations",
        (contains("name", "name"), reference("customerId", "customerId"), *_ADDRESS),
        sorts=_SORTS,
        render=shown,
        extra=_GUID,
    )
    bulk, bulk_answer = _bulk_contacts("location_contacts", "locationId")
    return [
        list_endpoint("crm", "locations", scope, listing),
        Endpoint("GET", "crm", "locations/contacts", f"{scope}:r", bulk_answer, bulk.parameters),
        row_endpoint("crm", "locations/{id}", scope, "locations", shown),
        feed_endpoint("crm", "export/locations", scope, "locations"),
        feed_endpoint("crm", "export/locations/contacts", scope, "location_contacts"),
    ]
