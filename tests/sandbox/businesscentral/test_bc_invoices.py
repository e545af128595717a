"""Drafts: headers, dates, lines, field order, totals, tax, and what may still change."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from bc_client import Books, account_line, item_line

from stsync.sandbox.businesscentral.accounting.sales_documents import release


def _line(books: Books, line: dict[str, Any], customer: str = "C1") -> dict[str, Any]:
    draft = books.invoice(line, customerNumber=customer)
    return books.get(f"salesInvoices({draft['id']})/salesInvoiceLines")["value"][0]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, 'A "customerNumber" or a "customerId" must be provided.'),
        ({"customerNumber": "C9"}, "The sell-to customer cannot be found."),
    ],
)
def test_an_invoice_needs_a_customer(books: Books, body: dict[str, Any], message: str) -> None:
    answer = books.post("salesInvoices", body)
    assert (answer.code, answer.message) == ("Application_DialogException", message)


def test_a_clash_of_customers_shows_only_when_the_id_comes_first(books: Books) -> None:
    first = books.company.customers.first("number", "C1")
    clash = books.post("salesInvoices", {"customerId": first.id, "customerNumber": "C2"})
    assert clash.message == "The sell-to customer values do not match to a specific Customer."
    silent = books.made("salesInvoices", {"customerNumber": "C2", "customerId": first.id})
    assert silent["customerNumber"] == "C1"


def test_an_explicit_due_date_wins_on_create_wherever_it_stands(books: Books) -> None:
    terms = books.company.payment_terms.first("code", "30D")
    body = {"dueDate": "2026-07-04", "invoiceDate": "2026-05-01", "paymentTermsId": terms.id}
    assert books.invoice(**body)["dueDate"] == "2026-07-04"
    del body["dueDate"]
    assert books.invoice(**body)["dueDate"] == "2026-05-31"


def test_dates_of_a_patch_recompute_the_due_date_and_drag_the_invoice_date(books: Books) -> None:
    terms = books.company.payment_terms.first("code", "30D")
    draft = books.invoice(paymentTermsId=terms.id, dueDate="2026-12-31")
    path = f"salesInvoices({draft['id']})"
    assert books.patch(path, {"invoiceDate": "2026-06-01"})["dueDate"] == "2026-07-01"
    dragged = books.patch(path, {"postingDate": "2026-06-03"})
    assert dragged["invoiceDate"] == "2026-06-03"
    kept = books.patch(path, {"postingDate": "2026-06-05", "invoiceDate": "2026-06-04", "dueDate": "2026-08-01"})
    assert (kept["invoiceDate"], kept["dueDate"]) == ("2026-06-04", "2026-08-01")


def test_external_numbers_are_upper_case_limited_and_not_unique(books: Books) -> None:
    assert books.invoice(externalDocumentNumber="st-1")["externalDocumentNumber"] == "ST-1"
    books.invoice(externalDocumentNumber="ST-1")
    assert len(books.get("salesInvoices?$filter=externalDocumentNumber eq 'st-1'")["value"]) == 2
    long = books.post("salesInvoices", {"customerNumber": "C1", "externalDocumentNumber": "x" * 36})
    assert long.code == "Application_StringExceededLength"


def test_a_failed_nested_line_leaves_no_header_and_burns_no_number(books: Books) -> None:
    body = {"customerNumber": "C1", "salesInvoiceLines": [account_line(1), account_line(1, account="9999")]}
    assert books.post("salesInvoices", body).code == "Internal_InvalidTableRelation"
    assert len(books.company.invoices) == 0
    assert books.invoice()["number"] == "1001"


def test_naming_the_object_wipes_what_came_before_it(books: Books) -> None:
    line = {"unitPrice": 10, "description": "mine", "quantity": 2, "lineType": "Account", "lineObjectNumber": "4000"}
    read = _line(books, line)
    assert (read["unitPrice"], read["description"], read["quantity"]) == (0, "Sales", 2)


def test_a_quantity_wipes_the_discount_sent_before_it(books: Books) -> None:
    early = {"lineType": "Account", "lineObjectNumber": "4000", "unitPrice": 10, "discountPercent": 10, "quantity": 2}
    assert _line(books, early)["discountPercent"] == 0
    late = _line(books, account_line(10, quantity=2, discountPercent=10))
    assert (late["discountAmount"], late["amountExcludingTax"]) == (2, 18)
    amount = _line(books, account_line(10, quantity=2, discountAmount=5))
    assert (amount["discountPercent"], amount["netAmount"]) == (25, 15)


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        (
            account_line(1, account="1200"),
            "Application_FieldValidationException",
            "Direct Posting must be equal to 'Yes'  in G/L Account: No.=1200. Current value is 'No'.",
        ),
        (
            account_line(1, account="4200"),
            "Application_FieldValidationException",
            "Blocked must be equal to 'No'  in G/L Account: No.=4200. Current value is 'Yes'.",
        ),
        (
            account_line(1, account="4300"),
            "Application_FieldValidationException",
            "Account Type must be equal to 'Posting'  in G/L Account: No.=4300. Current value is 'Heading'.",
        ),
        (
            account_line(1, discountPercent=101),
            "Application_DialogException",
            "Line discount percentage must be below 100.",
        ),
        (
            {"lineObjectNumber": "4000", "quantity": 1},
            "Internal_InvalidTableRelation",
            "The field No. of table Sales Line contains a value (4000) that cannot be found in the related table "
            "(Standard Text).",
        ),
        (
            account_line(1, taxCode="NONE"),
            "Internal_InvalidTableRelation",
            "The field Tax Group Code of table Sales Line contains a value (NONE) that cannot be found in the "
            "related table (Tax Group).",
        ),
        (account_line(1, amountExcludingTax=1), "BadRequest_InvalidOperation", None),
    ],
)
def test_lines_are_refused_in_the_vendors_words(
    books: Books, line: dict[str, Any], code: str, message: str | None
) -> None:
    answer = books.post("salesInvoices", {"customerNumber": "C1", "salesInvoiceLines": [line]})
    assert answer.code == code
    assert message is None or answer.message == message


def test_item_and_account_together_are_too_much(books: Books) -> None:
    item = books.company.items.first("number", "SVC")
    account = books.company.accounts.first("number", "4000")
    line = {"itemId": item.id, "accountId": account.id}
    answer = books.post("salesInvoices", {"customerNumber": "C1", "salesInvoiceLines": [line]})
    assert answer.message == 'Both "itemId" and "accountId" are specified. Specify only one of them.'


def test_sales_tax_is_computed_per_group_over_the_document(books: Books) -> None:
    lines = [item_line("SVC", Decimal("0.99"), taxCode="PARTS") for _ in range(3)]
    draft = books.invoice(*lines, item_line("SVC", 100, taxCode="LABOR"), customerNumber="C2")
    read = books.get(f"salesInvoices({draft['id']})?$expand=salesInvoiceLines")
    by_line = sum(row["totalTaxAmount"] for row in read["salesInvoiceLines"])
    assert (by_line, read["totalTaxAmount"]) == (Decimal("0.24"), Decimal("0.25"))
    assert read["totalAmountIncludingTax"] == Decimal("103.22")


def test_no_tax_without_liability(books: Books) -> None:
    assert _line(books, item_line("SVC", 100, taxCode="PARTS"))["totalTaxAmount"] == 0


def test_lines_under_a_document_can_be_added_changed_and_deleted(books: Books) -> None:
    draft = books.invoice()
    path = f"salesInvoices({draft['id']})/salesInvoiceLines"
    line = books.made(path, account_line(5))
    assert line["sequence"] == 20000
    changed = books.patch(f"salesInvoiceLines({line['id']})", {"unitPrice": 7})
    assert changed["netAmount"] == 7
    assert books.get(f"salesInvoices({draft['id']})")["totalAmountExcludingTax"] == 107
    assert books.patch(f"salesInvoiceLines({line['id']})", {"sequence": 5}).status == 400
    assert books.call("DELETE", f"{path}({line['id']})").status == 204
    assert books.get(f"salesInvoices({draft['id']})")["totalAmountIncludingTax"] == 100
    repeated = books.post(path, account_line(5, sequence=10000))
    assert repeated.message == "You cannot insert a line because a line already exists."
    stray = books.post("salesInvoiceLines", {"documentId": "00000000-0000-0000-0000-00000000000a"})
    assert stray.message == "No document with the specified ID exists."


def test_a_description_of_an_item_line_does_not_stamp_the_header(books: Books) -> None:
    draft = books.invoice(item_line("SVC", 10))
    path = f"salesInvoices({draft['id']})"
    before = books.get(f"{path}?$expand=salesInvoiceLines")
    line = before["salesInvoiceLines"][0]["id"]
    books.patch(f"salesInvoiceLines({line})", {"description": "new"})
    assert books.get(path)["lastModifiedDateTime"] == before["lastModifiedDateTime"]
    books.patch(f"salesInvoiceLines({line})", {"quantity": 2})
    assert books.get(path)["lastModifiedDateTime"] > before["lastModifiedDateTime"]
    assert books.get(path)["@odata.etag"] != before["@odata.etag"]


def test_an_invoice_discount_is_spread_and_lost_by_lines_that_change(books: Books) -> None:
    draft = books.invoice(item_line("SVC", 10), item_line("SVC", 20))
    path = f"salesInvoices({draft['id']})"
    assert books.patch(path, {"discountAmount": 10})["totalAmountExcludingTax"] == 20
    lines = books.get(f"{path}/salesInvoiceLines")["value"]
    assert [row["invoiceDiscountAllocation"] for row in lines] == [Decimal("3.33"), Decimal("6.67")]
    books.patch(f"salesInvoiceLines({lines[0]['id']})", {"quantity": 2})
    assert books.get(path)["discountAmount"] == Decimal("6.67")
    assert books.patch(path, {"discountAmount": 0})["discountAmount"] == 0


def test_a_released_draft_reads_open_and_is_closed_to_changes(books: Books) -> None:
    draft = books.invoice()
    release(books.company, books.company.invoices.by_id(draft["id"]))
    assert books.get(f"salesInvoices({draft['id']})")["status"] == "Open"
    answer = books.post(f"salesInvoices({draft['id']})/salesInvoiceLines", account_line(1))
    assert answer.message.startswith("Status must be equal to 'Open'  in Sales Header: Document Type=Invoice,No.=1001")
    assert books.act(f"salesInvoices({draft['id']})").status == 204


def test_a_blocked_customer_gets_no_documents(books: Books) -> None:
    books.company.customers.first("number", "C1").blocked = "All"
    answer = books.post("salesInvoices", {"customerNumber": "C1"})
    assert answer.message == ("You cannot create this type of document when Customer C1 is blocked with type All")


def test_deleting_a_draft_burns_its_number_and_posted_ones_stay(books: Books) -> None:
    draft = books.invoice()
    assert books.call("DELETE", f"salesInvoices({draft['id']})").status == 204
    assert len(books.company.invoice_lines) == 0
    posted = books.posted()
    refused = books.call("DELETE", f"salesInvoices({posted['id']})")
    assert refused.message.startswith("The date Allow Document Deletion Before must be set")
    books.company.settings.allow_document_deletion_before = date(2026, 1, 1)
    assert books.call("DELETE", f"salesInvoices({posted['id']})").message.startswith("You cannot delete posted")


def test_vat_needs_its_set_up_and_computes_per_group(books: Books) -> None:
    company = books.company
    company.settings.tax_mode = "vat"
    company.add_tax_group("STD", identifier="VAT20")
    company.add_tax_area("DOMESTIC", rates={"STD": Decimal(20)})
    missing = books.post("salesInvoices", {"customerNumber": "C1", "salesInvoiceLines": [account_line(1)]})
    assert missing.message.startswith("The VAT Posting Setup does not exist.")
    company.accounts.first("number", "4000").tax_group = "STD"
    assert books.posted(account_line(100))["totalAmountIncludingTax"] == 120
    assert books.get("taxAreas")["value"][0]["taxType"] == "VAT"
