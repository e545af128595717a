"""Names and numbers that somebody chose to do harm: they arrive as text, everywhere."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from office import Office
from typer.testing import CliRunner, Result

from stsync.cli import console
from stsync.cli.app import app
from stsync.config.load import load
from stsync.errors import ConfigError
from stsync.selftest.office import LATER, TrialWorld, line

HOSTILE = (
    "'); DROP TABLE inbox; --",
    "../../../../etc/cron.d/owned",
    "=HYPERLINK(0)",
    "\x1b]0;owned\x07\x1b[2J Ann",
    "[red]Ann[/red] {0} %s",
    "' or 1 eq 1 or name eq '",
)


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """A company whose customers, documents and check numbers are all hostile."""
    with TrialWorld(tmp_path / "servers") as world:
        for name in HOSTILE:
            owner = world.tenant.add_customer(name, address=_address(name))
            fields: Any = {"number": name[:20], "business_unit_id": UNIT_ID, "syncStatus": "Posted"}
            world.tenant.book_invoice(owner, [line("10.00")], on=date(2026, 6, 10), **fields)
        world.advance(LATER)
        made = Office(world, world.write_config(tmp_path / "books" / "config.yaml"), monkeypatch)
        made.run()
        yield made


UNIT_ID = line("1.00").business_unit_id


def _address(text: str) -> dict[str, object]:
    place = {"city": text[:30], "state": "AZ", "zip": text[:20], "country": "USA"}
    return {"street": text, "unit": text, **place, "latitude": None, "longitude": None}


def typed(office: Office, *words: str) -> Result:
    console.OUTPUT.json = console.OUTPUT.quiet = False
    return CliRunner().invoke(app, [*words, "--config", str(office.config)])


def test_hostile_names_reach_the_books_as_text(office: Office) -> None:
    names = {one.display_name for one in office.world.company.customers}
    assert "'); DROP TABLE inbox; --" in names
    assert not any("\x1b" in name for name in names)
    posted = [one for one in office.world.company.invoices if one.posted]
    assert len(posted) == len(HOSTILE), "each invoice is in the books once"


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_no_command_lets_them_steer_the_terminal(office: Office, form: tuple[str, ...]) -> None:
    """Each invoice is traced: the readable part of its customer's name is shown, and nothing that steers."""
    office.world.company.set_posting_window(date(2026, 7, 1), date(2026, 7, 31))
    for invoice in office.world.tenant.invoices:
        office.world.tenant.edit_invoice(invoice, lines=[line("11.00")])
    office.world.advance(LATER)
    office.run()
    for words in (("held", "--all"), ("drift", "--all")):
        told = typed(office, *words, *form)
        assert told.exit_code in {0, 3}, told.output
        assert "\x1b" not in told.output
        assert "DROP TABLE" in told.output, "the names have to be shown, or nothing was tried"
        assert "Ann" in told.output


def test_a_number_with_sql_in_it_finds_nothing_and_changes_nothing(office: Office) -> None:
    with sqlite3.connect(office.state_file) as before:
        rows = before.execute("SELECT count(*) FROM inbox").fetchone()
    for words in (("trace", "invoice"), ("ignore", "invoice", "--reason", "x"), ("drift", "--only")):
        told = typed(office, *words, "1' OR '1'='1")
        assert told.exit_code == 2, told.output
    with sqlite3.connect(office.state_file) as after:
        assert after.execute("SELECT count(*) FROM inbox").fetchone() == rows


def test_no_name_makes_a_file_anywhere(office: Office, tmp_path: Path) -> None:
    for words in (("link", "propose", "--out", "l.csv"), ("bills", "--csv", "b.csv"), ("map", "export", "m.csv")):
        at = [str(tmp_path / "books" / word) if word.endswith(".csv") else word for word in words]
        typed(office, *at)
    made = {file.name for file in tmp_path.rglob("*") if file.is_file() and "servers" not in file.parts}
    assert made <= {"config.yaml", "stsync.db", "stsync.db-journal", "stsync.db.lock", "l.csv", "b.csv", "m.csv"}


def test_a_tag_in_the_configuration_runs_nothing(tmp_path: Path) -> None:
    file, harm = tmp_path / "config.yaml", tmp_path / "harm"
    file.write_text(f"servicetitan: !!python/object/apply:os.system ['touch {harm}']\n", encoding="utf-8")
    with pytest.raises(ConfigError):
        load(file)
    assert not harm.exists()
