"""A month that is carried once for many tests: each moves into a copy of it, and goes on from there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from office import Office, money

from stsync.sandbox.keeping import keep, kept
from stsync.sandbox.servicetitan.office import Line
from stsync.sandbox.world import World
from stsync.state.copies import backup

# Both systems as the sandbox keeps them, and our notes.
Month = tuple[Path, Path]
Row = dict[str, Any]


def carry_once(folder: Path, prepare: Callable[[Office], object] | None = None) -> Month:
    """Carry a small demo month, after what `prepare` does in the office, and keep what came of it."""
    with pytest.MonkeyPatch.context() as monkeypatch, World(invoices=119, folder=folder) as world:
        office = Office(world, world.write_config(folder / "books" / "config.yaml"), monkeypatch)
        if prepare is not None:
            prepare(office)
        office.run()
        return keep_month(office, folder)


def keep_month(office: Office, folder: Path) -> Month:
    """Keep both systems and our notes as they are now."""
    systems, notes = folder / "world", folder / "notes.db"
    keep(office.world, systems, port_base=0)
    backup(office.state_file, notes)
    return systems, notes


def move_in(office: Office, month: Month) -> Office:
    """Let the office go on where the kept month ended, with everything in the books that was carried then."""
    systems, notes = month
    content = kept(systems)
    office.world.adopt(content.demo, content.tenant, content.environment)
    backup(notes, office.state_file)
    return office


def leave_pending(office: Office, *scenarios: str) -> None:
    """Documents of these scenarios that are not posted in ServiceTitan yet when the month is carried."""
    for name in scenarios:
        for kind, row_id in office.world.demo.scenarios[name]:
            row = office.world.tenant.tables[kind][row_id]
            if row.get("syncStatus") == "Posted":
                row["syncStatus"] = "Pending"


def release(office: Office, kind: str, *rows: Row) -> None:
    """The office posts them, as they are by now, after the month was carried."""
    for row in rows:
        row["syncStatus"] = "Posted"
        office.world.tenant.touch(kind, row["id"])


def book_one_more(office: Office) -> tuple[int, int]:
    """An invoice, and a payment of it, that the next run has to carry; returns their ids."""
    tenant = office.world.tenant
    like = next(row for row in tenant.invoices.values() if office.invoice(row["id"]) is not None and row["items"])
    customer, unit, amount = like["customer"]["id"], like["businessUnit"]["id"], money("180.00")
    line = Line("Repair", amount, gl_account_id=like["items"][0]["generalLedgerAccount"]["id"])
    invoice = tenant.book_invoice(customer, [line], business_unit_id=unit, on=date(2026, 6, 20))
    tenant.edit_invoice(invoice, syncStatus="Posted")
    check = next(row for row in tenant.payments.values() if row["type"] == "Check")
    paid = tenant.take_payment(
        customer, amount, type_id=int(check["typeId"]), on=date(2026, 6, 22), applied={invoice: amount}
    )
    tenant.edit("payments", paid, syncStatus="Posted")
    return invoice, paid
