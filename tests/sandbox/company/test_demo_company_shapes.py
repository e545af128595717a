"""Every row has the vendor's shape: all keys of the schema, no other, each of its type."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from stsync.sandbox.company import Demo

SPEC = Path(__file__).parents[2] / "contract" / "servicetitan-openapi.json"
SCHEMAS = {
    "customers": "CrmExportCustomerResponse",
    "customer_contacts": "CrmExportCustomerContactResponse",
    "locations": "CrmExportLocationsResponse",
    "business_units": "StgExportBusinessUnitResponse",
    "gl_accounts": "AccGlAccountExtendedResponse",
    "payment_types": "AccPaymentTypeResponse",
    "payment_terms": "AccPaymentTermAPIModel",
    "tax_zones": "AccTaxZoneResponse",
    "invoices": "AccExportInvoiceResponse",
    "payments": "AccExportPaymentResponse",
    "credit_memos": "AccCreditMemoPublicResponse",
    "credit_memo_items": "AccCreditMemosItemsPublicResponse",
    "inventory_bills": "AccExportInventoryBillResponse",
    "categories": "PbExportCategoryResponse",
    "services": "PbExportServiceResponse",
    "materials": "PbExportMaterialResponse",
    "equipment": "PbExportEquipmentResponse",
    "discounts_and_fees": "PbDiscountAndFeesResponse",
}


def as_json_schema(node: Any) -> Any:
    """OpenAPI 3.0 to JSON Schema: `nullable` becomes a type of its own, and no property may be added or left out."""
    if isinstance(node, list):
        return [as_json_schema(one) for one in node]
    if not isinstance(node, dict):
        return node
    plain = {key: as_json_schema(value) for key, value in node.items() if key not in ("nullable", "format")}
    if "properties" in plain:
        plain |= {"additionalProperties": False, "required": list(plain["properties"])}
    return {"anyOf": [plain, {"type": "null"}]} if node.get("nullable") is True else plain


def as_wire(row: Any) -> Any:
    """The row as a client would read it; decimals become numbers."""
    return json.loads(json.dumps(row, default=float))


@pytest.fixture(scope="module")
def components() -> dict[str, Any]:
    return {"schemas": as_json_schema(json.loads(SPEC.read_text(encoding="utf-8"))["components"]["schemas"])}


@pytest.mark.parametrize("kind", SCHEMAS)
def test_rows_have_the_vendors_shape(kind: str, demo: Demo, components: dict[str, Any]) -> None:
    schema = {"$ref": f"#/components/schemas/{SCHEMAS[kind]}", "components": components}
    validator = Draft202012Validator(schema)
    rows = getattr(demo, kind)
    assert rows
    # Scenario rows come first in every list, so the first hundred hold all that is unusual.
    for row in rows[:160]:
        errors = [f"{list(error.path)}: {error.message[:200]}" for error in validator.iter_errors(as_wire(row))]
        assert not errors, (kind, row["id"], errors)


def test_ids_are_integers_and_decimals_never_binary(demo: Demo) -> None:
    def leaves(node: Any) -> list[Any]:
        if isinstance(node, dict):
            return [leaf for value in node.values() for leaf in leaves(value)]
        return [leaf for value in node for leaf in leaves(value)] if isinstance(node, list) else [node]

    for kind in SCHEMAS:
        rows = getattr(demo, kind)
        assert all(type(row["id"]) is int for row in rows)
        assert not any(isinstance(leaf, float) for row in rows for leaf in leaves(row))
