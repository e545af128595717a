"""Backups are whole, private, and put back without a loss."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest
from state_samples import PIN

from stsync.errors import StateError, UsageError
from stsync.state import State
from stsync.state.copies import backup, restore, verify


@pytest.fixture
def state_file(tmp_path):
    path = tmp_path / "stsync.db"
    with State.open(path) as state:
        state.pin(PIN)
        state.notes.note("week", "last")
        state.audit.append("something", run_id="r", detail={})
    return path


def week(path):
    with State.open_scratch(path) as state:
        return state.notes.note("week")


def test_a_backup_holds_everything_also_what_stands_beside_the_file(state_file, tmp_path):
    with State.open(state_file) as state:
        state.notes.note("week", "this")  # in the write-ahead log only, while the file is open
        backup(state_file, tmp_path / "copy.db")
    assert week(tmp_path / "copy.db") == "this"
    assert verify(tmp_path / "copy.db", PIN).audit_rows == 1


def test_a_backup_is_its_owners_alone_and_never_written_over(state_file, tmp_path):
    backup(state_file, tmp_path / "copy.db")
    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600
    with pytest.raises(UsageError) as refused:
        backup(state_file, tmp_path / "copy.db")
    assert refused.value.reference == "file-exists"


def test_an_old_backup_comes_back_and_the_present_file_is_kept(state_file, tmp_path):
    backup(state_file, tmp_path / "copy.db")
    with State.open(state_file) as state:
        state.notes.note("week", "this")
    restore(tmp_path / "copy.db", state_file, aside=tmp_path / "kept.db")
    assert (week(state_file), week(tmp_path / "kept.db")) == ("last", "this")


def test_a_backup_in_the_present_folder_is_named_as_it_lies_there(state_file, tmp_path, monkeypatch):
    """`stsync state restore monday.db` ended as a bug."""
    monkeypatch.chdir(tmp_path)
    backup(state_file, Path("monday.db"))
    with State.open(state_file) as state:
        state.notes.note("week", "this")
    restore(Path("monday.db"), state_file, aside=tmp_path / "kept.db")
    assert week(state_file) == "last"


def test_a_changed_audit_row_is_found(state_file):
    with sqlite3.connect(state_file) as raw:
        raw.execute("DROP TRIGGER audit_is_never_changed")
        raw.execute("UPDATE audit SET detail = x'00'")
    with pytest.raises(StateError) as found:
        verify(state_file)
    assert found.value.reference == "audit-changed"


def test_a_damaged_backup_is_not_put_back(state_file, tmp_path):
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    with pytest.raises(StateError):
        verify(broken)
    with pytest.raises(StateError):
        restore(broken, state_file, aside=tmp_path / "kept.db")
    assert week(state_file) == "last"
