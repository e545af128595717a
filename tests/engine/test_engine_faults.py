"""A fault in one run, a clean run after it: the books must be those of a faultless run.

These are the answers that most easily double money; `make faults` tries every one of them at every kind of write.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from office import Office

from stsync.errors import StsyncError
from stsync.sandbox import faults
from stsync.sandbox.world import World
from stsync.state import State

# Where each kind of write goes, as the servers see it.
WRITES = {
    "customer": ("business_central", r"/customers$"),
    "invoice create": ("business_central", r"/salesInvoices$"),
    "invoice post": ("business_central", r"/salesInvoices\(.*post$"),
    "credit memo create": ("business_central", r"/salesCreditMemos$"),
    "credit memo post": ("business_central", r"/salesCreditMemos\(.*post$"),
    "journal create": ("business_central", r"/customerPaymentJournals$"),
    "journal line": ("business_central", r"/customerPayments$"),
    "general journal create": ("business_central", r"/journals$"),
    "general journal line": ("business_central", r"/journalLines$"),
    "journal post": ("business_central", r"/journals\(.*post$"),
    "pricebook": ("servicetitan_api", r"/pricebook/.*/(services|materials|equipment)"),
    "mark": ("servicetitan_api", r"/(invoices|credit-memos)/markasexported|/payments/status"),
}
# The last days of the month hold one refund.
ONCE = {"general journal create", "general journal line"}
FAULTS = {
    "lost before": faults.DROP,
    "answer lost": faults.DROP_ANSWER,
    "gateway timeout after the commit": faults.GATEWAY_TIMEOUT_AFTER_HANDLING,
    "html instead of json": faults.HTML_500,
    "truncated": faults.TRUNCATE,
    "throttled": faults.throttled(0),
    "token expired": faults.EXPIRE_TOKEN,
}
INVOICES = 119
MOST_LANES = 5


def trials() -> list[tuple[str, str]]:
    """Every kind of write with an answer that is lost and with one or two of the other faults, of which each has three
    trials or four; all of them with `make faults`."""
    found = []
    for row, write in enumerate(WRITES):
        for column, fault in enumerate(FAULTS):
            if os.environ.get("STSYNC_EVERY_FAULT") or fault == "answer lost" or (row * 2 + column) % 7 < 2:
                found.append((write, fault))
    return found


def test_what_is_tried_holds_every_fault_and_every_kind_of_write() -> None:
    others = [(write, fault) for write, fault in trials() if fault != "answer lost"]
    assert (
        {write for write, fault in trials() if fault == "answer lost"} == {write for write, _ in others} == set(WRITES)
    )
    assert min(Counter(fault for _, fault in others).values()) >= 3
    assert {fault for _, fault in others} == set(FAULTS) - {"answer lost"}


@pytest.fixture(scope="module")
def faultless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter[tuple[Any, ...]]]:
    """The books after a run in which nothing went wrong."""
    folder = tmp_path_factory.mktemp("faultless")
    with pytest.MonkeyPatch.context() as monkeypatch, World(invoices=INVOICES, folder=folder) as world:
        office = few_days(Office(world, world.write_config(folder / "books" / "config.yaml"), monkeypatch))
        office.run()
        yield books(office.world)


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    with World(invoices=INVOICES, folder=tmp_path) as world:
        yield few_days(Office(world, world.write_config(tmp_path / "books" / "config.yaml"), monkeypatch))


def few_days(office: Office) -> Office:
    """The last days of the month only: each kind of write happens, and a trial takes two seconds instead of ten."""
    office.edit_config("go_live: 2026-05-01", "go_live: 2026-06-22")
    office.edit_config("invoices:\n", "customers:\n  transfer: with_documents\ninvoices:\n")
    kinds = "".join(f"  {kind}: yes\n" for kind in ("invoices", "credit_memos", "payments"))
    office.edit_config("pricebook:\n", f"write_back:\n{kinds}pricebook:\n")
    return office


def in_lanes() -> list[tuple[str, str, int]]:
    """The trials, each with another number of lanes than the one before it."""
    return [(write, fault, 1 + number % MOST_LANES) for number, (write, fault) in enumerate(trials())]


@pytest.mark.parametrize(("write", "fault", "lanes"), in_lanes())
def test_a_fault_doubles_nothing_and_loses_nothing(
    office: Office, faultless: Counter[tuple[Any, ...]], write: str, fault: str, lanes: int
) -> None:
    office.edit_config("business_central:\n", f"business_central:\n  concurrent_requests: {lanes}\n")
    system, path = WRITES[write]
    nth = 1 if write in ONCE else 2
    rule = office.world.sandbox.faults.add(FAULTS[fault], system=system, method="POST", path=path, nth=nth)
    with suppress(StsyncError):
        office.run()
    assert rule.fired, "the fault never happened, so this trial shows nothing"
    office.world.sandbox.faults.clear()
    office.run()
    office.run()
    assert books(office.world) == faultless
    with State.open_scratch(office.state_file) as state:
        assert [row.key for row in state.ledger.intended()] == []


def books(world: World) -> Counter[tuple[Any, ...]]:
    """Both systems' books as far as stsync writes them, without numbers that depend on the order of posting."""
    company = world.company
    found: Counter[tuple[Any, ...]] = Counter()
    for entry in company.gl_entries:
        dimensions = tuple(sorted(entry.dimensions.items()))
        found["entry", entry.external_document_number, entry.account_number, str(entry.amount), dimensions] += 1
    for entry in company.customer_ledger:
        key = (entry.customer_number, entry.document_type, entry.external_document_number)
        found["customer", *key, str(entry.amount), str(entry.remaining)] += 1
    for card in company.customers:
        found["card", card.number, card.display_name] += 1
    for invoice in company.invoices:
        found["invoice", invoice.external_document_number, invoice.posted, str(invoice.total)] += 1
    for memo in company.credit_memos:
        key = (memo.external_document_number, memo.posted, str(memo.total), bool(memo.applies_to_number))
        found["credit memo", *key] += 1
    for journal in company.journals:
        found["journal", journal.code] += 1
    for line in company.journal_lines:
        if line.account_number:
            found["line", line.document_number, str(line.amount)] += 1
    return found + servicetitan(world)


def servicetitan(world: World) -> Counter[tuple[Any, ...]]:
    """The pricebook, and what ServiceTitan shows as exported."""
    found: Counter[tuple[Any, ...]] = Counter()
    tables = world.tenant.tables
    for kind in ("services", "materials", "equipment"):
        for row in tables[kind].values():
            found["sku", kind, row["code"], str(row["cost"]), str(row["active"])] += 1
    for kind in ("invoices", "credit_memos", "payments"):
        for row in tables[kind].values():
            found["told", kind, row["id"], row["syncStatus"]] += 1
    return found
