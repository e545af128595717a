"""Export feeds: `{hasMore, continueFrom, data}` behind opaque tokens (facts section 2).

A token says where in the order of changes the next page starts, and what was held back or is to be repeated.
It is good for its own endpoint only, for as long as the tenant wants.

Not modelled: expiry of tokens (none is published), the 2020-era `from` formats beyond ISO dates.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
from dataclasses import dataclass, replace
from datetime import datetime

from stsync.sandbox.servicetitan.errors import Invalid
from stsync.sandbox.servicetitan.listing import Render, as_it_is
from stsync.sandbox.servicetitan.parameters import read_boolean
from stsync.sandbox.servicetitan.table import Position, Row
from stsync.sandbox.servicetitan.tenant import Tenant
from stsync.sandbox.servicetitan.values import micros, moment
from stsync.sandbox.wsgi import Request, Response


@dataclass(frozen=True)
class Cursor:
    """Where a reader stands: the position behind which it reads on, and what this page owes the next.

    `floor` is where this round of pages began: recent rows are repeated, but never rows from before it.
    """

    position: Position = (-1, 0)
    floor: Position = (-1, 0)
    owed: tuple[int, ...] = ()
    again: tuple[int, ...] = ()
    page: int = 0
    was_empty: bool = False


@dataclass(frozen=True)
class Feed:
    """One export endpoint."""

    name: str
    table: str
    render: Render = as_it_is

    # Facts 2: no filters; `active` has no documented effect, one public client sends it.
    parameters = frozenset({"from", "includeRecentChanges", "active"})

    def answer(self, tenant: Tenant, request: Request) -> Response:
        """The next page from where the reader stands."""
        cursor = self._cursor(tenant, request.query.get("from", ""))
        recent = _flag(request.query.get("includeRecentChanges", "false"))
        table, now = tenant.tables[self.table], tenant.clock()
        visible = now if recent else now - tenant.switches.export_lag
        rows, after, has_more = self._page(tenant, cursor, visible)
        if not has_more:
            end = after.position
            if recent:
                # Facts 2: recent rows come again on the next call: the token stays outside the lag.
                end = table.last_before(end, now - tenant.switches.export_lag)
            end = max(end, cursor.floor)
            after = Cursor(end, end)
        body = {
            "hasMore": has_more,
            "continueFrom": self._token(tenant, after),
            "data": [self.render(tenant, row, request) for row in rows],
        }
        return Response(200, body)

    def _page(self, tenant: Tenant, cursor: Cursor, visible: datetime) -> tuple[list[Row], Cursor, bool]:
        switches = tenant.switches
        table = tenant.tables[self.table]
        size = switches.export_page_size
        number = cursor.page + 1
        every = switches.export_empty_page_every
        if every and number % every == 0 and not cursor.was_empty:
            return [], replace(cursor, page=number, was_empty=True), True
        found = table.after(cursor.position, visible, size + 1)
        has_more = len(found) > size
        found = found[:size]
        position = found[-1][0] if found else cursor.position
        carried = [table[row_id] for row_id in (*cursor.owed, *cursor.again)]
        draw = random.Random(f"{switches.seed}:{self.name}:{position}:{number}")
        rows, owed = _disordered(carried + [row for _, row in found], draw, tenant, has_more)
        again = tuple(row["id"] for row in rows if draw.random() < switches.export_repeat_rate)
        if not has_more:
            rows = rows + [table[row_id] for row_id in again]
            again = ()
        return rows, Cursor(position, cursor.floor, owed, again, number), has_more

    def _cursor(self, tenant: Tenant, given: str) -> Cursor:
        if not given:
            return Cursor()
        if given.startswith("f."):
            return self._from_token(tenant, given)
        try:
            start = moment(given)
        except ValueError:
            raise Invalid({"from": ["The continuation token is not valid."]}) from None
        position = (micros(start) - 1, 1 << 62)
        return Cursor(position, position)

    def _token(self, tenant: Tenant, cursor: Cursor) -> str:
        content = [cursor.position, cursor.floor, cursor.owed, cursor.again, cursor.page, cursor.was_empty]
        payload = json.dumps(content, separators=(",", ":")).encode()
        return f"f.{base64.urlsafe_b64encode(payload).decode()}.{self._seal(tenant, payload)}"

    def _from_token(self, tenant: Tenant, given: str) -> Cursor:
        _, _, sealed = given.partition(".")
        encoded, _, seal = sealed.partition(".")
        try:
            payload = base64.urlsafe_b64decode(encoded)
        except ValueError:
            payload = b""
        if not payload or seal != self._seal(tenant, payload):
            # Trap 9: sharing a token between endpoints is invalid; so is one that somebody has edited.
            raise Invalid({"from": ["The continuation token is not valid."]})
        position, floor, owed, again, page, was_empty = json.loads(payload)
        return Cursor(tuple(position), tuple(floor), tuple(owed), tuple(again), page, was_empty)

    def _seal(self, tenant: Tenant, payload: bytes) -> str:
        origin = f"{tenant.tenant_id}/{self.name}/{tenant.feed_generation}/".encode()
        return hashlib.sha256(origin + payload).hexdigest()[:16]


def _disordered(
    rows: list[Row], draw: random.Random, tenant: Tenant, has_more: bool
) -> tuple[list[Row], tuple[int, ...]]:
    rate = tenant.switches.export_disorder_rate
    if not rate:
        return rows, ()
    held = [row for row in rows if has_more and draw.random() < rate]
    held_ids = {row["id"] for row in held}
    shown = [row for row in rows if row["id"] not in held_ids]
    draw.shuffle(shown)
    return shown, tuple(sorted(held_ids))


def _flag(text: str) -> bool:
    try:
        return read_boolean([text])
    except ValueError as error:
        raise Invalid({"includeRecentChanges": [str(error)]}) from None
