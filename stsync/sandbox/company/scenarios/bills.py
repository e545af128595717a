"""Inventory bills: read and listed, never written to."""

from __future__ import annotations

from stsync.sandbox.company.office import Office, june
from stsync.sandbox.company.purchasing import bill
from stsync.sandbox.company.values import Ref, of


def bill_replaced(office: Office) -> list[Ref]:
    """A purchase order was corrected: the first bill became inactive and a new bill took its place."""
    skus = office.pricebook.of("Plumbing", "Material")[:3]
    first = bill(office, june(9), skus, [10, 4, 6])
    second = bill(office, june(11), skus, [10, 4, 5])
    first["active"] = False
    second["purchaseOrderId"] = first["purchaseOrderId"]
    return of("inventory_bills", first, second)


ALL = (bill_replaced,)
