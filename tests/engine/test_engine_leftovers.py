"""What an interrupted run, a person in Business Central or a changed setting left behind, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from office import Office

from stsync.engine.switches import Allowed
from stsync.errors import StsyncError
from stsync.sandbox import faults
from stsync.sandbox.businesscentral.accounting import sales_posting
from stsync.state import State

Row = dict[str, Any]
POST = r"/salesInvoices\(.*post$"
JOURNAL_POST = r"/journals\(.*post$"


def in_scenarios(office: Office) -> set[int]:
    return {one for refs in office.world.demo.scenarios.values() for _, one in refs}


def invoice_row(office: Office, position: int = 0) -> Row:
    """An ordinary posted invoice whose customer comes by the feed."""
    customers = office.world.tenant.customers
    rows = [
        row
        for row in office.world.tenant.invoices.values()
        if row["id"] not in in_scenarios(office)
        and row["syncStatus"] == "Posted"
        and Decimal(row["total"]) > 0
        and customers[row["customer"]["id"]]["modifiedOn"] > "2026-04-10"
    ]
    return rows[position]


def payment_row(office: Office, kind: str = "Check", status: str = "Posted") -> Row:
    """An ordinary posted payment on one ordinary invoice."""
    scenarios = in_scenarios(office)
    return next(
        row
        for row in office.world.tenant.payments.values()
        if row["id"] not in scenarios
        and (row["type"], row["syncStatus"]) == (kind, status)
        and len(row["appliedTo"]) == 1
        and row["appliedTo"][0]["appliedTo"] not in scenarios
    )


def change(office: Office, kind: str, row: Row, **values: Any) -> None:
    """Somebody edits a record in ServiceTitan."""
    row.update(values)
    office.world.tenant.touch(kind, row["id"])


def carry(office: Office, kind: str, row: Row, times: int = 1) -> None:
    for _ in range(times):
        office.run(kind, only=str(row["id"]))


def invoice_of(office: Office, payment: Row) -> Row:
    return office.world.tenant.invoices[payment["appliedTo"][0]["appliedTo"]]


def with_posting_off(office: Office, kind: str) -> Callable[[], None]:
    """Leave drafts for a person; the answer switches posting on again."""
    office.edit_config(f"{kind}:\n", f"{kind}:\n  post: false\n")
    return lambda: office.edit_config(f"{kind}:\n  post: false\n", f"{kind}:\n")


def money_received(office: Office, payment: Row) -> list[Any]:
    number = f"ST-P{payment['id']}"
    ledger = office.world.company.customer_ledger
    return [one for one in ledger if (one.document_number, one.document_type) == (number, "Payment")]


def lines(office: Office, payment: Row) -> list[Any]:
    return [one for one in office.world.company.journal_lines if one.document_number == f"ST-P{payment['id']}"]


def fault(office: Office, action: Any, method: str, path: str) -> Any:
    return office.world.sandbox.faults.add(action, system="business_central", method=method, path=path)


@pytest.fixture
def payment(office: Office) -> Row:
    """A payment whose invoice is in the books."""
    row = payment_row(office)
    carry(office, "invoices", invoice_of(office, row))
    return row


def test_a_payment_posted_with_another_total_does_not_stop_the_others(
    office: Office, another: Callable[[Office, str], Office], payment: Row
) -> None:
    carry(office, "payments", payment)
    change(office, "payments", payment, total=str(Decimal(payment["total"]) + 5))
    second = another(office, "new-laptop")
    carry(second, "invoices", invoice_of(office, payment))
    second.run("payments")
    assert second.standing("payments", payment["id"]) == ("held", "posted-with-other-total")


def test_under_a_limit_nothing_is_made_that_was_not_looked_for(
    office: Office, another: Callable[[Office, str], Office]
) -> None:
    rows = [invoice_row(office, 0), invoice_row(office, 1)]
    for row in rows:
        carry(office, "invoices", row)
    for name in ("total", "subTotal"):
        rows[0][name] = str(Decimal(rows[0][name]) + 1)
    first_line = rows[0]["items"][0]
    change(
        office,
        "invoices",
        rows[0],
        items=[{**first_line, "total": str(Decimal(first_line["total"]) + 1)}, *rows[0]["items"][1:]],
    )
    second = another(office, "new-laptop")
    for _ in range(3):
        second.run("invoices", limit=1)
    assert second.invoice(rows[1]["id"]).posted


def test_a_payment_is_looked_for_even_if_its_invoice_was_only_just_found(
    office: Office, another: Callable[[Office, str], Office]
) -> None:
    payment = payment_row(office)
    part = str((Decimal(invoice_of(office, payment)["total"]) / 4).quantize(Decimal("0.01")))
    change(office, "payments", payment, total=part, appliedTo=[{**payment["appliedTo"][0], "appliedAmount": part}])
    carry(office, "invoices", invoice_of(office, payment))
    carry(office, "payments", payment)
    second = another(office, "new-laptop")
    with_posting_off(second, "invoices")
    second.run()
    assert len(money_received(office, payment)) == 1


@pytest.mark.parametrize("detour", ["unposted in ServiceTitan", "posting switched off"])
def test_a_posting_that_never_arrived_is_not_taken_for_done(office: Office, detour: str) -> None:
    row = invoice_row(office)
    fault(office, faults.DROP, "POST", POST)
    carry(office, "invoices", row)
    if detour == "posting switched off":
        back = with_posting_off(office, "invoices")
        carry(office, "invoices", row)
        back()
    else:
        change(office, "invoices", row, syncStatus="Pending")
        carry(office, "invoices", row)
        change(office, "invoices", row, syncStatus="Posted")
    carry(office, "invoices", row)
    assert office.invoice(row["id"]).posted


def test_a_journal_whose_making_never_arrived_is_made_later(office: Office, payment: Row) -> None:
    fault(office, faults.DROP, "POST", r"/customerPaymentJournals$")
    with suppress(StsyncError):
        carry(office, "payments", payment)
    office.run("invoices", only="none")
    carry(office, "payments", payment)
    assert len(money_received(office, payment)) == 1


def test_a_cancelled_invoice_that_a_person_posted_stays(office: Office) -> None:
    row = invoice_row(office)
    with_posting_off(office, "invoices")
    carry(office, "invoices", row)
    sales_posting.post(office.world.company, office.invoice(row["id"]))
    office.world.company.settings.allow_document_deletion_before = date(2027, 1, 1)
    change(office, "invoices", row, active=False)
    carry(office, "invoices", row)
    assert office.invoice(row["id"]).posted
    assert office.standing("invoices", row["id"]) == ("held", "changed-after-posting")


def test_a_draft_whose_answer_was_lost_goes_when_its_invoice_is_cancelled(office: Office) -> None:
    row = invoice_row(office)
    fault(office, faults.DROP_ANSWER, "POST", r"/salesInvoices$")
    carry(office, "invoices", row)
    change(office, "invoices", row, active=False)
    fault(office, faults.DROP_ANSWER, "DELETE", r"/salesInvoices")
    carry(office, "invoices", row, times=2)
    assert office.invoice(row["id"]) is None
    assert office.standing("invoices", row["id"])[0] == "settled"


@pytest.mark.parametrize("answer", ["create", "post"])
def test_an_invoice_redated_after_a_lost_answer_is_not_taken_for_the_same(office: Office, answer: str) -> None:
    row = invoice_row(office)
    fault(office, faults.DROP_ANSWER, "POST", r"/salesInvoices$" if answer == "create" else POST)
    carry(office, "invoices", row)
    change(office, "invoices", row, invoiceDate="2026-06-29T00:00:00Z")
    carry(office, "invoices", row, times=2)
    if answer == "create":
        assert office.invoice(row["id"]).posting_date == date(2026, 6, 29)
    else:
        assert office.standing("invoices", row["id"]) == ("held", "changed-after-posting")


@pytest.mark.parametrize("posting", [True, False])
def test_a_journal_line_that_a_person_took_out_is_made_again(office: Office, payment: Row, posting: bool) -> None:
    back = with_posting_off(office, "payments")
    carry(office, "payments", payment)
    for line in lines(office, payment):
        office.world.company.journal_lines.delete(line)
    if posting:
        back()
    carry(office, "payments", payment)
    assert len(money_received(office, payment) if posting else lines(office, payment)) == 1


def test_a_lost_answer_to_taking_out_a_line_does_not_stick(office: Office, payment: Row) -> None:
    no = faults.answer(400, {"error": {"code": "Application_DialogException", "message": "Not today."}})
    fault(office, no, "POST", JOURNAL_POST)
    fault(office, faults.DROP_ANSWER, "DELETE", r"/customerPayments")
    carry(office, "payments", payment, times=3)
    assert len(money_received(office, payment)) == 1


def test_a_line_of_a_payment_that_was_redated_is_made_anew(office: Office, payment: Row) -> None:
    back = with_posting_off(office, "payments")
    carry(office, "payments", payment)
    change(office, "payments", payment, date="2026-06-29T00:00:00Z")
    back()
    carry(office, "payments", payment)
    assert [one.posting_date for one in money_received(office, payment)] == [date(2026, 6, 29)]


def test_a_line_of_a_payment_of_another_type_moves_to_its_journal(office: Office, payment: Row) -> None:
    card = payment_row(office, "Credit Card")
    back = with_posting_off(office, "payments")
    carry(office, "payments", payment)
    change(office, "payments", payment, type=card["type"], typeId=card["typeId"])
    back()
    carry(office, "payments", payment)
    debits = [one.account_number for one in office.gl(f"ST-P{payment['id']}", "Payment") if one.amount > 0]
    assert debits == ["10600"]


def test_a_voided_payment_whose_line_got_no_answer_is_shown(office: Office, payment: Row) -> None:
    with_posting_off(office, "payments")
    fault(office, faults.DROP_ANSWER, "POST", r"/customerPayments$")
    carry(office, "payments", payment)
    change(office, "payments", payment, active=False)
    carry(office, "payments", payment)
    assert office.standing("payments", payment["id"]) == ("held", "voided-before-posting")


def test_a_payment_reapplied_after_a_lost_posting_is_held(office: Office, payment: Row) -> None:
    fault(office, faults.DROP_ANSWER, "POST", JOURNAL_POST)
    carry(office, "payments", payment)
    other = next(row for row in (invoice_row(office, n) for n in range(2)) if row != invoice_of(office, payment))
    change(office, "payments", payment, appliedTo=[{**payment["appliedTo"][0], "appliedTo": other["id"]}])
    carry(office, "payments", payment)
    assert office.standing("payments", payment["id"]) == ("held", "changed-after-posting")


def test_a_lost_posting_leaves_what_was_said_of_a_payment_that_was_refused_before_it(office: Office) -> None:
    tenant = office.world.tenant
    for row in tenant.payments.values():
        row["syncStatus"] = "Pending"
    like = payment_row(office, status="Pending")
    of_two = [
        tenant.take_payment(
            like["customer"]["id"], Decimal(90), type_id=int(like["typeId"]), on=date(2026, 6, 20), syncStatus="Posted"
        )
        for _ in range(2)
    ]
    # Of a batch it would be refused as a batch, and its lines made one by one.
    office.edit_config("business_central:\n", "business_central:\n  batch_operations: 1\n")
    no = faults.answer(400, {"error": {"code": "Application_DialogException", "message": "Not today."}})
    fault(office, no, "POST", r"/customerPayments$")
    fault(office, faults.DROP_ANSWER, "POST", JOURNAL_POST)
    office.run("customers", "payments")
    stand = [office.standing("payments", one) for one in of_two]
    assert stand == [("held", "business-central-refused"), ("waiting", "outcome-unknown")]


def test_more_leftover_lines_than_one_posting_takes_are_posted(office: Office) -> None:
    office.edit_config("payments:\n", "payments:\n  payments_per_posting: 3\n  post: false\n")
    office.run()
    office.edit_config("  post: false\n", "")
    office.run()
    assert not [one for one in office.world.company.journal_lines if one.account_number]


def test_a_payment_follows_when_a_person_posts_its_invoice(office: Office) -> None:
    payment = payment_row(office)
    with_posting_off(office, "invoices")
    carry(office, "invoices", invoice_of(office, payment))
    carry(office, "payments", payment)
    sales_posting.post(office.world.company, office.invoice(invoice_of(office, payment)["id"]))
    office.run()
    assert len(money_received(office, payment)) == 1


def test_a_draft_changed_without_consequence_is_no_drift_once_posted(office: Office) -> None:
    row = invoice_row(office)
    back = with_posting_off(office, "invoices")
    carry(office, "invoices", row)
    row["items"][0]["skuName"] = "RENAMED"
    change(office, "invoices", row)
    back()
    carry(office, "invoices", row)
    change(office, "invoices", row, balance="0.00")
    carry(office, "invoices", row)
    assert office.standing("invoices", row["id"]) == ("settled", "posted")


def test_a_payment_by_the_survivor_of_a_later_merge_is_held(office: Office, payment: Row) -> None:
    customers = office.world.tenant.customers
    loser = customers[payment["customer"]["id"]]
    survivor = next(
        one for one in customers.values() if one["active"] and one["modifiedOn"] > "2026-05-01" != loser["id"]
    )
    change(office, "customers", loser, mergedToId=survivor["id"], active=False)
    carry(office, "payments", payment)
    assert office.standing("payments", payment["id"]) == ("held", "payment-by-another-customer")


def test_a_survivor_from_before_the_first_read_is_fetched(office: Office) -> None:
    row = invoice_row(office)
    customers = office.world.tenant.customers
    old = next(one for one in customers.values() if one["active"] and one["modifiedOn"] < "2026-03-15")
    customers[row["customer"]["id"]].update(mergedToId=old["id"], active=False)
    carry(office, "invoices", row)
    assert office.invoice(row["id"]).customer_number == f"ST{old['id']}"


def test_reading_since_a_day_skips_nothing_that_came_before_it(office: Office) -> None:
    office.run("invoices", only="none")
    row = invoice_row(office)
    office.world.advance(timedelta(days=2))
    change(office, "invoices", row, summary="changed")
    office.world.advance(timedelta(days=5))
    office.run("invoices", only="none", since=(office.world.clock() - timedelta(days=1)).date())
    office.run("invoices", only="none")
    with State.open_scratch(office.state_file) as state:
        stored = state.inbox.find("invoices", str(row["id"]))
    assert stored is not None
    assert stored.content["modifiedOn"] == row["modifiedOn"]


def test_an_earlier_go_live_date_reads_what_lies_before_the_first_place(office: Office) -> None:
    office.edit_config("go_live: 2026-05-01", "go_live: 2026-08-15")
    office.run("invoices", only="none")
    office.edit_config("go_live: 2026-08-15", "go_live: 2026-05-01")
    office.run("invoices", only="none", allowed=Allowed(go_live_changed=True))
    with State.open_scratch(office.state_file) as state:
        assert len(state.inbox.find_many("invoices", map(str, office.world.tenant.invoices))) == len(
            office.world.tenant.invoices
        )
