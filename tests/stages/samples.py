"""Plain values for the stages' tests: records as ServiceTitan would have them, and a snapshot of the books."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from stsync.core.mapping import Mapping
from stsync.core.snapshot import Account, BookJournal, Snapshot
from stsync.core.source.fields import Address, Named
from stsync.core.source.invoice import Invoice, Item, LineAccount
from stsync.core.source.payment import Application, Payment
from stsync.stages import invoices, payment_journals, sales_lines
from stsync.stages.buyer import Buyer

GO_LIVE = date(2026, 6, 1)
BUYER = Buyer(number="ST7")
CHOICES = Mapping.of(
    {
        "business_units": {"Plumbing": "PLUMB", "Solar": "SOLAR"},
        "accounts": {"4000": "40000"},
        "tax_zones": {"Mesa": "22000"},
        "payment_types": {"Check": "STCHECK"},
    }
)
SNAPSHOT = Snapshot(
    accounts={number: Account(number, number, id=f"id-{number}") for number in ("40000", "40100", "22000", "10500")},
    dimensions={"DEPARTMENT": frozenset({"PLUMB"})},
    posting_from=date(2026, 6, 1),
    posting_to=date(2026, 6, 30),
    journals={"STCHECK": BookJournal("j1", "STCHECK", "10500")},
)
INVOICES = invoices.Settings(go_live=GO_LIVE, lines=sales_lines.Settings(business_unit_dimension="DEPARTMENT"))
PAYMENTS = payment_journals.Settings(go_live=GO_LIVE, journals={})
PLUMBING = Named("1", "Plumbing")


def item(total: str = "100.00", *, quantity: str = "1", price: str | None = None, **more: Any) -> Item:
    values: dict[str, Any] = {
        "id": "1",
        "description": "Repair",
        "quantity": Decimal(quantity),
        "price": Decimal(price or total),
        "total": Decimal(total),
        "sku": "S-1",
        "chargeable": True,
        "taxable": True,
        "account": LineAccount("9", "4000", "Plumbing income"),
        "business_unit": PLUMBING,
    }
    return Item(**{**values, **more})


def invoice(*items: Item, tax: str = "0.00", **more: Any) -> Invoice:
    lines = items or (item(),)
    subtotal = sum((one.total for one in lines if one.chargeable), Decimal(0))
    values: dict[str, Any] = {
        "id": "5",
        "number": "1005",
        "status": "Posted",
        "active": True,
        "invoiced_on": date(2026, 6, 3),
        "due_on": date(2026, 7, 3),
        "subtotal": subtotal,
        "sales_tax": Decimal(tax),
        "total": subtotal + Decimal(tax),
        "tax_zone": Named("3", "Mesa"),
        "customer": Named("7", "Ada Byron"),
        "location": Named("8", "Home"),
        "location_address": Address(street="1 Main St", city="Mesa", state="AZ", postal_code="85201"),
        "business_unit": PLUMBING,
        "term": "",
        "adjustment_to": None,
        "items": lines,
    }
    return Invoice(**{**values, **more})


def payment(total: str = "100.00", *applied: tuple[str, str], **more: Any) -> Payment:
    values: dict[str, Any] = {
        "id": "9",
        "number": "P9",
        "status": "Posted",
        "active": True,
        "paid_on": date(2026, 6, 5),
        "total": Decimal(total),
        "type_id": "21",
        "type_name": "Check",
        "customer": Named("7", "Ada Byron"),
        "applications": tuple(Application(one, f"10{one}", Decimal(amount)) for one, amount in applied),
        "refunded_payment": None,
        "check_number": "",
        "memo": "",
    }
    return Payment(**{**values, **more})
