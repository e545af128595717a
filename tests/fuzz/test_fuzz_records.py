"""ServiceTitan's records, twisted: each is read or named as unreadable, and each that is read is decided about.

The whole decision is made, from the row to the writes: nothing raises, no record goes missing, and what would be sent is
JSON whose lines come to the document's total.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest
from fuzzing import fuzzed
from hypothesis import given
from hypothesis import strategies as st
from office import Office
from twisting import twisted
from typer.testing import CliRunner

from stsync.cli.app import app
from stsync.core.operations import shown
from stsync.core.plan import Decision, Plan, Standing
from stsync.core.source.bill import Bill
from stsync.core.source.credit_memo import CreditMemo
from stsync.core.source.customer import Customer, reach
from stsync.core.source.fields import UnknownShape
from stsync.core.source.invoice import Invoice
from stsync.core.source.item import Item
from stsync.core.source.payment import Payment
from stsync.engine import decide
from stsync.engine.records import Records
from stsync.http.encoding import json_text
from stsync.sandbox.world import World
from stsync.state import State

STATES = ("pending", "waiting", "held", "settled", "dead")
PARSERS: Mapping[str, Any] = {
    "customers": Customer.parse,
    "invoices": Invoice.parse,
    "credit_memos": CreditMemo.parse,
    "payments": Payment.parse,
    "bills": Bill.parse,
    "pricebook": Item.parse,
}


@dataclass(frozen=True, repr=False)
class Sitting:
    """What one real plan was drawn from, and the rows behind it, by kind."""

    records: Records
    arguments: tuple[Any, ...]
    options: Mapping[str, Any]
    rows: Mapping[str, list[dict[str, Any]]]

    def __repr__(self) -> str:
        return "Sitting()"

    def decided(self, kind: str, record: Any) -> Plan:
        """The same sitting with one record in the place of all others of its kind."""
        records = copy(self.records)
        if kind == "customers":
            records.customers = {**records.customers, record.id: record}
            records.reaches = {**records.reaches, record.id: reach([])}
            records.pending_customers = [record.id]
            records.invoices = [one for one in records.invoices if one.customer and one.customer.id == record.id]
            records.credit_memos, records.payments = [], []
        else:
            records.invoices = records.invoices[:3] if kind != "invoices" else [record]
            records.credit_memos = [record] if kind == "credit_memos" else []
            records.payments = [record] if kind == "payments" else []
        return decide.plan(records, *self.arguments, **self.options)


@pytest.fixture(scope="module")
def sitting(tmp_path_factory: pytest.TempPathFactory) -> Sitting:
    folder = tmp_path_factory.mktemp("sitting")
    with pytest.MonkeyPatch.context() as monkeypatch, World(invoices=119, folder=folder) as world:
        office = Office(world, world.write_config(folder / "books" / "config.yaml", complete=True), monkeypatch)
        drawn: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
        whole = decide.plan

        def noted(*arguments: Any, **options: Any) -> Plan:
            drawn.append((arguments, options))
            return whole(*arguments, **options)

        with monkeypatch.context() as noting:
            noting.setattr(decide, "plan", noted)
            office.run("customers", "invoices", "payments", dry_run=True)
        office.run("customers", "invoices", "payments", limit=1)
        assert CliRunner().invoke(app, ["bills", "--config", str(office.config)]).exit_code == 0
        with State.open_scratch(office.state_file) as state:
            rows = {kind: [dict(row.content) for row in state.inbox.rows(kind, STATES)] for kind in PARSERS}
    (records, *arguments), options = drawn[-1]
    return Sitting(records, tuple(arguments), options, {kind: found for kind, found in rows.items() if found})


def read(kind: str, row: Any) -> Any:
    """What the engine does with a row: parse it, or take UnknownShape for an answer."""
    try:
        return PARSERS[kind](row)
    except UnknownShape as unknown:
        said = str(unknown)
    assert "\n" not in said
    assert len(said) < 400
    return None


CONTACT = {"id": 1, "type": "MobilePhone", "value": "480-555-0100", "memo": None, "modifiedOn": "2026-06-01T00:00:00Z"}
ITEM = {
    "id": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    "number": "S-1",
    "displayName": "Repair",
    "type": "Service",
    "itemCategoryCode": "LABOR",
    "blocked": False,
    "unitPrice": Decimal("95.00"),
    "unitCost": Decimal(0),
}


@fuzzed
@given(rows=st.lists(twisted(st.just(CONTACT)), max_size=3))
def test_contacts_of_any_shape_are_read(seen: Counter[str], rows: list[Any]) -> None:
    seen["with a phone" if reach([row for row in rows if isinstance(row, dict)]).phone else "without"] += 1


@pytest.mark.parametrize("kind", ["bills", "pricebook"])
@fuzzed
@given(data=st.data())
def test_a_twisted_bill_or_item_is_read_or_unreadable(
    kind: str, sitting: Sitting, seen: Counter[str], data: st.DataObject
) -> None:
    sound = st.sampled_from(sitting.rows[kind]) if kind == "bills" else st.just(ITEM)
    row = data.draw(twisted(sound))
    seen["read" if isinstance(row, dict) and read(kind, row) is not None else "named as unreadable"] += 1


@pytest.mark.parametrize("kind", ["customers", "invoices", "credit_memos", "payments"])
@fuzzed
@given(data=st.data())
def test_a_twisted_record_is_decided_about_or_unreadable(
    kind: str, sitting: Sitting, seen: Counter[str], data: st.DataObject
) -> None:
    row = data.draw(twisted(st.sampled_from(sitting.rows[kind])))
    record = read(kind, row) if isinstance(row, dict) else None
    if record is None:
        seen["named as unreadable"] += 1
        return
    plan = sitting.decided(kind, record)
    mine = [one for one in plan.decisions if (one.kind, one.source_id) == (kind, record.id)]
    assert len(mine) == 1, "each record gets exactly one decision"
    seen[_checked(mine[0], record)] += 1


def _checked(decision: Decision, record: Any) -> str:
    for operation in decision.operations:
        json_text(shown(operation.body))
    if decision.standing in {Standing.HOLD, Standing.WAIT}:
        assert decision.reason is not None
        assert decision.reason.message
        assert decision.reason.hint
    if decision.kind == "invoices" and decision.standing == Standing.ACT:
        _adds_up(decision, record)
    return str(decision.standing)


def _adds_up(decision: Decision, invoice: Invoice) -> None:
    for operation in decision.operations:
        lines = operation.body.get("salesInvoiceLines") or operation.body.get("salesCreditMemoLines")
        if lines:
            total = sum((_amount(line) for line in lines), Decimal(0))
            assert total == abs(invoice.total), operation.body


def _amount(line: Mapping[str, Any]) -> Decimal:
    amount: Decimal = (line.get("quantity", 0) * line.get("unitPrice", Decimal(0))).quantize(Decimal("0.01"))
    return amount - line.get("discountAmount", 0)


def test_the_sitting_is_a_real_one(sitting: Sitting) -> None:
    """Otherwise nothing above would mean anything."""
    whole = decide.plan(sitting.records, *sitting.arguments, **sitting.options)
    acting = Counter(one.kind for one in whole.decisions if one.standing == Standing.ACT)
    assert acting["invoices"] > 50
    assert acting["payments"] > 50
    first = sitting.records.invoices[0]
    assert sitting.decided("invoices", replace(first)).decisions
