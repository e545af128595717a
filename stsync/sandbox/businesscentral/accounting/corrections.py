"""Cancelling a posted invoice and preparing a corrective credit memo (BC facts sections 3 and 16, trap 34).

Not modelled: cancelling a credit memo into a new invoice's stock movements, approval of corrections, items
returned or used in a project, fixed assets, inventory periods.
"""

from __future__ import annotations

from datetime import date

from stsync.sandbox.businesscentral.accounting import ledger, sales_posting
from stsync.sandbox.businesscentral.accounting.dimensions import Subject, posting_problem
from stsync.sandbox.businesscentral.accounting.sales_documents import refresh
from stsync.sandbox.businesscentral.accounting.sales_lines import compute_amounts
from stsync.sandbox.businesscentral.core.company import Company
from stsync.sandbox.businesscentral.core.document_records import SalesDocument, SalesLine
from stsync.sandbox.businesscentral.errors import BcError, dialog

BECAUSE = "You cannot cancel this posted sales invoice because "
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
    if invoice.status == "Corrective":
        raise dialog(f"{BECAUSE}it represents a correction of a credit memo.")
    if _is_paid(company, invoice):
        raise dialog(
            f"{BECAUSE}it is fully or partially paid.\n\n"
            "To reverse a paid sales invoice, you must manually create a sales credit memo."
        )
    customer = company.customers.by_id(invoice.bill_to_id)
    if customer is not None and customer.blocked == "All":
        raise dialog(f"{BECAUSE}customer {customer.number} is blocked.")
    day = _correction_date(company, invoice)
    if day is not None and not ledger.posting_date_allowed(company, day):
        raise dialog(f"{BECAUSE}the posting date is not within your range of allowed posting dates.")
    if company.settings.external_document_number_mandatory and not _external_number(company, invoice):
        raise dialog(f"{BECAUSE}the external document number is required on the invoice.")
    if company.series["credit_memo"].exhausted or company.series["posted_credit_memo"].exhausted:
        raise dialog(f"{BECAUSE}there are no unused numbers in the credit memo number series.")
    for line in company.lines_of(invoice):
        _check_line(company, line)


def _is_paid(company: Company, invoice: SalesDocument) -> bool:
    entry = ledger.document_entry(company, invoice.ledger_entry_number)
    if entry is None:
        return False
    if entry.amount == 0:
        return company.settings.refuse_correcting_zero_invoices
    return entry.remaining != entry.amount


def _check_line(company: Company, line: SalesLine) -> None:
    if line.line_type == "Comment" or line.quantity == 0:
        return
    item, account = company.items.by_id(line.object_id), company.accounts.by_id(line.object_id)
    if item is not None and (item.blocked or item.sales_blocked):
        raise dialog(f"{BECAUSE}item {item.number} {item.display_name} is blocked.")
    if account is not None and account.blocked:
        raise dialog(f"{BECAUSE}G/L account {account.number} {account.display_name} is blocked.")
    caption = "Item" if line.line_type == "Item" else "G/L Account"
    subject = Subject(caption, line.object_number, line.object_id)
    problem = posting_problem(company, line.dimensions, subject)
    if problem:
        raise dialog(f"{BECAUSE}the dimension rule setup for {subject} prevents it. {problem}")


def cancel(company: Company, invoice: SalesDocument) -> None:
    """Cancel a posted invoice: a corrective credit memo is posted and closes it. Commits.

    A cancel that fails half way leaves its credit memo behind, and says in which state (BC facts section 3).
    """
    _check_correctable(company, invoice)
    memo = _copy_as_credit_memo(company, invoice)
    company.store.undo.commit()
    try:
        if company.settings.failing_cancel == "draft":
            raise dialog("The credit memo cannot be posted.")
        sales_posting.post_without_commit(company, memo)
    except BcError as error:
        raise _failed(error, "created but not posted") from None
    company.store.undo.commit()
    if company.settings.failing_cancel == "posted":
        raise _failed(dialog("The invoice cannot be updated."), "posted")
    invoice.cancelled_by_id = memo.id
    _mark(company, invoice, "Canceled")
    _mark(company, memo, "Corrective")
    company.store.undo.commit()


def _failed(error: BcError, state: str) -> BcError:
    return dialog(
        f"Canceling the invoice failed because of the following error: \n\n{error.message}\n\nA credit memo is {state}."
    )


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
    memo.external_document_number = _external_number(company, invoice)
    if company.settings.corrections_dated_today:
        memo.posting_date = memo.document_date = company.work_date()
    entry = ledger.document_entry(company, invoice.ledger_entry_number)
    if entry is not None and entry.open:
        # Facts section 3: the applies-to may be empty when the invoice is closed (here: one of 0.00).
        memo.applies_to_number = invoice.number
    memo.corrects_id = invoice.id
    return memo


def _external_number(company: Company, invoice: SalesDocument) -> str:
    return invoice.external_document_number if company.settings.corrective_memo_keeps_external_number else ""


def _correction_date(company: Company, invoice: SalesDocument) -> date | None:
    return company.work_date() if company.settings.corrections_dated_today else invoice.posting_date


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
