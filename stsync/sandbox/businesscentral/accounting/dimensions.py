"""Dimensions of documents: defaults, inheritance, and what posting refuses (BC facts 2.13, 2.14, 7.2).

Not modelled: dimension combinations, priorities between default dimensions, account-type defaults.
"""

from __future__ import annotations

from dataclasses import dataclass

from stsync.sandbox.businesscentral.core.company import Company
from stsync.sandbox.businesscentral.core.setup_records import DefaultDimension, DimensionValue
from stsync.sandbox.businesscentral.errors import BcError, dialog, invalid_relation


@dataclass(frozen=True)
class Subject:
    """A master record whose default dimensions rule a posting, as error texts name it."""

    caption: str
    number: str
    id: str

    def __str__(self) -> str:
        return f"{self.caption} {self.number}"


def default_values(company: Company, *parent_ids: str) -> dict[str, str]:
    """The default dimension values of master records; a later record overrides an earlier one."""
    values: dict[str, str] = {}
    for parent_id in parent_ids:
        for default in company.default_dimensions.where("parent_id", parent_id):
            if default.value_code and default.posting_validation != "No Code":
                values[default.dimension_code] = default.value_code
    return values


def find_value(company: Company, dimension: str, code: str) -> DimensionValue | None:
    """A dimension value by the pair of codes that identifies it."""
    values = company.dimension_values.where("code", code)
    return next((value for value in values if value.dimension_code == dimension), None)


def with_shortcut(company: Company, dimensions: dict[str, str], index: int, value: str) -> dict[str, str]:
    """The dimensions with one of the two global dimensions set, or removed by a blank value."""
    dimension = company.settings.global_dimensions[index]
    rest = {code: held for code, held in dimensions.items() if code != dimension}
    if not value:
        return rest
    if not dimension or find_value(company, dimension, value) is None:
        raise invalid_relation(f"Shortcut Dimension {index + 1} Code", "Sales Header", value, "Dimension Value")
    return {**rest, dimension: value}


def posting_problem(company: Company, dimensions: dict[str, str], subject: Subject | None) -> str | None:
    """What makes a dimension set unpostable for a master record, in the vendor's words; None if nothing."""
    blocked = _blocked_problem(company, dimensions)
    if blocked or subject is None:
        return blocked
    for rule in company.default_dimensions.where("parent_id", subject.id):
        problem = _rule_problem(rule, dimensions.get(rule.dimension_code, ""), subject)
        if problem:
            return problem
    return None


def _blocked_problem(company: Company, dimensions: dict[str, str]) -> str | None:
    for code, value_code in dimensions.items():
        dimension = company.dimensions.first("code", code)
        if dimension is not None and dimension.blocked:
            return f"Dimension {code} is blocked."
        value = find_value(company, code, value_code)
        if value is not None and value.blocked:
            return f"Dimension Value {code} - {value_code} is blocked."
        if value is not None and value.value_type in {"Heading", "Begin-Total"}:
            return f"Dimension Value Type for Dimension Value {code} - {value_code} must not be {value.value_type}."
    return None


def _rule_problem(rule: DefaultDimension, held: str, subject: Subject) -> str | None:
    code = rule.dimension_code
    if rule.posting_validation == "Code Mandatory" and not held:
        return f"Select a Dimension Value Code for the Dimension Code {code} for {subject}."
    if rule.posting_validation == "Same Code" and held != rule.value_code:
        return (
            f"The Dimension Value Code must be {rule.value_code} for Dimension Code {code} for {subject}.  "
            f"Currently it's {held}."
        )
    if rule.posting_validation == "No Code" and held:
        return f"The Dimension Code {code} must not be used with {subject}."
    return None


def resolve_line(company: Company, *, dimension_id: str, code: str, value_id: str, value_code: str) -> DimensionValue:
    """The value that a dimension set line names; a code needs its dimension (BC facts section 2.13)."""
    if not dimension_id and not code:
        raise dialog('The "id" or "code" field must be filled in.')
    if not value_id and not value_code:
        raise dialog('The "valueId" or "valueCode" field must be filled in.')
    dimension = company.dimensions.by_id(dimension_id) if dimension_id else company.dimensions.first("code", code)
    if dimension is None or (code and dimension.code != code):
        raise dialog("The dimension field values do not match to a specific Dimension.")
    by_code = find_value(company, dimension.code, value_code) if value_code else None
    value = company.dimension_values.by_id(value_id) if value_id else by_code
    if value is None or value.dimension_code != dimension.code or (by_code or value) is not value:
        name = "valueId" if value_id else "valueCode"
        raise dialog(f'The "{name}" does not match to a Dimension Value.')
    _refuse_blocked(company, value)
    return value


def _refuse_blocked(company: Company, value: DimensionValue) -> None:
    problem = _blocked_problem(company, {value.dimension_code: value.code})
    if problem:
        raise dialog(problem)


def already_exists() -> BcError:
    """The answer to a POST of a dimension that the parent has, also by default (facts trap 18)."""
    return dialog(
        "The dimension set line already exists. Check existing dimension set lines and the default "
        "dimension set lines on the parent."
    )
