"""companies, companyInformation, generalLedgerSetup and generalLedgerEntries (BC facts 2.1, 2.16).

Not modelled: creating companies (automation API), pictures of companies, additional currencies.
"""

# ruff: noqa: ARG002 - entity sets and field writers share one signature each

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, ClassVar

from stsync.sandbox.businesscentral.core.company import Company
from stsync.sandbox.businesscentral.core.document_records import LedgerEntry
from stsync.sandbox.businesscentral.core.setup_records import CompanyInformation, GeneralLedgerSetup
from stsync.sandbox.businesscentral.core.table import ZERO_GUID, Table
from stsync.sandbox.businesscentral.odata.schema import (
    EntitySet,
    Parent,
    Payload,
    code,
    day,
    decimal,
    guid,
    integer,
    key,
    modified,
    option,
    text,
)

DOCUMENT_TYPES = (" ", "Payment", "Invoice", "Credit Memo", "Finance Charge Memo", "Reminder", "Refund")


class CompanyInformationSet(EntitySet):
    """The one row that says who the company is and what its local currency is."""

    name = "companyInformation"
    caption = "Company Information"
    verbs = frozenset({"GET", "PATCH"})
    properties = (
        key(),
        text("displayName", "display_name", 100),
        text("addressLine1", "address_line1", 100),
        text("addressLine2", "address_line2", 50),
        text("city", "city", 30),
        text("state", "state", 30),
        code("country", "country", 10),
        code("postalCode", "postal_code", 20),
        text("phoneNumber", "phone_number", 30),
        text("email", "email", 80),
        text("website", "website", 255),
        text("taxRegistrationNumber", "tax_registration_number", 20),
        code("currencyCode", lambda company, _row: company.ledger_setup.local_currency_code, 10, read_only=True),
        day("currentFiscalYearStartDate", "fiscal_year_start", read_only=True),
        modified(),
    )

    def rows(self, company: Company, parent: Parent | None) -> Iterable[CompanyInformation]:
        return company.information_rows

    def update(
        self, company: Company, row: CompanyInformation, payload: Payload, parent: Parent | None
    ) -> CompanyInformation:
        for name, value in payload.values.items():
            setattr(row, self.by_name[name].attribute, value)
        company.information_rows.touch(row)
        return row


class GeneralLedgerSetups(EntitySet):
    """General Ledger Setup: the allowed posting dates, read only here."""

    name = "generalLedgerSetup"
    caption = "General Ledger Setup"
    properties = (
        key(),
        day("allowPostingFrom", "allow_posting_from", read_only=True),
        day("allowPostingTo", "allow_posting_to", read_only=True),
        code("localCurrencyCode", "local_currency_code", 10, read_only=True),
        text("localCurrencySymbol", "local_currency_symbol", 10, read_only=True),
        decimal("amountRoundingPrecision", "amount_rounding_precision", read_only=True),
        decimal("unitAmountRoundingPrecision", "unit_amount_rounding_precision", read_only=True),
        modified(),
    )

    def rows(self, company: Company, parent: Parent | None) -> Iterable[GeneralLedgerSetup]:
        return company.ledger_setups


def _account_id(company: Company, row: LedgerEntry) -> str:
    found = company.accounts.first("number", row.account_number)
    return found.id if found else ZERO_GUID


def _zero(_company: Company, _row: LedgerEntry) -> Decimal:
    return Decimal(0)


class GeneralLedgerEntries(EntitySet):
    """The general ledger. External number and source customer are not shown (BC facts 2.16)."""

    name = "generalLedgerEntries"
    caption = "G/L Entry"
    navigations: ClassVar[dict[str, str]] = {"dimensionSetLines": "dimensionSetLines", "account": "accounts"}
    single = frozenset({"account"})
    properties = (
        key(),
        integer("entryNumber", "entry_number", read_only=True),
        day("postingDate", "posting_date", read_only=True),
        code("documentNumber", "document_number", read_only=True),
        option("documentType", "document_type", DOCUMENT_TYPES, read_only=True),
        guid("accountId", _account_id, read_only=True),
        code("accountNumber", "account_number", read_only=True),
        text("description", "description", 100, read_only=True),
        decimal("debitAmount", lambda _company, row: max(row.amount, Decimal(0)), read_only=True),
        decimal("creditAmount", lambda _company, row: max(-row.amount, Decimal(0)), read_only=True),
        decimal("additionalCurrencyDebitAmount", _zero, read_only=True),
        decimal("additionalCurrencyCreditAmount", _zero, read_only=True),
        modified(),
    )

    def table(self, company: Company) -> Table[Any]:
        return company.gl_entries
