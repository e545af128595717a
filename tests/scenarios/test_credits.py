"""Adjustments, invoices below zero and credit memos: what the books show, and what is left for a person to apply."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from office import Office, mapping_of, money

from stsync.reports.toapply import set_applied, to_apply
from stsync.sandbox import faults
from stsync.state import State


def scenario(office: Office, name: str, kind: str = "invoices") -> list[dict[str, Any]]:
    rows = office.world.tenant.tables[kind]
    return [rows[one] for said, one in office.world.demo.scenarios[name] if said == kind]


def memo(office: Office, key: str) -> Any:
    """The sales credit memo with this external number; there is at most one."""
    found = [one for one in office.world.company.credit_memos if one.external_document_number == key]
    assert len(found) <= 1, f"{key} is in the books {len(found)} times"
    return found[0] if found else None


def entry(office: Office, document: Any) -> Any:
    """The customer ledger entry of a posted document."""
    return next(one for one in office.world.company.customer_ledger if one.document_id == document.id)


def by_account(office: Office, number: str) -> dict[str, Decimal]:
    """A credit memo's general ledger entries, summed by account; debits positive."""
    sums: Counter[str] = Counter()
    for one in office.gl(number, "Credit Memo"):
        sums[one.account_number] += one.amount
    return dict(sums)


def test_an_adjustment_below_zero_is_a_credit_memo_applied_to_its_original(office: Office) -> None:
    original, credit = scenario(office, "adjustment_below_zero")
    office.run()
    document = memo(office, f"ST-{credit['id']}")
    assert document.posted
    assert office.invoice(credit["id"]) is None
    owed = entry(office, office.invoice(original["id"]))
    assert entry(office, document).amount == money(credit["total"]) < 0
    assert entry(office, document).remaining == 0
    assert owed.remaining == money(original["total"]) + money(credit["total"]) == money(original["balance"])
    tables = mapping_of(office.config)
    line = credit["items"][0]
    booked = by_account(office, document.number)
    assert booked[tables["accounts"][line["generalLedgerAccount"]["number"]]] == -money(credit["subTotal"])
    assert booked[tables["tax_zones"]["Scottsdale"]] == -money(credit["salesTax"])
    assert sum(booked.values()) == 0
    revenue = [one for one in office.gl(document.number, "Credit Memo") if one.amount > 0]
    assert all(
        one.dimensions["DEPARTMENT"] == tables["business_units"][line["businessUnit"]["name"]] for one in revenue
    )
    assert office.standing("invoices", credit["id"]) == ("settled", "posted")


def test_an_adjustment_above_zero_is_an_invoice_of_its_own(office: Office) -> None:
    _, extra = scenario(office, "adjustment_above_zero")
    office.run()
    assert entry(office, office.invoice(extra["id"])).amount == money(extra["total"])
    assert memo(office, f"ST-{extra['id']}") is None


def test_an_adjustment_that_arrives_before_its_original_waits_for_it(office: Office) -> None:
    original, credit = scenario(office, "adjustment_before_its_original")
    original["syncStatus"] = "Pending"
    office.run()
    assert office.standing("invoices", credit["id"]) == ("waiting", "invoice-not-in-books")
    assert memo(office, f"ST-{credit['id']}") is None
    original["syncStatus"] = "Posted"
    office.world.tenant.touch("invoices", original["id"])
    office.run()
    assert entry(office, office.invoice(original["id"])).remaining == money(original["balance"])
    assert office.standing("invoices", credit["id"]) == ("settled", "posted")


def test_an_invoice_below_zero_takes_deferred_revenue_back_from_the_liability_account(office: Office) -> None:
    (row,) = scenario(office, "negative_total")
    office.run()
    document = memo(office, f"ST-{row['id']}")
    liability = mapping_of(office.config)["accounts"]["2400"]
    assert by_account(office, document.number)[liability] == -money(row["total"])
    assert entry(office, document).remaining == money(row["total"])
    assert office.standing("invoices", row["id"]) == ("settled", "posted")


def test_the_next_run_leaves_the_credits_alone(office: Office) -> None:
    office.run()
    before = len(list(office.world.company.credit_memos))
    assert before >= 3
    office.world.sandbox.log.clear()
    office.run()
    assert office.writes() == []
    assert len(list(office.world.company.credit_memos)) == before


def test_a_lost_state_takes_the_credits_on_and_makes_none_twice(
    office: Office, another: Callable[[Office, str], Office]
) -> None:
    office.run()
    before = {one.external_document_number for one in office.world.company.credit_memos}
    lost = another(office, "new computer")
    office.world.sandbox.log.clear()
    lost.run("invoices")
    assert office.writes() == []
    assert len(list(office.world.company.credit_memos)) == len(before)
    (row,) = scenario(office, "negative_total")
    assert lost.standing("invoices", row["id"]) == ("settled", "posted")


def test_a_lost_answer_does_not_double_the_credit(office: Office) -> None:
    office.run("customers")
    office.world.sandbox.faults.add(
        faults.DROP_ANSWER, system="business_central", method="POST", path=r"salesCreditMemos", count=2
    )
    office.run("invoices")
    office.run("invoices")
    for row in [*scenario(office, "negative_total"), scenario(office, "adjustment_below_zero")[1]]:
        assert memo(office, f"ST-{row['id']}").posted
        assert office.standing("invoices", row["id"]) == ("settled", "posted")


def test_a_total_that_changes_its_sign_replaces_the_draft_in_the_other_place(office: Office) -> None:
    (row,) = scenario(office, "negative_total")
    office.edit_config("invoices:\n", "invoices:\n  post: no\n")
    office.run("invoices")
    assert not memo(office, f"ST-{row['id']}").posted
    _turn(office, row)
    office.run("invoices")
    assert memo(office, f"ST-{row['id']}") is None
    assert office.invoice(row["id"]).total == money(row["total"]) > 0
    _turn(office, row)
    office.run("invoices")
    assert office.invoice(row["id"]) is None
    assert memo(office, f"ST-{row['id']}").total == -money(row["total"]) > 0


def _turn(office: Office, row: dict[str, Any]) -> None:
    """The office finds that a line had the wrong sign."""
    for part in (row, *row["items"]):
        for field in ("total", "subTotal", "price"):
            if field in part and part[field] is not None:
                part[field] = f"{-money(part[field]):.2f}"
    office.world.tenant.touch("invoices", row["id"])


def reason(office: Office, kind: str, source_id: object) -> str:
    with State.open_scratch(office.state_file) as state:
        row = state.inbox.find(kind, str(source_id))
    assert row is not None
    assert row.reason is not None
    return f"{row.reason.message} {row.reason.hint}"


def test_a_credit_on_an_invoice_from_before_go_live_is_posted_open_and_listed(office: Office) -> None:
    early = scenario(office, "before_go_live")[0]
    (credit,) = scenario(office, "negative_total")
    credit["adjustmentToId"] = early["id"]
    office.world.tenant.touch("invoices", credit["id"])
    result = office.run()
    assert office.standing("invoices", credit["id"]) == ("settled", "to_apply")
    assert ("invoices", "settled", "to_apply") in result.counts
    document = memo(office, f"ST-{credit['id']}")
    assert entry(office, document).remaining == money(credit["total"])
    words = reason(office, "invoices", credit["id"])
    assert early["referenceNumber"] in words
    assert "Customer Ledger Entries" in words
    assert "95.00" in words
    office.world.sandbox.log.clear()
    office.run()
    assert office.writes() == []
    assert office.standing("invoices", credit["id"]) == ("settled", "to_apply")


def test_a_credit_whose_original_closed_meanwhile_is_made_anew_without_it(office: Office) -> None:
    """The draft names the original; then a person pays the original in the books before the draft is posted."""
    original, credit = scenario(office, "adjustment_below_zero")
    office.world.sandbox.faults.add(
        faults.answer(400, {"error": {"code": "Application_DialogException", "message": "Not approved yet."}}),
        system="business_central",
        method="POST",
        path=r"salesCreditMemos\(.*\)/Microsoft.NAV.post",
        count=None,
    )
    office.run("invoices")
    draft = memo(office, f"ST-{credit['id']}")
    assert not draft.posted
    assert draft.applies_to_number == office.invoice(original["id"]).number
    office.world.sandbox.faults.clear()
    paid = entry(office, office.invoice(original["id"]))
    paid.remaining = Decimal(0)
    office.invoice(original["id"]).status = "Paid"
    office.run("invoices")
    document = memo(office, f"ST-{credit['id']}")
    assert document.posted
    assert document.applies_to_number == ""
    assert entry(office, document).remaining == money(credit["total"])


JUNE = date(2026, 6, 1)


def test_a_credit_memo_is_applied_to_the_invoice_it_was_written_for(office: Office) -> None:
    (original,) = scenario(office, "credit_memo_applied")
    (credit,) = scenario(office, "credit_memo_applied", "credit_memos")
    office.run()
    document = memo(office, f"ST-C{credit['id']}")
    assert document.posted
    assert entry(office, document).amount == -money(credit["total"])
    assert entry(office, document).remaining == 0
    assert entry(office, office.invoice(original["id"])).remaining == money(original["balance"])
    tables = mapping_of(office.config)
    assert by_account(office, document.number)[tables["tax_zones"]["Mesa"]] == money(credit["salesTax"])
    assert office.standing("credit_memos", credit["id"]) == ("settled", "posted")
    office.world.sandbox.log.clear()
    office.run(since=JUNE)
    assert office.writes() == []


def test_a_credit_memo_that_nobody_applied_stands_open_on_the_account(office: Office) -> None:
    (credit,) = scenario(office, "credit_memo_unapplied", "credit_memos")
    office.run()
    document = memo(office, f"ST-C{credit['id']}")
    assert entry(office, document).remaining == -money(credit["total"])
    units = mapping_of(office.config)["business_units"]
    booked = {one.dimensions.get("DEPARTMENT"): one.amount for one in office.gl(document.number, "Credit Memo")}
    assert booked[units["East Valley Plumbing"]] == Decimal("60.00")
    assert office.standing("credit_memos", credit["id"]) == ("settled", "posted")


def test_a_credit_memo_of_a_card_without_posting_groups_is_not_sent_again_until_somebody_has_changed_it(
    office: Office,
) -> None:
    (credit,) = scenario(office, "credit_memo_unapplied", "credit_memos")
    who = credit["customer"]
    there = office.world.company.add_customer(f"ST{who['id']}", who["name"])
    there.gen_bus_posting_group = there.customer_posting_group = there.vat_bus_posting_group = ""
    office.run("customers", "invoices", only=str(credit["id"]))
    assert office.standing("credit_memos", credit["id"]) == ("held", "business-posting-group-missing")
    office.world.sandbox.log.clear()
    office.run("customers", "invoices", only=str(credit["id"]))
    assert office.writes() == []
    there.gen_bus_posting_group = there.customer_posting_group = there.vat_bus_posting_group = "DOMESTIC"
    office.world.company.customers.touch(there)
    office.run("customers", "invoices", only=str(credit["id"]))
    assert entry(office, memo(office, f"ST-C{credit['id']}")).remaining == -money(credit["total"])


def test_a_credit_memo_on_several_invoices_is_posted_open_and_names_them(office: Office) -> None:
    (original,) = scenario(office, "credit_memo_applied")
    (credit,) = scenario(office, "credit_memo_applied", "credit_memos")
    (applied,) = credit["appliedTo"]
    half = applied["appliedAmount"] - 20
    other = next(
        row
        for row in office.world.tenant.invoices.values()
        if row["syncStatus"] == "Posted" and money(row["total"]) > 20 and row["id"] != original["id"]
    )
    second = {**applied, "appliedId": 1, "appliedTo": other["id"], "appliedAmount": Decimal("20.00")}
    credit["appliedTo"] = [{**applied, "appliedAmount": half}, second]
    office.run()
    assert office.standing("credit_memos", credit["id"]) == ("settled", "to_apply")
    words = reason(office, "credit_memos", credit["id"])
    assert f"{half:,.2f} to invoice {original['referenceNumber']}" in words
    assert f"20.00 to invoice {other['referenceNumber']}" in words
    document = memo(office, f"ST-C{credit['id']}")
    assert entry(office, document).remaining == -money(credit["total"])
    entry(office, document).remaining = Decimal(0)
    document.status = "Paid"
    office.run()
    assert office.standing("credit_memos", credit["id"]) == ("settled", "posted")


def test_a_missing_permission_for_credit_memos_stops_nothing_else_and_is_said_once(office: Office) -> None:
    office.world.sandbox.faults.add(
        faults.answer(403, {"title": "Forbidden", "status": 403, "traceId": "1", "type": "", "errors": {}, "data": {}}),
        path=r"/credit-memos",
        count=None,
    )
    result = office.run()
    assert result.carried["invoices"][0] > 80
    assert [one.reference for one in result.notices] == ["credit-memos-not-readable"]
    assert office.run(since=JUNE).notices == ()
    office.world.sandbox.faults.clear()
    office.run(since=JUNE)
    (credit,) = scenario(office, "credit_memo_unapplied", "credit_memos")
    assert memo(office, f"ST-C{credit['id']}").posted


def issue(office: Office, invoice: dict[str, Any], amount: Decimal, on: date = date(2026, 6, 24)) -> int:
    """The office writes a credit memo, all of it for one invoice, on the account of its first line."""
    tenant = office.world.tenant
    memo_id = tenant.issue_credit_memo(
        invoice["customer"]["id"],
        amount,
        on=on,
        applied={invoice["id"]: amount},
        business_unit_id=invoice["businessUnit"]["id"],
        syncStatus="Posted",
    )
    line = next(one for one in tenant.tables["credit_memo_items"].values() if one["creditMemoId"] == memo_id)
    line["revenueGeneralLedgerAccount"] = invoice["items"][0]["generalLedgerAccount"]
    return memo_id


def test_a_balance_from_before_the_credit_does_not_end_its_listing(office: Office) -> None:
    """The invoice was read before the office adjusted it, so that ServiceTitan's balance of it is the books' by accident."""
    original, credit = scenario(office, "adjustment_below_zero")
    original["balance"] = original["total"]
    credit["invoiceDate"] = "2026-06-08T00:00:00Z"
    for row in (original, credit):
        office.world.tenant.touch("invoices", row["id"])
    office.run("invoices", only=str(original["id"]))
    office.run("invoices", only=str(credit["id"]))
    assert entry(office, memo(office, f"ST-{credit['id']}")).remaining == money(credit["total"])
    assert office.standing("invoices", credit["id"]) == ("settled", "to_apply")


def test_a_credit_for_more_than_a_payment_leaves_is_listed_with_its_invoice(office: Office) -> None:
    (work,) = scenario(office, "overpayment")
    (check,) = scenario(office, "overpayment", "payments")
    check["appliedTo"][0]["appliedAmount"] = "440.00"
    office.world.tenant.touch("payments", check["id"])
    memo_id = issue(office, work, money(work["total"]) - Decimal("440.00") + Decimal("20.00"))
    office.run()
    assert entry(office, office.invoice(work["id"])).remaining == money(work["total"]) - Decimal("440.00")
    assert office.standing("credit_memos", memo_id) == ("settled", "to_apply")


def test_what_a_payment_took_already_leaves_room_for_a_credit(office: Office) -> None:
    """A part of the payment is listed for a person, so that it is looked at in every run; the rest was applied long ago."""
    work, later = scenario(office, "payment_changed_after_posting")
    for other in scenario(office, "payment_changed_after_posting", "payments"):
        other["syncStatus"] = "Pending"
    type_id = int(next(iter(office.world.tenant.payments.values()))["typeId"])
    half = money(work["total"]) / 2
    for row, day in ((work, "10"), (later, "20")):
        row["invoiceDate"] = f"2026-06-{day}T00:00:00Z"
        office.world.tenant.touch("invoices", row["id"])
    paid = office.world.tenant.take_payment(
        work["customer"]["id"],
        half + Decimal("10.00"),
        type_id=type_id,
        applied={work["id"]: half, later["id"]: Decimal("10.00")},
        on=date(2026, 6, 12),
        syncStatus="Posted",
    )
    office.run("invoices", "payments", "customers")
    assert office.standing("payments", paid) == ("settled", "to_apply")
    memo_id = issue(office, work, half)
    office.run(since=JUNE)
    assert memo(office, f"ST-C{memo_id}").applies_to_number == office.invoice(work["id"]).number
    assert entry(office, office.invoice(work["id"])).remaining == 0


def test_two_credits_for_the_whole_of_an_invoice_leave_no_draft_behind(office: Office) -> None:
    (work,) = scenario(office, "credit_memo_with_tax_in_several_zones")
    first, second = (issue(office, work, money(work["total"])) for _ in range(2))
    office.run()
    assert memo(office, f"ST-C{first}").applies_to_number == office.invoice(work["id"]).number
    assert memo(office, f"ST-C{second}").posted
    assert entry(office, memo(office, f"ST-C{second}")).remaining == -money(work["total"])
    assert office.standing("credit_memos", second)[0] == "settled"


@pytest.mark.parametrize("where", ["another invoice", "nothing"])
def test_a_credit_memo_moved_after_it_was_applied_in_the_books_is_held(office: Office, where: str) -> None:
    (credit,) = scenario(office, "credit_memo_applied", "credit_memos")
    other = scenario(office, "adjustment_above_zero")[1]
    office.run()
    assert office.standing("credit_memos", credit["id"]) == ("settled", "posted")
    moved = [{**credit["appliedTo"][0], "appliedTo": other["id"]}]
    credit["appliedTo"] = moved if where == "another invoice" else []
    office.world.tenant.touch("credit_memos", credit["id"])
    office.world.sandbox.log.clear()
    office.run(since=JUNE)
    assert office.standing("credit_memos", credit["id"]) == ("held", "changed-after-posting")
    assert [one for one in office.writes() if "salesCreditMemos" in one.target] == []
    assert "Unapply Entries" in reason(office, "credit_memos", credit["id"])


def test_what_a_person_said_of_a_credit_holds_when_servicetitan_touches_it_again(office: Office) -> None:
    early = scenario(office, "before_go_live")[0]
    (credit,) = scenario(office, "negative_total")
    credit["adjustmentToId"] = early["id"]
    office.world.tenant.touch("invoices", credit["id"])
    office.run()
    with State.open(office.state_file) as state:
        rows = [one for one in to_apply(state) if one.source_id == str(credit["id"])]
        set_applied(state, rows, operator="clerk", reason="")
    credit["syncStatus"] = "Exported"
    office.world.tenant.touch("invoices", credit["id"])
    office.run()
    assert office.standing("invoices", credit["id"]) == ("settled", "posted")


def test_a_credit_that_adjusts_a_credit_has_nothing_to_be_applied_to(office: Office) -> None:
    _, credit = scenario(office, "adjustment_below_zero")
    (row,) = scenario(office, "negative_total")
    row["adjustmentToId"] = credit["id"]
    office.world.tenant.touch("invoices", row["id"])
    office.run()
    assert office.standing("invoices", row["id"]) == ("settled", "posted")
    assert entry(office, memo(office, f"ST-{row['id']}")).remaining == money(row["total"])


def test_an_invoice_of_unbilled_lines_alone_is_nothing_and_leaves_no_empty_draft(office: Office) -> None:
    row = scenario(office, "empty_zero_invoice")[2]
    row["items"][0].update(isChargeable=False, price="50.00", total="50.00")
    office.world.tenant.touch("invoices", row["id"])
    office.run("invoices", only=str(row["id"]))
    assert office.standing("invoices", row["id"]) == ("settled", "nothing_to_post")
    assert office.invoice(row["id"]) is None


def test_an_adjustment_repointed_after_posting_is_held(office: Office) -> None:
    _, credit = scenario(office, "adjustment_below_zero")
    other = scenario(office, "adjustment_above_zero")[0]
    office.run("customers", "invoices")
    credit["adjustmentToId"] = other["id"]
    office.world.tenant.touch("invoices", credit["id"])
    office.run("invoices")
    assert office.standing("invoices", credit["id"]) == ("held", "changed-after-posting")


def test_a_lost_state_still_sees_a_credit_memo_moved(office: Office, another: Callable[[Office, str], Office]) -> None:
    (credit,) = scenario(office, "credit_memo_applied", "credit_memos")
    office.run("customers", "invoices")
    lost = another(office, "new computer")
    lost.run("customers", "invoices")
    assert lost.standing("credit_memos", credit["id"]) == ("settled", "posted")
    before = len(list(office.world.company.credit_memos))
    credit["appliedTo"] = []
    office.world.tenant.touch("credit_memos", credit["id"])
    lost.run("invoices", since=JUNE)
    assert lost.standing("credit_memos", credit["id"]) == ("held", "changed-after-posting")
    assert len(list(office.world.company.credit_memos)) == before
