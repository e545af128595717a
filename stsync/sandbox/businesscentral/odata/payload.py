"""Bodies of POST and PATCH: every property known, writable, of its type and length (BC facts section 1).

Not modelled: `@odata.bind` references.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from stsync.sandbox.businesscentral.errors import bad_request, read_only
from stsync.sandbox.businesscentral.odata.schema import EntitySet, Payload
from stsync.sandbox.businesscentral.odata.values import Kind, decimal_format_error, decode


def decode_payload(body: Any, entity_set: EntitySet, *, text_numbers: bool = False, nested: bool = True) -> Payload:
    """Decode a body in its own order. `nested` allows child collections (deep insert, never deep PATCH)."""
    if not isinstance(body, dict):
        raise bad_request("Invalid Request Body")
    payload = Payload()
    for name, value in body.items():
        if name.startswith("@") or "@odata." in name:
            continue
        if name in entity_set.navigations:
            payload.children[name] = _children(name, value, entity_set, nested=nested)
        else:
            payload.values[name] = _value(name, value, entity_set, text_numbers=text_numbers)
    return payload


def _value(name: str, value: Any, entity_set: EntitySet, *, text_numbers: bool) -> Any:
    prop = entity_set.by_name.get(name)
    if prop is None:
        raise bad_request(
            f"The property '{name}' does not exist on type 'Microsoft.NAV.{entity_set.name}'. Make sure to only "
            "use property names that are defined by the type."
        )
    if prop.read_only:
        raise read_only(name)
    return decode(value, prop.kind, length=prop.length, options=prop.options, text_numbers=text_numbers)


def _children(name: str, value: Any, entity_set: EntitySet, *, nested: bool) -> list[Any]:
    if not nested or name in entity_set.single:
        raise bad_request(f"Deep updates are not supported: '{name}'.")
    if not isinstance(value, list):
        raise bad_request("Invalid Request Body")
    return value


def refuse_number_decimals(body: Any, entity_set: EntitySet) -> None:
    """The defect of the OData library inside $batch: fractions as JSON numbers (BC facts section 10)."""
    if not isinstance(body, dict):
        return
    for name, value in body.items():
        prop = entity_set.by_name.get(name)
        if prop is not None and prop.kind is Kind.DECIMAL and isinstance(value, int | Decimal):
            raise decimal_format_error("number")
