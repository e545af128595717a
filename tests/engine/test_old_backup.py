"""Last week's backup put back: both systems end as they would have without it, whatever happened since."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from office import Office
from test_engine_faults import INVOICES, books, few_days
from test_two_machines import Moment

from stsync.engine.rebuild import rebuild
from stsync.errors import StsyncError
from stsync.sandbox.world import World
from stsync.state import State
from stsync.state.copies import backup, restore
from stsync.wiring import wire

ON = date(2026, 6, 29)


@contextmanager
def an_office(folder: Path) -> Iterator[Office]:
    with pytest.MonkeyPatch.context() as monkeypatch, World(invoices=INVOICES, folder=folder) as world:
        yield few_days(Office(world, world.write_config(folder / "books" / "config.yaml"), monkeypatch))


def a_few_records(office: Office) -> None:
    office.run("customers", "invoices", "payments", limit=5)


def killed(office: Office, method: str, path: str) -> None:
    """A run that went down right before it posted: its drafts, or lines, stand in the books."""
    with pytest.MonkeyPatch.context() as watched, suppress(StsyncError):
        moment = Moment("nothing", "", 0, (method, path), other_runs=True)
        moment.method = method
        moment.watch(watched, lambda: None)
        office.run()


STATES: dict[str, Callable[[Office], None]] = {
    "after a few records": a_few_records,
    "with drafts that are not posted": lambda office: killed(office, "action", "salesInvoices"),
    "with lines that are not posted": lambda office: killed(office, "action", "journals"),
}


def the_week(office: Office) -> None:
    """Everything else, and then some: new money, money back, a voided payment, another price."""
    office.run()
    tenant = office.world.tenant
    paid = next(row for row in tenant.payments.values() if row["type"] == "Check" and Decimal(str(row["total"])) > 0)
    kind = int(paid["typeId"])
    new = tenant.take_payment(paid["customer"]["id"], Decimal("120.00"), type_id=kind, on=ON, syncStatus="Posted")
    office.run()
    tenant.refund_payment(new, Decimal("20.00"), type_id=kind, on=ON, syncStatus="Posted")
    item = next(one for one in office.world.company.items if not one.blocked)
    item.unit_cost += Decimal("0.01")
    office.run()


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> Counter[tuple[Any, ...]]:
    """The books of the week in which nothing was put back."""
    with an_office(tmp_path_factory.mktemp("without")) as office:
        a_few_records(office)
        the_week(office)
        return books(office.world)


@pytest.mark.parametrize("when", ["with drafts that are not posted", "with lines that are not posted"])
def test_a_file_lost_in_the_middle_of_a_run_ends_there_too(
    tmp_path: Path, without: Counter[tuple[Any, ...]], when: str
) -> None:
    with an_office(tmp_path) as office:
        STATES[when](office)
        office.state_file.unlink()
        office.world.sandbox.log.clear()
        rebuild(wire(office.config), command="stsync state rebuild", force=False)
        assert office.writes() == []
        the_week(office)
        assert books(office.world) == without


@pytest.mark.parametrize("when", STATES)
def test_an_old_backup_ends_in_the_books_of_a_week_without_it(
    tmp_path: Path, without: Counter[tuple[Any, ...]], when: str
) -> None:
    with an_office(tmp_path) as office:
        STATES[when](office)
        old = tmp_path / "last-week.db"
        backup(office.state_file, old)
        the_week(office)
        assert books(office.world) == without
        restore(old, office.state_file, aside=tmp_path / "aside.db")
        office.world.sandbox.log.clear()
        office.run()
        office.run()
        assert books(office.world) == without
        sent = [one for one in office.writes() if "business_central" in one.system]
        assert sent == [], "what was in the books was written once more"
        with State.open_scratch(office.state_file) as state:
            assert [row.key for row in state.ledger.intended()] == []
