"""Totals, balances, unapplied amounts: right on every document that is not broken on purpose."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stsync.sandbox.company import Demo, build
from stsync.sandbox.company.values import Row

ZERO = Decimal(0)
BROKEN_TOTALS = {"mismatched_total"}
seeds = pytest.mark.parametrize("seed", [1, 2, 3])


def broken(demo: Demo) -> set[int]:
    return {row["id"] for name in BROKEN_TOTALS for row in demo.scenario_rows(name, "invoices")}


def applied(payment: Row) -> Decimal:
    return sum((Decimal(one["appliedAmount"]) for one in payment["appliedTo"] or ()), ZERO)


def check_invoices(demo: Demo) -> None:
    for row in demo.invoices:
        charged = sum((Decimal(item["total"]) for item in row["items"] or () if item["isChargeable"]), ZERO)
        assert charged == Decimal(row["subTotal"]), row["id"]
        if row["id"] not in broken(demo):
            assert Decimal(row["subTotal"]) + Decimal(row["salesTax"]) == Decimal(row["total"]), row["id"]


def check_balances(demo: Demo) -> None:
    """An adjustment and its original are one receivable; together they owe what they charge less what is applied."""
    root = {row["id"]: row["adjustmentToId"] or row["id"] for row in demo.invoices}
    owed: dict[int, Decimal] = defaultdict(lambda: ZERO)
    shown: dict[int, Decimal] = defaultdict(lambda: ZERO)
    for row in demo.invoices:
        if row["active"]:
            owed[root[row["id"]]] += Decimal(row["total"])
            shown[root[row["id"]]] += Decimal(row["balance"])
    for row in [*demo.payments, *demo.credit_memos]:
        if row["active"]:
            for one in row["appliedTo"] or ():
                owed[root[one["appliedTo"]]] -= Decimal(one["appliedAmount"])
    assert owed == shown


def check_payments(demo: Demo) -> None:
    for row in demo.payments:
        assert Decimal(row["unappliedAmount"]) == Decimal(row["total"]) - applied(row), row["id"]
    for row in demo.credit_memos:
        assert row["total"] == row["subTotal"] + row["salesTax"]
        assert row["balance"] == row["total"] - applied(row)
        lines = [item["total"] for item in demo.credit_memo_items if item["creditMemoId"] == row["id"]]
        assert sum(lines, ZERO) == row["subTotal"]


@seeds
def test_every_sum_holds(seed: int) -> None:
    demo = build(invoices=400, seed=seed)
    check_invoices(demo)
    check_balances(demo)
    check_payments(demo)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32), invoices=st.integers(120, 260))
def test_every_sum_holds_whatever_the_seed(seed: int, invoices: int) -> None:
    demo = build(invoices=invoices, seed=seed)
    check_invoices(demo)
    check_balances(demo)
    check_payments(demo)


@seeds
def test_an_ordinary_line_is_quantity_times_price_in_cents(seed: int) -> None:
    demo = build(invoices=400, seed=seed)
    special = demo.scenario_ids("invoices")
    lines = [item for row in demo.invoices if row["id"] not in special for item in row["items"]]
    for item in lines:
        product = Decimal(item["quantity"]) * Decimal(item["price"])
        assert Decimal(item["total"]) == product.quantize(Decimal("0.01"))
    assert len(lines) > 500


def test_an_ordinary_payment_never_exceeds_its_invoice(demo: Demo) -> None:
    special = demo.scenario_ids("invoices")
    assert all(
        0 <= Decimal(row["balance"]) <= max(ZERO, Decimal(row["total"]))
        for row in demo.invoices
        if row["id"] not in special
    )


def test_what_customers_owe_is_what_their_documents_owe(demo: Demo) -> None:
    documents = sum((Decimal(r["balance"]) for r in demo.invoices if r["active"] and r["customer"]), ZERO)
    unapplied = sum((Decimal(r["unappliedAmount"]) for r in demo.payments if r["active"]), ZERO)
    memos = sum((r["balance"] for r in demo.credit_memos if r["active"]), ZERO)
    unknown = {row["id"] for row in demo.scenario_rows("customer_never_seen", "invoices")}
    strangers = sum((Decimal(r["balance"]) for r in demo.invoices if r["id"] in unknown), ZERO)
    assert sum((r["balance"] for r in demo.customers), ZERO) == documents - unapplied - memos - strangers


def test_money_on_documents_is_text_and_on_customers_a_number(demo: Demo) -> None:
    assert all(
        isinstance(row[key], str) for row in demo.invoices for key in ("subTotal", "salesTax", "total", "balance")
    )
    assert all(isinstance(row[key], str) for row in demo.payments for key in ("total", "unappliedAmount", "typeId"))
    assert all(isinstance(row["balance"], Decimal) for row in [*demo.customers, *demo.credit_memos])


def test_exported_invoices_are_settled_and_pending_ones_unpaid(demo: Demo) -> None:
    special = demo.scenario_ids("invoices")
    ordinary = [row for row in demo.invoices if row["id"] not in special]
    assert all(Decimal(row["balance"]) == 0 for row in ordinary if row["syncStatus"] == "Exported")
    assert all(row["balance"] == row["total"] for row in ordinary if row["syncStatus"] == "Pending")
    assert all(row["batch"] is None for row in ordinary if row["syncStatus"] == "Pending")
