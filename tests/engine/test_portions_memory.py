"""What a run takes of memory does not grow with what is open: planned, kept for later, shown and gone through again."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from office import Office

from stsync.businesscentral.odata import Read
from stsync.cli import console
from stsync.cli.runreport import report
from stsync.engine.planning import Planner
from stsync.engine.run import Result, now
from stsync.engine.scope import Scope
from stsync.engine.settings import settings
from stsync.engine.spool import Spool
from stsync.state import Incoming, State
from stsync.wiring import Systems, Wiring, wire

AT = datetime(2026, 7, 1, tzinfo=UTC)
REFERENCE = {
    "accounts",
    "generalLedgerSetup",
    "dimensions",
    "paymentTerms",
    "items",
    "customerPaymentJournals",
    "journals",
}
SMALL, LARGE = 300, 1000


@dataclass
class Books:
    """The real reference data, and no counterpart of anything: what is asked for by a key is not there."""

    real: Any

    def read_many(self, reads: Sequence[Read]) -> list[list[dict[str, Any]]]:
        return [self.read(one) for one in reads]

    def read(self, read: Read) -> list[dict[str, Any]]:
        return list(self.real.read(read)) if read.entity in REFERENCE else []


def fill(state: State, office: Office, documents: int) -> None:
    """So many invoices and payments, each pair with a customer of its own, as one of the demo month is."""
    tenant = office.world.tenant
    invoice = next(row for row in tenant.invoices.values() if row["syncStatus"] == "Posted" and row["items"])
    payment = next(
        row for row in tenant.payments.values() if len(row["appliedTo"]) == 1 and row["syncStatus"] == "Posted"
    )
    customer = tenant.tables["customers"][invoice["customer"]["id"]]
    for start in range(0, documents // 2, 100):
        numbers = range(start, min(start + 100, documents // 2))
        _store(state, "customers", customer, numbers, lambda row, one: row.update(name=f"Customer {one}"))
        _store(state, "invoices", invoice, numbers, _of_customer)
        _store(state, "payments", payment, numbers, _pays)


def _of_customer(row: dict[str, Any], one: int) -> None:
    row["customer"] = {**row["customer"], "id": one}


def _pays(row: dict[str, Any], one: int) -> None:
    _of_customer(row, one)
    row["appliedTo"][0]["appliedTo"] = one


def _store(
    state: State, kind: str, like: dict[str, Any], numbers: range, change: Callable[[dict[str, Any], int], None]
) -> None:
    rows = []
    for number in numbers:
        row = deepcopy(like) | {"id": 90_000_000 + number}
        change(row, 90_000_000 + number)
        rows.append(Incoming(str(row["id"]), None, row))
    state.inbox.store(kind, rows, feed=None, token=None, seen_at=AT)


def peak(office: Office, wiring: Wiring, systems: Systems, documents: int) -> int:
    """The most memory that planning and showing so many documents takes beyond what was taken before, in bytes."""
    scope = Scope(("customers", "invoices", "payments"))
    with State.open_scratch(office.state_file) as state, Spool() as spool:
        fill(state, office, documents)
        tracemalloc.start()
        planner = Planner(
            wiring.config, settings(wiring.config, wiring.choices), state, systems, scope, now, lambda _: None
        )
        for drawn in planner.portions():
            spool.add(drawn)
        report(Result("r", spool, True, {}, {}, {}, 0, 0.0), "")
        acting = sum(one.standing.value == "act" for one in spool.decisions)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert acting == documents // 2 * 3, "customers, invoices and payments are not all planned to be written"
    return most


@pytest.fixture
def quiet() -> Iterator[None]:
    console.OUTPUT.quiet = True
    yield
    console.OUTPUT.quiet = False


def test_three_times_the_documents_take_no_more_memory(
    month: Office, monkeypatch: pytest.MonkeyPatch, quiet: None
) -> None:
    # Small pages, so that a small backlog fills them too.
    for page, size in {"engine.portions.SIZE": 100, "engine.portions._PAGE": 50, "state.inbox._PAGE": 50}.items():
        monkeypatch.setattr(f"stsync.{page}", size)
    monkeypatch.setattr("stsync.engine.spool._IN_MEMORY", 2**16)
    wiring = wire(month.config)
    systems = wiring.systems(read_only=True, on_exchange=lambda _: None)
    systems = replace(systems, books=Books(systems.books))
    peak(month, wiring, systems, 40)  # what is made once for all
    small = peak(month, wiring, systems, SMALL)
    large = peak(month, wiring, systems, LARGE)
    assert large < 1.2 * small, f"{small:,} bytes for {SMALL} documents, {large:,} for {LARGE}"
