"""`stsync map`: what is used, what is missing, and the round trip through a spreadsheet."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from filled_books import CONFIG, Books, in_unit, invoice, month, payment, run
from setup_world import SECRETS, World, world

from stsync.config.mapping_file import Entry, read_entries
from stsync.core.mapping import Mapping
from stsync.reports.bookcodes import Code
from stsync.reports.mapping_import import compare
from stsync.reports.suggest import suggestions, unmapped, yaml_lines
from stsync.reports.usage import Used, usage
from stsync.state import State
from stsync.wiring import wire


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Books:
    for name in list(os.environ):
        if name.startswith("STSYNC_"):
            monkeypatch.delenv(name)
    filled = Books(tmp_path)
    month(filled)
    return filled


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Both systems on loopback, and the secrets to log in."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "sandbox"
    folder.mkdir()
    with world(folder) as running:
        (authority,) = (path for path in folder.rglob("*.pem") if path.name == "ca.pem")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority))
        yield running


def with_file(books: Books, content: str, name: str = "mapping.csv") -> Path:
    """Let the configuration name a mapping file with this content."""
    path = books.config.parent / name
    path.write_text("table,servicetitan,business_central,comment\n" + content, encoding="utf-8")
    books.config.write_text(CONFIG.replace("mapping:\n", f"mapping:\n  file: {name}\n"))
    return path


def used(table: str, key: str, *candidates: str) -> Used:
    return Used(table, (*candidates, key), key, key if table == "accounts" else "", 3, Decimal("10.00"))


def test_show_counts_the_documents_and_the_money_behind_each_entry(books: Books) -> None:
    document = json.loads(run(books, "map", "show", "--json").stdout)
    entries = {one["servicetitan"]: (one["documents"], one["amount"]) for one in document["entries"]}
    # Invoices 1, 2, 6 and 7; number 3 is dated before go-live, 4 and 5 belong to another unit.
    assert entries["HVAC Service"] == (4, "323.50")
    assert entries["Credit Card"] == (2, "131.11")
    missing = {(one["table"], one["servicetitan"]): one["amount"] for one in document["without_entry"]}
    assert missing == {("business_units", "Drain - West"): "250.00", ("payment_types", "Check"): "200.00"}


def test_an_invoice_with_two_lines_of_one_unit_counts_once_with_both_amounts(books: Books) -> None:
    row = invoice(40, "30.00")
    second = {**row["items"][0], "id": 401, "total": "5.00", "price": "5.00"}
    row.update(items=[row["items"][0], second], subTotal="35.00", total="35.00", termName="")

    def read(state: State) -> None:
        books.start(state)
        books.read(state, "invoices", row)

    books.change(read)
    with State.open_scratch(books.path) as state:
        found = usage(state, books.wiring.config, books.wiring.choices)
    (unit,) = [one for one in found if one.key == "HVAC Service"]
    assert (unit.documents, str(unit.amount)) == (5, "358.50")


def test_an_entry_by_id_counts_the_documents_that_name_it_otherwise(books: Books) -> None:
    books.config.write_text(CONFIG.replace('"HVAC Service": HVAC', '"11": HVAC'))
    document = json.loads(run(books, "map", "show", "--json").stdout)
    assert next(one for one in document["entries"] if one["servicetitan"] == "11")["documents"] == 4


def test_suggest_offline_prints_yaml_that_changes_nothing_until_it_is_completed(books: Books) -> None:
    before = (books.config.read_bytes(), books.path.read_bytes())
    text = run(books, "map", "suggest", "--offline").output
    assert '    # "Drain - West": <DEPARTMENT value>  # 2 documents, 250.00' in text
    assert '    # "Check": <payment journal>' in text
    assert (books.config.read_bytes(), books.path.read_bytes()) == before


def test_suggest_offline_proposes_a_journal_that_the_configuration_names(books: Books) -> None:
    def read(state: State) -> None:
        books.start(state)
        books.read(state, "payments", payment(60, "9.00", "ServiceTitan Card Payment", 1))

    books.change(read)
    text = run(books, "map", "suggest", "--offline").output
    assert '"ServiceTitan Card Payment": "STCARD"' in text


def test_pasted_proposals_are_yaml_with_text_on_both_sides() -> None:
    gaps = [used("accounts", 'Rental: "A" #1', "77"), used("accounts", "4600"), used("payment_types", "Zelle")]
    codes = {"accounts": (Code("040600", "Rental A 1"), Code("4600", "Other", usable=False))}
    lines = yaml_lines(suggestions(gaps, codes, dimensions={"business_units": "DEPARTMENT"}))
    assert yaml.safe_load("\n".join(lines)) == {
        "mapping": {"accounts": {'Rental: "A" #1': "040600"}, "payment_types": None}
    }


def test_two_names_that_are_alike_are_left_for_a_person_to_choose() -> None:
    codes = {"business_units": (Code("DRN-W", "Drain West 1"), Code("DRN-V", "Drain West 2"), Code("X", "Roofing"))}
    (found,) = suggestions([used("business_units", "Drain West")], codes, dimensions={"business_units": "DEPARTMENT"})
    assert [one.code for one in found.proposals] == ["DRN-V", "DRN-W"]
    assert found.clear is None
    assert yaml_lines([found])[-1].startswith('    # "Drain West": <DEPARTMENT value>')


def test_a_closed_account_is_never_proposed() -> None:
    codes = {"accounts": (Code("4600", "Generator Rental", usable=False),)}
    (found,) = suggestions([used("accounts", "Generator Rental")], codes, dimensions={})
    assert found.proposals == ()


def test_an_equal_account_number_needs_no_line_but_an_equal_journal_does() -> None:
    codes = {"accounts": (Code("4600", "Rental"),), "payment_types": (Code("CHECK", "Checks"),)}
    gaps = unmapped([used("accounts", "4600"), used("payment_types", "Check")], Mapping.of({}), codes, checked=True)
    assert [one.table for one in gaps] == ["payment_types"]


def test_tax_zones_are_proposed_accounts_that_speak_of_tax_only() -> None:
    codes = {"tax_zones": (Code("40100", "Mesa Revenue"), Code("22010", "Sales Tax Payable"))}
    (found,) = suggestions([used("tax_zones", "Mesa")], codes, dimensions={})
    assert [one.code for one in found.proposals] == ["22010"]


def test_live_codes_are_checked_and_proposed_without_a_write(demo: World, tmp_path: Path) -> None:
    live = Books(tmp_path)
    live.config = demo.config(tmp_path, complete=False)
    live.wiring = wire(live.config)
    live.path = live.wiring.state_path

    def read(state: State) -> None:
        live.start(state)
        row = in_unit(1, "10.00", "Tucson Hvac New", 999)
        row["items"][0]["generalLedgerAccount"] = {"id": 4600, "number": "4600", "name": "Generator Rental"}
        row["invoiceDate"] = "2026-06-15T00:00:00Z"
        live.read(state, "invoices", row)

    live.change(read)
    document = json.loads(run(live, "map", "suggest", "--json").stdout)
    found = {one["servicetitan"]: one["clear"] for one in document["suggestions"] if one["table"] != "terms"}
    assert found["4600"] == "40600"
    assert found["Tucson Hvac New"] == "TUC-HVAC"
    entries = json.loads(run(live, "map", "show", "--check", "--json").stdout)["entries"]
    there = {one["business_central"]: one["in_business_central"] for one in entries}
    assert (there["PHX-DRAIN"], there["EV-SOLAR"]) == (True, False)


def test_an_export_can_be_imported_again_and_changes_nothing(books: Books) -> None:
    with_file(books, 'business_units,Plumbing,PLUMB,by Lynn\nterms,"=Net 30",30D,\n')
    sheet = books.config.parent / "sheet.csv"
    assert run(books, "map", "export", str(sheet)).exit_code == 0
    entries = {(one.servicetitan, one.business_central): one.comment for one in read_entries(sheet).entries}
    assert entries["Plumbing", "PLUMB"] == "by Lynn"
    assert ("HVAC Service", "HVAC") in entries
    assert "Drain - West" in sheet.read_text(encoding="utf-8")
    done = run(books, "map", "import", str(sheet), "--json")
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert document["written"] is False
    assert {step["what"] for step in document["steps"]} == {"same", "in-configuration"}


def test_a_gap_filled_in_the_sheet_arrives_in_the_mapping_file_and_not_in_the_yaml(books: Books) -> None:
    target = with_file(books, "business_units,Plumbing,PLUMB,\n")
    yaml_before = books.config.read_bytes()
    sheet = books.config.parent / "sheet.csv"
    run(books, "map", "export", str(sheet))
    filled = sheet.read_text(encoding="utf-8-sig").replace("Drain - West,,", "Drain - West,DRAIN-W,")
    sheet.write_text(filled.replace("Plumbing,PLUMB", "Plumbing,PLMB"), encoding="utf-8")
    done = run(books, "map", "import", str(sheet))
    assert done.exit_code == 0, done.output
    assert "2 changed" in done.output
    found = {one.servicetitan: one.business_central for one in read_entries(target).entries}
    assert found == {"Plumbing": "PLMB", "Drain - West": "DRAIN-W"}
    assert books.config.read_bytes() == yaml_before
    assert run(books, "map", "show").exit_code == 0


def test_a_dry_run_of_an_import_shows_before_and_after_and_writes_nothing(books: Books) -> None:
    target = with_file(books, "business_units,Plumbing,PLUMB,\n")
    before = target.read_bytes()
    sheet = books.config.parent / "sheet.csv"
    sheet.write_text("table,servicetitan,business_central\nbusiness_units,Plumbing,PLMB\n")
    done = run(books, "map", "import", str(sheet), "--dry-run")
    assert "PLUMB" in done.output
    assert "PLMB" in done.output
    assert "nothing was written" in done.output
    assert target.read_bytes() == before


def test_names_that_the_file_lacks_stay_unless_replace_is_asked_for() -> None:
    present = [Entry("terms", "Net 15", "15D", "ours", 2), Entry("terms", "Net 30", "30D", "", 3)]
    incoming = [Entry("terms", "net 30 ", "30 DAYS", "", 2)]
    kept = compare(incoming, present, {}, replace=False)
    assert [(one.servicetitan, one.business_central) for one in kept.entries] == [
        ("Net 15", "15D"),
        ("net 30 ", "30 DAYS"),
    ]
    assert [step.what for step in compare(incoming, present, {}, replace=True).changes] == ["changed", "removed"]


def test_a_contradiction_to_the_yaml_is_refused_with_its_line(books: Books) -> None:
    target = with_file(books, "")
    before = target.read_bytes()
    sheet = books.config.parent / "sheet.csv"
    sheet.write_text("table,servicetitan,business_central\naccounts,4000,49999\n")
    done = run(books, "map", "import", str(sheet))
    assert done.exit_code == 2
    assert "line 2: '4000' (accounts) is 49999 here, but 40100 in the configuration file" in done.output
    assert target.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("table,servicetitan,business_central\nacounts,4000,1\n", "there is no table 'acounts'"),
        ("table,servicetitan,business_central\npayment_types,Zelle,JOURNALCODETOOLONG\n", "payment_types"),
        ("name,code\nx,y\n", "the first line has to name the columns"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_and_nothing_is_written(books: Books, content: str, said: str) -> None:
    target = with_file(books, "business_units,Plumbing,PLUMB,\n")
    before = target.read_bytes()
    sheet = books.config.parent / "sheet.csv"
    sheet.write_text(content)
    done = run(books, "map", "import", str(sheet))
    assert done.exit_code == 2
    assert said in done.output
    assert target.read_bytes() == before


def test_without_a_mapping_file_the_line_to_add_is_named(books: Books) -> None:
    sheet = books.config.parent / "sheet.csv"
    sheet.write_text("table,servicetitan,business_central\nbusiness_units,Drain - West,DRAIN-W\n")
    before = books.config.read_bytes()
    done = run(books, "map", "import", str(sheet))
    assert done.exit_code == 2
    assert "file: sheet.csv" in done.output
    assert books.config.read_bytes() == before


def test_an_export_does_not_write_over_a_file_by_accident(books: Books) -> None:
    sheet = books.config.parent / "sheet.csv"
    sheet.write_text("mine")
    assert run(books, "map", "export", str(sheet)).exit_code == 2
    assert sheet.read_text() == "mine"
    assert run(books, "map", "export", str(sheet), "--force").exit_code == 0


def _with_more_dimensions(books: Books) -> None:
    more = (
        "  more:\n    - {dimension: JOBTYPE, source: job_type}\n    - {dimension: SITE, source: location}\n"
        "    - {dimension: TRADE, source: trade}\n"
    )
    books.config.write_text(CONFIG.replace("  business_unit: DEPARTMENT\n", f"  business_unit: DEPARTMENT\n{more}"))

    def read(state: State) -> None:
        books.start(state)
        job, site = {"id": 9, "number": "9", "type": "Install"}, {"id": 808, "name": "Home"}
        books.read(state, "invoices", invoice(70, "700.00", job=job, location=site))
        state.notes.note("business unit trades", json.dumps({"11": ["1", "HVAC"]}))

    books.change(read)


def test_names_behind_more_dimensions_are_listed_with_documents_and_money(books: Books) -> None:
    _with_more_dimensions(books)
    document = json.loads(run(books, "map", "show", "--json").stdout)
    gaps = {(one["table"], one["servicetitan"]): (one["documents"], one["amount"]) for one in document["without_entry"]}
    assert gaps["job_types", "Install"] == (1, "700.00")
    assert gaps["locations", "808"] == (1, "700.00")
    # The other invoices have no job: that too needs a line.
    assert gaps["job_types", "(none)"][0] == 6
    assert gaps["trades", "HVAC"] == (5, "1023.50")


def test_a_suggested_location_is_told_by_its_number_with_its_name_beside(books: Books) -> None:
    _with_more_dimensions(books)
    text = run(books, "map", "suggest", "--offline").output
    assert "    # \"808\": <SITE value>  # 'Home', 1 document, 700.00" in text
    assert '    # "Install": <JOBTYPE value>' in text


def test_names_behind_more_dimensions_travel_by_spreadsheet(books: Books) -> None:
    _with_more_dimensions(books)
    file = books.config.parent / "mapping.csv"
    run(books, "map", "export", str(file))
    lines = file.read_text(encoding="utf-8-sig").splitlines()
    assert any(line.startswith("job_types,Install,,") for line in lines)
    assert any(line.startswith("locations,808,,") and "Home" in line for line in lines)
