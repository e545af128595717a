"""Corrections that Business Central's own cancellation refuses: paid invoices, closed periods. The books are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from office import Office
from test_after_posting import (
    LOST,
    corrected,
    documents,
    drifted,
    everything,
    later,
    owed,
    revenue,
    typed,
)

from stsync.stages.reversal import posted_line
from stsync.state import State

OPENS = date(2026, 6, 28)


def paid_invoice(office: Office) -> tuple[str, Any]:
    """A paid invoice: its ServiceTitan id, and the document in the books."""
    row = office.world.demo.scenario_rows("payment_changed_after_posting", "invoices")[0]
    invoice = office.invoice(row["id"])
    assert invoice.status == "Paid"
    return str(row["id"]), invoice


def memos(office: Office, source_id: str) -> list[Any]:
    """The credit memos that take back this invoice."""
    key = f"ST-{source_id}-C"
    return [one for one in office.world.company.credit_memos if one.external_document_number.startswith(key)]


def net(office: Office, numbers: Iterable[str]) -> dict[tuple[str, str], Decimal]:
    """What documents come to together, by account and department."""
    wanted, sums = set(numbers), dict[tuple[str, str], Decimal]()
    for one in office.world.company.gl_entries:
        if one.document_number in wanted:
            key = (one.account_number, one.dimensions.get("DEPARTMENT", ""))
            sums[key] = sums.get(key, Decimal(0)) + one.amount
    return {key: amount for key, amount in sums.items() if amount}


def ending(office: Office) -> str:
    """How the tie-out of the month ends: its last verdict, with every unexplained amount."""
    told = typed(office, "reconcile", "--month", "2026-06").stdout
    return next(line for line in told.splitlines() if "EXACT" in line)


def ties(office: Office, before: str) -> None:
    """Nothing drifts, another run writes nothing, and the month ties as it did before anything changed."""
    assert drifted(office, "--all")["drifted"] == {}
    books = everything(office)
    office.run()
    assert everything(office) == books
    assert ending(office) == before


def test_a_paid_invoice_that_was_edited_is_taken_back_by_a_credit_memo_and_made_anew(posted: Office) -> None:
    source_id, invoice = paid_invoice(posted)
    before, debt = ending(posted), owed(posted, invoice.customer_number)
    posted.world.tenant.correct_tax(int(source_id), Decimal("1.00"))
    shown = corrected(posted, source_id, "--dry-run")
    assert f"ST-{source_id}-C1" in shown.stdout
    assert posted.writes() == []
    told = corrected(posted, source_id)
    assert told.exit_code == 0, told.output
    (memo,) = memos(posted, source_id)
    assert (memo.total, memo.posting_date, memo.applies_to_number) == (invoice.total, invoice.posting_date, "")
    assert net(posted, [invoice.number, memo.number]) == {}
    again = next(one for one in posted.world.company.invoices if one.number == documents(posted, source_id)[1][0])
    assert (again.posted, again.total) == (True, invoice.total + 1)
    assert owed(posted, invoice.customer_number) - debt == Decimal("1.00")
    assert posted.standing("invoices", source_id) == ("settled", "to_apply")
    assert f"apply {invoice.total:,.2f} of it to the new invoice {again.number}" in told.stdout
    ties(posted, before)
    assert posted.standing("invoices", source_id) == ("settled", "to_apply")
    assert typed(posted, "applied", "invoice", source_id).exit_code == 0
    posted.run()
    assert posted.standing("invoices", source_id) == ("settled", "posted")


def test_a_paid_invoice_that_was_voided_leaves_the_customer_a_credit(posted: Office) -> None:
    source_id, invoice = paid_invoice(posted)
    before, debt = ending(posted), owed(posted, invoice.customer_number)
    posted.world.tenant.void_invoice(int(source_id))
    told = corrected(posted, source_id)
    assert told.exit_code == 0, told.output
    (memo,) = memos(posted, source_id)
    assert net(posted, [invoice.number, memo.number]) == {}
    assert owed(posted, invoice.customer_number) == debt - invoice.total
    assert len(documents(posted, source_id)) == 1
    ties(posted, before)
    assert posted.standing("invoices", source_id) == ("settled", "to_apply")
    assert typed(posted, "applied", "invoice", source_id).exit_code == 0
    assert posted.standing("invoices", source_id) == ("settled", "reversed")
    ties(posted, before)


def test_in_a_closed_period_it_is_taken_back_on_the_first_open_day_and_says_so(posted: Office) -> None:
    source_id = later(posted, "invoice_voided")
    invoice = posted.invoice(source_id)
    posted.world.company.ledger_setup.allow_posting_from = OPENS
    told = corrected(posted, source_id)
    assert told.exit_code == 0, told.output
    (memo,) = memos(posted, source_id)
    assert memo.posting_date == OPENS
    texts = [one.description for one in posted.world.company.lines_of(memo)]
    assert f"Takes back {invoice.number} of {invoice.posting_date}, posted on the first open day {OPENS}" in texts
    assert net(posted, [invoice.number, memo.number]) == {}
    assert f"apply {invoice.total:,.2f} of it to {invoice.number}" in told.stdout


def test_in_a_closed_period_nothing_is_taken_back_that_cannot_be_made_anew(posted: Office) -> None:
    source_id = later(posted, "invoice_edited")
    posted.world.company.ledger_setup.allow_posting_from = OPENS
    told = corrected(posted, source_id)
    assert told.exit_code == 4
    assert "cannot-be-made-anew" in told.stderr
    assert "first_open_day" in told.stderr
    assert posted.writes() == []


def test_servicetitan_is_told_the_number_of_the_new_invoice(office: Office) -> None:
    office.edit_config("pricebook:\n", "write_back:\n  invoices: yes\npricebook:\n")
    office.run()
    source_id, invoice = paid_invoice(office)
    row = office.world.tenant.invoices[int(source_id)]
    assert (row["syncStatus"], row["exportId"]) == ("Exported", invoice.number)
    office.world.tenant.correct_tax(int(source_id), Decimal("1.00"))
    told = corrected(office, source_id)
    assert told.exit_code == 0, told.output
    office.run()
    new = documents(office, source_id)[1][0]
    assert office.world.tenant.invoices[int(source_id)]["exportId"] == new
    assert new != invoice.number


def test_what_is_still_to_be_applied_outlasts_a_second_correction(posted: Office) -> None:
    source_id, invoice = paid_invoice(posted)
    posted.world.tenant.correct_tax(int(source_id), Decimal("1.00"))
    assert corrected(posted, source_id).exit_code == 0
    posted.world.tenant.correct_tax(int(source_id), Decimal("2.00"))
    assert corrected(posted, source_id).exit_code == 0
    assert [status for _, status in documents(posted, source_id)] == ["Paid", "Canceled", "Open"]
    assert live_total(posted, source_id) == invoice.total + 2
    (memo,) = memos(posted, source_id)
    with State.open_scratch(posted.state_file) as state:
        row = state.inbox.find("invoices", source_id)
        assert row is not None
        assert row.reason is not None
        assert memo.number in row.reason.message
    assert drifted(posted, "--all")["drifted"] == {}


def live_total(office: Office, source_id: str) -> Decimal:
    """What the newest invoice of a ServiceTitan id comes to."""
    number = documents(office, source_id)[-1][0]
    return Decimal(str(next(one.total for one in office.world.company.invoices if one.number == number)))


def test_an_invoice_below_zero_that_was_voided_is_drift_and_left_to_a_person(posted: Office) -> None:
    row = next(one for one in posted.world.tenant.invoices.values() if is_credit(posted, one))
    posted.world.tenant.void_invoice(row["id"])
    one = drifted(posted)["drifted"][str(row["id"])]
    assert Decimal(one["books_less_servicetitan"]) == Decimal(str(row["total"]))
    books = everything(posted)
    told = corrected(posted, str(row["id"]))
    assert told.exit_code == 4
    assert "correct-credit-by-hand" in told.stderr
    assert everything(posted) == books


def is_credit(office: Office, row: Any) -> bool:
    """Whether an invoice below zero is in the books as a credit memo."""
    key = f"ST-{row['id']}"
    return any(one.posted and one.external_document_number == key for one in office.world.company.credit_memos)


STEPS = {
    "draft of the credit memo": r"/salesCreditMemos$",
    "its posting": r"/salesCreditMemos\(.*post$",
    "draft of the new invoice": r"/salesInvoices$",
    "posting of the new invoice": r"/salesInvoices\(.*post$",
}


@pytest.mark.parametrize("fault", LOST)
@pytest.mark.parametrize("step", STEPS)
def test_a_reversal_that_loses_an_answer_ends_as_if_it_had_not(posted: Office, step: str, fault: str) -> None:
    source_id, invoice = paid_invoice(posted)
    posted.world.tenant.correct_tax(int(source_id), Decimal("1.00"))
    debt, income = owed(posted, invoice.customer_number), sum(revenue(posted).values())
    rule = posted.world.sandbox.faults.add(LOST[fault], system="business_central", path=STEPS[step], count=1)
    corrected(posted, source_id)
    assert rule.fired
    if "credit memo" in step or "its posting" in step:
        corrected(posted, source_id)
    posted.run("invoices")
    posted.run("invoices")
    (memo,) = memos(posted, source_id)
    assert net(posted, [invoice.number, memo.number]) == {}
    assert len(documents(posted, source_id)) == 2
    assert owed(posted, invoice.customer_number) - debt == Decimal("1.00")
    assert sum(revenue(posted).values()) == income
    assert posted.standing("invoices", source_id) == ("settled", "to_apply")
    with State.open_scratch(posted.state_file) as state:
        assert list(state.ledger.intended()) == []


def test_a_draft_that_is_a_cent_off_the_posted_invoice_is_not_posted(
    posted: Office,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source_id, invoice = paid_invoice(posted)
    posted.world.tenant.void_invoice(int(source_id))

    def dearer(row: Mapping[str, Any]) -> Any:
        line = posted_line(row)
        return replace(line, unit_price=line.unit_price + Decimal("0.01"), amount=line.amount + Decimal("0.01"))

    with monkeypatch.context() as patched:
        patched.setattr("stsync.stages.reversal.posted_line", dearer)
        assert corrected(posted, source_id).exit_code == 3
    assert posted.standing("invoices", source_id) == ("held", "reversal-differs")
    assert [one.posted for one in memos(posted, source_id)] == [False]
    assert corrected(posted, source_id).exit_code == 0
    assert [(one.posted, one.total) for one in memos(posted, source_id)] == [(True, invoice.total)]
