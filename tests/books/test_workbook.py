"""The workbook: live sums whose kept values are the tie-out's own, text that is never a formula, one file for its owner."""

from __future__ import annotations

import io
import json
import os
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from kept_month import Month, move_in
from ledger_world import EAST, SOLAR, Ledger, compared, held, invoice, item, payment, posted
from office import Office
from tampering import Tamperer
from typer.testing import CliRunner

from stsync.books.document import document
from stsync.books.reading import Reconciliation
from stsync.books.values import Section
from stsync.books.workbook import Heading, workbook
from stsync.books.workbook.sections import NAMES
from stsync.cli.app import app
from stsync.cli.console import OUTPUT
from stsync.core.source.fields import Named
from stsync.sandbox.world import World

READ = datetime(2026, 7, 1, 6, 0, tzinfo=UTC)
HEADING = Heading("Copper Mesa", "tenant 1", "stsync")
CENT = Decimal("0.01")


def _month() -> tuple[list[Any], Ledger]:
    ledger = Ledger()
    one, paid = invoice(1, item("100.00"), item("1240.10", EAST), tax="8.60"), payment(7)
    ledger.invoice(one)
    ledger.payment(paid)
    ledger.book("", "G1", "40100", Decimal("-9.00"), "DRAIN-E")
    ledger.book("", "G1", "60000", Decimal("9.00"))
    return [posted(one), posted(paid), held(invoice(2, item("7.00", SOLAR), item("0.30")))], ledger


def _read(sources: list[Any], ledger: Ledger, *, formulas: bool = False) -> Any:
    result = Reconciliation(compared(sources, ledger), {"invoices": READ, "payments": READ}, READ)
    return openpyxl.load_workbook(io.BytesIO(workbook(result, HEADING)), data_only=not formulas)


def _column(sheet: Any, heading: str, *, at: int = 0) -> list[Any]:
    heads = [cell.value for cell in sheet[4]]
    position = [number for number, head in enumerate(heads) if head == heading][at]
    return [row[position].value for row in sheet.iter_rows(min_row=5)]


def _exact(value: Any) -> Decimal:
    return Decimal(str(value)).quantize(CENT)


def test_every_section_shows_the_figures_of_the_tie_out_and_its_totals() -> None:
    sources, ledger = _month()
    result = compared(sources, ledger)
    book = _read(sources, ledger)
    for section in Section:
        rows = result.of(section)
        sheet = book[NAMES[section]]
        wanted = [row.servicetitan for row in rows], [row.explained for row in rows], [row.unexplained for row in rows]
        for heading, figures in zip(("ServiceTitan", "Not in the books", "Unexplained"), wanted, strict=True):
            found = [_exact(one) for one in _column(sheet, heading)]
            assert found == [*figures, sum(figures, Decimal(0))], (section, heading)


def test_sums_and_differences_are_formulas_over_the_records() -> None:
    book = _read(*_month(), formulas=True)
    units = book[NAMES[Section.REVENUE]]
    assert _column(units, "Expected")[0] == "=ROUND(E5-F5,2)"
    assert _column(units, "Unexplained")[0] == "=ROUND(I5-J5-G5,2)"
    assert _column(units, "ServiceTitan")[-1] == "=ROUND(SUM(E5:E7),2)"
    assert "SUMIFS('Records'!" in _column(units, "Not in the books")[-2]
    summary = [cell.value for row in book["Summary"].iter_rows() for cell in row if isinstance(cell.value, str)]
    assert sum("SUMIFS('Records'!" in text for text in summary) >= 10
    assert any("SUMPRODUCT" in text for text in summary)


def test_the_records_sheet_names_everybody_behind_a_figure() -> None:
    sources, ledger = _month()
    sheet = _read(sources, ledger)["Records"]
    found = set(zip(_column(sheet, "Number"), _column(sheet, "Cause"), strict=True))
    assert {("N2", "held: a person has to decide"), ("G1", "only in Business Central")} <= found
    assert "Not mapped yet." in _column(sheet, "Why")
    assert "Map it." in _column(sheet, "What to do")


def test_a_wrong_document_turns_the_verdict_and_stands_among_the_findings() -> None:
    sources, ledger = _month()
    ledger.change(1, amount=Decimal("-99.00"))
    book = _read(sources, ledger)
    assert "NOT EXACT" in [cell.value for cell in book["Summary"]["B"]]
    findings = book["Findings"]
    assert _column(findings, "Number") == ["N1"]
    assert _column(findings, "Difference") == [-1]
    assert "Compare the document" in _column(findings, "What to do")[0]


def test_headings_stay_in_sight_and_on_every_printed_page() -> None:
    book = _read(*_month())
    for sheet in book.worksheets[1:]:
        assert sheet.freeze_panes == "A5", sheet.title
        assert sheet.print_title_rows == "$4:$4", sheet.title
        assert sheet.page_setup.orientation == "landscape"
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert sheet.page_setup.fitToHeight == 0  # as many pages as it takes, one page wide
        assert "&F" in sheet.oddFooter.left.text
        assert "&[Page]" in sheet.oddFooter.right.text or "&P" in sheet.oddFooter.right.text


def test_a_figure_in_the_billions_fits_into_its_column() -> None:
    """Otherwise the sheet shows, and prints, nothing but ###."""
    sources, ledger = _month()
    ledger.book("", "G2", "40100", Decimal("-12345678901.23"), "DRAIN-E")
    book = _read(sources, ledger)
    wide = 0
    for sheet in book.worksheets:
        # Neighbours of equal width stand in one entry.
        widths = {at: one.width for one in sheet.column_dimensions.values() for at in range(one.min, one.max + 1)}
        for cell in (cell for row in sheet.iter_rows() for cell in row):
            if isinstance(cell.value, float | int) and cell.number_format.startswith("#,##0.00"):
                wide += abs(cell.value) > 1e9
                assert len(f"{cell.value:,.2f}") < widths[cell.column], (sheet.title, cell.coordinate)
    assert wide


def test_hostile_names_stay_text() -> None:
    evil = [
        '=HYPERLINK("http://evil","x")',
        "+1+1",
        "@SUM(A1)",
        "-2",
        "a\x00b\x07\x1b[31m",
        "\u202egnp.exe",
        "x" * 40_000,
    ]
    ledger = Ledger()
    sources = [held(replace(invoice(number), customer=Named("5", name))) for number, name in enumerate(evil, start=1)]
    book = _read(sources, ledger, formulas=True)
    cells = [cell for row in book["Records"].iter_rows(min_row=5) for cell in row]
    names = {cell.value for cell in cells if cell.data_type == "s"}
    assert {'=HYPERLINK("http://evil","x")', "+1+1", "@SUM(A1)", "-2", "a b  [31m", " gnp.exe", "x" * 32_767} <= names
    assert not [cell for cell in cells if cell.data_type == "f"]
    assert all(cell.hyperlink is None for cell in cells)


# What a person types.


@pytest.fixture(scope="module")
def carried(tmp_path_factory: pytest.TempPathFactory, month_kept: Month) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("workbook")
    with pytest.MonkeyPatch.context() as patch, World(invoices=119, folder=folder) as world:
        yield move_in(Office(world, world.write_config(folder / "books" / "config.yaml"), patch), month_kept)


@pytest.fixture(autouse=True)
def plain_output() -> Iterator[None]:
    OUTPUT.json = OUTPUT.quiet = False
    yield
    OUTPUT.json = OUTPUT.quiet = False


def _typed(office: Office, *more: str) -> Any:
    OUTPUT.json = OUTPUT.quiet = False  # a real command begins without the options of the one before
    return CliRunner().invoke(app, ["reconcile", "--month", "2026-06", "--config", str(office.config), *more])


def test_the_workbook_is_for_its_owner_alone_and_is_never_replaced_unasked(carried: Office, tmp_path: Path) -> None:
    file = tmp_path / "june.xlsx"
    assert f"The workbook is in {file}." in _typed(carried, "--xlsx", str(file)).output.replace("\n", "")
    if os.name == "posix":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert zipfile.ZipFile(file).testzip() is None
    file.write_bytes(b"remarks of the accountant")
    again = _typed(carried, "--xlsx", str(file), "--json")
    assert (again.exit_code, json.loads(again.output)["error"]["reference"]) == (2, "workbook-exists")
    assert file.read_bytes() == b"remarks of the accountant"
    assert _typed(carried, "--xlsx", str(file), "--force").exit_code == 0
    assert zipfile.ZipFile(file).testzip() is None
    assert [one.name for one in tmp_path.iterdir()] == ["june.xlsx"]


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("june.csv", "workbook-name"),
        ("missing/june.xlsx", "workbook-not-written"),
        ("a-file/june.xlsx", "workbook-not-written"),
    ],
)
def test_a_workbook_that_cannot_be_is_said(carried: Office, tmp_path: Path, name: str, reference: str) -> None:
    (tmp_path / "a-file").write_text("no folder")
    result = _typed(carried, "--xlsx", str(tmp_path / name), "--json")
    assert (result.exit_code, json.loads(result.output)["error"]["reference"]) == (2, reference)


def test_terminal_json_and_workbook_say_the_same(carried: Office, tmp_path: Path) -> None:
    person = Tamperer(carried.world)
    entry = person.revenue(person.invoices[0])
    person.shift(entry, "1.00")
    file = tmp_path / "june.xlsx"
    try:
        result = _typed(carried, "--xlsx", str(file), "--json")
        text = _typed(carried, "--all").output
    finally:
        person.shift(entry, "-1.00")
    told = json.loads(result.output)
    book = openpyxl.load_workbook(file, data_only=True)
    assert result.exit_code == 3
    assert told["workbook"] == str(file)
    assert told["exact"] is False
    assert "NOT EXACT" in text
    assert "NOT EXACT" in [cell.value for cell in book["Summary"]["B"]]
    for section in Section:
        rows = told["sections"][section]["rows"]
        sheet = book[NAMES[section]]
        for key, heading, at in (
            ("servicetitan", "ServiceTitan", 0),
            ("not_in_books", "Not in the books", 0),
            ("business_central", "In the books", 0),
            ("unexplained", "Unexplained", 0),
        ):
            kept = [_exact(one) for one in _column(sheet, heading, at=at)]
            assert kept[:-1] == [Decimal(row[key]) for row in rows], (section, key)
            assert f"{kept[-1]:,.2f}" in text, (section, key)
    numbers = {one["record"]["number"] for one in told["findings"]}
    assert numbers == set(_column(book["Findings"], "Number")) - {one["number"] for one in told["undated"]}
    assert all(number in text for number in numbers)


def test_quiet_says_only_what_needs_a_person(carried: Office) -> None:
    assert _typed(carried, "--quiet").output == ""


def test_the_document_for_programs_is_the_result(carried: Office) -> None:
    sources, ledger = _month()
    result = Reconciliation(compared(sources, ledger), {"invoices": READ, "payments": READ}, READ)
    assert set(document(result)["sections"]) == {str(section) for section in Section}
