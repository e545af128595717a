"""Posting of a journal batch, all or nothing, and what it leaves behind (BC facts section 3, traps 5 and 8).

Not modelled: recurring lines, allocation keys, VAT on lines, vendor ledger, reversing entries.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal

from stsync.sandbox.businesscentral.accounting import ledger
from stsync.sandbox.businesscentral.accounting.dimensions import Subject, posting_problem
from stsync.sandbox.businesscentral.accounting.journal_entry import account_of, check_direct
from stsync.sandbox.businesscentral.accounting.sales_posting import no_open_entry
from stsync.sandbox.businesscentral.core.company import Company
from stsync.sandbox.businesscentral.core.document_records import JournalBatch, JournalLine
from stsync.sandbox.businesscentral.core.number_series import incremented
from stsync.sandbox.businesscentral.core.setup_records import Account, BankAccount, Customer
from stsync.sandbox.businesscentral.errors import dialog, field_error, must_be_equal, must_have_value


def post_batch(company: Company, batch: JournalBatch) -> None:
    """Post every line of the batch, whoever wrote it, and commit. With a job queue: only schedule."""
    lines = company.lines_in(batch)
    if not lines:
        raise dialog("There is nothing to post.")
    if company.settings.force_posting_report:
        where = f"Gen. Journal Template: Name={batch.template}"
        raise must_be_equal("Force Posting Report", "No", where, "Yes")
    if company.settings.post_journals_with_job_queue:
        company.scheduled_journals.append(batch.id)
        return
    post_now(company, batch)


def run_job_queue(company: Company) -> None:
    """Post what was scheduled, as the job queue does later."""
    while company.scheduled_journals:
        batch = company.journals.by_id(company.scheduled_journals.pop(0))
        if batch is not None:
            post_now(company, batch)


def post_now(company: Company, batch: JournalBatch) -> None:
    """Post in one transaction. A batch of wholly empty lines posts nothing and stays as it is."""
    lines = [line for line in company.lines_in(batch) if not line.empty]
    if not lines:
        return
    with company.store.undo.transaction():
        for line in lines:
            _check(company, batch, line)
        _check_balance(company, lines)
        for line in lines:
            _write(company, batch, line)
        _leave_behind(company, batch, lines[-1])
    company.store.undo.commit()


def _where(batch: JournalBatch, line: JournalLine) -> str:
    return f"Journal Template Name='{batch.template}',Journal Batch Name='{batch.code}',Line No.='{line.line_number}'"


def _check(company: Company, batch: JournalBatch, line: JournalLine) -> None:
    where = f"Gen. Journal Line: {_where(batch, line)}"
    required = {
        "Posting Date": line.posting_date,
        "Document No.": line.document_number,
        "Account No.": line.account_number,
        "Amount": line.amount,
    }
    for caption, value in required.items():
        if not value:
            raise must_have_value(caption, where)
    if line.posting_date is not None and not ledger.posting_date_allowed(company, line.posting_date):
        raise field_error(
            "Posting Date is not within your range of allowed posting dates in "
            f"Gen. Journal Line {_where(batch, line)}."
        )
    if line.document_type == "Payment" and line.account_type == "Customer" and line.amount > 0:
        raise field_error(f"Amount must be negative in Gen. Journal Line {_where(batch, line)}.")
    _check_accounts(company, batch, line)


def _check_accounts(company: Company, batch: JournalBatch, line: JournalLine) -> None:
    for kind, number in (
        (line.account_type, line.account_number),
        (line.balancing_account_type, line.balancing_account_number),
    ):
        if not number:
            continue
        found = account_of(company, kind, number, "number")
        if isinstance(found, Customer) and (found.blocked == "All" or found.privacy_blocked):
            reason = "for privacy." if found.privacy_blocked else "with type All"
            raise dialog(f"You cannot post this type of document when Customer {number} is blocked {reason}")
        if isinstance(found, Account):
            check_direct(found)
        _check_dimensions(company, batch, line, kind, found)


def _check_dimensions(
    company: Company,
    batch: JournalBatch,
    line: JournalLine,
    kind: str,
    found: Account | BankAccount | Customer | None,
) -> None:
    subject = Subject(kind, found.number, found.id) if found is not None else None
    problem = posting_problem(company, line.dimensions, subject)
    if isinstance(found, Customer):
        # The receivables account takes the line's dimensions as well, and has rules of its own.
        number = ledger.receivables_account(company, found)
        account = company.accounts.first("number", number)
        behind = Subject("G/L Account", number, account.id) if account is not None else None
        problem = problem or posting_problem(company, line.dimensions, behind)
    if problem:
        raise dialog(
            f"A dimension used in Gen. Journal Line {batch.template}, {batch.code}, {line.line_number} "
            f"has caused an error. {problem}"
        )


def _check_balance(company: Company, lines: list[JournalLine]) -> None:
    sums: dict[tuple[date | None, str], Decimal] = defaultdict(Decimal)
    for line in lines:
        if not line.balancing_account_number:
            sums[line.posting_date, line.document_number] += line.amount
    if not company.settings.force_document_balance:
        _check_whole_balance(sum(sums.values(), Decimal(0)))
        return
    for (_, number), amount in sums.items():
        if amount != 0:
            raise dialog(
                f"Document No. {number} is out of balance by {amount:,.2f}. Please check that Posting Date, "
                "Document Type, Document No. and Amount are correct for each line."
            )


def _check_whole_balance(amount: Decimal) -> None:
    if amount != 0:
        raise dialog(
            f"The lines in Gen. Journal Line are out of balance by {amount:,.2f}. Please check that Posting "
            "Date, Document Type, Document No. and Amount are correct for each line."
        )


def _write(company: Company, batch: JournalBatch, line: JournalLine) -> None:
    if line.posting_date is None:
        return
    series = company.batch_series.get(batch.number_series)
    if series is not None and series.next_number == line.document_number:
        series.draw(line.posting_date)
    voucher = ledger.Voucher(
        posting_date=line.posting_date,
        document_type=line.document_type,
        document_number=line.document_number,
        external_document_number=line.external_document_number,
        description=line.description,
        source_customer=line.account_number if line.account_type == "Customer" else "",
        dimensions=line.dimensions,
    )
    _book_side(company, voucher, line, (line.account_type, line.account_number), line.amount)
    if line.balancing_account_number:
        balancing = (line.balancing_account_type, line.balancing_account_number)
        _book_side(company, voucher, line, balancing, -line.amount)


def _book_side(
    company: Company, voucher: ledger.Voucher, line: JournalLine, side: tuple[str, str], amount: Decimal
) -> None:
    kind, number = side
    found = account_of(company, kind, number, "number")
    if isinstance(found, Customer):
        _post_customer(company, voucher, line, found, amount)
    elif isinstance(found, BankAccount):
        ledger.book(company, voucher, found.account_number, amount, line.dimensions)
    elif found is not None:
        ledger.book(company, voucher, found.number, amount, line.dimensions)
    else:
        raise dialog(f"The {kind} does not exist. Identification fields and values: No.='{number}'")


def _post_customer(
    company: Company, voucher: ledger.Voucher, line: JournalLine, customer: Customer, amount: Decimal
) -> None:
    entry = ledger.owe(company, voucher, customer, amount)
    if line.applies_to_number:
        other = ledger.open_entry(company, customer.number, line.applies_to_type, line.applies_to_number)
        if other is None:
            raise no_open_entry(company, customer.number, line.applies_to_type, line.applies_to_number)
        ledger.apply_entries(company, entry, other)
    elif customer.application_method == "Apply to Oldest":
        ledger.apply_to_oldest(company, entry)


def _leave_behind(company: Company, batch: JournalBatch, last: JournalLine) -> None:
    """Delete the lines; without a number series, seed a blank line with the old date (facts trap 8)."""
    for line in company.lines_in(batch):
        company.journal_lines.delete(line)
    if company.settings.increment_batch_name and batch.code[-1:].isdigit():
        _rename_batch(company, batch)
        return
    if batch.number_series:
        return
    company.journal_lines.insert(
        JournalLine(
            batch_id=batch.id,
            line_number=10_000,
            account_type=last.account_type,
            document_type=last.document_type,
            posting_date=last.posting_date,
            document_number=incremented(last.document_number),
            balancing_account_type=batch.balancing_account_type,
            balancing_account_number=batch.balancing_account_number,
        )
    )


def _rename_batch(company: Company, batch: JournalBatch) -> None:
    company.journals.delete(batch)
    company.journals.insert(
        JournalBatch(
            template=batch.template,
            code=incremented(batch.code),
            display_name=batch.display_name,
            balancing_account_type=batch.balancing_account_type,
            balancing_account_number=batch.balancing_account_number,
            number_series=batch.number_series,
        )
    )
