"""A state file that has seen as many documents as you like, all settled: what a run is measured on years later.

    python bench/seeded_state.py stsync.db 1000000

A demo month is carried once, and its rows (those that are settled; records, writes, audit, notes) are written again and
again under other ids: ServiceTitan's get the number of the copy in front, Business Central's carry it at their end. So the
rows are such as stsync itself writes, and the audit's chain verifies. The file belongs to no company yet and has read no
feed: the first run on it reads the feeds of its own world, whose ids are not in the file.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from stsync.core.canonical import sha256_of
from stsync.engine.run import Order, run
from stsync.engine.scope import STAGES, Scope
from stsync.sandbox.world import World
from stsync.state import State
from stsync.state.audit import seal
from stsync.state.connect import connect_writing
from stsync.state.database import Database
from stsync.state.intake import place_in_order
from stsync.state.packing import packed, unpacked
from stsync.wiring import wire

_MONTH = 400
_DOCUMENTS = ("invoices", "credit_memos", "payments")
_KEPT = (*_DOCUMENTS, "customers", "contacts", "write_backs")
_CARRIED = ("posted", "created", "part_of_customer", "told")
_LONG = ("content", "detail", "body")
_GUID = re.compile(r"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-)[0-9a-f]{12}")
_NUMBER = re.compile(r"[0-9]{6,}")
# No text of ours holds such characters: JSON escapes them.
_HERE, _END, _RUN = "\x01", "\x02", "\x03"
_LAST_RUN = datetime(2026, 5, 1, 6, 0, tzinfo=UTC)
Row = dict[str, Any]


@dataclass(frozen=True)
class Month:
    """The rows of a carried month, by table, with marks where another copy has other ids."""

    documents: int
    rows: dict[str, list[Row]]


def seeded_state(path: Path | str, documents: int, *, write_back: bool = False) -> int:
    """Write a state file that has seen at least so many documents; returns how many it has.

    `write_back`: ServiceTitan was told of them, as a configuration that asks for it does.
    """
    with tempfile.TemporaryDirectory() as folder:
        return multiplied(carried_month(Path(folder), write_back=write_back), Path(path), documents)


def carried_month(folder: Path, *, invoices: int = _MONTH, write_back: bool = False) -> Month:
    """Carry a demo month with stsync itself, and take the rows of what was settled."""
    with World(invoices=invoices, folder=folder, plain=True) as world, _environment(world):
        config = folder / "config.yaml"
        config.write_text(world.config_text(folder, complete=True, write_back=write_back), encoding="utf-8")
        run(wire(config), Order(Scope(STAGES), "stsync sync"))
    return month_of(folder / "stsync.db")


def month_of(state_file: Path) -> Month:
    """The settled rows of a state file."""
    database = connect_writing(state_file)
    try:
        return _Reading(database).month()
    finally:
        database.close()


def multiplied(month: Month, path: Path, documents: int) -> int:
    """Add copies of the month until the file has seen so many documents more; returns how many."""
    copies = max(1, -(-documents // month.documents))
    State.open(path).close()
    database = connect_writing(path)
    try:
        database.execute("PRAGMA synchronous = OFF")
        database.execute("PRAGMA cache_size = -400000")
        _Writing(database, month, copies).all()
    finally:
        database.close()
    return copies * month.documents


class _Reading:
    """Takes a carried month apart."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._records = {
            (row["kind"], row["source_id"]): row
            for row in self._rows("inbox")
            if row["kind"] in _KEPT and row["state"] == "settled" and row["outcome"] in _CARRIED
        }
        # A contact is copied with its customer only: the copies would gather at a customer who is there once.
        lonely = [
            key for key, row in self._records.items()
            if key[0] == "contacts" and ("customers", row["parent"]) not in self._records
        ]  # fmt: skip
        for key in lonely:
            del self._records[key]
        ours = [row for row in self._rows("ledger") if (row["stage"], row["source_id"]) in self._records]
        self._done = [row for row in ours if row["state"] == "done"]
        names = [text for row in self._records.values() for text in (row["source_id"], row["number"])]
        names += [row["target_number"] for row in self._done]
        self._ids = {found for text in names for found in _NUMBER.findall(text or "")}

    def month(self) -> Month:
        audit = [
            row
            for row in self._rows("audit")
            if row["event"] == "sent" or (row["stage"], row["source_id"]) in self._records
        ]
        notes = [row for row in self._rows("notes") if tuple(row["key"].split(":")[1:]) in self._records]
        runs = self._rows("runs")
        rows = {
            "inbox": list(self._records.values()), "ledger": self._done, "audit": audit, "notes": notes, "runs": runs,
        }  # fmt: skip
        return Month(
            sum(kind in _DOCUMENTS for kind, _ in self._records),
            {table: [self._marked(row, runs[0]["run_id"]) for row in found] for table, found in rows.items()},
        )

    def _rows(self, table: str) -> list[Row]:
        columns = [name for (name,) in self._database.select("SELECT name FROM pragma_table_info(?)", (table,))]
        rows = (dict(zip(columns, row, strict=True)) for row in self._database.select(f"SELECT * FROM {table}"))
        return [{name: unpacked(one) if name in _LONG else one for name, one in row.items()} for row in rows]

    def _marked(self, row: Row, run_id: str) -> Row:
        return {name: self._mark(value, run_id) if isinstance(value, str) else value for name, value in row.items()}

    def _mark(self, text: str, run_id: str) -> str:
        text = _GUID.sub(rf"\1{_END}", text.replace(run_id, _RUN))
        return _NUMBER.sub(lambda found: f"{_HERE}{found[0]}" if found[0] in self._ids else found[0], text)


class _Writing:
    """Writes the copies, each in one transaction."""

    def __init__(self, database: Database, month: Month, copies: int) -> None:
        self._database = database
        self._month = month
        self._copies = copies
        newest = database.one("SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1")
        self._audit_end = newest or (0, b"")

    def all(self) -> None:
        for copy in range(1, self._copies + 1):
            began = _LAST_RUN - timedelta(hours=self._copies - copy)
            run_id = f"{began:%Y%m%dT%H%M%S}-{copy % 0x10000:04x}"
            with self._database.transaction():
                self._copy(_copier(str(copy), run_id), began)

    def _copy(self, copied: Callable[[Row], Row], began: datetime) -> None:
        # The id of a row goes by where it stands, and the audit's has no gap.
        self._insert("inbox", (_with_hash(copied(row)) for row in self._month.rows["inbox"]), drop="id")
        self._insert("ledger", (copied(row) for row in self._month.rows["ledger"]), drop="id")
        self._insert("notes", (copied(row) for row in self._month.rows["notes"]))
        self._insert("audit", self._sealed(copied(row) for row in self._month.rows["audit"]))
        ended = dict(zip(("audit_id", "audit_hash"), self._audit_end, strict=True))
        at = {"started_at": f"{began:%Y-%m-%dT%H:%M:%S}.000000Z", "finished_at": f"{began:%Y-%m-%dT%H:%M:%S}.900000Z"}
        self._insert("runs", [{**copied(self._month.rows["runs"][0]), **at, **ended}])

    def _insert(self, table: str, rows: Iterable[Row], drop: str = "") -> None:
        some = list(rows)
        if not some:
            return
        columns = [name for name in some[0] if name != drop]
        sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
        values = ([packed(row[name]) if name in _LONG else row[name] for name in columns] for row in some)
        self._database.connection.executemany(sql, values)

    def _sealed(self, rows: Iterable[Row]) -> Iterator[Row]:
        number, previous = self._audit_end
        for row in rows:
            number += 1
            fields = (number, *(row[name] for name in ("at", "run_id", "event", "stage", "source_id", "detail")))
            previous = seal(previous, fields)
            yield {**row, "id": number, "hash": previous}
        self._audit_end = (number, previous)


def _copier(copy: str, run_id: str) -> Callable[[Row], Row]:
    end = f"{int(copy):012x}"

    def text(value: str) -> str:
        return value.replace(_HERE, copy).replace(_END, end).replace(_RUN, run_id)

    return lambda row: {name: text(value) if isinstance(value, str) else value for name, value in row.items()}


def _with_hash(row: Row) -> Row:
    found = sha256_of(row["content"])
    return {**row, "source_order": place_in_order(row["source_id"]), "hash": found}


@contextmanager
def _environment(world: World) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(world.environment_variables())
    os.environ.pop("CURL_CA_BUNDLE", None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


if __name__ == "__main__":
    print(f"{seeded_state(sys.argv[1], int(sys.argv[2])):,} documents")
