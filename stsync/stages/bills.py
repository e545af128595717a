"""Inventory bills: which of them count, and which one took the place of another.

What a bookkeeper can rely on:
- bills are read, kept and listed; nothing about them is ever written, in either system;
- ServiceTitan answers an edit of a purchase order with a new bill (facts section 3.8): the old one becomes inactive, is
  shown with the bill that took its place, and does not count in any total;
- a bill that cannot be read is listed as such.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise

from stsync.core.source.bill import Bill


@dataclass(frozen=True)
class Listed:
    """One bill in the list; `replaced_by` and `replaces` are bills of the same purchase order."""

    bill: Bill
    replaced_by: Bill | None = None
    replaces: Bill | None = None


@dataclass(frozen=True)
class Unreadable:
    """A bill of a shape that we do not know: its id as far as it has one, and what is wrong with it."""

    source_id: str
    what: str


@dataclass(frozen=True)
class Sum:
    """Active bills added up."""

    bills: int = 0
    amount: Decimal = Decimal("0.00")
    tax: Decimal = Decimal("0.00")

    def plus(self, bill: Bill) -> Sum:
        """With one more."""
        return Sum(self.bills + 1, self.amount + bill.amount, self.tax + bill.tax)


def listing(
    bills: Iterable[Bill], *, first: date | None = None, last: date | None = None, vendor: str = ""
) -> list[Listed]:
    """The bills of these days and this vendor (a part of the name, or the number), in the order of their dates.

    A bill without a date belongs to no period, so it is listed in every one rather than lost.
    """
    every = list(bills)
    successors = _successors(every)
    predecessors = {successor.id: old for old, successor in successors.values()}
    chosen = (one for one in every if _within(one, first, last) and _of_vendor(one, vendor))
    ordered = sorted(chosen, key=lambda one: (one.billed_on or date.min, int(one.id)))
    return [
        Listed(one, successors[one.id][1] if one.id in successors else None, predecessors.get(one.id))
        for one in ordered
    ]


def total(listed: Iterable[Listed]) -> Sum:
    """What the active bills come to."""
    found = Sum()
    for one in listed:
        found = found.plus(one.bill) if one.bill.active else found
    return found


def by_vendor(listed: Sequence[Listed]) -> Mapping[str, Sum]:
    """The same, for each vendor by name."""
    found: dict[str, Sum] = {}
    for one in listed:
        if one.bill.active:
            name = vendor_name(one.bill)
            found[name] = found.get(name, Sum()).plus(one.bill)
    return dict(sorted(found.items()))


def vendor_name(bill: Bill) -> str:
    """The vendor as people know it."""
    return bill.vendor.name if bill.vendor is not None else ""


def _successors(bills: Iterable[Bill]) -> dict[str, tuple[Bill, Bill]]:
    """Each inactive bill with the next newer one of its purchase order, by the old one's id.

    Two active bills of one order are two deliveries, and neither has replaced the other.
    """
    orders: dict[str, list[Bill]] = {}
    for bill in sorted(bills, key=lambda one: int(one.id)):
        if bill.purchase_order is not None:
            orders.setdefault(bill.purchase_order, []).append(bill)
    pairs = ((old, new) for order in orders.values() for old, new in pairwise(order))
    return {old.id: (old, new) for old, new in pairs if not old.active}


def _within(bill: Bill, first: date | None, last: date | None) -> bool:
    if bill.billed_on is None:
        return True
    return (first is None or bill.billed_on >= first) and (last is None or bill.billed_on <= last)


def _of_vendor(bill: Bill, wanted: str) -> bool:
    said = wanted.strip().casefold()
    names = (vendor_name(bill).casefold(), bill.vendor.id if bill.vendor is not None else "")
    return not said or said in names[0] or said == names[1]
