"""customerFinancialDetails and agedAccountsReceivables: reports over the customer ledger (BC facts 2.3, 2.4).

Not modelled: report layouts, several currencies in one report, dimension filters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from stsync.sandbox.businesscentral.core.company import Company
from stsync.sandbox.businesscentral.core.document_records import CustomerLedgerEntry
from stsync.sandbox.businesscentral.core.setup_records import Customer
from stsync.sandbox.businesscentral.core.table import ZERO_GUID, Table
from stsync.sandbox.businesscentral.errors import dialog
from stsync.sandbox.businesscentral.odata.schema import (
    EntitySet,
    Parent,
    code,
    day,
    decimal,
    guid,
    key,
    modified,
    text,
)
from stsync.sandbox.businesscentral.sets.customers import currency_code


def _sales_until_yesterday(company: Company, row: Customer) -> Decimal:
    """Sales before tax, posted up to yesterday: today's postings show tomorrow (facts trap 33)."""
    limit = company.work_date() - timedelta(days=1)
    total = Decimal(0)
    for table, sign in ((company.invoices, 1), (company.credit_memos, -1)):
        for document in table.where("customer_id", row.id):
            if document.posted and document.posting_date is not None and document.posting_date <= limit:
                total += sign * document.total_excluding_tax
    return total


def _overdue(company: Company, row: Customer) -> Decimal:
    limit = company.work_date() - timedelta(days=1)
    entries = company.customer_ledger.where("customer_number", row.number)
    overdue = (e.remaining for e in entries if e.due_date is not None and e.due_date <= limit)
    return sum(overdue, Decimal(0))


class CustomerFinancialDetails(EntitySet):
    """Balances per customer, read from the ledger at every look."""

    name = "customerFinancialDetails"
    caption = "Customer"
    order = "number"
    properties = (
        key(),
        code("number", "number", read_only=True),
        decimal("balance", lambda company, row: company.customer_balance(row.number), read_only=True),
        decimal("totalSalesExcludingTax", _sales_until_yesterday, read_only=True),
        decimal("overdueAmount", _overdue, read_only=True),
        modified(),
    )

    def table(self, company: Company) -> Table[Any]:
        return company.customers

    def rows(self, company: Company, parent: Parent | None) -> Iterable[Customer]:
        return company.customers if parent is None else [parent.row]


@dataclass(frozen=True)
class AgedRow:
    """One line of the aged receivables report."""

    id: str
    number: str
    name: str
    currency: str
    as_of: date
    period: str
    buckets: tuple[Decimal, Decimal, Decimal, Decimal]

    @property
    def total(self) -> Decimal:
        """The sum of the buckets."""
        return sum(self.buckets, Decimal(0))


def _period_days(length: str) -> int:
    match = re.fullmatch(r"(\d+)([DWM])", length)
    if match is None:
        raise dialog(f"The period length '{length}' is not valid.")
    return int(match[1]) * {"D": 1, "W": 7, "M": 30}[match[2]]


def _bucket(entry: CustomerLedgerEntry, as_of: date, length: int) -> int:
    overdue = (as_of - (entry.due_date or entry.posting_date)).days
    return 0 if overdue <= 0 else min((overdue - 1) // length + 1, 3)


def _still_owed(company: Company, entry: CustomerLedgerEntry, as_of: date) -> Decimal:
    """What counts of an entry: all that is left of it, whatever its posting date.

    In Microsoft's source (codeunit 5488, SetUpAgedReportAPIData) the as-of date moves the columns and nothing else: the
    sum runs over every detailed entry. The facts (2.4) leave it open; the switch serves those who honour the date.
    """
    if not company.switches.aged_report_honours_date:
        return entry.remaining
    # As of a past day, what was applied later is still open.
    return entry.remaining_on(as_of) if entry.posting_date <= as_of else Decimal(0)


class AgedAccountsReceivables(EntitySet):
    """A report computed for all customers at every look, with a total row under the zero id at its end."""

    name = "agedAccountsReceivables"
    caption = "Aged Accounts Receivable"
    properties = (
        guid("customerId", "id", read_only=True),
        code("customerNumber", "number", read_only=True),
        text("name", "name", read_only=True),
        code("currencyCode", "currency", 10, read_only=True),
        decimal("balanceDue", "total", read_only=True),
        decimal("currentAmount", lambda _company, row: row.buckets[0], read_only=True),
        text("period1Label", lambda _company, row: f"1 - {row.period}", read_only=True),
        decimal("period1Amount", lambda _company, row: row.buckets[1], read_only=True),
        text("period2Label", lambda _company, row: f"2 - {row.period}", read_only=True),
        decimal("period2Amount", lambda _company, row: row.buckets[2], read_only=True),
        text("period3Label", lambda _company, row: f"3 - {row.period}", read_only=True),
        decimal("period3Amount", lambda _company, row: row.buckets[3], read_only=True),
        day("agedAsOfDate", "as_of", read_only=True),
        text("periodLengthFilter", "period", read_only=True),
    )

    def rows(self, company: Company, parent: Parent | None) -> Iterable[AgedRow]:
        report = self.rows_pinned(company, {})
        return report if parent is None else [row for row in report if row.id == parent.row.id]

    def rows_pinned(self, company: Company, pinned: dict[str, tuple[Any, ...]]) -> list[AgedRow]:
        """The report for the date and period length that the filter sets (default today and 30D)."""
        as_of = pinned.get("agedAsOfDate", (company.work_date(),))[0]
        period = pinned.get("periodLengthFilter", ("30D",))[0]
        length = _period_days(period)
        rows = [self._row(company, customer, as_of, period, length) for customer in company.customers]
        sums = [sum((row.buckets[i] for row in rows), Decimal(0)) for i in range(4)]
        total = AgedRow(ZERO_GUID, "", "Total", "", as_of, period, (sums[0], sums[1], sums[2], sums[3]))
        return [*sorted(rows, key=lambda row: row.number), total]

    def _row(self, company: Company, customer: Customer, as_of: date, period: str, length: int) -> AgedRow:
        buckets = [Decimal(0)] * 4
        for entry in company.customer_ledger.where("customer_number", customer.number):
            buckets[_bucket(entry, as_of, length)] += _still_owed(company, entry, as_of)
        return AgedRow(
            customer.id,
            customer.number,
            customer.display_name,
            currency_code(company, customer),
            as_of,
            period,
            (buckets[0], buckets[1], buckets[2], buckets[3]),
        )
