"""Which part of a tie-out a general ledger entry belongs to, by its account and its document.

Business Central's API shows neither posting groups nor customer ledger entries (facts section 5, "No ledger entity"),
so the receivables accounts are recognised by what sales documents and receipts do to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from stsync.books.general_ledger import BookAccount, BookDocument, Entry
from stsync.books.values import ANY, Cell, Section, added, more_cell
from stsync.core.money import ZERO

_PAYMENT_TYPES = frozenset({"Payment", "Refund"})
# A blank category: nobody filled in the account card.
_ASSETS = frozenset({"Assets", ""})


@dataclass(frozen=True)
class Places:
    """The accounts of each section. `tax_rows` says whether each tax account is a row of its own, `more` which dimensions
    are compared beside the business unit's.
    """

    revenue: frozenset[str]
    tax: frozenset[str]
    receivables: frozenset[str]
    balancing: frozenset[str]
    tax_rows: bool = True
    more: tuple[str, ...] = ()

    def booked(self, document: BookDocument, *, payment: bool = False) -> dict[Cell, Decimal]:
        """The document's amounts by cell. `payment` says that it is a payment that stsync made."""
        found: dict[Cell, Decimal] = {}
        receipt = payment or self._is_receipt(document)
        for entry in document.entries:
            cell = self._own_payment(entry) if payment else self._cell(entry, receipt=receipt)
            if cell is not None:
                credit = cell.section in {Section.REVENUE, Section.SALES_TAX}
                added(found, cell, -entry.amount if credit else entry.amount)
            if cell is not None and cell.section == Section.REVENUE:
                for code in self.more:
                    added(found, more_cell(code, entry.more.get(code, ""), cell.account), -entry.amount)
        return {cell: amount for cell, amount in found.items() if amount != 0}

    def _is_receipt(self, document: BookDocument) -> bool:
        touches = any(entry.account in self.receivables for entry in document.entries)
        return touches and document.document_type in _PAYMENT_TYPES

    def _own_payment(self, entry: Entry) -> Cell | None:
        if entry.account in self.receivables:
            return None
        return Cell(Section.PAYMENTS, entry.account, entry.account)

    def _cell(self, entry: Entry, *, receipt: bool) -> Cell | None:
        account = entry.account
        if receipt and account in self.balancing:
            return Cell(Section.PAYMENTS, account, account)
        if account in self.revenue:
            return Cell(Section.REVENUE, entry.dimension, account)
        if account in self.tax:
            row = account if self.tax_rows else ANY
            return Cell(Section.SALES_TAX, row, row)
        if account in self.receivables:
            return None if receipt else Cell(Section.RECEIVABLES, ANY, ANY)
        return Cell(Section.PAYMENTS, account, account) if receipt else None


def receivables_accounts(
    invoices: Iterable[BookDocument],
    payments: Iterable[BookDocument],
    foreign: Iterable[BookDocument],
    *,
    accounts: Mapping[str, BookAccount],
    lines: frozenset[str],
    balancing: frozenset[str],
) -> frozenset[str]:
    """The accounts that customers owe on, among assets: what our invoices debit, our credit memos and payments credit.

    Of documents made by others, only accounts without direct posting count, debited against a line account: those are
    the ones that Business Central keeps for posting groups.
    """
    kept = lines | balancing
    billed = list(invoices)
    # Apart by type: a month's invoices and credit memos may come to nothing together.
    found = {account for account, amount in _sum(billed, "Invoice").items() if amount > 0}
    found |= {account for account, amount in _sum(billed, "Credit Memo").items() if amount < 0}
    found |= {account for account, amount in _sum(payments, "Payment").items() if amount < 0}
    for document in foreign:
        net = document.net()
        if document.document_type == "Invoice" and any(net.get(account, ZERO) < 0 for account in lines):
            found |= {account for account, amount in net.items() if amount > 0 and _closed(accounts, account)}
    return frozenset(one for one in found if one not in kept and _category(accounts, one) in _ASSETS)


def income_accounts(documents: Iterable[BookDocument], accounts: Mapping[str, BookAccount]) -> frozenset[str]:
    """The income accounts of documents with item lines: Business Central chose them by its posting set-up."""
    return _of_category(documents, accounts, "Income")


def computed_tax_accounts(
    documents: Iterable[BookDocument], accounts: Mapping[str, BookAccount], lines: frozenset[str]
) -> frozenset[str]:
    """The liability accounts on our invoices that no line names: tax that Business Central computed."""
    return _of_category(documents, accounts, "Liabilities") - lines


def _of_category(
    documents: Iterable[BookDocument], accounts: Mapping[str, BookAccount], category: str
) -> frozenset[str]:
    named = {entry.account for document in documents for entry in document.entries}
    return frozenset(one for one in named if _category(accounts, one) == category)


def _sum(documents: Iterable[BookDocument], document_type: str) -> dict[str, Decimal]:
    """Debit less credit by account, of the entries of this type."""
    total: dict[str, Decimal] = {}
    for entry in (entry for document in documents for entry in document.entries):
        if entry.document_type == document_type:
            total[entry.account] = total.get(entry.account, ZERO) + entry.amount
    return total


def _category(accounts: Mapping[str, BookAccount], number: str) -> str:
    return accounts[number].category if number in accounts else ""


def _closed(accounts: Mapping[str, BookAccount], number: str) -> bool:
    return number in accounts and not accounts[number].direct_posting
