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


@pytest.fixture
def posted(office: Office) -> Office:
    """An office whose month is in the books."""
    office.run()
    office.world.sandbox.log.clear()
    return office


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
