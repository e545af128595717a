"""What the accountant does by hand: opening balances, hand-made documents, applications; and reports as of a day."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from bc_client import Books

from stsync.sandbox.businesscentral import Accountant, HandLine

APRIL, JUNE = date(2026, 4, 30), date(2026, 6, 1)


@pytest.fixture
def desk(books: Books) -> Accountant:
    books.company.add_account("3000", "Opening balances", category="Equity")
    return Accountant(books.company)


def _opened(desk: Accountant) -> None:
    desk.opening_entry("C1", "OB-1", Decimal(250), on=APRIL, balancing_account="3000")


def test_an_opening_entry_takes_a_payment_by_its_number_and_never_by_an_id(books: Books, desk: Accountant) -> None:
    _opened(desk)
    assert books.get("salesInvoices")["value"] == []
    journal = books.journal()
    line = books.payment(
        journal,
        customerNumber="C1",
        postingDate="2026-06-02",
        amount=-200,
        documentNumber="P1",
        appliesToInvoiceNumber="OB-1",
    )
    assert line["appliesToInvoiceId"] == "00000000-0000-0000-0000-000000000000"
    assert books.act(f"journals({journal['id']})").status == 204
    assert desk.entry("OB-1").remaining == 50
    assert books.company.customer_balance("C1") == 50
    assert books.trial_balance() == 0


def test_a_payment_dated_before_the_opening_entry_is_refused_in_a_balanced_batch(
    books: Books, desk: Accountant
) -> None:
    _opened(desk)
    line = {"customerNumber": "C1", "amount": -1, "documentNumber": "P1", "appliesToInvoiceNumber": "OB-1"}
    answer = books.payment(books.journal(), **line, postingDate="2026-04-01")
    assert answer.message.startswith("You are not allowed to apply and post an entry to an entry with an earlier")


def test_an_invoice_number_that_an_opening_entry_has_is_taken(books: Books, desk: Accountant) -> None:
    desk.opening_entry("C1", "PS-INV103001", Decimal(10), on=APRIL, balancing_account="3000")
    draft = books.invoice()
    assert books.act(f"salesInvoices({draft['id']})").message == "Sales Invoice PS-INV103001 already exists."


def test_an_old_invoice_is_brought_over_under_its_old_number(books: Books, desk: Accountant) -> None:
    line = HandLine("4000", Decimal(75), dimensions=(("AREA", "10"),))
    old = desk.sales_invoice("C1", [line], on=APRIL, number="OLD-9", external_number="71")
    assert (old.number, old.status, old.total) == ("OLD-9", "Open", 75)
    assert books.posted()["number"] == "PS-INV103001"
    assert [e.dimensions for e in books.company.gl_entries if e.document_number == "OLD-9"] == [{"AREA": "10"}, {}]


def test_applying_by_hand_closes_the_invoice_and_unapplying_opens_it(books: Books, desk: Accountant) -> None:
    invoice = books.posted(postingDate="2026-06-10")
    paid = desk.payment("C1", "P1", Decimal(100), on=JUNE, balancing_account="1000")
    assert books.get(f"salesInvoices({invoice['id']})")["remainingAmount"] == 100
    assert desk.apply(paid, desk.entry(invoice["number"])) == 100
    shown = books.get(f"salesInvoices({invoice['id']})")
    assert (shown["status"], shown["remainingAmount"]) == ("Paid", 0)
    desk.unapply(paid)
    shown = books.get(f"salesInvoices({invoice['id']})")
    assert (shown["status"], shown["remainingAmount"]) == ("Open", 100)


def test_aged_receivables_as_of_a_day_do_not_know_what_was_applied_later(books: Books, desk: Accountant) -> None:
    books.environment.switches.aged_report_honours_date = True
    _opened(desk)
    desk.payment("C1", "P1", Decimal(250), on=date(2026, 6, 10), balancing_account="1000", applies_to="OB-1")
    for day, owed in (("2026-04-29", 0), ("2026-06-09", 250), ("2026-06-10", 0)):
        rows = books.get(f"agedAccountsReceivables?$filter=agedAsOfDate eq {day}")["value"]
        assert {row["customerNumber"]: row["balanceDue"] for row in rows} == {"C1": owed, "C2": 0, "": owed}


def test_a_reversed_payment_opens_its_invoice_and_leaves_nothing_in_the_ledger(books: Books, desk: Accountant) -> None:
    invoice = books.posted()
    desk.payment("C1", "P1", Decimal(100), on=JUNE, balancing_account="1000", applies_to=invoice["number"])
    desk.reverse_payment("P1")
    assert books.get(f"salesInvoices({invoice['id']})")["remainingAmount"] == 100
    sums = [entry.amount for entry in books.company.gl_entries if entry.document_number == "P1"]
    assert (len(sums), sum(sums)) == (4, 0)


def test_a_journal_by_hand_must_balance_and_a_dimension_correction_changes_the_ledger(
    books: Books, desk: Accountant
) -> None:
    with pytest.raises(ValueError, match="does not balance"):
        desk.journal("J1", JUNE, [HandLine("4000", Decimal(5))])
    entries = desk.journal("J1", JUNE, [HandLine("4000", Decimal(-5)), HandLine("1000", Decimal(5))])
    desk.correct_dimension(entries[:1], "AREA", "20")
    [shown] = books.get("generalLedgerEntries?$filter=accountNumber eq '4000'&$expand=dimensionSetLines")["value"]
    assert (shown["documentType"], shown["dimensionSetLines"][0]["valueCode"]) == ("_x0020_", "20")


def test_a_refund_through_a_general_journal_is_balanced_line_by_line(books: Books) -> None:
    """BC facts 2.11: customer lines with a blank document type, positive amounts, their own balancing account."""
    journal = books.made("journals", {"code": "STREFUND", "displayName": "Refunds"})
    customer, checking = (
        books.company.customers.first("number", "C1"),
        books.company.accounts.first("number", "1000"),
    )
    body = {
        "accountType": "Customer",
        "accountId": customer.id,
        "postingDate": "2026-06-10",
        "documentNumber": "ST-P9",
        "amount": 40,
        "balanceAccountType": "G_x002F_L_x0020_Account",
        "balancingAccountId": checking.id,
    }
    made = books.made(f"journals({journal['id']})/journalLines", body)
    assert (made["accountNumber"], made["balancingAccountNumber"]) == ("C1", "1000")
    assert books.act(f"journals({journal['id']})").status == 204
    shown = books.get("generalLedgerEntries?$filter=documentNumber eq 'ST-P9'")["value"]
    assert {(row["accountNumber"], row["documentType"], row["debitAmount"]) for row in shown} == {
        ("1200", "_x0020_", 40),
        ("1000", "_x0020_", 0),
    }
    [seed] = books.get(f"journals({journal['id']})/journalLines")["value"]
    assert (seed["accountNumber"], seed["amount"], seed["documentNumber"]) == ("", 0, "ST-P10")
    assert (seed["accountType"], seed["postingDate"]) == ("Customer", "2026-06-10")


def test_a_batch_whose_name_counts_up_is_another_journal_after_posting(books: Books) -> None:
    books.company.settings.increment_batch_name = True
    journal = books.made("journals", {"code": "REF1", "displayName": "Refunds"})
    lines = (("4000", -5), ("1000", 5))
    for account, amount in lines:
        body = {"accountType": "G/L Account", "accountNumber": account, "amount": amount, "documentNumber": "J1"}
        books.made(f"journals({journal['id']})/journalLines", {**body, "postingDate": "2026-06-10"})
    assert books.act(f"journals({journal['id']})").status == 204
    assert books.get(f"journals({journal['id']})").status == 404
    assert "REF2" in {row["code"] for row in books.get("journals")["value"]}
