"""customerPaymentJournals, customerPayments, journals and journalLines (BC facts 2.8 to 2.11).

Not modelled: attachments, vendor payment journals, recurring journals.
"""

# ruff: noqa: ARG002 - entity sets and field writers share one signature each

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from stsync.sandbox.businesscentral.accounting import journal_entry, journal_posting, journal_writes
from stsync.sandbox.businesscentral.core.company import CASH_RECEIPT_TEMPLATE, GENERAL_TEMPLATE, Company
from stsync.sandbox.businesscentral.core.document_records import JournalBatch, JournalLine
from stsync.sandbox.businesscentral.core.table import ZERO_GUID
from stsync.sandbox.businesscentral.errors import BcError, dialog, record_not_found, same_key_exists
from stsync.sandbox.businesscentral.odata.schema import (
    Action,
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

ACCOUNT_TYPES = ("G/L Account", "Customer", "Vendor", "Bank Account")
NEEDS_BATCH = "You must specify a journal batch ID or a journal ID to get a journal line."


def _balancing_id(company: Company, row: JournalBatch) -> str:
    if row.balancing_account_type != "G/L Account":
        return ZERO_GUID
    found = company.accounts.first("number", row.balancing_account_number)
    return found.id if found else ZERO_GUID


class Batches(EntitySet):
    """What both kinds of journals have in common."""

    template: str
    verbs = frozenset({"GET", "POST", "PATCH", "DELETE"})
    order = "code"

    def rows(self, company: Company, parent: Parent | None) -> Iterable[JournalBatch]:
        return [batch for batch in company.journals if batch.template == self.template]

    def create(self, company: Company, payload: Payload, parent: Parent | None) -> JournalBatch:
        values = payload.values
        template = values.get("templateDisplayName") or self.template
        batch = journal_entry.add_batch(company, template, values.get("code", ""), values.get("displayName", ""))
        if "balancingAccountId" in values:
            journal_entry.set_balancing_account(company, batch, values["balancingAccountId"])
        return batch

    def update(self, company: Company, row: JournalBatch, payload: Payload, parent: Parent | None) -> JournalBatch:
        values = payload.values
        if values.get("templateDisplayName", row.template) != row.template:
            raise dialog("The template of a journal cannot be changed.")
        if values.get("code", row.code) != row.code:
            _rename(company, row, values["code"])
        row.display_name = values.get("displayName", row.display_name)
        if "balancingAccountId" in values:
            journal_entry.set_balancing_account(company, row, values["balancingAccountId"])
        company.journals.touch(row)
        return row

    def delete(self, company: Company, row: JournalBatch, parent: Parent | None) -> None:
        journal_entry.delete_batch(company, row)


def _rename(company: Company, row: JournalBatch, name: str) -> None:
    if journal_entry.batch_named(company, row.template, name) is not None:
        key_text = f"Journal Template Name='{row.template}',Name='{name}'"
        raise same_key_exists("Gen. Journal Batch", key_text, company.switches.same_key_status)
    row.code = name


class CustomerPaymentJournals(Batches):
    """The batches of the cash receipt template. There is no post action here (facts trap 4)."""

    name = "customerPaymentJournals"
    caption = "Gen. Journal Batch"
    template = CASH_RECEIPT_TEMPLATE
    navigations: ClassVar[dict[str, str]] = {"customerPayments": "customerPayments"}
    properties = (
        key(),
        code("code", "code", 10),
        text("displayName", "display_name", 100),
        modified(),
        guid("balancingAccountId", _balancing_id, filterable=False),
        code("balancingAccountNumber", "balancing_account_number", read_only=True),
    )


class Journals(Batches):
    """General journals. With an id in the URL the template is ignored, so any batch can be posted."""

    name = "journals"
    caption = "Gen. Journal Batch"
    template = GENERAL_TEMPLATE
    navigations: ClassVar[dict[str, str]] = {"journalLines": "journalLines"}
    properties = (
        key(),
        code("code", "code", 10),
        text("displayName", "display_name", 100),
        code("templateDisplayName", "template", 10),
        modified(),
        guid("balancingAccountId", _balancing_id, filterable=False),
        code("balancingAccountNumber", "balancing_account_number", read_only=True),
    )

    @property
    def actions(self) -> dict[str, Action]:
        return {"post": journal_posting.post_batch}

    def rows_pinned(self, company: Company, pinned: dict[str, tuple[Any, ...]]) -> list[JournalBatch]:
        """The default template's batches, or those of the template or id that the filter names."""
        if "id" in pinned:
            return list(company.journals)
        templates = pinned.get("templateDisplayName", (self.template,))
        return [batch for batch in company.journals if batch.template in templates]

    def find(self, company: Company, wanted: str, parent: Parent | None) -> JournalBatch:
        batch = company.journals.by_id(wanted)
        if batch is None:
            message = f"The General Journal Batch with ID {wanted} cannot be found."
            raise BcError(404, "Internal_RecordNotFound", message)
        return batch


def _batch_code(company: Company, row: JournalLine) -> str:
    batch = company.journals.by_id(row.batch_id)
    return batch.code if batch else ""


def _customer_id(company: Company, row: JournalLine) -> str:
    found = company.customers.first("number", row.account_number)
    return found.id if found else ZERO_GUID


def _applied_id(company: Company, row: JournalLine) -> str:
    invoice = journal_entry.invoice_applied(company, row)
    return invoice.id if invoice else ZERO_GUID


def _account_id(company: Company, row: JournalLine) -> str:
    found = journal_entry.account_of(company, row.account_type, row.account_number, "number")
    return found.id if found else ZERO_GUID


def _bal_account_id(company: Company, row: JournalLine) -> str:
    found = journal_entry.account_of(company, row.balancing_account_type, row.balancing_account_number, "number")
    return found.id if found else ZERO_GUID


class Lines(EntitySet):
    """What payments and general lines have in common: they are listed under a journal only."""

    verbs = frozenset({"GET", "POST", "PATCH", "DELETE"})
    order = "line_number"
    navigations: ClassVar[dict[str, str]] = {"dimensionSetLines": "dimensionSetLines"}

    def belongs(self, row: JournalLine) -> bool:
        """Whether the page shows a line."""
        raise NotImplementedError

    def rows(self, company: Company, parent: Parent | None) -> Iterable[JournalLine]:
        lines = company.journal_lines if parent is None else company.lines_in(parent.row)
        return [line for line in lines if self.belongs(line)]

    def rows_pinned(self, company: Company, pinned: dict[str, tuple[Any, ...]]) -> list[JournalLine]:
        """The lines of the journals that the filter names, found by index."""
        if "journalId" not in pinned:
            return list(self.rows(company, None))
        lines = [line for batch in pinned["journalId"] for line in company.journal_lines.where("batch_id", batch)]
        return [line for line in lines if self.belongs(line)]

    def check_list(self, company: Company, parent: Parent | None, pinned: dict[str, Any]) -> None:
        if parent is None and not {"journalId", "id"} & set(pinned):
            raise dialog(NEEDS_BATCH)

    def find(self, company: Company, wanted: str, parent: Parent | None) -> JournalLine:
        row = company.journal_lines.by_id(wanted)
        if row is None or not self.belongs(row) or (parent is not None and row.batch_id != parent.row.id):
            raise record_not_found(self.caption, wanted)
        return row

    def delete(self, company: Company, row: JournalLine, parent: Parent | None) -> None:
        company.journal_lines.delete(row)


class CustomerPayments(Lines):
    """Payment lines of cash receipt batches that apply to invoices; other lines are invisible here."""

    name = "customerPayments"
    caption = "Gen. Journal Line"
    properties = (
        key(),
        guid("journalId", "batch_id"),
        code("journalDisplayName", _batch_code, 10),
        integer("lineNumber", "line_number"),
        guid("customerId", _customer_id),
        code("customerNumber", "account_number"),
        day("postingDate", "posting_date"),
        code("documentNumber", "document_number"),
        code("externalDocumentNumber", "external_document_number", 35),
        decimal("amount", "amount"),
        guid("appliesToInvoiceId", _applied_id, filterable=False),
        code("appliesToInvoiceNumber", "applies_to_number", filterable=False),
        text("description", "description", 100),
        text("comment", "comment", 250),
        modified(),
    )

    def belongs(self, row: JournalLine) -> bool:
        return row.document_type == "Payment" and row.account_type == "Customer" and row.applies_to_type == "Invoice"

    def create(self, company: Company, payload: Payload, parent: Parent | None) -> JournalLine:
        journal_id = parent.row.id if parent is not None else ""
        return journal_writes.create_payment(company, payload.values, journal_id)

    def update(self, company: Company, row: JournalLine, payload: Payload, parent: Parent | None) -> JournalLine:
        journal_writes.change_payment(company, row, payload.values)
        return row


class JournalLines(Lines):
    """Lines with a blank document type, of the batch's own template."""

    name = "journalLines"
    caption = "Gen. Journal Line"
    properties = (
        key(),
        guid("journalId", "batch_id"),
        code("journalDisplayName", _batch_code, 10, read_only=True),
        integer("lineNumber", "line_number"),
        option("accountType", "account_type", ACCOUNT_TYPES),
        guid("accountId", _account_id),
        code("accountNumber", "account_number"),
        day("postingDate", "posting_date"),
        code("documentNumber", "document_number"),
        code("externalDocumentNumber", "external_document_number", 35),
        decimal("amount", "amount"),
        text("description", "description", 100),
        text("comment", "comment", 250),
        code("taxCode", "tax_code"),
        option("balanceAccountType", "balancing_account_type", ACCOUNT_TYPES),
        guid("balancingAccountId", _bal_account_id),
        code("balancingAccountNumber", "balancing_account_number"),
        modified(),
    )

    def belongs(self, row: JournalLine) -> bool:
        return row.document_type == " "

    def create(self, company: Company, payload: Payload, parent: Parent | None) -> JournalLine:
        journal_id = parent.row.id if parent is not None else ""
        return journal_writes.create_line(company, payload.values, journal_id)

    def update(self, company: Company, row: JournalLine, payload: Payload, parent: Parent | None) -> JournalLine:
        journal_writes.change_line(company, row, payload.values)
        return row
