"""What the people in the office do to documents: book, batch, post, edit, void, take and apply money.

The office may do nearly everything at any time: unposting, reopened periods and re-application change rows
after they were posted or exported (trap 16), so nothing here asks for the status first.

Not modelled: who may do it, jobs behind the invoices, card processing, batches with rules of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from stsync.sandbox.servicetitan import rows
from stsync.sandbox.servicetitan.books import ZERO, Books, item_entry, unapplied
from stsync.sandbox.servicetitan.table import Row
from stsync.sandbox.servicetitan.values import midnight, money_text, timestamp


@dataclass(frozen=True)
class Line:
    """One line as the office types it; `total` is quantity times price unless given."""

    description: str
    price: Decimal
    quantity: Decimal = Decimal(1)
    total: Decimal | None = None
    sku_id: int = 0
    sku_name: str | None = None
    type: str = "Service"
    gl_account_id: int | None = None
    business_unit_id: int | None = None
    cost: Decimal = ZERO
    taxable: bool = False
    chargeable: bool = True

    @property
    def amount(self) -> Decimal:
        """What the line adds to the invoice."""
        return self.total if self.total is not None else (self.quantity * self.price).quantize(ZERO)


class InvoiceDesk(Books):
    """Invoices: booking, batches, corrections."""

    def book_invoice(
        self,
        customer_id: int,
        lines: Iterable[Line],
        *,
        business_unit_id: int,
        on: date | None = None,
        due: date | None = None,
        tax: Decimal = ZERO,
        location_id: int | None = None,
        number: str | None = None,
        adjustment_to: int | None = None,
        **fields: Any,
    ) -> int:
        """Book an invoice, Pending and in no batch; other fields by their wire names. Returns its id."""
        with self.lock:
            day = on or self.clock().date()
            unit = self.reference("business_units", business_unit_id)
            row = rows.blank(
                "invoices",
                {
                    "customer": self.reference("customers", customer_id),
                    "location": self.reference("locations", location_id),
                    "businessUnit": unit,
                    "invoiceDate": day,
                    "dueDate": due or day + timedelta(days=30),
                    "adjustmentToId": adjustment_to,
                    **fields,
                },
            )
            row["id"] = row["id"] or self.new_id()
            row["referenceNumber"] = number or row["referenceNumber"] or str(row["id"])
            row["items"] = [self._item(line, order, unit) for order, line in enumerate(lines, 1)]
            self._total(row, tax)
            self.add("invoices", row)
            self.rebalance([row["id"]], [customer_id])
            return int(row["id"])

    def edit_invoice(
        self, invoice_id: int, *, lines: Iterable[Line] | None = None, tax: Decimal | None = None, **fields: Any
    ) -> None:
        """Change an invoice: replace all lines, the tax, or fields by their wire names (`items`: the same ids)."""
        with self.lock:
            row = self.invoices[invoice_id]
            _update(row, fields)
            if "items" in fields:
                self._relink_items(row)
            if lines is not None:
                self._drop_items(row, [item["id"] for item in row["items"] or ()])
                row["items"] = [self._item(li, n, row["businessUnit"]) for n, li in enumerate(lines, 1)]
                self.list_items(item_entry(row, item) for item in row["items"])
            self._total(row, Decimal(row["salesTax"]) if tax is None else tax)
            self._invoice_changed(row)

    def delete_item(self, invoice_id: int, item_id: int) -> None:
        """Take one line off an invoice; the items feed shows it once more, inactive."""
        with self.lock:
            row = self.invoices[invoice_id]
            row["items"] = [item for item in row["items"] if item["id"] != item_id]
            self._drop_items(row, [item_id])
            self._total(row, Decimal(row["salesTax"]))
            self._invoice_changed(row)

    def renumber_invoice(self, invoice_id: int, number: str) -> None:
        """Give an invoice another number (trap 21)."""
        self.edit_invoice(invoice_id, referenceNumber=number)

    def void_invoice(self, invoice_id: int) -> None:
        """Cancel an invoice: it becomes inactive, there is no void status."""
        with self.lock:
            row = self.invoices[invoice_id]
            row["active"] = False
            for item in row["items"] or ():
                self.tables["invoice_items"][item["id"]]["active"] = False
                self.touch("invoice_items", item["id"])
            self._invoice_changed(row)

    def batch(
        self, invoice_ids: Iterable[int] = (), payment_ids: Iterable[int] = (), credit_memo_ids: Iterable[int] = ()
    ) -> int:
        """Put documents into a new batch; they stay Pending (trap 14). Returns the batch's id."""
        with self.lock:
            batch_id = self.new_id()
            batch = {"id": batch_id, "number": str(batch_id), "name": f"Batch {batch_id}"}
            for table, row_id in _all(invoice_ids, payment_ids, credit_memo_ids):
                self.tables[table][row_id]["batch"] = dict(batch)
                self.touch(table, row_id)
            return batch_id

    def post_batch(
        self, invoice_ids: Iterable[int] = (), payment_ids: Iterable[int] = (), credit_memo_ids: Iterable[int] = ()
    ) -> int:
        """Put documents into a new batch and post it. Returns the batch's id."""
        with self.lock:
            invoice_ids, payment_ids, memo_ids = list(invoice_ids), list(payment_ids), list(credit_memo_ids)
            batch_id = self.batch(invoice_ids, payment_ids, memo_ids)
            self._set_status("Posted", invoice_ids, payment_ids, memo_ids)
            return batch_id

    def unpost(self, invoice_ids: Iterable[int] = (), payment_ids: Iterable[int] = ()) -> None:
        """Take the posting of a batch back: its documents are Pending again, still in their batch."""
        self._set_status("Pending", invoice_ids, payment_ids)

    def bypass(self, invoice_ids: Iterable[int] = (), payment_ids: Iterable[int] = ()) -> None:
        """Mark as exported without anything being sent anywhere (trap 15)."""
        self._set_status("Exported", invoice_ids, payment_ids)

    def _set_status(
        self,
        status: str,
        invoice_ids: Iterable[int],
        payment_ids: Iterable[int],
        credit_memo_ids: Iterable[int] = (),
    ) -> None:
        with self.lock:
            for table, row_id in _all(invoice_ids, payment_ids, credit_memo_ids):
                self.tables[table][row_id]["syncStatus"] = status
                self.touch(table, row_id)

    def _invoice_changed(self, row: Row) -> None:
        self.touch("invoices", row["id"])
        self.rebalance([row["id"]], [row["customer"]["id"] if row["customer"] else None])

    def _drop_items(self, row: Row, item_ids: Iterable[int]) -> None:
        for item_id in item_ids:
            self.tables["invoice_items"][item_id]["active"] = False
            self.touch("invoice_items", item_id)
        self.touch("invoices", row["id"])

    def _relink_items(self, row: Row) -> None:
        for item in row["items"] or ():
            self.tables["invoice_items"][item["id"]]["item"] = item
            self.touch("invoice_items", item["id"])

    def _total(self, row: Row, tax: Decimal) -> None:
        # Trap 36: what was used but is not charged adds nothing.
        charged = sum((Decimal(i["total"]) for i in row["items"] or () if i["isChargeable"]), ZERO)
        row["subTotal"], row["salesTax"] = money_text(charged), money_text(tax)
        row["total"] = money_text(charged + tax)

    def _item(self, line: Line, order: int, unit: Row | None) -> Row:
        account = self.gl_accounts.get(line.gl_account_id or 0)
        now = timestamp(self.clock())
        own_unit = self.reference("business_units", line.business_unit_id)
        fields = {
            "id": self.new_id(),
            "description": line.description,
            "quantity": format(line.quantity, "f"),
            "price": line.price,
            "cost": line.cost,
            "totalCost": (line.cost * line.quantity).quantize(ZERO),
            "total": line.amount,
            "type": line.type,
            "skuId": line.sku_id,
            "skuName": line.sku_name,
            "order": order,
            "taxable": line.taxable,
            "isChargeable": line.chargeable,
            "generalLedgerAccount": rows.gl_reference(account) if account else None,
            "businessUnit": own_unit or unit,
            "createdOn": now,
        }
        return rows.blank("items", fields)

    def reference(self, table: str, row_id: int | None) -> Row | None:
        """Another row as documents name it; None for no id."""
        return None if row_id is None else rows.named(row_id, self.tables[table][row_id]["name"])


class PaymentDesk(InvoiceDesk):
    """Payments: taking, applying, taking back."""

    def take_payment(
        self,
        customer_id: int,
        amount: Decimal,
        *,
        type_id: int,
        applied: Mapping[int, Decimal] | None = None,
        on: date | None = None,
        business_unit_id: int | None = None,
        gl_account_id: int | None = None,
        **fields: Any,
    ) -> int:
        """Record a payment (negative: a refund), applied to invoices by id. Returns its id."""
        with self.lock:
            account = self.gl_accounts.get(gl_account_id or 0)
            given = {
                "customer": self.reference("customers", customer_id),
                "businessUnit": self.reference("business_units", business_unit_id),
                "generalLedgerAccount": rows.gl_reference(account) if account else None,
                "type": self.tables["payment_types"][type_id]["name"],
                "typeId": str(type_id),
                "total": amount,
                "date": on or self.clock().date(),
            }
            row = rows.blank("payments", {**given, **fields})
            row["id"] = row["id"] or self.new_id()
            row["referenceNumber"] = row["referenceNumber"] or str(row["id"])
            row["appliedTo"] = [self.application(i, part) for i, part in (applied or {}).items()]
            self.add("payments", row)
            self.money_moved("payments", row, applied or {})
            return int(row["id"])

    def refund_payment(self, payment_id: int, amount: Decimal, *, type_id: int, **fields: Any) -> int:
        """Give money back: a negative payment that names the original (trap 26). Returns its id."""
        customer = self.payments[payment_id]["customer"]["id"]
        return self.take_payment(customer, -amount, type_id=type_id, refundedPaymentId=payment_id, **fields)

    def void_payment(self, payment_id: int) -> None:
        """Delete a payment: it becomes inactive and vanishes from the list (trap 12)."""
        with self.lock:
            row = self.payments[payment_id]
            row["active"] = False
            self.money_moved("payments", row, [a["appliedTo"] for a in row["appliedTo"]])

    def edit_payment(self, payment_id: int, **fields: Any) -> None:
        """Change a payment's fields by their wire names; amounts as Decimal."""
        with self.lock:
            row = self.payments[payment_id]
            _update(row, fields)
            self.money_moved("payments", row, [a["appliedTo"] for a in row["appliedTo"]])

    def apply_payment(self, payment_id: int, invoice_id: int, amount: Decimal) -> None:
        """Apply (part of) a payment to an invoice."""
        with self.lock:
            row = self.payments[payment_id]
            row["appliedTo"] = [*(row["appliedTo"] or ()), self.application(invoice_id, amount)]
            self.money_moved("payments", row, [invoice_id])

    def unapply_payment(self, payment_id: int, invoice_id: int) -> None:
        """Take a payment off an invoice; its id stays, the application's id is gone."""
        with self.lock:
            row = self.payments[payment_id]
            row["appliedTo"] = [a for a in row["appliedTo"] if a["appliedTo"] != invoice_id]
            self.money_moved("payments", row, [invoice_id])

    def application(self, invoice_id: int, amount: Decimal) -> Row:
        """A new application of that amount to an invoice, as payments carry it."""
        return {
            "appliedAmount": money_text(amount),
            "appliedBy": "office",
            "appliedId": self.new_id(),
            "appliedOn": midnight(self.clock().date()),
            "appliedTo": invoice_id,
            "appliedToReferenceNumber": self.invoices[invoice_id]["referenceNumber"],
        }

    def money_moved(self, table: str, row: Row, invoice_ids: Iterable[int]) -> None:
        """Bring all sums in order after a payment or credit memo changed with regard to these invoices."""
        ids = list(invoice_ids)
        for invoice_id in ids:
            self.link(table, row["id"], invoice_id)
            # Facts 2: paying, applying and re-applying presumably bump the invoice too.
            self.touch("invoices", invoice_id)
        if table == "payments":
            row["unappliedAmount"] = money_text(unapplied(row))
        else:
            row["balance"] = unapplied(row)
        self.touch(table, row["id"])
        payer = row["customer"]["id"] if row["customer"] else None
        owners = [c["id"] for i in ids if (c := self.invoices[i]["customer"])]
        self.rebalance(ids, [payer, *owners])


def _all(
    invoice_ids: Iterable[int], payment_ids: Iterable[int], credit_memo_ids: Iterable[int]
) -> list[tuple[str, int]]:
    given = (("invoices", invoice_ids), ("payments", payment_ids), ("credit_memos", credit_memo_ids))
    return [(table, row_id) for table, ids in given for row_id in ids]


def _update(row: Row, fields: Mapping[str, Any]) -> None:
    unknown = set(fields) - set(row)
    if unknown:
        raise TypeError(f"there is no field {', '.join(sorted(unknown))}")
    row.update({name: _wire(value) for name, value in fields.items()})


def _wire(value: object) -> object:
    if isinstance(value, Decimal):
        return money_text(value)
    return midnight(value) if isinstance(value, date) else value
