"""What goes wrong in books: a person (or a mistake) changes what stands in Business Central after a faultless sync.

Every method changes the simulator's books directly and returns how people know the document that it changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from office import DEPARTMENT

from stsync.sandbox.businesscentral import Accountant, HandLine
from stsync.sandbox.businesscentral.accounting.ledger import Voucher, book
from stsync.sandbox.world import World

RECEIVABLES = "12100"


class Tamperer:
    """Somebody at the books. The documents are the first of their sort in the demo month, so that every run is alike."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.company = world.company
        self.desk = Accountant(world.company)
        # By their numbers from outside: several lanes post in another order each time.
        posted = sorted(
            (one for one in world.company.invoices if one.posted and one.posting_date >= date(2026, 6, 1)),
            key=lambda one: str(one.external_document_number),
        )
        self.invoices = [one for one in posted if one.status == "Open" and self.tax_entry(one) and one.total > 100]
        self.payments = sorted({one.document_number for one in self.company.gl_entries if self._receipt(one)})
        self.refunds = sorted({one.document_number for one in self.company.gl_entries if self._refund(one)})

    @staticmethod
    def _receipt(entry: Any) -> bool:
        return entry.document_type == "Payment" and entry.posting_date >= date(2026, 6, 1)

    @staticmethod
    def _refund(entry: Any) -> bool:
        """Money paid back goes through a general journal, whose entries have no type."""
        ours = entry.document_number.startswith("ST-P")
        return ours and not entry.document_type.strip() and entry.posting_date >= date(2026, 6, 1)

    # What ServiceTitan calls them.

    def number(self, invoice: Any) -> str:
        return str(self._row(self.world.tenant.invoices, invoice.external_document_number.removeprefix("ST-")))

    def payment_number(self, document_number: str) -> str:
        return str(self._row(self.world.tenant.payments, document_number.removeprefix("ST-P")))

    @staticmethod
    def _row(table: Any, source_id: str) -> Any:
        return next(row["referenceNumber"] or row["id"] for row in table.values() if str(row["id"]) == source_id)

    # What stands in the books.

    def entries(self, number: str, *, account: str = "", kind: str = "") -> list[Any]:
        return [
            one
            for one in self.company.gl_entries.where("document_number", number)
            if account in ("", one.account_number) and kind in ("", one.document_type)
        ]

    def revenue(self, invoice: Any) -> Any:
        income = {one.number for one in self.company.accounts if one.category == "Income"}
        return next(one for one in self.entries(invoice.number, kind="Invoice") if one.account_number in income)

    def tax_entry(self, invoice: Any) -> Any:
        found = [one for one in self.entries(invoice.number, kind="Invoice") if one.account_number.startswith("220")]
        return found[0] if found else None

    def owed(self, number: str) -> Any:
        return next(one for one in self.entries(number) if one.account_number == RECEIVABLES)

    def customer_entry(self, number: str) -> Any:
        return self.company.customer_ledger.first("document_number", number)

    def money(self, number: str) -> Any:
        return next(one for one in self.entries(number) if one.account_number != RECEIVABLES)

    # Changes that keep the entries balanced, as any change in an accounting system does.

    def shift(self, entry: Any, amount: str) -> None:
        """Credit this entry more, and let the customer owe it."""
        number, change = entry.document_number, Decimal(amount)
        entry.amount -= change
        self.owed(number).amount += change
        self.owes_more(number, change)

    def add_line(self, number: str, account: str, amount: str) -> None:
        """One more line on a posted invoice, which the customer owes."""
        like = self.owed(number)
        voucher = Voucher(like.posting_date, "Invoice", number, description="Added")
        book(self.company, voucher, account, -Decimal(amount), {DEPARTMENT: "COMM"})
        like.amount += Decimal(amount)
        self.owes_more(number, Decimal(amount))

    def owes_more(self, number: str, change: Decimal) -> None:
        held = self.customer_entry(number)
        held.amount += change
        held.remaining += change

    def take_out(self, entries: Iterable[Any]) -> None:
        for one in list(entries):
            self.company.gl_entries.delete(one)

    def delete_postings(self, number: str) -> None:
        self.take_out(self.entries(number))
        for one in list(self.company.customer_ledger.where("document_number", number)):
            self.company.customer_ledger.delete(one)

    def twice(self, number: str) -> None:
        customer = self.customer_entry(number).customer_number
        amount = sum(
            (one.amount for one in self.entries(number, account=self.money(number).account_number)), Decimal(0)
        )
        on = self.money(number).posting_date
        self.desk.payment(customer, number, amount, on=on, balancing_account=self.money(number).account_number)

    def retype(self, number: str, kind: str) -> None:
        """The same document on the other side: an invoice as a credit memo."""
        for one in self.entries(number):
            one.document_type, one.amount = kind, -one.amount
        held = self.customer_entry(number)
        held.document_type, held.amount, held.remaining = kind, -held.amount, -held.remaining

    def rebill(self, invoice: Any, customer: str) -> None:
        card = self.company.customers.first("number", customer)
        invoice.customer_number = invoice.bill_to_number = customer
        invoice.customer_id = invoice.bill_to_id = card.id
        self.customer_entry(invoice.number).customer_number = customer

    def redate(self, number: str, kind: str, on: date) -> None:
        """The same document on another day."""
        for one in [*self.entries(number, kind=kind), self.customer_entry(number)]:
            one.posting_date = on
        for held in (self.company.invoices, self.company.credit_memos):
            for document in held:
                if document.number == number:
                    document.posting_date = on

    def typed_again(self, invoice: Any) -> list[HandLine]:
        """The lines of a posted invoice as a person types them from its print."""
        return [
            HandLine(one.account_number, -one.amount, "Again", tuple(one.dimensions.items()))
            for one in self.entries(invoice.number, kind="Invoice")
            if one.account_number != RECEIVABLES
        ]

    def hand_line(self, account: str = "40100", amount: str = "123.45", unit: str = "PHX-HVAC-M") -> HandLine:
        return HandLine(account, Decimal(amount), "By hand", ((DEPARTMENT, unit),))
