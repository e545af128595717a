"""What is printed never stops a command and never steers a terminal; what is typed is never taken for something else."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from filled_books import Books, month, run
from typer.testing import CliRunner

from stsync.books.doubts import doubts, proved
from stsync.books.reading import Reconciliation
from stsync.books.result import TieOut
from stsync.books.values import Period
from stsync.cli import console, correct, drift, speakable
from stsync.cli.app import app
from stsync.cli.only import check_found, named
from stsync.engine.scope import Scope
from stsync.errors import StateError, UsageError
from stsync.setup.review_file import read_review, write_review
from stsync.state import State


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books(tmp_path)


def test_a_name_that_windows_1252_lacks_does_not_stop_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="cp1252"))
    speakable()
    console.say("Łukasz → 100.00")
    sys.stdout.flush()
    assert written.getvalue() == b"?ukasz ? 100.00\n".replace(b"\n", os.linesep.encode())


def test_a_command_without_any_output_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    speakable()
    with sys.stdout as nowhere:
        console.say("nobody reads this")
        assert nowhere.name == os.devnull


def test_a_command_without_any_input_is_asked_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    speakable()
    with sys.stdin as nobody:
        assert not nobody.isatty()


def test_enter_alone_never_confirms_a_correction_and_its_number_steers_no_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def entered(text: str, **_more: object) -> str:
        asked.append(text)
        return ""

    monkeypatch.setattr(correct, "on_a_terminal", lambda: True)
    monkeypatch.setattr(correct.typer, "prompt", entered)
    for number in ("", "  ", "10\x1b[2J482"):
        prepared: Any = SimpleNamespace(number=number, target=SimpleNamespace(source_id="55"))
        assert not correct._typed(prepared)
    assert "\x1b" not in "".join(asked)
    assert "Type 55 " in asked[0]


def test_a_number_that_two_documents_have_is_not_guessed_by_drift(monkeypatch: pytest.MonkeyPatch) -> None:
    def found(_state: object, kind: str, wanted: str) -> Any:
        if kind == "payments":
            raise UsageError("record-unknown", "No payment.")
        return SimpleNamespace(kind=kind, number="", source_id=wanted)

    monkeypatch.setattr("stsync.reports.find.find_record", found)
    with pytest.raises(UsageError, match="'77' may be: invoice 77, credit memo 77") as refused:
        drift._owner(Any, "77")  # type: ignore[arg-type]
    assert refused.value.reference == "record-ambiguous"


@pytest.mark.skipif(os.name != "posix", reason="Windows has no mode bits")
@pytest.mark.parametrize("ending", [".csv", ".xlsx"])
def test_a_file_for_review_is_its_owners_alone_also_over_an_open_one(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"links{ending}"
    file.write_text("open to everybody")
    file.chmod(0o644)
    write_review(file, ("decision", "name"), [("link", "=Łukasz")], force=True)
    assert file.stat().st_mode & 0o777 == 0o600
    lines, problems = read_review(file, ("name",), ("link",))
    assert (lines[0].cells, problems) == ({"name": "=Łukasz"}, {})
    assert list(tmp_path.iterdir()) == [file]


def test_no_name_in_json_can_steer_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = {"name": "\x9b31m\u202eevil\u2028 Łukasz \ud800"}
    console.emit_json(hostile)
    printed = capsys.readouterr().out
    assert printed.isascii()
    assert json.loads(printed) == hostile


@pytest.mark.parametrize("mark", ["\u200f", "\u202e", "\u2028", "\x9b", "\x1b"])
def test_no_text_can_turn_the_direction_of_a_line(mark: str) -> None:
    assert mark not in console.clean(f"Ann{mark}Baker")


def test_a_line_break_in_a_name_does_not_make_a_line_of_its_own(books: Books) -> None:
    month(books)
    with sqlite3.connect(books.path) as file:
        file.execute("UPDATE inbox SET customer_name = 'Ann' || char(10) || 'Held: 0 records' WHERE source_id = '1'")
    file.close()
    assert "  Ann Held: 0 records, dated" in run(books, "trace", "invoice", "1").stdout


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_only_is_not_a_run_of_everything(empty: str) -> None:
    with pytest.raises(UsageError, match="no record is meant"):
        named(empty)


def test_only_with_an_unfilled_variable_ends_before_anything_is_read() -> None:
    result = CliRunner().invoke(app, ["sync", "--only", "", "--config", "not-there.yaml"])
    assert (result.exit_code, "only-empty" in result.stderr) == (2, True)


def _told(books: Books, only: str) -> None:
    wiring: Any = SimpleNamespace(state_path=books.path)
    nothing: Any = SimpleNamespace(plan=SimpleNamespace(decisions=()))
    check_found(wiring, Scope(stages=("invoices",), only=only), nothing)


def test_only_with_a_number_that_nothing_has_is_said(books: Books) -> None:
    month(books)
    with pytest.raises(UsageError, match="Nothing with the id or number 'nosuch' was found"):
        _told(books, "nosuch")


def test_only_with_a_settled_record_says_that_it_is_settled(books: Books, capsys: pytest.CaptureFixture[str]) -> None:
    month(books)
    _told(books, "1")
    assert "'1' is settled already" in capsys.readouterr().out


def test_the_first_day_of_the_calendar_and_a_huge_limit_are_no_mistake_of_ours(books: Books) -> None:
    month(books)
    assert run(books, "audit", "--since", "0001-01-01").exit_code == 0
    assert run(books, "audit", "--limit", "9" * 25).exit_code == 2


def test_a_kind_that_was_never_read_proves_nothing() -> None:
    at = datetime(2026, 7, 1, tzinfo=UTC)
    whole = TieOut(Period(date(2026, 6, 1), date(2026, 6, 30)), "", (), ())
    result = Reconciliation(whole, {"invoices": at, "payments": None}, at)
    assert doubts(result) == ("ServiceTitan's payments were never read. Run stsync sync first.",)
    assert not proved(result)


def test_a_preview_names_the_file_that_belongs_to_another_company(books: Books) -> None:
    from dataclasses import replace

    month(books)
    with State.open_scratch(books.path) as state:
        owner = state.pinned
        assert owner is not None
        with pytest.raises(StateError, match=str(books.path)):
            state.check_pin(replace(owner, st_tenant="2"))
