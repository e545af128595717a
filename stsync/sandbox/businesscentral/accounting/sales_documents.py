"""Sales invoices and credit memos before posting: create, change, lines, totals, invoice discount, delete.

Not modelled: quotes and orders, approval workflows beyond their refusal, reservation, sending by e-mail.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from stsync.sandbox.businesscentral.accounting import sales_headers as headers
from stsync.sandbox.businesscentral.accounting import tax
from stsync.sandbox.businesscentral.accounting.ledger import document_entry
from stsync.sandbox.businesscentral.accounting.sales_lines import compute_amounts, identify, write_fields
from stsync.sandbox.businesscentral.core.amounts import ZERO, to_cents
from stsync.sandbox.businesscentral.core.company import Company
from stsync.sandbox.businesscentral.core.document_records import SalesDocument, SalesLine
from stsync.sandbox.businesscentral.core.setup_records import Customer
from stsync.sandbox.businesscentral.core.table import ZERO_GUID, new_guid
from stsync.sandbox.businesscentral.errors import BcError, dialog, must_be_equal

CUSTOMER_FIELDS = {"customerId", "customerNumber", "billToCustomerId", "billToCustomerNumber"}
CURRENCY_FIELDS = {"currencyId", "currencyCode"}
POSTED_FIELDS = {"dueDate", "promisedPayDate", "disputeStatus", "disputeStatusId"}


def noun(document: SalesDocument) -> str:
    """How messages call the document: "invoice" or "credit memo"."""
    return document.kind.lower()


def posted_error(document: SalesDocument) -> BcError:
    """The answer to a change of a posted document."""
    return dialog(f"The {noun(document)} has been posted and can no longer be modified.")


def create(company: Company, kind: str, values: dict[str, Any]) -> SalesDocument:
    """Create a draft. The sent fields are replayed in order; then the dates again, in their fixed order."""
    customer = headers.named_customer(company, values)
    if customer is None:
        raise dialog('A "customerNumber" or a "customerId" must be provided.')
    today = None if company.settings.no_default_posting_date else company.work_date()
    document = SalesDocument(
        kind=kind, posting_date=today, document_date=company.work_date(), due_date=company.work_date()
    )
    _replay(company, document, values, customer)
    for name in ("invoiceDate", "creditMemoDate", "postingDate", "dueDate"):
        if name in values:
            headers.write_field(company, document, name, values[name])
    series = company.series["invoice" if kind == "Invoice" else "credit_memo"]
    document.number = document.draft_number = series.draw(document.posting_date)
    company.documents(kind).insert(document)
    if "discountAmount" in values:
        set_invoice_discount(company, document, values["discountAmount"])
    return document


def _replay(company: Company, document: SalesDocument, values: dict[str, Any], customer: Customer | None) -> bool:
    """Write the fields in order; tells whether customer, payer or currency changed."""
    payer = headers.named_customer(company, values, "billToCustomer")
    currency = headers.named_currency(company, values)
    changed = False
    for name, value in values.items():
        if name in CUSTOMER_FIELDS:
            changed |= _take(company, document, payer if name.startswith("billTo") else customer, name)
        elif name in CURRENCY_FIELDS:
            changed |= headers.set_currency(company, document, currency or "")
        else:
            headers.write_field(company, document, name, value)
    return changed


def _take(company: Company, document: SalesDocument, customer: Customer | None, name: str) -> bool:
    if customer is None:
        return False
    if name.startswith("billTo"):
        changed = document.bill_to_id != customer.id
        if changed:
            headers.take_bill_to(company, document, customer)
        return changed
    changed = document.customer_id != customer.id
    if changed:
        headers.take_customer(company, document, customer)
    return changed


def change(company: Company, document: SalesDocument, values: dict[str, Any]) -> None:
    """Change a document: drafts freely, posted invoices in four fields (facts trap 30)."""
    if document.posted:
        _change_posted(company, document, values)
        return
    if not values:
        return
    refuse_unless_draft(document)
    customer = headers.named_customer(company, values)
    if _replay(company, document, values, customer):
        _recreate_lines(company, document)
    if "discountAmount" in values:
        set_invoice_discount(company, document, values["discountAmount"])
    refresh(company, document)


def _change_posted(company: Company, document: SalesDocument, values: dict[str, Any]) -> None:
    if document.kind != "Invoice" or not set(values) <= POSTED_FIELDS:
        raise posted_error(document)
    if values.get("disputeStatus") or values.get("disputeStatusId", ZERO_GUID) != ZERO_GUID:
        raise dialog("The dispute status cannot be found.")
    entry = document_entry(company, document.ledger_entry_number)
    if "dueDate" in values:
        document.due_date = values["dueDate"]
        if entry is not None:
            entry.due_date = values["dueDate"]
    if "promisedPayDate" in values:
        document.promised_pay_date = values["promisedPayDate"]
    company.documents(document.kind).touch(document)


def refuse_unless_draft(document: SalesDocument) -> None:
    """Refuse changes to posted and to released documents."""
    if document.posted:
        raise posted_error(document)
    if document.status != "Draft":
        current = "Released" if document.status == "Open" else "Pending Approval"
        where = f"Sales Header: Document Type={document.kind},No.={document.number}"
        raise must_be_equal("Status", "Open", where, current)


def delete(company: Company, document: SalesDocument) -> None:
    """Delete a draft (its number is burned); posted documents stay unless the set-up allows it."""
    if document.posted:
        limit = company.settings.allow_document_deletion_before
        if limit is None:
            raise dialog(
                "The date Allow Document Deletion Before must be set on the page Sales & Receivables Setup "
                "before deleting sales documents."
            )
        if document.posting_date is not None and document.posting_date >= limit:
            raise dialog(f"You cannot delete posted sales documents that are posted after {limit:%m/%d/%Y}.")
    for line in company.lines_of(document):
        company.document_lines(document.kind).delete(line)
    company.documents(document.kind).delete(document)


def add_line(company: Company, document: SalesDocument, values: dict[str, Any]) -> SalesLine:
    """Add a line from the sent fields, in their order."""
    refuse_unless_draft(document)
    lines = company.lines_of(document)
    sequence = values.get("sequence") or (lines[-1].sequence + 10_000 if lines else 10_000)
    if any(line.sequence == sequence for line in lines):
        raise dialog("You cannot insert a line because a line already exists.")
    line = SalesLine(document_id=document.id, sequence=sequence, dimensions=document.dimensions)
    write_fields(company, document, line, values)
    company.document_lines(document.kind).insert(line)
    refresh(company, document)
    return line


def change_line(company: Company, document: SalesDocument, line: SalesLine, values: dict[str, Any]) -> None:
    """Change a line. A new description of an item line does not stamp the header (BC facts section 4)."""
    refuse_unless_draft(document)
    if "sequence" in values and values["sequence"] != line.sequence:
        raise dialog('The value for "sequence" cannot be modified. Delete and insert the line again.')
    if values.get("documentId", document.id) != document.id:
        raise dialog('The value for "documentId" cannot be modified.')
    write_fields(company, document, line, values)
    company.document_lines(document.kind).touch(line)
    silent = line.line_type == "Item" and set(values) <= {"description", "description2"}
    if not silent:
        refresh(company, document)


def remove_line(company: Company, document: SalesDocument, line: SalesLine) -> None:
    """Delete a line of a draft."""
    refuse_unless_draft(document)
    company.document_lines(document.kind).delete(line)
    refresh(company, document)


def refresh(company: Company, document: SalesDocument) -> None:
    """Derive the document's totals from its lines and stamp it as modified."""
    lines = company.lines_of(document)
    totals = tax.totals_by_group(lines)
    document.total_excluding_tax = sum((net for net, _ in totals.values()), ZERO)
    document.total_tax = sum((amount for _, amount in totals.values()), ZERO)
    if document.prices_include_tax:
        document.total_tax = sum((line.net_tax_amount for line in lines), ZERO)
    document.discount_amount = sum((line.invoice_discount for line in lines), ZERO)
    company.documents(document.kind).touch(document)


def set_invoice_discount(company: Company, document: SalesDocument, amount: Decimal) -> None:
    """Spread an invoice discount over the lines that allow one; the last such line takes the rounding."""
    lines = [line for line in company.lines_of(document) if line.allow_invoice_discount]
    base = sum((line.line_amount for line in lines), ZERO)
    if base == 0:
        if amount and company.lines_of(document):
            raise dialog(
                "Cannot apply an invoice discount because the document does not include lines where the "
                "Allow Invoice Disc. field is selected."
            )
        return
    left = to_cents(amount)
    for line in lines:
        share = left if line is lines[-1] else to_cents(amount * line.line_amount / base)
        line.invoice_discount = share
        left -= share
        compute_amounts(document, line)
    refresh(company, document)


def _recreate_lines(company: Company, document: SalesDocument) -> None:
    """Recreate all lines: new ids, item prices from the item again, own texts lost (facts trap 17)."""
    table = company.document_lines(document.kind)
    for old in company.lines_of(document):
        table.delete(old)
        line = SalesLine(document_id=document.id, sequence=old.sequence, quantity=old.quantity, id=new_guid())
        line.description = old.description
        master = company.items.by_id(old.object_id) or company.accounts.by_id(old.object_id)
        if master is not None:
            identify(company, document, line, master)
        if old.line_type == "Account":
            line.unit_price = old.unit_price
        compute_amounts(document, line)
        table.insert(line)


def release(company: Company, document: SalesDocument) -> None:
    """Release a draft as a person does in the client: the API then shows it as Open (facts trap 1)."""
    document.status = "Open"
    company.documents(document.kind).touch(document)


def remaining_amount(company: Company, document: SalesDocument) -> Decimal:
    """What is left to pay: all of a draft, nothing of a cancelled one, else what the ledger says."""
    if not document.posted:
        return document.total
    if document.status == "Canceled":
        return ZERO
    entry = document_entry(company, document.ledger_entry_number)
    return entry.remaining if entry else ZERO
