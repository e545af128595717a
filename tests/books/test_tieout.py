"""A tie-out explains every difference by a named record, or says that it cannot."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from ledger_world import (
    APP,
    CHECK,
    DAY,
    EAST,
    JUNE,
    MEMBERSHIP,
    RENTAL,
    RULES,
    SOLAR,
    Ledger,
    compared,
    held,
    invoice,
    item,
    money,
    payment,
    posted,
    row,
    stood,
    told,
)  # fmt: skip

from stsync.books.general_ledger import SalesNumber
from stsync.books.result import What
from stsync.books.sources import Source
from stsync.books.values import Section, month


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


def test_a_posted_month_is_exact_in_all_four_sections(ledger):
    one = invoice(1, item("100.00"), item("40.00", EAST), tax="8.60")
    paid = payment(7, "148.60")
    ledger.invoice(one)
    ledger.payment(paid)
    result = compared([posted(one), posted(paid)], ledger)
    assert result.exact
    assert row(result, "revenue", "DRAIN-W").books == money("100.00")
    assert row(result, "revenue", "DRAIN-E").names == ("Drain - East",)
    assert row(result, "sales_tax", "22010").books == money("8.60")
    assert row(result, "receivables").books_documents == row(result, "receivables").servicetitan_documents == 1
    assert row(result, "payments", "10600").books == money("148.60")


def test_lines_that_are_not_chargeable_are_no_revenue_unless_the_subtotal_needs_them(ledger):
    charged = invoice(1, item("100.00"), item("30.00", chargeable=False))
    needed = replace(invoice(2, item("100.00"), item("30.00")), items=(item("100.00"), item("30.00", chargeable=False)))
    ledger.invoice(charged)
    ledger.invoice(replace(needed, items=(item("100.00"), item("30.00"))))
    result = compared([posted(charged), posted(needed)], ledger)
    assert result.exact
    assert row(result, "revenue", "DRAIN-W").servicetitan == money("230.00")


def test_a_zero_invoice_that_recognises_revenue_stands_in_its_lines(ledger):
    one = invoice(1, item("20.00"), item("-20.00", account=MEMBERSHIP))
    ledger.invoice(one)
    assert compared([posted(one)], ledger).exact
    ledger.entries.clear()
    assert [one.what for one in compared([posted(one)], ledger).findings] == [What.MISSING]


@pytest.mark.parametrize(
    ("state", "outcome", "why"),
    [
        ("settled", "not_ready", "not_posted_in_servicetitan"),
        ("settled", "exported_elsewhere", "exported_elsewhere"),
        ("settled", "before_go_live", "before_go_live"),
        ("settled", "draft", "draft"),
        ("settled", "by_hand", "by_hand"),
        ("held", "", "held"),
        ("waiting", "", "waiting"),
        ("dead", "", "refused"),
        ("pending", "", "not_carried_yet"),
    ],
)
def test_a_document_outside_the_books_is_named_under_its_reason(ledger, state, outcome, why):
    result = compared([Source(invoice(1), state, outcome), Source(payment(7), state, outcome)], ledger)
    assert result.exact
    assert told(result, "receivables") == {why: ["N1"]}
    assert told(result, "revenue") == {why: ["N1"]}
    assert told(result, "payments") == {why: ["R7"]}
    assert row(result, "receivables").expected == 0


def test_what_was_dealt_with_by_hand_is_named_with_what_was_said(ledger):
    one = Source(invoice(1), "settled", "by_hand", note="memo SCM-1 entered (lynn, 2026-06-20)")
    ((share,),) = (each.shares for each in compared([one], ledger).explanations("receivables"))
    assert (share.record.number, share.note) == ("N1", "memo SCM-1 entered (lynn, 2026-06-20)")


def test_a_change_after_posting_that_was_dealt_with_by_hand_is_explained_as_such(ledger):
    before, now = invoice(1, item("100.00")), invoice(1, item("130.00"))
    ledger.invoice(before)
    result = compared([posted(now, before=before, outcome="by_hand")], ledger)
    assert result.exact
    assert told(result, "receivables") == {"by_hand": ["N1"]}
    changed_again = compared([posted(now, before=before, state="pending", outcome="")], ledger)
    assert told(changed_again, "receivables") == {"changed_after_posting": ["N1"]}


def test_a_document_said_to_be_done_by_hand_is_still_compared_when_the_books_have_it(ledger):
    one = invoice(1, item("100.00"))
    ledger.invoice(invoice(1, item("90.00")))
    assert [found.what for found in compared([Source(one, "settled", "by_hand")], ledger).findings] == [What.AMOUNT]


def test_an_outcome_alone_is_not_believed(ledger):
    result = compared([Source(invoice(1), "settled", "nothing_to_post")], ledger)
    assert [one.what for one in result.findings] == [What.MISSING]


def test_an_empty_invoice_is_counted_as_nothing_to_post(ledger):
    result = compared([Source(invoice(1, item("0.00")), "settled", "nothing_to_post")], ledger)
    assert result.exact
    assert told(result, "receivables") == {"nothing_to_post": ["N1"]}


def test_a_cancelled_invoice_is_in_no_total(ledger):
    result = compared([Source(invoice(1, active=False), "settled", "nothing_to_post")], ledger)
    assert result.exact
    assert result.rows == ()


def test_a_negative_invoice_that_is_held_explains_itself(ledger):
    result = compared([held(invoice(1, item("-100.00")))], ledger)
    assert result.exact
    assert row(result, "receivables").explained == money("-100.00")


def test_a_line_without_mapping_has_a_row_under_its_own_name(ledger):
    one = invoice(1, item("10.00", SOLAR), item("20.00", account=RENTAL), item("5.00", account=None))
    result = compared([held(one), held(payment(7, kind=APP))], ledger)
    assert result.exact
    assert row(result, "revenue", "not mapped: Solar").explained == money("10.00")
    assert row(result, "revenue", "DRAIN-W").explained == money("25.00")
    assert row(result, "payments", "not mapped: App").explained == money("50.00")


def test_an_invoice_edited_after_posting_is_explained_by_what_changed(ledger):
    before = invoice(1, item("100.00"))
    now = invoice(1, item("65.00"), item("80.00", EAST))
    ledger.invoice(before)
    result = compared([posted(now, state="held", before=before)], ledger)
    assert result.exact
    assert told(result, "receivables") == {"changed_after_posting": ["N1"]}
    assert row(result, "receivables").explained == money("45.00")
    assert row(result, "revenue", "DRAIN-W").explained == money("-35.00")


def test_an_invoice_cancelled_after_posting_is_explained(ledger):
    before = invoice(1)
    ledger.invoice(before)
    now = replace(before, active=False)
    result = compared([posted(now, state="held", before=before)], ledger)
    assert result.exact
    assert row(result, "receivables").servicetitan == 0
    assert row(result, "receivables").explained == money("-100.00")


def test_an_invoice_moved_to_another_month_after_posting_is_explained_in_both(ledger):
    may = invoice(1, on=date(2026, 5, 31))
    june = invoice(2)
    ledger.invoice(june)
    sources = [
        posted(replace(may, invoiced_on=DAY), state="held", before=may),
        posted(replace(june, invoiced_on=date(2026, 7, 1)), state="held", before=june),
    ]
    result = compared(sources, ledger, outside={("invoices", "1"): (stood("PS1", date(2026, 5, 31)),)})
    assert result.exact
    assert told(result, "receivables") == {"changed_after_posting": ["N2"], "another_period": ["N1"]}


def test_a_draft_that_a_person_posted_counts_by_its_external_number(ledger):
    one = invoice(1)
    ledger.invoice(one, "PS-777")
    result = compared([Source(one, "settled", "draft", draft=True)], ledger)
    assert result.exact
    assert told(result, "receivables") == {}


def test_a_drafts_number_proves_nothing(ledger):
    ledger.book("Invoice", "1001", "12100", money(70))
    ledger.book("Invoice", "1001", "40100", money(-70), "DRAIN-W")
    ledger.numbers = [SalesNumber("1001", "ST-1", draft=True)]
    result = compared([Source(invoice(1), "settled", "draft", draft=True)], ledger)
    assert result.exact
    assert [one.number for one in result.foreign(Section.RECEIVABLES)] == ["1001"]
    assert told(result, "receivables") == {"draft": ["N1"]}


def test_a_payment_split_over_several_lines_is_one_payment(ledger):
    paid = payment(7, "50.00")
    for part in ("30.00", "20.00"):
        ledger.book("Payment", "ST-P7", "12100", -money(part))
        ledger.book("Payment", "ST-P7", "10600", money(part))
    result = compared([posted(paid)], ledger)
    assert result.exact
    assert row(result, "payments", "10600").books_documents == 1


def test_a_journal_that_a_bank_balances_takes_the_account_business_central_chose(ledger):
    rules = replace(RULES, journals={"STCARD": "", "STCHECK": "10500"})
    paid = payment(7)
    ledger.book("Payment", "ST-P7", "12100", money(-50))
    ledger.book("Payment", "ST-P7", "10500", money(50))
    result = compared([posted(paid)], ledger, rules)
    assert result.exact
    assert row(result, "payments", "journal STCARD").books == money(50)


def test_item_lines_take_the_account_business_central_chose_and_its_cost_entries_are_no_revenue(ledger):
    one = invoice(1, item("25.00", sku="FILTER"), item("75.00"))
    ledger.invoice(one)
    ledger.book("Invoice", "PS1", "50100", money(10), "DRAIN-W")
    ledger.book("Invoice", "PS1", "14100", money(-10), "DRAIN-W")
    result = compared([posted(one)], ledger)
    assert result.exact
    assert row(result, "revenue", "DRAIN-W").books == money(100)


def test_tax_computed_by_business_central_is_compared_as_one_row(ledger):
    rules = replace(RULES, tax_method="business_central")
    one = invoice(1, tax="8.60")
    ledger.invoice(one)
    result = compared([posted(one)], ledger, rules)
    assert result.exact
    assert row(result, "sales_tax").books == money("8.60")


def test_a_credit_memo_made_by_hand_is_only_in_business_central(ledger):
    one = invoice(1)
    ledger.invoice(one)
    ledger.book("Credit Memo", "CM1", "12100", money(-100))
    ledger.book("Credit Memo", "CM1", "40100", money(100), "DRAIN-W")
    result = compared([posted(one)], ledger)
    assert result.exact
    assert [(one.document_type, one.amount) for one in result.foreign(Section.RECEIVABLES)] == [("Credit Memo", -100)]
    assert row(result, "receivables").books == 0
    assert row(result, "receivables").expected == money(100)


def test_a_journal_entry_on_a_revenue_account_is_only_in_business_central(ledger):
    ledger.book("", "G1", "40100", money(-9), "DRAIN-E")
    ledger.book("", "G1", "60000", money(9))
    result = compared([], ledger)
    assert result.exact
    assert [one.number for one in result.foreign(Section.REVENUE)] == ["G1"]


def test_a_receipt_entered_by_hand_is_only_in_business_central_and_a_vendor_payment_is_nobodys_business(ledger):
    ledger.invoice(invoice(1))
    ledger.book("Payment", "BANK1", "12100", money(-30))
    ledger.book("Payment", "BANK1", "10500", money(30))
    ledger.book("Payment", "VEND1", "10500", money(-99))
    ledger.book("Payment", "VEND1", "60000", money(99))
    result = compared([posted(invoice(1))], ledger)
    assert result.exact
    assert [one.number for one in result.foreign(Section.PAYMENTS)] == ["BANK1"]
    assert row(result, "payments", "10500").books == money(30)


def test_documents_without_a_date_are_named_and_in_no_total(ledger):
    result = compared([held(invoice(1, on=None)), held(payment(7, on=None))], ledger)
    assert result.exact
    assert [one.number for one in result.undated] == ["N1", "R7"]


def test_without_a_dimension_all_lines_are_one_row(ledger):
    one = invoice(1, item("100.00"), item("40.00", EAST))
    ledger.invoice(one)
    for position in range(len(ledger.entries)):
        ledger.change(position, dimension="")
    result = compared([posted(one)], ledger, replace(RULES, dimension=None))
    assert result.exact
    assert row(result, "revenue").names == ("Drain - East",) or "Drain - West" in row(result, "revenue").names


def _world(ledger: Ledger) -> list[Source]:
    documents = [
        invoice(1, item("100.00"), item("40.00", EAST), tax="8.60"),
        invoice(2, item("60.00", EAST), tax="2.00"),
        invoice(3, item("70.00")),
    ]
    receipts = [payment(7, "148.60"), payment(8, "62.00", CHECK)]
    for one in documents:
        ledger.invoice(one)
    for one in receipts:
        ledger.payment(one)
    return [*(posted(one) for one in documents), *(posted(one) for one in receipts)]


def _find(ledger: Ledger, number: str, account: str) -> int:
    wanted = (number, account)
    return next(at for at, one in enumerate(ledger.entries) if (one.document_number, one.account) == wanted)


def _without(ledger: Ledger, number: str) -> None:
    ledger.entries = [one for one in ledger.entries if one.document_number != number]


def _changed_amount(ledger: Ledger) -> None:
    at = _find(ledger, "PS1", "40100")
    ledger.change(at, amount=ledger.entries[at].amount + 1)
    ledger.change(_find(ledger, "PS1", "12100"), amount=money("147.60"))


def _off_by_a_cent_in_tax(ledger: Ledger) -> None:
    ledger.change(_find(ledger, "PS2", "22010"), amount=money("-2.01"))
    ledger.change(_find(ledger, "PS2", "12100"), amount=money("62.01"))


def _wrong_dimension(ledger: Ledger) -> None:
    ledger.change(_find(ledger, "PS2", "40100"), dimension="DRAIN-W")


def _no_dimension(ledger: Ledger) -> None:
    ledger.change(_find(ledger, "PS2", "40100"), dimension="")


def _wrong_account(ledger: Ledger) -> None:
    ledger.change(_find(ledger, "PS3", "40100"), account="22600")


def _account_outside(ledger: Ledger) -> None:
    ledger.change(_find(ledger, "PS3", "40100"), account="60000")


def _payment_on_other_account(ledger: Ledger) -> None:
    ledger.change(_find(ledger, "ST-P7", "10600"), account="10500")


def _payment_twice(ledger: Ledger) -> None:
    ledger.payment(payment(8, "62.00", CHECK))


def _payment_changed(ledger: Ledger) -> None:
    ledger.change(_find(ledger, "ST-P8", "10500"), amount=money("26.00"))
    ledger.change(_find(ledger, "ST-P8", "12100"), amount=money("-26.00"))


def _invoice_twice(ledger: Ledger) -> None:
    ledger.invoice(invoice(3, item("70.00")), "PS99")


def _stranger(ledger: Ledger) -> None:
    ledger.invoice(invoice(404, item("11.00")))


def _strange_payment(ledger: Ledger) -> None:
    ledger.payment(payment(505, "12.00"))


@pytest.mark.parametrize(
    ("inject", "what", "number", "off"),
    [
        (_changed_amount, What.AMOUNT, "N1", {"receivables": "-1.00", "revenue": "-1.00"}),
        (_off_by_a_cent_in_tax, What.AMOUNT, "N2", {"receivables": "0.01", "sales_tax": "0.01"}),
        (_wrong_dimension, What.DIMENSION, "N2", {}),
        (_no_dimension, What.DIMENSION, "N2", {}),
        (_wrong_account, What.ACCOUNT, "N3", {}),
        (_account_outside, What.AMOUNT, "N3", {"revenue": "-70.00"}),
        (lambda one: _without(one, "PS2"), What.MISSING, "N2", {"receivables": "-62.00", "sales_tax": "-2.00"}),
        (lambda one: _without(one, "ST-P7"), What.MISSING, "R7", {"payments": "-148.60"}),
        (_payment_on_other_account, What.ACCOUNT, "R7", {}),
        (_payment_twice, What.TWICE, "R8", {"payments": "62.00"}),
        (_payment_changed, What.AMOUNT, "R8", {"payments": "-36.00"}),
        (_invoice_twice, What.TWICE, "N3", {"receivables": "70.00", "revenue": "70.00"}),
        (_stranger, What.UNKNOWN, None, {"receivables": "11.00"}),
        (_strange_payment, What.UNKNOWN, None, {"payments": "12.00"}),
    ],
)
def test_an_injected_error_is_found_and_named(ledger, inject, what, number, off):
    sources = _world(ledger)
    assert compared(sources, ledger).exact
    inject(ledger)
    result = compared(sources, ledger)
    assert not result.exact
    (found,) = result.findings
    assert found.what == what
    assert (found.record.number if found.record else None) == number
    for section, amount in off.items():
        assert result.unexplained(Section(section)) == Decimal(amount)


def test_two_mistakes_that_cancel_out_in_a_row_are_two_findings(ledger):
    sources = _world(ledger)
    for number, amount in (("PS1", "1.00"), ("PS3", "-1.00")):
        at = _find(ledger, number, "40100")
        ledger.change(at, amount=ledger.entries[at].amount + Decimal(amount))
    result = compared(sources, ledger)
    assert all(one.unexplained == 0 for one in result.rows)
    assert not result.exact
    assert [one.record.number for one in result.findings] == ["N1", "N3"]


def test_a_month_is_its_first_to_its_last_day():
    assert month("2026-06") == JUNE
    assert month("2024-02").last == date(2024, 2, 29)
    for wrong in ("2026-6", "2026-13", "june"):
        with pytest.raises(ValueError, match="month"):
            month(wrong)
