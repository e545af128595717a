"""What a person types and sees: `stsync reconcile`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import typer
from ledger_world import EAST, SOLAR, Ledger, compared, held, invoice, item, payment, posted
from typer.testing import CliRunner

from stsync.books.reading import Reconciliation
from stsync.books.result import AsOf, Explanation, Row, Share
from stsync.books.values import Record, RowKey, Section, Why
from stsync.cli.console import OUTPUT
from stsync.cli.reconcile import reconcile
from stsync.cli.tieoutreport import report

READ = datetime(2026, 7, 1, 6, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def plain_output() -> Iterator[None]:
    OUTPUT.json = OUTPUT.quiet = False
    yield
    OUTPUT.json = OUTPUT.quiet = False


@pytest.fixture
def command() -> typer.Typer:
    app = typer.Typer()
    app.command("reconcile")(reconcile)
    app.command("other")(lambda: None)
    return app


@pytest.mark.parametrize(
    ("given", "reference"),
    [
        ([], "period-missing"),
        (["--from", "2026-06-01"], "period-missing"),
        (["--month", "2026-06", "--to", "2026-06-30"], "period-missing"),
        (["--month", "June"], "month-unreadable"),
        (["--from", "2026-06-30", "--to", "2026-06-01"], "period-backwards"),
    ],
)
def test_a_period_that_cannot_be_understood_is_a_usage_error(command, given, reference):
    result = CliRunner().invoke(command, ["reconcile", *given, "--json"])
    assert result.exit_code == 2
    assert json.loads(result.output)["error"]["reference"] == reference


def _shown(result, capsys, *, go_live=date(2026, 5, 1), everything=False, payments=READ) -> str:
    whole = Reconciliation(result, {"invoices": READ, "payments": payments}, READ, go_live)
    report(whole, "ServiceTitan -> Business Central", everything=everything)
    return capsys.readouterr().out


def _month(*more) -> tuple[list, Ledger]:
    ledger = Ledger()
    one, paid = invoice(1, item("100.00"), item("1240.00", EAST), tax="8.60"), payment(7)
    ledger.invoice(one)
    ledger.payment(paid)
    return [posted(one), posted(paid), held(invoice(2, item("7.00", SOLAR))), *more], ledger


def test_an_exact_month_says_so_with_both_moments_and_names_people_know(capsys):
    text = _shown(compared(*_month()), capsys)
    for words in ("Drain - East", "DRAIN-E", "1,240.00", "Solar", "not mapped", "held: a person has to decide", "N2"):
        assert words in text
    assert "invoices 2026-07-01 06:00:00 UTC, payments 2026-07-01 06:00:00 UTC" in text
    assert "EXACT: unexplained difference 0.00" in text


def test_what_was_never_read_proves_nothing(capsys):
    text = _shown(compared(*_month()), capsys, payments=None)
    assert "payments never" in text
    assert "NOT PROVED: ServiceTitan's payments were never read." in text
    assert "EXACT: unexplained" not in text


def test_a_difference_names_the_document_both_amounts_and_what_to_do(capsys):
    sources, ledger = _month()
    ledger.change(1, amount=Decimal("-99.00"))
    text = _shown(compared(sources, ledger), capsys)
    assert "Invoice N1, Ann (PS1) has other amounts in Business Central." in text
    assert "lines, DEPARTMENT DRAIN-W, account 40100: 99.00 in Business Central, 100.00 in ServiceTitan" in text
    assert "What to do: Compare the document with ServiceTitan" in text
    assert "NOT EXACT. Documents named above: 1 in Business Central" in text


def test_quiet_says_nothing_of_an_exact_month_and_names_what_is_wrong(capsys):
    OUTPUT.quiet = True
    sources, ledger = _month()
    assert _shown(compared(sources, ledger), capsys) == ""
    ledger.entries.clear()
    wrong = _shown(compared(sources, ledger), capsys)
    assert "N1" in wrong
    assert wrong.startswith("ServiceTitan -> Business Central\nTie-out of 2026-06-01 to 2026-06-30\n")


def test_a_long_list_is_cut_with_a_word_and_whole_with_all(capsys):
    sources, ledger = _month(*(held(invoice(number)) for number in range(100, 120)))
    result = compared(sources, ledger)
    assert "more: --all" in _shown(result, capsys)
    whole = _shown(result, capsys, everything=True)
    assert "more: --all" not in whole
    assert "N119" in whole


def test_a_period_before_go_live_is_said_to_be_read_in_part(capsys):
    assert "begins before go-live (2026-06-10)" in _shown(compared(*_month()), capsys, go_live=date(2026, 6, 10))


def test_json_carries_every_figure_with_its_records(capsys):
    OUTPUT.json = True
    sources, ledger = _month()
    ledger.change(1, amount=Decimal("-99.00"))
    document = json.loads(_shown(compared(sources, ledger), capsys))
    assert document["exact"] is False
    assert document["as_of"]["servicetitan"] == dict.fromkeys(("invoices", "payments"), "2026-07-01T06:00:00+00:00")
    rows = {one["code"]: one for one in document["sections"]["revenue"]["rows"]}
    assert (rows["DRAIN-W"]["unexplained"], rows["DRAIN-E"]["unexplained"]) == ("-1.00", "0.00")
    (explanation,) = document["sections"]["receivables"]["rows"][0]["explanations"]
    assert (explanation["reason"], explanation["records"][0]["number"]) == ("held", "N2")
    (finding,) = document["findings"]
    assert (finding["what"], finding["record"]["number"]) == ("amount", "N1")


def test_an_exact_month_says_which_balances_it_proves_nothing_about(capsys):
    """What a card owed before go-live cannot be read: its rest is a plug, and is called one."""
    shares = [
        Share(Record("customers", "C7", "C7", "Ann", None, Decimal(-70)), Decimal(-70), "before"),
        Share(Record("invoices", "9", "N9", "Ann", None, Decimal(540)), Decimal(-540), "opening document OB-9"),
    ]
    owed = Row(
        RowKey(Section.CUSTOMERS, "C7"), ("Ann",), "", Decimal(0), (Explanation(Why.BEFORE_STSYNC, tuple(shares)),),
        Decimal(610), (),
    )  # fmt: skip
    month = compared(*_month())
    as_of = AsOf(date(2026, 5, 1), None, READ, "each card's balance at that moment", 1)
    text = " ".join(_shown(replace(month, rows=(*month.rows, owed), customers=as_of), capsys).split())
    assert "Not proved: 70.00 on 1 of these cards" in text
    assert "EXACT: unexplained difference 0.00" in text
    assert "It says nothing about balances from before go-live" in text
