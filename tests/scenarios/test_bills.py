"""Inventory bills: read through the feed and both list forms, listed, exported, and never written to."""

from __future__ import annotations

import csv
import io
import json
import stat
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from office import Office
from typer.testing import CliRunner

from stsync.cli.app import app
from stsync.cli.console import OUTPUT
from stsync.sandbox import faults


def bills(office: Office, *arguments: str) -> Any:
    OUTPUT.json = OUTPUT.quiet = False
    return CliRunner().invoke(app, ["bills", *arguments, "--config", str(office.config)], terminal_width=200)


def as_json(office: Office, *arguments: str) -> dict[str, Any]:
    done = bills(office, *arguments, "--json")
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def rows(office: Office) -> list[dict[str, Any]]:
    return list(office.world.tenant.tables["inventory_bills"].values())


def replaced(office: Office) -> tuple[dict[str, Any], dict[str, Any]]:
    """The demo's bill whose purchase order was edited, and the bill that took its place."""
    old = next(row for row in rows(office) if not row["active"])
    new = next(row for row in rows(office) if row["active"] and row["purchaseOrderId"] == old["purchaseOrderId"])
    return old, new


def touch(office: Office, row: dict[str, Any]) -> None:
    office.world.tenant.touch("inventory_bills", row["id"])


def test_every_bill_is_listed_with_servicetitans_own_amount(office: Office) -> None:
    listed = {row["id"]: row for row in as_json(office)["bills"]}
    assert {str(row["id"]): Decimal(row["billAmount"]) for row in rows(office)} == {
        one: Decimal(str(row["amount"])) for one, row in listed.items()
    }
    assert len(listed) > 2


def test_the_total_is_that_of_the_active_bills(office: Office) -> None:
    active = [row for row in rows(office) if row["active"]]
    found = as_json(office)
    assert Decimal(str(found["total"]["amount"])) == sum(Decimal(row["billAmount"]) for row in active)
    assert found["total"]["bills"] == len(active)
    by_vendor = sum(Decimal(str(one["amount"])) for one in found["vendors"].values())
    assert by_vendor == Decimal(str(found["total"]["amount"]))


def test_an_edited_purchase_order_shows_which_bill_replaced_which(office: Office) -> None:
    old, new = replaced(office)
    listed = {row["id"]: row for row in as_json(office)["bills"]}
    assert listed[str(old["id"])]["replaced_by"] == str(new["id"])
    assert listed[str(new["id"])]["replaces"] == str(old["id"])
    shown = bills(office).output
    assert f"replaced by {new['referenceNumber']}" in shown
    assert f"replaces {old['referenceNumber']}" in shown


def test_two_deliveries_of_one_order_have_not_replaced_each_other(office: Office) -> None:
    first, second = [row for row in rows(office) if row["active"]][:2]
    second["purchaseOrderId"] = first["purchaseOrderId"]
    touch(office, second)
    listed = {row["id"]: row for row in as_json(office)["bills"]}
    for row in (first, second):
        assert listed[str(row["id"])]["replaced_by"] is None


def test_a_month_a_range_and_a_vendor_narrow_the_list(office: Office) -> None:
    every = as_json(office)["bills"]
    assert as_json(office, "--month", "2026-06")["bills"] == every
    assert as_json(office, "--month", "2026-05")["bills"] == []
    early = as_json(office, "--to", "2026-06-09")["bills"]
    assert early
    assert {row["date"] for row in early} == {row["date"] for row in every if row["date"] <= "2026-06-09"}
    vendor = every[0]["vendor"]
    assert {row["vendor"] for row in as_json(office, "--vendor", vendor[:7].lower())["bills"]} == {vendor}


def test_a_bill_without_a_date_is_in_every_list(office: Office) -> None:
    undated = next(row for row in rows(office) if row["active"])
    undated["billDate"] = None
    touch(office, undated)
    assert [row["id"] for row in as_json(office, "--month", "2026-05")["bills"]] == [str(undated["id"])]


def test_a_bill_that_cannot_be_read_is_named_and_the_others_are_listed(office: Office) -> None:
    broken = rows(office)[0]
    broken["billAmount"] = "a lot"
    touch(office, broken)
    done = bills(office)
    assert done.exit_code == 3
    assert f"Bill {broken['id']} cannot be read: 'billAmount'" in done.output
    done = bills(office, "--json")
    found = json.loads(done.stdout)
    assert len(found["bills"]) == len(rows(office)) - 1
    assert [one["id"] for one in found["unreadable"]] == [str(broken["id"])]


def test_every_version_is_kept_and_the_list_shows_the_newest(office: Office) -> None:
    from stsync.state import State

    as_json(office)
    row = next(row for row in rows(office) if row["active"])
    before = row["billAmount"]
    row["billAmount"] = "12.34"
    touch(office, row)
    listed = {one["id"]: one for one in as_json(office)["bills"]}
    assert Decimal(str(listed[str(row["id"])]["amount"])) == Decimal("12.34")
    with State.open_scratch(office.state_file) as state:
        versions = state.inbox.versions("bills", str(row["id"]))
    assert [one.content["billAmount"] for one in versions] == [before, "12.34"]


def test_the_second_time_only_what_is_new_is_asked_for(office: Office) -> None:
    first = as_json(office)["bills"]
    office.world.sandbox.log.clear()
    assert as_json(office)["bills"] == first
    asked = [one.target for one in office.world.sandbox.log.entries() if "inventory-bills" in one.target]
    assert len(asked) == 1
    assert "from=f." in asked[0]
    office.world.sandbox.log.clear()
    assert as_json(office, "--no-read")["bills"] == first
    assert office.requests() == 0


@pytest.mark.parametrize("form", ["inventory-bills/paginated", "inventory-bills"])
def test_a_tenant_without_the_feed_is_read_by_its_lists(office: Office, form: str) -> None:
    missing = faults.answer(404, "not here")
    office.world.sandbox.faults.add(missing, path="export/inventory-bills", count=None)
    if form == "inventory-bills":
        office.world.sandbox.faults.add(missing, path="inventory-bills/paginated", count=None)
    listed = as_json(office)["bills"]
    assert {row["id"] for row in listed} == {str(row["id"]) for row in rows(office)}
    assert any(f"/{form}?" in one.target for one in office.world.sandbox.log.entries() if one.status == 200)


def test_nothing_is_ever_written_to_a_bill(office: Office) -> None:
    office.edit_config("pricebook:\n", "write_back:\n  invoices: yes\n  payments: yes\npricebook:\n")
    before = json.dumps(rows(office), default=str, sort_keys=True)
    bills(office)
    office.run()
    bills(office, "--since", "2026-06-01")
    touched = [one for one in office.world.sandbox.log.entries() if "bills" in one.target]
    assert touched
    assert {one.method for one in touched} == {"GET"}
    assert json.dumps(rows(office), default=str, sort_keys=True) == before


def test_the_csv_is_the_owners_alone_and_no_cell_runs_as_a_formula(office: Office, tmp_path: Path) -> None:
    row = next(one for one in rows(office) if one["active"])
    row["summary"] = '=HYPERLINK("http://evil.example","click")'
    row["vendor"]["name"] = '+Pipes, "Valves" & Söhne'
    row["billAmount"] = "-5.00"
    touch(office, row)
    file = tmp_path / "bills.csv"
    assert bills(office, "--csv", str(file)).exit_code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    lines = {line["id"]: line for line in csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig")))}
    assert len(lines) == len(rows(office))
    written = lines[str(row["id"])]
    assert written["summary"].startswith("'=")
    assert written["vendor"] == '\'+Pipes, "Valves" & Söhne'
    assert written["amount"] == "-5.00"
    old, new = replaced(office)
    assert lines[str(old["id"])]["replaced_by"] == str(new["id"])


def test_a_tenant_that_keeps_its_bills_to_itself_is_told_in_plain_words(office: Office) -> None:
    office.world.sandbox.faults.add(faults.answer(403, {}), path="inventory-bills", count=None)
    done = bills(office)
    assert done.exit_code == 77
    assert "permission-missing" in done.output
