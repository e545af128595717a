"""Cancel, corrective credit memos and applied credit memos: what is refused, and what is left behind."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from bc_client import Books, account_line

BECAUSE = "You cannot cancel this posted sales invoice because "


def _correct(books: Books, invoice: dict[str, Any], action: str = "cancel") -> str:
    answer = books.act(f"salesInvoices({invoice['id']})", action)
    assert (answer.status, answer.code) == (400, "Application_DialogException")
    return answer.message


def _pay(books: Books, invoice: dict[str, Any], amount: int) -> None:
    journal = books.journal()
    made = books.payment(
        journal,
        customerNumber="C1",
        amount=-amount,
        postingDate="2026-06-16",
        documentNumber="P1",
        appliesToInvoiceId=invoice["id"],
    )
    assert made.status == 201
    assert books.act(f"journals({journal['id']})").status == 204


def _memo(books: Books, *lines: dict[str, Any], **header: Any) -> dict[str, Any]:
    return books.made("salesCreditMemos", {"customerNumber": "C1", "salesCreditMemoLines": list(lines), **header})


@pytest.mark.parametrize("action", ["cancel", "makeCorrectiveCreditMemo"])
def test_a_partly_or_wholly_paid_invoice_cannot_be_corrected(books: Books, action: str) -> None:
    invoice = books.posted()
    _pay(books, invoice, 40)
    assert _correct(books, invoice, action).startswith(f"{BECAUSE}it is fully or partially paid.")
    assert len(books.company.credit_memos) == 0


def test_a_draft_and_a_cancelled_invoice_cannot_be_cancelled(books: Books) -> None:
    assert _correct(books, books.invoice()) == "The action can be applied to a posted invoice only."
    invoice = books.posted()
    books.act(f"salesInvoices({invoice['id']})", "cancel")
    assert _correct(books, invoice) == "The invoice cannot be canceled because it has already been canceled."


def test_what_was_blocked_or_closed_since_stops_the_cancel_before_anything_is_made(books: Books) -> None:
    invoice = books.posted(postingDate="2026-06-01")
    books.company.set_posting_window(date(2026, 6, 10), None)
    assert "range of allowed posting dates" in _correct(books, invoice)
    books.company.settings.corrections_dated_today = True
    account = books.company.accounts.first("number", "4000")
    account.blocked = True
    assert _correct(books, invoice) == f"{BECAUSE}G/L account 4000 Sales is blocked."
    account.blocked = False
    books.company.add_default_dimension(account, "AREA", posting_validation="Code Mandatory")
    assert "the dimension rule setup for G/L Account 4000" in _correct(books, invoice)
    assert len(books.company.credit_memos) == 0


def test_a_mandatory_external_number_is_demanded_of_the_invoice(books: Books) -> None:
    invoice = books.posted()
    books.company.settings.external_document_number_mandatory = True
    assert _correct(books, invoice) == f"{BECAUSE}the external document number is required on the invoice."


@pytest.mark.parametrize("kept", [True, False])
def test_the_corrective_memo_is_found_by_the_invoices_number_in_either_reading(books: Books, kept: bool) -> None:
    books.company.settings.corrective_memo_keeps_external_number = kept
    invoice = books.posted(externalDocumentNumber="ST-7")
    books.act(f"salesInvoices({invoice['id']})", "cancel")
    [memo] = books.get(f"salesCreditMemos?$filter=invoiceNumber eq '{invoice['number']}'")["value"]
    assert (memo["status"], memo["externalDocumentNumber"]) == ("Corrective", "ST-7" if kept else "")
    assert memo["postingDate"] == invoice["postingDate"]


def test_a_corrective_memo_is_a_draft_until_somebody_posts_it(books: Books) -> None:
    invoice = books.posted()
    assert books.act(f"salesInvoices({invoice['id']})", "makeCorrectiveCreditMemo").status == 204
    [memo] = books.get("salesCreditMemos")["value"]
    assert (memo["status"], memo["invoiceId"]) == ("Draft", invoice["id"])
    assert books.get(f"salesInvoices({invoice['id']})")["status"] == "Open"
    books.act(f"salesCreditMemos({memo['id']})")
    assert books.get(f"salesInvoices({invoice['id']})")["status"] == "Paid"
    assert books.company.customer_balance("C1") == 0


@pytest.mark.parametrize("state", ["draft", "posted"])
def test_a_cancel_that_fails_leaves_its_credit_memo_behind(books: Books, state: str) -> None:
    books.company.settings.failing_cancel = state
    invoice = books.posted()
    message = _correct(books, invoice)
    assert message.startswith("Canceling the invoice failed because of the following error:")
    assert message.endswith("created but not posted." if state == "draft" else "A credit memo is posted.")
    [memo] = books.company.credit_memos
    assert memo.posted is (state == "posted")
    assert books.company.invoices.by_id(invoice["id"]).status == ("Open" if state == "draft" else "Paid")


@pytest.mark.parametrize("refused", [False, True])
def test_an_invoice_of_zero_can_be_cancelled_or_not_by_switch(books: Books, refused: bool) -> None:
    books.company.settings.refuse_correcting_zero_invoices = refused
    invoice = books.posted(account_line(80), account_line(-80, account="4100"))
    if refused:
        assert "fully or partially paid" in _correct(books, invoice)
        return
    assert books.act(f"salesInvoices({invoice['id']})", "cancel").status == 204
    assert {entry.net_change for entry in books.company.accounts if entry.number in {"4000", "4100"}} == {0}


def test_a_credit_memo_that_applies_to_a_closed_invoice_cannot_be_posted(books: Books) -> None:
    invoice = books.posted()
    _pay(books, invoice, 100)
    memo = _memo(books, account_line(30), invoiceId=invoice["id"])
    answer = books.act(f"salesCreditMemos({memo['id']})")
    assert (answer.code, answer.message[:45]) == (
        "Application_DialogException",
        "There is no Cust. Ledger Entry within the fil",
    )
    assert books.get(f"salesCreditMemos({memo['id']})")["status"] == "Draft"
    books.patch(f"salesCreditMemos({memo['id']})", {"invoiceId": "00000000-0000-0000-0000-000000000000"})
    assert books.act(f"salesCreditMemos({memo['id']})").status == 204
    assert books.get(f"salesCreditMemos({memo['id']})")["status"] == "Open"


def test_the_surplus_of_a_credit_memo_stays_open(books: Books) -> None:
    invoice = books.posted()
    memo = _memo(books, account_line(130), invoiceId=invoice["id"])
    books.act(f"salesCreditMemos({memo['id']})")
    assert books.get(f"salesInvoices({invoice['id']})")["status"] == "Paid"
    assert books.get(f"salesCreditMemos({memo['id']})")["status"] == "Open"
    assert books.company.customer_balance("C1") == -30


def test_a_credit_memo_below_zero_is_refused_and_takes_no_shipping_address(books: Books) -> None:
    memo = _memo(books, account_line(-30))
    message = books.act(f"salesCreditMemos({memo['id']})").message
    assert message == "The total amount for the credit memo must be 0 or greater."
    assert books.post("salesCreditMemos", {"customerNumber": "C1", "shipToName": "X"}).status == 400
    assert books.post("salesCreditMemos", {"customerNumber": "C1", "invoiceDate": "2026-06-01"}).status == 400


def test_a_memo_carries_the_dimensions_of_its_lines_into_the_ledger(books: Books) -> None:
    dimensions = [{"code": "AREA", "valueCode": "10"}]
    memo = _memo(books, account_line(30, dimensionSetLines=dimensions), dimensionSetLines=dimensions[:0])
    books.act(f"salesCreditMemos({memo['id']})")
    assert [(e.account_number, e.dimensions, e.amount) for e in books.company.gl_entries] == [
        ("4000", {"AREA": "10"}, Decimal(30)),
        ("1200", {}, Decimal(-30)),
    ]


@pytest.mark.parametrize("reading", ["accepted", "ignored", "refused"])
def test_dimensions_nested_in_a_header_are_taken_dropped_or_refused_by_switch(books: Books, reading: str) -> None:
    books.environment.switches.nested_dimensions["salesInvoices"] = reading
    body = {"customerNumber": "C1", "dimensionSetLines": [{"code": "AREA", "valueCode": "10"}]}
    answer = books.post("salesInvoices", {**body, "salesInvoiceLines": [account_line(5)]})
    assert answer.status == (400 if reading == "refused" else 201)
    held = [row.dimensions for row in [*books.company.invoices, *books.company.invoice_lines]]
    assert held == {"accepted": [{"AREA": "10"}] * 2, "ignored": [{}, {}], "refused": []}[reading]


def test_rules_of_the_receivables_account_reach_invoices_and_payments(books: Books) -> None:
    receivables = books.company.accounts.first("number", "1200")
    books.company.add_default_dimension(receivables, "AREA", posting_validation="Code Mandatory")
    draft = books.invoice()
    wanted = "Select a Dimension Value Code for the Dimension Code AREA for G/L Account 1200."
    assert books.act(f"salesInvoices({draft['id']})").message.endswith(wanted)
    journal = books.journal()
    line = books.payment(journal, customerNumber="C1", amount=-5, documentNumber="P1", postingDate="2026-06-16")
    assert books.act(f"journals({journal['id']})").message.endswith(wanted)
    books.made(f"customerPayments({line['id']})/dimensionSetLines", {"code": "AREA", "valueCode": "10"})
    assert books.act(f"journals({journal['id']})").status == 204


def test_a_customers_default_dimensions_come_with_the_customer(books: Books) -> None:
    customer = books.company.customers.first("number", "C1")
    books.company.add_default_dimension(customer, "AREA", "30", "Same Code")
    [row] = books.get("customers?$filter=number eq 'C1'&$expand=defaultDimensions")["value"]
    [rule] = row["defaultDimensions"]
    assert (rule["dimensionCode"], rule["dimensionValueCode"]) == ("AREA", "30")
    assert rule["postingValidation"] == "Same_x0020_Code"
    nested = account_line(5, dimensionSetLines=[{"code": "AREA", "valueCode": "30"}])
    refused = books.post("salesInvoices", {"customerNumber": "C1", "salesInvoiceLines": [nested]})
    assert refused.message.startswith("The dimension set line already exists.")


def test_a_dimension_that_a_customer_must_not_have_stops_the_posting(books: Books) -> None:
    books.company.add_default_dimension(
        books.company.customers.first("number", "C1"), "AREA", posting_validation="No Code"
    )
    draft = books.invoice(dimensionSetLines=[{"code": "AREA", "valueCode": "10"}])
    assert "AREA must not be used with Customer C1" in books.act(f"salesInvoices({draft['id']})").message
