"""After `stsync correct`, the books hold the invoice, what took it back, and what was made anew: the month ties again."""

from __future__ import annotations

import json
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
