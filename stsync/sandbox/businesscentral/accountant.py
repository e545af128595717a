"""What a person does in Business Central's own client, where API v2.0 has no word for it: the accountant's desk.

    desk = Accountant(company)
    desk.opening_entry("C00101", "OB-1001", Decimal("250.00"), on=date(2026, 4, 30), balancing_account="31000")
    desk.apply(payment_entry, invoice_entry)

Everything here books as the client would: double entry, document types, applications. Tests use it for opening
balances, for documents made by hand and for what people do after stsync has posted.

Not modelled: reversals of journal registers other than `reverse_payment`, payment tolerance, approvals.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from stsync.sandbox.businesscentral.accounting import corrections, ledger, sales_documents, sales_posting
from stsync.sandbox.businesscentral.core.company import Company
from stsync.sandbox.businesscentral.core.document_records import CustomerLedgerEntry, LedgerEntry, SalesDocument
from stsync.sandbox.businesscentral.core.setup_records import Customer


@dataclass(frozen=True)
class HandLine:
    """A line of a document typed by hand: a G/L account, an amount, and its dimension values by code."""

    account: str
    amount: Decimal
    description: str = ""
    dimensions: tuple[tuple[str, str], ...] = ()


class Accountant:
    """The accountant of one company."""

    def __init__(self, company: Company) -> None:
        self.company = company

    def sales_invoice(
        self,
        customer: str,
        lines: Iterable[HandLine],
        *,
        on: date,
        due: date | None = None,
        external_number: str = "",
        number: str = "",
    ) -> SalesDocument:
        """Type and post a sales invoice. `number` fixes the posted number, as an import of old documents does."""
        header: dict[str, object] = {
            "customerNumber": customer,
            "externalDocumentNumber": external_number,
            "postingDate": on,
        }
        header |= {"dueDate": due} if due else {}
        return self._document("Invoice", header, lines, number)

    def credit_memo(
        self,
        customer: str,
        lines: Iterable[HandLine],
        *,
        on: date,
        external_number: str = "",
        applies_to: str = "",
    ) -> SalesDocument:
        """Type and post a sales credit memo, applied to the posted invoice of that number if one is named."""
        header: dict[str, object] = {
            "customerNumber": customer,
            "externalDocumentNumber": external_number,
            "postingDate": on,
        }
        header |= {"invoiceNumber": applies_to} if applies_to else {}
        return self._document("Credit Memo", header, lines)

    def _document(
        self, kind: str, header: dict[str, object], lines: Iterable[HandLine], number: str = ""
    ) -> SalesDocument:
        names = ("invoice", "posted_invoice") if kind == "Invoice" else ("credit_memo", "posted_credit_memo")
        following = {name: self.company.series[name].next_number for name in names}
        document = sales_documents.create(self.company, kind, header)
        for line in lines:
            values: dict[str, object] = {"lineType": "Account", "lineObjectNumber": line.account}
            values |= {"quantity": Decimal(1), "unitPrice": line.amount, "description": line.description or "By hand"}
            made = sales_documents.add_line(self.company, document, values)
            made.dimensions = {**made.dimensions, **dict(line.dimensions)}
        if number:
            self.company.series[names[1]].next_number = number
        sales_posting.post_without_commit(self.company, document)
        if number:
            # An imported document takes no number of the company's own.
            for name, next_number in following.items():
                self.company.series[name].next_number = next_number
        return document

    def opening_entry(
        self,
        customer: str,
        document_number: str,
        amount: Decimal,
        *,
        on: date,
        balancing_account: str,
        due: date | None = None,
        external_number: str = "",
        description: str = "Opening balance",
    ) -> CustomerLedgerEntry:
        """Bring an open invoice over by a general journal: an entry of type Invoice without a sales invoice.

        A payment can be applied to it by `appliesToInvoiceNumber`, never by an id. A negative amount brings an
        open credit over (document type Payment).
        """
        owner = self._customer(customer)
        voucher = ledger.Voucher(
            posting_date=on,
            document_type="Invoice" if amount > 0 else "Payment",
            document_number=document_number,
            external_document_number=external_number,
            description=description,
            source_customer=customer,
            due_date=due or on,
        )
        entry = ledger.owe(self.company, voucher, owner, amount)
        ledger.book(self.company, voucher, balancing_account, -amount, {})
        return entry

    def journal(self, document_number: str, on: date, lines: Iterable[HandLine]) -> list[LedgerEntry]:
        """Post a general journal entry by hand, debit positive. Raises ValueError when it does not balance."""
        listed = list(lines)
        if sum((line.amount for line in listed), Decimal(0)) != 0:
            raise ValueError(f"{document_number} does not balance")
        voucher = ledger.Voucher(on, " ", document_number, description="By hand")
        before = len(self.company.gl_entries)
        for line in listed:
            ledger.book(self.company, voucher, line.account, line.amount, dict(line.dimensions))
        return list(self.company.gl_entries)[before:]

    def payment(
        self,
        customer: str,
        document_number: str,
        amount: Decimal,
        *,
        on: date,
        balancing_account: str,
        applies_to: str = "",
    ) -> CustomerLedgerEntry:
        """Post a receipt (positive amount: money received) in a journal of the accountant's own."""
        voucher = ledger.Voucher(on, "Payment", document_number, description="By hand", source_customer=customer)
        entry = ledger.owe(self.company, voucher, self._customer(customer), -amount)
        ledger.book(self.company, voucher, balancing_account, amount, {})
        if applies_to:
            other = ledger.open_entry(self.company, customer, "Invoice", applies_to)
            if other is None:
                raise sales_posting.no_open_entry(self.company, customer, "Invoice", applies_to)
            ledger.apply_entries(self.company, entry, other)
        return entry

    def apply(self, entry: CustomerLedgerEntry, other: CustomerLedgerEntry, amount: Decimal | None = None) -> Decimal:
        """Apply two posted entries on the page Apply Customer Entries. Returns what was applied."""
        return ledger.apply_entries(self.company, entry, other, amount)

    def unapply(self, entry: CustomerLedgerEntry) -> None:
        """Unapply a posted entry from everything it is applied to."""
        ledger.unapply(self.company, entry)

    def entry(self, document_number: str, document_type: str = "Invoice", customer: str = "") -> CustomerLedgerEntry:
        """The customer ledger entry of a document. Raises LookupError unless there is exactly one."""
        found = [
            entry
            for entry in self.company.customer_ledger.where("document_number", document_number)
            if entry.document_type == document_type and customer in ("", entry.customer_number)
        ]
        if len(found) != 1:
            raise LookupError(f"{document_type} {document_number} has {len(found)} customer ledger entries")
        return found[0]

    def cancel(self, invoice: SalesDocument) -> None:
        """Cancel a posted invoice (Correct, Cancel)."""
        corrections.cancel(self.company, invoice)

    def reverse_payment(self, document_number: str, on: date | None = None) -> None:
        """Reverse a posted payment: unapplied first, then every entry mirrored under the same number."""
        for entry in self.company.customer_ledger.where("document_number", document_number):
            if entry.document_type == "Payment":
                self.unapply(entry)
                self._mirror(entry, on or entry.posting_date)
        for booked in self.company.gl_entries.where("document_number", document_number):
            if booked.document_type == "Payment":
                voucher = ledger.Voucher(on or booked.posting_date, "Payment", document_number, description="Reversed")
                ledger.book(self.company, voucher, booked.account_number, -booked.amount, booked.dimensions)

    def _mirror(self, entry: CustomerLedgerEntry, on: date) -> None:
        mirror = self.company.customer_ledger.insert(
            CustomerLedgerEntry(
                entry_number=len(self.company.customer_ledger) + 1,
                customer_number=entry.customer_number,
                posting_date=on,
                due_date=on,
                document_type="Payment",
                document_number=entry.document_number,
                external_document_number=entry.external_document_number,
                description="Reversed",
                amount=-entry.amount,
                remaining=-entry.amount,
                dimensions=entry.dimensions,
            )
        )
        ledger.apply_entries(self.company, mirror, entry)

    def correct_dimension(self, entries: Iterable[LedgerEntry], dimension: str, value: str) -> None:
        """Change (or with a blank value remove) a dimension of posted G/L entries: a Dimension Correction."""
        for entry in entries:
            rest = {code: held for code, held in entry.dimensions.items() if code != dimension}
            entry.dimensions = {**rest, dimension: value} if value else rest
            self.company.gl_entries.touch(entry)

    def _customer(self, number: str) -> Customer:
        found = self.company.customers.first("number", number)
        if found is None:
            raise LookupError(f"there is no customer {number}")
        return found
