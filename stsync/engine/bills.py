"""Reading inventory bills into the inbox, where every version of them is kept. Nothing about bills is ever written."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime

from stsync.core.source.bill import Bill
from stsync.core.source.fields import UnknownShape
from stsync.engine.read import store_page
from stsync.http.outcomes import Refused
from stsync.servicetitan.client import FeedTokenRefused, Row, ServiceTitan
from stsync.servicetitan.query import LISTINGS
from stsync.stages.bills import Unreadable
from stsync.state import State

KIND = "bills"
FEED = "inventory-bills"
# A bill belongs to no run: it is settled as soon as it is kept.
KEPT = "listed"
_STATES = ("pending", "waiting", "held", "dead", "settled")
# The bare array came first and may be all that an older app version may read (trap 4).
_LISTS = (LISTINGS[FEED].path, "accounting/inventory-bills")


def read_bills(
    servicetitan: ServiceTitan, state: State, *, start: date, since: date | None, now: Callable[[], datetime]
) -> int:
    """Bring the bills up to date; returns how many rows came. `since` reads them again from that day.

    Raises SystemUnavailable or CredentialsError; what was stored by then stays.
    """
    token = None if since else state.cursors.token(KIND)
    try:
        return _from_feed(servicetitan, state, token, since or start, moves=since is None, now=now)
    except FeedTokenRefused:
        # A token has no published end (facts section 2); reading again from a date is harmless.
        return _from_feed(servicetitan, state, None, since or start, moves=since is None, now=now)
    except Refused as error:
        if error.status != 404:
            raise
        return _from_lists(servicetitan, state, since or start, now=now)


def _from_feed(
    servicetitan: ServiceTitan,
    state: State,
    token: str | None,
    start: date,
    *,
    moves: bool,
    now: Callable[[], datetime],
) -> int:
    read = 0
    for page in servicetitan.feed(FEED, token, start_from=start, recent=True):
        read += _keep(state, page.rows, page.token if moves else None, now())
    return read


def _from_lists(servicetitan: ServiceTitan, state: State, start: date, *, now: Callable[[], datetime]) -> int:
    """A tenant without the feed: the list with pages, else the bare one. Neither shows inactive bills."""
    for path in _LISTS:
        try:
            rows = list(servicetitan.listed(path, modifiedOnOrAfter=start))
        except Refused as error:
            if error.status != 404 or path == _LISTS[-1]:
                raise
        else:
            return _keep(state, rows, None, now())
    return 0


def _keep(state: State, rows: Iterable[Row], token: str | None, seen_at: datetime) -> int:
    page = list(rows)
    store_page(state, KIND, page, token=token, seen_at=seen_at)
    pending = [row.source_id for row in state.inbox.rows(KIND, ("pending",))]
    state.inbox.set_aside(KIND, pending, KEPT)
    return len(page)


def known_bills(state: State) -> tuple[list[Bill], list[Unreadable]]:
    """Every bill that was ever read, as it is now; one that cannot be read is named with what is wrong."""
    bills: list[Bill] = []
    unreadable: list[Unreadable] = []
    for row in state.inbox.rows(KIND, _STATES):
        try:
            bills.append(Bill.parse(row.content))
        except UnknownShape as error:
            unreadable.append(Unreadable(row.source_id, str(error)))
    return bills, unreadable
