from __future__ import annotations

import csv
import os
import sys
import zipfile
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stsync.config import mapping_file
from stsync.config.mapping_file import Entry, as_csv, entries_of, read_entries, write_entries

HEADER = "table,servicetitan,business_central,comment\n"


def written(tmp_path: Path, content: str | bytes, name: str = "mapping.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_file_brings_its_lines_into_the_tables(loaded, tmp_path):
    written(tmp_path, HEADER + "accounts,4000,40100,Sales\nbusiness_units,Drain - West,drain-w,\n")
    config = loaded("mapping:\n  file: mapping.csv\n  accounts: {5000: 50100}\n")
    assert config.mapping.accounts == {"5000": "50100", "4000": "40100"}
    assert config.mapping.business_units == {"Drain - West": "DRAIN-W"}


def test_a_contradiction_between_the_two_files_names_both_places(problem, tmp_path):
    written(tmp_path, HEADER + "accounts,1,1,\nbusiness_units,DRAIN - WEST,220,\n")
    found = problem("mapping:\n  file: mapping.csv\n  business_units:\n    Drain - West: 210\n")
    assert (found.line, found.path) == (12, 'mapping.business_units."Drain - West"')
    assert found.message == (
        "'Drain - West' is 210 in config.yaml line 12, but 220 in mapping.csv line 3; keep one of them"
    )


def test_the_same_answer_in_both_files_is_no_contradiction(loaded, tmp_path):
    written(tmp_path, HEADER + "business_units,DRAIN - WEST,drain-w,\n")
    config = loaded("mapping:\n  file: mapping.csv\n  business_units:\n    Drain - West: DRAIN-W\n")
    assert config.mapping.business_units == {"Drain - West": "DRAIN-W"}


def test_a_value_that_the_books_cannot_hold_is_told_with_its_line_in_the_mapping_file(problem, tmp_path):
    written(tmp_path, HEADER + "payment_types,Check,MUCHTOOLONGCODE,\n")
    found = problem("mapping:\n  file: mapping.csv\n")
    assert (found.line, found.column) == (10, 3)
    assert found.message.startswith("mapping.csv line 2: 'MUCHTOOLONGCODE' is longer than the 10")


def test_every_fault_of_the_mapping_file_is_told_at_once(problems, tmp_path):
    written(tmp_path, HEADER + "account,4000,1,\naccounts,,2,\naccounts,4000,3,\naccounts, 4000 ,4,\n")
    found = problems("mapping: {file: mapping.csv}\nlimits: {attempts: x}\n")
    assert [p.message for p in found] == [
        "mapping.csv line 2: there is no table 'account'; it is one of business_units, accounts, payment_types, "
        "tax_zones, terms, items, refunds, job_types, locations, trades",
        "mapping.csv line 3: the column servicetitan is empty",
        "mapping.csv line 5: '4000' is 4 here, but 3 in line 4; keep one of them",
        "'x' is not a whole number",
    ]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "there is no such file"),
        ("", "table is missing"),
        ("a,b\n1,2\n", "table is missing"),
        ("table,servicetitan\n", "business_central is missing"),
        (HEADER.encode() + b"accounts,caf\xe9,1,\n", "line 2 is not UTF-8; in Excel, save the file as"),
        (HEADER + "accounts," + "x" * 200_000 + ",1\n", "is not CSV"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path, content, sentence):
    path = tmp_path / "none.csv" if content is None else written(tmp_path, content)
    contents = read_entries(path)
    assert contents.entries == ()
    assert [sentence in fault.sentence for fault in contents.faults] == [True]


@pytest.mark.parametrize(
    "content",
    [
        HEADER + 'accounts,"4000","40100",ok\n',
        "\ufeff" + HEADER + "accounts,4000,40100,ok\n",
        HEADER.replace(",", ";") + "accounts;4000;40100;ok\n",
        HEADER.replace(",", "\t") + "Accounts\t4000\t40100\tok\n",
        HEADER.replace("\n", "\r\n") + "\r\n accounts , 4000 , 40100 , ok \r\n",
        "Comment,Business Central,ServiceTitan,Table\nok,40100,4000,accounts\n",
        HEADER + "# a remark\n,,,\naccounts,4000,40100,ok\naccounts,4000,40100,again\n",
    ],
)
def test_what_spreadsheets_do_to_a_csv_file_does_not_matter(tmp_path, content):
    contents = read_entries(written(tmp_path, content))
    assert contents.faults == ()
    assert [(e.table, e.servicetitan, e.business_central, e.comment) for e in contents.entries] == [
        ("accounts", "4000", "40100", "ok")
    ]


def test_a_line_that_nobody_has_filled_in_yet_stays_a_gap(tmp_path):
    contents = read_entries(written(tmp_path, HEADER + "accounts,4000,,\naccounts,5000,<G/L account>,\n"))
    assert contents == mapping_file.Contents((), ())


def test_lines_are_counted_as_an_editor_counts_them(tmp_path):
    content = HEADER + 'accounts,4000,40100,"two\nlines"\naccounts,,1,\n'
    contents = read_entries(written(tmp_path, content))
    assert contents.entries[0].line == 2
    assert contents.faults[0].line == 4


@pytest.mark.parametrize("name", ["=1+1", "+1", "-2", "@SUM(A1)", "'=x", "''@y", '=HYPERLINK("http://x";"y")'])
def test_no_cell_is_a_formula_in_a_spreadsheet_and_none_changes_on_the_way_back(tmp_path, name):
    path = tmp_path / "mapping.csv"
    write_entries(path, [Entry("items", name, "1906-S", name)])
    rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    assert all(not cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)
    assert [(e.servicetitan, e.comment) for e in read_entries(path).entries] == [(name, name)]


CELL = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=30)
FILLED = CELL.map(str.strip).filter(lambda t: t and not t.startswith("<"))


@settings(deadline=None)
@given(st.dictionaries(FILLED, FILLED, max_size=8))
def test_what_is_exported_is_what_is_imported(tmp_path_factory, table):
    path = tmp_path_factory.mktemp("round") / "mapping.csv"
    entries = entries_of({"items": {key.casefold(): value for key, value in table.items()}})
    write_entries(path, entries)
    contents = read_entries(path)
    assert contents.faults == ()
    assert [(e.servicetitan, e.business_central) for e in contents.entries] == [
        (e.servicetitan, e.business_central) for e in entries
    ]


def test_entries_stand_in_the_usual_order():
    entries = entries_of({"items": {"b": "2", "a": "1"}, "accounts": {"4000": "40100"}})
    assert [(e.table, e.servicetitan) for e in entries] == [("accounts", "4000"), ("items", "a"), ("items", "b")]
    assert as_csv(entries[:1]) == "table,servicetitan,business_central,comment\r\naccounts,4000,40100,\r\n"


def test_an_export_that_fails_leaves_the_old_file_whole(tmp_path, monkeypatch):
    path = written(tmp_path, HEADER)

    def no_disk(_: int) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fsync", no_disk)
    with pytest.raises(OSError, match="No space"):
        write_entries(path, [Entry("accounts", "4000", "40100")])
    assert path.read_text() == HEADER
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are POSIX")
def test_an_export_keeps_the_permissions_of_the_file_it_replaces(tmp_path):
    path = written(tmp_path, HEADER)
    path.chmod(0o640)
    write_entries(path, [])
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are POSIX")
def test_a_new_export_is_its_owners_alone(tmp_path):
    path = tmp_path / "new.csv"
    write_entries(path, [Entry("accounts", "4000", "40100")])
    assert path.stat().st_mode & 0o777 == 0o600


def test_without_the_package_for_excel_the_way_out_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    contents = read_entries(written(tmp_path, b"PK", "mapping.xlsx"))
    assert "pip install 'stsync[xlsx]'" in contents.faults[0].sentence


def test_a_spreadsheet_of_another_kind_says_how_to_save_it(tmp_path):
    assert "save it as CSV UTF-8" in read_entries(written(tmp_path, b"PK", "mapping.ods")).faults[0].sentence


def test_an_excel_file_is_read_cell_by_cell(tmp_path):
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (
        ["Table", "ServiceTitan", "Business_Central"],
        ["accounts", 4000, 1200],
        ["accounts", "5000", "=1+1"],
        ["accounts", 4.5, "1"],
        ["items", "'=x", "1906-S"],
    ):
        sheet.append(row)
    sheet["C2"].number_format = "00000"
    path = tmp_path / "mapping.xlsx"
    book.save(path)
    contents = read_entries(path)
    assert [(e.table, e.servicetitan, e.business_central, e.line) for e in contents.entries] == [
        ("accounts", "4000", "01200", 2),
        ("items", "=x", "1906-S", 5),
    ]
    assert [(f.line, f.found) for f in contents.faults if "cell" in f.sentence] == [(3, "=1+1"), (4, "4.5")]


def test_a_file_that_only_calls_itself_excel_is_refused(tmp_path):
    assert "not an Excel workbook" in read_entries(written(tmp_path, b"table", "mapping.xlsx")).faults[0].sentence


def test_a_number_beyond_all_numbers_in_a_workbook_is_named_and_no_crash(tmp_path):
    book = openpyxl.Workbook()
    for row in (("table", "servicetitan", "business_central"), ("accounts", "4000", 123456789)):
        book.active.append(row)
    book.save(tmp_path / "plain.xlsx")
    with zipfile.ZipFile(tmp_path / "plain.xlsx") as plain, zipfile.ZipFile(tmp_path / "mapping.xlsx", "w") as hostile:
        for name in plain.namelist():
            hostile.writestr(name, plain.read(name).replace(b"123456789", b"1E999"))
    (fault,) = read_entries(tmp_path / "mapping.xlsx").faults
    assert "C2" in fault.sentence
