"""A page of records on its way into the inbox.

Feeds repeat, reorder and lag: a record is known by its source id and compared by content, so reading
anything twice is harmless.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from stsync.core.canonical import canonical_json, sha256_of
from stsync.state.database import Database
from stsync.state.packing import packed
from stsync.state.rows import Incoming, Stored
from stsync.state.texts import storable, time_text

# Ids that are not numbers (BC's are GUIDs) come after those that are, in alphabetical order.
_AFTER_ALL_NUMBERS = 2**63 - 1


@dataclass(frozen=True)
class Arrival:
    """An incoming record, written down, hashed and packed."""

    source_id: str
    modified_at: str | None
    content: bytes
    hash: str
    parent: str | None = None


def arrivals(rows: Iterable[Incoming]) -> list[Arrival]:
    """Write the records down. Done before the transaction begins, so that the file is held only for moments."""
    written = []
    for row in rows:
        content = canonical_json(row.content)
        written.append(
            Arrival(row.source_id, storable(row.modified_at), packed(content), sha256_of(content), row.parent)
        )
    return written


def take_in(database: Database, kind: str, page: list[Arrival], seen_at: datetime) -> Stored:
    """Store a page inside the caller's transaction: new, changed, older than ours, or only seen again."""
    known = _known(database, kind, page)
    seen = time_text(seen_at)
    counts = {"new": 0, "changed": 0, "unchanged": 0, "older": 0}
    parents: set[str] = set()
    for arrival in page:
        verdict = _verdict(arrival, known.get(arrival.source_id))
        _TAKE[verdict](database, kind, arrival, seen)
        counts[verdict] += 1
        if verdict in {"new", "changed"}:
            known[arrival.source_id] = (arrival.hash, arrival.modified_at)
            parents |= {arrival.parent} if arrival.parent is not None else set()
    return Stored(**counts, parents=frozenset(parents))


def _known(database: Database, kind: str, page: list[Arrival]) -> dict[str, tuple[str, str | None]]:
    ids = canonical_json([arrival.source_id for arrival in page])
    rows = database.select(
        "SELECT source_id, hash, modified_at FROM inbox"
        " WHERE kind = ? AND source_id IN (SELECT value FROM json_each(?))",
        (kind, ids),
    )
    return {source_id: (content_hash, modified_at) for source_id, content_hash, modified_at in rows}


def _verdict(arrival: Arrival, known: tuple[str, str | None] | None) -> str:
    if known is None:
        return "new"
    known_hash, known_modified_at = known
    if arrival.hash == known_hash:
        return "unchanged"
    # A feed's order is not promised (ServiceTitan facts, paging): a late copy must not undo a newer one.
    if _is_before(arrival.modified_at, known_modified_at):
        return "older"
    return "changed"


def _is_before(one: str | None, other: str | None) -> bool:
    first, second = _moment(one), _moment(other)
    return first is not None and second is not None and first < second


def _moment(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _insert(database: Database, kind: str, arrival: Arrival, seen: str) -> None:
    database.execute(
        "INSERT INTO inbox (kind, source_id, source_order, state, hash, modified_at,"
        " first_seen_at, changed_at, last_seen_at, parent, content) VALUES (?, ?, ?, 'pending', ?, ?, ?, ?, ?, ?, ?)",
        (
            kind, arrival.source_id, place_in_order(arrival.source_id), arrival.hash, arrival.modified_at,
            seen, seen, seen, arrival.parent, arrival.content,
        ),
    )  # fmt: skip


def _replace(database: Database, kind: str, arrival: Arrival, seen: str) -> None:
    _keep_current_version(database, kind, arrival.source_id)
    database.execute(
        "UPDATE inbox SET state = 'pending', outcome = NULL, reason = NULL, attempts = 0, hash = ?, modified_at = ?,"
        " changed_at = ?, last_seen_at = ?, parent = ?, content = ? WHERE kind = ? AND source_id = ?",
        (arrival.hash, arrival.modified_at, seen, seen, arrival.parent, arrival.content, kind, arrival.source_id),
    )


def _keep_current_version(database: Database, kind: str, source_id: str) -> None:
    row = database.one(
        "SELECT changed_at, modified_at, hash, content FROM inbox WHERE kind = ? AND source_id = ?",
        (kind, source_id),
    )
    if row:
        changed_at, modified_at, content_hash, content = row
        _keep_version(database, kind, Arrival(source_id, modified_at, content, content_hash), changed_at)


def _keep_version(database: Database, kind: str, version: Arrival, seen: str) -> None:
    database.execute(
        "INSERT INTO versions (kind, source_id, seen_at, modified_at, hash, content) VALUES (?, ?, ?, ?, ?, ?)",
        (kind, version.source_id, seen, version.modified_at, version.hash, version.content),
    )


def _keep_older(database: Database, kind: str, arrival: Arrival, seen: str) -> None:
    _touch(database, kind, arrival, seen)
    had = database.one(
        "SELECT 1 FROM versions WHERE kind = ? AND source_id = ? AND hash = ?",
        (kind, arrival.source_id, arrival.hash),
    )
    if not had:
        _keep_version(database, kind, arrival, seen)


def _touch(database: Database, kind: str, arrival: Arrival, seen: str) -> None:
    database.execute(
        "UPDATE inbox SET last_seen_at = ? WHERE kind = ? AND source_id = ?", (seen, kind, arrival.source_id)
    )


def place_in_order(source_id: str) -> int:
    """Where a record stands in lists: by its number."""
    # At most 18 digits fit SQLite's integers for certain.
    is_number = source_id.isascii() and source_id.isdigit() and len(source_id) <= 18
    return int(source_id) if is_number else _AFTER_ALL_NUMBERS


_TAKE = {"new": _insert, "changed": _replace, "unchanged": _touch, "older": _keep_older}
