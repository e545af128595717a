"""Cancelling a posted invoice and preparing a corrective credit memo (BC facts section 3, trap 34).

Not modelled: cancelling a credit memo into a new invoice's stock movements, approval of corrections,
a cancel that fails after its credit memo was made.
"""

from __future__ import annotations

from stsync.sandbox.businesscentral.accounting import ledger, sales_posting
from stsync.sandbox.businesscentral.accounting.sales_documents import refresh
from stsync.sandbox.businesscentral.accounting.sales_lines import compute_amounts
from stsync.sandbox.businesscentral.core.company import Company
from stsync.sandbox.businesscentral.core.document_records import SalesDocument, SalesLine
from stsync.sandbox.businesscentral.errors import dialog

_COPIED_LINE = (
    "sequence",
    "line_type",
    "object_id",
    "object_number",
    "description",
    "description_2",
    "unit_of_measure_id",
    "unit_of_measure",
    "quantity",
    "unit_price",
    "discount_amount",
    "discount_percent",
    "invoice_discount",
    "tax_group",
    "tax_percent",
    "gen_prod_posting_group",
    "allow_invoice_discount",
    "dimensions",
)
_COPIED_HEADER = (
    "external_document_number",
    "document_date",
    "posting_date",
    "due_date",
    "customer_purchase_order_reference",
    "customer_number",
    "customer_id",
    "customer_name",
    "bill_to_number",
    "bill_to_id",
    "bill_to_name",
    "addresses",
    "currency_code",
    "payment_terms_id",
    "salesperson",
    "prices_include_tax",
    "tax_area_code",
    "tax_liable",
    "phone_number",
    "email",
    "dimensions",
)


def _check_correctable(company: Company, invoice: SalesDocument) -> None:
    if not invoice.posted:
        raise dialog("The action can be applied to a posted invoice only.")
    if invoice.status == "Canceled":
        raise dialog("The invoice cannot be canceled because it has already been canceled.")
    because = "You cannot cancel this posted sales invoice because "
    if invoice.status == "Corrective":
        raise dialog(f"{because}it represents a correction of a credit memo.")
    entry = ledger.document_entry(company, invoice.ledger_entry_number)
    if entry is not None and entry.remaining != entry.amount:
        raise dialog(
            f"{because}it is fully or partially paid.\n\n"
            "To reverse a paid sales invoice, you must manually create a sales credit memo."
        )
    customer = company.customers.by_id(invoice.bill_to_id)
    if customer is not None and customer.blocked == "All":
        raise dialog(f"{because}customer {customer.number} is blocked.")
    if invoice.posting_date is not None and not ledger.posting_date_allowed(company, invoice.posting_date):
        raise dialog(f"{because}the posting date is not within your range of allowed posting dates.")


def cancel(company: Company, invoice: SalesDocument) -> None:
    """Cancel a posted invoice: a corrective credit memo is posted and closes it. Commits."""
    _check_correctable(company, invoice)
    company.store.undo.commit()
    with company.store.undo.transaction():
        memo = _copy_as_credit_memo(company, invoice)
        sales_posting.post_without_commit(company, memo)
        invoice.cancelled_by_id = memo.id
        _mark(company, invoice, "Canceled")
        _mark(company, memo, "Corrective")
    company.store.undo.commit()


def make_corrective_credit_memo(company: Company, invoice: SalesDocument) -> SalesDocument:
    """Leave a draft credit memo for the invoice. On a closed or partly paid one it is an error (section 16)."""
    _check_correctable(company, invoice)
    return _copy_as_credit_memo(company, invoice)


def cancel_credit_memo(company: Company, memo: SalesDocument) -> None:
    """Cancel a corrective credit memo by posting a new invoice. Commits."""
    if not memo.posted:
        raise dialog("The action can be applied to a posted credit memo only.")
    if memo.status != "Corrective":
        raise dialog("You cannot cancel this posted sales credit memo because it is not a corrective credit memo.")
    company.store.undo.commit()
    with company.store.undo.transaction():
        invoice = _copy(company, memo, "Invoice")
        sales_posting.post_without_commit(company, invoice)
        _mark(company, memo, "Canceled")
        _mark(company, invoice, "Corrective")
    company.store.undo.commit()


def _mark(company: Company, document: SalesDocument, status: str) -> None:
    document.status = status
    company.documents(document.kind).touch(document)


def _copy_as_credit_memo(company: Company, invoice: SalesDocument) -> SalesDocument:
    memo = _copy(company, invoice, "Credit Memo")
    memo.applies_to_number = invoice.number
    memo.corrects_id = invoice.id
    return memo


def _copy(company: Company, source: SalesDocument, kind: str) -> SalesDocument:
    copy = SalesDocument(kind=kind, **{name: getattr(source, name) for name in _COPIED_HEADER})
    series = company.series["invoice" if kind == "Invoice" else "credit_memo"]
    copy.number = copy.draft_number = series.draw(copy.posting_date)
    company.documents(kind).insert(copy)
    for line in company.lines_of(source):
        twin = SalesLine(document_id=copy.id, **{name: getattr(line, name) for name in _COPIED_LINE})
        compute_amounts(copy, twin)
        company.document_lines(kind).insert(twin)
    refresh(company, copy)
    return copy
