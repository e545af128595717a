"""Reading credit memos into the inbox: they have no export feed, so their list is asked for what changed (facts section 2).

A credit memo's lines stand in a list of their own; they are kept with it, so that one record is the whole document.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from stsync.core.canonical import digest
from stsync.core.reasons import Reason
from stsync.core.source.credit_memo import LINES
from stsync.engine.read import FIRST_READ_MARGIN, store_page
from stsync.engine.scope import Scope
from stsync.errors import CredentialsError
from stsync.http.outcomes import Refused
from stsync.servicetitan.client import IDS_PER_CALL, ServiceTitan
from stsync.state import State

KIND = "credit_memos"
UNREAD = "credit memos unread"
_LIST = "accounting/credit-memos"
_LINES = "accounting/credit-memos/credit-memo-items"
# A change can become visible after its stamp; what is read twice is compared by content (facts section 1.5, offset drift).
OVERLAP = timedelta(minutes=15)
# Credit memos are few, and each look costs a request: a run that follows another one closely does without.
EVERY = timedelta(minutes=15)
Row = Mapping[str, Any]


def read_credit_memos(
    servicetitan: ServiceTitan,
    state: State,
    scope: Scope,
    *,
    go_live: date,
    from_start: bool = False,
    at_once: bool = False,
    now: Callable[[], datetime],
    progress: Callable[[str, int], None],
) -> Reason | None:
    """Bring the credit memos up to date. Returns what a person has to be told, once, when they may not be read.

    `at_once`: also when the last look was a moment ago.

    Raises SystemUnavailable and the errors of a login that is refused altogether.
    """
    again = at_once or scope.since is not None or from_start or scope.only is not None
    if not again and not _due(state, now()):
        return None
    since = _since(state, scope, go_live, from_start)
    try:
        rows = list(_changed(servicetitan, since))
        whole = _with_lines(servicetitan, state, rows)
    except (Refused, CredentialsError) as error:
        if isinstance(error, CredentialsError) and error.reference != "permission-missing":
            raise
        return _not_read(state, str(error))
    state.notes.note(UNREAD, "")
    moves = scope.since is None
    store_page(state, KIND, whole, token=_latest(rows, state) if moves else None, seen_at=now())
    if moves:
        state.cursors.advance(KIND, None, now())
    progress(KIND, len(rows))
    return None


def _due(state: State, at: datetime) -> bool:
    before = state.cursors.read_at(KIND)
    return before is None or at - before >= EVERY


def _since(state: State, scope: Scope, go_live: date, from_start: bool) -> datetime:
    first = datetime.combine(scope.since or go_live - FIRST_READ_MARGIN, time(), UTC)
    token = state.cursors.token(KIND)
    if token is None or scope.since is not None or from_start:
        return first
    return datetime.fromisoformat(token) - OVERLAP


def _changed(servicetitan: ServiceTitan, since: datetime) -> Iterator[Row]:
    """Every credit memo changed since then, inactive ones included (trap 12); in order of ids where the list takes it."""
    filters: dict[str, Any] = {"modifiedOnOrAfter": since, "active": "Any"}
    try:
        yield from list(servicetitan.listed(_LIST, **filters, sort="+Id"))
    except Refused as error:
        if error.status != 400:
            raise
        yield from servicetitan.listed(_LIST, **filters)


def _with_lines(servicetitan: ServiceTitan, state: State, rows: Iterable[Row]) -> list[Row]:
    """The credit memos with their lines. Those that are as we have them already are left out."""
    by_id = {str(row.get("id")): row for row in rows}
    known = state.inbox.find_many(KIND, by_id)
    new = {key: row for key, row in by_id.items() if key not in known or _changed_since(known[key].content, row)}
    lines: dict[str, list[Row]] = {key: [] for key in new}
    ids = sorted(int(key) for key in new if key.isdigit())
    for start in range(0, len(ids), IDS_PER_CALL):
        part = ids[start : start + IDS_PER_CALL]
        for line in servicetitan.listed(_LINES, creditMemoIds=part, active="Any"):
            lines.setdefault(str(line.get("creditMemoId")), []).append(line)
    return [{**row, LINES: lines[key]} for key, row in new.items()]


def _changed_since(before: Row, row: Row) -> bool:
    head = {name: value for name, value in before.items() if name != LINES}
    return digest(head) != digest(dict(row))


def _latest(rows: Iterable[Row], state: State) -> str | None:
    stamps = [datetime.fromisoformat(str(row["modifiedOn"])) for row in rows if row.get("modifiedOn")]
    newest = max(stamps, default=None)
    before = state.cursors.token(KIND)
    if newest is None or (before is not None and newest < datetime.fromisoformat(before)):
        return before
    return newest.isoformat()


def _not_read(state: State, why: str) -> Reason | None:
    """What to say, or nothing if it was said before."""
    if state.notes.note(UNREAD):
        return None
    reason = Reason(
        "credit-memos-not-readable",
        "ServiceTitan does not let stsync read its credit memos, so none of them reaches the books. Everything else goes on.",
        "Grant the app the scope tn.acc.creditmemos:r and have the new version accepted; or, if your office writes no "
        "credit memos, set credit_memos.transfer to no.",
        note=why,
    )
    state.notes.note(UNREAD, reason.message)
    return reason
