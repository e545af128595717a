"""Posted payments that ServiceTitan changed or voided: taken back by an entry of their own. The books are read."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from office import Office, money
from test_after_posting import LOST, drifted, everything, later, owed, typed
from test_corrections import ending, ties
from typer.testing import CliRunner, Result

from stsync.cli.app import app
from stsync.sandbox.businesscentral.accountant import Accountant
from stsync.sandbox.businesscentral.core.document_records import JournalLine
from stsync.state import State

OPENS = date(2026, 6, 28)
JULY = date(2026, 7, 1)


def corrected(office: Office, payment_id: str, *options: str) -> Result:
    """Order the correction of a payment, without a terminal."""
    return typed(office, "correct", "payment", payment_id, *(options or ("--yes",)))


def family(office: Office, payment_id: str) -> dict[str, dict[str, Decimal]]:
    """What the general ledger holds under the numbers of a payment, each by account."""
    found: dict[str, dict[str, Decimal]] = {}
    for one in office.world.company.gl_entries:
        if one.document_number.startswith(f"ST-P{payment_id}"):
            accounts = found.setdefault(one.document_number, {})
            accounts[one.account_number] = accounts.get(one.account_number, Decimal(0)) + one.amount
    return found


def together(booked: dict[str, dict[str, Decimal]]) -> dict[str, Decimal]:
    """What they come to, by account."""
    sums: dict[str, Decimal] = {}
    for accounts in booked.values():
        for account, amount in accounts.items():
            sums[account] = sums.get(account, Decimal(0)) + amount
    return {account: amount for account, amount in sums.items() if amount}


def customer_of(office: Office, payment_id: str) -> str:
    """The card on which a payment stands."""
    ledger = office.world.company.customer_ledger
    return next(str(one.customer_number) for one in ledger if one.document_number == f"ST-P{payment_id}")


def in_journals(office: Office) -> int:
    """How many lines with something on them stand unposted in the journals."""
    return sum(bool(one.amount) for one in office.world.company.journal_lines)


def test_a_voided_payment_is_taken_back_to_the_cent(posted: Office) -> None:
    before, payment_id = ending(posted), later(posted, "payment_voided")
    card = customer_of(posted, payment_id)
    debt = owed(posted, card)
    shown = corrected(posted, payment_id, "--dry-run")
    assert f"ST-P{payment_id}R" in shown.stdout
    assert posted.writes() == []
    told = corrected(posted, payment_id)
    assert told.exit_code == 0, told.output
    booked = family(posted, payment_id)
    assert set(booked) == {f"ST-P{payment_id}", f"ST-P{payment_id}R"}
    assert together(booked) == {}
    assert owed(posted, card) - debt == Decimal("260.00")
    assert posted.standing("payments", payment_id) == ("settled", "to_apply")
    assert f"stand on ST-P{payment_id}, choose Unapply Entries" in told.stdout
    assert f"ST-P{payment_id}R" in typed(posted, "held", "--to-apply").stdout
    ties(posted, before)
    assert in_journals(posted) == 0


def test_once_a_person_has_applied_the_entry_nothing_is_left(posted: Office) -> None:
    payment_id = later(posted, "payment_voided")
    assert corrected(posted, payment_id).exit_code == 0
    desk, number = Accountant(posted.world.company), f"ST-P{payment_id}"
    receipt, counter = desk.entry(number, "Payment"), desk.entry(f"{number}R", " ")
    desk.unapply(receipt)
    desk.apply(receipt, counter)
    assert (receipt.open, counter.open) == (False, False)
    invoice = posted.world.demo.scenario_rows("payment_changed_after_posting", "invoices")[0]
    assert posted.invoice(invoice["id"]).status == "Open"
    assert typed(posted, "applied", "payment", payment_id).exit_code == 0
    posted.run()
    assert posted.standing("payments", payment_id) == ("settled", "reversed")
    assert drifted(posted, "--all")["drifted"] == {}


def test_a_changed_amount_is_taken_back_and_made_anew_under_the_next_number(posted: Office) -> None:
    before, payment_id = ending(posted), later(posted, "payment_amount_changed")
    card = customer_of(posted, payment_id)
    debt = owed(posted, card)
    remedy = drifted(posted)["drifted"][payment_id]["remedy"]
    assert remedy["command"] == f"stsync correct payment {payment_id}"
    shown = json.loads(corrected(posted, payment_id, "--dry-run", "--json").stdout)
    sent = json.loads(corrected(posted, payment_id, "--yes", "--json").stdout)
    assert shown["operations"] == sent["operations"]
    booked = family(posted, payment_id)
    assert set(booked) == {f"ST-P{payment_id}", f"ST-P{payment_id}R", f"ST-P{payment_id}-2"}
    assert together(booked) == booked[f"ST-P{payment_id}-2"]
    assert sorted(booked[f"ST-P{payment_id}-2"].values()) == [Decimal("-246.00"), Decimal("246.00")]
    assert owed(posted, card) - debt == Decimal("18.00")
    assert posted.standing("payments", payment_id) == ("settled", "to_apply")
    ties(posted, before)


def test_a_payment_corrected_twice_is_taken_back_twice_and_stands_once(posted: Office) -> None:
    before, payment_id = ending(posted), later(posted, "payment_amount_changed")
    assert corrected(posted, payment_id).exit_code == 0
    again = corrected(posted, payment_id)
    assert (again.exit_code, "nothing-to-correct" in again.stderr) == (2, True)
    posted.world.tenant.edit_payment(int(payment_id), total=Decimal("250.00"))
    told = corrected(posted, payment_id)
    assert told.exit_code == 0, told.output
    booked = family(posted, payment_id)
    number = f"ST-P{payment_id}"
    assert set(booked) == {number, f"{number}R", f"{number}-2", f"{number}-2R", f"{number}-3"}
    assert together(booked) == booked[f"{number}-3"]
    assert max(booked[f"{number}-3"].values()) == Decimal("250.00")
    ties(posted, before)


def test_another_type_of_payment_moves_the_money_to_its_account(posted: Office) -> None:
    before, payment_id = ending(posted), later(posted, "payment_amount_changed")
    old = set(family(posted, payment_id)[f"ST-P{payment_id}"])
    posted.world.tenant.edit_payment(int(payment_id), type="Credit Card", typeId=card_type(posted))
    told = corrected(posted, payment_id)
    assert told.exit_code == 0, told.output
    sums = together(family(posted, payment_id))
    assert len(set(sums) - old) == 1
    assert sorted(sums.values()) == [Decimal("-246.00"), Decimal("246.00")]
    ties(posted, before)


def card_type(office: Office) -> str:
    """The id of a payment type that goes into another journal."""
    return str(next(row["typeId"] for row in office.world.tenant.payments.values() if row["type"] == "Credit Card"))


def test_a_refund_of_another_amount_is_taken_back_the_other_way_round(posted: Office) -> None:
    before = ending(posted)
    row = next(one for one in posted.world.tenant.payments.values() if is_posted_refund(posted, one))
    payment_id, total = str(row["id"]), money(row["total"])
    card, debt = customer_of(posted, payment_id), owed(posted, customer_of(posted, payment_id))
    posted.world.tenant.edit_payment(int(payment_id), total=total + 5)
    told = corrected(posted, payment_id)
    assert told.exit_code == 0, told.output
    booked = family(posted, payment_id)
    assert max(booked[f"ST-P{payment_id}R"].values()) == -total
    assert max(together(booked).values()) == -(total + 5)
    assert owed(posted, card) - debt == Decimal("-5.00")
    ties(posted, before)


def is_posted_refund(office: Office, row: Any) -> bool:
    """Whether money was paid back in the books, applied to nothing."""
    return money(row["total"]) < 0 and not row["appliedTo"] and f"ST-P{row['id']}" in family(office, str(row["id"]))


def test_in_a_closed_period_it_is_taken_back_on_the_first_open_day_and_says_so(posted: Office) -> None:
    payment_id = later(posted, "payment_voided")
    posted.world.company.ledger_setup.allow_posting_from = OPENS
    assert corrected(posted, payment_id).exit_code == 0
    entries = posted.gl(f"ST-P{payment_id}R", " ") or posted.gl(f"ST-P{payment_id}R", "")
    assert {one.posting_date for one in entries} == {OPENS}
    assert f"posted on the first open day {OPENS}" in entries[0].description
    assert together(family(posted, payment_id)) == {}


def test_a_payment_only_applied_elsewhere_needs_no_entry(posted: Office) -> None:
    payment_id, books = later(posted, "payment_reapplied"), everything(posted)
    one = drifted(posted)["drifted"][payment_id]
    assert "Unapply Entries" in one["remedy"]["text"]
    told = corrected(posted, payment_id)
    assert told.exit_code == 4
    assert "only-applied-elsewhere" in told.stderr
    assert everything(posted) == books
    assert posted.writes() == []


def test_a_payment_that_nobody_changed_is_not_taken_back(posted: Office) -> None:
    row = posted.world.demo.scenario_rows("payment_changed_after_posting", "payments")[0]
    told = corrected(posted, str(row["id"]))
    assert (told.exit_code, "nothing-to-correct" in told.stderr) == (2, True)
    assert posted.writes() == []


def test_what_a_person_reversed_in_business_central_is_made_anew_only_on_an_order(posted: Office) -> None:
    before = ending(posted)
    row = posted.world.demo.scenario_rows("payment_changed_after_posting", "payments")[0]
    payment_id = str(row["id"])
    Accountant(posted.world.company).reverse_payment(f"ST-P{payment_id}")
    one = drifted(posted)["drifted"][payment_id]
    assert one["remedy"]["command"] == f"stsync correct payment {payment_id}"
    posted.run()
    assert set(family(posted, payment_id)) == {f"ST-P{payment_id}"}
    told = corrected(posted, payment_id)
    assert told.exit_code == 0, told.output
    booked = family(posted, payment_id)
    assert set(booked) == {f"ST-P{payment_id}", f"ST-P{payment_id}-2"}
    assert together(booked) == booked[f"ST-P{payment_id}-2"]
    ties(posted, before)


def test_a_payment_voided_in_servicetitan_and_reversed_by_hand_is_only_noted(posted: Office) -> None:
    payment_id = later(posted, "payment_voided")
    Accountant(posted.world.company).reverse_payment(f"ST-P{payment_id}")
    told = corrected(posted, payment_id)
    assert told.exit_code == 0, told.output
    assert posted.writes() == []
    assert posted.standing("payments", payment_id) == ("settled", "reversed")


def test_without_a_yes_nothing_is_sent_and_nobody_is_asked(posted: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    payment_id = later(posted, "payment_voided")
    unasked = typed(posted, "correct", "payment", payment_id)
    assert (unasked.exit_code, "not-confirmed" in unasked.stderr) == (4, True)
    assert posted.writes() == []
    monkeypatch.setattr("stsync.cli.correct.on_a_terminal", lambda: True)
    words = ["correct", "payment", payment_id, "--config", str(posted.config)]
    assert CliRunner().invoke(app, words, input="yes\n").exit_code == 4
    assert posted.writes() == []
    assert CliRunner().invoke(app, words, input=f"ST-P{payment_id}\n").exit_code == 0
    assert together(family(posted, payment_id)) == {}


def test_lines_of_others_in_the_journal_are_never_posted_with_it(posted: Office) -> None:
    payment_id, company = later(posted, "payment_voided"), posted.world.company
    batch = next(one for one in company.journals if one.code == "STREFUND")
    line = JournalLine(batch_id=batch.id, line_number=10000, account_number="10500", document_number="JV-7")
    line.amount, line.posting_date = Decimal("12.00"), OPENS
    company.journal_lines.insert(line)
    told = corrected(posted, payment_id)
    assert (told.exit_code, "foreign-lines-in-journal" in told.stderr) == (4, True)
    assert set(family(posted, payment_id)) == {f"ST-P{payment_id}"}


def test_an_account_closed_to_direct_posting_is_explained_and_nothing_is_sent(posted: Office) -> None:
    payment_id = later(posted, "payment_voided")
    (money_on,) = [one for one, amount in family(posted, payment_id)[f"ST-P{payment_id}"].items() if amount > 0]
    account = posted.world.company.accounts.first("number", money_on)
    assert account is not None
    account.direct_posting = False
    told = corrected(posted, payment_id)
    assert (told.exit_code, "account-not-usable" in told.stderr) == (4, True)
    assert posted.writes() == []


STEPS = {
    "line": r"/journalLines$",
    "its posting": r"/journals\(.*post$",
    "line of the new payment": r"/customerPayments$",
}


@pytest.mark.parametrize("fault", LOST)
@pytest.mark.parametrize("step", STEPS)
def test_a_counter_entry_that_loses_an_answer_ends_as_if_it_had_not(posted: Office, step: str, fault: str) -> None:
    payment_id = later(posted, "payment_amount_changed")
    card = customer_of(posted, payment_id)
    debt = owed(posted, card)
    rule = posted.world.sandbox.faults.add(LOST[fault], system="business_central", path=STEPS[step], count=1)
    corrected(posted, payment_id)
    assert rule.fired
    if step != "line of the new payment":
        posted.run()
        corrected(posted, payment_id)
    posted.run()
    posted.run()
    booked = family(posted, payment_id)
    assert set(booked) == {f"ST-P{payment_id}", f"ST-P{payment_id}R", f"ST-P{payment_id}-2"}
    assert together(booked) == booked[f"ST-P{payment_id}-2"]
    assert owed(posted, card) - debt == Decimal("18.00")
    assert posted.standing("payments", payment_id) == ("settled", "to_apply")
    assert in_journals(posted) == 0
    with State.open_scratch(posted.state_file) as state:
        assert list(state.ledger.intended()) == []


def test_without_our_notes_what_was_taken_back_and_made_anew_is_taken_on(
    posted: Office, another: Callable[[Office, str], Office]
) -> None:
    payment_id = later(posted, "payment_amount_changed")
    assert corrected(posted, payment_id).exit_code == 0
    lost = another(posted, "new computer")
    books = everything(posted)
    lost.run()
    assert everything(posted) == books
    assert lost.standing("payments", payment_id)[0] == "settled"
    with State.open_scratch(lost.state_file) as state:
        assert {row.target_number for row in state.ledger.by_source("payments", payment_id)} == {f"ST-P{payment_id}-2"}
    lost.world.tenant.edit_payment(int(payment_id), total=Decimal("250.00"))
    assert corrected(lost, payment_id).exit_code == 0
    booked = family(lost, payment_id)
    assert together(booked) == booked[f"ST-P{payment_id}-3"]


def test_without_our_notes_what_was_only_taken_back_is_held_until_a_person_says_so(
    posted: Office, another: Callable[[Office, str], Office]
) -> None:
    payment_id = later(posted, "payment_voided")
    assert corrected(posted, payment_id).exit_code == 0
    posted.world.tenant.edit_payment(int(payment_id), active=True)
    lost, books = another(posted, "new computer"), everything(posted)
    lost.run()
    assert lost.standing("payments", payment_id) == ("held", "taken-back-in-business-central")
    assert everything(posted) == books
    assert corrected(lost, payment_id).exit_code == 0
    booked = family(lost, payment_id)
    assert together(booked) == booked[f"ST-P{payment_id}-2"]


def test_without_our_notes_a_payment_voided_after_posting_is_held(
    posted: Office, another: Callable[[Office, str], Office]
) -> None:
    payment_id = later(posted, "payment_voided")
    lost, books = another(posted, "new computer"), everything(posted)
    lost.run()
    assert lost.standing("payments", payment_id) == ("held", "changed-after-posting")
    assert everything(posted) == books


def test_money_on_a_bank_account_moves_back_on_the_bank_account(posted: Office) -> None:
    company, payment_id = posted.world.company, later(posted, "payment_voided")
    (money_on,) = [one for one, amount in family(posted, payment_id)[f"ST-P{payment_id}"].items() if amount > 0]
    bank = company.add_bank_account("CHECKING", "Checking account", money_on)
    journal = next(one for one in company.journals if one.code == "ST-CHECK")
    journal.balancing_account_type, journal.balancing_account_number = "Bank Account", bank.number
    told = corrected(posted, payment_id, "--dry-run", "--json")
    made = [one["body"] for one in json.loads(told.stdout)["operations"] if one["entity"] == "journalLines"]
    assert (made[0]["balanceAccountType"], made[0]["balancingAccountNumber"]) == ("Bank_x0020_Account", "CHECKING")
    assert corrected(posted, payment_id).exit_code == 0
    assert together(family(posted, payment_id)) == {}


def test_the_entry_has_the_dimensions_of_the_payment(posted: Office) -> None:
    payment_id, company = later(posted, "payment_voided"), posted.world.company
    entries = posted.gl(f"ST-P{payment_id}", "Payment")
    Accountant(company).correct_dimension(entries, "DEPARTMENT", "PHX-HVAC-S")
    assert corrected(posted, payment_id).exit_code == 0
    counter = [one for one in company.gl_entries if one.document_number == f"ST-P{payment_id}R"]
    assert [one.dimensions for one in counter] == [{"DEPARTMENT": "PHX-HVAC-S"}] * 2


def test_what_business_central_refuses_leaves_no_line_behind(posted: Office) -> None:
    payment_id, company = later(posted, "payment_voided"), posted.world.company
    card = company.customers.first("number", customer_of(posted, payment_id))
    assert card is not None
    card.blocked = "All"
    told = corrected(posted, payment_id)
    assert told.exit_code in {3, 4}, told.output
    assert in_journals(posted) == 0
    assert set(family(posted, payment_id)) == {f"ST-P{payment_id}"}
    card.blocked = " "
    assert corrected(posted, payment_id).exit_code == 0
    assert together(family(posted, payment_id)) == {}


def test_each_month_ties_when_the_entry_stands_in_the_next_one(posted: Office) -> None:
    payment_id = later(posted, "payment_voided")
    posted.world.company.set_posting_window(JULY, None)
    assert corrected(posted, payment_id).exit_code == 0
    assert {one.posting_date for one in posted.world.company.gl_entries if one.document_number.endswith("R")} == {JULY}
    for month in ("2026-06", "2026-07"):
        told = typed(posted, "reconcile", "--month", month).stdout
        assert "EXACT: unexplained difference 0.00" in told, told[-3000:]


def test_a_payment_given_to_another_customer_moves_from_card_to_card(posted: Office) -> None:
    before = ending(posted)
    payment_id = str(posted.world.demo.scenario_rows("deposit_ready", "payments")[0]["id"])
    other = posted.world.demo.scenario_rows("payment_changed_after_posting", "invoices")[0]["customer"]
    old, new = customer_of(posted, payment_id), f"ST{other['id']}"
    debts = owed(posted, old), owed(posted, new)
    posted.world.tenant.edit_payment(int(payment_id), customer=other)
    assert corrected(posted, payment_id).exit_code == 0
    assert owed(posted, old) - debts[0] == Decimal("250.00")
    assert owed(posted, new) - debts[1] == Decimal("-250.00")
    ties(posted, before)


def test_where_payments_are_left_to_a_person_the_new_one_is_too(posted: Office) -> None:
    payment_id = later(posted, "payment_amount_changed")
    posted.edit_config("payments:\n", "payments:\n  post: no\n")
    told = corrected(posted, payment_id)
    assert (told.exit_code, "left for a person to post" in told.stdout) == (0, True)
    assert together(family(posted, payment_id)) == {}
    assert posted.standing("payments", payment_id) == ("settled", "draft")
    assert in_journals(posted) == 1
    posted.run()
    assert in_journals(posted) == 1


def test_a_posting_that_runs_in_the_background_is_looked_for_and_never_doubled(posted: Office) -> None:
    payment_id, settings = later(posted, "payment_voided"), posted.world.company.settings
    settings.post_journals_with_job_queue = True
    assert corrected(posted, payment_id).exit_code == 3
    assert posted.standing("payments", payment_id) == ("held", "posting-scheduled")
    assert in_journals(posted) == 1
    settings.post_journals_with_job_queue = False
    assert corrected(posted, payment_id).exit_code == 0
    assert together(family(posted, payment_id)) == {}
    assert in_journals(posted) == 0
