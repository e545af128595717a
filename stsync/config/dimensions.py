"""The part of the configuration that says which dimensions documents carry."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from stsync.config.kinds import Code, empty_list_for_nothing, refusal
from stsync.config.section import Section
from stsync.core.dimensions import TABLE_OF


class DimensionSource(Section):
    """One more dimension, and where its value comes from."""

    dimension: Code = Field(description="The dimension's code in Business Central.", examples=["TRADE"])
    source: Literal["job_type", "location", "trade", "constant"] = Field(
        description="Where the value comes from: the job's type, the location, or the trade of the line's business unit, "
        "each through the mapping table of that name; or always the same value (constant).",
        examples=["trade"],
    )
    value: Code | None = Field(
        default=None, description="The value of a constant; not used otherwise.", examples=["FIELD"]
    )

    @model_validator(mode="after")
    def _a_constant_has_a_value(self) -> DimensionSource:
        if (self.source == "constant") != (self.value is not None):
            problem = "is needed for a constant" if self.value is None else "has a meaning only for a constant"
            raise refusal(problem, "value")
        return self


class Dimensions(Section):
    """Which Business Central dimension carries what; None leaves it out."""

    business_unit: Code | None = Field(
        default=None,
        description="The dimension that says which business unit earned the money. Left out, lines carry none for it.",
        examples=["DEPARTMENT"],
    )
    more: Annotated[tuple[DimensionSource, ...], BeforeValidator(empty_list_for_nothing)] = Field(
        default=(),
        description="More dimensions on each document and line, one entry for each. A document without such a thing (no job, "
        "for example) is held until its mapping table has a line for (none).",
        examples=[[{"dimension": "CHANNEL", "source": "constant", "value": "FIELD"}]],
    )
    on_payments: bool = Field(
        default=False,
        description="Payments and refunds carry their own business unit's value of that dimension too (yes), so that money "
        "and receivables show it; or only what the customer's default dimensions bring (no).",
    )

    @model_validator(mode="after")
    def _payments_need_the_units(self) -> Dimensions:
        if self.on_payments and self.business_unit is None:
            raise refusal("needs business_unit beside it: the dimension that payments are to carry", "on_payments")
        return self

    @model_validator(mode="after")
    def _each_once(self) -> Dimensions:
        codes = [one.dimension.upper() for one in self.more]
        codes += [self.business_unit.upper()] if self.business_unit is not None else []
        sources: list[str] = [one.source for one in self.more if one.source != "constant"]
        twice = next((one for names in (codes, sources) for one in names if names.count(one) > 1), None)
        if twice is not None:
            raise refusal(
                f"{twice} stands twice; a dimension has one source, and a mapping table one dimension", "more"
            )
        return self

    def by_table(self) -> dict[str, str]:
        """Which dimension the values of a mapping table belong to, by table; those that nothing uses are not in it."""
        units = {"business_units": self.business_unit} if self.business_unit is not None else {}
        return units | {TABLE_OF[one.source]: one.dimension for one in self.more if one.source in TABLE_OF}

    def codes(self) -> list[str]:
        """All dimensions that documents carry."""
        return [
            *([self.business_unit] if self.business_unit is not None else []),
            *(one.dimension for one in self.more),
        ]
