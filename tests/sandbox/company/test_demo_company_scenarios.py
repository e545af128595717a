"""Each named scenario is what its name says."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from stsync.sandbox.company import GO_LIVE, SCENARIOS, Demo
from stsync.sandbox.company.values import Row

WANTED = {
    "adjustment_above_zero",
    "adjustment_before_its_original",
    "adjustment_below_zero",
    "before_go_live",
    "bounced_check",
    "closed_period",
    "credit_memo_applied",
    "deferred_revenue_recognition",
    "deposit_applied_later",
    "deposit_unapplied",
    "discount_and_fee",
    "duplicate_reference_numbers",
    "edges_of_the_month",
    "empty_zero_invoice",
    "financing_payment",
    "hostile_text",
    "ids_beyond_32_bits",
    "inactive_customer",
    "invoice_date_missing",
    "invoice_without_customer",
    "item_without_account",
    "lines_not_chargeable",
    "long_name_and_address",
    "merged_customer",
    "negative_total",
    "one_payment_several_invoices",
    "overpayment",
    "payment_before_invoice_in_feed",
    "payment_dated_before_invoice",
    "quantities_round_differently",
    "refund",
    "refund_of_unapplied_credit",
    "renumbered",
    "same_name_twice",
    "several_business_units",
    "several_payments_one_invoice",
    "several_tax_authorities",
    "tax_edited_by_hand",
    "tax_on_exempt_customer",
    "tax_zone_id_missing",
    "three_hundred_lines",
    "unknown_term",
    "unmapped_account",
    "unmapped_business_unit",
    "unmapped_payment_type",
    "voided_before_transfer",
    "write_off",
    "zero_payment",
}


def total(row: Row) -> Decimal:
    return Decimal(row["total"])


def cents(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def test_every_wanted_scenario_is_there() -> None:
    assert set(SCENARIOS) >= WANTED


def test_lines_of_one_invoice_belong_to_several_business_units(demo: Demo) -> None:
    [row] = demo.scenario_rows("several_business_units", "invoices")
    assert len({item["businessUnit"]["id"] for item in row["items"]}) == 3


def test_a_discount_is_below_zero_and_a_fee_above(demo: Demo) -> None:
    [row] = demo.scenario_rows("discount_and_fee", "invoices")
    modifiers = [Decimal(item["total"]) for item in row["items"] if item["type"] == "PriceModifier"]
    assert modifiers == [Decimal("-45.00"), Decimal("11.25")]
    assert row["discountTotal"] == "45.00"


def test_products_of_four_decimals_round_to_other_cents_than_shown(demo: Demo) -> None:
    [row] = demo.scenario_rows("quantities_round_differently", "invoices")
    products = [cents(Decimal(item["quantity"]) * Decimal(item["price"])) for item in row["items"]]
    shown = [Decimal(item["total"]) for item in row["items"]]
    assert [p - s for p, s in zip(products, shown, strict=True)].count(Decimal("0.01")) == 2


def test_lines_not_chargeable_show_prices_and_add_nothing(demo: Demo) -> None:
    [row] = demo.scenario_rows("lines_not_chargeable", "invoices")
    silent = [item for item in row["items"] if not item["isChargeable"]]
    assert [item["total"] for item in silent] == ["45.00", "0.00"]
    assert row["subTotal"] == "310.00"


def test_a_project_invoice_has_three_hundred_lines(demo: Demo) -> None:
    [row] = demo.scenario_rows("three_hundred_lines", "invoices")
    assert len(row["items"]) == 300


def test_hostile_text_holds_every_kind_of_it(demo: Demo) -> None:
    [row] = demo.scenario_rows("hostile_text", "invoices")
    text = "".join(item["description"] or "" for item in row["items"])
    assert all(piece in text for piece in ("<p>", "&amp;", "\U0001f44d", "\u202e", "\x07", "=HYPERLINK"))
    assert row["items"][-1]["description"] is None


def test_names_and_addresses_are_longer_than_the_books_allow(demo: Demo) -> None:
    [row] = demo.scenario_rows("long_name_and_address", "customers")
    address = row["address"]
    assert [
        len(row["name"]) > 100,
        len(address["street"]) > 100,
        len(address["unit"]) > 50,
        len(address["city"]) > 30,
    ] == [True] * 4


def test_deferred_revenue_is_recognised_by_an_invoice_of_zero(demo: Demo) -> None:
    _, visit = demo.scenario_rows("deferred_revenue_recognition", "invoices")
    assert visit["total"] == "0.00"
    assert {item["generalLedgerAccount"]["type"]: item["total"] for item in visit["items"]} == {
        "Income": "114.00",
        "Liability": "-114.00",
    }


def test_empty_invoices_come_without_items_with_null_and_with_a_free_line(demo: Demo) -> None:
    rows = demo.scenario_rows("empty_zero_invoice", "invoices")
    assert [row["items"] and len(row["items"]) for row in rows] == [[], None, 1]
    assert {row["total"] for row in rows} == {"0.00"}


def test_adjustments_name_their_original(demo: Demo) -> None:
    for name, sign in (("adjustment_above_zero", 1), ("adjustment_below_zero", -1)):
        original, extra = demo.scenario_rows(name, "invoices")
        assert extra["adjustmentToId"] == original["id"]
        assert total(extra) * sign > 0
        assert extra["balance"] == "0.00"


def test_the_feed_delivers_some_documents_before_what_they_name(demo: Demo) -> None:
    original, adjustment = demo.scenario_rows("adjustment_before_its_original", "invoices")
    assert adjustment["modifiedOn"] < original["modifiedOn"]
    [work] = demo.scenario_rows("payment_before_invoice_in_feed", "invoices")
    [paid] = demo.scenario_rows("payment_before_invoice_in_feed", "payments")
    assert paid["modifiedOn"] < work["modifiedOn"]


def test_negative_invoices_adjust_nothing(demo: Demo) -> None:
    [row] = demo.scenario_rows("negative_total", "invoices")
    assert total(row) < 0
    assert row["adjustmentToId"] is None


def test_deposits_are_unapplied_or_applied_later(demo: Demo) -> None:
    [lone] = demo.scenario_rows("deposit_unapplied", "payments")
    assert (lone["appliedTo"], lone["unappliedAmount"]) == ([], lone["total"])
    deposit, _ = demo.scenario_rows("deposit_applied_later", "payments")
    [work] = demo.scenario_rows("deposit_applied_later", "invoices")
    assert deposit["date"] < work["invoiceDate"] < deposit["appliedTo"][0]["appliedOn"]
    assert work["balance"] == "0.00"
    [visit] = demo.scenario_rows("deposit_on_estimate_visit", "invoices")
    assert (visit["total"], visit["balance"], visit["items"]) == ("0.00", "-750.00", [])


def test_payments_are_split_and_joined(demo: Demo) -> None:
    [over] = demo.scenario_rows("overpayment", "payments")
    assert over["unappliedAmount"] == "50.00"
    [check] = demo.scenario_rows("one_payment_several_invoices", "payments")
    assert len(check["appliedTo"]) == 5
    parts = demo.scenario_rows("several_payments_one_invoice", "payments")
    assert len({one["appliedTo"][0]["appliedTo"] for one in parts}) == 1
    assert len({one["type"] for one in parts}) == 4
    [early] = demo.scenario_rows("payment_dated_before_invoice", "payments")
    [late] = demo.scenario_rows("payment_dated_before_invoice", "invoices")
    assert early["date"] < late["invoiceDate"]


def test_money_that_goes_back_is_negative(demo: Demo) -> None:
    paid, back = demo.scenario_rows("refund", "payments")
    assert (back["total"], back["refundedPaymentId"]) == ("-200.00", paid["id"])
    [bounced] = demo.scenario_rows("bounced_check", "invoices")
    assert bounced["balance"] == bounced["total"]
    _, returned = demo.scenario_rows("refund_of_unapplied_credit", "payments")
    assert (returned["appliedTo"], returned["unappliedAmount"]) == ([], "-300.00")


def test_payments_that_are_no_money(demo: Demo) -> None:
    [nothing] = demo.scenario_rows("zero_payment", "payments")
    assert nothing["total"] == "0.00"
    assert demo.scenario_rows("write_off", "payments")[-1]["type"] == "Write Off"
    assert [row["active"] for row in demo.scenario_rows("payment_voided", "payments")] == [True, False]


def test_the_merge_is_a_chain_and_documents_name_the_loser(demo: Demo) -> None:
    first, second, survivor = demo.scenario_rows("merged_customer", "customers")
    assert (first["mergedToId"], second["mergedToId"], survivor["mergedToId"]) == (second["id"], survivor["id"], None)
    assert (first["active"], second["active"], survivor["active"]) == (False, False, True)
    work = demo.scenario_rows("merged_customer", "invoices")[0]
    assert work["customer"]["id"] == first["id"]


def test_customers_are_alike_inactive_or_missing(demo: Demo) -> None:
    one, other = demo.scenario_rows("same_name_twice", "customers")
    assert one["name"] == other["name"]
    assert not demo.scenario_rows("inactive_customer", "customers")[0]["active"]
    assert demo.scenario_rows("invoice_without_customer", "invoices")[0]["customer"] is None
    stranger = demo.scenario_rows("customer_never_seen", "invoices")[0]["customer"]["id"]
    assert stranger not in {row["id"] for row in demo.customers}


def test_taxes_do_not_follow_from_the_rate(demo: Demo) -> None:
    [school] = demo.scenario_rows("tax_on_exempt_customer", "customers")
    [charged] = demo.scenario_rows("tax_on_exempt_customer", "invoices")
    assert school["taxExempt"]
    assert Decimal(charged["salesTax"]) > 0
    [several] = demo.scenario_rows("several_tax_authorities", "invoices")
    base = Decimal(several["subTotal"])
    assert Decimal(several["salesTax"]) == cents(base * Decimal("0.092")) + Decimal("0.01")
    [by_hand] = demo.scenario_rows("tax_edited_by_hand", "invoices")
    assert by_hand["salesTax"] == "12.00"
    [zoneless] = demo.scenario_rows("tax_zone_id_missing", "invoices")
    assert zoneless["taxZoneId"] is None
    assert Decimal(zoneless["salesTax"]) > 0


def test_dates_lie_outside_what_the_books_accept(demo: Demo) -> None:
    [closed] = demo.scenario_rows("closed_period", "invoices")
    assert GO_LIVE.isoformat() <= closed["invoiceDate"][:10] < demo.books.posting_from.isoformat()
    [early] = demo.scenario_rows("before_go_live", "invoices")
    assert early["invoiceDate"][:10] < GO_LIVE.isoformat()
    [undated] = demo.scenario_rows("invoice_date_missing", "invoices")
    assert undated["invoiceDate"] is None
    _, last = demo.scenario_rows("edges_of_the_month", "invoices")
    assert last["invoiceDate"] == "2026-06-30T00:00:00Z" < last["createdOn"]


def test_gaps_are_gaps(demo: Demo) -> None:
    codes = {code for _, code, _ in demo.books.dimension_values}
    assert "EV-SOLAR" not in codes
    whole, mixed = demo.scenario_rows("unmapped_business_unit", "invoices")
    assert {item["businessUnit"]["name"] for item in whole["items"]} == {"East Valley Solar"}
    assert len({item["businessUnit"]["name"] for item in mixed["items"]}) == 2
    [bare] = demo.scenario_rows("item_without_account", "invoices")
    assert [item["generalLedgerAccount"] is None for item in bare["items"]] == [False, True]


def test_numbers_are_neither_unique_nor_the_jobs(demo: Demo) -> None:
    one, other = demo.scenario_rows("duplicate_reference_numbers", "invoices")
    assert one["referenceNumber"] == other["referenceNumber"]
    [renumbered] = demo.scenario_rows("renumbered", "invoices")
    assert renumbered["referenceNumber"] != renumbered["job"]["number"]
    [voided] = demo.scenario_rows("voided_before_transfer", "invoices")
    assert not voided["active"]
    assert voided["items"]


def test_ids_are_larger_than_32_and_than_53_bits(demo: Demo) -> None:
    assert all(row_id > 2**31 for _, row_id in demo.scenarios["ids_beyond_32_bits"])
    assert all(row_id >= 2**53 for _, row_id in demo.scenarios["ids_beyond_53_bits"])
