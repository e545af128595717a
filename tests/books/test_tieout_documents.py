"""Credit memos, refunds, cancelled and corrected documents, and documents of a closed month, in a tie-out."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from ledger_world import CARD, MEMBERSHIP, RULES, Ledger, compared, invoice, item, money, payment, posted, row, stood

from stsync.books.general_ledger import SalesNumber
from stsync.books.result import What
from stsync.books.values import Section
from stsync.core.mapping import Mapping


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


def _credited(ledger: Ledger, number: str, external: str, amount: str, **more) -> None:
    """A posted credit memo over one line."""
    ledger.numbers.append(SalesNumber(number, external, kind="Credit Memo", **more))
    ledger.book("Credit Memo", number, "12100", -money(amount))
    ledger.book("Credit Memo", number, "40100", money(amount), "DRAIN-W")


def _cancelled(ledger: Ledger, number: str) -> None:
    """Business Central's own cancel: the invoice is Canceled, a credit memo with the same number is Corrective."""
    at, known = next((at, one) for at, one in enumerate(ledger.numbers) if one.number == number)
    ledger.numbers[at] = replace(known, undone=True)
    _credited(ledger, f"{number}-CM", known.external, "100.00", undone=True)


def test_an_invoice_below_zero_stands_as_a_credit_memo(ledger):
    one = invoice(1, item("-100.00"))
    _credited(ledger, "CM1", "ST-1", "100.00")
    result = compared([posted(one, number="CM1"), posted(_billed(ledger, 2))], ledger)
    assert result.exact
    assert row(result, "receivables").books == 0
    assert row(result, "receivables").books_documents == 2


def _billed(ledger: Ledger, number: int):
    one = invoice(number)
    ledger.invoice(one)
    return one


def test_a_credit_memo_of_servicetitans_own_is_no_invoice_of_the_same_id(ledger):
    _credited(ledger, "CM1", "ST-C1", "30.00")
    memo = posted(invoice(1, item("-30.00")), number="CM1", of="credit_memos")
    result = compared([posted(_billed(ledger, 1)), memo], ledger)
    assert result.exact
    assert row(result, "receivables").books == money(70)


def test_a_credit_memo_of_another_amount_is_named_as_one(ledger):
    _credited(ledger, "CM1", "ST-C1", "31.00")
    _billed(ledger, 2)
    memo = posted(invoice(1, item("-30.00")), number="CM1", of="credit_memos")
    (found,) = compared([memo, posted(invoice(2))], ledger).findings
    assert (found.what, found.record.noun, found.amount) == (What.AMOUNT, "credit memo", -1)


def test_a_cancelled_and_reissued_invoice_counts_as_what_is_left(ledger):
    before, now = invoice(1), invoice(1, item("120.00"))
    ledger.invoice(before)
    _cancelled(ledger, "PS1")
    ledger.invoice(now, "PS2")
    result = compared([posted(now, number="PS2")], ledger)
    assert result.exact
    assert row(result, "receivables").books == money(120)


def test_an_invoice_cancelled_in_both_systems_is_in_no_total(ledger):
    ledger.invoice(invoice(1))
    _cancelled(ledger, "PS1")
    assert compared([posted(invoice(1, active=False), before=invoice(1))], ledger).exact


def test_an_invoice_cancelled_in_business_central_alone_is_named(ledger):
    ledger.invoice(invoice(1))
    _cancelled(ledger, "PS1")
    (found,) = compared([posted(invoice(1))], ledger).findings
    assert (found.what, found.record.number, found.amount) == (What.UNDONE, "N1", -100)


def test_a_refund_leaves_from_the_account_of_its_type(ledger):
    rules = replace(RULES, choices=Mapping.of({"payment_types": {CARD: "STCARD"}, "refunds": {CARD: "10500"}}))
    back, paid = payment(8, "-20.00"), payment(7)
    ledger.payment(paid)
    ledger.book("", "ST-P8", "12100", money(20))
    ledger.book("", "ST-P8", "10500", money(-20))
    result = compared([posted(paid), posted(back)], ledger, rules)
    assert result.exact
    assert row(result, "payments", "10500").books == money(-20)
    assert row(result, "payment_types", "Card").books == money(30)


def test_a_missing_refund_is_named(ledger):
    _billed(ledger, 1)
    (found,) = compared([posted(invoice(1)), posted(payment(8, "-20.00"))], ledger).findings
    assert (found.what, found.record.number, found.amount) == (What.MISSING, "R8", 20)


def test_a_payment_taken_back_by_its_correction_is_in_no_total(ledger):
    _billed(ledger, 1)
    ledger.payment(payment(7))
    ledger.book("Payment", "ST-P7R", "12100", money(50))
    ledger.book("Payment", "ST-P7R", "10600", money(-50))
    gone = posted(payment(7, active=False), before=payment(7))
    assert compared([posted(invoice(1)), gone], ledger).exact
    assert [one.what for one in compared([posted(invoice(1)), posted(payment(7))], ledger).findings] == [What.UNDONE]


def test_a_document_of_a_closed_month_is_explained_in_both_months(ledger):
    rules = replace(RULES, redates=True)
    may, june = invoice(1, on=date(2026, 5, 30)), invoice(2)
    ledger.invoice(replace(may, invoiced_on=date(2026, 6, 1)))
    result = compared(
        [posted(may), posted(june)], ledger, rules, outside={("invoices", "2"): (stood("PS2", date(2026, 7, 1)),)}
    )
    assert result.exact
    (said,) = result.explanations("receivables")
    assert [(str(said.why), one.record.number, one.amount, one.note) for one in said.shares] == [
        ("re_dated", "N1", -100, ""),
        ("re_dated", "N2", 100, "posted on 2026-07-01"),
    ]


def test_lines_are_added_up_by_account_too_and_a_deposit_is_shown_as_a_liability(ledger):
    one = invoice(1, item("100.00"), item("40.00", account=MEMBERSHIP))
    ledger.invoice(one)
    result = compared([posted(one)], ledger)
    assert {one.key.row: (one.books, one.category) for one in result.of(Section.ACCOUNTS)} == {
        "22600": (money(40), "Liabilities"),
        "40100": (money(100), "Income"),
    }


def test_a_line_on_a_wrong_account_is_named_also_beside_lines_posted_as_items(ledger):
    """The items' own account is Business Central's choice, but it can hold no more than the items come to."""
    one = invoice(1, item("25.00", sku="FILTER"), item("75.00"))
    ledger.invoice(one)
    assert compared([posted(one)], ledger).exact
    at = next(at for at, entry in enumerate(ledger.entries) if entry.account == "40100")
    ledger.change(at, account="22600")
    (found,) = compared([posted(one)], ledger).findings
    assert (found.what, found.record.number) == (What.ACCOUNT, "N1")
    assert "Account 22600 has 75.00 of it; the lines that name the account are 0.00." in found.note
    assert "Account 40100 has 0.00 of it; the lines that name the account are 75.00." in found.note


def test_items_may_stand_on_the_account_of_another_line(ledger):
    one = invoice(1, item("25.00", sku="FILTER"), item("-5.00", sku="FILTER"), item("75.00"))
    ledger.invoice(one)
    for at, entry in enumerate(list(ledger.entries)):
        if entry.account == "40900":
            ledger.change(at, account="40100")
    assert compared([posted(one)], ledger).exact
