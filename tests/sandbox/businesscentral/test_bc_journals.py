"""Payments and journals: entry, application, posting all or nothing, and the aftermath."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from bc_client import Books

from stsync.sandbox.businesscentral.accounting.journal_posting import run_job_queue
from stsync.sandbox.businesscentral.core.number_series import NumberSeries


def _pay(books: Books, journal: dict[str, Any], amount: Any, **more: Any) -> dict[str, Any]:
    fields = {"customerNumber": "C1", "postingDate": "2026-06-15", "documentNumber": "P1", "amount": amount, **more}
    answer = books.payment(journal, **fields)
    assert answer.status == 201, answer.body
    return answer.body


def _posted(books: Books, journal: dict[str, Any]) -> Any:
    return books.act(f"journals({journal['id']})")


def test_a_receipt_closes_its_invoice_and_balances_on_the_bank(books: Books) -> None:
    invoice = books.posted()
    journal = books.journal()
    payment = _pay(books, journal, -100, appliesToInvoiceId=invoice["id"], externalDocumentNumber="st-p1")
    assert (payment["appliesToInvoiceNumber"], payment["description"]) == (invoice["number"], "Ann")
    assert _posted(books, journal).status == 204
    paid = books.get(f"salesInvoices({invoice['id']})")
    assert (paid["status"], paid["remainingAmount"]) == ("Paid", 0)
    last = [(e.account_number, e.amount, e.document_type, e.document_number) for e in books.company.gl_entries][-2:]
    assert last == [("1200", -100, "Payment", "P1"), ("1000", 100, "Payment", "P1")]
    assert books.trial_balance() == 0
    assert books.get(f"customerPayments({payment['id']})").status == 404


def test_a_partial_payment_lowers_the_remainder_and_stamps_nothing(books: Books) -> None:
    invoice = books.posted()
    journal = books.journal()
    _pay(books, journal, Decimal("-30.50"), appliesToInvoiceNumber=invoice["number"])
    _posted(books, journal)
    after = books.get(f"salesInvoices({invoice['id']})")
    assert (after["status"], after["remainingAmount"]) == ("Open", Decimal("69.50"))
    assert after["lastModifiedDateTime"] == invoice["lastModifiedDateTime"]


def test_an_overpayment_leaves_an_open_payment_entry(books: Books) -> None:
    invoice = books.posted()
    journal = books.journal()
    _pay(books, journal, -150, appliesToInvoiceId=invoice["id"])
    _posted(books, journal)
    entry = books.company.customer_ledger.first("document_number", "P1")
    assert (entry.amount, entry.remaining) == (-150, -50)
    assert [(a.with_entry, a.amount) for a in entry.applications] == [(1, -100)]


def test_a_payment_without_application_stays_open_unless_the_oldest_is_closed(books: Books) -> None:
    invoice = books.posted()
    journal = books.journal()
    _pay(books, journal, -40)
    _posted(books, journal)
    assert books.get(f"salesInvoices({invoice['id']})")["remainingAmount"] == 100
    books.company.customers.first("number", "C1").application_method = "Apply to Oldest"
    _pay(books, journal, -40)
    _posted(books, journal)
    assert books.get(f"salesInvoices({invoice['id']})")["remainingAmount"] == 60


def test_entry_checks_of_the_application(books: Books) -> None:
    draft = books.invoice()
    posted = books.posted()
    journal = books.journal()
    refused = books.payment(journal, appliesToInvoiceId=draft["id"], amount=-1)
    assert refused.message == (
        'The "appliesToInvoiceId" should be the ID of an Open, Paid, Corrective, or Canceled Invoice.'
    )
    clash = books.payment(journal, appliesToInvoiceId=posted["id"], appliesToInvoiceNumber="X", amount=-1)
    assert clash.message == "The Applies To Invoice values do not match to the same Invoice."
    unknown = _pay(books, journal, -1, appliesToInvoiceNumber="NOPE")
    assert unknown["appliesToInvoiceId"] == "00000000-0000-0000-0000-000000000000"
    filled = books.payment(journal, appliesToInvoiceId=posted["id"], amount=-1)
    assert filled["customerNumber"] == "C1"
    other = books.payment(journal, appliesToInvoiceId=posted["id"], amount=-1, customerNumber="C2")
    assert other["customerNumber"] == "C2"
    assert books.payment(journal, customerNumber="C9").message == 'The "customerNumber" does not match to a Customer.'


@pytest.mark.parametrize("fields", [{"appliesToInvoiceNumber": "NOPE"}, {"customerNumber": "C2"}])
def test_an_application_that_finds_no_open_entry_fails_the_whole_batch(books: Books, fields: dict[str, str]) -> None:
    invoice = books.posted()
    journal = books.journal()
    _pay(books, journal, -10, appliesToInvoiceId=invoice["id"])
    _pay(books, journal, -10, **{"appliesToInvoiceNumber": invoice["number"], "documentNumber": "P2", **fields})
    entries = len(books.company.gl_entries)
    answer = _posted(books, journal)
    assert (answer.status, answer.code) == (400, "Internal_DataNotFoundFilter")
    assert answer.message.startswith("There is no Cust. Ledger Entry within the filter.")
    assert len(books.company.gl_entries) == entries
    assert len(books.get(f"customerPaymentJournals({journal['id']})/customerPayments")["value"]) == 2


def test_the_second_line_on_an_invoice_sees_what_the_first_left(books: Books) -> None:
    invoice = books.posted()
    journal = books.journal()
    _pay(books, journal, -60, appliesToInvoiceId=invoice["id"])
    _pay(books, journal, -60, appliesToInvoiceId=invoice["id"], documentNumber="P2")
    assert _posted(books, journal).status == 204
    assert books.company.customer_ledger.first("document_number", "P2").remaining == -20
    _pay(books, journal, -60, appliesToInvoiceId=invoice["id"])
    assert _posted(books, journal).code == "Internal_DataNotFoundFilter"


def test_an_earlier_payment_date_is_refused_at_entry_only_with_a_balancing_account(books: Books) -> None:
    invoice = books.posted(postingDate="2026-06-20")
    fields = {"appliesToInvoiceId": invoice["id"], "amount": -1, "postingDate": "2026-06-01"}
    refused = books.payment(books.journal(), **fields)
    assert refused.message.startswith("You are not allowed to apply and post an entry to an entry with an earlier")
    accepted = books.payment(books.journal("LOOSE", balanced=False), **fields)
    assert accepted.status == 201
    late = books.patch(f"customerPayments({accepted['id']})", {"postingDate": "2026-06-02"})
    assert late.message.startswith("You are not allowed to apply and post")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"amount": 10},
            "Amount must be negative in Gen. Journal Line Journal Template Name='CASHRCPT',"
            "Journal Batch Name='STSYNC',Line No.='10000'.",
        ),
        (
            {"documentNumber": ""},
            "Document No. must have a value in Gen. Journal Line: Journal Template Name='CASHRCPT',"
            "Journal Batch Name='STSYNC',Line No.='10000'. It cannot be zero or empty.",
        ),
        (
            {"amount": 0},
            "Amount must have a value in Gen. Journal Line: Journal Template Name='CASHRCPT',"
            "Journal Batch Name='STSYNC',Line No.='10000'. It cannot be zero or empty.",
        ),
        (
            {"postingDate": "2025-01-01"},
            "Posting Date is not within your range of allowed posting dates in Gen. Journal Line "
            "Journal Template Name='CASHRCPT',Journal Batch Name='STSYNC',Line No.='10000'.",
        ),
    ],
)
def test_posting_checks_each_line(books: Books, fields: dict[str, Any], message: str) -> None:
    books.company.set_posting_window(date(2026, 1, 1), None)
    journal = books.journal()
    amount = fields.pop("amount", -10)
    _pay(books, journal, amount, **fields)
    answer = _posted(books, journal)
    assert (answer.code, answer.message) == ("Application_FieldValidationException", message)


def test_a_batch_without_a_balancing_account_is_out_of_balance(books: Books) -> None:
    journal = books.journal(balanced=False)
    _pay(books, journal, Decimal("-1234.5"))
    assert _posted(books, journal).message == (
        "Document No. P1 is out of balance by -1,234.50. Please check that Posting Date, Document Type, "
        "Document No. and Amount are correct for each line."
    )


def test_an_empty_batch_has_nothing_to_post_and_an_unknown_one_is_not_found(books: Books) -> None:
    journal = books.journal()
    assert _posted(books, journal).message == "There is nothing to post."
    unknown = books.act("journals(00000000-0000-0000-0000-00000000000a)")
    assert unknown.message == (
        "The General Journal Batch with ID 00000000-0000-0000-0000-00000000000a cannot be found."
    )


def test_a_mandatory_dimension_stops_a_payment_and_a_patch_of_it_helps(books: Books) -> None:
    customer = books.company.customers.first("number", "C1")
    books.company.add_default_dimension(customer, "AREA", posting_validation="Code Mandatory")
    journal = books.journal()
    payment = _pay(books, journal, -10)
    answer = _posted(books, journal)
    assert answer.message == (
        "A dimension used in Gen. Journal Line CASHRCPT, STSYNC, 10000 has caused an error. "
        "Select a Dimension Value Code for the Dimension Code AREA for Customer C1."
    )
    books.made(f"customerPayments({payment['id']})/dimensionSetLines", {"code": "AREA", "valueCode": "20"})
    assert _posted(books, journal).status == 204
    assert {e.dimensions.get("AREA") for e in books.company.gl_entries} == {"20"}


def test_journals_show_the_default_template_unless_asked(books: Books) -> None:
    journal = books.journal()
    assert [row["code"] for row in books.get("journals")["value"]] == ["DEFAULT"]
    cash = books.get("journals?$filter=templateDisplayName eq 'CASHRCPT'")["value"]
    assert [row["id"] for row in cash] == [journal["id"]]
    assert books.get(f"journals({journal['id']})")["templateDisplayName"] == "CASHRCPT"
    assert [row["code"] for row in books.get("customerPaymentJournals")["value"]] == ["STSYNC"]


def test_a_journal_code_is_required_short_and_unique(books: Books) -> None:
    books.journal()
    assert books.post("customerPaymentJournals", {}).code == "BadRequest_RequiredParamNotProvided"
    assert books.post("customerPaymentJournals", {"code": "X" * 11}).code == "Application_StringExceededLength"
    assert books.post("customerPaymentJournals", {"code": "stsync"}).code == "Internal_EntityWithSameKeyExists"
    receivables = books.company.accounts.first("number", "1200")
    refused = books.post("customerPaymentJournals", {"code": "Y", "balancingAccountId": receivables.id})
    assert refused.code == "Application_FieldValidationException"


def test_a_refund_in_a_general_journal_raises_the_customers_balance(books: Books) -> None:
    journal = books.get("journals")["value"][0]
    customer = books.company.customers.first("number", "C1")
    checking = books.company.accounts.first("number", "1000")
    line = {
        "accountType": "Customer",
        "accountId": customer.id,
        "postingDate": "2026-06-15",
        "documentNumber": "R1",
        "amount": 25,
        "balanceAccountType": "G/L Account",
        "balancingAccountId": checking.id,
    }
    made = books.made(f"journals({journal['id']})/journalLines", line)
    assert (made["accountNumber"], made["accountType"], made["balanceAccountType"]) == (
        "C1",
        "Customer",
        "G_x002F_L_x0020_Account",
    )
    assert _posted(books, journal).status == 204
    assert books.company.customer_balance("C1") == 25
    assert books.trial_balance() == 0
    unknown = books.post(f"journals({journal['id']})/journalLines", {"accountId": customer.id})
    assert unknown.message == 'The "accountId" does not match to an Account.'


def test_a_bank_prepared_in_the_client_balances_to_its_own_account(books: Books) -> None:
    books.company.add_account("1010", "Bank", category="Assets")
    books.company.add_bank_account("B1", "Bank", "1010")
    batch = books.company.add_journal("BANK", balancing_bank="B1", number_series="CR")
    books.company.batch_series["CR"] = NumberSeries("CR", "CR001", books.environment.store.undo)
    payment = books.payment({"id": batch.id}, customerNumber="C1", amount=-10)
    assert payment["documentNumber"] == "CR001"
    assert books.payment({"id": batch.id}, customerNumber="C1", documentNumber="X9").message.startswith(
        "You may not enter numbers manually."
    )
    assert _posted(books, {"id": batch.id}).status == 204
    assert books.company.accounts.first("number", "1010").net_change == 10
    assert books.company.batch_series["CR"].next_number == "CR002"
    assert len(books.company.journal_lines) == 0


def test_the_batch_can_rename_itself_after_posting(books: Books) -> None:
    books.company.settings.increment_batch_name = True
    journal = books.journal("BATCH1")
    _pay(books, journal, -10)
    assert _posted(books, journal).status == 204
    assert books.get(f"customerPaymentJournals({journal['id']})").status == 404
    assert [row["code"] for row in books.get("customerPaymentJournals")["value"]] == ["BATCH2"]


def test_scheduled_journals_are_posted_by_the_job_queue(books: Books) -> None:
    books.company.settings.post_journals_with_job_queue = True
    journal = books.journal()
    _pay(books, journal, -10)
    assert _posted(books, journal).status == 204
    assert len(books.company.gl_entries) == 0
    run_job_queue(books.company)
    assert len(books.company.gl_entries) == 2


def test_deleting_a_batch_deletes_its_lines(books: Books) -> None:
    journal = books.journal()
    _pay(books, journal, -10)
    assert books.call("DELETE", f"customerPaymentJournals({journal['id']})", If_Match="*").status == 204
    assert len(books.company.journal_lines) == 0
