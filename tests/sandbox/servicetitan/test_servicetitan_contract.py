"""The simulator against the specification: paths, scopes, parameters, bodies and every answer."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from stsync.sandbox.servicetitan.routes import Endpoint
from stsync.sandbox.servicetitan.server import all_endpoints
from stsync.sandbox.servicetitan.skus import CATEGORIES, EQUIPMENT, KINDS, MATERIALS, SERVICES

SPEC = json.loads((Path(__file__).parents[2] / "contract" / "servicetitan-openapi.json").read_text(encoding="utf-8"))
SCHEMAS = SPEC["components"]["schemas"]
ENDPOINTS = all_endpoints()
READS = [one for one in ENDPOINTS if one.method == "GET"]


def _anonymous(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)


OPERATIONS = {
    (method.upper(), _anonymous(path)): operation
    for path, operations in SPEC["paths"].items()
    for method, operation in operations.items()
    if isinstance(operation, dict)
}


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    return OPERATIONS[endpoint.method, _anonymous(endpoint.template)]


def _name(endpoint: Endpoint) -> str:
    return f"{endpoint.method} {endpoint.module}/{endpoint.path}"


def _modern(schema: Any) -> Any:
    """OpenAPI 3.0's `nullable` in the words of JSON Schema."""
    if isinstance(schema, list):
        return [_modern(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {key: _modern(value) for key, value in schema.items() if key != "nullable"}
    return {"anyOf": [changed, {"type": "null"}]} if schema.get("nullable") is True else changed


MODERN = {"components": {"schemas": _modern(SCHEMAS)}}


def _validate(value: Any, schema: dict[str, Any]) -> None:
    problems = list(Draft202012Validator({**_modern(schema), **MODERN}).iter_errors(value))
    assert not problems, [f"{problem.json_path}: {problem.message}" for problem in problems[:5]]


def _answer_schema(operation: dict[str, Any], status: int) -> dict[str, Any]:
    return operation["responses"][str(status)]["content"]["application/json"]["schema"]


def _properties(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = SCHEMAS[schema["$ref"].rpartition("/")[2]]
    return schema.get("properties", {})


def _path(endpoint: Endpoint, ids: dict[str, int]) -> str:
    owner = {
        "customers": "customer",
        "locations": "location",
        "business-units": "unit",
        "payment-types": "type",
        "payment-terms": "term",
        "gl-accounts": "account",
        "credit-memos": "credit",
        "categories": "category",
    }
    resource = endpoint.path.split("/")[0]
    return endpoint.path.replace("{id}", str(ids.get(owner.get(resource, resource), 0)))


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=_name)
def test_each_endpoint_stands_in_the_specification_under_the_same_scope(endpoint: Endpoint) -> None:
    operation = _operation(endpoint)
    assert operation.get("x-scope", endpoint.scope) == endpoint.scope


@pytest.mark.parametrize("endpoint", READS, ids=_name)
def test_each_read_takes_exactly_the_parameters_of_the_specification(endpoint: Endpoint) -> None:
    listed = {one["name"] for one in _operation(endpoint).get("parameters", ()) if one.get("in") == "query"}
    # `active` on exports stands in no specification; one public client sends it (facts section 2).
    assert endpoint.parameters - ({"active"} if "export/" in endpoint.path else set()) == listed


@pytest.mark.parametrize("endpoint", READS, ids=_name)
def test_each_read_answers_what_the_specification_promises(bench, endpoint: Endpoint) -> None:
    query = {"customers/contacts": f"customerIds={bench.ids['customer']}"}
    query["locations/contacts"] = f"locationIds={bench.ids['location']}"
    bench.wait(minutes=16)
    response = bench.call("GET", f"{endpoint.module}/{_path(endpoint, bench.ids)}?{query.get(endpoint.path, '')}")
    assert response.status == 200, response.json()
    body = json.loads(response.encoded())
    schema = _answer_schema(_operation(endpoint), 200)
    _validate(body, schema)
    _has_every_key(body, schema)


def _has_every_key(body: Any, schema: dict[str, Any]) -> None:
    properties = _properties(schema)
    if isinstance(body, list):
        rows, row_schema = body, schema["items"]
    elif "data" in properties:
        assert set(body) == set(properties)
        rows, row_schema = body["data"], properties["data"]["items"]
    else:
        rows, row_schema = [body], schema
    assert rows, "an empty list proves nothing"
    for row in rows:
        # Facts 1.5: unset keys are null rather than dropped.
        assert set(row) == set(_properties(row_schema))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.table)
def test_pricebook_bodies_hold_the_fields_of_the_specification(kind) -> None:
    name = {SERVICES.table: "Service", MATERIALS.table: "Material", EQUIPMENT.table: "Equipment"}.get(
        kind.table, "Category"
    )
    create, update = SCHEMAS[f"Pb{name}CreateRequest"], SCHEMAS[f"Pb{name}UpdateRequest"]
    assert set(kind.create_fields) == set(create["properties"])
    assert set(kind.required) == set(create["required"])
    assert set(kind.patch_fields) == set(update["properties"])
    if kind is not CATEGORIES:
        bulk = SCHEMAS[f"Pb{name}BulkUpdateRequest"]
        assert set(kind.bulk_required) == set(bulk["required"])


WRITES = {
    "accounting/invoices/markasexported": [{"invoiceId": 1}],
    "accounting/credit-memos/markasexported": [{"creditMemoId": 1, "externalId": "C1"}],
    "accounting/inventory-bills/markasexported": {"inventoryBillIds": [1]},
    "accounting/gl-accounts": {"name": "Parts Income", "number": "4100", "type": "Income"},
    "pricebook/services": {"code": "N-1", "description": "New", "price": Decimal("19.95")},
    "pricebook/materials": {"code": "N-1", "description": "New", "cost": Decimal("1.25")},
    "pricebook/equipment": {"code": "N-1", "description": "New"},
    "pricebook/categories": {"name": "New", "categoryType": "Materials"},
    "pricebook/pricebook": {"services": [{"code": "N-2", "description": "New", "customId": "a"}]},
}


@pytest.mark.parametrize("path", WRITES)
def test_each_write_takes_and_answers_what_the_specification_says(bench, path: str) -> None:
    module, _, rest = path.partition("/")
    operation = OPERATIONS["POST", f"/{module}/v2/tenant/{{}}/{rest}"]
    content = operation["requestBody"]["content"]
    sent = json.loads(json.dumps(WRITES[path], default=float))
    _validate(sent, content["application/json"]["schema"])
    response = bench.call("POST", path, json=WRITES[path])
    _validate(json.loads(response.encoded()), _answer_schema(operation, response.status))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.table)
def test_a_patched_row_still_fits_and_a_deleted_one_becomes_inactive(bench, kind) -> None:
    row_id = bench.ids["category" if kind is CATEGORIES else kind.table]
    path = f"pricebook/{kind.table}/{row_id}"
    response = bench.call("PATCH", path, json={"description": "Better"})
    _validate(
        json.loads(response.encoded()),
        _answer_schema(OPERATIONS["PATCH", f"/pricebook/v2/tenant/{{}}/{kind.table}/{{}}"], 200),
    )
    assert bench.get(path)["description"] == "Better"
    assert bench.call("DELETE", path).status == 204
    assert bench.get(path)["active"] is False


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "accounting/invoices?pageSize=5001", 400),
        ("GET", "accounting/payment-types/999999", 404),
        ("POST", "accounting/invoices/markasexported", 400),
    ],
)
def test_errors_have_the_six_keys(bench, method: str, path: str, status: int) -> None:
    response = bench.call(method, path)
    assert response.status == status
    body = json.loads(response.encoded())
    _validate(body, {"$ref": "#/components/schemas/ApiError"})
    assert set(body) == {"type", "title", "status", "traceId", "errors", "data"}
