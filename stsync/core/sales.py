"""A sales document as the books will hold it: lines with accounts and dimensions, and what its totals must be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from stsync.core import money
from stsync.core.dimensions import missing


@dataclass(frozen=True)
class SalesLine:
    """One line; `amount` is what it must come to, tax apart, in the document's currency.

    `kind` is Account, Item or Comment, as Business Central names line types.
    """

    kind: str
    number: str
    description: str
    quantity: Decimal
    unit_price: Decimal
    amount: Decimal
    tax_code: str | None = None
    dimensions: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """The line in the order Business Central needs: the object first, then quantity, then price (trap 13)."""
        if self.kind == "Comment":
            return {"lineType": "Comment", "description": self.description}
        body: dict[str, Any] = {
            "lineType": self.kind,
            "lineObjectNumber": self.number,
            "quantity": self.quantity,
            "unitPrice": self.unit_price,
            "description": self.description,
        }
        if self.tax_code is not None:
            body["taxCode"] = self.tax_code
        if self.dimensions:
            body["dimensionSetLines"] = set_lines(self.dimensions)
        return body

    def turned(self) -> SalesLine:
        """The line with the other sign, its product exactly as before: a negative price is turned, else the quantity."""
        if self.kind == "Comment" or self.quantity * self.unit_price == 0:
            return replace(self, amount=-self.amount)
        if self.unit_price < 0:
            return replace(self, unit_price=-self.unit_price, amount=-self.amount)
        return replace(self, quantity=-self.quantity, amount=-self.amount)


def set_lines(dimensions: Mapping[str, str]) -> list[dict[str, str]]:
    """Dimension values as Business Central takes them: the code before its value (facts 2.13)."""
    return [{"code": code, "valueCode": value} for code, value in sorted(dimensions.items())]


def priced(quantity: Decimal, price: Decimal, total: Decimal) -> tuple[Decimal, Decimal] | None:
    """Quantity and unit price that Business Central multiplies to exactly `total`, or None when they would not.

    There quantities and prices have five decimals and the product is rounded to the cent (facts sections 1 and 6);
    ServiceTitan's line total is the truth, whatever its quantity and price multiply to.
    """
    # A product beyond any amount would not fit Python's 28 digits either, and one absurd line must not end the run.
    if quantity == 0 or abs(quantity * price) >= Decimal(10) ** 15:
        return None
    if money.fits(quantity, 5) and money.fits(price, 5) and money.cents(quantity * price) == total:
        return quantity, price
    return None


@dataclass(frozen=True)
class DraftLine:
    """A line as Business Central holds it in a draft; `tax_percent` is the rate it found there, `text` its description."""

    kind: str
    number: str
    amount: Decimal
    dimensions: Mapping[str, str]
    id: str = ""
    tax: Decimal = Decimal(0)
    tax_percent: Decimal = Decimal(0)
    text: str = ""


@dataclass(frozen=True)
class Draft:
    """A draft read back from Business Central, with its own totals; `key` is its external document number."""

    id: str
    number: str
    customer_number: str
    status: str
    total: Decimal
    tax: Decimal
    lines: Sequence[DraftLine]
    etag: str = ""
    posting_on: date | None = None
    dimensions: Mapping[str, str] = field(default_factory=dict)
    dated: date | None = None
    key: str = ""


@dataclass(frozen=True)
class Expected:
    """What a draft must look like before it may be posted; amounts as Business Central shows them.

    `dated` is the document's own date and `due_on` its due date, where they are ours to set. `zone` and `zone_percent`
    are ServiceTitan's tax zone and its rate, to explain a difference by.
    """

    customer_number: str
    total: Decimal
    tax: Decimal
    lines: Sequence[SalesLine]
    posting_on: date | None = None
    dimensions: Mapping[str, str] = field(default_factory=dict)
    dated: date | None = None
    due_on: date | None = None
    tax_method: str = "line"
    zone: str = ""
    zone_percent: Decimal | None = None


def differences(expected: Expected, draft: Draft) -> list[str]:
    """Everything in which a draft differs from what it must be, in words; empty means it may be posted."""
    found: list[str] = []
    if draft.customer_number != expected.customer_number.upper():
        found.append(f"the customer is {draft.customer_number}, not {expected.customer_number}")
    if draft.posting_on != expected.posting_on:
        found.append(f"the posting date is {draft.posting_on}, not {expected.posting_on}")
    if draft.total != expected.total:
        found.append(f"the total is {draft.total}, ServiceTitan's is {expected.total}")
    if draft.tax != expected.tax:
        found.append(f"the tax is {draft.tax}, ServiceTitan's is {expected.tax}")
    wanted = [line for line in expected.lines if line.kind != "Comment"]
    held = [line for line in draft.lines if line.kind != "Comment"]
    if len(wanted) != len(held):
        found.append(f"there are {len(held)} lines, not {len(wanted)}")
        return found
    for position, (want, have) in enumerate(zip(wanted, held, strict=True), start=1):
        found += [f"line {position}: {difference}" for difference in _line_differences(want, have)]
    return found


def _line_differences(want: SalesLine, have: DraftLine) -> list[str]:
    found = []
    if have.number != want.number.upper():
        found.append(f"the account is {have.number}, not {want.number}")
    if have.amount != want.amount:
        found.append(f"the amount is {have.amount}, not {want.amount}")
    return found


def wrong_dimensions(want: SalesLine, have: DraftLine) -> dict[str, str]:
    """The dimension values a line should have and has not; values of other dimensions are left alone."""
    return missing(want.dimensions, have.dimensions)
