"""The file itself: whose it is, what breaks it, and what a copy leaves alone."""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from state_samples import PIN, child, incoming, intent, kill, store, wait_until_ready

from stsync.errors import ExitCode, LockHeld, StateError
from stsync.state import RunLock, State
from stsync.state.connect import wal_is_safe

posix_only = pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")


def mode(place: Path) -> int:
    return stat.S_IMODE(place.stat().st_mode)


@pytest.fixture(params=[0o022, 0o000, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@posix_only
def test_folders_file_journal_and_lock_are_the_owners_alone_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    path = tmp_path / "one" / "two" / "state.db"
    with RunLock(path, command="sync"), State.open(path) as state, state.transaction():
        store(state, incoming())
        modes = {place.name: mode(place) for place in path.parent.iterdir()}
    assert modes == {"state.db": 0o600, "state.db-journal": 0o600, "state.db.lock": 0o600} or wal_is_safe()
    assert set(modes.values()) == {0o600}
    assert mode(path.parent) == mode(path.parent.parent) == 0o700


@posix_only
def test_a_file_that_others_could_read_is_closed_to_them(path: Path, state: State) -> None:
    path.chmod(0o644)
    State.open(path).close()
    assert mode(path) == 0o600


def test_the_connection_is_durable_and_guarded(state: State) -> None:
    database = state._database
    pragmas = ("synchronous", "foreign_keys", "trusted_schema", "journal_mode")
    found = {name: database.select(f"PRAGMA {name}")[0][0] for name in pragmas}
    journal = "wal" if wal_is_safe() else "truncate"
    assert found == {"synchronous": 2, "foreign_keys": 1, "trusted_schema": 0, "journal_mode": journal}


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 45, 0), False),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 51, 0), False),
        ((3, 51, 3), True),
        ((4, 0, 0), True),
    ],
)
def test_wal_is_used_only_where_its_race_is_fixed(version: tuple[int, int, int], safe: bool) -> None:
    assert wal_is_safe(version) is safe


def test_a_wal_file_is_read_and_copied_like_any_other(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stsync.state.connect.wal_is_safe", lambda: True)
    with State.open(path) as state:
        store(state, incoming())
        assert state._database.select("PRAGMA journal_mode") == [("wal",)]
        before = path.read_bytes()
        with State.open_scratch(path) as scratch:
            assert scratch.inbox.find("invoice", "7")
        assert path.read_bytes() == before
    monkeypatch.undo()
    with State.open(path) as state:
        assert state.inbox.find("invoice", "7")


WRITE_UNTIL_KILLED = """
import sys
from decimal import Decimal
from stsync.state import State, Intent
state = State.open(sys.argv[1])
for number in range(3):
    state.ledger.intend([Intent(f"i:{number}:create", "i", str(number), "create", "e", "n", "d", "{}", None)], "r")
with state.transaction():
    state.ledger.done("i:0:create", run_id="r")
    state._database.execute("PRAGMA cache_spill = 1")
    state._database.execute("PRAGMA cache_size = 1")
    for number in range(10, 600):
        state.ledger.intend([Intent(f"i:{number}:create", "i", str(number), "create", "e", "n", "d", "x" * 4000, None)], "r")
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_a_kill_keeps_what_was_committed_and_nothing_of_an_open_transaction(path: Path) -> None:
    writer = child(WRITE_UNTIL_KILLED, path)
    wait_until_ready(writer)
    kill(writer)
    with State.open(path) as state:
        assert [row.key for row in state.ledger.intended()] == ["i:0:create", "i:1:create", "i:2:create"]
        assert state.check() == 3


def test_a_preview_after_a_kill_sees_the_committed_state_and_repairs_nothing(path: Path) -> None:
    writer = child(WRITE_UNTIL_KILLED, path)
    wait_until_ready(writer)
    kill(writer)
    before = {place.name: place.read_bytes() for place in path.parent.iterdir()}
    assert before.get("state.db-journal") or before.get("state.db-wal")
    with State.open_scratch(path) as scratch:
        assert len(list(scratch.ledger.intended())) == 3
        assert scratch.check() == 3
    assert {place.name: place.read_bytes() for place in path.parent.iterdir()} == before


def test_a_scratch_copy_leaves_the_file_as_it_is_byte_for_byte(path: Path, state: State) -> None:
    store(state, incoming())
    before = {place.name: place.read_bytes() for place in path.parent.iterdir()}
    with state.scratch_copy() as scratch:
        assert scratch.path is None
        scratch.ledger.intend([intent()], "r")
        scratch.inbox.settle("invoice", "7", "posted", run_id="r")
        scratch.pin(PIN)
        assert scratch.ledger.find("invoices:7:create")
    assert {place.name: place.read_bytes() for place in path.parent.iterdir()} == before
    assert state.ledger.find("invoices:7:create") is None
    assert state.pinned is None


def test_a_preview_beside_a_writer_that_never_ends_gives_up(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stsync.state.connect._BUSY_SECONDS", 0.01)
    with State.open(path) as writer:
        writer._database.execute("BEGIN EXCLUSIVE")
        if not wal_is_safe():
            with pytest.raises(LockHeld):
                State.open_scratch(path)
        writer._database.execute("ROLLBACK")


def test_a_copy_in_the_middle_of_a_transaction_is_refused(state: State) -> None:
    with state.transaction(), pytest.raises(RuntimeError, match="half of it"):
        state.scratch_copy()


def test_a_preview_before_the_first_run_creates_nothing(path: Path) -> None:
    with State.open_scratch(path) as scratch:
        assert store(scratch, incoming()) == (1, 0, 0, 0)
    assert not path.parent.exists()


def test_opening_a_file_of_this_version_writes_nothing(path: Path, state: State) -> None:
    state.close()
    before = path.read_bytes()
    State.open(path).close()
    assert path.read_bytes() == before


def test_opening_a_file_of_this_version_does_not_load_sqlite_utils(path: Path, state: State) -> None:
    program = (
        "import sys; from stsync.state import State; State.open(sys.argv[1]); sys.exit('sqlite_utils' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program, path], check=False).returncode == 0


OPEN_ALL_AT_ONCE = """
import sys
from stsync.state import State, Intent
print("ready", flush=True)
sys.stdin.readline()
with State.open(sys.argv[1]) as state:
    for number in range(20):
        key = f"i:{sys.argv[2]}-{number}:create"
        state.ledger.intend([Intent(key, "i", "1", "create", "e", "n", "d", "{}", None)], "r")
"""


def test_programs_that_open_a_new_file_at_the_same_moment_all_succeed(path: Path) -> None:
    openers = [child(OPEN_ALL_AT_ONCE, path, number) for number in range(4)]
    for opener in openers:
        wait_until_ready(opener)
    for opener in openers:
        assert opener.stdin is not None
        opener.stdin.write("go\n")
        opener.stdin.flush()
    for opener in openers:
        opener.communicate(timeout=60)
    assert [opener.returncode for opener in openers] == [0, 0, 0, 0]
    with State.open(path) as state:
        assert len(list(state.ledger.intended())) == 80
        assert state.check() == 80


@pytest.mark.parametrize("opening", [State.open, State.open_scratch])
@pytest.mark.parametrize(
    "content", [b"not a database at all, but long enough to be one" * 50, b"SQLite format 3\0" * 99]
)
def test_a_file_that_is_no_database_is_called_damaged(tmp_path: Path, content: bytes, opening: object) -> None:
    path = tmp_path / "state.db"
    path.write_bytes(content)
    with pytest.raises(StateError) as told:
        opening(path)  # type: ignore[operator]
    assert told.value.reference == "state-damaged"
    assert str(path) in told.value.message
    assert "backup" in told.value.hint
    assert path.read_bytes() == content


def test_damage_in_the_middle_is_found_by_the_check(path: Path, state: State) -> None:
    store(state, *(incoming(str(number), text=str(3 ** (3900 + number))) for number in range(200)))
    state.close()
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 20_000] = b"\xff" * 20_000
    path.write_bytes(content)
    with State.open(path) as damaged, pytest.raises(StateError) as told:
        damaged.check()
    assert told.value.reference == "state-damaged"


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "photos.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE photos (id INTEGER)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(StateError) as told:
        State.open(path)
    assert told.value.reference == "state-not-ours"
    assert path.read_bytes() == before


@pytest.mark.parametrize("opening", [State.open, State.open_scratch])
def test_a_folder_in_the_files_place_is_told_plainly(tmp_path: Path, opening: object) -> None:
    with pytest.raises(StateError) as told:
        opening(tmp_path)  # type: ignore[operator]
    assert told.value.reference == "state-no-access"
    assert told.value.exit_code is ExitCode.USAGE


def test_a_file_where_a_folder_should_be_is_told_plainly(tmp_path: Path) -> None:
    (tmp_path / "books").write_text("")
    with pytest.raises(StateError) as told:
        State.open(tmp_path / "books" / "state.db")
    assert told.value.reference == "state-no-access"


@pytest.mark.parametrize(
    ("number", "reference"),
    [
        (errno.EROFS, "state-read-only"),
        (errno.EACCES, "state-no-access"),
        (errno.ENOSPC, "state-disk-full"),
        (errno.EDQUOT, "state-disk-full"),
    ],
)
def test_what_the_system_refuses_is_told_in_our_words(
    path: Path, monkeypatch: pytest.MonkeyPatch, number: int, reference: str
) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("stsync.state.files.os.open", refuse)
    with pytest.raises(StateError) as told:
        State.open(path)
    assert told.value.reference == reference
    assert told.value.note == os.strerror(number)


def test_a_read_only_file_refuses_writes_in_our_words(path: Path, state: State) -> None:
    state.close()
    state._database.connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None)
    with pytest.raises(StateError) as told:
        state.notes.note("mapping", "digest")
    assert told.value.reference == "state-read-only"
    assert state.notes.note("mapping") is None


def test_a_full_disk_stops_the_transaction_and_keeps_what_was_there(state: State) -> None:
    store(state, incoming("1"))
    pages = state._database.select("PRAGMA page_count")[0][0]
    state._database.select(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StateError) as told:
        store(state, *(incoming(str(number), text="x" * 5000) for number in range(2, 50)), token="next")
    assert told.value.reference == "state-disk-full"
    assert [row.source_id for row in state.inbox.rows("invoice", ["pending"])] == ["1"]
    assert state.cursors.token("invoices") is None


def test_another_writer_that_never_ends_is_told_plainly(path: Path, state: State) -> None:
    with State.open(path) as other, other.transaction():
        state._database.select("PRAGMA busy_timeout = 1")
        with pytest.raises(LockHeld) as told:
            state.ledger.intend([intent()], "r")
    assert told.value.reference == "state-busy"
    assert told.value.exit_code is ExitCode.LOCKED


def test_a_transaction_that_fails_leaves_nothing(state: State) -> None:
    def store_and_fail() -> None:
        with state.transaction():
            store(state, incoming())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store_and_fail()
    assert state.inbox.find("invoice", "7") is None


def test_an_inner_transaction_that_fails_undoes_only_itself(state: State) -> None:
    def store_and_fail() -> None:
        with state.transaction():
            store(state, incoming("2"))
            raise ZeroDivisionError

    with state.transaction():
        store(state, incoming("1"))
        with pytest.raises(ZeroDivisionError):
            store_and_fail()
        store(state, incoming("3"))
    assert [row.source_id for row in state.inbox.rows("invoice", ["pending"])] == ["1", "3"]


def test_an_inner_transaction_is_not_durable_before_the_outer_one(path: Path, state: State) -> None:
    with State.open(path) as other, state.transaction():
        with state.transaction():
            store(state, incoming())
        if not wal_is_safe():
            assert other.inbox.find("invoice", "7") is None


def test_our_own_wrong_sql_stays_a_bug(state: State) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        state._database.select("SELECT * FROM nowhere")


def test_a_new_file_belongs_to_nobody_and_then_to_one_pair(path: Path, state: State) -> None:
    state.check_pin(PIN)
    assert state.pinned is None
    state.pin(PIN)
    state.pin(PIN)
    assert state.pinned == PIN
    with State.open(path) as other:
        assert other.pinned == PIN


@pytest.mark.parametrize("change", ["st_tenant", "st_environment", "bc_tenant", "bc_environment", "bc_company_id"])
def test_a_file_of_another_pair_is_refused_and_both_are_named(state: State, change: str) -> None:
    state.pin(PIN)
    other = type(PIN)(**{**vars(PIN), change: "somewhere-else", "bc_company_name": "Fabrikam"})
    for attempt in (state.check_pin, state.pin):
        with pytest.raises(StateError) as told:
            attempt(other)
        assert told.value.reference == "state-pinned-elsewhere"
        assert "Contoso Air" in told.value.message
        assert "Fabrikam" in told.value.message
    assert state.pinned == PIN


def test_a_renamed_company_and_other_capitals_are_the_same_pair(state: State) -> None:
    state.pin(PIN)
    renamed = type(PIN)(
        **{**vars(PIN), "bc_company_name": "Contoso Air LLC", "bc_company_id": PIN.bc_company_id.upper()}
    )
    state.pin(renamed)
    assert state.pinned == renamed


def test_notes_are_remembered(path: Path, state: State) -> None:
    assert state.notes.note("mapping") is None
    assert state.notes.note("mapping", "d1") == "d1"
    assert state.notes.note("mapping", "d2") == "d2"
    with State.open(path) as other:
        assert other.notes.all() == {"mapping": "d2"}


def snapshot(path: Path) -> dict[str, bytes]:
    return {place.name: place.read_bytes() for place in path.parent.iterdir()}


def test_a_reader_asks_the_file_itself_and_can_write_nothing(path: Path, state: State) -> None:
    store(state, incoming())
    state.close()
    before = path.read_bytes()
    with State.open_reading(path) as reader:
        assert reader.path == path
        assert reader.inbox.find("invoice", "7")
        for write in (
            lambda: reader.inbox.replay(states=("pending",)),
            lambda: reader.audit.append("x", run_id="", detail={}),
            lambda: reader.pin(PIN),
        ):
            with pytest.raises(StateError):
                write()
    assert path.read_bytes() == before


def test_a_reader_keeps_no_run_from_going_on_and_sees_what_it_does(path: Path, state: State) -> None:
    with State.open_reading(path) as reader:
        store(state, incoming())
        rows = reader.inbox.rows("invoice", ["pending"])
        assert next(rows).source_id == "7"
        store(state, incoming("8"))
        assert reader.inbox.find("invoice", "8")


def test_what_is_read_in_one_moment_does_not_change_in_it(path: Path, state: State) -> None:
    state._database.select("PRAGMA busy_timeout = 1")
    with State.open_reading(path) as reader, reader.still():
        assert reader.inbox.counts() == {}
        with suppress(LockHeld):
            store(state, incoming())
        assert reader.inbox.counts() == {}
    store(state, incoming())
    with State.open_reading(path) as reader:
        assert reader.inbox.find("invoice", "7")


def test_a_reader_after_a_kill_sees_the_committed_state_and_repairs_nothing(path: Path) -> None:
    writer = child(WRITE_UNTIL_KILLED, path)
    wait_until_ready(writer)
    kill(writer)
    before = snapshot(path)
    with State.open_reading(path) as reader:
        assert reader.check() == 3
    assert snapshot(path) == before


def test_a_reader_before_the_first_run_finds_nothing_and_creates_nothing(path: Path) -> None:
    with State.open_reading(path) as reader:
        assert reader.inbox.counts() == {}
    assert not path.parent.exists()


def test_a_reader_of_a_spoiled_file_is_told_so(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(StateError) as told:
        State.open_reading(path)
    assert told.value.reference == "state-damaged"
