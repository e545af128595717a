"""A run costs what is new in it, not what the state file has ever seen: counted in SQLite's own steps, not in time."""

from __future__ import annotations

import re
import sqlite3
import sys
from pathlib import Path

import pytest
from kept_month import book_one_more
from office import Office

from stsync.state import State, connect

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))

from seeded_state import month_of, multiplied

# So many steps of SQLite's virtual machine between two looks at how far it is.
GRAIN = 50
MORE = 3000
# One row from the end of a table is called a scan as well; so is the index of the few odd amounts.
NEWEST = "SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1"
SCAN = re.compile(r"SCAN (inbox|versions|ledger|posted|told|audit|notes)\b(?! USING INDEX inbox_odd_amounts)")


class Meter:
    """What SQLite does for a run: its steps, and every statement once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.steps = 0
        self.statements: dict[str, str] = {}
        original = connect._connect

        def connected(*arguments: object, **more: object) -> sqlite3.Connection:
            connection = original(*arguments, **more)  # type: ignore[arg-type]
            connection.set_progress_handler(self._step, GRAIN)
            connection.set_trace_callback(self._statement)
            return connection

        monkeypatch.setattr(connect, "_connect", connected)

    def _step(self) -> int:
        self.steps += GRAIN
        return 0

    def _statement(self, sql: str) -> None:
        self.statements.setdefault(re.sub(r"'[^']*'|\d+", "?", sql), sql)

    def of(self, office: Office, *, changes: int = 0, dry_run: bool = False) -> int:
        """The steps of a run in which so many invoices, and so many payments, are new."""
        for _ in range(changes):
            book_one_more(office)
        before = self.steps
        result = office.run(dry_run=dry_run)
        carried = sum(count for kind, (count, _) in result.carried.items() if kind in {"invoices", "payments"})
        assert dry_run or carried == 2 * changes
        return self.steps - before


@pytest.fixture
def told(posted: Office) -> Office:
    """An office whose month is in the books, and ServiceTitan was told of it."""
    text = posted.world.config_text(posted.config.parent, complete=True, write_back=True)
    posted.config.write_text(text, encoding="utf-8")
    posted.run()
    return posted


def test_a_run_does_not_take_longer_for_what_was_settled_before(told: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    meter = Meter(monkeypatch)
    few_idle, few_changes = meter.of(told), meter.of(told, changes=5)
    month = month_of(told.state_file)
    added = multiplied(month, told.state_file, MORE)
    assert added >= MORE > 5 * month.documents
    meter.statements.clear()
    many_idle, many_changes = meter.of(told), meter.of(told, changes=5)
    # A scan of any table of documents would take hundreds of thousands of steps more.
    assert many_idle < few_idle * 1.1
    assert many_changes < few_changes * 1.1
    assert scans(told, meter) == []
    with State.open_scratch(told.state_file) as state:
        assert state.check() > 5 * added


def scans(office: Office, meter: Meter) -> list[str]:
    """The statements of the runs that read a whole table which grows with the documents."""
    found = []
    raw = sqlite3.connect(office.state_file)
    for sql in meter.statements.values():
        if sql.startswith(("SELECT", "UPDATE", "INSERT", "DELETE")) and sql != NEWEST:
            steps = [row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {sql}")]
            found += [f"{sql}: {step}" for step in steps if SCAN.match(step)]
    raw.close()
    return found
