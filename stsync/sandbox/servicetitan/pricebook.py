"""The pricebook module: services, materials, equipment and categories, one by one and in bulk.

Assumptions where nothing is published: scopes are named `tn.pb.<kind>`, DELETE makes a row inactive, a code is
unique per kind, a bulk call is all or nothing and takes 100 rows (`BULK_ROWS`).

Not modelled: discounts and fees, images, dynamic prices, links between new rows by `customId`.
"""

from __future__ import annotations

import copy
from typing import Any

from stsync.sandbox.servicetitan import bodies, views
from stsync.sandbox.servicetitan.errors import Invalid
from stsync.sandbox.servicetitan.listing import Listing
from stsync.sandbox.servicetitan.parameters import (
    Parameter,
    accepted,
    one_of,
    read_boolean,
    read_choices,
    read_text,
    unmodelled,
)
from stsync.sandbox.servicetitan.routes import (
    Answer,
    Endpoint,
    feed_endpoint,
    json_body,
    list_endpoint,
    row_endpoint,
    row_of,
)
from stsync.sandbox.servicetitan.skus import BULK, CATEGORIES, KINDS, MATERIALS, SERVICES, Kind
from stsync.sandbox.servicetitan.table import Row
from stsync.sandbox.servicetitan.tenant import Tenant
from stsync.sandbox.wsgi import Request, Response

BULK_ROWS = 100
_GUID = frozenset({"externalDataApplicationGuid"})
_SORTS = ("Id", "Code", "DisplayName", "CreatedOn", "ModifiedOn", "Price")


def add_sku(tenant: Tenant, kind: Kind, given: dict[str, Any]) -> Row:
    """A new row of a kind from the fields of a create. Raises 400 when the code is taken."""
    _check_code(tenant, kind, given.get("code"), None)
    row = copy.deepcopy(dict(kind.blank))
    _assign(tenant, kind, row, {name: value for name, value in given.items() if value is not None})
    tenant.add(kind.table, row)
    _store_external_data(tenant, kind, row, given.get("externalData"))
    return row


def change_sku(tenant: Tenant, kind: Kind, row: Row, given: dict[str, Any]) -> None:
    """Change a row by the fields of a patch; arrays replace. Raises 400 when the code is taken."""
    _check_code(tenant, kind, given.get("code"), row["id"])
    _assign(tenant, kind, row, given)
    _store_external_data(tenant, kind, row, given.get("externalData"))
    tenant.touch(kind.table, row["id"])


def _check_code(tenant: Tenant, kind: Kind, code: str | None, own_id: int | None) -> None:
    taken = [r for r in tenant.tables[kind.table].values() if code and r.get("code") == code and r["id"] != own_id]
    if taken:
        raise Invalid({"code": [f"{kind.singular} with code '{code}' already exists."]})


def _assign(tenant: Tenant, kind: Kind, row: Row, given: dict[str, Any]) -> None:
    for name, value in given.items():
        if name in ("externalData", "id", "customId", "intacctGlGroupAccount"):
            continue
        row[kind.renamed.get(name, name)] = _as_read(tenant, name, value)


def _as_read(tenant: Tenant, name: str, value: Any) -> Any:
    if name == "assets":
        return [{"alias": None, "fileName": None, **one, "isDefault": bool(one.get("isDefault"))} for one in value]
    if name == "primaryVendor" and value is not None:
        return _vendor(tenant, value)
    if name == "otherVendors":
        return [_vendor(tenant, one) for one in value]
    return value


def _vendor(tenant: Tenant, given: dict[str, Any]) -> Row:
    blank = {"memo": None, "vendorPart": None, "primarySubAccount": None, "otherSubAccounts": None}
    name = f"Vendor {given['vendorId']}"
    return {**blank, **given, "id": tenant.new_id(), "vendorName": name}


def _store_external_data(tenant: Tenant, kind: Kind, row: Row, given: dict[str, Any] | None) -> None:
    if not given:
        return
    stored = tenant.external_data[kind.table, row["id"]]
    guid = given["applicationGuid"].lower()
    pairs = {one["key"]: one.get("value") for one in given["externalData"]}
    # Trap 30: Replace is the default and wipes the other keys; in a merge, null deletes a key.
    kept = stored.get(guid, {}) if given.get("patchMode") == "Merge" else {}
    stored[guid] = {key: value for key, value in {**kept, **pairs}.items() if value is not None}


def _shown(kind: Kind) -> Any:
    with_data = views.with_external_data(kind.table)

    def render(tenant: Tenant, row: Row, request: Request) -> Row:
        if kind is CATEGORIES:
            return _category(tenant, row)
        return {**with_data(tenant, row, request), "categories": _categories(tenant, kind, row)}

    return render


def _read(kind: Kind) -> Any:
    shown = _shown(kind)

    def render(tenant: Tenant, row: Row, request: Request) -> Row:
        # Only the reads of services, not their exports and write answers, have dynamic prices.
        prices = {"calculatedPrice": None, "useStaticPrices": None} if kind is SERVICES else {}
        return {**shown(tenant, row, request), **prices}

    return render


def _categories(tenant: Tenant, kind: Kind, row: Row) -> list[Any]:
    # Facts 3.9: reads of services name their categories, the other kinds give ids as they were written.
    if kind is not SERVICES:
        return list(row["categories"])
    known = [tenant.tables["categories"].get(one) for one in row["categories"]]
    return [{key: one[key] for key in ("id", "name", "active")} for one in known if one]


def _category(tenant: Tenant, row: Row) -> Row:
    children = [one for one in tenant.tables["categories"].values() if one["parentId"] == row["id"]]
    return {**row, "subcategories": [_category(tenant, one) for one in children]}


def _create(kind: Kind) -> Answer:
    def answer(tenant: Tenant, request: Request, _names: dict[str, str]) -> Response:
        given = bodies.checked(json_body(request), kind.create_fields, kind.required)
        return Response(201, _shown(kind)(tenant, add_sku(tenant, kind, given), request))

    return answer


def _patch(kind: Kind) -> Answer:
    def answer(tenant: Tenant, request: Request, names: dict[str, str]) -> Response:
        row = row_of(tenant, kind.table, names["id"])
        change_sku(tenant, kind, row, bodies.checked(json_body(request), kind.patch_fields))
        return Response(200, _shown(kind)(tenant, row, request))

    return answer


def _delete(kind: Kind) -> Answer:
    def answer(tenant: Tenant, _request: Request, names: dict[str, str]) -> Response:
        row = row_of(tenant, kind.table, names["id"])
        row["active"] = False
        tenant.touch(kind.table, row["id"])
        return Response.empty(204)

    return answer


def _bulk_rows(request: Request, *, create: bool) -> list[tuple[Kind, dict[str, Any]]]:
    body = json_body(request)
    given = bodies.checked(body, dict.fromkeys((*BULK, "discountAndFees"), bodies.nullable(bodies.array(_any_object))))
    rows: list[tuple[Kind, dict[str, Any]]] = []
    for name, kind in BULK.items():
        fields = kind.create_fields if create else kind.patch_fields
        own = {"customId": bodies.nullable(bodies.text)} if create else {"id": bodies.integer}
        required = kind.required if create else kind.bulk_required
        for index, row in enumerate(given.get(name) or ()):
            rows.append((kind, bodies.checked(row, {**fields, **own}, required, at=f"{name}[{index}].")))
    if given.get("discountAndFees"):
        raise Invalid({"discountAndFees": ["The sandbox does not model discounts and fees."]})
    if len(rows) > BULK_ROWS:
        raise Invalid({"": [f"No more than {BULK_ROWS} rows are allowed."]})
    return rows


def _any_object(value: object) -> bool:
    return isinstance(value, dict)


def _bulk_create(tenant: Tenant, request: Request, _names: dict[str, str]) -> Response:
    rows = _bulk_rows(request, create=True)
    _check_codes(tenant, rows)
    mapped: dict[str, list[Row]] = {"services": [], "equipment": [], "materials": [], "discountAndFees": []}
    for kind, given in rows:
        made = add_sku(tenant, kind, given)
        if given.get("customId"):
            mapped[kind.table].append({"customId": given["customId"], "id": made["id"]})
    return Response(201, mapped)


def _check_codes(tenant: Tenant, rows: list[tuple[Kind, dict[str, Any]]]) -> None:
    codes = [(kind.table, given["code"]) for kind, given in rows]
    if len(set(codes)) < len(codes):
        raise Invalid({"code": ["Codes must be distinct."]})
    for kind, given in rows:
        _check_code(tenant, kind, given["code"], given.get("id"))


def _bulk_patch(tenant: Tenant, request: Request, _names: dict[str, str]) -> Response:
    rows = _bulk_rows(request, create=False)
    unknown = [given["id"] for kind, given in rows if given["id"] not in tenant.tables[kind.table]]
    if unknown:
        raise Invalid({"id": [f"No row with id {one}." for one in unknown]})
    _check_codes(tenant, rows)
    for kind, given in rows:
        change_sku(tenant, kind, tenant.tables[kind.table][given["id"]], given)
    return Response.empty(200)


def _found(row: Row, wanted: str) -> bool:
    texts = (row["code"], row["displayName"], row["description"])
    return any(wanted.lower() in str(one or "").lower() for one in texts)


def _listing(kind: Kind) -> Listing:
    if kind is CATEGORIES:
        types = one_of("categoryType", "categoryType", read_choices("Services", "Materials"))
        return Listing("categories", (types,), ("Id", "Name"), ids=False, render=_read(kind))
    filters = [Parameter("searchText", read_text, _found), *unmodelled("externalDataKey", "externalDataValues")]
    if kind is SERVICES:
        filters.append(accepted("calculatePrices", read_boolean))
    if kind is MATERIALS:
        direct = Parameter("isOtherDirectCost", read_boolean, lambda row, on: row["isOtherDirectCost"] == on)
        filters += [direct, *unmodelled("costTypeIds")]
    return Listing(kind.table, tuple(filters), _SORTS, render=_read(kind), extra=_GUID)


def endpoints() -> list[Endpoint]:
    """All endpoints of the module."""
    return [*(one for kind in KINDS for one in _of_kind(kind)), *_bulk()]


def _of_kind(kind: Kind) -> list[Endpoint]:
    name, scope = kind.table, f"tn.pb.{kind.table}"
    query = frozenset() if kind is CATEGORIES else _GUID
    query |= {"calculatePrices"} if kind is SERVICES else frozenset()
    one = f"{name}/{{id}}"
    return [
        list_endpoint("pricebook", name, scope, _listing(kind)),
        row_endpoint("pricebook", one, scope, name, _read(kind), parameters=query),
        Endpoint("POST", "pricebook", name, f"{scope}:w", _create(kind)),
        Endpoint("PATCH", "pricebook", one, f"{scope}:w", _patch(kind)),
        Endpoint("DELETE", "pricebook", one, f"{scope}:w", _delete(kind)),
        feed_endpoint("pricebook", f"export/{name}", scope, name, _shown(kind)),
    ]


def _bulk() -> list[Endpoint]:
    return [
        Endpoint("POST", "pricebook", "pricebook", "tn.pb.pricebook:w", _bulk_create),
        Endpoint("PATCH", "pricebook", "pricebook", "tn.pb.pricebook:w", _bulk_patch),
    ]
