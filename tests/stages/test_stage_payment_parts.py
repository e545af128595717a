"""Which parts of a payment are applied with it, and when the books show the others as applied."""

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
from stsync.core.plan import TO_APPLY, Decision, Standing
from stsync.core.reasons import Reason
from stsync.core.source.payment import Application, Payment
from stsync.stages import payments
from stsync.stages.payment_entry import Payable
from stsync.stages.payment_parts import Carried, base

OPEN = Payable(
    id="guid-1",
    number="PS-1",
    customer_number="ST7",
    posting_date=date(2026, 6, 3),
    remaining=Decimal("100.00"),
    total=Decimal("100.00"),
    balance=Decimal("100.00"),
    as_of="2026-06-06T10:00:00",
    can_be_asked=True,
)


def decide(record: Payment, payable: Payable = OPEN, **more: Any) -> Decision:
    values: dict[str, Any] = {
        "link": Link(),
        "payer": BUYER,
        "payables": {one.invoice_id: payable for one in record.applications},
        "choices": CHOICES,
        "snapshot": SNAPSHOT,
        "settings": PAYMENTS,
    }
    return payments.plan(record, **{**values, **more})


def posted(record: Payment, **applied: str) -> Link:
    """The link of a payment that was posted with these applications, by invoice id after a letter."""
    amounts = {one[1:]: Decimal(amount) for one, amount in applied.items()}
    kept = Carried(base(record), amounts).shown()["carried"]
    return Link(number="ST-P9", posted=True, fingerprint="of another moment", carried=kept)


def applied(amount: str, on: str = "2026-06-05T09:00:00", invoice: str = "5") -> Payment:
    return replace(payment("100.00"), applications=(Application(invoice, "1005", Decimal(amount), on),))


@pytest.mark.parametrize(
    ("payable", "told"),
    [
        (replace(OPEN, nothing=True), None),
        (replace(OPEN, total=Decimal(0), remaining=Decimal(0)), None),
        (replace(OPEN, posting_date=date(2026, 6, 6)), "after the payment"),
        (replace(OPEN, remaining=Decimal(0)), "entered this payment by hand"),
        (replace(OPEN, remaining=Decimal("99.99")), "only 99.99"),
        (replace(OPEN, credit=True), "credit"),
    ],
)
def test_what_no_journal_can_apply_stands_on_account_with_what_to_do(payable: Payable, told: str | None) -> None:
    decision = decide(applied("100.00"), payable)
    (line,) = decision.operations
    assert (line.body["amount"], "appliesToInvoiceId" in line.body) == (Decimal("-100.00"), False)
    if told is None:
        assert decision.afterwards is None
        assert decision.notes
        return
    assert decision.afterwards is not None
    assert told in decision.afterwards.message + decision.afterwards.hint
    assert "PS-1" in decision.afterwards.message


def test_an_opening_entry_without_an_id_is_named_by_its_document_number() -> None:
    (line,) = decide(applied("100.00"), Payable(number="OB-17", customer_number="ST7")).operations
    assert (line.body["appliesToInvoiceNumber"], "appliesToInvoiceId" in line.body) == ("OB-17", False)


def test_an_invoice_of_which_nobody_knows_what_is_left_is_applied_to() -> None:
    (line,) = decide(applied("100.00"), replace(OPEN, remaining=None)).operations
    assert line.body["appliesToInvoiceId"] == "guid-1"


def test_an_invoice_in_the_books_is_asked_for_what_is_left_of_it() -> None:
    assert decide(applied("100.00")).asks == ("ST-5",)


@pytest.mark.parametrize(
    ("payable", "outcome"),
    [
        (OPEN, TO_APPLY),
        (replace(OPEN, remaining=Decimal(0)), "posted"),
        # Both sides say 60.00, noted after the application: 40.00 of it is applied there and here.
        (replace(OPEN, remaining=Decimal("60.00"), balance=Decimal("60.00")), "posted"),
        # The same amounts, but ServiceTitan's are from before the application: they prove nothing.
        (replace(OPEN, remaining=Decimal("60.00"), balance=Decimal("60.00"), as_of="2026-06-04T10:00:00"), TO_APPLY),
        # They agree, and less than the part is paid on the invoice: something else was.
        (replace(OPEN, remaining=Decimal("80.00"), balance=Decimal("80.00")), TO_APPLY),
        (replace(OPEN, remaining=None), TO_APPLY),
        (replace(OPEN, nothing=True), "posted"),
    ],
)
def test_a_part_leaves_the_list_only_when_the_books_show_it_as_applied(payable: Payable, outcome: str) -> None:
    record = applied("40.00")
    decision = decide(record, payable, link=posted(record))
    assert (decision.standing, decision.outcome) == (Standing.SETTLE, outcome)
    assert decision.operations == ()


def test_an_application_known_by_its_day_alone_counts_as_made_at_its_end() -> None:
    payable = replace(OPEN, remaining=Decimal("60.00"), balance=Decimal("60.00"), as_of="2026-06-05T10:00:00")
    record = applied("40.00", on="2026-06-05T00:00:00")
    assert decide(record, payable, link=posted(record)).outcome == TO_APPLY


def test_an_application_that_grew_leaves_its_growth_to_apply() -> None:
    record = applied("70.00")
    decision = decide(record, replace(OPEN, remaining=Decimal("60.00")), link=posted(record, i5="40.00"))
    assert decision.reason is not None
    assert "30.00 to invoice PS-1" in decision.reason.message


@pytest.mark.parametrize("now", ["less", "gone"])
def test_an_application_that_shrank_is_drift(now: str) -> None:
    record = applied("20.00") if now == "less" else payment("100.00")
    decision = decide(record, link=posted(record, i5="40.00"))
    assert decision.reason is not None
    assert decision.reason.reference == "changed-after-posting"


def test_a_posted_payment_whose_new_invoice_is_not_there_waits() -> None:
    waits = Reason("invoice-not-in-books", "later")
    record = applied("40.00")
    assert decide(record, Payable(waits=waits), link=posted(record)).reason == waits


def test_a_row_that_does_not_say_how_it_was_carried_is_right_until_something_changes() -> None:
    record = applied("40.00")
    link = Link(number="ST-P9", posted=True, fingerprint=payments.fingerprint(record))
    assert decide(record, link=link).outcome == "posted"
    changed = decide(applied("50.00"), link=link)
    assert changed.reason is not None
    assert changed.reason.reference == "changed-after-posting"


@given(
    st.lists(st.tuples(st.integers(1, 50_000), st.integers(0, 60_000), st.integers(-3, 3)), min_size=1, max_size=5),
    st.integers(0, 5_000),
)
def test_the_lines_are_the_payment_and_never_more_than_is_left_of_an_invoice(
    shares: list[tuple[int, int, int]], rest: int
) -> None:
    total = Decimal(sum(part for part, _, _ in shares) + rest) / 100
    record = payment(str(total), *((str(one), str(Decimal(part) / 100)) for one, (part, _, _) in enumerate(shares, 1)))
    payables = {
        str(one): replace(OPEN, id=f"guid-{one}", remaining=Decimal(left) / 100, posting_date=date(2026, 6, 5 + days))
        for one, (_, left, days) in enumerate(shares, 1)
    }
    lines = decide(record, payables=payables).operations
    assert -sum(one.body["amount"] for one in lines) == total
    for line in lines:
        target = line.body.get("appliesToInvoiceId")
        if target is not None:
            payable = payables[target.removeprefix("guid-")]
            assert payable.remaining is not None
            assert -line.body["amount"] <= payable.remaining
            assert payable.posting_date is not None
            assert payable.posting_date <= date(2026, 6, 5)
