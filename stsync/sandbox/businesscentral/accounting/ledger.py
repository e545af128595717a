"""The ledgers: general ledger entries, customer ledger entries, application (double entry).

Not modelled: bank and vendor ledgers, source codes, reversal, currency gains, payment tolerance and discounts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from stsync.sandbox.businesscentral.core.company import Company
from stsync.sandbox.businesscentral.core.document_records import (
    Application,
    CustomerLedgerEntry,
    LedgerEntry,
)
from stsync.sandbox.businesscentral.core.setup_records import Customer
from stsync.sandbox.businesscentral.errors import must_have_value


@dataclass(frozen=True)
class Voucher:
    """What all entries of one posting share."""

    posting_date: date
    document_type: str
    document_number: str
    external_document_number: str = ""
    description: str = ""
    source_customer: str = ""
    due_date: date | None = None
    document_id: str = ""
    dimensions: dict[str, str] = field(default_factory=dict)


def posting_window(company: Company) -> tuple[date | None, date | None]:
    """The posting dates allowed: User Setup of the caller first, then General Ledger Setup."""
    windows = company.settings.user_posting_windows
    if company.current_user in windows:
        return windows[company.current_user]
    return company.ledger_setup.allow_posting_from, company.ledger_setup.allow_posting_to


def posting_date_allowed(company: Company, day: date) -> bool:
    """Whether a date lies in the window of allowed posting dates."""
    first, last = posting_window(company)
    return (first is None or day >= first) and (last is None or day <= last)


def receivables_account(company: Company, customer: Customer) -> str:
    """The G/L account that the customer's balance stands on. Raises when the posting group is missing."""
    group = customer.customer_posting_group
    if not group:
        raise must_have_value("Customer Posting Group", f"Customer: No.={customer.number}")
    account = company.receivables_accounts.get(group, "")
    if not account:
        raise must_have_value("Receivables Account", f"Customer Posting Group: Code={group}")
    return account


def book(company: Company, voucher: Voucher, account_number: str, amount: Decimal, dimensions: dict[str, str]) -> None:
    """Write one general ledger entry, debit positive. Zero amounts leave no entry."""
    if amount == 0:
        return
    company.gl_entries.insert(
        LedgerEntry(
            entry_number=len(company.gl_entries) + 1,
            posting_date=voucher.posting_date,
            document_type=voucher.document_type,
            document_number=voucher.document_number,
            account_number=account_number,
            amount=amount,
            description=voucher.description,
            dimensions=dimensions,
            external_document_number=voucher.external_document_number,
            source_customer=voucher.source_customer,
        )
    )
    account = company.accounts.first("number", account_number)
    if account is not None:
        account.net_change += amount


def owe(company: Company, voucher: Voucher, customer: Customer, amount: Decimal) -> CustomerLedgerEntry:
    """Write a customer ledger entry and its receivables entry."""
    book(company, voucher, receivables_account(company, customer), amount, voucher.dimensions)
    return company.customer_ledger.insert(
        CustomerLedgerEntry(
            entry_number=len(company.customer_ledger) + 1,
            customer_number=customer.number,
            posting_date=voucher.posting_date,
            due_date=voucher.due_date,
            document_type=voucher.document_type,
            document_number=voucher.document_number,
            external_document_number=voucher.external_document_number,
            description=voucher.description,
            amount=amount,
            remaining=amount,
            document_id=voucher.document_id,
            dimensions=voucher.dimensions,
        )
    )


def open_entry(company: Company, customer: str, document_type: str, document_number: str) -> CustomerLedgerEntry | None:
    """The open entry of a document of this customer, or None."""
    for entry in company.customer_ledger.where("document_number", document_number):
        if entry.customer_number == customer and entry.document_type == document_type and entry.open:
            return entry
    return None


def apply_entries(
    company: Company, entry: CustomerLedgerEntry, other: CustomerLedgerEntry, limit: Decimal | None = None
) -> Decimal:
    """Apply two entries of opposite sign as far as they (and the limit) reach; returns the amount applied.

    An invoice that this closes becomes Paid; one that stays open is not touched (facts trap 11).
    """
    if entry.remaining * other.remaining >= 0:
        return Decimal(0)
    amount = min(abs(entry.remaining), abs(other.remaining))
    amount = amount if limit is None else min(amount, limit)
    on = max(entry.posting_date, other.posting_date)
    for one, counterpart in ((entry, other), (other, entry)):
        sign = 1 if one.remaining > 0 else -1
        one.applications = (*one.applications, Application(counterpart.entry_number, sign * amount, on))
        one.remaining -= sign * amount
    for one in (entry, other):
        refresh_document_status(company, one)
    return amount


def unapply(company: Company, entry: CustomerLedgerEntry) -> None:
    """Take back every application of an entry, on both sides; paid documents become open again."""
    for application in entry.applications:
        other = document_entry(company, application.with_entry)
        if other is None:
            continue
        back = [one for one in other.applications if one.with_entry == entry.entry_number]
        other.remaining += sum((one.amount for one in back), Decimal(0))
        other.applications = tuple(one for one in other.applications if one.with_entry != entry.entry_number)
        refresh_document_status(company, other)
    entry.remaining, entry.applications = entry.amount, ()
    refresh_document_status(company, entry)


def apply_to_oldest(company: Company, entry: CustomerLedgerEntry) -> None:
    """Apply an entry to the customer's open entries, oldest first, while something is left of it."""
    for other in _open_entries(company, entry):
        if not entry.open:
            return
        apply_entries(company, entry, other)


def _open_entries(company: Company, entry: CustomerLedgerEntry) -> Iterable[CustomerLedgerEntry]:
    entries = company.customer_ledger.where("customer_number", entry.customer_number)
    candidates = [other for other in entries if other.open and other is not entry]
    return sorted(candidates, key=lambda other: (other.posting_date, other.entry_number))


def refresh_document_status(company: Company, entry: CustomerLedgerEntry) -> None:
    """Write a document's status when it changes, and only then."""
    if not entry.document_id:
        return
    table = company.documents("Invoice" if entry.document_type == "Invoice" else "Credit Memo")
    document = table.by_id(entry.document_id)
    if document is None or document.status in {"Canceled", "Corrective"}:
        return
    status = "Open" if entry.open else "Paid"
    if document.status != status:
        document.status = status
        table.touch(document)


def document_entry(company: Company, number: int) -> CustomerLedgerEntry | None:
    """The customer ledger entry with this entry number."""
    return company.customer_ledger.first("entry_number", number)
