"""Reading ServiceTitan's feeds into the inbox: a page is durable before its token moves."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from stsync.core.canonical import digest
from stsync.core.source.fields import UnknownShape, day, optional_amount, record_id, reference
from stsync.core.source.invoice import Invoice, zone_named
from stsync.engine.scope import Scope
from stsync.errors import CredentialsError
from stsync.http.outcomes import Refused
from stsync.servicetitan.client import FeedPage, FeedTokenRefused, Row, ServiceTitan
from stsync.state import Incoming, State
from stsync.state.notes import TAX_ZONE_NAMES

# Why records that were read for the sake of others are set aside.
PART_OF_CUSTOMER = "part_of_customer"
ON_REQUEST = "known"
BEFORE_GO_LIVE = "before_go_live"
# A document can be dated after its last change; a month of margin costs one longer first read.
FIRST_READ_MARGIN = timedelta(days=31)


def read_feeds(
    servicetitan: ServiceTitan,
    state: State,
    scope: Scope,
    *,
    go_live: date,
    from_start: bool = False,
    now: Callable[[], datetime],
    progress: Callable[[str, int], None],
) -> None:
    """Bring every feed of the scope up to date. Raises SystemUnavailable; what was stored by then stays.

    `from_start` reads everything since go-live again. Reading since a day leaves the feeds' places alone: the day may
    lie behind a place, and what is between the two would be lost.
    """
    start = scope.since or go_live - FIRST_READ_MARGIN
    moves = scope.since is None
    for name in scope.feeds:
        token = None if scope.since or from_start else state.cursors.token(name)
        if moves:
            state.cursors.reading(name, ended=False)
        try:
            pages = servicetitan.feed(name, token, start_from=start, recent=True)
            _store_feed(pages, state, name, moves=moves, now=now, progress=progress)
        except FeedTokenRefused:
            # A token has no published end (facts section 2); reading again from a date is harmless.
            pages = servicetitan.feed(name, None, start_from=start, recent=True)
            _store_feed(pages, state, name, moves=moves, now=now, progress=progress)
        if moves:
            state.cursors.reading(name, ended=True)


def _store_feed(
    pages: Iterable[FeedPage],
    state: State,
    name: str,
    *,
    moves: bool,
    now: Callable[[], datetime],
    progress: Callable[[str, int], None],
) -> None:
    read = 0
    for page in pages:
        changed = store_page(state, name, page.rows, token=page.token if moves else None, seen_at=now())
        if name == "contacts":
            # A new phone number does not touch the customer's own row (trap 24).
            state.inbox.reopen("customers", changed)
        read += len(page.rows)
        progress(name, read)


def store_page(
    state: State, kind: str, rows: Iterable[Mapping[str, Any]], *, token: str | None, seen_at: datetime
) -> set[str]:
    """Store a page; returns the parents (customers of contacts) whose records changed. No token: the place stays."""
    incoming = [_incoming(kind, row) for row in rows]
    stored = state.inbox.store(kind, incoming, feed=kind if token else None, token=token, seen_at=seen_at)
    if kind == "contacts":
        state.inbox.set_aside(kind, (one.source_id for one in incoming), PART_OF_CUSTOMER)
    return set(stored.parents)


def _incoming(kind: str, row: Mapping[str, Any]) -> Incoming:
    modified = row.get("modifiedOn")
    return Incoming(_key(row), modified if isinstance(modified, str) else None, row, parent=_parent(kind, row))


def _key(row: Mapping[str, Any]) -> str:
    try:
        return record_id(row)
    except UnknownShape:
        # Kept under a name of its own, so that it is held and shown rather than lost.
        return f"unknown-{digest(row)[:12]}"


def _parent(kind: str, row: Mapping[str, Any]) -> str | None:
    try:
        return reference(row, "customerId") if kind == "contacts" else None
    except UnknownShape:
        return None


def read_missing_customers(
    servicetitan: ServiceTitan, state: State, ids: Iterable[str], *, now: Callable[[], datetime]
) -> None:
    """Fetch customers that documents name and that no feed has brought, and whoever they were merged into."""
    wanted = set(ids)
    for _ in range(10):  # a chain of merges longer than this is held as broken
        known = state.inbox.find_many("customers", wanted)
        survivors = {survivor for row in known.values() if (survivor := _merged_to(row.content))}
        missing = (wanted | survivors) - set(known)
        if not missing:
            return
        wanted |= survivors
        unknown = missing - set(state.inbox.find_many("customers", missing))
        rows = servicetitan.by_ids("customers", sorted(int(one) for one in unknown)) if unknown else []
        _keep(state, "customers", rows, ON_REQUEST, now())
        if unknown and not rows:
            return


def read_old_invoices(
    servicetitan: ServiceTitan, state: State, ids: Iterable[str], *, go_live: date, now: Callable[[], datetime]
) -> None:
    """Fetch invoices that payments and credits name and that lie before the feed's first day, so that none waits in vain.

    Only those from before go-live are kept, set aside as that; a later one comes by its feed.
    """
    wanted = set(ids)
    missing = sorted(int(one) for one in wanted - set(state.inbox.find_many("invoices", wanted)))
    rows = servicetitan.by_ids("invoices", missing) if missing else []
    old = [row for row in rows if _is_before(row, go_live)]
    _keep(state, "invoices", old, BEFORE_GO_LIVE, now())
    for row in old:
        number = str(row.get("referenceNumber") or row["id"])
        on, amount = str(row["invoiceDate"])[:10], optional_amount(row, "total")
        state.inbox.describe("invoices", str(row["id"]), number=number, amount=amount, name=None, on=on)


def _is_before(row: Mapping[str, Any], go_live: date) -> bool:
    try:
        record_id(row)
        optional_amount(row, "total")
        dated = day(row, "invoiceDate")
    except UnknownShape:
        return False
    return dated is not None and dated < go_live


def with_zone_names(
    servicetitan: ServiceTitan, state: State, invoices: Sequence[Invoice], mapped: Callable[[str], bool]
) -> list[Invoice]:
    """The invoices with the names of tax zones that they give by number alone (`taxZoneId`, the newer of two fields).

    The accountant maps zones by what they are called. The list is asked for only if a number says nothing to the
    mapping and was never heard of, and the names stay unknown where we may not read it.
    """
    nameless = {one.tax_zone.id for one in invoices if one.tax_zone is not None and not one.tax_zone.name}
    unmapped = {zone for zone in nameless if not mapped(zone)}
    if not unmapped:
        return list(invoices)
    names = _zone_names(servicetitan, state, unmapped)
    return [zone_named(one, names) for one in invoices]


def _zone_names(servicetitan: ServiceTitan, state: State, wanted: Iterable[str]) -> dict[str, str]:
    known: dict[str, str] = json.loads(state.notes.note(TAX_ZONE_NAMES) or "{}")
    if known.keys() >= set(wanted):
        return known
    rows = if_permitted(servicetitan.tax_zones)
    if rows is None:
        return known
    found = {_key(row): str(row.get("name") or "") for row in rows}
    state.notes.note(TAX_ZONE_NAMES, json.dumps(found))
    return found


def if_permitted(ask: Callable[[], list[Row]]) -> list[Row] | None:
    """What a list of ServiceTitan's brings; None where we may not read it. Raises when the login itself is refused."""
    try:
        return ask()
    except Refused:
        return None
    except CredentialsError as error:
        if error.reference != "permission-missing":
            raise
        return None


def _merged_to(row: Mapping[str, Any]) -> str | None:
    try:
        return reference(row, "mergedToId")
    except UnknownShape:
        return None


def read_missing_contacts(
    servicetitan: ServiceTitan, state: State, ids: Iterable[str], *, now: Callable[[], datetime]
) -> None:
    """Fetch the contacts of customers that are about to get a card: older ones lie before the feed's first day."""
    wanted = sorted(int(one) for one in ids if one.isdigit())
    if not wanted:
        return
    rows = servicetitan.by_ids("contacts", wanted)
    _keep(state, "contacts", rows, PART_OF_CUSTOMER, now())


def _keep(state: State, kind: str, rows: Iterable[Mapping[str, Any]], outcome: str, seen_at: datetime) -> None:
    """Store rows that were asked for, and set them aside: they matter when a document needs them."""
    incoming = [_incoming(kind, row) for row in rows]
    state.inbox.store(kind, incoming, feed=None, token=None, seen_at=seen_at)
    state.inbox.set_aside(kind, (one.source_id for one in incoming), outcome)
