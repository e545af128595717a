"""Who runs, who ran, and that only one does at a time."""

from __future__ import annotations

import errno
import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from state_samples import Clock, child, kill, wait_until_ready

from stsync.errors import ExitCode, LockHeld, StateError, StsyncError
from stsync.state import RunLock, State


def start(state: State, command: str = "sync") -> str:
    return state.runs.start(command, stages=("customers", "invoices"), dry_run=False, pid=7, host="h", user="ada")


def test_two_runs_in_one_second_have_two_names_whatever_chance_says(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digits = iter(["aaaa", "aaaa", "bbbb"])
    second = datetime(2026, 11, 22, 16, 25, tzinfo=UTC)
    with State.open(path, now=lambda: second) as state:
        monkeypatch.setattr("stsync.state.runs.secrets.token_hex", lambda _: next(digits))
        assert [start(state), start(state)] == ["20261122T162500-aaaa", "20261122T162500-bbbb"]


def test_a_run_id_is_readable_and_sorts_by_time(state: State) -> None:
    ids = [start(state) for _ in range(3)]
    assert ids == sorted(ids)
    assert re.fullmatch(r"20261122T162502-[0-9a-f]{4}", ids[0])


def test_a_run_without_an_end_is_unfinished_until_it_ends(path: Path, state: State) -> None:
    killed, ended = start(state), start(state, "sync-invoices")
    state.runs.finish(ended, ExitCode.HELD, {"held": 2})
    assert [run.run_id for run in state.runs.unfinished()] == [killed]
    with State.open(path) as other:
        run = other.runs.last(1)[0]
    assert (run.run_id, run.command, run.stages, run.dry_run) == (
        ended,
        "sync-invoices",
        ("customers", "invoices"),
        False,
    )
    assert (run.exit_code, run.summary, run.pid, run.host, run.user) == (3, {"held": 2}, 7, "h", "ada")
    assert run.finished_at is not None
    assert run.finished_at > run.started_at


def test_the_last_runs_come_newest_first(state: State) -> None:
    ids = [start(state) for _ in range(4)]
    assert [run.run_id for run in state.runs.last(2)] == [ids[3], ids[2]]


def test_a_run_that_never_began_cannot_end(state: State) -> None:
    with pytest.raises(StsyncError, match="never started"):
        state.runs.finish("20261122T162502-0000", 0, {})


HOLD = """
import sys
from stsync.state import RunLock
with RunLock(sys.argv[1], command="sync-invoices --quiet"):
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_a_second_run_is_told_who_works_and_since_when(path: Path) -> None:
    holder = child(HOLD, path)
    wait_until_ready(holder)
    with pytest.raises(LockHeld) as told, RunLock(path, command="sync"):
        pass
    kill(holder)
    assert (told.value.reference, told.value.exit_code) == ("another-run", ExitCode.LOCKED)
    assert told.value.context["pid"] == str(holder.pid)
    assert told.value.context["command"] == "sync-invoices --quiet"
    assert f'"sync-invoices --quiet", started by {told.value.context["user"]}' in told.value.message
    assert f"(process {holder.pid}), since 20" in told.value.message


def test_a_killed_run_leaves_no_lock(path: Path) -> None:
    holder = child(HOLD, path)
    wait_until_ready(holder)
    kill(holder)
    lock = RunLock(path, command="sync")
    assert str(holder.pid) in lock.path.read_text()
    with lock:
        assert f'"pid":{os.getpid()}' in lock.path.read_text()


def test_the_lock_is_free_again_after_the_run_and_names_nobody(path: Path, clock: Clock) -> None:
    for _ in range(2):
        with RunLock(path, command="sync", now=clock) as lock:
            assert '"since":"2026-11-22T16:25:' in lock.path.read_text()
        assert lock.path.read_text() == ""


def test_a_run_that_fails_gives_its_lock_back(path: Path) -> None:
    def fail() -> None:
        with RunLock(path, command="sync"):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with RunLock(path, command="sync") as lock:
        assert lock.path.name == "state.db.lock"


def test_the_same_file_by_another_name_is_the_same_lock(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    link = path.parent / "link.db"
    try:
        link.symlink_to(path)
    except OSError:
        pytest.skip("this system makes no links")
    with RunLock(path, command="sync"), pytest.raises(LockHeld), RunLock(link, command="sync"):
        pass


def test_two_state_files_are_two_locks(path: Path) -> None:
    with RunLock(path, command="sync") as one, RunLock(path.with_name("other.db"), command="sync") as other:
        assert one.path != other.path


def test_a_holder_that_has_not_yet_said_its_name_is_still_a_holder(path: Path) -> None:
    with RunLock(path, command="sync") as lock:
        lock.path.write_text("")
        with pytest.raises(LockHeld) as told, RunLock(path, command="sync"):
            pass
    assert told.value.message == "Another run is using this state file. Nothing was read or written."


def test_a_lock_in_an_impossible_place_is_told_plainly(tmp_path: Path) -> None:
    (tmp_path / "books").write_text("")
    with pytest.raises(StateError) as told, RunLock(tmp_path / "books" / "state.db", command="sync"):
        pass
    assert told.value.reference == "state-no-access"


def test_a_drive_without_locks_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int) -> bool:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("stsync.state.lock.try_lock", refuse)
    with pytest.raises(StateError) as told, RunLock(path, command="sync"):
        pass
    assert told.value.note == "No locks available"
