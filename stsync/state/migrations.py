"""The shape of the state file, step by step.

A migration that has been released is never edited: the files of our users carry its name. A change is a new
function at the end, tested from the first version with rows in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from stsync.errors import StateError
from stsync.state.database import Database

if TYPE_CHECKING:
    import sqlite_utils

    Step = Callable[[sqlite_utils.Database], None]

SET_NAME = "stsync"
# "STSY": tells a state file from any other SQLite database that `state:` may point at by mistake.
APPLICATION_ID = 0x53545359


def m001_first_shape(db: sqlite_utils.Database) -> None:
    """Everything of version 0.1: pin, cursors, inbox with versions, ledger, audit, runs, notes, and views for people."""
    for statement in (*_TABLES, *_TRIGGERS, *_VIEWS, f"PRAGMA application_id = {APPLICATION_ID}"):
        db.execute(statement)


MIGRATIONS: tuple[Step, ...] = (m001_first_shape,)


def migrate(database: Database, steps: Sequence[Step] = MIGRATIONS) -> None:
    """Bring the file to this program's shape, in one transaction; a file that has it already is not written to.

    Raises StateError for a database that is not ours and for one that a newer stsync has changed.
    """
    if not _missing(database, steps):
        return
    # Asked again inside: two programs may open a new file at the same moment (ecosystem facts 4.1).
    with database.transaction():
        if _missing(database, steps):
            _apply(database, steps)


def is_present(database: Database, steps: Sequence[Step] = MIGRATIONS) -> bool:
    """Whether the file has this program's shape. Raises what migrate raises."""
    return not _missing(database, steps)


def applied(database: Database) -> tuple[str, ...]:
    """The names of the migrations the file has had, oldest first."""
    if not database.one("SELECT 1 FROM sqlite_master WHERE name = '_sqlite_migrations'"):
        return ()
    rows = database.select("SELECT name FROM _sqlite_migrations WHERE migration_set = ? ORDER BY rowid", (SET_NAME,))
    return tuple(name for (name,) in rows)


def _missing(database: Database, steps: Sequence[Step]) -> bool:
    had = applied(database)
    known = {_name(step) for step in steps}
    if not had:
        _raise_if_not_ours(database)
    if not known.issuperset(had):
        raise StateError(
            "state-newer",
            f"The state file {database.path} was written by a newer version of stsync than this one.",
            hint="Update stsync on this computer.",
            note=", ".join(sorted(set(had) - known)),
            context={"state": str(database.path)},
        )
    return len(had) < len(known)


def _raise_if_not_ours(database: Database) -> None:
    if database.one("SELECT 1 FROM sqlite_master LIMIT 1"):
        raise StateError(
            "state-not-ours",
            f"{database.path} is a database of another program, not a state file of stsync; it was left alone.",
            hint="Point `state:` in the configuration at another file.",
            context={"state": str(database.path)},
        )


def _apply(database: Database, steps: Sequence[Step]) -> None:
    # Imported only when there is something to apply: it costs 100 ms (ecosystem facts 1.2).
    import sqlite_utils

    migrations = sqlite_utils.Migrations(SET_NAME)
    for step in steps:
        migrations(name=_name(step))(step)
    # Plug-ins of a shared environment have no business in a process that holds secrets (ecosystem facts 4.1).
    migrations.apply(sqlite_utils.Database(database.connection, execute_plugins=False))


def _name(step: Step) -> str:
    return step.__name__


_TABLES = (
    """
    CREATE TABLE pin (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        st_tenant TEXT NOT NULL, st_environment TEXT NOT NULL,
        bc_tenant TEXT NOT NULL, bc_environment TEXT NOT NULL,
        bc_company_id TEXT NOT NULL, bc_company_name TEXT NOT NULL
    ) STRICT""",
    "CREATE TABLE cursors (feed TEXT PRIMARY KEY, token TEXT, read_at TEXT) STRICT",
    # Long texts are packed (state/packing.py). The content comes last: lists and counts then never walk through its
    # overflow pages.
    """
    CREATE TABLE inbox (
        id INTEGER PRIMARY KEY,
        kind TEXT NOT NULL, source_id TEXT NOT NULL, source_order INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('pending', 'waiting', 'held', 'dead', 'settled')),
        outcome TEXT, hash TEXT NOT NULL, modified_at TEXT,
        first_seen_at TEXT NOT NULL, changed_at TEXT NOT NULL, last_seen_at TEXT NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0, reason TEXT, run_id TEXT,
        number TEXT, amount TEXT, units INTEGER, customer_name TEXT, dated TEXT, parent TEXT,
        content BLOB NOT NULL
    ) STRICT""",
    "CREATE UNIQUE INDEX inbox_by_id ON inbox (kind, source_id)",
    "CREATE INDEX inbox_in_order ON inbox (kind, state, source_order, source_id)",
    "CREATE INDEX inbox_by_outcome ON inbox (outcome, kind, source_order, source_id) WHERE outcome IS NOT NULL",
    # An amount that a sum of ten-thousandths cannot hold (state/totals.py).
    "CREATE INDEX inbox_odd_amounts ON inbox (id) WHERE amount IS NOT NULL AND units IS NULL",
    """
    CREATE TABLE totals (
        kind TEXT NOT NULL, state TEXT NOT NULL, outcome TEXT NOT NULL,
        records INTEGER NOT NULL, units INTEGER NOT NULL,
        PRIMARY KEY (kind, state, outcome)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX inbox_by_parent ON inbox (kind, parent) WHERE parent IS NOT NULL",
    """
    CREATE TABLE versions (
        id INTEGER PRIMARY KEY,
        kind TEXT NOT NULL, source_id TEXT NOT NULL,
        seen_at TEXT NOT NULL, modified_at TEXT, hash TEXT NOT NULL, content BLOB NOT NULL
    ) STRICT""",
    "CREATE INDEX versions_by_source ON versions (kind, source_id)",
    """
    CREATE TABLE ledger (
        id INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE, run_id TEXT NOT NULL,
        stage TEXT NOT NULL, source_id TEXT NOT NULL, verb TEXT NOT NULL, entity TEXT NOT NULL,
        natural_key TEXT NOT NULL, digest TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('intended', 'done', 'refused')),
        target_id TEXT, target_number TEXT, amount TEXT,
        intended_at TEXT NOT NULL, done_at TEXT, request_id TEXT,
        untold INTEGER, reason TEXT, detail BLOB NOT NULL, body BLOB NOT NULL
    ) STRICT""",
    "CREATE INDEX ledger_by_source ON ledger (stage, source_id)",
    "CREATE INDEX ledger_open ON ledger (id) WHERE state = 'intended'",
    "CREATE INDEX ledger_untold ON ledger (stage, source_id, id) WHERE untold = 1",
    "CREATE INDEX ledger_of_cards ON ledger (target_id) WHERE stage = 'customers' AND state = 'done'",
    """
    CREATE TABLE audit (
        id INTEGER PRIMARY KEY,
        at TEXT NOT NULL, run_id TEXT NOT NULL, event TEXT NOT NULL,
        stage TEXT NOT NULL, source_id TEXT NOT NULL, detail BLOB NOT NULL, hash BLOB NOT NULL
    ) STRICT""",
    "CREATE INDEX audit_by_source ON audit (stage, source_id)",
    """
    CREATE TABLE runs (
        run_id TEXT PRIMARY KEY,
        command TEXT NOT NULL, stages TEXT NOT NULL, dry_run INTEGER NOT NULL,
        pid INTEGER NOT NULL, host TEXT NOT NULL, user TEXT NOT NULL,
        started_at TEXT NOT NULL, finished_at TEXT, exit_code INTEGER, summary TEXT NOT NULL DEFAULT '{}',
        audit_id INTEGER, audit_hash BLOB
    ) STRICT""",
    "CREATE INDEX runs_in_order ON runs (started_at, run_id)",
    "CREATE INDEX runs_unfinished ON runs (started_at, run_id) WHERE finished_at IS NULL",
    "CREATE TABLE notes (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
)

_ENTERS = """
    INSERT INTO totals (kind, state, outcome, records, units)
    VALUES (NEW.kind, NEW.state, coalesce(NEW.outcome, ''), 1, coalesce(NEW.units, 0))
    ON CONFLICT (kind, state, outcome) DO UPDATE SET records = records + 1, units = units + excluded.units"""
_LEAVES = """
    UPDATE totals SET records = records - 1, units = units - coalesce(OLD.units, 0)
    WHERE kind = OLD.kind AND state = OLD.state AND outcome = coalesce(OLD.outcome, '')"""

_TRIGGERS = (
    """
    CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit is never changed'); END""",
    """
    CREATE TRIGGER audit_is_never_shortened BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit is never shortened'); END""",
    # INSERT OR REPLACE deletes without asking the trigger above.
    """
    CREATE TRIGGER audit_is_never_replaced BEFORE INSERT ON audit
    WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'the audit is never changed'); END""",
    f"CREATE TRIGGER a_record_comes AFTER INSERT ON inbox BEGIN {_ENTERS}; END",
    f"""
    CREATE TRIGGER a_record_moves AFTER UPDATE OF kind, state, outcome, units ON inbox
    WHEN (OLD.kind, OLD.state, OLD.outcome, OLD.units) IS NOT (NEW.kind, NEW.state, NEW.outcome, NEW.units)
    BEGIN {_LEAVES}; {_ENTERS}; END""",
    f"CREATE TRIGGER a_record_goes AFTER DELETE ON inbox BEGIN {_LEAVES}; END",
)

_VIEWS = (
    """
    CREATE VIEW outbox AS
    SELECT key, stage, source_id, verb, entity, natural_key, amount, run_id, intended_at
    FROM ledger WHERE state = 'intended' ORDER BY id""",
    """
    CREATE VIEW links AS
    SELECT stage, source_id, verb, entity, target_number, target_id, natural_key, amount, done_at, run_id
    FROM ledger WHERE state = 'done' ORDER BY id""",
    """
    CREATE VIEW held AS
    SELECT kind, source_id, number, customer_name, dated, amount,
        json_extract(reason, '$.reference') AS reference, json_extract(reason, '$.message') AS message,
        json_extract(reason, '$.hint') AS hint, json_extract(reason, '$.note') AS note, attempts, changed_at
    FROM inbox WHERE state = 'held' ORDER BY kind, source_order, source_id""",
    """
    CREATE VIEW dead_letters AS
    SELECT kind, source_id, number, customer_name, dated, amount,
        json_extract(reason, '$.reference') AS reference, json_extract(reason, '$.message') AS message,
        json_extract(reason, '$.hint') AS hint, json_extract(reason, '$.note') AS note, attempts, changed_at
    FROM inbox WHERE state = 'dead' ORDER BY kind, source_order, source_id""",
)
