"""Payments that do not arrive as one payment for one invoice on one day, read from Business Central's books."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from kept_month import Month, carry_once, leave_pending, move_in, release
from office import Office, money

from stsync.core.plan import Standing
from stsync.engine.run import Result
from stsync.sandbox.businesscentral.accountant import Accountant
from stsync.state import State

BANK = "10500"
TO_APPLY = ("settled", "to_apply")
POSTED = ("settled", "posted")
Row = dict[str, Any]


# Not posted in ServiceTitan yet when the month of `late` is carried; each test posts what it is about.
LATE = ("bounced_check", "payment_before_invoice_in_feed", "several_payments_one_invoice")


@pytest.fixture(scope="module")
def month_without(tmp_path_factory: pytest.TempPathFactory) -> Month:
    """A month that was carried while the documents of LATE were pending."""
    return carry_once(tmp_path_factory.mktemp("without"), lambda office: leave_pending(office, *LATE))


@pytest.fixture
def late(office: Office, month_without: Month) -> Office:
    """An office with that month in the books, and the documents of LATE to be posted."""
    return move_in(office, month_without)


def scenario(office: Office, name: str) -> tuple[list[Row], list[Row]]:
    """The invoices and payments of a scenario of the demo company, as ServiceTitan has them."""
    refs = office.world.demo.scenarios[name]
    tenant = office.world.tenant
    return (
        [tenant.invoices[row_id] for kind, row_id in refs if kind == "invoices"],
        [tenant.payments[row_id] for kind, row_id in refs if kind == "payments"],
    )


def carry(office: Office, *rows: Row) -> None:
    """Invoices, then payments, of these rows alone."""
    for row in rows:
        office.run("payments" if "appliedTo" in row else "invoices", only=str(row["id"]))


def entries(office: Office, payment: Row) -> list[Any]:
    """The customer ledger entries of a payment."""
    ledger = office.world.company.customer_ledger
    return [one for one in ledger if one.document_number == f"ST-P{payment['id']}"]


def amounts(office: Office, payment: Row) -> list[tuple[Decimal, Decimal]]:
    """Amount and remaining amount of each entry."""
    return [(one.amount, one.remaining) for one in entries(office, payment)]


def receivable(office: Office, invoice: Row) -> Any:
    """The customer ledger entry of an invoice."""
    document = office.invoice(invoice["id"])
    return next(one for one in office.world.company.customer_ledger if one.document_id == document.id)


def reason_of(office: Office, payment: Row) -> str:
    with State.open_scratch(office.state_file) as state:
        row = state.inbox.find("payments", str(payment["id"]))
    assert row is not None
    assert row.reason is not None
    return f"{row.reason.message} {row.reason.hint}"


def decided(result: Result, payment: Row) -> Any:
    return next(one for one in result.plan.of("payments") if one.source_id == str(payment["id"]))


def test_a_deposit_before_any_invoice_stands_on_account(office: Office) -> None:
    _, (deposit,) = scenario(office, "deposit_unapplied")
    carry(office, deposit)
    assert amounts(office, deposit) == [(Decimal("-1200.00"), Decimal("-1200.00"))]
    booked = {one.account_number: one.amount for one in office.gl(f"ST-P{deposit['id']}", "Payment")}
    assert booked == {"10500": Decimal("1200.00"), "12000": Decimal("-1200.00")} or booked[BANK] == Decimal("1200.00")
    assert office.standing("payments", deposit["id"]) == POSTED


def test_a_deposit_applied_before_it_was_read_is_posted_on_its_own_date_and_listed(office: Office) -> None:
    (work,), (deposit, rest) = scenario(office, "deposit_applied_later")
    carry(office, work, deposit, rest)
    assert [one.posting_date for one in entries(office, deposit)] == [date(2026, 6, 3)]
    assert amounts(office, deposit) == [(Decimal("-1000.00"), Decimal("-1000.00"))]
    assert amounts(office, rest) == [(Decimal("-3200.00"), Decimal("0.00"))]
    assert office.standing("payments", deposit["id"]) == TO_APPLY
    document = office.invoice(work["id"])
    office.run("payments", only=str(deposit["id"]))
    said = reason_of(office, deposit)
    assert document.number in said
    assert "1,000.00" in said


def test_a_deposit_applied_in_business_central_is_posted_by_itself(office: Office) -> None:
    (work,), (deposit, rest) = scenario(office, "deposit_applied_later")
    carry(office, work, deposit, rest)
    Accountant(office.world.company).apply(entries(office, deposit)[0], receivable(office, work))
    office.world.sandbox.log.clear()
    office.run("payments")
    assert office.standing("payments", deposit["id"]) == POSTED
    assert not [one for one in office.writes() if f"ST-P{deposit['id']}" in (one.body or "")]


def test_a_deposit_applied_after_it_was_posted_is_no_drift(office: Office) -> None:
    (work,), (deposit, _) = scenario(office, "deposit_applied_later")
    applied = deposit["appliedTo"]
    deposit["appliedTo"] = []
    carry(office, work, deposit)
    assert office.standing("payments", deposit["id"]) == POSTED
    deposit["appliedTo"] = applied
    office.world.tenant.touch("payments", deposit["id"])
    before = len(list(office.world.company.gl_entries))
    carry(office, deposit)
    assert office.standing("payments", deposit["id"]) == TO_APPLY
    assert office.invoice(work["id"]).number in reason_of(office, deposit)
    assert len(list(office.world.company.gl_entries)) == before


@pytest.mark.parametrize("change", ["amount", "date", "moved", "voided"])
def test_any_other_change_after_posting_is_held(office: Office, change: str) -> None:
    (work, other), (_, payment) = scenario(office, "payment_changed_after_posting")
    carry(office, work, other, payment)
    assert office.standing("payments", payment["id"]) == POSTED
    changes: dict[str, Row] = {
        "amount": {"total": "120.00"},
        "date": {"date": "2026-06-24T00:00:00Z"},
        "moved": {"appliedTo": [{**payment["appliedTo"][0], "appliedTo": work["id"]}]},
        "voided": {"active": False},
    }
    payment.update(changes[change])
    office.world.tenant.touch("payments", payment["id"])
    carry(office, payment)
    assert office.standing("payments", payment["id"]) == ("held", "changed-after-posting")


def test_a_deposit_on_the_estimate_visit_stands_on_account_until_it_is_moved(office: Office) -> None:
    (visit,), (deposit,) = scenario(office, "deposit_on_estimate_visit")
    carry(office, visit, deposit)
    assert office.invoice(visit["id"]) is None
    assert amounts(office, deposit) == [(Decimal("-750.00"), Decimal("-750.00"))]
    assert office.standing("payments", deposit["id"]) == POSTED
    (work,), _ = scenario(office, "deposit_applied_later")
    work["customer"] = deposit["customer"]
    office.world.tenant.touch("invoices", work["id"])
    carry(office, work)
    deposit["appliedTo"] = [{**deposit["appliedTo"][0], "appliedTo": work["id"]}]
    office.world.tenant.touch("payments", deposit["id"])
    carry(office, deposit)
    assert office.standing("payments", deposit["id"]) == TO_APPLY
    assert office.invoice(work["id"]).number in reason_of(office, deposit)


def test_an_overpayment_leaves_its_rest_on_account(office: Office) -> None:
    (work,), (check,) = scenario(office, "overpayment")
    carry(office, work, check)
    assert sorted(amounts(office, check)) == [
        (Decimal("-450.00"), Decimal("0.00")),
        (Decimal("-50.00"), Decimal("-50.00")),
    ]
    assert receivable(office, work).remaining == money(work["total"]) - Decimal("450.00")
    assert office.standing("payments", check["id"]) == POSTED


def test_one_payment_closes_several_invoices(office: Office) -> None:
    works, (check,) = scenario(office, "one_payment_several_invoices")
    carry(office, *works, check)
    assert {receivable(office, work).remaining for work in works} == {Decimal(0)}
    assert len(entries(office, check)) == len(works)
    assert {office.invoice(work["id"]).status for work in works} == {"Paid"}


def test_several_payments_close_one_invoice_together(office: Office) -> None:
    (work,), paid = scenario(office, "several_payments_one_invoice")
    carry(office, work)
    office.run("payments")
    assert {one.remaining for row in paid for one in entries(office, row)} == {Decimal(0)}
    assert receivable(office, work).remaining == money(work["total"]) - Decimal("2000.00")


def test_a_payment_before_its_invoice_in_the_feed_waits(office: Office) -> None:
    (work,), (paid,) = scenario(office, "payment_before_invoice_in_feed")
    work["syncStatus"] = "Pending"
    office.world.tenant.touch("invoices", work["id"])
    office.run("payments", only=str(paid["id"]))
    assert office.standing("payments", paid["id"])[0] == "waiting"
    assert entries(office, paid) == []
    work["syncStatus"] = "Posted"
    office.world.tenant.touch("invoices", work["id"])
    carry(office, work, paid)
    assert amounts(office, paid) == [(-money(paid["total"]), Decimal(0))]


@pytest.mark.parametrize("balanced", [True, False])
def test_a_payment_dated_before_its_invoice_is_never_sent_for_application(office: Office, *, balanced: bool) -> None:
    (work,), (paid,) = scenario(office, "payment_dated_before_invoice")
    carry(office, work)
    if not balanced:
        office.edit_config("payments:\n", "payments:\n  post: false\n")
    carry(office, paid)
    line = next(one for one in office.writes() if one.target.endswith("/customerPayments"))
    assert "appliesTo" not in (line.body or "")
    if balanced:
        assert [one.posting_date for one in entries(office, paid)] == [date(2026, 6, 8)]
        assert receivable(office, work).remaining == money(work["total"])
        assert office.standing("payments", paid["id"]) == TO_APPLY


def test_a_payment_of_nothing_is_settled(office: Office) -> None:
    (recall,), (nothing,) = scenario(office, "zero_payment")
    carry(office, recall, nothing)
    assert office.standing("payments", nothing["id"]) == ("settled", "nothing_to_post")
    assert entries(office, nothing) == []


def test_a_payment_that_moves_credit_is_held_and_says_what_to_do(office: Office) -> None:
    works, (check,) = scenario(office, "one_payment_several_invoices")
    parts = [{**check["appliedTo"][0], "appliedAmount": "60.00"}, {**check["appliedTo"][1], "appliedAmount": "-60.00"}]
    check.update(total="0.00", appliedTo=parts)
    carry(office, *works[:2], check)
    assert office.standing("payments", check["id"]) == ("held", "payment-moves-credit")


@pytest.mark.parametrize(("name", "account"), [("write_off", "66000"), ("financing_payment", "12500")])
def test_write_off_and_financing_close_the_invoice_against_their_own_account(
    office: Office, name: str, account: str
) -> None:
    (work,), paid = scenario(office, name)
    carry(office, work, *paid)
    last = paid[-1]
    debits = {one.account_number: one.amount for one in office.gl(f"ST-P{last['id']}", "Payment") if one.amount > 0}
    assert debits == {account: money(last["total"])}
    assert receivable(office, work).remaining == money(work["total"]) - sum(money(one["total"]) for one in paid)


def test_an_invoice_that_was_paid_by_hand_meanwhile_stops_nobody(late: Office) -> None:
    (work,), (paid,) = scenario(late, "payment_before_invoice_in_feed")
    others = scenario(late, "several_payments_one_invoice")
    release(late, "invoices", work, *others[0])
    release(late, "payments", paid, *others[1])
    late.run("invoices")
    document = late.invoice(work["id"])
    Accountant(late.world.company).payment(
        document.customer_number,
        "BY-HAND-1",
        money(work["total"]),
        on=date(2026, 6, 12),
        balancing_account=BANK,
        applies_to=document.number,
    )
    late.run("payments")
    assert amounts(late, paid) == [(-money(paid["total"]), -money(paid["total"]))]
    assert late.standing("payments", paid["id"]) == TO_APPLY
    assert "entered this payment by hand" in reason_of(late, paid)
    assert all(entries(late, row) for row in others[1])
    late.run("payments")
    assert late.standing("payments", paid["id"]) == TO_APPLY, (
        "a closed invoice proves nothing when it was closed before"
    )


def test_a_second_check_for_a_bounced_one_does_not_fail_the_batch(late: Office) -> None:
    (work,), (check, back) = scenario(late, "bounced_check")
    again = late.world.tenant.take_payment(
        check["customer"]["id"],
        Decimal("315.00"),
        type_id=int(check["typeId"]),
        applied={work["id"]: Decimal("315.00")},
        on=date(2026, 6, 20),
        syncStatus="Posted",
    )
    release(late, "invoices", work)
    release(late, "payments", check, back)
    late.run("invoices")
    late.run("payments")
    second = late.world.tenant.payments[again]
    assert amounts(late, check) == [(Decimal("-315.00"), Decimal(0))]
    assert amounts(late, second) == [(Decimal("-315.00"), Decimal("-315.00"))]
    assert amounts(late, back) == [(Decimal("315.00"), Decimal("315.00"))]
    assert late.standing("payments", again) == TO_APPLY


def test_a_payment_of_a_closed_period_moves_to_the_first_open_day_and_says_so(office: Office) -> None:
    _, (deposit,) = scenario(office, "deposit_unapplied")
    office.world.company.ledger_setup.allow_posting_from = date(2026, 6, 15)
    carry(office, deposit)
    assert office.standing("payments", deposit["id"]) == ("held", "posting-date-closed")
    office.edit_config("payments:\n", "posting_dates:\n  closed: first_open_day\npayments:\n")
    carry(office, deposit)
    (entry,) = entries(office, deposit)
    assert entry.posting_date == date(2026, 6, 15)
    assert "2026-06-11" in entry.description


def test_a_lost_state_finds_what_is_posted_and_what_is_surely_not_applied(
    posted: Office, another: Callable[[Office, str], Office]
) -> None:
    _, (deposit, rest) = scenario(posted, "deposit_applied_later")
    _, (check,) = scenario(posted, "overpayment")
    _, (early,) = scenario(posted, "payment_dated_before_invoice")
    before = len(list(posted.world.company.gl_entries))
    second = another(posted, "new-laptop")
    second.run()
    second.run("payments")
    assert second.standing("payments", check["id"]) == POSTED
    assert second.standing("payments", rest["id"]) == POSTED
    assert second.standing("payments", early["id"]) == TO_APPLY
    ours = {f"ST-P{row['id']}" for row in (deposit, rest, check, early)}
    booked = [one for one in list(posted.world.company.gl_entries)[before:] if one.document_number in ours]
    assert booked == []


def test_what_is_to_be_applied_stays_listed_during_other_runs(office: Office) -> None:
    (work,), (paid,) = scenario(office, "payment_dated_before_invoice")
    carry(office, work, paid)
    office.run("customers", limit=1)
    office.run("invoices", only="none")
    assert office.standing("payments", paid["id"]) == TO_APPLY
    result = office.run("payments", only=str(paid["id"]))
    assert decided(result, paid).standing == Standing.SETTLE
