"""What persons did in Business Central meanwhile, before somebody orders the correction of an invoice."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from office import Office
from test_after_posting import changed, corrected, documents, drifted, everything, later, live, owed, prepared, typed
from test_baseline import opening_invoice, owner, scenario, stsync
from test_corrections import memos, paid_invoice

from stsync.sandbox.businesscentral.accountant import Accountant
from stsync.sandbox.businesscentral.accounting import corrections


def restored(office: Office, source_id: str) -> Any:
    """Somebody cancels the invoice by mistake, and cancels the credit memo that did it."""
    company, invoice = office.world.company, office.invoice(source_id)
    Accountant(company).cancel(invoice)
    memo = next(one for one in company.credit_memos if one.corrects_id == invoice.id)
    corrections.cancel_credit_memo(company, memo)
    return next(one for one in company.invoices if one.status == "Corrective")


def test_without_our_notes_an_invoice_cancelled_by_hand_is_made_anew_on_an_order(
    posted: Office, another: Callable[[Office, str], Office]
) -> None:
    source_id = str(prepared(posted, 0)["id"])
    invoice = posted.invoice(source_id)
    Accountant(posted.world.company).cancel(invoice)
    lost = another(posted, "new computer")
    lost.run()
    assert lost.standing("invoices", source_id) == ("held", "cancelled-in-business-central")
    told = corrected(lost, source_id)
    assert told.exit_code == 0, told.output
    assert [status for _, status in documents(lost, source_id)] == ["Canceled", "Open"]
    assert live(lost, source_id).total == invoice.total
    books = everything(lost)
    lost.run()
    assert everything(lost) == books


def test_what_a_person_dealt_with_by_hand_is_not_corrected_a_second_time(posted: Office) -> None:
    source_id = later(posted, "invoice_edited")
    posted.run()
    assert typed(posted, "ignore", "invoice", source_id, "--reason", "entered by hand").exit_code == 0
    books = everything(posted)
    told = corrected(posted, source_id)
    assert told.exit_code == 4
    assert "dealt-with-by-hand" in told.stderr
    assert everything(posted) == books
    assert typed(posted, "ignore", "invoice", source_id, "--undo").exit_code == 0
    assert corrected(posted, source_id).exit_code == 0


def test_a_cancellation_that_was_cancelled_is_no_drift(posted: Office) -> None:
    source_id = str(prepared(posted, 0)["id"])
    again = restored(posted, source_id)
    found = drifted(posted)
    assert found["drifted"] == {}
    assert again.number in changed(found["notes"][source_id])["number"][1]
    assert "EXACT: unexplained difference 0.00" in typed(posted, "reconcile", "--month", "2026-06").stdout


def test_a_restored_invoice_is_taken_back_by_a_credit_memo(posted: Office) -> None:
    source_id = later(posted, "invoice_edited")
    total, card = posted.invoice(source_id).total, posted.invoice(source_id).customer_number
    debt = owed(posted, card)
    again = restored(posted, source_id)
    assert drifted(posted)["drifted"][source_id]["books_less_servicetitan"] == "-65.00"
    told = corrected(posted, source_id)
    assert told.exit_code == 0, told.output
    assert [status for _, status in documents(posted, source_id)] == ["Canceled", "Corrective", "Open"]
    assert [one.total for one in memos(posted, source_id)] == [total]
    assert owed(posted, card) - debt == Decimal("65.00")
    assert again.number in told.stdout
    assert drifted(posted, "--all")["drifted"] == {}


def test_an_opening_document_is_never_cancelled(office: Office, tmp_path: Path) -> None:
    invoice, _ = scenario(office)
    amount = Decimal("540.00")
    opening = opening_invoice(office, owner(office, invoice), amount, external=str(invoice["referenceNumber"]))
    office.run("invoices", only="none")
    out = tmp_path / "baseline.csv"
    assert stsync(office, "baseline", "propose", "--out", str(out)).exit_code == 0
    assert stsync(office, "baseline", "accept", str(out)).exit_code == 0
    office.world.tenant.correct_tax(invoice["id"], Decimal("9.00"))
    told = corrected(office, str(invoice["id"]))
    assert told.exit_code == 4
    assert "correct-opening-document" in told.stderr
    assert (opening.status, office.writes()) == ("Open", [])


def test_a_correction_sends_exactly_what_its_preview_showed(posted: Office) -> None:
    paid, _ = paid_invoice(posted)
    posted.world.tenant.correct_tax(int(paid), Decimal("1.00"))
    for source_id in (later(posted, "invoice_edited"), later(posted, "invoice_voided"), paid):
        shown = json.loads(corrected(posted, source_id, "--dry-run", "--json").stdout)
        sent = json.loads(corrected(posted, source_id, "--yes", "--json").stdout)
        assert shown["operations"] == sent["operations"]
        assert (shown["carried_out"], sent["carried_out"]) == (False, True)


def test_a_second_correction_forgets_what_a_person_has_applied_of_the_first(posted: Office) -> None:
    source_id, _ = paid_invoice(posted)
    company = posted.world.company
    posted.world.tenant.correct_tax(int(source_id), Decimal("1.00"))
    assert corrected(posted, source_id).exit_code == 0
    (first,) = memos(posted, source_id)
    desk = Accountant(company)
    desk.apply(desk.entry(first.number, "Credit Memo"), desk.entry(live_number(posted, source_id)))
    posted.world.tenant.correct_tax(int(source_id), Decimal("2.00"))
    told = corrected(posted, source_id)
    assert told.exit_code == 0, told.output
    assert [one.external_document_number for one in memos(posted, source_id)] == [
        f"ST-{source_id}-C1",
        f"ST-{source_id}-C2",
    ]
    after = told.stdout.split("To be applied")[1]
    assert first.number not in after
    assert "apply 1.00 of it to" in after
    assert drifted(posted, "--all")["drifted"] == {}
    assert corrected(posted, source_id).exit_code == 2


def live_number(office: Office, source_id: str) -> str:
    """The number of the newest invoice of a ServiceTitan id."""
    return documents(office, source_id)[-1][0]


def test_a_credit_memo_taken_off_its_invoice_is_drift_with_the_way_out(posted: Office) -> None:
    row = next(one for one in posted.world.tenant.credit_memos.values() if applied_in_books(posted, one))
    invoice_id = row["appliedTo"][0]["appliedTo"]
    posted.world.tenant.unapply_credit_memo(row["id"], invoice_id)
    one = drifted(posted)["drifted"][str(row["id"])]
    before, after = changed(one)["applied to"]
    assert str(invoice_id) in before
    assert after == "(nothing)"
    assert "Unapply Entries" in one["remedy"]["text"]
    posted.run(since=posted.world.demo.go_live)
    assert posted.standing("credit_memos", row["id"]) == ("held", "changed-after-posting")


def applied_in_books(office: Office, row: Any) -> bool:
    """Whether a credit memo names an invoice in the books."""
    key = f"ST-C{row['id']}"
    found = [one for one in office.world.company.credit_memos if one.external_document_number == key and one.posted]
    return bool(row["appliedTo"]) and any(one.applies_to_number for one in found)
