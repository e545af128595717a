"""Documents that ServiceTitan shows as Exported, when our own notes of them are lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kept_month import book_one_more
from office import Office, money


def _paid_invoices(office: Office) -> list[dict[str, Any]]:
    """Posted invoices in the books that a posted payment is applied to."""
    paid = {
        one["appliedTo"]
        for row in office.world.tenant.payments.values()
        if row["active"] and row["syncStatus"] == "Posted" and money(row["total"]) > 0
        for one in row["appliedTo"] or ()
    }
    rows = [office.world.tenant.invoices[one] for one in sorted(paid)]
    return [row for row in rows if (found := office.invoice(row["id"])) is not None and found.posted]


def test_an_exported_invoice_of_a_lost_state_is_taken_on_and_its_payments_apply(
    office: Office, another: Callable[[Office, str], Office]
) -> None:
    office.run("invoices")
    marked = [row["id"] for row in _paid_invoices(office)]
    assert len(marked) > 20
    office.world.tenant.bypass(marked)
    before = len(list(office.world.company.invoices))

    lost = another(office, "new computer")
    lost.run()
    assert len(list(office.world.company.invoices)) == before
    applied = 0
    for source_id in marked:
        assert lost.standing("invoices", source_id) == ("settled", "posted")
        document = lost.invoice(source_id)
        entry = next(one for one in office.world.company.customer_ledger if one.document_id == document.id)
        applied += bool(entry.applications)
    assert applied > len(marked) * 0.8


def test_an_exported_payment_of_a_lost_state_is_taken_on(
    posted: Office, another: Callable[[Office, str], Office]
) -> None:
    numbers = {one.document_number for one in posted.world.company.customer_ledger if one.document_type == "Payment"}
    marked = [row["id"] for row in posted.world.tenant.payments.values() if f"ST-P{row['id']}" in numbers]
    assert len(marked) > 20
    posted.world.tenant.bypass(payment_ids=marked)
    entries = len(list(posted.world.company.customer_ledger))

    lost = another(posted, "new computer")
    lost.run("payments")
    assert posted.writes() == []
    assert {lost.standing("payments", one) for one in marked} == {("settled", "posted")}
    assert len(list(posted.world.company.customer_ledger)) == entries


def test_what_another_program_exported_stands_aside(posted: Office) -> None:
    elsewhere, _ = book_one_more(posted)
    posted.world.tenant.bypass([elsewhere])
    posted.run("invoices")
    assert posted.standing("invoices", elsewhere) == ("settled", "exported_elsewhere")
    assert posted.invoice(elsewhere) is None
