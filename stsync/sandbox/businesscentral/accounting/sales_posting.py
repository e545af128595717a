"""Posting of sales invoices and credit memos as double entry, all or nothing (BC facts sections 3 and 4).

Debit receivables, credit revenue per account and dimension set, credit tax per group; a credit memo is the
mirror image. Not modelled: cost of goods, stock, invoice rounding lines, prepayments, deferrals, e-mail.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from stsync.sandbox.businesscentral.accounting import ledger, tax
from stsync.sandbox.businesscentral.accounting.dimensions import Subject, posting_problem
from stsync.sandbox.businesscentral.accounting.sales_documents import noun, refresh
from stsync.sandbox.businesscentral.accounting.sales_headers import check_posting_groups, refuse_blocked
from stsync.sandbox.businesscentral.accounting.sales_lines import check_postable
from stsync.sandbox.businesscentral.core.company import Company
from stsync.sandbox.businesscentral.core.document_records import (
    CustomerLedgerEntry,
    SalesDocument,
    SalesLine,
)
from stsync.sandbox.businesscentral.core.setup_records import Customer
from stsync.sandbox.businesscentral.core.table import new_guid
from stsync.sandbox.businesscentral.errors import BcError, dialog, must_have_value


def post(company: Company, document: SalesDocument) -> None:
    """Post a draft. Everything before is committed first; a refusal is always a dialog (facts trap 20)."""
    if document.posted:
        raise dialog(f"The action can be applied to a draft {noun(document)} only.")
    if not company.lines_of(document):
        article = "the invoice" if document.kind == "Invoice" else "the credit memo"
        raise dialog(f"Please add at least one line item to {article}.")
    company.store.undo.commit()
    post_without_commit(company, document)
    company.store.undo.commit()


def post_without_commit(company: Company, document: SalesDocument) -> None:
    """Post inside the running transaction, undoing all of it when a check refuses."""
    try:
        with company.store.undo.transaction():
            refresh(company, document)
            _check(company, document)
            _write(company, document)
    except BcError as error:
        raise BcError(400, "Application_DialogException", error.message) from None


def _check(company: Company, document: SalesDocument) -> None:
    customer = _payer(company, document)
    unapproved = company.settings.approval_workflow and not document.released
    if unapproved or document.status == "In Review":
        raise dialog(
            f"Sales {document.kind} {document.number} must be approved and released before you can perform this action."
        )
    if document.posting_date is None:
        where = f"Sales Header: Document Type={document.kind},No.={document.number}"
        raise must_have_value("Posting Date", where)
    if not ledger.posting_date_allowed(company, document.posting_date):
        raise dialog("Posting Date is not within your range of allowed posting dates.")
    refuse_blocked(customer, document.kind, "post")
    check_posting_groups(customer)
    if company.settings.external_document_number_mandatory and not document.external_document_number:
        where = f"Sales Header: Document Type={document.kind},No.={document.number}"
        raise must_have_value("External Document No.", where)
    _check_amounts(company, document)
    _check_dimensions(company, document, customer)
    for line in company.lines_of(document):
        _check_line(company, document, line)


def _payer(company: Company, document: SalesDocument) -> Customer:
    customer = company.customers.by_id(document.bill_to_id)
    if customer is None:
        raise dialog("The sell-to customer cannot be found.")
    return customer


def _check_amounts(company: Company, document: SalesDocument) -> None:
    lines = company.lines_of(document)
    if all(line.quantity == 0 or line.line_type == "Comment" for line in lines):
        raise dialog("There is nothing to post because the document does not contain a quantity or amount.")
    if document.total < 0:
        raise dialog(f"The total amount for the {noun(document)} must be 0 or greater.")


def _check_dimensions(company: Company, document: SalesDocument, customer: Customer) -> None:
    subject = Subject("Customer", customer.number, customer.id)
    problem = posting_problem(company, document.dimensions, subject) or _header_problem(company, document, customer)
    if problem:
        raise dialog(f"The dimensions used in {document.kind} {document.number} are invalid. {problem}")
    for line in company.lines_of(document):
        if line.line_type == "Comment" or line.quantity == 0:
            continue
        problem = _line_problem(company, line)
        if problem:
            raise dialog(
                f"The dimensions used in {document.kind} {document.number}, line no. {line.sequence} "
                f"are invalid. {problem}"
            )


def _header_problem(company: Company, document: SalesDocument, customer: Customer) -> str | None:
    """The rules of the accounts that take the header's dimensions: receivables, and tax where there is some."""
    numbers = [ledger.receivables_account(company, customer)]
    area = company.tax_areas.first("code", document.tax_area_code)
    if area is not None and document.total_tax != 0:
        numbers.append(area.tax_account)
    for number in numbers:
        account = company.accounts.first("number", number)
        subject = Subject("G/L Account", number, account.id) if account is not None else None
        problem = posting_problem(company, document.dimensions, subject)
        if problem:
            return problem
    return None


def _line_problem(company: Company, line: SalesLine) -> str | None:
    caption = "Item" if line.line_type == "Item" else "G/L Account"
    subject = Subject(caption, line.object_number, line.object_id)
    return posting_problem(company, line.dimensions, subject)


def _check_line(company: Company, document: SalesDocument, line: SalesLine) -> None:
    if line.line_type == "Comment" or line.quantity == 0:
        return
    if not line.gen_prod_posting_group:
        where = f"Sales Line: Document Type={document.kind},Document No.={document.number},Line No.={line.sequence}"
        raise must_have_value("Gen. Prod. Posting Group", where)
    number = _revenue_account(company, document, line)
    account = company.accounts.first("number", number)
    if account is not None:
        check_postable(account)
        problem = posting_problem(company, line.dimensions, Subject("G/L Account", number, account.id))
        if problem:
            raise dialog(problem)


def _revenue_account(company: Company, document: SalesDocument, line: SalesLine) -> str:
    customer = _payer(company, document)
    groups = (customer.gen_bus_posting_group, line.gen_prod_posting_group)
    if groups not in company.sales_accounts:
        raise dialog(
            "The General Posting Setup does not exist. Identification fields and values: "
            f"Gen. Bus. Posting Group='{groups[0]}',Gen. Prod. Posting Group='{groups[1]}'"
        )
    if line.line_type == "Account":
        return line.object_number
    account = company.sales_accounts[groups]
    if not account:
        raise dialog(
            f"Sales Account is missing in General Posting Setup Gen. Bus. Posting Group: {groups[0]}, "
            f"Gen. Prod. Posting Group: {groups[1]}."
        )
    return account


def _write(company: Company, document: SalesDocument) -> None:
    customer = _payer(company, document)
    document.number = _posted_number(company, document)
    document.record_id = new_guid()
    document.posted = True
    document.status = "Open"
    entry = _write_entries(company, document, customer)
    document.ledger_entry_number = entry.entry_number
    if document.applies_to_number:
        _apply(company, document, entry)
    elif customer.application_method == "Apply to Oldest":
        ledger.apply_to_oldest(company, entry)
    ledger.refresh_document_status(company, entry)
    company.documents(document.kind).touch(document)


def _posted_number(company: Company, document: SalesDocument) -> str:
    series = company.series["posted_invoice" if document.kind == "Invoice" else "posted_credit_memo"]
    number = series.draw(document.posting_date)
    taken = (other for other in company.documents(document.kind).where("number", number) if other.posted)
    if next(taken, None) is not None:
        raise dialog(
            f"Cannot post the sales {noun(document)} because its ID, {number}, is already assigned to a "
            "record. Update the number series and try again."
        )
    # BC facts section 7.2: a journal entry of this type with the number, such as an opening balance, counts too.
    if any(entry.document_type == document.kind for entry in company.customer_ledger.where("document_number", number)):
        raise dialog(f"Sales {document.kind} {number} already exists.")
    return number


def _write_entries(company: Company, document: SalesDocument, customer: Customer) -> CustomerLedgerEntry:
    posting_date = document.posting_date
    if posting_date is None:
        raise dialog("Posting Date must have a value.")
    voucher = ledger.Voucher(
        posting_date=posting_date,
        document_type=document.kind,
        document_number=document.number,
        external_document_number=document.external_document_number,
        description=f"{document.kind} {document.draft_number}",
        source_customer=customer.number,
        due_date=document.due_date,
        document_id=document.id,
        dimensions=document.dimensions,
    )
    sign = 1 if document.kind == "Invoice" else -1
    for account, dimensions, amount in _revenue(company, document):
        ledger.book(company, voucher, account, -sign * amount, dimensions)
    for account, amount in _taxes(company, document):
        ledger.book(company, voucher, account, -sign * amount, document.dimensions)
    return ledger.owe(company, voucher, customer, sign * document.total)


def _revenue(company: Company, document: SalesDocument) -> Iterator[tuple[str, dict[str, str], Decimal]]:
    """Revenue per account and dimension set, as the posting buffer sums it."""
    sums: dict[tuple[str, frozenset[tuple[str, str]]], Decimal] = defaultdict(Decimal)
    for line in company.lines_of(document):
        if line.line_type == "Comment" or line.quantity == 0:
            continue
        account = _revenue_account(company, document, line)
        sums[account, frozenset(line.dimensions.items())] += line.net_amount
    for (account, dimensions), amount in sums.items():
        yield account, dict(dimensions), amount


def _taxes(company: Company, document: SalesDocument) -> Iterator[tuple[str, Decimal]]:
    area = company.tax_areas.first("code", document.tax_area_code)
    if area is None or document.total_tax == 0:
        return
    if document.prices_include_tax:
        yield area.tax_account, document.total_tax
        return
    for _, amount in tax.totals_by_group(company.lines_of(document)).values():
        yield area.tax_account, amount


def _apply(company: Company, document: SalesDocument, entry: CustomerLedgerEntry) -> None:
    kind = "Invoice" if document.kind == "Credit Memo" else "Credit Memo"
    other = ledger.open_entry(company, entry.customer_number, kind, document.applies_to_number)
    if other is None:
        raise no_open_entry(company, entry.customer_number, kind, document.applies_to_number)
    ledger.apply_entries(company, entry, other)


def no_open_entry(company: Company, customer: str, kind: str, number: str) -> BcError:
    """The refusal of an application to a document that this customer has not open (BC facts section 5)."""
    message = (
        "There is no Cust. Ledger Entry within the filter. Filters: "
        f"Customer No.: {customer}, Open: Yes, Document Type: {kind}, Document No.: {number}"
    )
    return BcError(company.switches.data_not_found_status, "Internal_DataNotFoundFilter", message)
