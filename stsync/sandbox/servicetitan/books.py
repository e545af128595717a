"""The state of one ServiceTitan tenant: its tables, its switches, and the sums that must always hold.

Sums: a payment's unappliedAmount is its total less what is applied; an invoice's balance is its total less what
is applied to it; an adjustment and its original are one receivable, shown on the original (facts section 6); a
customer's balance is what its invoices owe less its unapplied payments and credit memos.

Not modelled: jobs, estimates, deposits, journal entries, accounting periods, AP bills, permissions of users.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from stsync.sandbox.servicetitan.switches import Switches
from stsync.sandbox.servicetitan.table import Row, Table
from stsync.sandbox.servicetitan.values import micros, midnight, money_text, real_time, timestamp

ZERO = Decimal("0.00")
TABLES = (
    "invoices",
    "invoice_items",
    "payments",
    "payment_types",
    "payment_terms",
    "tax_zones",
    "gl_accounts",
    "gl_account_types",
    "inventory_bills",
    "credit_memos",
    "credit_memo_items",
    "customers",
    "customer_contacts",
    "locations",
    "location_contacts",
    "business_units",
    "services",
    "materials",
    "equipment",
    "categories",
)


@dataclass(frozen=True)
class Grant:
    """What an application may do on this tenant; scopes of None means all."""

    client_id: str
    app_key: str
    scopes: frozenset[str] | None


class Books:
    """Tables and sums; the office methods are in the classes that build on it."""

    def __init__(
        self,
        tenant_id: int,
        clock: Callable[[], datetime] = real_time,
        switches: Switches | None = None,
    ) -> None:
        self.tenant_id = tenant_id
        self.clock = clock
        self.switches = switches or Switches()
        self.lock = threading.RLock()
        self.grants: dict[str, Grant] = {}
        self.feed_generation = 0
        self.external_data: dict[tuple[str, int], dict[str, dict[str, str]]] = defaultdict(dict)
        self.tables = {name: Table() for name in TABLES}
        self.invoices, self.payments = self.tables["invoices"], self.tables["payments"]
        self.customers, self.locations = self.tables["customers"], self.tables["locations"]
        self.credit_memos, self.gl_accounts = self.tables["credit_memos"], self.tables["gl_accounts"]
        self._highest_id = 1000
        self._profile_changed: dict[int, int] = {}
        self._appliers: dict[int, set[tuple[str, int]]] = defaultdict(set)
        self._adjustments: dict[int, set[int]] = defaultdict(set)
        self._documents: dict[int, set[tuple[str, int]]] = defaultdict(set)
        self._merged_into: dict[int, set[int]] = defaultdict(set)

    def connect(self, client_id: str, app_key: str, scopes: Iterable[str] | None = None) -> None:
        """What the tenant's administrator does: let an application in, with these scopes or with all."""
        self.grants[client_id] = Grant(client_id, app_key, None if scopes is None else frozenset(scopes))

    def invalidate_feed_tokens(self) -> None:
        """Make every continueFrom handed out so far worthless."""
        self.feed_generation += 1

    def new_id(self) -> int:
        """An id that no row has."""
        self._highest_id += 1
        return self._highest_id

    def seed(self, **rows: Iterable[Row]) -> None:
        """Take wire-shaped rows per table as they are, fast. Follow with `settle` unless the sums are right."""
        with self.lock:
            for name, given in rows.items():
                listed = list(given)
                self.tables[name].seed(listed)
                self._highest_id = max([self._highest_id, *(row["id"] for row in listed)])
                for row in listed:
                    self.register(name, row)
                if name == "invoices":
                    self.list_items(item for row in listed for item in _entries(row))

    def add(self, table: str, row: Row) -> Row:
        """Take one new row, changed now."""
        with self.lock:
            now = self.clock()
            row["id"] = row["id"] or self.new_id()
            if "createdOn" in row:
                row["createdOn"] = timestamp(now)
            self.tables[table].seed([row])
            self._highest_id = max(self._highest_id, row["id"])
            self.tables[table].touch(row["id"], now)
            self.register(table, row)
            if table == "invoices":
                self.list_items(_entries(row))
            return row

    def touch(self, table: str, row_id: int) -> None:
        """Say that a row changed now."""
        self.tables[table].touch(row_id, self.clock())
        if table == "customers":
            self._profile_changed[row_id] = micros(self.clock())

    def profile_changed_at(self, customer_id: int) -> int:
        """When anything but the balance of a customer last changed, in microseconds since 1970."""
        changed = self._profile_changed.get(customer_id)
        return self.customers.changed_at(customer_id) if changed is None else changed

    def register(self, table: str, row: Row) -> None:
        """Put a row into the indexes that the sums need."""
        if table == "customers":
            self._profile_changed[row["id"]] = self.customers.changed_at(row["id"])
            if row["mergedToId"]:
                self._merged_into[row["mergedToId"]].add(row["id"])
        if table == "invoices":
            self._register_invoice(row)
        if table in ("payments", "credit_memos"):
            for applied in row["appliedTo"] or ():
                self._appliers[applied["appliedTo"]].add((table, row["id"]))
        if table in ("invoices", "payments", "credit_memos") and row["customer"]:
            self._documents[row["customer"]["id"]].add((table, row["id"]))

    def _register_invoice(self, row: Row) -> None:
        if row["adjustmentToId"]:
            self._adjustments[row["adjustmentToId"]].add(row["id"])

    def list_items(self, entries: Iterable[Row]) -> None:
        """Show items in their own feed."""
        listed = list(entries)
        self._highest_id = max([self._highest_id, *(entry["id"] for entry in listed)])
        self.tables["invoice_items"].seed(listed)

    def moved(self, table: str, row: Row, old_customer_id: int) -> None:
        """A document has another customer now."""
        self._documents[old_customer_id].discard((table, row["id"]))
        self._documents[row["customer"]["id"]].add((table, row["id"]))

    def merged(self, loser_id: int, survivor_id: int) -> None:
        """Count one customer's documents with another's."""
        self._merged_into[survivor_id].add(loser_id)

    def link(self, table: str, applier_id: int, invoice_id: int) -> None:
        """A payment or credit memo has to do with an invoice now; it stays linked when it is unapplied."""
        self._appliers[invoice_id].add((table, applier_id))

    def settle(self) -> None:
        """Make all sums right without marking anything as changed: for seeded rows."""
        with self.lock:
            for table in ("payments", "credit_memos"):
                for row in self.tables[table].values():
                    self._settle_applier(table, row)
            for row in self.invoices.values():
                row["balance"] = money_text(self.invoice_balance(row))
                row["paidOn"] = row["paidOn"] or self._paid_on(row)
            for customer in self.customers.values():
                customer["balance"] = self.customer_balance(customer["id"])

    def _settle_applier(self, table: str, row: Row) -> None:
        if table == "payments":
            row["unappliedAmount"] = money_text(unapplied(row))
        else:
            row["balance"] = unapplied(row)

    def rebalance(self, invoice_ids: Iterable[int], customer_ids: Iterable[int | None]) -> None:
        """Make the sums of these invoices and customers right; what changes is marked as changed."""
        families = {member for invoice_id in invoice_ids for member in self.family(invoice_id)}
        for invoice_id in sorted(families):
            row = self.invoices[invoice_id]
            balance = money_text(self.invoice_balance(row))
            if balance != row["balance"]:
                row["balance"] = balance
                row["paidOn"] = self._paid_on(row)
                self.touch("invoices", invoice_id)
        for customer_id in sorted({one for given in customer_ids for one in self._with_survivors(given)}):
            self._rebalance_customer(customer_id)

    def _with_survivors(self, customer_id: int | None) -> list[int]:
        """The customer and whoever it was merged into, and so on."""
        if customer_id is None or customer_id not in self.customers:
            return []
        return [customer_id, *self._with_survivors(self.customers[customer_id]["mergedToId"])]

    def _rebalance_customer(self, customer_id: int) -> None:
        customer = self.customers[customer_id]
        balance = self.customer_balance(customer_id)
        if balance != customer["balance"]:
            customer["balance"] = balance
            # Trap 24: a balance moves the customer's modifiedOn. The profile's own stamp stays.
            self.customers.touch(customer_id, self.clock())

    def family(self, invoice_id: int) -> list[int]:
        """An invoice's original and all adjustments to it, the original first."""
        row = self.invoices.get(invoice_id)
        if row is None:
            return []
        root = row["adjustmentToId"] if row["adjustmentToId"] in self.invoices else invoice_id
        return [root, *sorted(self._adjustments[root])]

    def invoice_balance(self, row: Row) -> Decimal:
        """What is still owed on an invoice; nothing on an adjustment, whose original shows it."""
        members = self.family(row["id"])
        if members[0] != row["id"] or not row["active"]:
            return ZERO
        active = [m for m in members if self.invoices[m]["active"]]
        charged = sum((Decimal(self.invoices[m]["total"]) for m in active), ZERO)
        return charged - sum((self._applied_to(m) for m in active), ZERO)

    def customer_balance(self, customer_id: int) -> Decimal:
        """What a customer, with all that were merged into it, owes."""
        if self.customers[customer_id]["mergedToId"] in self.customers:
            return ZERO
        documents = {d for one in self._with_merged(customer_id) for d in self._documents[one]}
        return sum((self._owed(table, row_id) for table, row_id in documents), ZERO)

    def _with_merged(self, customer_id: int) -> list[int]:
        losers = [deep for loser in self._merged_into[customer_id] for deep in self._with_merged(loser)]
        return [customer_id, *losers]

    def _owed(self, table: str, row_id: int) -> Decimal:
        row = self.tables[table][row_id]
        if table == "invoices":
            return self.invoice_balance(row)
        return -unapplied(row) if row["active"] else ZERO

    def _applied_to(self, invoice_id: int) -> Decimal:
        rows = [self.tables[table][row_id] for table, row_id in self._appliers[invoice_id]]
        applied = [a for row in rows if row["active"] for a in row["appliedTo"] or ()]
        return sum((Decimal(a["appliedAmount"]) for a in applied if a["appliedTo"] == invoice_id), ZERO)

    def _paid_on(self, row: Row) -> str | None:
        if Decimal(row["balance"]) != 0 or not self._appliers[row["id"]]:
            return None
        return midnight(self.clock().date())


def _entries(invoice: Row) -> list[Row]:
    return [item_entry(invoice, item) for item in invoice["items"] or ()]


def item_entry(invoice: Row, item: Row) -> Row:
    """An item as the items table keeps it: the very object of the invoice, with what only the feed shows."""
    return {
        "id": item["id"],
        "invoiceId": invoice["id"],
        "active": invoice["active"],
        "item": item,
        "modifiedOn": item["modifiedOn"],
    }


def unapplied(row: Row) -> Decimal:
    """What of a payment or credit memo is applied to nothing."""
    return Decimal(row["total"]) - sum((Decimal(a["appliedAmount"]) for a in row["appliedTo"] or ()), ZERO)
