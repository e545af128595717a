"""Which runs there were, who started them, and how they ended."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from stsync.core.canonical import canonical_json, parse_json
from stsync.errors import StsyncError
from stsync.state.audit import Audit
from stsync.state.database import Database, Row
from stsync.state.rows import RunRow
from stsync.state.texts import optional_time, time_from, time_text

_COLUMNS = "run_id, command, stages, dry_run, pid, host, user, started_at, finished_at, exit_code, summary"


class Runs:
    """The table `runs`."""

    def __init__(self, database: Database, audit: Audit, now: Callable[[], datetime]) -> None:
        self._database = database
        self._audit = audit
        self._now = now

    def start(self, command: str, *, stages: Sequence[str], dry_run: bool, pid: int, host: str, user: str) -> str:
        """Begin a run and return its id: the UTC second it began, and four digits against twins. It sorts by time."""
        began = self._now()
        run_id = self._unused_id(began)
        self._database.execute(
            "INSERT INTO runs (run_id, command, stages, dry_run, pid, host, user, started_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (run_id, command, canonical_json(list(stages)), int(dry_run), pid, host, user, time_text(began)),
        )
        return run_id

    def finish(self, run_id: str, exit_code: int, summary: Mapping[str, Any]) -> None:
        """End a run, and write down where the audit ended, so that rows cut off later are missed."""
        with self._database.transaction():
            self._audit.flush()
            changed = self._database.execute(
                "UPDATE runs SET finished_at = ?, exit_code = ?, summary = ?, audit_id = ?, audit_hash = ?"
                " WHERE run_id = ?",
                (time_text(self._now()), int(exit_code), canonical_json(summary), *self._audit.end(), run_id),
            )
        if not changed:
            raise StsyncError("run-unknown", f"The run {run_id} was never started; this is a bug in stsync.")

    def last(self, count: int) -> list[RunRow]:
        """The newest runs, newest first."""
        return self._read("ORDER BY started_at DESC, run_id DESC LIMIT ?", (count,))

    def unfinished(self) -> list[RunRow]:
        """Runs without an end, oldest first: running now, or killed."""
        return self._read("WHERE finished_at IS NULL ORDER BY started_at, run_id", ())

    def _unused_id(self, began: datetime) -> str:
        # Of 65,536 pairs of runs in the same second one has the same digits; the trials of `selftest` met it.
        while True:
            run_id = f"{began.astimezone(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"
            if not self._read("WHERE run_id = ?", (run_id,)):
                return run_id

    def _read(self, rest: str, values: tuple[int | str, ...]) -> list[RunRow]:
        rows = self._database.select(f"SELECT {_COLUMNS} FROM runs {rest}", values)  # noqa: S608 - constants only
        return [_run_row(row) for row in rows]


def _run_row(row: Row) -> RunRow:
    run_id, command, stages, dry_run, pid, host, user, started_at, finished_at, exit_code, summary = row
    return RunRow(
        run_id, command, tuple(parse_json(stages)), bool(dry_run), pid, host, user,
        time_from(started_at), optional_time(finished_at), exit_code, parse_json(summary),
    )  # fmt: skip
