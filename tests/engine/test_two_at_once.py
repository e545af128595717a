"""Two commands at once, as real processes: on one state file the second says who works; nothing is twice in the books."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from office import Office
from test_engine_faults import INVOICES, books, few_days
from test_two_machines import twice

from stsync.sandbox import faults
from stsync.sandbox.world import World
from stsync.state import State
from stsync.state.hints import Hints, hints_path


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    with World(invoices=INVOICES, folder=tmp_path) as world:
        yield few_days(Office(world, world.write_config(tmp_path / "books" / "config.yaml"), monkeypatch))


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter[tuple[Any, ...]]]:
    folder = tmp_path_factory.mktemp("alone")
    with pytest.MonkeyPatch.context() as monkeypatch, World(invoices=INVOICES, folder=folder) as world:
        few_days(Office(world, world.write_config(folder / "books" / "config.yaml"), monkeypatch)).run()
        yield books(world)


def started(office: Office, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "stsync", *words, "--config", str(office.config)]
    environment = {**os.environ, **office.world.environment_variables()}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, err = process.communicate(timeout=120)
    return process.returncode, out + err


def slow(office: Office, path: str = r"/salesInvoices$") -> None:
    office.edit_config("business_central:\n", "business_central:\n  batch_operations: 1\n")
    office.world.sandbox.faults.add(faults.delay(0.4), system="business_central", method="POST", path=path, count=None)


def at_work(office: Office) -> None:
    """Wait until the first run writes documents."""
    until = time.monotonic() + 60
    while not any(one.target.endswith("/salesInvoices") for one in office.writes()):
        assert time.monotonic() < until, "the first run never began to write"
        time.sleep(0.05)


def test_beside_a_run_every_writing_command_says_who_works(office: Office, alone: Counter[tuple[Any, ...]]) -> None:
    slow(office)
    first = started(office, "sync")
    at_work(office)
    # A delivery that comes in meanwhile needs no lock; the next run takes it.
    with Hints.open(hints_path(office.state_file)) as hints:
        hints.keep(occurrence="1", event="x", kind="invoices", source_id="71000001", at=datetime.now(UTC))
    invoice = next(str(one) for one in office.world.tenant.invoices)
    refused = [
        started(office, "sync"),
        started(office, "replay"),
        started(office, "correct", "invoice", invoice, "--yes"),
        started(office, "state", "rebuild", "--force"),
    ]
    looking = [started(office, "status"), started(office, "state", "backup", "--out", str(office.config) + ".backup")]
    for process in refused:
        code, said = ended(process)
        if "correct" in process.args and code == 2:
            continue  # not posted yet, when it looked
        assert code == 75, said
        assert f"process {first.pid}" in said
        assert '"stsync sync' in said
        assert "since" in said
    assert first.poll() is None, "the first run was over before the others, so this shows nothing"
    assert [ended(process)[0] in {0, 3} for process in looking] == [True, True]
    assert ended(first)[0] in {0, 3}
    assert books(office.world) == alone
    office.world.sandbox.faults.clear()
    assert ended(started(office, "sync"))[0] in {0, 3}
    with Hints.open(hints_path(office.state_file)) as hints:
        assert hints.count() == 0
    assert books(office.world) == alone


def test_two_computers_at_once_post_nothing_twice(
    office: Office, alone: Counter[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each with a state file of its own, at full speed."""
    config = office.world.write_config(tmp_path / "other" / "config.yaml")
    other = few_days(Office(office.world, config, monkeypatch))
    both = [started(office, "sync"), started(other, "sync")]
    codes = {ended(process)[0] for process in both}
    assert codes <= {0, 3, 75, 69}, codes
    assert {name for name in twice(office) if name.startswith("ST-") and not name.startswith("ST-P")} == set()
    for one in (office, other, office, other):
        assert ended(started(one, "sync"))[0] in {0, 3, 75}
    told = {row for row in books(office.world) if row[0] != "journal"}
    assert told == {row for row in alone if row[0] != "journal"}
    assert Counter({row: count for row, count in books(office.world).items() if row[0] in {"entry", "customer"}}) == (
        Counter({row: count for row, count in alone.items() if row[0] in {"entry", "customer"}})
    )
    for one in (office, other):
        with State.open_scratch(one.state_file) as state:
            assert [row.key for row in state.ledger.intended()] == []
