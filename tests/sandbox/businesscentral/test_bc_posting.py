"""Posting of invoices and credit memos: double entry, states, refusals, corrections."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from bc_client import Books, account_line, item_line

from stsync.sandbox.businesscentral.accounting.sales_documents import release

AREA_10 = {"dimensionSetLines": [{"code": "AREA", "valueCode": "10"}]}
AREA_20 = {"dimensionSetLines": [{"code": "AREA", "valueCode": "20"}]}


def _refusal(books: Books, invoice_id: str) -> str:
    entries = len(books.company.gl_entries)
    answer = books.act(f"salesInvoices({invoice_id})")
    assert (answer.status, answer.code) == (400, "Application_DialogException")
    assert len(books.company.gl_entries) == entries
    assert books.get(f"salesInvoices({invoice_id})")["status"] == "Draft"
    return answer.message


def test_posting_books_receivables_revenue_by_dimension_and_tax(books: Books) -> None:
    posted = books.posted(
        account_line(100, **AREA_10),
        account_line(50, **AREA_10),
        account_line(30, **AREA_20),
        item_line("SVC", 200, taxCode="PARTS"),
        customerNumber="C2",
    )
    rows = [(e.account_number, e.dimensions.get("AREA", ""), e.amount) for e in books.company.gl_entries]
    assert rows == [
        ("4000", "10", Decimal(-150)),
        ("4000", "20", Decimal(-30)),
        ("4000", "", Decimal(-200)),
        ("2200", "", Decimal("-16.50")),
        ("1200", "", Decimal("396.50")),
    ]
    assert books.trial_balance() == 0
    entry = books.company.customer_ledger.first("document_number", posted["number"])
    assert (entry.customer_number, entry.amount, entry.remaining) == ("C2", Decimal("396.50"), Decimal("396.50"))
    assert books.company.accounts.first("number", "1200").net_change == Decimal("396.50")


def test_the_id_survives_posting_and_the_number_becomes_the_posted_one(books: Books) -> None:
    draft = books.invoice(externalDocumentNumber="st-7")
    assert draft["status"] == "Draft"
    books.act(f"salesInvoices({draft['id']})")
    posted = books.get(f"salesInvoices({draft['id']})").body
    assert (posted["number"], posted["status"], posted["remainingAmount"]) == ("PS-INV103001", "Open", 100)
    row = books.company.invoices.by_id(draft["id"])
    assert row.record_id != row.id
    entries = books.get("generalLedgerEntries?$filter=documentNumber eq 'PS-INV103001'")["value"]
    assert {entry["documentType"] for entry in entries} == {"Invoice"}
    assert sum(entry["debitAmount"] - entry["creditAmount"] for entry in entries) == 0


def test_a_second_post_is_refused_without_harm(books: Books) -> None:
    posted = books.posted()
    again = books.act(f"salesInvoices({posted['id']})")
    assert again.message == "The action can be applied to a draft invoice only."
    assert len(books.company.customer_ledger) == 1


def test_an_invoice_without_lines_or_amounts_is_refused(books: Books) -> None:
    empty = books.made("salesInvoices", {"customerNumber": "C1"})
    assert _refusal(books, empty["id"]) == "Please add at least one line item to the invoice."
    nothing = books.invoice(account_line(5, quantity=0))
    assert _refusal(books, nothing["id"]).startswith("There is nothing to post because the document")
    negative = books.invoice(account_line(-5))
    assert _refusal(books, negative["id"]) == "The total amount for the invoice must be 0 or greater."


def test_plus_and_minus_lines_that_cancel_out_are_posted_and_paid_at_once(books: Books) -> None:
    posted = books.posted(account_line(80), account_line(-80, account="4100"))
    assert (posted["status"], posted["remainingAmount"]) == ("Paid", 0)
    assert [(e.account_number, e.amount) for e in books.company.gl_entries] == [("4000", -80), ("4100", 80)]


def test_dates_outside_the_window_are_refused(books: Books) -> None:
    books.company.set_posting_window(date(2026, 6, 1), date(2026, 6, 30))
    text = "Posting Date is not within your range of allowed posting dates."
    assert _refusal(books, books.invoice(postingDate="2026-05-31")["id"]) == text
    books.company.settings.user_posting_windows["client-1"] = (date(2026, 5, 1), None)
    assert books.act(f"salesInvoices({books.invoice(postingDate='2026-05-31')['id']})").status == 204
    setup = books.get("generalLedgerSetup")["value"][0]
    assert (setup["allowPostingFrom"], setup["allowPostingTo"]) == ("2026-06-01", "2026-06-30")


def test_a_customer_blocked_after_the_draft_stops_the_posting(books: Books) -> None:
    draft = books.invoice()
    books.company.customers.first("number", "C1").blocked = "Invoice"
    assert _refusal(books, draft["id"]) == (
        "You cannot post this type of document when Customer C1 is blocked with type Invoice"
    )


def test_a_missing_posting_set_up_is_named(books: Books) -> None:
    books.company.items.first("number", "SVC").gen_prod_posting_group = "OTHER"
    message = _refusal(books, books.invoice(item_line("SVC", 10))["id"])
    assert message.startswith("The General Posting Setup does not exist.")
    books.company.sales_accounts["DOMESTIC", "OTHER"] = ""
    assert _refusal(books, books.invoice(item_line("SVC", 10))["id"]).startswith("Sales Account is missing")


def test_mandatory_dimensions_of_customer_item_and_account_are_enforced(books: Books) -> None:
    company = books.company
    account = company.accounts.first("number", "4000")
    company.add_default_dimension(account, "AREA", posting_validation="Code Mandatory")
    message = _refusal(books, books.invoice()["id"])
    assert message.endswith("Select a Dimension Value Code for the Dimension Code AREA for G/L Account 4000.")
    assert message.startswith("The dimensions used in Invoice 1001, line no. 10000 are invalid.")
    assert books.posted(account_line(1, **AREA_10))["status"] == "Open"
    company.add_default_dimension(company.customers.first("number", "C1"), "AREA", "30", "Same Code")
    draft = books.invoice(account_line(1))
    books.patch(
        f"salesInvoices({draft['id']})/dimensionSetLines({company.dimensions.first('code', 'AREA').id})",
        {"valueCode": "20"},
    )
    assert _refusal(books, draft["id"]).endswith(
        "The Dimension Value Code must be 30 for Dimension Code AREA for Customer C1.  Currently it's 20."
    )


def test_a_dimension_blocked_after_the_draft_stops_the_posting(books: Books) -> None:
    draft = books.invoice(account_line(1, **AREA_10))
    books.company.add_dimension_value("AREA", "10", blocked=True)
    assert _refusal(books, draft["id"]).endswith("Dimension Value AREA - 10 is blocked.")


def test_approval_and_mandatory_external_numbers_can_be_switched_on(books: Books) -> None:
    books.company.settings.external_document_number_mandatory = True
    draft = books.invoice()
    assert _refusal(books, draft["id"]).startswith("External Document No. must have a value in Sales Header:")
    books.company.settings.approval_workflow = True
    assert "must be approved and released" in _refusal(books, draft["id"])
    named = books.invoice(externalDocumentNumber="X")
    release(books.company, books.company.invoices.by_id(named["id"]))
    assert books.act(f"salesInvoices({named['id']})").status == 204


def test_a_used_up_number_series_is_named(books: Books) -> None:
    books.company.series["posted_invoice"].next_number = "P1"
    books.company.series["posted_invoice"].ending_number = "P1"
    books.posted()
    assert _refusal(books, books.invoice()["id"]).startswith("You cannot assign new numbers from the number series")


def test_cancel_posts_a_corrective_credit_memo(books: Books) -> None:
    posted = books.posted(account_line(100, **AREA_10))
    assert books.act(f"salesInvoices({posted['id']})", "cancel").status == 204
    cancelled = books.get(f"salesInvoices({posted['id']})")
    assert (cancelled["status"], cancelled["remainingAmount"]) == ("Canceled", 0)
    memo = books.get("salesCreditMemos")["value"][0]
    assert (memo["status"], memo["number"], memo["invoiceNumber"]) == (
        "Corrective",
        "PS-CR104001",
        posted["number"],
    )
    assert books.company.customer_balance("C1") == 0
    sums = [e.amount for e in books.company.gl_entries if e.dimensions == {"AREA": "10"}]
    assert sum(sums) == 0
    assert len(sums) == 2
    again = books.act(f"salesInvoices({posted['id']})", "cancel")
    assert again.message == "The invoice cannot be canceled because it has already been canceled."
    assert books.act(f"salesCreditMemos({memo['id']})", "cancel").status == 204
    assert [row["status"] for row in books.get("salesInvoices?$orderby=number")["value"]] == ["Canceled", "Corrective"]


def test_a_credit_memo_applies_to_a_posted_invoice(books: Books) -> None:
    posted = books.posted()
    draft = books.invoice()
    body = {"customerNumber": "C1", "creditMemoDate": "2026-06-16", "salesCreditMemoLines": [account_line(40)]}
    refused = books.post("salesCreditMemos", {**body, "invoiceId": draft["id"]})
    assert refused.message == 'The "invoiceId" does not match to an Invoice.'
    memo = books.made("salesCreditMemos", {**body, "invoiceId": posted["id"]})
    assert (memo["invoiceNumber"], memo["totalAmountIncludingTax"]) == (posted["number"], 40)
    assert books.act(f"salesCreditMemos({memo['id']})").status == 204
    assert books.get(f"salesCreditMemos({memo['id']})")["status"] == "Paid"
    assert books.get(f"salesInvoices({posted['id']})")["remainingAmount"] == 60
    assert books.trial_balance() == 0
    changed = books.patch(f"salesCreditMemos({memo['id']})", {"externalDocumentNumber": "X"})
    assert changed.message == "The credit memo has been posted and can no longer be modified."


def test_a_draft_in_review_waits_for_its_approval(books: Books) -> None:
    draft = books.invoice()
    books.company.invoices.by_id(draft["id"]).status = "In Review"
    assert books.get(f"salesInvoices({draft['id']})")["status"] == "In_x0020_Review"
    assert "must be approved and released" in books.act(f"salesInvoices({draft['id']})").message
