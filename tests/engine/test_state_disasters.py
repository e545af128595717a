"""Disks and clocks that fail, through the command line: a clear stop, and the books as if nothing had happened."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from office import Office
from test_engine_faults import INVOICES, books, few_days
from typer.testing import CliRunner, Result

from stsync.cli import console
from stsync.cli.app import app
from stsync.sandbox.keeping import keep, kept
from stsync.sandbox.world import World
from stsync.state import State, place
from stsync.state.database import Database


def typed(office: Office, *words: str) -> Result:
    console.OUTPUT.json = console.OUTPUT.quiet = False
    result = CliRunner().invoke(app, [*words, "--config", str(office.config)])
    console.OUTPUT.json = console.OUTPUT.quiet = False
    return result


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    with World(invoices=INVOICES, folder=tmp_path) as world:
        yield few_days(Office(world, world.write_config(tmp_path / "books" / "config.yaml"), monkeypatch))


class Carried:
    """A few days that were carried once for all tests of this file."""

    def __init__(self, folder: Path) -> None:
        with pytest.MonkeyPatch.context() as monkeypatch, World(invoices=INVOICES, folder=folder) as world:
            office = few_days(Office(world, world.write_config(folder / "books" / "config.yaml"), monkeypatch))
            self.commits = counted_commits(monkeypatch)
            office.run()
            self.count = self.commits[0]
            self.books: Counter[tuple[Any, ...]] = books(office.world)
            keep(world, folder / "world", port_base=0)
            self.world, self.notes = folder / "world", folder / "notes.db"
            shutil.copyfile(office.state_file, self.notes)

    def into(self, office: Office) -> Office:
        content = kept(self.world)
        office.world.adopt(content.demo, content.tenant, content.environment)
        shutil.copyfile(self.notes, office.state_file)
        office.state_file.chmod(0o600)
        return office


@pytest.fixture(scope="module")
def carried(tmp_path_factory: pytest.TempPathFactory) -> Carried:
    return Carried(tmp_path_factory.mktemp("carried"))


def counted_commits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    seen = [0]
    real = Database._run

    def run(self: Database, sql: str, values: Any = ()) -> sqlite3.Cursor:
        seen[0] += sql == "COMMIT"
        return real(self, sql, values)

    monkeypatch.setattr(Database, "_run", run)
    return seen


def failing(monkeypatch: pytest.MonkeyPatch, after: int, code: int) -> None:
    """From the n-th commit on the disk takes nothing more."""
    seen = [0]
    real = Database._run

    class Failing:
        def __init__(self, connection: sqlite3.Connection) -> None:
            self.real = connection

        def execute(self, *_: Any) -> sqlite3.Cursor:
            error = sqlite3.OperationalError("as SQLite would say")
            error.sqlite_errorcode = code
            raise error

    def run(self: Database, sql: str, values: Any = ()) -> sqlite3.Cursor:
        seen[0] += sql == "COMMIT" and self.path is not None
        if self.path is None or sql != "COMMIT" or seen[0] <= after:
            return real(self, sql, values)
        kept_connection, self.connection = self.connection, Failing(self.connection)  # type: ignore[assignment]
        try:
            return real(self, sql, values)
        finally:
            self.connection = kept_connection

    monkeypatch.setattr(Database, "_run", run)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 0.97])
def test_a_disk_that_is_full_at_any_commit_loses_and_doubles_nothing(
    office: Office, carried: Carried, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    with monkeypatch.context() as full:
        failing(full, int(carried.count * share), sqlite3.SQLITE_FULL)
        stopped = typed(office, "sync")
    assert stopped.exit_code == 2
    assert "state-disk-full" in stopped.stderr
    typed(office, "sync")
    typed(office, "sync")
    assert books(office.world) == carried.books
    with State.open_scratch(office.state_file) as state:
        assert [row.key for row in state.ledger.intended()] == []


@pytest.mark.parametrize(
    ("code", "name"), [(sqlite3.SQLITE_READONLY, "state-read-only"), (sqlite3.SQLITE_IOERR, "state-disk-error")]
)
def test_a_disk_that_fails_in_the_middle_stops_the_run(
    office: Office, carried: Carried, monkeypatch: pytest.MonkeyPatch, code: int, name: str
) -> None:
    with monkeypatch.context() as broken:
        failing(broken, carried.count // 2, code)
        stopped = typed(office, "sync")
    assert (stopped.exit_code, name in stopped.stderr) == (2, True)
    typed(office, "sync")
    assert books(office.world) == carried.books


def overwritten(content: bytearray, *, every: int, first: int) -> None:
    noise = random.Random(1)
    for start in range(first, len(content) - 200, every):
        content[start : start + 200] = noise.randbytes(200)


def zeros(content: bytearray) -> None:
    content[4096:] = bytes(len(content) - 4096)


DAMAGE: dict[str, Callable[[bytearray], None]] = {
    "its first page": lambda content: overwritten(content, every=len(content), first=0),
    "random bytes at many places": lambda content: overwritten(content, every=4096, first=4096),
    "cut in half": lambda content: content.__delitem__(slice(len(content) // 2, None)),
    "cut to a few bytes": lambda content: content.__delitem__(slice(50, None)),
    "nothing but zeros": zeros,
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_refused_and_made_anew(office: Office, carried: Carried, damage: str) -> None:
    carried.into(office)
    content = bytearray(office.state_file.read_bytes())
    DAMAGE[damage](content)
    office.state_file.write_bytes(content)
    for words in (("sync",), ("state", "verify"), ("state", "rebuild")):
        told = typed(office, *words)
        assert told.exit_code == 2, (words, told.output)
        assert "state-damaged" in told.stderr or "state-holds-something" in told.stderr
    assert office.writes() == []
    assert typed(office, "state", "rebuild", "--force").exit_code in {0, 3}
    typed(office, "sync")
    assert office.writes() == []
    assert books(office.world) == carried.books


def test_an_empty_file_is_a_lost_one(office: Office, carried: Carried) -> None:
    carried.into(office)
    office.state_file.write_bytes(b"")
    typed(office, "sync")
    assert books(office.world) == carried.books


def test_a_file_of_a_newer_stsync_is_not_touched(office: Office, carried: Carried) -> None:
    carried.into(office)
    with sqlite3.connect(office.state_file) as newer:
        newer.execute("INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('stsync', 'm999', '')")
    newer.close()
    before = office.state_file.read_bytes()
    for words in (("sync",), ("status",), ("state", "verify")):
        told = typed(office, *words)
        assert (told.exit_code, "state-newer" in told.stderr) == (2, True), words
    assert office.state_file.read_bytes() == before
    assert office.writes() == []


@pytest.mark.skipif(os.name != "posix", reason="mounts are read from /proc")
def test_a_state_file_on_a_network_drive_is_refused(
    office: Office, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda1 / ext4 rw 0 0\nserver:/share {office.state_file.parent} nfs4 rw 0 0\n")
    monkeypatch.setattr(place, "MOUNTS", mounts)
    told = typed(office, "sync")
    assert (told.exit_code, "state-on-network-drive" in told.stderr) == (2, True)
    assert office.requests() == 0
    assert not office.state_file.exists()


def test_a_state_file_in_a_synchronised_folder_is_warned_about_and_is_one_file(office: Office, tmp_path: Path) -> None:
    folder = tmp_path / "OneDrive - Copper Mesa"
    office.edit_config(str(office.state_file), str(folder / "stsync.db"))
    told = typed(office, "sync", "--limit", "1", "--quiet")
    assert "OneDrive - Copper Mesa" in told.stdout + told.stderr
    with sqlite3.connect(folder / "stsync.db") as database:
        assert database.execute("PRAGMA journal_mode").fetchone() != ("wal",)
    database.close()


def test_a_clock_that_was_set_back_stops_and_doubles_nothing(
    office: Office, carried: Carried, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two years back: logins, limits, lock and places in the feeds must not wait for the time to come round again."""
    carried.into(office)
    assert typed(office, "drift").exit_code in {0, 3}
    back = datetime.now(UTC) - timedelta(days=730)
    monkeypatch.setattr("stsync.engine.run.now", lambda: back)
    monkeypatch.setattr("stsync.state.open._utc_now", lambda: back)
    done = typed(office, "sync")
    assert done.exit_code in {0, 3}, done.output
    assert office.writes() == []
    row = next(row for row in office.world.tenant.invoices.values() if row["syncStatus"] == "Posted")
    assert row is not None
    assert books(office.world) == carried.books
