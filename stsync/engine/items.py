"""Items of Business Central that changed, on their way into the inbox, and the pricebook that they are compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from stsync.businesscentral.odata import Read, compare
from stsync.core.source.fields import UnknownShape
from stsync.core.source.item import Sku
from stsync.engine.records import chosen
from stsync.engine.scope import Scope
from stsync.servicetitan.client import ServiceTitan
from stsync.servicetitan.query import PRICEBOOK
from stsync.state import Incoming, State

# Rows of Business Central commit later than they are stamped, so the last minutes are read again (facts section 9).
OVERLAP = timedelta(minutes=5)


def changed_items(cursor: str | None) -> Read:
    """The read of what changed since then."""
    if cursor is None:
        return Read("items")
    since = datetime.fromisoformat(cursor) - OVERLAP
    return Read("items", filter=compare("lastModifiedDateTime", "ge", since))


def store_items(state: State, rows: Sequence[dict[str, Any]], seen_at: datetime) -> None:
    """Put changed items into the inbox, and remember the newest."""
    incoming = [Incoming(str(row["id"]), str(row["lastModifiedDateTime"]), _without_tokens(row)) for row in rows]
    stamps = [str(row["lastModifiedDateTime"]) for row in rows]
    newest = max(stamps, key=datetime.fromisoformat, default=None)
    cursor = state.cursors.token("items")
    if cursor is not None and (newest is None or datetime.fromisoformat(newest) < datetime.fromisoformat(cursor)):
        newest = cursor
    state.inbox.store("pricebook", incoming, feed="items", token=newest, seen_at=seen_at)


def _without_tokens(row: Mapping[str, Any]) -> dict[str, Any]:
    """Without OData's own fields and the stock on hand, which are no change of the item."""
    return {name: value for name, value in row.items() if not name.startswith("@") and name != "inventory"}


def are_due(state: State, scope: Scope) -> bool:
    """Whether items are looked at in this run.

    Those that wait for a person's decision are looked at again only together with others, or when one is named: it
    takes the whole pricebook. One that is to be overwritten may have been put aside, with ServiceTitan's edit left as it
    was: it is opened again.
    """
    if scope.overwrite and scope.only is not None:
        aside = ("settled", "dead")
        for row in [one for one in state.inbox.rows("pricebook", aside) if chosen(one, scope.only)]:
            state.inbox.replay(kind="pricebook", source_id=row.source_id, states=aside)
    return scope.only is not None or _any_due(state)


def _any_due(state: State) -> bool:
    """Whether there is something new, or something that ServiceTitan refused: that is tried again until it is dead."""
    if next(state.inbox.rows("pricebook", ("pending", "waiting")), None) is not None:
        return True
    return any(row.attempts for row in state.inbox.rows("pricebook", ("held",)))


def skus_by_code(servicetitan: ServiceTitan) -> dict[str, list[Sku]]:
    """The pricebook by code, all three kinds, inactive entries included.

    Business Central's numbers are capitals; whether ServiceTitan tells codes apart by case is not published.
    """
    skus: dict[str, list[Sku]] = {}
    for kind, name in PRICEBOOK.items():
        for code, rows in servicetitan.pricebook(name).items():
            skus.setdefault(code.strip().upper(), []).extend(_sku(kind, row) for row in rows)
    return skus


def _sku(kind: str, row: Mapping[str, Any]) -> Sku:
    """One entry; one that cannot be read keeps its code taken, so that only the item of that code is held."""
    try:
        return Sku.parse(kind, row)
    except UnknownShape:
        return Sku.unreadable(kind, row)
