"""The 36 traps of the facts, section 15, and the corrections of section 16, each by its number.

A trap is either asserted against the simulator or listed as being about something else than this server.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest
from bc_client import Books, account_line, item_line

from stsync.sandbox.businesscentral.accounting.sales_documents import release

NOT_ABOUT_THIS_SERVER = {
    "28": "webhooks are not modelled: there are no subscriptions to lose",
    "36": "a lost or late answer is scripted by the fault layer around the app, which runs the request first",
    "16.8": "MSAL against a private authority concerns the token server and the client",
}
ZERO = "00000000-0000-0000-0000-000000000000"
TRAPS: dict[str, Callable[[Books], None]] = {}


def trap(*numbers: str) -> Callable[[Callable[[Books], None]], Callable[[Books], None]]:
    def register(check: Callable[[Books], None]) -> Callable[[Books], None]:
        TRAPS.update(dict.fromkeys(numbers, check))
        return check

    return register


def _pay(books: Books, journal: dict[str, Any], amount: Any, **more: Any) -> dict[str, Any]:
    fields = {"customerNumber": "C1", "postingDate": "2026-06-15", "documentNumber": "P1", "amount": amount, **more}
    return books.payment(journal, **fields).body


@trap("1")
def open_does_not_mean_posted(books: Books) -> None:
    draft = books.invoice()
    release(books.company, books.company.invoices.by_id(draft["id"]))
    assert books.get(f"salesInvoices({draft['id']})")["status"] == "Open"
    assert len(books.company.gl_entries) == 0


@trap("2")
def the_api_id_survives_and_the_record_has_another(books: Books) -> None:
    row = books.company.invoices.by_id(books.posted()["id"])
    assert row.posted
    assert row.record_id not in {"", row.id}


@trap("3")
def a_positive_payment_fails_only_at_posting(books: Books) -> None:
    journal = books.journal()
    assert _pay(books, journal, 1500)["amount"] == 1500
    answer = books.act(f"journals({journal['id']})")
    assert answer.message.startswith("Amount must be negative in Gen. Journal Line")


@trap("4")
def payment_journals_have_no_post_action(books: Books) -> None:
    journal = books.journal()
    _pay(books, journal, -1)
    refused = books.act(f"customerPaymentJournals({journal['id']})")
    assert refused.code == "BadRequest_MethodNotImplemented"
    assert books.act(f"journals({journal['id']})").status == 204


@trap("5")
def posting_takes_every_line_of_the_batch(books: Books) -> None:
    journal = books.journal()
    _pay(books, journal, -1)
    books.token = "somebody-else"
    _pay(books, journal, -2, documentNumber="THEIRS")
    books.token = "client-1"
    books.act(f"journals({journal['id']})")
    assert books.company.customer_ledger.first("document_number", "THEIRS") is not None


@trap("6")
def a_batch_of_the_api_has_neither_series_nor_balance_account(books: Books) -> None:
    journal = books.journal(balanced=False)
    assert (journal["balancingAccountId"], journal["balancingAccountNumber"]) == (ZERO, "")
    payment = books.payment(journal, customerNumber="C1", amount=-1)
    assert payment["documentNumber"] == ""
    assert books.act(f"journals({journal['id']})").message.startswith("Document No. must have a value")
    books.patch(f"customerPayments({payment['id']})", {"documentNumber": "P1"})
    assert "is out of balance by" in books.act(f"journals({journal['id']})").message


@trap("7")
def a_general_journals_id_writes_into_the_cash_batch_of_that_name(books: Books) -> None:
    general = books.company.journals.first("code", "DEFAULT")
    body = {"journalId": general.id, "customerNumber": "C1", "amount": -1}
    assert books.post("customerPayments", body).code == "Internal_InvalidTableRelation"
    cash = books.company.add_journal("DEFAULT")
    assert books.made("customerPayments", body)["journalId"] == cash.id


@trap("8")
def a_blank_line_with_the_old_date_stays_and_feeds_defaults(books: Books) -> None:
    journal = books.journal()
    _pay(books, journal, -1, postingDate="2026-01-31", documentNumber="P9")
    books.act(f"journals({journal['id']})")
    assert books.get(f"customerPaymentJournals({journal['id']})/customerPayments")["value"] == []
    assert books.get(f"journals({journal['id']})/journalLines")["value"] == []
    assert books.act(f"journals({journal['id']})").status == 204
    following = books.payment(journal, customerNumber="C1", amount=-1)
    assert (following["postingDate"], following["documentNumber"], following["lineNumber"]) == (
        "2026-01-31",
        "P10",
        20000,
    )
    general = books.company.journals.first("code", "DEFAULT")
    checking = books.company.accounts.first("number", "1000").id
    sales = books.company.accounts.first("number", "4000").id
    line = {"accountId": sales, "amount": 5, "documentNumber": "G1", "balancingAccountId": checking}
    books.made(f"journals({general.id})/journalLines", line)
    books.act(f"journals({general.id})")
    seed = books.get(f"journals({general.id})/journalLines")["value"][0]
    assert (seed["lineNumber"], seed["documentNumber"], seed["accountNumber"]) == (10000, "G2", "")


@trap("9")
def posted_payments_vanish_and_a_second_one_is_accepted(books: Books) -> None:
    journal = books.journal()
    for _ in range(2):
        payment = _pay(books, journal, -10, externalDocumentNumber="E1")
        assert books.act(f"journals({journal['id']})").status == 204
        assert books.get(f"customerPayments({payment['id']})").status == 404
    assert books.get("customerLedgerEntries").code == "BadRequest_NotFound"
    assert [e.amount for e in books.company.customer_ledger] == [-10, -10]


@trap("10")
def external_numbers_of_sales_are_not_unique(books: Books) -> None:
    assert books.posted(externalDocumentNumber="X")["id"] != books.posted(externalDocumentNumber="X")["id"]


@trap("11")
def a_partial_payment_does_not_stamp_the_invoice(books: Books) -> None:
    invoice = books.posted()
    journal = books.journal()
    _pay(books, journal, -40, appliesToInvoiceId=invoice["id"])
    books.act(f"journals({journal['id']})")
    after = books.get(f"salesInvoices({invoice['id']})")
    assert (after["remainingAmount"], after["@odata.etag"]) == (60, invoice["@odata.etag"])


@trap("12")
def reading_a_draft_can_write(books: Books) -> None:
    draft = books.invoice()
    path = f"salesInvoices({draft['id']})"
    assert books.get(path)["lastModifiedDateTime"] == books.get(path)["lastModifiedDateTime"]
    books.environment.switches.draft_reads_write = True
    assert books.get(path)["lastModifiedDateTime"] < books.get(path)["lastModifiedDateTime"]


@trap("13")
def fields_before_the_object_or_the_quantity_are_wiped(books: Books) -> None:
    line = {"unitPrice": 10, "lineType": "Item", "lineObjectNumber": "SVC", "discountPercent": 50, "quantity": 2}
    draft = books.invoice(line)
    read = books.get(f"salesInvoices({draft['id']})/salesInvoiceLines")["value"][0]
    assert (read["unitPrice"], read["discountPercent"], read["netAmount"]) == (95, 0, 190)


@trap("14")
def a_tax_code_reads_back_differently_under_vat(books: Books) -> None:
    company = books.company
    assert _tax_code(books, "PARTS") == "PARTS"
    company.settings.tax_mode = "vat"
    company.add_tax_group("FULL", identifier="VAT20")
    company.add_tax_area("DOMESTIC", rates={"FULL": Decimal(20), "": Decimal(0)})
    assert _tax_code(books, "FULL") == "VAT20"


def _tax_code(books: Books, sent: str) -> str:
    draft = books.invoice(item_line("SVC", 10, taxCode=sent))
    return str(books.get(f"salesInvoices({draft['id']})/salesInvoiceLines")["value"][0]["taxCode"])


@trap("15")
def a_post_code_rewrites_the_address_and_a_country_clears_it(books: Books) -> None:
    books.company.add_post_code("75001", "Addison", "TX", "US")
    body = {"displayName": "A", "country": "US", "city": "Mine", "postalCode": "75001"}
    made = books.made("customers", body)
    assert (made["city"], made["state"]) == ("Addison", "TX")
    assert books.patch(f"customers({made['id']})", {"country": "MX"})["postalCode"] == ""


@trap("16")
def a_customer_without_posting_groups_fails_at_its_first_invoice(books: Books) -> None:
    books.company.settings.customer_template = False
    made = books.made("customers", {"number": "N1", "displayName": "A"})
    answer = books.post("salesInvoices", {"customerId": made["id"]})
    assert answer.message == (
        "Gen. Bus. Posting Group must have a value in Customer: No.=N1. It cannot be zero or empty."
    )


@trap("17")
def another_customer_recreates_the_lines(books: Books) -> None:
    draft = books.invoice(item_line("SVC", 10, description="mine"))
    path = f"salesInvoices({draft['id']})"
    before = books.get(f"{path}/salesInvoiceLines")["value"][0]
    books.patch(path, {"customerNumber": "C2"})
    after = books.get(f"{path}/salesInvoiceLines")["value"][0]
    assert after["id"] != before["id"]
    assert (after["unitPrice"], after["description"]) == (95, "Service call")


@trap("18")
def a_defaulted_dimension_cannot_be_posted_again(books: Books) -> None:
    customer = books.company.customers.first("number", "C1")
    books.company.add_default_dimension(customer, "AREA", "10")
    draft = books.invoice()
    path = f"salesInvoices({draft['id']})/dimensionSetLines"
    refused = books.post(path, {"code": "AREA", "valueCode": "20"})
    assert refused.message.startswith("The dimension set line already exists.")
    area = books.company.dimensions.first("code", "AREA").id
    assert books.patch(f"{path}({area})", {"valueCode": "20"})["valueCode"] == "20"
    nested = account_line(1, dimensionSetLines=[{"code": "AREA", "valueCode": "20"}])
    assert books.post("salesInvoices", {"customerNumber": "C1", "salesInvoiceLines": [nested]}).status == 400


@trap("19")
def header_dimensions_reach_only_later_lines(books: Books) -> None:
    draft = books.invoice()
    path = f"salesInvoices({draft['id']})"
    books.made(f"{path}/dimensionSetLines", {"code": "AREA", "valueCode": "10"})
    books.made(f"{path}/salesInvoiceLines", account_line(1))
    lines = books.get(f"{path}/salesInvoiceLines?$expand=dimensionSetLines")["value"]
    assert [len(row["dimensionSetLines"]) for row in lines] == [0, 1]


@trap("20")
def only_the_first_problem_is_reported(books: Books) -> None:
    books.company.set_posting_window(books.clock.now.date(), None)
    draft = books.invoice(account_line(-1), postingDate="2020-01-01")
    first = books.act(f"salesInvoices({draft['id']})")
    assert (first.code, first.message) == (
        "Application_DialogException",
        "Posting Date is not within your range of allowed posting dates.",
    )
    books.patch(f"salesInvoices({draft['id']})", {"postingDate": "2026-06-15"})
    assert books.act(f"salesInvoices({draft['id']})").message.startswith("The total amount for the invoice")


@trap("21", "16.2")
def posting_commits_inside_a_snapshot(books: Books) -> None:
    journal = books.journal()
    _pay(books, journal, -1)
    draft = books.invoice()
    fails = books.inner("POST", "customers", {"number": "C1", "displayName": "again"})
    answer = books.batch(
        books.inner("POST", f"salesInvoices({draft['id']})/Microsoft.NAV.post"),
        books.inner("POST", f"journals({journal['id']})/Microsoft.NAV.post"),
        books.inner("POST", "customers", {"number": "LOST", "displayName": "x"}),
        fails,
        Isolation="snapshot",
    )
    assert [each["status"] for each in answer["responses"]] == [204, 204, 201, 400]
    assert len(books.company.customer_ledger) == 2
    assert books.company.customers.first("number", "LOST") is None


@trap("22")
def a_patch_without_a_token_is_400_and_a_stale_one_409(books: Books) -> None:
    made = books.made("customers", {"displayName": "A"})
    path = f"customers({made['id']})"
    missing = books.call("PATCH", path, {"city": "x"})
    assert (missing.status, missing.code) == (400, "BadRequest_InvalidToken")
    books.patch(path, {"city": "x"})
    stale = books.patch(path, {"city": "y"}, tag=made["@odata.etag"])
    assert (stale.status, stale.code) == (409, "Request_EntityChanged")


@trap("23")
def a_job_queue_answers_204_and_posts_nothing(books: Books) -> None:
    books.company.settings.post_journals_with_job_queue = True
    journal = books.journal()
    _pay(books, journal, -1)
    assert books.act(f"journals({journal['id']})").status == 204
    assert len(books.company.gl_entries) == 0


@trap("24")
def a_body_that_was_read_cannot_be_written_back(books: Books) -> None:
    row = books.get("customers")["value"][0]
    answer = books.patch(f"customers({row['id']})", row)
    assert (answer.status, answer.code) == (400, "BadRequest_InvalidOperation")
    draft = books.invoice()
    number = books.patch(f"salesInvoices({draft['id']})", {"number": "X"})
    assert number.message == "Control 'number' is read-only."


@trap("25")
def a_due_date_sticks_on_create_and_is_recomputed_by_a_patch(books: Books) -> None:
    terms = books.company.payment_terms.first("code", "30D").id
    draft = books.invoice(dueDate="2027-01-01", paymentTermsId=terms, invoiceDate="2026-06-01")
    assert draft["dueDate"] == "2027-01-01"
    changed = books.patch(f"salesInvoices({draft['id']})", {"dueDate": "2027-01-01", "invoiceDate": "2026-06-02"})
    assert changed["dueDate"] == "2026-07-02"


@trap("26")
def or_over_two_fields_fails_and_lambdas_pass_everything(books: Books) -> None:
    expression = quote("number eq 'C1' or city eq 'x'")
    refused = books.get(f"customers?$filter={expression}")
    assert refused.message == "The 'OR' operator is not supported on distinct fields on an OData filter."
    every = books.get("customers?$filter=defaultDimensions/any(d:d/dimensionCode eq 'NOPE')")
    assert len(every["value"]) == 2


@trap("27")
def lists_of_lines_need_their_parent(books: Books) -> None:
    draft = books.invoice()
    journal = books.journal()
    _pay(books, journal, -1)
    assert books.get("salesInvoiceLines").message == "You must specify an Id or a Document Id to get the lines."
    text = "You must specify a journal batch ID or a journal ID to get a journal line."
    assert books.get("customerPayments").message == text
    assert books.get("journalLines").message == text
    assert len(books.get(f"salesInvoiceLines?$filter=documentId eq {draft['id']}")["value"]) == 1
    assert len(books.get(f"customerPayments?$filter=journalId eq {journal['id']}")["value"]) == 1


@trap("29")
def five_requests_at_a_time_per_user(books: Books) -> None:
    switches = books.environment.switches
    assert (switches.concurrent_requests, switches.queue_length, switches.rate_limit) == (5, 95, 6000)


@trap("30")
def a_posted_invoice_takes_four_fields_and_nothing_beside_them(books: Books) -> None:
    path = f"salesInvoices({books.posted()['id']})"
    changed = books.patch(path, {"dueDate": "2026-12-01", "promisedPayDate": "2026-12-02"})
    assert (changed["dueDate"], changed["promisedPayDate"]) == ("2026-12-01", "2026-12-02")
    refused = books.patch(path, {"dueDate": "2026-12-03", "externalDocumentNumber": "X"})
    assert refused.message == "The invoice has been posted and can no longer be modified."
    assert books.get(path)["dueDate"] == "2026-12-01"


@trap("31")
def a_patched_number_renames_the_customer(books: Books) -> None:
    posted = books.posted()
    assert books.patch(f"customers({posted['customerId']})", {"number": "NEW"}).status == 200
    assert books.get(f"salesInvoices({posted['id']})")["customerNumber"] == "NEW"
    assert books.company.customer_balance("NEW") == 100


@trap("32")
def local_currency_has_a_code_and_no_id(books: Books) -> None:
    draft = books.invoice()
    assert (draft["currencyCode"], draft["currencyId"]) == ("USD", ZERO)
    assert books.get("currencies")["value"] == []


@trap("33")
def sales_stop_at_yesterday_and_the_aged_report_ends_with_a_total(books: Books) -> None:
    posted = books.posted()
    details = books.get(f"customers({posted['customerId']})/customerFinancialDetails")
    assert (details["balance"], details["totalSalesExcludingTax"]) == (100, 0)
    rows = books.get("agedAccountsReceivables")["value"]
    assert (rows[-1]["customerId"], rows[-1]["name"], rows[-1]["balanceDue"]) == (ZERO, "Total", 100)


@trap("34")
def a_corrective_credit_memo_is_a_draft_and_cancel_posts_one(books: Books) -> None:
    path = f"salesInvoices({books.posted()['id']})"
    assert books.act(path, "makeCorrectiveCreditMemo").status == 204
    assert [row["status"] for row in books.get("salesCreditMemos")["value"]] == ["Draft"]
    assert books.act(path, "cancel").status == 204
    assert sorted(row["status"] for row in books.get("salesCreditMemos")["value"]) == ["Corrective", "Draft"]


@trap("35")
def enums_come_back_encoded_and_go_in_either_way(books: Books) -> None:
    assert books.get("customers")["value"][0]["blocked"] == "_x0020_"
    for blank in (" ", "_x0020_"):
        assert books.made("customers", {"displayName": "A", "blocked": blank})["blocked"] == "_x0020_"


@trap("16.1")
def a_changed_line_loses_its_share_of_the_invoice_discount(books: Books) -> None:
    draft = books.invoice(item_line("SVC", 10))
    path = f"salesInvoices({draft['id']})"
    assert books.patch(path, {"discountAmount": 4})["totalAmountExcludingTax"] == 6
    line = books.get(f"{path}/salesInvoiceLines")["value"][0]["id"]
    books.patch(f"salesInvoiceLines({line})", {"unitPrice": 20})
    assert (books.get(path)["discountAmount"], books.get(path)["totalAmountExcludingTax"]) == (0, 20)


@trap("16.3")
def a_global_default_dimension_stamps_the_customer(books: Books) -> None:
    books.company.settings.global_dimensions = ("AREA", "")
    row = books.get("customers")["value"][0]
    area = books.company.dimensions.first("code", "AREA").id
    books.made(f"customers({row['id']})/defaultDimensions", {"dimensionId": area})
    assert books.get(f"customers({row['id']})")["lastModifiedDateTime"] > row["lastModifiedDateTime"]


@trap("16.4")
def a_corrective_credit_memo_for_a_partly_paid_invoice_is_an_error(books: Books) -> None:
    invoice = books.posted()
    journal = books.journal()
    _pay(books, journal, -1, appliesToInvoiceId=invoice["id"])
    books.act(f"journals({journal['id']})")
    answer = books.act(f"salesInvoices({invoice['id']})", "makeCorrectiveCreditMemo")
    assert answer.message.startswith(
        "You cannot cancel this posted sales invoice because it is fully or partially paid"
    )
    assert len(books.company.credit_memos) == 0


@trap("16.5")
def a_named_account_with_amount_zero_fails_at_posting(books: Books) -> None:
    journal = books.journal()
    _pay(books, journal, 0)
    assert books.act(f"journals({journal['id']})").message.startswith("Amount must have a value")


@trap("16.6")
def a_posting_date_drags_the_invoice_date(books: Books) -> None:
    draft = books.invoice()
    path = f"salesInvoices({draft['id']})"
    assert books.patch(path, {"postingDate": "2026-06-01"})["invoiceDate"] == "2026-06-01"
    assert books.patch(path, {"postingDate": "2026-06-02", "invoiceDate": "2026-05-01"})["invoiceDate"] == "2026-05-01"


@trap("16.7")
def a_batch_answers_multipart_unless_json_is_asked_for(books: Books) -> None:
    request = books.inner("GET", "customers/$count")
    assert books.batch(request, Accept="*/*").headers["Content-Type"].startswith("multipart/mixed")
    assert books.batch(request)["responses"][0]["status"] == 200


@pytest.mark.parametrize("number", list(TRAPS))
def test_the_trap_is_in_the_simulator(books: Books, number: str) -> None:
    TRAPS[number](books)


def test_every_trap_is_asserted_or_said_to_be_about_something_else() -> None:
    numbers = {str(n) for n in range(1, 37)} | {f"16.{n}" for n in range(1, 9)}
    assert set(TRAPS) | set(NOT_ABOUT_THIS_SERVER) == numbers
    assert not set(TRAPS) & set(NOT_ABOUT_THIS_SERVER)
