"""The sums that hold whatever the office does, and the feeds that tell of it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from stsync.sandbox.servicetitan import Line, Tenant, rows

D = Decimal


def _check_sums(tenant: Tenant) -> None:
    shown = {
        "invoices": {i: row["balance"] for i, row in tenant.invoices.items()},
        "payments": {i: row["unappliedAmount"] for i, row in tenant.payments.items()},
        "customers": {i: row["balance"] for i, row in tenant.customers.items()},
    }
    tenant.settle()
    settled = {
        "invoices": {i: row["balance"] for i, row in tenant.invoices.items()},
        "payments": {i: row["unappliedAmount"] for i, row in tenant.payments.items()},
        "customers": {i: row["balance"] for i, row in tenant.customers.items()},
    }
    assert shown == settled


def test_the_sums_hold_after_every_act_of_the_office(bench):
    tenant, ids = bench.tenant, bench.ids
    customer, invoice, payment = ids["customer"], ids["invoice"], ids["payment"]
    other = tenant.add_customer("Other")
    unit = ids["unit"]
    acts = [
        lambda: tenant.edit_invoice(invoice, lines=[Line("A", D("70.00")), Line("B", D("5.05"))]),
        lambda: tenant.delete_item(invoice, tenant.invoices[invoice]["items"][1]["id"]),
        lambda: tenant.book_invoice(
            customer, [Line("Back", D("-20.00"))], business_unit_id=unit, adjustment_to=invoice
        ),
        lambda: tenant.unapply_payment(payment, invoice),
        lambda: tenant.apply_payment(payment, invoice, D("50.00")),
        lambda: tenant.refund_payment(payment, D("5.00"), type_id=ids["type"], applied={invoice: D("-5.00")}),
        lambda: tenant.take_payment(other, D("9.00"), type_id=ids["type"], applied={invoice: D("9.00")}),
        lambda: tenant.edit_payment(payment, total=D("60.00")),
        lambda: tenant.void_payment(payment),
        lambda: tenant.merge_customers(customer, other),
        lambda: tenant.void_invoice(invoice),
    ]
    for act in acts:
        act()
        _check_sums(tenant)


def test_an_adjustment_and_its_original_are_one_receivable_shown_on_the_original(bench):
    tenant, ids = bench.tenant, bench.ids
    before = D(tenant.invoices[ids["invoice"]]["balance"])
    adjustment = tenant.book_invoice(
        ids["customer"], [Line("Back", D("-12.00"))], business_unit_id=ids["unit"], adjustment_to=ids["invoice"]
    )
    assert tenant.invoices[adjustment]["total"] == "-12.00"
    assert tenant.invoices[adjustment]["balance"] == "0.00"
    assert D(tenant.invoices[ids["invoice"]]["balance"]) == before - 12


def test_an_invoice_is_paid_on_the_day_its_balance_is_nothing(bench):
    tenant, ids = bench.tenant, bench.ids
    owed = D(tenant.invoices[ids["invoice"]]["balance"])
    tenant.take_payment(ids["customer"], owed, type_id=ids["type"], applied={ids["invoice"]: owed})
    assert tenant.invoices[ids["invoice"]]["paidOn"] == "2026-11-02T00:00:00Z"
    tenant.unapply_payment(ids["payment"], ids["invoice"])
    assert tenant.invoices[ids["invoice"]]["paidOn"] is None


def test_a_deleted_line_comes_once_more_inactive(bench):
    item = bench.tenant.invoices[bench.ids["invoice"]]["items"][1]["id"]
    bench.wait(minutes=20)
    token = bench.get("accounting/export/invoice-items")["continueFrom"]
    bench.tenant.delete_item(bench.ids["invoice"], item)
    bench.wait(minutes=20)
    again = bench.get(f"accounting/export/invoice-items?from={token}")["data"]
    assert [(row["id"], row["active"]) for row in again] == [(item, False)]


def test_seeded_rows_are_taken_as_they_are_and_settled_together():
    tenant = Tenant(1)
    tenant.seed(
        customers=[rows.blank("customers", {"id": 5, "name": "Ann"})],
        invoices=[rows.blank("invoices", {"id": 2**40, "total": D("10.00"), "customer": rows.named(5, "Ann")})],
    )
    assert tenant.invoices[2**40]["balance"] == "0.00"
    tenant.settle()
    assert tenant.invoices[2**40]["balance"] == "10.00"
    assert tenant.customers[5]["balance"] == D("10.00")
    assert tenant.add_customer("Bob") == 2**40 + 1


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_feeds_that_repeat_and_disorder_lose_nothing(bench, seed):
    switches = bench.tenant.switches
    switches.seed, switches.calls_per_second = seed, None
    switches.export_page_size, switches.export_empty_page_every = 7, 4
    switches.export_repeat_rate = switches.export_disorder_rate = 0.3
    for n in range(60):
        bench.wait(seconds=n)
        bench.tenant.book_invoice(bench.ids["customer"], [Line("X", D(n))], business_unit_id=bench.ids["unit"])
    bench.wait(minutes=20)
    pages = [[row["id"] for row in page] for page in bench.feed("accounting/export/invoices")]
    delivered = [row_id for page in pages for row_id in page]
    assert set(delivered) == set(bench.tenant.invoices)
    assert len(delivered) > len(set(delivered)), "nothing was repeated"
    assert delivered != sorted(delivered), "nothing was out of order"
    assert [] in pages[:-1], "no page was empty in the middle"
    switches_again = [[row["id"] for row in page] for page in bench.feed("accounting/export/invoices")]
    assert switches_again == pages, "the same seed repeats the same run"


def test_a_row_that_changes_while_a_feed_is_read_is_not_lost(bench):
    bench.tenant.switches.export_page_size = 1
    second = bench.tenant.book_invoice(
        bench.ids["customer"], [Line("X", D("1.00"))], business_unit_id=bench.ids["unit"]
    )
    bench.wait(minutes=20)
    first_page = bench.get("accounting/export/invoices")
    bench.tenant.renumber_invoice(first_page["data"][0]["id"], "R-5")
    rest = [row["id"] for page in bench.feed("accounting/export/invoices", first_page["continueFrom"]) for row in page]
    assert rest == [second]
    bench.wait(minutes=20)
    token = first_page["continueFrom"]
    later = [row["id"] for page in bench.feed("accounting/export/invoices", token) for row in page]
    assert later == [second, first_page["data"][0]["id"]]


def test_a_feed_starts_at_a_date_inclusively(bench):
    bench.wait(minutes=20)
    for start, found in (("2026-11-02", 1), ("2026-11-02T12:00:00Z", 1), ("2026-11-02T12:00:01Z", 0)):
        assert len(bench.get(f"accounting/export/invoices?from={start}")["data"]) == found


def test_feed_tokens_can_be_made_worthless(bench):
    token = bench.get("accounting/export/invoices")["continueFrom"]
    bench.tenant.invalidate_feed_tokens()
    assert list(bench.refusal(f"accounting/export/invoices?from={token}")) == ["from"]


def test_items_edited_in_place_come_through_their_own_feed(bench):
    tenant, invoice = bench.tenant, bench.ids["invoice"]
    bench.wait(minutes=20)
    token = bench.get("accounting/export/invoice-items")["continueFrom"]
    items = [{**item, "description": "Better"} for item in tenant.invoices[invoice]["items"]]
    tenant.edit_invoice(invoice, items=items)
    bench.wait(minutes=20)
    again = bench.get(f"accounting/export/invoice-items?from={token}")["data"]
    assert [row["description"] for row in again] == ["Better", "Better"]


def test_the_office_cannot_invent_fields(bench):
    with pytest.raises(TypeError, match="there is no field colour"):
        bench.tenant.edit_invoice(bench.ids["invoice"], colour="red")
    with pytest.raises(TypeError, match="customers have no colour"):
        bench.tenant.edit_customer(bench.ids["customer"], colour="red")


def test_recent_rows_never_reach_back_before_the_date_a_reader_began_with(bench):
    bench.wait(minutes=20)
    tenant = bench.tenant
    late = tenant.book_invoice(bench.ids["customer"], [Line("X", D("1.00"))], business_unit_id=bench.ids["unit"])
    path = "accounting/export/invoices?includeRecentChanges=true&from="
    first = bench.get(f"{path}2026-11-02T12:10:00Z")
    again = bench.get(f"{path}{first['continueFrom']}")
    assert [row["id"] for row in first["data"]] == [row["id"] for row in again["data"]] == [late]
