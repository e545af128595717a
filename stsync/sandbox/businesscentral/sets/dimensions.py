"""dimensions, dimensionValues, dimensionSetLines and defaultDimensions (BC facts 2.12 to 2.14).

Not modelled: combinations, dimension sets as numbered records, vendors and employees as parents.
"""

# ruff: noqa: ARG002 - entity sets and field writers share one signature each

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from stsync.sandbox.businesscentral.accounting import dimensions as rules
from stsync.sandbox.businesscentral.core.company import Company
from stsync.sandbox.businesscentral.core.setup_records import DefaultDimension, Dimension, DimensionValue
from stsync.sandbox.businesscentral.core.table import ZERO_GUID, Row, Table
from stsync.sandbox.businesscentral.errors import dialog, record_not_found
from stsync.sandbox.businesscentral.odata.schema import (
    EntitySet,
    Parent,
    Payload,
    code,
    guid,
    key,
    modified,
    option,
    text,
)

PARENT_TYPES = {
    "salesInvoices": "Sales Invoice",
    "salesInvoiceLines": "Sales Invoice Line",
    "salesCreditMemos": "Sales Credit Memo",
    "salesCreditMemoLines": "Sales Credit Memo Line",
    "customerPayments": "Journal Line",
    "journalLines": "Journal Line",
    "generalLedgerEntries": "General Ledger Entry",
}
VALIDATIONS = (" ", "Code Mandatory", "Same Code", "No Code")


class Dimensions(EntitySet):
    """The dimensions; they cannot be made through v2.0."""

    name = "dimensions"
    caption = "Dimension"
    order = "code"
    navigations: ClassVar[dict[str, str]] = {"dimensionValues": "dimensionValues"}
    properties = (
        key(),
        code("code", "code", read_only=True),
        text("displayName", "display_name", 30, read_only=True),
        code("consolidationCode", "consolidation_code", read_only=True),
        modified(),
    )

    def table(self, company: Company) -> Table[Any]:
        return company.dimensions


def _dimension_id(company: Company, row: Any) -> str:
    found = company.dimensions.first("code", row.dimension_code)
    return found.id if found else ZERO_GUID


class DimensionValues(EntitySet):
    """The values of all dimensions."""

    name = "dimensionValues"
    caption = "Dimension Value"
    order = "code"
    properties = (
        key(),
        code("code", "code", read_only=True),
        guid("dimensionId", _dimension_id, read_only=True),
        text("displayName", "display_name", 50, read_only=True),
        code("consolidationCode", "consolidation_code", read_only=True),
        modified(),
    )

    def table(self, company: Company) -> Table[Any]:
        return company.dimension_values

    def rows(self, company: Company, parent: Parent | None) -> Iterable[DimensionValue]:
        if parent is None:
            return company.dimension_values
        return company.dimension_values.where("dimension_code", parent.row.code)


@dataclass(frozen=True)
class SetLine:
    """One dimension of a parent; its id is the dimension's, so it is unique under the parent only."""

    id: str
    parent_id: str
    parent_type: str
    dimension: Dimension
    value: DimensionValue


class DimensionSetLines(EntitySet):
    """The dimensions of one document, line or entry. Reached through the parent only."""

    name = "dimensionSetLines"
    caption = "Dimension Set Entry"
    verbs = frozenset({"GET", "POST", "PATCH", "DELETE"})
    properties = (
        guid("id", "id"),
        code("code", "dimension.code"),
        code("consolidationCode", "dimension.consolidation_code", read_only=True),
        guid("parentId", "parent_id", read_only=True),
        option("parentType", "parent_type", tuple(dict.fromkeys(PARENT_TYPES.values())), read_only=True),
        text("displayName", "dimension.display_name", 30, read_only=True),
        guid("valueId", "value.id"),
        code("valueCode", "value.code"),
        code("valueConsolidationCode", "value.consolidation_code", read_only=True),
        text("valueDisplayName", "value.display_name", 50, read_only=True),
    )

    def version(self, row: SetLine) -> str:
        return f"'20;{row.id}{row.value.id};1;00;'"

    def rows(self, company: Company, parent: Parent | None) -> Iterable[SetLine]:
        if parent is None:
            return []
        parent_type = PARENT_TYPES[parent.entity_set.name]
        lines = (
            _set_line(company, parent.row, parent_type, dimension, value)
            for dimension, value in sorted(parent.row.dimensions.items())
        )
        return [line for line in lines if line is not None]

    def check_list(self, company: Company, parent: Parent | None, pinned: dict[str, Any]) -> None:
        if parent is None:
            raise dialog("You must get to the parent first to get to the dimension set line.")

    def find(self, company: Company, wanted: str, parent: Parent | None) -> SetLine:
        self.check_list(company, parent, {})
        found: SetLine = super().find(company, wanted, parent)
        return found

    def create(self, company: Company, payload: Payload, parent: Parent | None) -> SetLine:
        if parent is None:
            raise dialog("You must get to the parent first to create a dimension set line.")
        _refuse_ledger(parent)
        values = payload.values
        names = list(values)
        if "valueCode" in names:
            # The value is looked up by the pair of codes, so the dimension must come first (facts 2.13).
            before, after = names[: names.index("valueCode")], names[names.index("valueCode") :]
            if {"id", "code"} & set(after) and not {"id", "code"} & set(before):
                raise dialog('The "valueCode" does not match to a Dimension Value.')
        value = rules.resolve_line(
            company,
            dimension_id=_given(values, "id"),
            code=values.get("code", ""),
            value_id=_given(values, "valueId"),
            value_code=values.get("valueCode", ""),
        )
        if value.dimension_code in parent.row.dimensions:
            raise rules.already_exists()
        return self._store(company, parent, value)

    def update(self, company: Company, row: SetLine, payload: Payload, parent: Parent | None) -> SetLine:
        if parent is None:
            raise dialog("You must get to the parent first to get to the dimension set line.")
        _refuse_ledger(parent)
        values = payload.values
        if values.get("id", row.id) != row.id or values.get("code", row.dimension.code) != row.dimension.code:
            raise dialog('The "id" and "code" fields cannot be modified.')
        if not values:
            return row
        value = rules.resolve_line(
            company,
            dimension_id=row.id,
            code="",
            value_id=_given(values, "valueId"),
            value_code=values.get("valueCode", ""),
        )
        return self._store(company, parent, value)

    def delete(self, company: Company, row: SetLine, parent: Parent | None) -> None:
        if parent is None:
            return
        _refuse_ledger(parent)
        held = parent.row.dimensions
        parent.row.dimensions = {c: v for c, v in held.items() if c != row.dimension.code}
        _touch(parent.row)

    def _store(self, company: Company, parent: Parent, value: DimensionValue) -> SetLine:
        parent.row.dimensions = {**parent.row.dimensions, value.dimension_code: value.code}
        _touch(parent.row)
        parent_type = PARENT_TYPES[parent.entity_set.name]
        line = _set_line(company, parent.row, parent_type, value.dimension_code, value.code)
        if line is None:
            raise record_not_found(self.caption, value.id)
        return line


def _given(values: dict[str, Any], name: str) -> str:
    value: str = values.get(name, "")
    return "" if value == ZERO_GUID else value


def _refuse_ledger(parent: Parent) -> None:
    if parent.entity_set.name == "generalLedgerEntries":
        raise dialog(
            f"Parent with ID {parent.row.id} does not exist or dimension set lines are read only for parent "
            "type General Ledger Entry."
        )


def _touch(row: Row) -> None:
    table: Table[Any] | None = row.__dict__.get("_table")
    if table is not None:
        table.touch(row)


def _set_line(company: Company, row: Row, parent_type: str, dimension: str, value: str) -> SetLine | None:
    found = company.dimensions.first("code", dimension)
    held = rules.find_value(company, dimension, value)
    if found is None or held is None:
        return None
    return SetLine(found.id, row.id, parent_type, found, held)


def _value_id(company: Company, row: DefaultDimension) -> str:
    found = rules.find_value(company, row.dimension_code, row.value_code)
    return found.id if found else ZERO_GUID


class DefaultDimensions(EntitySet):
    """Default dimensions of customers and items; those of G/L accounts exist but do not show here."""

    name = "defaultDimensions"
    caption = "Default Dimension"
    verbs = frozenset({"GET", "POST", "PATCH", "DELETE"})
    properties = (
        key(),
        option("parentType", "parent_type", (" ", "Customer", "Item", "Vendor", "Employee")),
        guid("parentId", "parent_id"),
        guid("dimensionId", _dimension_id),
        code("dimensionCode", "dimension_code", read_only=True),
        guid("dimensionValueId", _value_id),
        code("dimensionValueCode", "value_code", read_only=True),
        option("postingValidation", "posting_validation", VALIDATIONS),
        modified(),
    )

    def rows(self, company: Company, parent: Parent | None) -> Iterable[DefaultDimension]:
        if parent is not None:
            return company.default_dimensions.where("parent_id", parent.row.id)
        return [row for row in company.default_dimensions if row.parent_type in {"Customer", "Item"}]

    def create(self, company: Company, payload: Payload, parent: Parent | None) -> DefaultDimension:
        values = payload.values
        parent_id = parent.row.id if parent is not None else values.get("parentId", ZERO_GUID)
        owner = company.customers.by_id(parent_id) or company.items.by_id(parent_id)
        if owner is None:
            raise dialog('The "parentId" does not match to a Customer, Item, Vendor or Employee.')
        dimension = company.dimensions.by_id(values.get("dimensionId", ZERO_GUID))
        if dimension is None:
            raise dialog('The "dimensionId" does not match to a Dimension.')
        kind = "Customer" if company.customers.by_id(parent_id) else "Item"
        row = DefaultDimension(parent_type=kind, parent_id=parent_id, dimension_code=dimension.code)
        for existing in company.default_dimensions.where("parent_id", parent_id):
            if existing.dimension_code == dimension.code:
                raise dialog("The default dimension already exists.")
        _write_default(company, row, values)
        _touch_owner(company, row)
        return company.default_dimensions.insert(row)

    def update(
        self, company: Company, row: DefaultDimension, payload: Payload, parent: Parent | None
    ) -> DefaultDimension:
        values = payload.values
        if values.get("dimensionId", _dimension_id(company, row)) != _dimension_id(company, row):
            raise dialog('The value for "dimensionId" cannot be modified.')
        _write_default(company, row, values)
        _touch_owner(company, row)
        company.default_dimensions.touch(row)
        return row

    def delete(self, company: Company, row: DefaultDimension, parent: Parent | None) -> None:
        row.value_code = ""
        _touch_owner(company, row)
        company.default_dimensions.delete(row)


def _write_default(company: Company, row: DefaultDimension, values: dict[str, Any]) -> None:
    value_id = values.get("dimensionValueId", ZERO_GUID)
    if value_id != ZERO_GUID:
        value = company.dimension_values.by_id(value_id)
        if value is None or value.dimension_code != row.dimension_code:
            raise dialog('The "dimensionValueId" does not match to a Dimension Value.')
        problem = rules.posting_problem(company, {row.dimension_code: value.code}, None)
        if problem:
            raise dialog(problem)
        row.value_code = value.code
    elif "dimensionValueId" in values:
        row.value_code = ""
    row.posting_validation = values.get("postingValidation", row.posting_validation)


def _touch_owner(company: Company, row: DefaultDimension) -> None:
    """A default on a global dimension rewrites the owner's own field and its time (BC facts section 16)."""
    if not row.dimension_code or row.dimension_code not in company.settings.global_dimensions:
        return
    customer = company.customers.by_id(row.parent_id)
    if customer is not None:
        index = company.settings.global_dimensions.index(row.dimension_code) + 1
        setattr(customer, f"global_dimension_{index}", row.value_code)
        company.customers.touch(customer)
        return
    item = company.items.by_id(row.parent_id)
    if item is not None:
        company.items.touch(item)
