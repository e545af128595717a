"""Every scenario of the demo company on one synced month with the books' history: what the books show of it, and why not.

The first test reads the outcome of each document in Business Central's own books; the second applies what people change
in ServiceTitan afterwards, one change after the other.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from office import Office, money
from typer.testing import CliRunner

from stsync.cli.app import app
from stsync.sandbox.company.later import LATER
from stsync.sandbox.company.scenarios import SCENARIOS
from stsync.sandbox.world import World

# What becomes of each scenario's documents, in the order in which it wrote them; a reason means that the document is held
# or waits. Scenarios that end neither in a customer nor in a document have tests of their own (BESIDE_THE_BOOKS).
OUTCOMES = {
    "several_business_units": "invoice posted",
    "discount_and_fee": "invoice posted",
    "quantities_round_differently": "invoice posted",
    "lines_not_chargeable": "invoice posted",
    "three_hundred_lines": "invoice posted",
    "hostile_text": "customer created, invoice posted",
    "same_number_in_both_books": "invoice posted",
    "closed_business_unit": "invoice posted, payment posted",
    "free_text_line": "invoice posted",
    "deferred_revenue_recognition": "invoice posted, invoice posted",
    "empty_zero_invoice": "invoice nothing_to_post, invoice nothing_to_post, invoice nothing_to_post",
    "adjustment_above_zero": "invoice posted, invoice posted, payment posted",
    "adjustment_below_zero": "invoice posted, invoice posted",
    "adjustment_before_its_original": "invoice posted, invoice posted",
    "negative_total": "invoice posted",
    "credit_memo_applied": "invoice posted, credit memo posted",
    "credit_memo_unapplied": "credit memo posted",
    "deposit_item_on_liability": "invoice posted, invoice posted, payment posted",
    "deposit_unapplied": "payment posted",
    "deposit_applied_later": "invoice posted, payment to_apply, payment posted",
    "deposit_on_estimate_visit": "invoice nothing_to_post, payment posted",
    "overpayment": "invoice posted, payment posted",
    "one_payment_several_invoices": (
        "invoice posted, invoice posted, invoice posted, invoice posted, invoice posted, payment posted"
    ),
    "several_payments_one_invoice": "invoice posted, payment posted, payment posted, payment posted, payment posted",
    "payment_before_invoice_in_feed": "customer created, invoice posted, payment posted",
    "payment_dated_before_invoice": "invoice posted, payment to_apply",
    "zero_payment": "invoice nothing_to_post, payment nothing_to_post",
    "write_off": "invoice posted, payment posted, payment posted",
    "financing_payment": "invoice posted, payment posted",
    "payment_on_exported_invoice": "invoice exported_elsewhere, payment invoice-exported-elsewhere",
    "payment_voided": "invoice posted, payment posted, payment nothing_to_post",
    "refund": "invoice posted, invoice posted, payment posted, payment to_apply",
    "bounced_check": "invoice posted, payment posted, payment to_apply",
    "refund_of_unapplied_credit": "payment posted, payment to_apply",
    "tax_on_exempt_customer": "customer created, invoice posted",
    "exempt_customer": "invoice posted",
    "tax_edited_by_hand": "invoice posted",
    "several_tax_authorities": "invoice posted",
    "tax_rounds_badly": "invoice posted",
    "tax_zone_id_missing": "invoice posted",
    "tax_without_zone": "invoice tax-without-zone",
    "tax_without_taxable_line": "invoice posted",
    "closed_period": "invoice posting-date-closed",
    "payment_in_closed_period": "invoice posted, payment posting-date-closed",
    "before_go_live": "invoice before_go_live, payment invoice-before-go-live",
    "invoice_date_missing": "invoice invoice-without-date",
    "due_date_missing": "invoice posted",
    "edges_of_the_month": "invoice posted, invoice posted",
    "due_next_year": "invoice posted",
    "long_name_and_address": "customer created, invoice posted",
    "merged_customer": (
        "customer merged, customer merged, customer created, invoice posted, invoice posted, "
        "invoice posted, payment posted"
    ),
    "inactive_customer": "customer created, invoice posted",
    "same_name_twice": "customer created, customer created, invoice posted, invoice posted",
    "invoice_without_customer": "invoice document-without-customer",
    "customer_never_seen": "invoice customer-unknown",
    "ids_beyond_32_bits": "customer created, invoice posted, payment posted",
    "ids_beyond_53_bits": "invoice posted, invoice posted, payment posted",
    "unmapped_business_unit": "invoice dimension-value-missing, invoice dimension-value-missing",
    "unmapped_payment_type": (
        "invoice posted, invoice posted, invoice posted, payment mapping-missing, "
        "payment mapping-missing, payment mapping-missing"
    ),
    "unmapped_account": "invoice mapping-missing, invoice mapping-missing, payment invoice-not-in-books",
    "unknown_term": "invoice mapping-missing",
    "item_without_account": "invoice line-without-account",
    "item_without_business_unit": "invoice posted",
    "no_business_unit_at_all": "invoice mapping-missing",
    "renumbered": "invoice posted",
    "duplicate_reference_numbers": "invoice posted, invoice posted",
    "reference_number_missing": "invoice posted",
    "voided_before_transfer": "invoice nothing_to_post",
    "mismatched_total": "invoice total-does-not-add-up",
    "pending_empty_job": "invoice not_ready",
    "changed_after_posting": (
        "customer created, invoice posted, invoice posted, invoice posted, invoice posted, "
        "invoice posted, invoice posted"
    ),
    "payment_changed_after_posting": "invoice posted, invoice posted, payment posted, payment posted",
    "merged_after_posting": "customer created, customer created, invoice posted, invoice posted",
    "credit_memo_over_several_invoices": "invoice posted, invoice posted, invoice posted, credit memo to_apply",
    "credit_memo_on_paid_invoice": "invoice posted, payment posted, credit memo posted",
    "credit_memo_partly_applied": "invoice posted, credit memo to_apply",
    "credit_memo_with_tax_in_several_zones": "invoice posted, credit memo posted",
    "credit_memo_in_closed_period": "credit memo posting-date-closed",
    "credit_memo_pending_or_voided": "credit memo not_ready, credit memo nothing_to_post",
    "opening_as_sales_invoice": "customer customer-perhaps-there, invoice before_go_live, payment customer-held",
    "opening_by_journal": (
        "customer customer-perhaps-there, invoice before_go_live, payment customer-held, payment customer-held"
    ),
    "opening_under_another_number": "customer customer-perhaps-there, invoice before_go_live, payment customer-held",
    "opening_of_equal_amounts": (
        "customer customer-perhaps-there, invoice before_go_live, invoice before_go_live, payment customer-held"
    ),
    "opening_partly_paid": (
        "customer customer-perhaps-there, invoice before_go_live, payment before_go_live, payment customer-held"
    ),
    "opening_of_another_amount": "customer customer-perhaps-there, invoice before_go_live",
    "opening_credit": "customer customer-perhaps-there, invoice customer-held, payment before_go_live",
    "known_by_email": "customer customer-perhaps-there, invoice customer-held",
    "known_by_phone": "customer customer-perhaps-there, invoice customer-held",
    "known_by_name_and_address": "customer customer-perhaps-there, invoice customer-held",
    "known_twice": "customer customer-perhaps-there, invoice customer-held",
    "known_by_name_only": "customer customer-perhaps-there, invoice customer-held",
    "card_blocked": "customer known, invoice customer-blocked",
    "card_blocked_for_invoices": "customer unchanged, invoice customer-blocked, payment posted",
    "card_without_posting_groups": "customer unchanged, invoice business-posting-group-missing",
    "card_applies_to_oldest": "customer unchanged, invoice posted, payment posted",
    "postcode_rewrites_the_city": "customer created, invoice posted",
    "job_types": "invoice posted, invoice posted, invoice posted",
    "trades": "invoice posted",
    "service_locations": "customer created, invoice posted, invoice posted",
    "job_type_without_code": "invoice mapping-missing",
    "invoice_without_job": "invoice posted",
    "default_dimension_on_customer": "customer unchanged, invoice posted",
    "mandatory_dimension_on_customer": "customer unchanged, invoice posted",
    "fixed_dimension_on_customer": "customer unchanged, invoice dimension-rule-broken",
    "forbidden_dimension_on_customer": "customer unchanged, invoice posted",
    "mandatory_dimension_on_account": "invoice posted",
    "tax_rate_differs_in_the_books": "invoice posted",
    "after_the_open_period": "invoice posting-date-closed",
    "refund_of_overpayment": "invoice posted, payment posted, payment to_apply",
    "deposit_ready": "invoice posted, payment posted",
    "estimate_deposit_ready": "invoice nothing_to_post, invoice posted, payment posted",
    "check_ready": "invoice posted, payment posted",
    "credit_ready": "customer created, invoice posted, credit memo posted",
}
BESIDE_THE_BOOKS = {
    "bill_replaced",
    "bills_ready",
    "pricebook_costs_changed",
    "pricebook_cost_leapt",
    "pricebook_item_blocked",
    "pricebook_kind_conflict",
    "pricebook_code_used_twice",
}
KINDS = {"customers": "customer", "invoices": "invoice", "payments": "payment", "credit_memos": "credit memo"}
IN_THE_BOOKS = ("posted", "to_apply")
# The card itself applies this deposit to the oldest invoice when it is posted; ServiceTitan keeps it unapplied.
APPLIED_BY_THE_CARD = "card_applies_to_oldest"


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A month of all scenarios and little else, carried once."""
    folder = tmp_path_factory.mktemp("scenarios")
    with pytest.MonkeyPatch.context() as monkeypatch, World(documents=400, history=True, folder=folder) as world:
        config = world.write_config(folder / "books" / "config.yaml", extended=True)
        office = Office(world, config, monkeypatch)
        office.run()
        yield office


def documents(office: Office, name: str) -> list[tuple[str, dict[str, Any]]]:
    """A scenario's customers and documents, with ServiceTitan's rows."""
    refs = office.world.demo.scenarios[name]
    return [(kind, office.world.tenant.tables[kind][row_id]) for kind, row_id in refs if kind in KINDS]


def test_each_scenario_has_its_outcome_here_or_a_test_of_its_own() -> None:
    assert set(OUTCOMES) | BESIDE_THE_BOOKS == set(SCENARIOS)


@pytest.mark.parametrize("name", OUTCOMES)
def test_what_becomes_of_a_scenario_stands_in_the_books(month: Office, name: str) -> None:
    found = documents(month, name)
    standing = [month.standing(kind, row["id"])[1] for kind, row in found]
    assert ", ".join(f"{KINDS[kind]} {one}" for (kind, _), one in zip(found, standing, strict=True)) == OUTCOMES[name]
    for (kind, row), outcome in zip(found, standing, strict=True):
        if kind in {"invoices", "credit_memos"}:
            sales_document_is_there(month, kind, row, outcome in IN_THE_BOOKS)
        elif kind == "payments":
            payment_is_there(month, row, outcome)
        if kind == "payments" and outcome == "posted" and name != APPLIED_BY_THE_CARD:
            assert applied_there(month, row) == applied_here(month, row)


def test_a_card_that_applies_money_by_itself_closes_its_oldest_invoice(month: Office) -> None:
    [work] = month.world.demo.scenario_rows(APPLIED_BY_THE_CARD, "invoices")
    [deposit] = month.world.demo.scenario_rows(APPLIED_BY_THE_CARD, "payments")
    assert applied_there(month, deposit) == {f"ST-{work['id']}": Decimal("120.00")}
    assert applied_here(month, deposit) == {}


def skus(office: Office, name: str) -> list[dict[str, Any]]:
    """The pricebook entries of a scenario."""
    return [office.world.tenant.tables[kind][row_id] for kind, row_id in office.world.demo.scenarios[name]]


def test_the_pricebook_follows_the_items_where_nothing_speaks_against_it(month: Office) -> None:
    items = {one.number: one for one in month.world.company.items}
    for sku in skus(month, "pricebook_costs_changed"):
        # ServiceTitan works out what a service costs from its materials; it takes no cost for it.
        if not sku["code"].startswith("S-"):
            assert money(sku["cost"]) == items[sku["code"]].unit_cost
    [blocked] = skus(month, "pricebook_item_blocked")
    assert items[blocked["code"]].blocked
    assert not blocked["active"]
    [leapt] = skus(month, "pricebook_cost_leapt")
    assert money(leapt["cost"]) != items[leapt["code"]].unit_cost
    assert month.standing("pricebook", items[leapt["code"]].id) == ("held", "price-change-beyond-limit")
    conflicts = [*skus(month, "pricebook_kind_conflict"), *skus(month, "pricebook_code_used_twice")]
    for code in {sku["code"] for sku in conflicts}:
        assert month.standing("pricebook", items[code].id) == ("held", "pricebook-code-conflict")


def sales_document_is_there(office: Office, kind: str, row: dict[str, Any], posted: bool) -> None:
    """One posted document of the right form over the right amount, or none that is posted."""
    below_zero = kind == "credit_memos" or money(row["total"]) < 0
    key = f"ST-C{row['id']}" if kind == "credit_memos" else f"ST-{row['id']}"
    company = office.world.company
    forms = {"invoice": company.invoices, "credit memo": company.credit_memos}
    there = [
        (form, -sum(one.amount for one in company.customer_ledger if one.document_id == each.id))
        for form, table in forms.items()
        for each in table
        if each.external_document_number == key and each.posted
    ]
    wanted = ("credit memo", abs(money(row["total"]))) if below_zero else ("invoice", -money(row["total"]))
    assert there == ([wanted] if posted else [])


def payment_is_there(office: Office, row: dict[str, Any], outcome: str) -> None:
    """All of the payment is in the customer ledger, or nothing."""
    entries = entries_of(office, row)
    assert bool(entries) == (outcome in IN_THE_BOOKS)
    if entries:
        assert -sum(one.amount for one in entries) == money(row["total"])


def entries_of(office: Office, row: dict[str, Any]) -> list[Any]:
    return [one for one in office.world.company.customer_ledger if one.document_number == f"ST-P{row['id']}"]


def applied_there(office: Office, row: dict[str, Any]) -> dict[str, Decimal]:
    """What the payment's entries are applied to in the books."""
    by_entry = {one.entry_number: one for one in office.world.company.customer_ledger}
    applied: Counter[str] = Counter()
    for entry in entries_of(office, row):
        for one in entry.applications:
            applied[by_entry[one.with_entry].external_document_number] += abs(one.amount)
    return dict(applied)


def applied_here(office: Office, row: dict[str, Any]) -> dict[str, Decimal]:
    """What it is applied to in ServiceTitan, leaving out invoices with nothing on them."""
    applied: Counter[str] = Counter()
    for one in row["appliedTo"] or ():
        if money(office.world.tenant.invoices[one["appliedTo"]]["total"]):
            applied[f"ST-{one['appliedTo']}"] += money(one["appliedAmount"])
    return dict(applied)


# --- what people change in ServiceTitan after posting -----------------------------------------------------------------

CHANGED = ("held", "changed-after-posting")
TO_APPLY = ("settled", "to_apply")
# Where the first document that a change touches stands after the next run, and how many documents the run posts.
AFTERWARDS: dict[str, tuple[tuple[str, str], int]] = {
    "invoice_edited": (CHANGED, 0),
    "tax_corrected": (CHANGED, 0),
    "invoice_renumbered": (("settled", "posted"), 0),
    "invoice_voided": (CHANGED, 0),
    "invoice_unposted": (("settled", "posted"), 0),
    "business_unit_changed": (CHANGED, 0),
    "payment_voided": (CHANGED, 0),
    "payment_reapplied": (CHANGED, 0),
    "customers_merged": (("settled", "merged"), 0),
    "deposit_applied": (TO_APPLY, 0),
    "deposit_moved_from_estimate": (TO_APPLY, 0),
    "check_bounced": (TO_APPLY, 1),
    "payment_amount_changed": (CHANGED, 0),
    "credit_memo_applied_later": (TO_APPLY, 0),
    "credit_memo_edited": (CHANGED, 0),
    "credit_memo_voided": (CHANGED, 0),
    "invoice_adjusted": (("settled", "posted"), 1),
    "customer_edited": (("settled", "updated"), 0),
}
NOT_IN_THE_BOOKS = {"pricebook_entry_edited", "purchase_order_edited"}


def test_what_people_change_after_posting_is_held_listed_or_followed(
    month: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stsync.engine.credit_memos.EVERY", timedelta(0))
    assert set(AFTERWARDS) | NOT_IN_THE_BOOKS == set(LATER)
    # The books are open for July by now: ServiceTitan dates what happens today.
    month.world.company.set_posting_window(date(2026, 6, 1), date(2026, 7, 31))
    month.run()
    for name, (standing, posted) in AFTERWARDS.items():
        kind, row_id = LATER[name](month.world.demo, month.world.tenant)[0]
        month.world.advance(timedelta(minutes=20))
        before = receivables(month)
        month.run()
        assert month.standing(kind, row_id) == standing, name
        assert len(receivables(month)) == len(before) + posted, name
        assert receivables(month)[: len(before)] == before, f"{name} changed what was posted"


def test_an_edit_in_the_pricebook_and_a_replaced_bill_move_nothing_in_the_books(month: Office) -> None:
    kind, row_id = LATER["pricebook_entry_edited"](month.world.demo, month.world.tenant)[0]
    edited = dict(month.world.tenant.tables[kind][row_id])
    (_, old), (_, new) = LATER["purchase_order_edited"](month.world.demo, month.world.tenant)
    month.world.advance(timedelta(minutes=20))
    before = receivables(month)
    month.run()
    assert dict(month.world.tenant.tables[kind][row_id]) == edited
    assert receivables(month) == before
    answer = CliRunner().invoke(app, ["bills", "--json", "--config", str(month.config)])
    listed = {row["id"]: row for row in json.loads(answer.stdout)["bills"]}
    assert listed[str(old)]["replaced_by"] == str(new)


def receivables(office: Office) -> list[tuple[str, str, Decimal]]:
    """The customer ledger, in the order of posting."""
    entries = sorted(office.world.company.customer_ledger, key=lambda one: one.entry_number)
    return [(one.document_type, one.document_number, one.amount) for one in entries]
