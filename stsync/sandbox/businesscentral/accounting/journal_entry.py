"""Journal batches and lines before posting: payments and general lines (BC facts 2.8 to 2.11 and 5).

Not modelled: recurring journals, vendor lines, allocation, currencies on lines, payment tolerance,
payment export.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from stsync.sandbox.businesscentral.accounting.dimensions import default_values
from stsync.sandbox.businesscentral.core.company import CASH_RECEIPT_TEMPLATE, GENERAL_TEMPLATE, Company
from stsync.sandbox.businesscentral.core.document_records import JournalBatch, JournalLine, SalesDocument
from stsync.sandbox.businesscentral.core.number_series import incremented
from stsync.sandbox.businesscentral.core.setup_records import Account, BankAccount, Customer
from stsync.sandbox.businesscentral.core.table import ZERO_GUID
from stsync.sandbox.businesscentral.errors import (
    BcError,
    dialog,
    invalid_relation,
    must_be_equal,
    same_key_exists,
)

EARLIER_DATE = (
    "You are not allowed to apply and post an entry to an entry with an earlier posting date.\n\n"
    "Instead, post the document and then apply it to the entry with the earlier posting date."
)


def add_batch(company: Company, template: str, code: str, display_name: str) -> JournalBatch:
    """Create a batch as the API does: without number series and balancing account (facts trap 6)."""
    if not code:
        raise BcError(400, "BadRequest_RequiredParamNotProvided", "Field 'code' must not be blank or empty.")
    if template not in {CASH_RECEIPT_TEMPLATE, GENERAL_TEMPLATE}:
        raise invalid_relation("Journal Template Name", "Gen. Journal Batch", template, "Gen. Journal Template")
    if batch_named(company, template, code) is not None:
        key = f"Journal Template Name='{template}',Name='{code}'"
        raise same_key_exists("Gen. Journal Batch", key, company.switches.same_key_status)
    return company.journals.insert(JournalBatch(template=template, code=code, display_name=display_name))


def batch_named(company: Company, template: str, code: str) -> JournalBatch | None:
    """The batch of this name in this template."""
    return next((b for b in company.journals.where("code", code) if b.template == template), None)


def set_balancing_account(company: Company, batch: JournalBatch, account_id: str) -> None:
    """Set the G/L account that balances the batch; a bank cannot be set through the API."""
    if account_id == ZERO_GUID:
        batch.balancing_account_number = ""
        return
    account = company.accounts.by_id(account_id)
    if account is None:
        raise dialog('The "balancingAccountId" does not match to an Account.')
    check_direct(account)
    batch.balancing_account_type, batch.balancing_account_number = "G/L Account", account.number


def check_direct(account: Account) -> None:
    """Refuse accounts that a journal may not post to."""
    where = f"G/L Account: No.={account.number}"
    if account.account_type != "Posting":
        raise must_be_equal("Account Type", "Posting", where, account.account_type)
    if account.blocked:
        raise must_be_equal("Blocked", "No", where, "Yes")
    if not account.direct_posting:
        raise must_be_equal("Direct Posting", "Yes", where, "No")


def delete_batch(company: Company, batch: JournalBatch) -> None:
    """Delete a batch with its lines."""
    for line in company.lines_in(batch):
        company.journal_lines.delete(line)
    company.journals.delete(batch)


def cash_receipt_batch(company: Company, journal_id: str) -> JournalBatch:
    """The batch that a payment lands in: the id gives a name, the name is looked up in the cash template.

    A general journal's id therefore writes elsewhere or fails (BC facts 2.9, template hazard, trap 7).
    """
    named = company.journals.by_id(journal_id)
    if named is None:
        raise dialog("The Journal Id does not match to a Journal.")
    batch = batch_named(company, CASH_RECEIPT_TEMPLATE, named.code)
    if batch is None:
        raise invalid_relation("Journal Batch Name", "Gen. Journal Line", named.code, "Gen. Journal Batch")
    return batch


def new_line(company: Company, batch: JournalBatch, values: dict[str, Any]) -> JournalLine:
    """A line with the defaults that the batch and its last line give; not yet in the table.

    The posting date comes from the last line, the document number from the batch's series, else the last
    line (BC facts 2.9); in an empty batch without a series it stays blank.
    """
    lines = company.lines_in(batch)
    last = lines[-1] if lines else None
    number = values.get("lineNumber") or (last.line_number + 10_000 if last else 10_000)
    if any(line.line_number == number for line in lines):
        key = f"Journal Template Name='{batch.template}',Journal Batch Name='{batch.code}',Line No.='{number}'"
        raise same_key_exists("Gen. Journal Line", key, company.switches.same_key_status)
    line = JournalLine(batch_id=batch.id, line_number=number)
    line.posting_date = last.posting_date if last and last.posting_date else company.work_date()
    line.document_number = _default_number(company, batch, last, values)
    line.balancing_account_type = batch.balancing_account_type
    line.balancing_account_number = batch.balancing_account_number
    return line


def _default_number(company: Company, batch: JournalBatch, last: JournalLine | None, values: dict[str, Any]) -> str:
    if values.get("documentNumber"):
        return ""
    series = company.batch_series.get(batch.number_series)
    if last is None:
        return series.next_number if series else ""
    balanced = bool(last.balancing_account_number) and last.amount != 0
    external = values.get("externalDocumentNumber", "")
    if balanced or (external and external != last.external_document_number):
        return incremented(last.document_number)
    return last.document_number


def take_customer(company: Company, line: JournalLine, customer: Customer) -> None:
    """Make a line the customer's; default dimensions come with it."""
    if customer.blocked == "All" or customer.privacy_blocked:
        reason = "for privacy." if customer.privacy_blocked else "with type All"
        raise dialog(f"You cannot create this type of document when Customer {customer.number} is blocked {reason}")
    line.account_type, line.account_number = "Customer", customer.number
    line.description = customer.display_name
    line.dimensions = default_values(company, customer.id)


def invoice_applied(company: Company, line: JournalLine) -> SalesDocument | None:
    """The posted invoice that the line's applies-to number names, or None."""
    found = company.invoices.where("number", line.applies_to_number) if line.applies_to_number else []
    return next((invoice for invoice in found if invoice.posted), None)


def applicable_invoice(company: Company, invoice_id: str) -> SalesDocument:
    """The posted invoice with this API id. Raises for drafts and unknown ids (BC facts section 5)."""
    invoice = company.invoices.by_id(invoice_id)
    if invoice is None or not invoice.posted:
        raise dialog('The "appliesToInvoiceId" should be the ID of an Open, Paid, Corrective, or Canceled Invoice.')
    return invoice


def check_applied_date(company: Company, line: JournalLine, posting_date: date | None) -> None:
    """Refuse a payment dated before the entry it applies to; entry checks this only sometimes.

    The entry is an invoice's or an opening balance's, which is a journal entry of document type Invoice.
    """
    if posting_date is None or not line.applies_to_number:
        return
    for entry in company.customer_ledger.where("document_number", line.applies_to_number):
        owned = entry.customer_number == line.account_number
        if owned and entry.document_type == line.applies_to_type and posting_date < entry.posting_date:
            raise dialog(EARLIER_DATE)


def account_of(company: Company, kind: str, key: str, attribute: str) -> Account | BankAccount | Customer | None:
    """The record behind an account of a journal line, by `id` or `number`."""
    if kind == "Customer":
        return company.customers.first(attribute, key) if attribute == "number" else company.customers.by_id(key)
    if kind == "Bank Account":
        table = company.bank_accounts
        return table.first(attribute, key) if attribute == "number" else table.by_id(key)
    if kind == "G/L Account":
        return company.accounts.first(attribute, key) if attribute == "number" else company.accounts.by_id(key)
    return None


def check_document_number(company: Company, batch: JournalBatch, number: str) -> None:
    """In a batch with a series, a number that is not the next one needs manual numbers."""
    series = company.batch_series.get(batch.number_series)
    if series is not None and number and number != series.next_number:
        series.test_manual()
