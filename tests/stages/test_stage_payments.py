"""What becomes of a payment."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import BUYER, CHOICES, PAYMENTS, SNAPSHOT, payment

from stsync.core.links import Link
from stsync.core.operations import Ref
from stsync.core.plan import Decision, Standing
from stsync.core.reasons import Reason
from stsync.core.snapshot import BookJournal, OpenLine
from stsync.core.source.payment import Payment
from stsync.stages import payment_journals, payments
from stsync.stages.payment_entry import Payable
from stsync.stages.payment_journals import JournalChoice

PAID = Payable(id="guid-1", customer_number="ST7", posting_date=date(2026, 6, 3))


def decide(record: Payment, **more: Any) -> Decision:
    values: dict[str, Any] = {
        "link": Link(),
        "payer": BUYER,
        "payables": {one.invoice_id: PAID for one in record.applications},
        "choices": CHOICES,
        "snapshot": SNAPSHOT,
        "settings": PAYMENTS,
    }
    return payments.plan(record, **{**values, **more})


def reference(decision: Decision) -> str:
    assert decision.reason is not None
    return decision.reason.reference


def line(amount: str, applies_to: str = "guid-1", number: str = "ST-P9", line_id: str = "l1") -> OpenLine:
    return OpenLine(line_id, number, "ST7", Decimal(amount), applies_to, date(2026, 6, 5))


def with_lines(*lines: OpenLine) -> Any:
    return replace(SNAPSHOT, journals={"STCHECK": BookJournal("j1", "STCHECK", "10500", lines)})


def test_one_line_for_each_invoice_and_one_for_the_rest_all_negative() -> None:
    decision = decide(payment("100.00", ("5", "60.00"), ("6", "30.00")))
    assert [one.body["amount"] for one in decision.operations] == [
        Decimal("-60.00"),
        Decimal("-30.00"),
        Decimal("-10.00"),
    ]
    assert [one.body.get("appliesToInvoiceId") for one in decision.operations] == ["guid-1", "guid-1", None]
    assert {one.body["documentNumber"] for one in decision.operations} == {"ST-P9"}
    assert decision.journal == "STCHECK"


def test_a_payment_waits_for_its_invoice_without_an_error() -> None:
    waits = Reason("invoice-not-in-books", "later")
    decision = decide(payment("100.00", ("5", "100.00")), payables={"5": Payable(waits=waits)})
    assert (decision.standing, decision.reason, decision.operations) == (Standing.WAIT, waits, ())


def test_an_invoice_of_the_same_run_is_named_by_reference() -> None:
    payable = replace(PAID, id=Ref("invoices:5:create"), comes_first=("invoices:5:post",))
    (operation,) = decide(payment("100.00", ("5", "100.00")), payables={"5": payable}).operations
    assert operation.body["appliesToInvoiceId"] == Ref("invoices:5:create")
    assert "invoices:5:post" in operation.after


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (payment(type_name="App", type_id="99"), "mapping-missing"),
        (payment(paid_on=None), "payment-without-date"),
        (payment(paid_on=date(2026, 7, 1)), "posting-date-closed"),
        (payment("0.00", ("5", "60.00"), ("6", "-60.00")), "payment-moves-credit"),
        (payment("100.00", ("5", "150.00")), "applied-more-than-paid"),
        (payment(id="1" * 17), "payment-number-too-long"),
    ],
)
def test_what_cannot_be_decided_is_held_and_sends_nothing(record: Payment, why: str) -> None:
    decision = decide(record)
    assert (decision.standing, reference(decision), decision.operations) == (Standing.HOLD, why, ())


def test_a_payment_on_another_customers_invoice_is_held() -> None:
    payable = replace(PAID, customer_number="ST8")
    decision = decide(payment("100.00", ("5", "100.00")), payables={"5": payable})
    assert reference(decision) == "payment-by-another-customer"


def test_foreign_lines_stop_the_journal() -> None:
    assert (
        reference(decide(payment(), snapshot=with_lines(line("-5.00", number="G0001")))) == "foreign-lines-in-journal"
    )


def test_lines_of_ours_that_stand_already_are_not_made_again() -> None:
    decision = decide(payment("100.00", ("5", "100.00")), snapshot=with_lines(line("-100.00")))
    assert (decision.standing, decision.operations, decision.journal) == (Standing.ACT, (), "STCHECK")


def test_an_outdated_line_of_ours_is_taken_out_and_made_anew_under_another_key() -> None:
    link = Link(id="l1", revision=2)
    decision = decide(payment("100.00", ("5", "100.00")), link=link, snapshot=with_lines(line("-90.00")))
    delete, create = decision.operations
    assert (delete.verb, delete.target, create.verb) == ("delete", "l1", "create")
    assert create.key.endswith(":2")


def test_a_line_with_another_date_or_customer_is_taken_out_too() -> None:
    for other in ({"posting_date": date(2026, 6, 4)}, {"customer_number": "ST8"}):
        outdated = with_lines(replace(line("-100.00"), **other))
        verbs = [one.verb for one in decide(payment("100.00", ("5", "100.00")), snapshot=outdated).operations]
        assert verbs == ["delete", "create"]


@pytest.mark.parametrize("status", ["Pending", "Posted", "Exported"])
def test_lines_of_a_payment_that_was_taken_while_pending_stay_whatever_its_status_becomes(status: str) -> None:
    record = payment("100.00", ("5", "100.00"), status=status)
    decision = decide(record, snapshot=with_lines(line("-100.00")), settings=replace(PAYMENTS, status="Pending"))
    assert (decision.standing, decision.operations, decision.outcome) == (Standing.ACT, (), "posted")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"status": "Pending"}, "voided-before-posting"),
        ({"active": False}, "voided-before-posting"),
        ({"paid_on": date(2026, 5, 31)}, "voided-before-posting"),
        ({"total": Decimal(0), "applications": ()}, "voided-before-posting"),
        ({"status": "Exported"}, "exported-with-draft"),
    ],
)
def test_lines_of_a_payment_that_is_not_to_be_posted_any_more_are_shown(change: dict[str, Any], why: str) -> None:
    record = replace(payment("100.00", ("5", "100.00")), **change)
    decision = decide(record, snapshot=with_lines(line("-100.00")))
    assert (reference(decision), decision.operations) == (why, ())


def test_a_held_payment_is_part_of_no_posting() -> None:
    snapshot = replace(SNAPSHOT, posted_payments={"ST-P9": Decimal("99.00")})
    decision = decide(payment(), snapshot=snapshot)
    assert reference(decision) == "posted-with-other-total"
    assert payment_journals.postings([decision], snapshot, PAYMENTS) == []


def test_a_payment_that_the_ledger_knows_is_taken_on_or_held() -> None:
    (adopt,) = decide(payment(), snapshot=replace(SNAPSHOT, posted_payments={"ST-P9": Decimal("100.00")})).operations
    assert adopt.verb == "adopt"
    other = decide(payment(), snapshot=replace(SNAPSHOT, posted_payments={"ST-P9": Decimal("90.00")}))
    assert reference(other) == "posted-with-other-total"


def test_a_payment_applied_otherwise_after_posting_is_held() -> None:
    first = payment("100.00", ("5", "100.00"))
    link = Link(id="l1", number="ST-P9", fingerprint=payments.fingerprint(first), posted=True)
    assert decide(first, link=link).outcome == "posted"
    assert reference(decide(payment("100.00", ("6", "100.00")), link=link)) == "changed-after-posting"
    assert reference(decide(replace(first, active=False), link=link)) == "changed-after-posting"


def test_a_missing_journal_is_made_where_its_balancing_account_is_given_else_held() -> None:
    empty = replace(SNAPSHOT, journals={})
    assert reference(decide(payment(), snapshot=empty)) == "journal-missing"
    settings = replace(PAYMENTS, journals={"STCHECK": JournalChoice("10500", "Checks")})
    decision = decide(payment(), snapshot=empty, settings=settings)
    (journal,) = payment_journals.new_journals([decision], empty, settings)
    assert journal.body == {"code": "STCHECK", "displayName": "Checks", "balancingAccountId": "id-10500"}
    assert decision.operations[0].parent == Ref(journal.key)


def test_a_posting_carries_whole_payments_and_no_more_than_asked() -> None:
    decided = [decide(payment(id=str(number))) for number in range(1, 6)]
    posted = payment_journals.postings(decided, SNAPSHOT, replace(PAYMENTS, payments_per_posting=2))
    assert [one.facts["payments"] for one in posted] == [("1", "2"), ("3", "4"), ("5",)]
    assert payment_journals.postings(decided, SNAPSHOT, replace(PAYMENTS, post=False)) == []


@given(st.lists(st.integers(1, 100_000), max_size=6), st.integers(0, 100_000))
def test_the_lines_always_add_up_to_the_payment(parts: list[int], rest: int) -> None:
    applied = [(str(number), str(Decimal(part) / 100)) for number, part in enumerate(parts, start=1)]
    total = Decimal(sum(parts) + rest) / 100
    decision = decide(payment(str(total), *applied))
    if total == 0:
        assert decision.outcome == "nothing_to_post"
        return
    assert -sum(one.body["amount"] for one in decision.operations) == total
