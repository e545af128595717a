"""Credit memos as the office handles them: issue, apply, take off again, edit, void (facts 3.8 and 6).

The facts do not say which sign a credit memo's total has; it is positive here.

Not modelled: refunds of credit memos, custom numbering, who may issue one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from stsync.sandbox.servicetitan import rows
from stsync.sandbox.servicetitan.books import ZERO
from stsync.sandbox.servicetitan.office import Line, PaymentDesk
from stsync.sandbox.servicetitan.table import Row


class CreditDesk(PaymentDesk):
    """Credit memos: a resource of their own beside adjustment invoices."""

    def issue_credit_memo(
        self,
        customer_id: int,
        amount: Decimal | None = None,
        *,
        lines: Iterable[Line] | None = None,
        on: date | None = None,
        tax: Decimal = ZERO,
        applied: Mapping[int, Decimal] | None = None,
        business_unit_id: int | None = None,
        location_id: int | None = None,
        **fields: Any,
    ) -> int:
        """Issue a credit memo over lines (or one line of `amount`) and tax, applied to invoices by id. Returns its id.

        It is Pending unless `syncStatus` says otherwise; other fields by their wire names.
        """
        with self.lock:
            listed = list(lines) if lines is not None else [Line("Credit", amount or ZERO)]
            net = sum((line.amount for line in listed), ZERO)
            given = {
                "customer": self.reference("customers", customer_id),
                "location": self.reference("locations", location_id),
                "businessUnit": self.reference("business_units", business_unit_id),
                "subTotal": net,
                "salesTax": tax,
                "total": net + tax,
                "balance": net + tax,
                "date": (on or self.clock().date()).isoformat(),
            }
            row = self.add("credit_memos", rows.blank("credit_memos", {**given, **fields}))
            row["referenceNumber"] = row["referenceNumber"] or f"CM{row['id']}"
            for line in listed:
                self.add("credit_memo_items", self._credit_line(line, row))
            row["appliedTo"] = [self._credit_application(i, part) for i, part in (applied or {}).items()]
            self.money_moved("credit_memos", row, applied or ())
            return int(row["id"])

    def _credit_line(self, line: Line, memo: Row) -> Row:
        account = self.gl_accounts.get(line.gl_account_id or 0)
        given = {
            "creditMemoId": memo["id"],
            "description": line.description,
            "quantity": line.quantity,
            "price": line.price,
            "cost": line.cost,
            "total": line.amount,
            "type": line.type,
            "skuId": line.sku_id,
            "skuName": line.sku_name,
            "taxable": line.taxable,
            "businessUnit": self.reference("business_units", line.business_unit_id) or memo["businessUnit"],
            "revenueGeneralLedgerAccount": (
                {key: account[key] for key in ("id", "name", "number", "type")} if account else None
            ),
        }
        return rows.blank("credit_memo_items", given)

    def _credit_application(self, invoice_id: int, amount: Decimal) -> Row:
        # Facts 3.8: amounts are numbers here, and days are real dates.
        day = self.clock().date().isoformat()
        return {**self.application(invoice_id, amount), "appliedAmount": amount, "appliedOn": day}

    def apply_credit_memo(self, credit_memo_id: int, invoice_id: int, amount: Decimal) -> None:
        """Apply (part of) a credit memo to an invoice."""
        with self.lock:
            row = self.credit_memos[credit_memo_id]
            row["appliedTo"] = [*(row["appliedTo"] or ()), self._credit_application(invoice_id, amount)]
            self.money_moved("credit_memos", row, [invoice_id])

    def unapply_credit_memo(self, credit_memo_id: int, invoice_id: int) -> None:
        """Take a credit memo off an invoice."""
        with self.lock:
            row = self.credit_memos[credit_memo_id]
            row["appliedTo"] = [one for one in row["appliedTo"] if one["appliedTo"] != invoice_id]
            self.money_moved("credit_memos", row, [invoice_id])

    def edit_credit_memo(self, credit_memo_id: int, *, amount: Decimal | None = None, **fields: Any) -> None:
        """Change fields by their wire names; `amount` replaces the amount of its first line, and so the total."""
        with self.lock:
            row = self.credit_memos[credit_memo_id]
            unknown = set(fields) - set(row)
            if unknown:
                raise TypeError(f"credit memos have no {', '.join(sorted(unknown))}")
            row.update(fields)
            if amount is not None:
                self._change_first_line(row, amount)
            self.money_moved("credit_memos", row, [one["appliedTo"] for one in row["appliedTo"]])

    def _change_first_line(self, row: Row, amount: Decimal) -> None:
        table = self.tables["credit_memo_items"]
        line = next(one for one in table.values() if one["creditMemoId"] == row["id"])
        row["subTotal"] += amount - line["total"]
        row["total"] = row["subTotal"] + row["salesTax"]
        line.update(price=amount, quantity=Decimal(1), total=amount)

    def void_credit_memo(self, credit_memo_id: int) -> None:
        """Delete a credit memo: it becomes inactive, and what it was applied to is owed again."""
        with self.lock:
            row = self.credit_memos[credit_memo_id]
            row["active"] = False
            self.money_moved("credit_memos", row, [one["appliedTo"] for one in row["appliedTo"]])
