"""Connections to the state file: durable when writing, harmless when only copying."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from stsync.errors import StateError
from stsync.state.complaints import explained, explained_os_error, no_access, on_network
from stsync.state.database import Database
from stsync.state.files import private_file
from stsync.state.place import place_of, read_mounts

# NORMAL would be faster, and could forget after a power cut that an invoice was sent (ecosystem facts 4.2).
SYNCHRONOUS = "FULL"
_BUSY_SECONDS = 30
# SQLite's own 2 MB are read over and over: a document touches pages of ten tables and indexes.
_CACHE_KILOBYTES = 16_000
# STRICT tables came with 3.37; every Python 3.11 that we know of carries a newer one.
_OLDEST_SQLITE = (3, 37, 0)
_BESIDE = ("-journal", "-wal", "-shm")


def connect_writing(path: Path) -> Database:
    """The file, created for its owner only, in the journal mode that is safe with this SQLite."""
    _raise_if_sqlite_too_old()
    place = place_of(path, read_mounts())
    if place.network:
        raise on_network(str(path), place.network)
    os.close(private_file(path))
    database = Database(_connect(str(path)), path)
    try:
        database.execute(f"PRAGMA synchronous = {SYNCHRONOUS}")
        database.execute(f"PRAGMA cache_size = -{_CACHE_KILOBYTES}")
        _choose_journal(database, synchronised=bool(place.synchronised_by))
        _guard_schema(database)
    except BaseException:
        database.close()
        raise
    return database


def connect_scratch() -> Database:
    """An empty database that nobody else can open: SQLite keeps it in a file without a name, which is gone when it is
    closed or the process ends. Copies of the state go there, which may be larger than the memory.
    """
    _raise_if_sqlite_too_old()
    database = Database(_connect(""), None)
    _guard_schema(database)
    return database


def connect_reading(path: Path) -> Database | None:
    """The file itself, for questions only; None where it cannot be read without finishing what a crash left behind.

    Raises StateError if it is damaged or cannot be read.
    """
    if path.is_dir():
        raise no_access(str(path), "it is a folder")
    _raise_if_sqlite_too_old()
    database = Database(_connect(f"{path.as_uri()}?mode=ro", uri=True), path)
    try:
        _guard_schema(database)
        database.connection.execute("SELECT 1 FROM sqlite_master").fetchall()
    except sqlite3.Error as error:
        database.close()
        if _needs_recovery(error):
            return None
        raise explained(error, path) or error from error
    except BaseException:
        database.close()
        raise
    return database


def copy_file(path: Path, target: Database) -> None:
    """Copy the file into a scratch database without writing to it, not even to finish what a crash left behind.

    Raises StateError if it is damaged or cannot be read.
    """
    if path.is_dir():
        raise no_access(str(path), "it is a folder")
    try:
        _copy_reading(path, target)
    except sqlite3.Error as error:
        if not _needs_recovery(error):
            raise explained(error, path) or error from error
        with _private_twin(path) as twin:
            _copy_recovered(twin, path, target)


def wal_is_safe(version: tuple[int, int, int] = sqlite3.sqlite_version_info) -> bool:
    """Whether this SQLite has the fix for the WAL-reset race that corrupts files (ecosystem facts 0.7)."""
    return version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)


def _connect(name: str, *, uri: bool = False) -> sqlite3.Connection:
    # The lanes of a run share the connection, one statement at a time (Database has the lock).
    try:
        return sqlite3.connect(name, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False, uri=uri)
    except sqlite3.Error as error:
        raise explained(error, Path(name)) or error from error


def _choose_journal(database: Database, *, synchronised: bool) -> None:
    # TRUNCATE rather than DELETE: both are rollback journals, but after a power cut a deleted journal may come
    # back and undo the last commit, while a truncated one is synced with synchronous=FULL (SQLite, pragma EXTRA).
    # A program that copies the folder elsewhere copies file and WAL at different moments; one file is at least whole.
    wanted = "wal" if wal_is_safe() and not synchronised else "truncate"
    row = database.one("PRAGMA journal_mode")
    if row is None or row[0] != wanted:
        database.select(f"PRAGMA journal_mode = {wanted}")


def _guard_schema(database: Database) -> None:
    database.execute("PRAGMA foreign_keys = ON")
    database.execute("PRAGMA trusted_schema = OFF")


def _raise_if_sqlite_too_old() -> None:
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise StateError(
            "state-sqlite-too-old",
            f"This Python carries SQLite {sqlite3.sqlite_version}; stsync needs 3.37 or newer.",
            hint="Install a newer Python.",
        )


def _copy_reading(path: Path, target: Database) -> None:
    # A person names a backup as it lies in his folder, and an address has no such thing.
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", timeout=_BUSY_SECONDS, uri=True)) as source:
        # Python's backup waits without end for a writer; a read does so for the busy timeout only.
        source.execute("BEGIN")
        source.execute("SELECT 1 FROM sqlite_master").fetchall()
        source.backup(target.connection)


def _needs_recovery(error: sqlite3.Error) -> bool:
    # A reader may not roll back what a killed writer left; SQLite says so with one of these.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}


@contextmanager
def _private_twin(path: Path) -> Iterator[Path]:
    # mkdtemp makes the folder 0700.
    with tempfile.TemporaryDirectory(prefix="stsync-") as folder:
        twin = Path(folder) / path.name
        try:
            for suffix in ("", *_BESIDE):
                beside = path.with_name(path.name + suffix)
                if not suffix or beside.exists():
                    shutil.copyfile(beside, twin.with_name(twin.name + suffix))
        except OSError as error:
            raise explained_os_error(error, str(path)) from error
        yield twin


def _copy_recovered(twin: Path, path: Path, target: Database) -> None:
    try:
        with closing(sqlite3.connect(twin)) as source:
            source.backup(target.connection)
    except sqlite3.Error as error:
        raise explained(error, path) or error from error
