"""What people change in ServiceTitan after the documents are in the books, by name.

Each function edits the documents of the scenario that stands ready for it and returns what it changed. Load the
demo into a tenant first, transfer, then call one of `LATER`.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from stsync.sandbox.company.chart import UNIT
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
    )
}
