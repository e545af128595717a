"""Money that goes back, read from Business Central's books: G/L, customer ledger, the general journal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from office import Office, money
from other_readings import exchange
from test_payments import POSTED, TO_APPLY, Row, amounts, carry, entries, reason_of, receivable, scenario
from typer.testing import CliRunner

from stsync.cli.app import app
from stsync.sandbox import faults
from stsync.sandbox.businesscentral.accountant import Accountant
from stsync.sandbox.businesscentral.core.document_records import JournalLine
from stsync.sandbox.wsgi import App, Request, Response
from stsync.state import State

CHECKING = "10100"
JOURNAL_POST = r"/journals\(.*post$"


def moved(office: Office, payment: Row) -> dict[str, Decimal]:
    """What a refund moved, by G/L account."""
    return {one.account_number: one.amount for one in office.gl(f"ST-P{payment['id']}", " ")}


def refund_journal(office: Office) -> Any:
    return next((one for one in office.world.company.journals if one.code == "STREFUND"), None)


def standing(office: Office) -> list[Any]:
    """The lines in the refund journal that say something."""
    return [one for one in office.world.company.lines_in(refund_journal(office)) if one.account_number]


def stsync(office: Office, *words: str) -> Any:
    return CliRunner().invoke(app, [*words, "--config", str(office.config)])


def test_a_refund_debits_the_customer_and_credits_the_account_it_left(office: Office) -> None:
    (work, credit), (paid, back) = scenario(office, "refund")
    carry(office, work, paid, back)
    assert moved(office, back)[CHECKING] == Decimal("-200.00")
    assert sum(moved(office, back).values()) == 0
    assert amounts(office, back) == [(Decimal("200.00"), Decimal("200.00"))]
    assert [one.posting_date for one in entries(office, back)] == [date(2026, 6, 18)]
    journal = refund_journal(office)
    assert (journal.template, standing(office)) == ("GENERAL", [])
    assert office.standing("payments", back["id"]) == TO_APPLY
    said = reason_of(office, back)
    assert f"ST-P{paid['id']}" in said
    assert str(credit["referenceNumber"]) in said


def test_a_bounced_check_names_its_invoice_and_leaves_the_list_when_that_is_open_again(office: Office) -> None:
    (work,), (check, back) = scenario(office, "bounced_check")
    carry(office, work, check, back)
    assert moved(office, back)[CHECKING] == Decimal("-315.00")
    assert office.standing("payments", back["id"]) == TO_APPLY
    assert office.invoice(work["id"]).number in reason_of(office, back)
    assert receivable(office, work).remaining == money(work["total"]) - Decimal("315.00")
    desk = Accountant(office.world.company)
    desk.unapply(entries(office, check)[0])
    desk.apply(entries(office, check)[0], entries(office, back)[0])
    office.run("payments")
    assert receivable(office, work).remaining == money(work["balance"])
    assert office.standing("payments", back["id"]) == POSTED


def test_a_refund_of_an_unapplied_credit_rests_on_a_persons_word(office: Office) -> None:
    _, (deposit, back) = scenario(office, "refund_of_unapplied_credit")
    carry(office, deposit, back)
    assert amounts(office, back) == [(Decimal("300.00"), Decimal("300.00"))]
    assert office.standing("payments", back["id"]) == TO_APPLY
    Accountant(office.world.company).apply(entries(office, deposit)[0], entries(office, back)[0])
    office.run("payments")
    assert office.standing("payments", back["id"]) == TO_APPLY, "nothing in Business Central shows it to a program"
    done = stsync(office, "applied", "payment", str(back["id"]), "--reason", "applied to the deposit")
    assert done.exit_code == 0, done.output
    assert office.standing("payments", back["id"]) == POSTED
    back["memo"] = "a word more"
    office.world.tenant.touch("payments", back["id"])
    office.run("payments")
    assert office.standing("payments", back["id"]) == POSTED, "a person's word lasts"
    assert stsync(office, "applied", "payment", str(back["id"]), "--undo").exit_code == 0
    office.run("payments")
    assert office.standing("payments", back["id"]) == TO_APPLY


def test_all_refunds_of_a_month_are_called_applied_at_once(posted: Office) -> None:
    listed = stsync(posted, "held", "--to-apply")
    backs = [scenario(posted, name)[1][-1] for name in ("refund", "bounced_check", "refund_of_unapplied_credit")]
    deposit = scenario(posted, "payment_dated_before_invoice")[1][0]
    assert {posted.standing("payments", one["id"]) for one in (*backs, deposit)} == {TO_APPLY}
    assert all(str(one["referenceNumber"]) in listed.output for one in backs)
    done = stsync(posted, "applied", "payments", "--refunds", "--through", "2026-06-30")
    assert done.exit_code == 0, done.output
    assert {posted.standing("payments", one["id"]) for one in backs} == {POSTED}
    assert posted.standing("payments", deposit["id"]) == TO_APPLY
    with State.open_scratch(posted.state_file) as state:
        said = {row.source_id for row in state.audit.rows(event="applied")}
        assert state.audit.verify()
    assert {str(one["id"]) for one in backs} <= said
    assert all(money(posted.world.tenant.payments[int(one)]["total"]) < 0 for one in said)
    posted.world.sandbox.log.clear()
    posted.run()
    assert posted.writes() == []
    assert {posted.standing("payments", one["id"]) for one in backs} == {POSTED}


def test_only_what_is_to_be_applied_can_be_called_applied(office: Office) -> None:
    (work,), (check,) = scenario(office, "overpayment")
    carry(office, work, check)
    refused = stsync(office, "applied", "payment", str(check["id"]))
    assert refused.exit_code == 2
    assert "record-not-to-apply" in refused.output
    assert stsync(office, "applied", "payment").exit_code == 2
    assert stsync(office, "applied", "payment", str(check["id"]), "--undo").exit_code == 2


def test_mapping_refunds_counts_before_the_journal_of_the_type(office: Office) -> None:
    _, (_, back) = scenario(office, "refund_of_unapplied_credit")
    office.edit_config("mapping:\n", 'mapping:\n  refunds:\n    "Refund": "10600"\n')
    carry(office, back)
    assert moved(office, back)["10600"] == Decimal("-300.00")


def test_a_refund_of_a_type_without_any_account_is_held_with_the_line_to_add(office: Office) -> None:
    _, (_, back) = scenario(office, "refund_of_unapplied_credit")
    office.edit_config('    "Refund": "ST-REFUND"\n', "")
    carry(office, back)
    assert office.standing("payments", back["id"]) == ("held", "mapping-missing")
    assert 'refunds:\n    "Refund": <G/L account>' in reason_of(office, back)
    assert refund_journal(office) is None


def test_a_lost_answer_does_not_pay_back_twice(office: Office) -> None:
    _, (deposit, back) = scenario(office, "refund_of_unapplied_credit")
    carry(office, deposit)
    office.world.sandbox.faults.add(faults.DROP_ANSWER, system="business_central", method="POST", path=JOURNAL_POST)
    for _ in range(3):
        carry(office, back)
    assert amounts(office, back) == [(Decimal("300.00"), Decimal("300.00"))]
    assert office.standing("payments", back["id"]) == TO_APPLY


def test_a_lost_state_does_not_pay_back_twice(posted: Office, another: Callable[[Office, str], Office]) -> None:
    _, (_, back) = scenario(posted, "refund")
    second = another(posted, "new-laptop")
    second.run()
    assert amounts(posted, back) == [(Decimal("200.00"), Decimal("200.00"))]
    assert second.standing("payments", back["id"]) == TO_APPLY


def test_a_receipt_under_the_number_of_a_refund_is_not_taken_for_it(office: Office) -> None:
    _, (deposit, back) = scenario(office, "refund_of_unapplied_credit")
    carry(office, deposit)
    number = entries(office, deposit)[0].customer_number
    desk = Accountant(office.world.company)
    desk.payment(number, f"ST-P{back['id']}", Decimal("300.00"), on=date(2026, 6, 22), balancing_account=CHECKING)
    carry(office, back)
    assert office.standing("payments", back["id"]) == ("held", "posted-with-other-total")
    assert len(entries(office, back)) == 1


def test_a_receipt_entered_by_hand_without_a_document_type_is_not_taken_for_a_refund(office: Office) -> None:
    from stsync.sandbox.businesscentral.accountant import HandLine

    _, (_, back) = scenario(office, "refund_of_unapplied_credit")
    lines = [HandLine(CHECKING, Decimal("300.00")), HandLine("12000", Decimal("-300.00"))]
    Accountant(office.world.company).journal(f"ST-P{back['id']}", date(2026, 6, 22), lines)
    carry(office, back)
    assert office.standing("payments", back["id"]) == ("held", "posted-with-other-total")


def test_one_refused_refund_keeps_no_other_out_of_the_books(office: Office) -> None:
    _, (_, first) = scenario(office, "refund_of_unapplied_credit")
    (work, _), (paid, second) = scenario(office, "refund")
    carry(office, work, paid)
    office.run("customers")
    office.edit_config("payments:\n", "payments:\n  post: false\n")
    carry(office, first, second)
    assert len(standing(office)) == 2
    card = next(one for one in office.world.company.customers if one.number == f"ST{first['customer']['id']}")
    card.customer_posting_group = ""
    office.edit_config("  post: false\n", "")
    office.run("payments")
    assert entries(office, first) == []
    assert amounts(office, second) == [(Decimal("200.00"), Decimal("200.00"))]
    assert office.standing("payments", first["id"])[0] == "held"
    assert standing(office) == []


def test_a_foreign_line_stops_the_refund_journal_and_is_never_posted(office: Office) -> None:
    _, (deposit, back) = scenario(office, "refund_of_unapplied_credit")
    (work,), (check, bounced) = scenario(office, "bounced_check")
    carry(office, work, check, deposit, bounced)
    company = office.world.company
    company.journal_lines.insert(
        JournalLine(
            batch_id=refund_journal(office).id,
            line_number=90_000,
            document_type=" ",
            account_type="G/L Account",
            account_number="66000",
            balancing_account_type="G/L Account",
            balancing_account_number=CHECKING,
            document_number="G00099",
            amount=Decimal("5.00"),
            posting_date=date(2026, 6, 20),
        )
    )
    carry(office, back)
    assert office.standing("payments", back["id"]) == ("held", "foreign-lines-in-journal")
    assert entries(office, back) == []
    assert office.gl("G00099", " ") == []


def test_the_blank_line_that_posting_leaves_behind_stops_nobody(office: Office) -> None:
    (work,), (check, bounced) = scenario(office, "bounced_check")
    _, (deposit, back) = scenario(office, "refund_of_unapplied_credit")
    carry(office, work, check, bounced)
    left = office.world.company.lines_in(refund_journal(office))
    assert [one.account_number for one in left] == [""], "the simulator seeds the blank line of facts section 3"
    carry(office, deposit, back)
    assert [one.posting_date for one in entries(office, back)] == [date(2026, 6, 22)]


def test_a_refund_voided_before_it_was_read_is_nothing_and_after_posting_is_held(office: Office) -> None:
    _, (_, back) = scenario(office, "refund_of_unapplied_credit")
    carry(office, back)
    back["active"] = False
    office.world.tenant.touch("payments", back["id"])
    carry(office, back)
    assert office.standing("payments", back["id"]) == ("held", "changed-after-posting")
    _, (_, other) = scenario(office, "refund")
    other["active"] = False
    office.world.tenant.touch("payments", other["id"])
    carry(office, other)
    assert office.standing("payments", other["id"]) == ("settled", "nothing_to_post")


def test_a_refund_voided_while_its_line_stands_unposted_is_held(office: Office) -> None:
    _, (_, back) = scenario(office, "refund_of_unapplied_credit")
    office.edit_config("payments:\n", "payments:\n  post: false\n")
    carry(office, back)
    assert len(standing(office)) == 1
    back["active"] = False
    office.world.tenant.touch("payments", back["id"])
    carry(office, back)
    assert office.standing("payments", back["id"]) == ("held", "voided-before-posting")


@pytest.mark.parametrize("code", ["ST-REFUND", "STBACK"])
def test_the_refund_journal_may_have_a_payment_journals_code(office: Office, code: str) -> None:
    _, (deposit, back) = scenario(office, "refund_of_unapplied_credit")
    office.edit_config("payments:\n", f"refunds:\n  journal: {code}\npayments:\n")
    carry(office, deposit, back)
    assert amounts(office, back) == [(Decimal("300.00"), Decimal("300.00"))]
    assert [one.template for one in office.world.company.journals if one.code == code] == ["GENERAL"]


def test_a_line_that_the_journal_does_not_show_is_taken_out_and_never_piles_up(office: Office) -> None:
    """That journalLines shows customers' lines is only inferred (facts 2.11); here it does not."""
    exchange(office.world, books=(_without_customers_lines,))
    _, (deposit, back) = scenario(office, "refund_of_unapplied_credit")
    carry(office, deposit)
    for _ in range(3):
        carry(office, back)
        assert standing(office) == []
    assert entries(office, back) == []
    assert office.standing("payments", back["id"])[1] == "payment-lines-incomplete"


def _without_customers_lines(app: App) -> App:
    def shown(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: shown(part) for name, part in value.items()}
        if isinstance(value, list):
            return [shown(one) for one in value if not (isinstance(one, dict) and one.get("accountType") == "Customer")]
        return value

    def call(request: Request) -> Response:
        answer = app(request)
        reading = request.method == "GET" and answer.status < 400 and answer.encoded()
        return Response(answer.status, shown(answer.json()), dict(answer.headers)) if reading else answer

    return call
