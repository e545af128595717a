"""What people change after stsync has posted: seen on either side, nothing in the books touched."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from office import Office, money
from typer.testing import CliRunner, Result

from stsync.cli import console
from stsync.cli.app import app
from stsync.sandbox import faults
from stsync.sandbox.businesscentral.accountant import Accountant, HandLine
from stsync.sandbox.company.later import LATER
from stsync.state import State

JUNE = date(2026, 6, 30)


def typed(office: Office, *words: str) -> Result:
    """Type a command, as a person would, without a terminal."""
    console.OUTPUT.json = console.OUTPUT.quiet = False
    result = CliRunner().invoke(app, [*words, "--config", str(office.config)])
    console.OUTPUT.json = console.OUTPUT.quiet = False
    return result


def drifted(office: Office, *options: str) -> dict[str, Any]:
    """What drift says, by ServiceTitan id; `merged` and what is for information stand beside it."""
    import json

    result = typed(office, "drift", "--json", *options)
    told = json.loads(result.stdout)
    assert "error" not in told, told
    assert result.exit_code == (3 if told["drifted"] else 0)
    by_id = {one["source_id"]: one for one in told["drifted"]}
    notes = {one["source_id"]: one for one in told["for_information"]}
    return {"drifted": by_id, "notes": notes, "merged": told["merged_customers"], "told": told}


def changed(found: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """The changed fields of one document: before and after."""
    return {one["field"]: (one["before"], one["after"]) for one in found["changes"]}


def prepared(office: Office, position: int) -> dict[str, Any]:
    """One of the invoices that stand ready to be changed."""
    return office.world.demo.scenario_rows("changed_after_posting", "invoices")[position]


def later(office: Office, name: str) -> str:
    """Let the office change something; returns the id of the first document that it changed."""
    refs = LATER[name](office.world.demo, office.world.tenant)
    return str(refs[0][1])


def everything(office: Office) -> tuple[int, int, int]:
    """How much the books hold: entries, invoices, credit memos."""
    company = office.world.company
    return len(list(company.gl_entries)), len(list(company.invoices)), len(list(company.credit_memos))


def test_a_month_that_nobody_touched_shows_no_drift_and_nothing_is_written(posted: Office) -> None:
    found = drifted(posted)
    assert found["drifted"] == {}
    assert found["told"]["looked_at"] > 100
    assert posted.writes() == []
    assert typed(posted, "drift").exit_code == 0


def test_the_second_look_costs_little(posted: Office) -> None:
    drifted(posted)
    before = posted.requests()
    found = drifted(posted)
    assert found["told"]["complete"] is False
    first = posted.requests() - before
    assert first < 15


def test_an_edited_invoice_is_shown_line_by_line_and_the_books_stay(posted: Office) -> None:
    source_id, books = later(posted, "invoice_edited"), everything(posted)
    total = posted.invoice(source_id).total
    one = drifted(posted)["drifted"][source_id]
    fields = changed(one)
    assert fields["total"] == (f"{total:,.2f}", f"{total + 65:,.2f}")
    assert ("(nothing)", "Second trip 65.00") in fields.values()
    assert one["books_less_servicetitan"] == "-65.00"
    assert everything(posted) == books


def test_a_tax_corrected_by_hand_is_off_by_the_two_cents(posted: Office) -> None:
    source_id = later(posted, "tax_corrected")
    one = drifted(posted)["drifted"][source_id]
    assert set(changed(one)) == {"sales tax", "total"}
    assert one["books_less_servicetitan"] == "-0.02"


def test_a_renumbered_invoice_is_said_and_holds_nothing(posted: Office) -> None:
    source_id = later(posted, "invoice_renumbered")
    found = drifted(posted)
    assert found["drifted"] == {}
    before, after = changed(found["notes"][source_id])["number"]
    assert after == f"{before}-R"
    posted.run()
    assert posted.standing("invoices", source_id) == ("settled", "posted")
    assert posted.invoice(source_id).customer_purchase_order_reference == before


def test_a_voided_invoice_leaves_the_books_over_by_its_total(posted: Office) -> None:
    source_id = later(posted, "invoice_voided")
    one = drifted(posted)["drifted"][source_id]
    assert changed(one) == {"status": ("live", "cancelled")}
    assert money(one["books_less_servicetitan"]) == posted.invoice(source_id).total
    assert posted.invoice(source_id).status == "Open"


def test_a_line_moved_to_another_business_unit_is_drift_without_an_amount(posted: Office) -> None:
    source_id = later(posted, "business_unit_changed")
    one = drifted(posted)["drifted"][source_id]
    (before, after) = next(value for field, value in changed(one).items() if "business unit" in field)
    assert "Electrical" in before
    assert "Plumbing" in after
    assert money(one["books_less_servicetitan"]) == 0


def test_an_unposted_invoice_is_no_drift_while_it_says_the_same(posted: Office) -> None:
    source_id = later(posted, "invoice_unposted")
    assert source_id not in drifted(posted)["drifted"]


def test_a_voided_payment_is_drift_over_its_amount(posted: Office) -> None:
    source_id = later(posted, "payment_voided")
    one = drifted(posted)["drifted"][source_id]
    assert (one["stage"], one["business_central_number"]) == ("payments", f"ST-P{source_id}")
    assert changed(one) == {"status": ("live", "voided")}
    assert one["books_less_servicetitan"] == "260.00"


def test_a_payment_moved_to_another_invoice_shows_both_sets(posted: Office) -> None:
    source_id = later(posted, "payment_reapplied")
    before, after = changed(drifted(posted)["drifted"][source_id])["applied to"]
    first, second = posted.world.demo.scenario_rows("payment_changed_after_posting", "invoices")
    assert before == f"{second['referenceNumber']} (100.00)"
    assert after == f"{first['referenceNumber']} (100.00)"


def test_merged_customers_are_named_and_nothing_drifts(posted: Office) -> None:
    loser = later(posted, "customers_merged")
    found = drifted(posted)
    assert found["drifted"] == {}
    assert loser in {one["source_id"] for one in found["merged"]}
    card = next(one for one in found["merged"] if one["source_id"] == loser)
    assert (card["card"], card["posted_invoices"]) == (f"ST{loser}", 1)


def test_documents_that_a_merge_moved_stay_as_they_were_posted(posted: Office) -> None:
    posted.world.tenant.switches.merge_moves_documents = True
    loser, survivor = posted.world.demo.scenario_rows("merged_after_posting", "customers")
    invoice = posted.world.demo.scenario_rows("merged_after_posting", "invoices")[0]
    later(posted, "customers_merged")
    assert posted.world.tenant.invoices[invoice["id"]]["customer"]["id"] == survivor["id"]
    books = everything(posted)
    posted.run()
    assert posted.standing("invoices", invoice["id"]) == ("settled", "posted")
    assert posted.invoice(invoice["id"]).customer_number == f"ST{loser['id']}"
    assert everything(posted) == books
    assert drifted(posted)["drifted"] == {}


def test_a_document_given_to_another_customer_is_drift(posted: Office) -> None:
    invoice = posted.world.demo.scenario_rows("merged_after_posting", "invoices")[0]
    _, other = posted.world.demo.scenario_rows("merged_after_posting", "customers")
    posted.world.tenant.edit_invoice(invoice["id"], customer={"id": other["id"], "name": other["name"]})
    assert "customer" in changed(drifted(posted)["drifted"][str(invoice["id"])])
    posted.run()
    assert posted.standing("invoices", invoice["id"]) == ("held", "changed-after-posting")


def cancelled(desk: Accountant, invoice: Any) -> None:
    desk.cancel(invoice)


def credited(desk: Accountant, invoice: Any) -> None:
    (line, *_) = desk.company.lines_of(invoice)
    part = HandLine(line.object_number, Decimal("50.00"), dimensions=tuple(line.dimensions.items()))
    desk.credit_memo(invoice.customer_number, [part], on=invoice.posting_date, applies_to=invoice.number)


def deleted(desk: Accountant, invoice: Any) -> None:
    desk.company.invoices.delete(invoice)


def recoded(desk: Accountant, invoice: Any) -> None:
    entries = [one for one in desk.company.gl_entries if one.document_number == invoice.number]
    revenue = [one for one in entries if one.dimensions.get("DEPARTMENT")]
    desk.correct_dimension(revenue[:1], "DEPARTMENT", "COMM")


BY_HAND: dict[str, tuple[Callable[[Accountant, Any], None], str, str | None]] = {
    "cancelled": (cancelled, "status", "total"),
    "credited": (credited, "credit memo", "-50.00"),
    "deleted": (deleted, "document", "0.00"),
    "dimension corrected": (recoded, "dimension on account", "0.00"),
}


@pytest.mark.parametrize("how", BY_HAND)
def test_what_a_person_does_to_it_in_business_central_is_drift(posted: Office, how: str) -> None:
    drifted(posted)
    work, field, effect = BY_HAND[how]
    row = prepared(posted, 0)
    invoice = posted.invoice(row["id"])
    total = invoice.total
    work(Accountant(posted.world.company), invoice)
    # Nobody hears of a deletion (facts section 9, polling): it takes a look at all of them.
    found = drifted(posted, *(["--all"] if how == "deleted" else []))
    one = found["drifted"][str(row["id"])]
    assert set(found["drifted"]) == {str(row["id"])}
    assert any(name.startswith(field) for name in changed(one))
    assert money(one["books_less_servicetitan"]) == (-total if effect == "total" else money(effect))
    assert set(drifted(posted)["drifted"]) == {str(row["id"])}, "the next look has to find it again"


def test_a_payment_reversed_in_business_central_is_drift(posted: Office) -> None:
    drifted(posted)
    row = posted.world.demo.scenario_rows("payment_changed_after_posting", "payments")[0]
    Accountant(posted.world.company).reverse_payment(f"ST-P{row['id']}")
    one = drifted(posted)["drifted"][str(row["id"])]
    assert changed(one) == {"amount in the general ledger": ("260.00", "reversed")}
    assert one["books_less_servicetitan"] == "-260.00"


def test_what_was_undone_in_both_systems_is_no_drift(posted: Office) -> None:
    source_id = later(posted, "invoice_voided")
    Accountant(posted.world.company).cancel(posted.invoice(source_id))
    found = drifted(posted)
    assert found["drifted"] == {}
    assert found["notes"][source_id]["agrees_again"] is True
    assert "stsync ignore invoice" in found["notes"][source_id]["remedy"]["command"]


def test_a_paid_invoice_and_a_moved_due_date_are_no_drift(posted: Office) -> None:
    paid = [one for one in posted.world.company.invoices if one.status == "Paid"]
    assert len(paid) > 20
    paid[0].due_date = JUNE
    posted.world.company.invoices.touch(paid[0])
    assert drifted(posted)["drifted"] == {}


def test_what_somebody_dealt_with_by_hand_is_left_out(posted: Office) -> None:
    source_id = later(posted, "tax_corrected")
    posted.run()
    assert posted.standing("invoices", source_id) == ("held", "changed-after-posting")
    assert typed(posted, "ignore", "invoice", source_id, "--reason", "two cents, accepted").exit_code == 0
    found = drifted(posted)
    assert found["drifted"] == {}
    assert found["told"]["left_out_by_hand"] == 1


def test_one_document_and_the_documents_of_some_days_can_be_asked_for(posted: Office) -> None:
    edited, voided = later(posted, "invoice_edited"), later(posted, "payment_voided")
    number = prepared(posted, 0)["referenceNumber"]
    assert set(drifted(posted, "--only", number)["drifted"]) == {edited}
    assert set(drifted(posted, "--only", f"ST-P{voided}")["drifted"]) == {voided}
    assert set(drifted(posted, "--month", "2026-06")["drifted"]) == {edited, voided}
    assert drifted(posted, "--month", "2026-05")["drifted"] == {}
    unknown = typed(posted, "drift", "--only", "no such number")
    assert unknown.exit_code == 2
    assert "record-unknown" in unknown.stderr


def test_drift_says_it_in_words_with_the_way_out(posted: Office) -> None:
    later(posted, "tax_corrected")
    told = typed(posted, "drift")
    assert told.exit_code == 3
    assert "-0.02" in told.stdout
    assert "What to do: Undo the change in ServiceTitan" in told.stdout
    assert "DRIFTED: 1 document. Nothing was changed in either system." in told.stdout
    assert typed(posted, "drift", "--quiet").stdout.count("What to do") == 1


def test_looking_needs_something_that_was_read(office: Office) -> None:
    told = typed(office, "drift")
    assert told.exit_code == 2
    assert "servicetitan-never-read" in told.stderr
    assert not office.state_file.exists()


def test_the_look_is_remembered_only_when_it_was_a_whole_one(posted: Office) -> None:
    drifted(posted, "--month", "2026-06")
    with State.open_scratch(posted.state_file) as state:
        assert state.notes.note("drift") is None
    drifted(posted)
    with State.open_scratch(posted.state_file) as state:
        assert state.notes.note("drift") is not None


# --- the correction ------------------------------------------------------------------------------------------------


def corrected(office: Office, source_id: str, *options: str) -> Result:
    """Order the correction of an invoice, without a terminal."""
    return typed(office, "correct", "invoice", source_id, *(options or ("--yes",)))


def documents(office: Office, source_id: str) -> list[tuple[str, str]]:
    """The sales invoices that carry a ServiceTitan id, with their status, in the order in which they were made."""
    key = f"ST-{source_id}"
    return [(one.number, one.status) for one in office.world.company.invoices if one.external_document_number == key]


def live(office: Office, source_id: str) -> Any:
    """The one invoice of a ServiceTitan id that is not cancelled."""
    (found,) = [
        one
        for one in office.world.company.invoices
        if one.external_document_number == f"ST-{source_id}" and one.status != "Canceled"
    ]
    return found


def owed(office: Office, customer: str) -> Decimal:
    """What a customer owes, by the customer ledger."""
    return sum(
        (one.remaining for one in office.world.company.customer_ledger if one.customer_number == customer), Decimal(0)
    )


def revenue(office: Office) -> dict[tuple[str, str], Decimal]:
    """Income by account and department, by the general ledger."""
    sums: dict[tuple[str, str], Decimal] = {}
    for one in office.world.company.gl_entries:
        if one.account_number.startswith("4"):
            key = (one.account_number, one.dimensions.get("DEPARTMENT", ""))
            sums[key] = sums.get(key, Decimal(0)) - one.amount
    return {key: amount for key, amount in sums.items() if amount}


def test_an_edited_invoice_is_cancelled_and_made_anew_to_the_cent(posted: Office) -> None:
    source_id = later(posted, "invoice_edited")
    before, card = posted.invoice(source_id), posted.invoice(source_id).customer_number
    debt, income = owed(posted, card), sum(revenue(posted).values())
    result = corrected(posted, source_id)
    assert result.exit_code == 0, result.output
    new = live(posted, source_id)
    assert (before.status, new.posted, new.total - before.total) == ("Canceled", True, Decimal("65.00"))
    assert owed(posted, card) - debt == Decimal("65.00")
    assert sum(revenue(posted).values()) - income == Decimal("65.00")
    assert posted.standing("invoices", source_id) == ("settled", "posted")
    assert drifted(posted, "--all")["drifted"] == {}
    books = everything(posted)
    posted.run()
    assert everything(posted) == books
    assert "EXACT: unexplained difference 0.00" in typed(posted, "reconcile", "--month", "2026-06").stdout
    assert "ordered the correction of" in typed(posted, "trace", "invoice", source_id).stdout


def test_a_voided_invoice_is_cancelled_and_nothing_stands_instead(posted: Office) -> None:
    source_id = later(posted, "invoice_voided")
    invoice = posted.invoice(source_id)
    debt, income = owed(posted, invoice.customer_number), sum(revenue(posted).values())
    assert corrected(posted, source_id).exit_code == 0
    assert documents(posted, source_id) == [(invoice.number, "Canceled")]
    assert owed(posted, invoice.customer_number) == debt - invoice.total
    assert sum(revenue(posted).values()) < income
    assert posted.standing("invoices", source_id) == ("settled", "reversed")
    assert drifted(posted, "--all")["drifted"] == {}
    posted.run()
    assert "EXACT: unexplained difference 0.00" in typed(posted, "reconcile", "--month", "2026-06").stdout
    assert documents(posted, source_id) == [(invoice.number, "Canceled")]


def test_a_changed_business_unit_moves_the_revenue_and_no_debt(posted: Office) -> None:
    source_id = later(posted, "business_unit_changed")
    invoice = posted.invoice(source_id)
    debt, before = owed(posted, invoice.customer_number), revenue(posted)
    assert corrected(posted, source_id).exit_code == 0
    after = revenue(posted)
    assert owed(posted, invoice.customer_number) == debt
    assert sum(after.values()) == sum(before.values())
    changed_keys = {key for key in {*before, *after} if after.get(key) != before.get(key)}
    assert {department for _, department in changed_keys} == {"PHX-ELEC", "PHX-PLMB-S"}


def test_a_corrected_tax_stands_in_the_books_afterwards(posted: Office) -> None:
    source_id = later(posted, "tax_corrected")
    total = posted.invoice(source_id).total
    assert corrected(posted, source_id).exit_code == 0
    assert live(posted, source_id).total == total + Decimal("0.02")


def test_an_invoice_cancelled_by_hand_is_made_anew_only_on_an_order(posted: Office) -> None:
    source_id = str(prepared(posted, 0)["id"])
    invoice = posted.invoice(source_id)
    Accountant(posted.world.company).cancel(invoice)
    posted.run()
    assert documents(posted, source_id) == [(invoice.number, "Canceled")]
    assert corrected(posted, source_id).exit_code == 0
    assert live(posted, source_id).total == invoice.total
    assert drifted(posted, "--all")["drifted"] == {}


def test_without_our_notes_an_invoice_cancelled_by_hand_is_held_and_never_made_again(
    posted: Office, another: Callable[[Office, str], Office]
) -> None:
    source_id = str(prepared(posted, 0)["id"])
    Accountant(posted.world.company).cancel(posted.invoice(source_id))
    books = everything(posted)
    lost = another(posted, "new computer")
    lost.run()
    assert lost.standing("invoices", source_id) == ("held", "cancelled-in-business-central")
    assert everything(posted) == books


def test_a_correction_without_a_yes_sends_nothing(posted: Office) -> None:
    source_id, books = later(posted, "invoice_edited"), everything(posted)
    shown = corrected(posted, source_id, "--dry-run")
    assert shown.exit_code == 0, shown.output
    assert "cancel" in shown.stdout
    assert "454.30 before, 519.30 afterwards" in shown.stdout
    unasked = typed(posted, "correct", "invoice", source_id)
    assert unasked.exit_code == 4
    assert "not-confirmed" in unasked.stderr
    assert posted.writes() == []
    assert everything(posted) == books


def test_on_a_terminal_only_the_right_number_sends_it(posted: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    source_id = later(posted, "invoice_edited")
    number = posted.invoice(source_id).number
    monkeypatch.setattr("stsync.cli.correct.on_a_terminal", lambda: True)
    words = ["correct", "invoice", source_id, "--config", str(posted.config)]
    assert CliRunner().invoke(app, words, input="yes\n").exit_code == 4
    assert posted.writes() == []
    assert CliRunner().invoke(app, words, input=f"{number}\n").exit_code == 0
    assert live(posted, source_id).posted


def test_nothing_is_taken_back_that_did_not_change(posted: Office) -> None:
    source_id = str(prepared(posted, 0)["id"])
    told = corrected(posted, source_id)
    assert told.exit_code == 2
    assert "nothing-to-correct" in told.stderr
    assert posted.writes() == []


def test_nothing_is_taken_back_that_cannot_be_made_anew(posted: Office) -> None:
    source_id = later(posted, "business_unit_changed")
    posted.edit_config('    "Phoenix Plumbing Service":', '    "Some Other Unit":')
    told = corrected(posted, source_id)
    assert told.exit_code == 4
    assert "cannot-be-made-anew" in told.stderr
    assert posted.writes() == []


def test_without_an_open_day_nothing_is_sent(posted: Office) -> None:
    source_id = later(posted, "invoice_edited")
    posted.world.company.ledger_setup.allow_posting_from = date(2026, 7, 1)
    told = corrected(posted, source_id)
    assert told.exit_code == 4
    assert "correct-in-closed-period" in told.stderr
    assert posted.writes() == []


@pytest.mark.parametrize("left", ["draft", "posted"])
def test_a_cancel_that_fails_half_way_is_explained_and_nothing_is_doubled(posted: Office, left: str) -> None:
    source_id = later(posted, "invoice_edited")
    company = posted.world.company
    company.settings.failing_cancel = left
    assert corrected(posted, source_id).exit_code == 3
    assert posted.standing("invoices", source_id) == ("held", "cancel-failed-halfway")
    company.settings.failing_cancel = ""
    again = corrected(posted, source_id)
    if left == "draft":
        assert "credit-memo-in-the-way" in again.stderr
        memo = next(one for one in company.credit_memos if not one.posted and one.applies_to_number)
        company.credit_memos.delete(memo)
        again = corrected(posted, source_id)
    assert again.exit_code == 0, again.output
    total = money(posted.world.tenant.invoices[int(source_id)]["total"])
    entries = [one for one in company.customer_ledger if one.document_id in {d.id for d in _all(posted, source_id)}]
    assert sum(one.remaining for one in entries) == total


def _all(office: Office, source_id: str) -> list[Any]:
    key = f"ST-{source_id}"
    return [
        one
        for table in (office.world.company.invoices, office.world.company.credit_memos)
        for one in table
        if one.external_document_number == key
    ]


STEPS = {
    "cancel": r"/salesInvoices\(.*cancel$",
    "draft": r"/salesInvoices$",
    "post": r"/salesInvoices\(.*post$",
}
LOST = {"never arrived": faults.DROP, "answer lost": faults.DROP_ANSWER, "answer cut short": faults.TRUNCATE}


@pytest.mark.parametrize("fault", LOST)
@pytest.mark.parametrize("step", STEPS)
def test_a_correction_that_loses_an_answer_ends_as_if_it_had_not(posted: Office, step: str, fault: str) -> None:
    source_id = later(posted, "invoice_edited")
    rule = posted.world.sandbox.faults.add(LOST[fault], system="business_central", path=STEPS[step], count=1)
    corrected(posted, source_id)
    assert rule.fired
    if step == "cancel" and posted.standing("invoices", source_id)[0] != "settled":
        corrected(posted, source_id)
    posted.run("invoices")
    posted.run("invoices")
    statuses = [status for _, status in documents(posted, source_id)]
    assert sorted(statuses) == ["Canceled", "Open"]
    total = money(posted.world.tenant.invoices[int(source_id)]["total"])
    assert live(posted, source_id).total == total
    entries = [
        one
        for one in posted.world.company.customer_ledger
        if one.document_id in {d.id for d in _all(posted, source_id)}
    ]
    assert sum(one.remaining for one in entries) == total
    assert posted.standing("invoices", source_id) == ("settled", "posted")
