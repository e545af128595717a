"""What people change in ServiceTitan after the documents are in the books, by name.

Each function edits the documents of the scenario that stands ready for it and returns what it changed. Load the
demo into a tenant first, transfer, then call one of `LATER`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from stsync.sandbox.company.chart import PAYMENT_TYPE, UNIT
from stsync.sandbox.company.demo import Demo
from stsync.sandbox.company.values import Ref, Row, of

if TYPE_CHECKING:
    from stsync.sandbox.servicetitan.tenant import Tenant


def _prepared(demo: Demo, position: int) -> Row:
    return demo.scenario_rows("changed_after_posting", "invoices")[position]


def invoice_edited(demo: Demo, tenant: Tenant) -> list[Ref]:
    """A line was added to a posted invoice."""
    from stsync.sandbox.servicetitan.office import Line

    row = _prepared(demo, 0)
    lines = [
        Line(item["description"], Decimal(item["price"]), gl_account_id=item["generalLedgerAccount"]["id"])
        for item in row["items"]
    ]
    extra = Line("Second trip", Decimal("65.00"), gl_account_id=lines[0].gl_account_id)
    tenant.edit_invoice(row["id"], lines=[*lines, extra])
    return of("invoices", row)


def tax_corrected(demo: Demo, tenant: Tenant) -> list[Ref]:
    """The tax of a posted invoice was corrected by hand, by two cents."""
    row = _prepared(demo, 1)
    tenant.edit_invoice(row["id"], tax=Decimal(row["salesTax"]) + Decimal("0.02"))
    return of("invoices", row)


def invoice_renumbered(demo: Demo, tenant: Tenant) -> list[Ref]:
    """A posted invoice got another number; nothing else changed."""
    row = _prepared(demo, 2)
    tenant.renumber_invoice(row["id"], f"{row['referenceNumber']}-R")
    return of("invoices", row)


def invoice_voided(demo: Demo, tenant: Tenant) -> list[Ref]:
    """A posted invoice was cancelled."""
    row = _prepared(demo, 3)
    tenant.void_invoice(row["id"])
    return of("invoices", row)


def invoice_unposted(demo: Demo, tenant: Tenant) -> list[Ref]:
    """The batch of a posted invoice was taken back: it is Pending again (trap 16)."""
    row = _prepared(demo, 4)
    tenant.unpost([row["id"]])
    return of("invoices", row)


def business_unit_changed(demo: Demo, tenant: Tenant) -> list[Ref]:
    """The line of a posted invoice was moved to another business unit; the total is the same."""
    row = _prepared(demo, 5)
    items = [{**item, "businessUnit": UNIT["Phoenix Plumbing Service"].link} for item in row["items"]]
    tenant.edit_invoice(row["id"], items=items)
    return of("invoices", row)


def payment_voided(demo: Demo, tenant: Tenant) -> list[Ref]:
    """A posted payment was voided; its invoice is open again."""
    row = demo.scenario_rows("payment_changed_after_posting", "payments")[0]
    tenant.void_payment(row["id"])
    return of("payments", row)


def payment_reapplied(demo: Demo, tenant: Tenant) -> list[Ref]:
    """A posted payment was taken off its invoice and applied to another (trap 25)."""
    row = demo.scenario_rows("payment_changed_after_posting", "payments")[1]
    first, second = demo.scenario_rows("payment_changed_after_posting", "invoices")
    tenant.unapply_payment(row["id"], second["id"])
    tenant.apply_payment(row["id"], first["id"], Decimal("100.00"))
    return of("payments", row)


def customers_merged(demo: Demo, tenant: Tenant) -> list[Ref]:
    """Two customers with posted invoices were merged."""
    loser, survivor = demo.scenario_rows("merged_after_posting", "customers")
    tenant.merge_customers(loser["id"], survivor["id"])
    return of("customers", loser, survivor)


def deposit_applied(demo: Demo, tenant: Tenant) -> list[Ref]:
    """A deposit that was posted unapplied was applied to an open invoice: nothing moved, something was added."""
    [deposit] = demo.scenario_rows("deposit_ready", "payments")
    [work] = demo.scenario_rows("deposit_ready", "invoices")
    tenant.apply_payment(deposit["id"], work["id"], Decimal("250.00"))
    return [*of("payments", deposit), *of("invoices", work)]


def deposit_moved_from_estimate(demo: Demo, tenant: Tenant) -> list[Ref]:
    """A deposit was moved from the estimate visit's empty invoice to the final invoice."""
    [deposit] = demo.scenario_rows("estimate_deposit_ready", "payments")
    visit, final = demo.scenario_rows("estimate_deposit_ready", "invoices")
    tenant.reapply_payment(deposit["id"], visit["id"], final["id"])
    return [*of("payments", deposit), *of("invoices", visit, final)]


def check_bounced(demo: Demo, tenant: Tenant) -> list[Ref]:
    """A check came back after its payment was in the books."""
    [check] = demo.scenario_rows("check_ready", "payments")
    [work] = demo.scenario_rows("check_ready", "invoices")
    back = tenant.bounce_check(check["id"], type_id=PAYMENT_TYPE["Returned Check"].id, syncStatus="Posted")
    return [("payments", back), *of("invoices", work)]


def payment_amount_changed(demo: Demo, tenant: Tenant) -> list[Ref]:
    """The amount of a posted payment was corrected, with what it is applied to."""
    [check] = demo.scenario_rows("check_ready", "payments")
    [work] = demo.scenario_rows("check_ready", "invoices")
    tenant.unapply_payment(check["id"], work["id"])
    tenant.edit_payment(check["id"], total=Decimal("246.00"))
    tenant.apply_payment(check["id"], work["id"], Decimal("246.00"))
    return [*of("payments", check), *of("invoices", work)]


def credit_memo_applied_later(demo: Demo, tenant: Tenant) -> list[Ref]:
    """A credit memo that was posted unapplied was applied to an open invoice."""
    [memo] = demo.scenario_rows("credit_ready", "credit_memos")
    [work] = demo.scenario_rows("credit_ready", "invoices")
    tenant.apply_credit_memo(memo["id"], work["id"], Decimal("33.00"))
    return [*of("credit_memos", memo), *of("invoices", work)]


def credit_memo_edited(demo: Demo, tenant: Tenant) -> list[Ref]:
    """The amount of a posted credit memo was changed."""
    [memo] = demo.scenario_rows("credit_ready", "credit_memos")
    tenant.edit_credit_memo(memo["id"], amount=Decimal("43.00"))
    return of("credit_memos", memo)


def credit_memo_voided(demo: Demo, tenant: Tenant) -> list[Ref]:
    """A posted credit memo was deleted."""
    [memo] = demo.scenario_rows("credit_ready", "credit_memos")
    tenant.void_credit_memo(memo["id"])
    return of("credit_memos", memo)


def invoice_adjusted(demo: Demo, tenant: Tenant) -> list[Ref]:
    """An adjustment below zero was booked for a posted invoice, and posted."""
    from stsync.sandbox.servicetitan.office import Line

    row = _prepared(demo, 0)
    account = row["items"][0]["generalLedgerAccount"]["id"]
    lines = [Line("Complaint", Decimal("-25.00"), gl_account_id=account)]
    made = tenant.adjust_invoice(row["id"], lines, on=date(2026, 6, 29), syncStatus="Posted")
    return [("invoices", made)]


def customer_edited(demo: Demo, tenant: Tenant) -> list[Ref]:
    """A customer moved and changed the name; the card in the books has other fields that people keep."""
    [owner] = demo.scenario_rows("changed_after_posting", "customers")
    address = {**owner["address"], "street": "500 N Central Ave", "unit": None}
    tenant.edit_customer(owner["id"], name=f"{owner['name']}-Smith", address=address)
    return of("customers", owner)


def pricebook_entry_edited(demo: Demo, tenant: Tenant) -> list[Ref]:
    """Somebody in ServiceTitan changed description and cost of a pricebook entry by hand."""
    kind, row_id = demo.scenarios["pricebook_costs_changed"][-1]
    row = tenant.tables[kind][row_id]
    tenant.edit_sku(kind, row["code"], displayName=f"{row['displayName']} (new)", cost=row["cost"] + 1)
    return [(kind, row_id)]


def purchase_order_edited(demo: Demo, tenant: Tenant) -> list[Ref]:
    """A purchase order was corrected: its posted bill is inactive, a new one took its place."""
    bill, _ = demo.scenario_rows("bills_ready", "inventory_bills")
    made = tenant.edit_purchase_order(bill["id"], Decimal("77.70"))
    return [*of("inventory_bills", bill), ("inventory_bills", made)]


LATER: dict[str, Callable[[Demo, Tenant], list[Ref]]] = {
    change.__name__: change
    for change in (
        invoice_edited,
        tax_corrected,
        invoice_renumbered,
        invoice_voided,
        invoice_unposted,
        business_unit_changed,
        payment_voided,
        payment_reapplied,
        customers_merged,
        deposit_applied,
        deposit_moved_from_estimate,
        check_bounced,
        payment_amount_changed,
        credit_memo_applied_later,
        credit_memo_edited,
        credit_memo_voided,
        invoice_adjusted,
        customer_edited,
        pricebook_entry_edited,
        purchase_order_edited,
    )
}
