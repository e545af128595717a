"""Adjustments, invoices below zero and credit memos: what the books show, and what is left for a person to apply."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from kept_month import Month, carry_once, leave_pending, move_in, release
from office import Office, mapping_of, money

from stsync.reports.toapply import set_applied, to_apply
from stsync.sandbox import faults
from stsync.state import State

# Not posted in ServiceTitan yet when the month of `late` is carried; each test posts what it is about, as it needs it.
LATE = (
    "negative_total",
    "adjustment_below_zero",
    "adjustment_before_its_original",
    "credit_memo_applied",
    "overpayment",
    "payment_changed_after_posting",
    "credit_memo_with_tax_in_several_zones",
)


@pytest.fixture(scope="module")
def month_without(tmp_path_factory: pytest.TempPathFactory) -> Month:
    """A month that was carried while the documents of LATE were pending, but for the credit of an original to come."""

    def prepare(office: Office) -> None:
        leave_pending(office, *LATE)
        scenario(office, "adjustment_before_its_original")[1]["syncStatus"] = "Posted"

    return carry_once(tmp_path_factory.mktemp("without"), prepare)


@pytest.fixture
def late(office: Office, month_without: Month) -> Office:
    """An office with that month in the books, and the documents of LATE to be posted."""
    return move_in(office, month_without)


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


def test_an_adjustment_below_zero_is_a_credit_memo_applied_to_its_original(posted: Office) -> None:
    original, credit = scenario(posted, "adjustment_below_zero")
    document = memo(posted, f"ST-{credit['id']}")
    assert document.posted
    assert posted.invoice(credit["id"]) is None
    owed = entry(posted, posted.invoice(original["id"]))
    assert entry(posted, document).amount == money(credit["total"]) < 0
    assert entry(posted, document).remaining == 0
    assert owed.remaining == money(original["total"]) + money(credit["total"]) == money(original["balance"])
    tables = mapping_of(posted.config)
    line = credit["items"][0]
    booked = by_account(posted, document.number)
    assert booked[tables["accounts"][line["generalLedgerAccount"]["number"]]] == -money(credit["subTotal"])
    assert booked[tables["tax_zones"]["Scottsdale"]] == -money(credit["salesTax"])
    assert sum(booked.values()) == 0
    revenue = [one for one in posted.gl(document.number, "Credit Memo") if one.amount > 0]
    assert all(
        one.dimensions["DEPARTMENT"] == tables["business_units"][line["businessUnit"]["name"]] for one in revenue
    )
    assert posted.standing("invoices", credit["id"]) == ("settled", "posted")


def test_an_adjustment_above_zero_is_an_invoice_of_its_own(posted: Office) -> None:
    _, extra = scenario(posted, "adjustment_above_zero")
    assert entry(posted, posted.invoice(extra["id"])).amount == money(extra["total"])
    assert memo(posted, f"ST-{extra['id']}") is None


def test_an_adjustment_that_arrives_before_its_original_waits_for_it(late: Office) -> None:
    original, credit = scenario(late, "adjustment_before_its_original")
    assert late.standing("invoices", credit["id"]) == ("waiting", "invoice-not-in-books")
    assert memo(late, f"ST-{credit['id']}") is None
    release(late, "invoices", original)
    late.run()
    assert entry(late, late.invoice(original["id"])).remaining == money(original["balance"])
    assert late.standing("invoices", credit["id"]) == ("settled", "posted")


def test_an_invoice_below_zero_takes_deferred_revenue_back_from_the_liability_account(posted: Office) -> None:
    (row,) = scenario(posted, "negative_total")
    document = memo(posted, f"ST-{row['id']}")
    liability = mapping_of(posted.config)["accounts"]["2400"]
    assert by_account(posted, document.number)[liability] == -money(row["total"])
    assert entry(posted, document).remaining == money(row["total"])
    assert posted.standing("invoices", row["id"]) == ("settled", "posted")


def test_the_next_run_leaves_the_credits_alone(posted: Office) -> None:
    before = len(list(posted.world.company.credit_memos))
    assert before >= 3
    posted.run()
    assert posted.writes() == []
    assert len(list(posted.world.company.credit_memos)) == before


def test_a_lost_state_takes_the_credits_on_and_makes_none_twice(
    posted: Office, another: Callable[[Office, str], Office]
) -> None:
    before = {one.external_document_number for one in posted.world.company.credit_memos}
    lost = another(posted, "new computer")
    lost.run("invoices")
    assert posted.writes() == []
    assert len(list(posted.world.company.credit_memos)) == len(before)
    (row,) = scenario(posted, "negative_total")
    assert lost.standing("invoices", row["id"]) == ("settled", "posted")


def test_a_lost_answer_does_not_double_the_credit(late: Office) -> None:
    rows = [*scenario(late, "negative_total"), scenario(late, "adjustment_below_zero")[1]]
    release(late, "invoices", *rows, scenario(late, "adjustment_below_zero")[0])
    late.world.sandbox.faults.add(
        faults.DROP_ANSWER, system="business_central", method="POST", path=r"salesCreditMemos", count=2
    )
    late.run("invoices")
    late.run("invoices")
    for row in rows:
        assert memo(late, f"ST-{row['id']}").posted
        assert late.standing("invoices", row["id"]) == ("settled", "posted")


def test_a_total_that_changes_its_sign_replaces_the_draft_in_the_other_place(late: Office) -> None:
    (row,) = scenario(late, "negative_total")
    release(late, "invoices", row)
    late.edit_config("invoices:\n", "invoices:\n  post: no\n")
    late.run("invoices")
    assert not memo(late, f"ST-{row['id']}").posted
    _turn(late, row)
    late.run("invoices")
    assert memo(late, f"ST-{row['id']}") is None
    assert late.invoice(row["id"]).total == money(row["total"]) > 0
    _turn(late, row)
    late.run("invoices")
    assert late.invoice(row["id"]) is None
    assert memo(late, f"ST-{row['id']}").total == -money(row["total"]) > 0


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


def test_a_credit_on_an_invoice_from_before_go_live_is_posted_open_and_listed(late: Office) -> None:
    early = scenario(late, "before_go_live")[0]
    (credit,) = scenario(late, "negative_total")
    credit["adjustmentToId"] = early["id"]
    release(late, "invoices", credit)
    result = late.run()
    assert late.standing("invoices", credit["id"]) == ("settled", "to_apply")
    assert ("invoices", "settled", "to_apply") in result.counts
    document = memo(late, f"ST-{credit['id']}")
    assert entry(late, document).remaining == money(credit["total"])
    words = reason(late, "invoices", credit["id"])
    assert early["referenceNumber"] in words
    assert "Customer Ledger Entries" in words
    assert "95.00" in words
    late.world.sandbox.log.clear()
    late.run()
    assert late.writes() == []
    assert late.standing("invoices", credit["id"]) == ("settled", "to_apply")


def test_a_credit_whose_original_closed_meanwhile_is_made_anew_without_it(late: Office) -> None:
    """The draft names the original; then a person pays the original in the books before the draft is posted."""
    original, credit = scenario(late, "adjustment_below_zero")
    release(late, "invoices", original, credit)
    late.world.sandbox.faults.add(
        faults.answer(400, {"error": {"code": "Application_DialogException", "message": "Not approved yet."}}),
        system="business_central",
        method="POST",
        path=r"salesCreditMemos\(.*\)/Microsoft.NAV.post",
        count=None,
    )
    late.run("invoices")
    draft = memo(late, f"ST-{credit['id']}")
    assert not draft.posted
    assert draft.applies_to_number == late.invoice(original["id"]).number
    late.world.sandbox.faults.clear()
    paid = entry(late, late.invoice(original["id"]))
    paid.remaining = Decimal(0)
    late.invoice(original["id"]).status = "Paid"
    late.run("invoices")
    document = memo(late, f"ST-{credit['id']}")
    assert document.posted
    assert document.applies_to_number == ""
    assert entry(late, document).remaining == money(credit["total"])


JUNE = date(2026, 6, 1)


def test_a_credit_memo_is_applied_to_the_invoice_it_was_written_for(posted: Office) -> None:
    (original,) = scenario(posted, "credit_memo_applied")
    (credit,) = scenario(posted, "credit_memo_applied", "credit_memos")
    document = memo(posted, f"ST-C{credit['id']}")
    assert document.posted
    assert entry(posted, document).amount == -money(credit["total"])
    assert entry(posted, document).remaining == 0
    assert entry(posted, posted.invoice(original["id"])).remaining == money(original["balance"])
    tables = mapping_of(posted.config)
    assert by_account(posted, document.number)[tables["tax_zones"]["Mesa"]] == money(credit["salesTax"])
    assert posted.standing("credit_memos", credit["id"]) == ("settled", "posted")
    posted.run(since=JUNE)
    assert posted.writes() == []


def test_a_credit_memo_that_nobody_applied_stands_open_on_the_account(posted: Office) -> None:
    (credit,) = scenario(posted, "credit_memo_unapplied", "credit_memos")
    document = memo(posted, f"ST-C{credit['id']}")
    assert entry(posted, document).remaining == -money(credit["total"])
    units = mapping_of(posted.config)["business_units"]
    booked = {one.dimensions.get("DEPARTMENT"): one.amount for one in posted.gl(document.number, "Credit Memo")}
    assert booked[units["East Valley Plumbing"]] == Decimal("60.00")
    assert posted.standing("credit_memos", credit["id"]) == ("settled", "posted")


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


def test_a_credit_memo_on_several_invoices_is_posted_open_and_names_them(late: Office) -> None:
    (original,) = scenario(late, "credit_memo_applied")
    (credit,) = scenario(late, "credit_memo_applied", "credit_memos")
    (applied,) = credit["appliedTo"]
    half = applied["appliedAmount"] - 20
    other = next(
        row
        for row in late.world.tenant.invoices.values()
        if row["syncStatus"] == "Posted" and money(row["total"]) > 20 and row["id"] != original["id"]
    )
    second = {**applied, "appliedId": 1, "appliedTo": other["id"], "appliedAmount": Decimal("20.00")}
    credit["appliedTo"] = [{**applied, "appliedAmount": half}, second]
    release(late, "invoices", original)
    release(late, "credit_memos", credit)
    late.run(since=JUNE)
    assert late.standing("credit_memos", credit["id"]) == ("settled", "to_apply")
    words = reason(late, "credit_memos", credit["id"])
    assert f"{half:,.2f} to invoice {original['referenceNumber']}" in words
    assert f"20.00 to invoice {other['referenceNumber']}" in words
    document = memo(late, f"ST-C{credit['id']}")
    assert entry(late, document).remaining == -money(credit["total"])
    entry(late, document).remaining = Decimal(0)
    document.status = "Paid"
    late.run()
    assert late.standing("credit_memos", credit["id"]) == ("settled", "posted")


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


def test_a_credit_for_more_than_a_payment_leaves_is_listed_with_its_invoice(late: Office) -> None:
    (work,) = scenario(late, "overpayment")
    (check,) = scenario(late, "overpayment", "payments")
    check["appliedTo"][0]["appliedAmount"] = "440.00"
    release(late, "invoices", work)
    release(late, "payments", check)
    memo_id = issue(late, work, money(work["total"]) - Decimal("440.00") + Decimal("20.00"))
    late.run(since=JUNE)
    assert entry(late, late.invoice(work["id"])).remaining == money(work["total"]) - Decimal("440.00")
    assert late.standing("credit_memos", memo_id) == ("settled", "to_apply")


def test_what_a_payment_took_already_leaves_room_for_a_credit(late: Office) -> None:
    """A part of the payment is listed for a person, so that it is looked at in every run; the rest was applied long ago."""
    work, later = scenario(late, "payment_changed_after_posting")
    type_id = int(next(iter(late.world.tenant.payments.values()))["typeId"])
    half = money(work["total"]) / 2
    for row, day in ((work, "10"), (later, "20")):
        row["invoiceDate"] = f"2026-06-{day}T00:00:00Z"
        release(late, "invoices", row)
    paid = late.world.tenant.take_payment(
        work["customer"]["id"],
        half + Decimal("10.00"),
        type_id=type_id,
        applied={work["id"]: half, later["id"]: Decimal("10.00")},
        on=date(2026, 6, 12),
        syncStatus="Posted",
    )
    late.run("invoices", "payments", "customers")
    assert late.standing("payments", paid) == ("settled", "to_apply")
    memo_id = issue(late, work, half)
    late.run(since=JUNE)
    assert memo(late, f"ST-C{memo_id}").applies_to_number == late.invoice(work["id"]).number
    assert entry(late, late.invoice(work["id"])).remaining == 0


def test_two_credits_for_the_whole_of_an_invoice_leave_no_draft_behind(late: Office) -> None:
    (work,) = scenario(late, "credit_memo_with_tax_in_several_zones")
    release(late, "invoices", work)
    first, second = (issue(late, work, money(work["total"])) for _ in range(2))
    late.run(since=JUNE)
    assert memo(late, f"ST-C{first}").applies_to_number == late.invoice(work["id"]).number
    assert memo(late, f"ST-C{second}").posted
    assert entry(late, memo(late, f"ST-C{second}")).remaining == -money(work["total"])
    assert late.standing("credit_memos", second)[0] == "settled"


@pytest.mark.parametrize("where", ["another invoice", "nothing"])
def test_a_credit_memo_moved_after_it_was_applied_in_the_books_is_held(posted: Office, where: str) -> None:
    (credit,) = scenario(posted, "credit_memo_applied", "credit_memos")
    other = scenario(posted, "adjustment_above_zero")[1]
    assert posted.standing("credit_memos", credit["id"]) == ("settled", "posted")
    moved = [{**credit["appliedTo"][0], "appliedTo": other["id"]}]
    credit["appliedTo"] = moved if where == "another invoice" else []
    posted.world.tenant.touch("credit_memos", credit["id"])
    posted.run(since=JUNE)
    assert posted.standing("credit_memos", credit["id"]) == ("held", "changed-after-posting")
    assert [one for one in posted.writes() if "salesCreditMemos" in one.target] == []
    assert "Unapply Entries" in reason(posted, "credit_memos", credit["id"])


def test_what_a_person_said_of_a_credit_holds_when_servicetitan_touches_it_again(late: Office) -> None:
    early = scenario(late, "before_go_live")[0]
    (credit,) = scenario(late, "negative_total")
    credit["adjustmentToId"] = early["id"]
    release(late, "invoices", credit)
    late.run()
    with State.open(late.state_file) as state:
        rows = [one for one in to_apply(state) if one.source_id == str(credit["id"])]
        set_applied(state, rows, operator="clerk", reason="")
    credit["syncStatus"] = "Exported"
    late.world.tenant.touch("invoices", credit["id"])
    late.run()
    assert late.standing("invoices", credit["id"]) == ("settled", "posted")


def test_a_credit_that_adjusts_a_credit_has_nothing_to_be_applied_to(late: Office) -> None:
    original, credit = scenario(late, "adjustment_below_zero")
    (row,) = scenario(late, "negative_total")
    row["adjustmentToId"] = credit["id"]
    release(late, "invoices", original, credit, row)
    late.run()
    assert late.standing("invoices", row["id"]) == ("settled", "posted")
    assert entry(late, memo(late, f"ST-{row['id']}")).remaining == money(row["total"])


def test_an_invoice_of_unbilled_lines_alone_is_nothing_and_leaves_no_empty_draft(office: Office) -> None:
    row = scenario(office, "empty_zero_invoice")[2]
    row["items"][0].update(isChargeable=False, price="50.00", total="50.00")
    office.world.tenant.touch("invoices", row["id"])
    office.run("invoices", only=str(row["id"]))
    assert office.standing("invoices", row["id"]) == ("settled", "nothing_to_post")
    assert office.invoice(row["id"]) is None


def test_an_adjustment_repointed_after_posting_is_held(posted: Office) -> None:
    _, credit = scenario(posted, "adjustment_below_zero")
    other = scenario(posted, "adjustment_above_zero")[0]
    credit["adjustmentToId"] = other["id"]
    posted.world.tenant.touch("invoices", credit["id"])
    posted.run("invoices")
    assert posted.standing("invoices", credit["id"]) == ("held", "changed-after-posting")


def test_a_lost_state_still_sees_a_credit_memo_moved(posted: Office, another: Callable[[Office, str], Office]) -> None:
    (credit,) = scenario(posted, "credit_memo_applied", "credit_memos")
    lost = another(posted, "new computer")
    lost.run("customers", "invoices")
    assert lost.standing("credit_memos", credit["id"]) == ("settled", "posted")
    before = len(list(posted.world.company.credit_memos))
    credit["appliedTo"] = []
    posted.world.tenant.touch("credit_memos", credit["id"])
    lost.run("invoices", since=JUNE)
    assert lost.standing("credit_memos", credit["id"]) == ("held", "changed-after-posting")
    assert len(list(posted.world.company.credit_memos)) == before
