"""Records that a delivery hinted at, read by their ids when the feeds have not brought them yet.

The feeds are the truth and are read in full; this only shortens the wait where a feed lags (facts section 2: 15
minutes unless recent changes are asked for). A hint is taken when its record was read, never before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

from stsync.engine.read import store_page
from stsync.engine.scope import Scope
from stsync.http.outcomes import Refused
from stsync.servicetitan.client import ServiceTitan
from stsync.state import State
from stsync.state.hints import StoredHint, waiting_hints


def take_hints(
    servicetitan: ServiceTitan,
    state: State,
    scope: Scope,
    state_path: Path,
    *,
    dry_run: bool,
    now: Callable[[], datetime],
) -> None:
    """Read what the hints name and the feeds have not shown since; a preview takes none away."""
    hints = waiting_hints(state_path)
    if hints is None:
        return
    with hints:
        answered = [hint for hint in hints.waiting() if _in_scope(hint, scope)]
        for kind in ("customers", "invoices", "payments"):
            _read(servicetitan, state, kind, [one for one in answered if one.kind == kind and one.source_id], now)
        if not dry_run:
            hints.take(answered, now())


def _in_scope(hint: StoredHint, scope: Scope) -> bool:
    """Whether this run has read what the hint is about; one that names nothing is answered by a run of everything."""
    if hint.kind == "items":
        return scope.pricebook
    return hint.kind in scope.feeds or (not hint.kind and {"invoices", "payments"} <= set(scope.feeds))


def _read(
    servicetitan: ServiceTitan, state: State, kind: str, hints: Iterable[StoredHint], now: Callable[[], datetime]
) -> None:
    asked = {hint.source_id: hint.arrived_at for hint in hints}
    known = state.inbox.find_many(kind, asked)
    missing = [one for one, at in asked.items() if one not in known or known[one].last_seen_at < at]
    if not missing:
        return
    try:
        rows = servicetitan.by_ids(kind, sorted(int(one) for one in missing))
    except Refused:
        return  # an id that does not exist must not end a run: whatever is real comes by the feed
    store_page(state, kind, rows, token=None, seen_at=now())
