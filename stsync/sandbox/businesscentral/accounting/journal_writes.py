"""What a POST or PATCH of a payment or a journal line does, field by field (BC facts 2.9, 2.11 and 5).

A payment's insert applies its fields in a fixed order whatever the payload says; a PATCH replays them as sent.
Not modelled: attachments, currency of a line, VAT on journal lines.
"""

from __future__ import annotations

from typing import Any

from stsync.sandbox.businesscentral.accounting import journal_entry as entry
from stsync.sandbox.businesscentral.accounting.dimensions import default_values
from stsync.sandbox.businesscentral.core.amounts import to_cents
from stsync.sandbox.businesscentral.core.company import CASH_RECEIPT_TEMPLATE, Company
from stsync.sandbox.businesscentral.core.document_records import JournalBatch, JournalLine, SalesDocument
from stsync.sandbox.businesscentral.core.setup_records import Account, BankAccount, Customer
from stsync.sandbox.businesscentral.core.table import ZERO_GUID
from stsync.sandbox.businesscentral.errors import BcError, dialog, invalid_relation

PLAIN = {
    "externalDocumentNumber": "external_document_number",
    "description": "description",
    "comment": "comment",
    "taxCode": "tax_code",
}
INSERT_ORDER = ("postingDate", "documentNumber", "externalDocumentNumber", "amount")


def create_payment(company: Company, values: dict[str, Any], journal_id: str = "") -> JournalLine:
    """Insert a customer payment; `journal_id` is the parent of the URL."""
    batch = _payment_batch(company, values, journal_id)
    line = entry.new_line(company, batch, values)
    line.document_type, line.applies_to_type, line.account_type = "Payment", "Invoice", "Customer"
    invoice = _applied(company, values)
    customer = _named_customer(company, values) or _invoice_customer(company, invoice)
    if customer is not None:
        entry.take_customer(company, line, customer)
    for name in INSERT_ORDER:
        _write_plain(company, batch, line, name, values)
    _set_applied(line, invoice, values)
    for name in ("description", "comment"):
        _write_plain(company, batch, line, name, values)
    if line.balancing_account_number:
        # Validating the balancing account last is what looks at the dates (BC facts section 5).
        entry.check_applied_date(company, line, line.posting_date)
    return company.journal_lines.insert(line)


def _payment_batch(company: Company, values: dict[str, Any], journal_id: str) -> JournalBatch:
    sent = values.get("journalId", ZERO_GUID)
    if journal_id and sent not in {ZERO_GUID, journal_id}:
        raise dialog("The Journal Id cannot be changed.")
    wanted = journal_id or (sent if sent != ZERO_GUID else "")
    name = values.get("journalDisplayName", "")
    if not wanted and name:
        by_name = entry.batch_named(company, CASH_RECEIPT_TEMPLATE, name)
        wanted = by_name.id if by_name else ""
    if not wanted:
        message = "Field 'journalId' must not be blank or empty."
        raise BcError(400, "BadRequest_RequiredParamNotProvided", message)
    batch = entry.cash_receipt_batch(company, wanted)
    if name and name != batch.code:
        raise dialog("The Journal Id and Journal Display Name do not match.")
    return batch


def _named_customer(company: Company, values: dict[str, Any]) -> Customer | None:
    found: Customer | None = None
    by_id = False
    for name, value in values.items():
        if name == "customerId" and value != ZERO_GUID:
            found, by_id = company.customers.by_id(value), True
        elif name == "customerNumber" and value:
            if by_id and found is not None and found.number != value:
                raise dialog("The customer values do not match to a specific Customer.")
            found = company.customers.first("number", value)
        else:
            continue
        if found is None:
            raise dialog(f'The "{name}" does not match to a Customer.')
    return found


def _applied(company: Company, values: dict[str, Any]) -> SalesDocument | None:
    """The invoice that the payload applies to; a number alone may name nothing at all."""
    number = values.get("appliesToInvoiceNumber", "")
    if values.get("appliesToInvoiceId", ZERO_GUID) != ZERO_GUID:
        invoice = entry.applicable_invoice(company, values["appliesToInvoiceId"])
        if number and number != invoice.number:
            raise dialog("The Applies To Invoice values do not match to the same Invoice.")
        return invoice
    return next((found for found in company.invoices.where("number", number) if found.posted), None)


def _invoice_customer(company: Company, invoice: SalesDocument | None) -> Customer | None:
    if invoice is None:
        return None
    return company.customers.by_id(invoice.bill_to_id) or company.customers.by_id(invoice.customer_id)


def _set_applied(line: JournalLine, invoice: SalesDocument | None, values: dict[str, Any]) -> None:
    if invoice is not None:
        line.applies_to_number = invoice.number
    elif "appliesToInvoiceNumber" in values:
        line.applies_to_number = values["appliesToInvoiceNumber"]
    elif "appliesToInvoiceId" in values:
        line.applies_to_number = ""


def _write_plain(company: Company, batch: JournalBatch, line: JournalLine, name: str, values: dict[str, Any]) -> None:
    if name not in values:
        return
    value = values[name]
    if name == "postingDate":
        line.posting_date = value
    elif name == "documentNumber":
        entry.check_document_number(company, batch, value)
        line.document_number = value
    elif name == "amount":
        line.amount = to_cents(value)
    elif name in PLAIN:
        setattr(line, PLAIN[name], value)


def change_payment(company: Company, line: JournalLine, values: dict[str, Any]) -> None:
    """Change a payment that is not posted. A later posting date change looks at the invoice's date."""
    batch = _batch_of(company, line)
    if values.get("journalId", batch.id) != batch.id:
        raise dialog("The Journal Id cannot be changed.")
    if values.get("journalDisplayName", batch.code) != batch.code:
        raise dialog("The Journal Batch Display Name cannot be changed.")
    customer = _named_customer(company, values)
    if customer is not None and customer.number != line.account_number:
        entry.take_customer(company, line, customer)
    invoice = _applied(company, values)
    for name in values:
        _write_plain(company, batch, line, name, values)
    _set_applied(line, invoice, values)
    if "postingDate" in values:
        entry.check_applied_date(company, line, line.posting_date)
    if "lineNumber" in values:
        line.line_number = values["lineNumber"]
    company.journal_lines.touch(line)


def _batch_of(company: Company, line: JournalLine) -> JournalBatch:
    batch = company.journals.by_id(line.batch_id)
    if batch is None:
        raise dialog("The Journal Id does not match to a Journal.")
    return batch


def create_line(company: Company, values: dict[str, Any], journal_id: str = "") -> JournalLine:
    """Insert a general journal line; its batch is looked up in the batch's own template."""
    wanted = journal_id or values.get("journalId", ZERO_GUID)
    batch = company.journals.by_id(wanted)
    if batch is None:
        message = "Field 'journalId' must not be blank or empty."
        raise BcError(400, "BadRequest_RequiredParamNotProvided", message)
    if values.get("journalId", batch.id) != batch.id:
        raise dialog("The Journal Batch Id isn't editable.")
    line = entry.new_line(company, batch, values)
    _replay_line(company, batch, line, values)
    return company.journal_lines.insert(line)


def change_line(company: Company, line: JournalLine, values: dict[str, Any]) -> None:
    """Change a general journal line."""
    batch = _batch_of(company, line)
    if values.get("journalId", batch.id) != batch.id:
        raise dialog("The Journal Batch Id isn't editable.")
    _replay_line(company, batch, line, values)
    if "lineNumber" in values:
        line.line_number = values["lineNumber"]
    company.journal_lines.touch(line)


def _replay_line(company: Company, batch: JournalBatch, line: JournalLine, values: dict[str, Any]) -> None:
    for name, value in values.items():
        if name == "accountType":
            line.account_type, line.account_number = value, ""
        elif name in {"accountId", "accountNumber"}:
            _set_account(company, line, name, value)
        elif name == "balanceAccountType":
            line.balancing_account_type, line.balancing_account_number = value, ""
        elif name in {"balancingAccountId", "balancingAccountNumber"}:
            _set_balancing(company, line, name, value)
        else:
            _write_plain(company, batch, line, name, values)


def _set_account(company: Company, line: JournalLine, name: str, value: str) -> None:
    if value in {"", ZERO_GUID}:
        return
    found = entry.account_of(company, line.account_type, value, "id" if name == "accountId" else "number")
    if found is None:
        raise dialog(f'The "{name}" does not match to an Account.')
    if name == "accountNumber" and line.account_number and found.number != line.account_number:
        raise dialog("The account values do not match to a specific Account.")
    if isinstance(found, Customer):
        description = line.description
        entry.take_customer(company, line, found)
        line.description = description or found.display_name
        return
    if isinstance(found, Account):
        entry.check_direct(found)
        line.dimensions = default_values(company, found.id)
    line.account_number = found.number
    line.description = line.description or found.display_name


def _set_balancing(company: Company, line: JournalLine, name: str, value: str) -> None:
    if value in {"", ZERO_GUID}:
        line.balancing_account_number = ""
        return
    attribute = "id" if name == "balancingAccountId" else "number"
    found = entry.account_of(company, line.balancing_account_type, value, attribute)
    if found is None and name == "balancingAccountId":
        raise dialog('The "balancingAccountId" does not match to an Account.')
    if found is None:
        table = line.balancing_account_type
        raise invalid_relation("Bal. Account No.", "Gen. Journal Line", value, table)
    if isinstance(found, Account):
        entry.check_direct(found)
    line.balancing_account_number = found.number if isinstance(found, Account | BankAccount | Customer) else ""
