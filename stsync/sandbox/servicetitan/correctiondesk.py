"""What the office does to documents that were right once: adjust, correct, move, and take money back.

Each method is a short word for what `InvoiceDesk`, `PaymentDesk` and `CreditDesk` can do already.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from stsync.sandbox.servicetitan.books import ZERO
from stsync.sandbox.servicetitan.creditdesk import CreditDesk
from stsync.sandbox.servicetitan.office import Line
from stsync.sandbox.servicetitan.table import Row


class CorrectionDesk(CreditDesk):
    """Corrections of invoices and payments."""

    def adjust_invoice(
        self, invoice_id: int, lines: Iterable[Line], *, on: date | None = None, tax: Decimal = ZERO, **fields: Any
    ) -> int:
        """Book an adjustment invoice, above or below zero, of the original's customer and unit. Returns its id."""
        original = self.invoices[invoice_id]
        given = {name: original[name] for name in ("salesTaxCode", "taxZoneId", "job", "termName")}
        return self.book_invoice(
            original["customer"]["id"],
            lines,
            business_unit_id=original["businessUnit"]["id"],
            on=on,
            tax=tax,
            location_id=(original["location"] or {}).get("id"),
            adjustment_to=invoice_id,
            **{**given, **fields},
        )

    def change_business_unit(self, invoice_id: int, business_unit_id: int, item_id: int | None = None) -> None:
        """Move one line, or the invoice with all its lines, to another business unit."""
        unit = self.reference("business_units", business_unit_id)
        items = self.invoices[invoice_id]["items"] or []
        moved = [{**item, "businessUnit": unit} if item_id in (None, item["id"]) else item for item in items]
        header: Row = {"businessUnit": unit} if item_id is None else {}
        self.edit_invoice(invoice_id, items=moved, **header)

    def correct_tax(self, invoice_id: int, tax: Decimal) -> None:
        """Type another sales tax over the one that was computed."""
        self.edit_invoice(invoice_id, tax=tax)

    def bounce_check(self, payment_id: int, *, type_id: int, on: date | None = None, **fields: Any) -> int:
        """Enter that a check came back: a negative payment on the same invoices opens them again. Returns its id."""
        check = self.payments[payment_id]
        applied = {one["appliedTo"]: -Decimal(one["appliedAmount"]) for one in check["appliedTo"] or ()}
        return self.refund_payment(
            payment_id, Decimal(check["total"]), type_id=type_id, applied=applied, on=on, **fields
        )

    def reapply_payment(
        self, payment_id: int, from_invoice_id: int, to_invoice_id: int, amount: Decimal | None = None
    ) -> None:
        """Take a payment off one invoice and apply it (or `amount` of it) to another (trap 25)."""
        held = [one for one in self.payments[payment_id]["appliedTo"] if one["appliedTo"] == from_invoice_id]
        moved = sum((Decimal(one["appliedAmount"]) for one in held), ZERO) if amount is None else amount
        with self.lock:
            self.unapply_payment(payment_id, from_invoice_id)
            self.apply_payment(payment_id, to_invoice_id, moved)
