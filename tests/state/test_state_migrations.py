"""Files of every version that was ever written open in this one, with their rows."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlite_utils
from state_samples import PIN, incoming, intent, store

from stsync.core.canonical import sha256_of
from stsync.errors import StateError
from stsync.state import State
from stsync.state.connect import connect_writing
from stsync.state.migrations import APPLICATION_ID, MIGRATIONS, applied, is_present, m001_first_shape, migrate

# As m001 left a file, with a row in each table: written down here, so that an edited migration is noticed.
ROWS_OF_M001 = """
INSERT INTO pin VALUES (1, '42', 'production', 'contoso.example', 'Production', 'guid', 'Contoso');
INSERT INTO cursors VALUES ('invoices', 'token-1', '2026-11-22T16:00:00.000000Z');
INSERT INTO inbox VALUES (1, 'invoice', '7', 7, 'held', NULL, 'h', NULL, '2026-11-22T16:00:00.000000Z',
    '2026-11-22T16:00:00.000000Z', '2026-11-22T16:00:00.000000Z', 2,
    '{"hint":"h","message":"m","note":"n","reference":"r"}', 'run', '1007', '12.50', 125000, 'Ada', '2026-11-01', NULL,
    x'6862da7888178338c0bc16000b59027b');
INSERT INTO versions VALUES (1, 'invoice', '7', '2026-11-21T16:00:00.000000Z', NULL, 'g', x'6862da7888178338c0ac16000b57027a');
INSERT INTO ledger VALUES (1, 'invoices:7:create', 'run', 'invoices', '7', 'create', 'salesInvoice', 'ST-7', 'd', 'done',
    'guid', 'S-1', '12.50', '2026-11-22T16:00:00.000000Z', '2026-11-22T16:00:01.000000Z', 'req',
    NULL, NULL, x'6862da7888170396574a5686b500082a0209',
    x'6862da788817abae0500017500f9');
INSERT INTO runs VALUES ('run', 'sync', '["invoices"]', 0, 1, 'host', 'ada', '2026-11-22T16:00:00.000000Z',
    '2026-11-22T16:01:00.000000Z', 3, '{}', NULL, NULL);
INSERT INTO notes VALUES ('mapping', 'digest');
"""


@pytest.fixture
def file_of_m001(path: Path) -> Path:
    database = connect_writing(path)
    migrate(database, (m001_first_shape,))
    database.connection.executescript(ROWS_OF_M001)
    database.close()
    return path


def test_a_file_of_the_first_version_opens_with_all_its_rows(file_of_m001: Path) -> None:
    with State.open(file_of_m001) as state:
        assert state.pinned is not None
        assert state.cursors.token("invoices") == "token-1"
        row = state.inbox.find("invoice", "7")
        assert row is not None
        assert (row.state, row.attempts, str(row.amount), row.content) == ("held", 2, "12.50", {"id": 7})
        assert row.reason is not None
        assert row.reason.note == "n"
        assert [version.content for version in state.inbox.versions("invoice", "7")] == [{"id": 6}, {"id": 7}]
        assert [link.target_number for link in state.ledger.links("invoices")] == ["S-1"]
        assert state.runs.last(1)[0].exit_code == 3
        assert state.notes.note("mapping") == "digest"
        assert applied(state._database) == tuple(step.__name__ for step in MIGRATIONS)


def test_the_first_migration_is_still_the_one_that_was_released(file_of_m001: Path) -> None:
    with closing(sqlite3.connect(file_of_m001)) as browser:
        rows = browser.execute(
            "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE '%sqlite%' ORDER BY name"
        ).fetchall()
    shape = sha256_of("\n".join(f"{name}: {' '.join(sql.split())}" for name, sql in rows))
    # A released migration is never edited; a change is a new one (`m002_...`) at the end.
    assert shape == "694649907d9e09cfd60616de5e0abd298ccfe67a9ce3eca1fff2a988a12f7280"


def test_a_later_migration_keeps_the_rows_and_runs_once(file_of_m001: Path) -> None:
    def m002_adds_a_colour(db: sqlite_utils.Database) -> None:
        db.execute("ALTER TABLE inbox ADD COLUMN colour TEXT NOT NULL DEFAULT 'blue'")

    database = connect_writing(file_of_m001)
    for _ in range(2):
        migrate(database, (m001_first_shape, m002_adds_a_colour))
    assert database.select("SELECT source_id, colour FROM inbox") == [("7", "blue")]
    assert applied(database) == ("m001_first_shape", "m002_adds_a_colour")
    database.close()


def test_a_migration_that_fails_leaves_the_file_as_it_was(file_of_m001: Path) -> None:
    def m002_fails_halfway(db: sqlite_utils.Database) -> None:
        db.execute("DELETE FROM inbox")
        raise ZeroDivisionError

    database = connect_writing(file_of_m001)
    with pytest.raises(ZeroDivisionError):
        migrate(database, (m001_first_shape, m002_fails_halfway))
    assert applied(database) == ("m001_first_shape",)
    assert database.select("SELECT count(*) FROM inbox") == [(1,)]
    database.close()


def test_a_file_of_a_newer_version_is_refused(file_of_m001: Path) -> None:
    with sqlite3.connect(file_of_m001) as newer:
        newer.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('stsync', 'm999_tomorrow', '')"
        )
    newer.close()
    before = file_of_m001.read_bytes()
    for opening in (State.open, State.open_scratch, State.open_reading):
        with pytest.raises(StateError) as told:
            opening(file_of_m001)
        assert (told.value.reference, told.value.note) == ("state-newer", "m999_tomorrow")
    assert file_of_m001.read_bytes() == before


def test_a_preview_of_an_older_file_does_not_migrate_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def m002_adds_a_colour(db: sqlite_utils.Database) -> None:
        db.execute("ALTER TABLE inbox ADD COLUMN colour TEXT")

    State.open(path).close()
    before = path.read_bytes()
    for asked in (migrate, is_present):
        monkeypatch.setattr(asked, "__defaults__", ((m001_first_shape, m002_adds_a_colour),))
    for opening in (State.open_scratch, State.open_reading):
        with opening(path) as scratch:
            assert applied(scratch._database) == ("m001_first_shape", "m002_adds_a_colour")
    assert path.read_bytes() == before


def test_every_table_is_strict_and_the_file_says_whose_it_is(state: State) -> None:
    rows = state._database.select("SELECT name, strict FROM pragma_table_list WHERE type = 'table' AND schema = 'main'")
    ours = {name: strict for name, strict in rows if not name.startswith(("sqlite_", "_sqlite_"))}
    assert set(ours) == {"pin", "cursors", "inbox", "versions", "ledger", "audit", "runs", "notes", "totals"}
    assert set(ours.values()) == {1}
    assert state._database.select("PRAGMA application_id") == [(APPLICATION_ID,)]


def test_the_views_answer_a_person_with_any_sqlite_browser(path: Path, state: State) -> None:
    from state_samples import NO_ACCOUNT

    store(state, incoming("7"), incoming("8"))
    state.inbox.hold("invoice", "7", NO_ACCOUNT, "r")
    state.inbox.refuse("invoice", "8", NO_ACCOUNT, limit=1, run_id="r")
    state.ledger.intend([intent(), intent("invoices:8:create")], "r")
    state.ledger.done("invoices:8:create", run_id="r")
    state.pin(PIN)
    with sqlite3.connect(path) as browser:
        held = browser.execute("SELECT source_id, reference, hint FROM held").fetchall()
        dead = browser.execute("SELECT source_id, attempts FROM dead_letters").fetchall()
        outbox = browser.execute("SELECT key, amount FROM outbox").fetchall()
        links = browser.execute("SELECT source_id FROM links").fetchall()
    browser.close()
    assert held == [("7", "account-unmapped", "Add it under mapping.accounts.")]
    assert (dead, outbox, links) == ([("8", 1)], [("invoices:7:create", "12.50")], [("8",)])
