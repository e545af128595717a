"""The company of a trial: two customers and a handful of documents, with every kind of write among them.

The day before, one customer's invoices went into the books and one item into the pricebook. On the day itself the
customer moves, the posted invoice is changed, and everything else is new.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from stsync.sandbox.company import Demo
from stsync.sandbox.company.chart import ACCOUNT, PAYMENT_TYPE, UNIT, ZONE
from stsync.sandbox.servicetitan.office import Line
from stsync.sandbox.world import World

_WORK, _OTHER_WORK = ACCOUNT["4100"].id, ACCOUNT["4200"].id
_UNIT, _OTHER_UNIT = UNIT["Phoenix HVAC Service"].id, UNIT["Phoenix Plumbing Service"].id
_POSTED = {"syncStatus": "Posted"}
_ITEMS = (("CHAOS-FILTER", "Filter 16x25", "5.00"), ("CHAOS-VALVE", "Ball valve", "9.00"))
# ServiceTitan's feeds show a change 15 minutes later (facts section 2).
LATER = timedelta(minutes=20)


class TrialWorld(World):
    """Both systems with next to nothing in them; `first_day` and `second_day` are what the office does."""

    def __init__(self, folder: Path) -> None:
        super().__init__(1, folder=folder, plain=True)
        # Pauses are skipped in a trial, so the limit would be met by our haste and not by what is tried.
        self.tenant.switches.calls_per_second = None

    def _generated(self) -> Demo:
        demo = super()._generated()
        names = ("customers", "customer_contacts", "locations", "invoices", "payments", "credit_memos")
        more = ("credit_memo_items", "inventory_bills", "services", "materials", "equipment")
        empty: dict[str, list[dict[str, object]]] = {name: [] for name in (*names, *more)}
        return replace(demo, **empty, books=replace(demo.books, items=[]))  # type: ignore[arg-type]

    def first_day(self) -> None:
        """Two posted invoices of one customer, and one item in the books."""
        self.customer = self.tenant.add_customer("Ada Alvarez", address=_address("12 Palm Lane"))
        self.kept = self._invoice(self.customer, ["400.00"], on=date(2026, 6, 3))
        self.changed = self._invoice(self.customer, ["250.00"], on=date(2026, 6, 4))
        self._item(0)
        self.advance(LATER)

    def second_day(self) -> None:
        """Everything that makes stsync write."""
        fields: Any = {"business_unit_id": _UNIT, **_POSTED}
        self.tenant.edit_customer(self.customer, address=_address("500 Central Avenue"))
        self.tenant.edit_invoice(self.changed, lines=[line("260.00"), line("15.00")])
        self.tenant.adjust_invoice(self.kept, [line("-40.00")], on=date(2026, 6, 10), syncStatus="Posted")
        self.tenant.issue_credit_memo(self.customer, lines=[line("30.00")], on=date(2026, 6, 11), **fields)
        self._second_customer(fields)
        self._item(1)
        for item in self.company.items.where("number", _ITEMS[0][0]):
            item.unit_cost = Decimal("5.40")
        self.advance(LATER)

    def _second_customer(self, fields: Any) -> None:
        """A new one, with a check that pays more than the invoice, and a deposit of which a part goes back."""
        owner = self.tenant.add_customer("Bo Becker", address=_address("7 Mesa Road"))
        work = self._invoice(owner, ["120.00", "80.00"], on=date(2026, 6, 9), tax="17.20")
        check: Any = {"type_id": PAYMENT_TYPE["Check"].id, "on": date(2026, 6, 12), **fields}
        self.tenant.take_payment(owner, Decimal("150.00"), applied={work: Decimal("100.00")}, **check)
        deposit = self.tenant.take_payment(owner, Decimal("60.00"), **check)
        back: Any = {"type_id": PAYMENT_TYPE["Refund"].id, "on": date(2026, 6, 15), **fields}
        self.tenant.refund_payment(deposit, Decimal("25.00"), **back)

    def _invoice(self, customer: int, prices: list[str], *, on: date, tax: str = "0.00") -> int:
        lines = [line(prices[0]), *(line(price, other=True) for price in prices[1:])]
        taxed: Any = {"salesTaxCode": ZONE["Phoenix"].link, "taxZoneId": ZONE["Phoenix"].id} if tax != "0.00" else {}
        terms: Any = {"termName": "Net 30", **_POSTED, **taxed}
        return self.tenant.book_invoice(customer, lines, business_unit_id=_UNIT, on=on, tax=Decimal(tax), **terms)

    def _item(self, position: int) -> None:
        number, name, cost = _ITEMS[position]
        prices = {"unit_price": Decimal("20.00"), "unit_cost": Decimal(cost)}
        # A fixed id: items are pushed in the order of their ids, and every run is to write in the same order.
        known: Any = {"id": str(uuid.uuid5(uuid.NAMESPACE_URL, number)), **prices}
        self.company.add_item(number, name, type="Inventory", gen_prod_posting_group="RETAIL", **known)

    def configured(self, folder: Path, lanes: int) -> str:
        """A configuration with everything switched on that writes, and so many lanes."""
        text = self.config_text(folder, complete=True, extended=True, write_back=True)
        return text.replace("business_central:\n", f"business_central:\n  concurrent_requests: {lanes}\n", 1)


def line(price: str, *, other: bool = False) -> Line:
    account, unit = (_OTHER_WORK, _OTHER_UNIT) if other else (_WORK, _UNIT)
    return Line("Work", Decimal(price), gl_account_id=account, business_unit_id=unit)


def _address(street: str) -> dict[str, object]:
    place = {"city": "Phoenix", "state": "AZ", "zip": "85016", "country": "USA"}
    return {"street": street, "unit": None, **place, "latitude": None, "longitude": None}
