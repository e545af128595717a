"""After `stsync correct`, the books hold the invoice, what took it back, and what was made anew: the month ties again."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from kept_month import Month, move_in
from office import Office
from typer.testing import CliRunner

from stsync.cli.app import app
from stsync.cli.console import OUTPUT
from stsync.sandbox.company.later import LATER
from stsync.sandbox.world import World


def _typed(office: Office, *words: str):
    OUTPUT.json = OUTPUT.quiet = False
    result = CliRunner().invoke(app, [*words, "--config", str(office.config)])
    OUTPUT.json = OUTPUT.quiet = False
    return result


def _reasons(told: dict) -> dict[str, list[str]]:
    (row,) = told["sections"]["receivables"]["rows"]
    return {one["reason"]: [each["source_id"] for each in one["records"]] for one in row["explanations"]}


def test_an_edited_invoice_is_explained_and_once_corrected_counts_as_it_is_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, month_kept: Month
) -> None:
    with World(invoices=119, folder=tmp_path) as world:
        office = move_in(Office(world, world.write_config(tmp_path / "books" / "config.yaml"), monkeypatch), month_kept)
        source_id = str(LATER["invoice_edited"](world.demo, world.tenant)[0][1])
        office.run()
        edited = json.loads(_typed(office, "reconcile", "--month", "2026-06", "--json").output)
        assert edited["exact"]
        assert _reasons(edited)["changed_after_posting"] == [source_id]
        done = _typed(office, "correct", "invoice", source_id, "--yes")
        assert done.exit_code == 0, done.output
        corrected = json.loads(_typed(office, "reconcile", "--month", "2026-06", "--json").output)
        assert corrected["exact"], corrected["findings"]
        assert "changed_after_posting" not in _reasons(corrected)
        statuses = [one.status for one in world.company.invoices if one.external_document_number == f"ST-{source_id}"]
        assert "Canceled" in statuses
        assert len(statuses) == 2


def test_a_correction_in_the_month_after_leaves_both_months_exact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether a cancel's credit memo is dated by the invoice or by the day of the cancel is not in the facts."""
    with World(invoices=119, folder=tmp_path) as world:
        world.company.settings.corrections_dated_today = True
        world.company.set_posting_window(date(2026, 6, 1), date(2026, 7, 31))
        world.environment.switches.aged_report_honours_date = True
        office = Office(world, world.write_config(tmp_path / "books" / "config.yaml"), monkeypatch)
        office.run()
        source_id = str(LATER["invoice_edited"](world.demo, world.tenant)[0][1])
        office.run()
        done = _typed(office, "correct", "invoice", source_id, "--yes")
        assert done.exit_code == 0, done.output
        memo = next(one for one in world.company.credit_memos if one.status == "Corrective")
        assert memo.posting_date == date(2026, 7, 1)
        months = [
            json.loads(_typed(office, "reconcile", "--month", one, "--json").output) for one in ("2026-06", "2026-07")
        ]
    for told in months:
        assert told["exact"], told["findings"]
        assert _reasons(told)["another_period"] == [source_id]
    june, july = (told["sections"]["receivables"]["rows"][0] for told in months)
    assert _shares(june, source_id) == -_shares(july, source_id) == -memo.total


def _shares(row: dict, source_id: str) -> Decimal:
    """What the books have otherwise of this document, by timing."""
    records = [one for each in row["explanations"] if each["reason"] == "another_period" for one in each["records"]]
    return sum((Decimal(one["share"]) for one in records if one["source_id"] == source_id), Decimal(0))
