"""What the office does to master data: customers, locations, contacts, and the lists behind documents.

Not modelled: duplicate checks, tags, memberships, the two-sided confirmation of a merge.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from stsync.sandbox.servicetitan import rows
from stsync.sandbox.servicetitan.books import Books
from stsync.sandbox.servicetitan.table import Row

ADDRESS: Row = {
    "street": "1 Main St",
    "unit": None,
    "city": "Dayton",
    "state": "OH",
    "zip": "45402",
    "country": "USA",
    "latitude": None,
    "longitude": None,
}


class FrontDesk(Books):
    """Customers and the lists."""

    def add_customer(self, name: str, **fields: Any) -> int:
        """A new customer; fields by their wire names. Returns its id."""
        given = {"address": dict(ADDRESS), **fields, "name": name}
        return int(self.add("customers", rows.blank("customers", given))["id"])

    def add_location(self, customer_id: int, name: str, **fields: Any) -> int:
        """A new location of a customer. Returns its id."""
        given = {"address": dict(ADDRESS), **fields, "name": name, "customerId": customer_id}
        return int(self.add("locations", rows.blank("locations", given))["id"])

    def add_contact(self, customer_id: int, type: str, value: str, memo: str | None = None) -> int:  # noqa: A002 - wire name
        """A phone, e-mail, fax or mobile of a customer. Does not touch the customer (trap 24)."""
        row = rows.blank("contacts", {"type": type, "value": value, "memo": memo})
        row["phoneSettings"] = {"phoneNumber": value, "doNotText": False}
        row["customerId"] = customer_id
        return int(self.add("customer_contacts", row)["id"])

    def add_location_contact(self, location_id: int, type: str, value: str) -> int:  # noqa: A002 - wire name
        """The same for a location: a second record even where the number is the same."""
        row = rows.blank("contacts", {"type": type, "value": value})
        row["phoneSettings"] = {"phoneNumber": value, "doNotText": False}
        row["locationId"] = location_id
        return int(self.add("location_contacts", row)["id"])

    def edit_customer(self, customer_id: int, **fields: Any) -> None:
        """Change a customer; documents show the new name when they are read next."""
        self.edit("customers", customer_id, **fields)

    def edit_contact(self, contact_id: int, **fields: Any) -> None:
        """Change a contact; the customer's modifiedOn does not move (trap 24)."""
        self.edit("customer_contacts", contact_id, **fields)

    def edit(self, table: str, row_id: int, **fields: Any) -> None:
        """Change a row of any table by the wire's names."""
        with self.lock:
            row = self.tables[table][row_id]
            unknown = set(fields) - set(row)
            if unknown:
                raise TypeError(f"{table} have no {', '.join(sorted(unknown))}")
            row.update(fields)
            self.touch(table, row_id)

    def deactivate(self, table: str, row_id: int) -> None:
        """Make a row inactive: lists hide it, exports show it."""
        self.edit(table, row_id, active=False)

    def edit_sku(self, kind: str, code: str, **fields: Any) -> int:
        """Change a pricebook entry by hand, found by its code; `kind` is services, materials or equipment. Its id."""
        row = next(row for row in self.tables[kind].values() if row["code"] == code)
        self.edit(kind, row["id"], **fields)
        return int(row["id"])

    def merge_customers(self, loser_id: int, survivor_id: int) -> None:
        """Merge one customer into another: the loser is inactive and points on, its locations move."""
        with self.lock:
            self.edit("customers", loser_id, active=False, mergedToId=survivor_id)
            self.merged(loser_id, survivor_id)
            for location in [one for one in self.locations.values() if one["customerId"] == loser_id]:
                self.edit("locations", location["id"], customerId=survivor_id)
            if self.switches.merge_moves_documents:
                self._move_documents(loser_id, survivor_id)
            self.rebalance((), [loser_id, survivor_id])

    def _move_documents(self, loser_id: int, survivor_id: int) -> None:
        survivor = rows.named(survivor_id, self.customers[survivor_id]["name"])
        for table in ("invoices", "payments", "credit_memos"):
            for row in [r for r in self.tables[table].values() if (r["customer"] or {}).get("id") == loser_id]:
                row["customer"] = dict(survivor)
                self.moved(table, row, loser_id)
                self.touch(table, row["id"])

    def add_business_unit(self, name: str, **fields: Any) -> int:
        """A new business unit. Returns its id."""
        given = {"officialName": name, **fields, "name": name}
        return int(self.add("business_units", rows.blank("business_units", given))["id"])

    def add_gl_account(self, number: str, name: str, type: str = "Income", **fields: Any) -> int:  # noqa: A002 - wire name
        """A new account in ServiceTitan's own list. Returns its id."""
        given = {"subtype": type, **fields, "number": number, "name": name, "type": type}
        return int(self.add("gl_accounts", rows.blank("gl_accounts", given))["id"])

    def add_payment_type(self, name: str, **fields: Any) -> int:
        """A new payment type. Returns its id."""
        return int(self.add("payment_types", rows.blank("payment_types", {**fields, "name": name}))["id"])

    def add_payment_term(self, name: str, due_days: int = 30, **fields: Any) -> int:
        """A new payment term. Returns its id."""
        given = {"dueDay": due_days, **fields, "name": name}
        return int(self.add("payment_terms", rows.blank("payment_terms", given))["id"])

    def add_tax_zone(self, name: str, *rates: tuple[str, Decimal], **fields: Any) -> int:
        """A new tax zone with (authority, fraction) rates. Returns its id."""
        given = [
            {
                "id": self.new_id(),
                "taxName": authority,
                "taxBaseType": ["Subtotal"],
                "taxRate": rate,
                "salesTaxItem": None,
            }
            for authority, rate in rates
        ]
        row = rows.blank("tax_zones", {"isMultipleTaxZone": len(rates) > 1, **fields, "name": name})
        row["rates"] = given
        return int(self.add("tax_zones", row)["id"])

    def add_inventory_bill(self, amount: Decimal, *, number: str, on: date | None = None, **fields: Any) -> int:
        """A new bill of a vendor with one item over its amount. Returns its id."""
        day = on or self.clock().date()
        item = {"id": self.new_id(), "skuId": 1, "skuCode": "PART", "cost": amount, "description": "Parts"}
        given = {"billAmount": amount, "billDate": day, "dueDate": day, **fields, "referenceNumber": number}
        row = rows.blank("inventory_bills", given)
        row["items"] = row["items"] or [rows.blank("bill_items", item)]
        return int(self.add("inventory_bills", row)["id"])

    def edit_purchase_order(self, bill_id: int, amount: Decimal, *, number: str | None = None) -> int:
        """Correct a purchase order: its bill becomes inactive and a new bill takes its place (facts 3.8). Its id."""
        with self.lock:
            old = self.tables["inventory_bills"][bill_id]
            kept = {
                name: value for name, value in old.items() if name not in ("id", "items", "batch", "referenceNumber")
            }
            self.edit("inventory_bills", bill_id, active=False)
            given = {**kept, "billAmount": amount, "syncStatus": "Pending", "active": True}
            made = rows.blank("inventory_bills", {**given, "referenceNumber": number or f"{old['referenceNumber']}-2"})
            item = {"id": self.new_id(), "skuId": 1, "skuCode": "PART", "cost": amount, "description": "Parts"}
            made["items"] = [rows.blank("bill_items", item)]
            return int(self.add("inventory_bills", made)["id"])
