"""What the office changes afterwards, seen through the API: credit memos, corrections, bills, marks of export."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from conftest import Bench

from stsync.sandbox.servicetitan import Line

FIFTY = Decimal("50.00")


def _invoice(bench: Bench, invoice_id: int) -> Any:
    [row] = bench.get(f"accounting/invoices?ids={invoice_id}")["data"]
    return row


def _memo(bench: Bench, memo_id: int) -> Any:
    [row] = bench.get(f"accounting/credit-memos?ids={memo_id}&active=Any")["data"]
    return row


def test_a_credit_memo_is_spread_over_invoices_and_its_lines_are_read_apart(bench: Bench) -> None:
    ids = bench.ids
    other = bench.tenant.book_invoice(ids["customer"], [Line("Work", FIFTY)], business_unit_id=ids["unit"])
    lines = [
        Line("Goodwill", Decimal("30.00"), gl_account_id=ids["account"]),
        Line("Part back", Decimal("20.00"), business_unit_id=ids["other_unit"], taxable=True),
    ]
    memo_id = bench.tenant.issue_credit_memo(
        ids["customer"],
        lines=lines,
        tax=Decimal("1.00"),
        applied={ids["invoice"]: Decimal("10.00"), other: Decimal("5.00")},
        business_unit_id=ids["unit"],
        syncStatus="Posted",
    )
    shown = _memo(bench, memo_id)
    assert (shown["total"], shown["balance"], shown["syncStatus"]) == (51, 36, "Posted")
    assert [(one["appliedTo"], one["appliedAmount"]) for one in shown["appliedTo"]] == [
        (ids["invoice"], 10),
        (other, 5),
    ]
    assert _invoice(bench, other)["balance"] == "45.00"
    below = bench.get(f"accounting/credit-memos/{memo_id}/items")["data"]
    flat = bench.get(f"accounting/credit-memos/credit-memo-items?creditMemoIds={memo_id}")["data"]
    assert [(row["total"], row["businessUnit"]["name"]) for row in below] == [(30, "HVAC"), (20, "Plumbing")]
    assert below[0]["revenueGeneralLedgerAccount"]["number"] == "4000"
    assert [row["id"] for row in flat] == [row["id"] for row in below]


def test_a_credit_memo_that_is_unapplied_edited_or_voided_gives_its_invoice_back(bench: Bench) -> None:
    memo, invoice = bench.ids["credit"], bench.ids["invoice"]
    owed = Decimal(_invoice(bench, invoice)["balance"])
    bench.wait(minutes=1)
    bench.tenant.unapply_credit_memo(memo, invoice)
    assert Decimal(_invoice(bench, invoice)["balance"]) == owed + 5
    bench.tenant.apply_credit_memo(memo, invoice, Decimal("5.00"))
    bench.tenant.edit_credit_memo(memo, amount=Decimal("7.00"))
    assert (_memo(bench, memo)["total"], _memo(bench, memo)["balance"]) == (7, 2)
    bench.tenant.void_credit_memo(memo)
    assert Decimal(_invoice(bench, invoice)["balance"]) == owed + 5
    assert bench.get(f"accounting/credit-memos?ids={memo}")["data"] == []
    assert _memo(bench, memo)["modifiedOn"] == "2026-11-02T12:01:00Z"


@pytest.mark.parametrize("sign", [1, -1])
def test_an_adjustment_is_an_invoice_of_its_own_and_moves_the_originals_balance(bench: Bench, sign: int) -> None:
    original = bench.ids["invoice"]
    owed = Decimal(_invoice(bench, original)["balance"])
    made = bench.tenant.adjust_invoice(original, [Line("Correction", sign * FIFTY)])
    shown = _invoice(bench, made)
    assert (shown["adjustmentToId"], Decimal(shown["total"]), shown["syncStatus"]) == (original, sign * 50, "Pending")
    assert Decimal(_invoice(bench, original)["balance"]) == owed + sign * 50


def test_a_business_unit_is_changed_on_one_line_or_on_all(bench: Bench) -> None:
    ids = bench.ids
    first = _invoice(bench, ids["invoice"])["items"][0]["id"]
    bench.tenant.change_business_unit(ids["invoice"], ids["other_unit"], first)
    shown = _invoice(bench, ids["invoice"])
    assert [shown["businessUnit"]["name"], *(i["businessUnit"]["name"] for i in shown["items"])] == [
        "HVAC",
        "Plumbing",
        "Plumbing",
    ]
    bench.tenant.change_business_unit(ids["invoice"], ids["other_unit"])
    assert _invoice(bench, ids["invoice"])["businessUnit"]["name"] == "Plumbing"


def test_a_corrected_tax_changes_the_total_and_nothing_else(bench: Bench) -> None:
    before = _invoice(bench, bench.ids["invoice"])
    bench.tenant.correct_tax(bench.ids["invoice"], Decimal("7.02"))
    after = _invoice(bench, bench.ids["invoice"])
    assert (after["salesTax"], after["subTotal"]) == ("7.02", before["subTotal"])
    assert Decimal(after["total"]) - Decimal(before["total"]) == Decimal("0.02")


def test_a_bounced_check_opens_its_invoices_again(bench: Bench) -> None:
    ids = bench.ids
    owed = Decimal(_invoice(bench, ids["invoice"])["balance"])
    back = bench.tenant.bounce_check(ids["payment"], type_id=ids["type"])
    [shown] = bench.get(f"accounting/payments?ids={back}")["data"]
    assert (shown["total"], shown["refundedPaymentId"]) == ("-50.00", ids["payment"])
    assert [one["appliedAmount"] for one in shown["appliedTo"]] == ["-40.00"]
    assert Decimal(_invoice(bench, ids["invoice"])["balance"]) == owed + 40


def test_a_payment_moves_to_another_invoice_with_a_new_application(bench: Bench) -> None:
    ids = bench.ids
    other = bench.tenant.book_invoice(ids["customer"], [Line("Work", FIFTY)], business_unit_id=ids["unit"])
    [before] = bench.get(f"accounting/payments?ids={ids['payment']}")["data"]
    bench.tenant.reapply_payment(ids["payment"], ids["invoice"], other)
    [after] = bench.get(f"accounting/payments?ids={ids['payment']}")["data"]
    assert [(one["appliedTo"], one["appliedAmount"]) for one in after["appliedTo"]] == [(other, "40.00")]
    assert after["appliedTo"][0]["appliedId"] != before["appliedTo"][0]["appliedId"]
    assert _invoice(bench, other)["balance"] == "10.00"


def test_a_mark_of_export_can_fail_for_one_row_while_the_call_succeeds(bench: Bench) -> None:
    ids = bench.ids
    other = bench.tenant.book_invoice(ids["customer"], [Line("Work", FIFTY)], business_unit_id=ids["unit"])
    bench.tenant.switches.mark_exported_failures[other] = "The accounting period is closed."
    rows = [{"invoiceId": one, "externalId": f"PS-{one}"} for one in (ids["invoice"], other)]
    answer = bench.call("POST", "accounting/invoices/markasexported", json=rows)
    assert answer.status == 200
    assert [(row["success"], row["errorMessage"]) for row in answer.json()] == [
        (True, None),
        (False, "The accounting period is closed."),
    ]
    assert _invoice(bench, ids["invoice"])["exportId"] == f"PS-{ids['invoice']}"
    assert (_invoice(bench, other)["syncStatus"], _invoice(bench, other)["exportId"]) == ("Pending", None)
    bench.tenant.switches.mark_exported_ceiling = 1
    assert bench.call("POST", "accounting/invoices/markasexported", json=rows).status == 400


def test_a_posted_batch_may_hold_credit_memos(bench: Bench) -> None:
    batch = bench.tenant.post_batch([bench.ids["invoice"]], credit_memo_ids=[bench.ids["credit"]])
    shown = _memo(bench, bench.ids["credit"])
    assert (shown["syncStatus"], shown["batch"]["id"]) == ("Posted", batch)
    answer = bench.call(
        "POST",
        "accounting/credit-memos/markasexported",
        json=[{"creditMemoId": bench.ids["credit"], "externalId": "PS-CR1"}],
    )
    assert answer.json() == [{"creditMemoId": bench.ids["credit"], "success": True, "errorMessage": None}]
    assert _memo(bench, bench.ids["credit"])["exportId"] == "PS-CR1"


def test_an_edited_purchase_order_makes_a_new_bill_and_leaves_the_old_one_inactive(bench: Bench) -> None:
    new = bench.tenant.edit_purchase_order(bench.ids["bill"], Decimal("90.00"))
    bench.wait(minutes=20)
    rows = [row for page in bench.feed("accounting/export/inventory-bills") for row in page]
    assert {row["id"]: (row["active"], row["billAmount"]) for row in rows} == {
        bench.ids["bill"]: (False, "81.50"),
        new: (True, "90.00"),
    }
    bare = bench.get("accounting/inventory-bills?pageSize=10")
    assert [row["id"] for row in bare] == [
        row["id"] for row in bench.get("accounting/inventory-bills/paginated")["data"]
    ]


def test_a_pricebook_entry_is_changed_by_hand(bench: Bench) -> None:
    bench.wait(minutes=1)
    entry = bench.tenant.edit_sku("materials", "X-1", cost=Decimal("9.99"))
    shown = bench.get(f"pricebook/materials/{entry}")
    assert (shown["cost"], shown["modifiedOn"]) == (Decimal("9.99"), "2026-11-02T12:01:00Z")
