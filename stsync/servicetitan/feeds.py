"""ServiceTitan's export feeds: everything that changed, page after page, by continuation token (facts section 2)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from stsync.errors import SystemUnavailable
from stsync.http.answers import Answer
from stsync.http.outcomes import Refused

Row = dict[str, Any]


@dataclass(frozen=True)
class FeedPage:
    """Rows as they came (repeated and in any order), and the token to store once they are stored (trap 9)."""

    rows: list[Row]
    token: str
    has_more: bool


class FeedTokenRefused(Refused):
    """ServiceTitan no longer takes a stored token; the feed has to be read again from a date, which is harmless."""


def pages(
    read: Callable[[dict[str, str]], Answer], token: str | None, *, start_from: date | None, recent: bool
) -> Iterator[FeedPage]:
    """The feed's pages up to the first that says hasMore=false; an empty page ends nothing (trap 10).

    Raises SystemUnavailable when the feed goes round in a circle, FeedTokenRefused when it rejects the token.
    """
    position = token or (start_from.isoformat() if start_from else "")
    seen: set[tuple[str, str]] = set()
    while True:
        page = _page(read, position, stored=token if position == token else None, recent=recent)
        yield page
        if not page.has_more:
            return
        footprint = (page.token, _digest(page.rows))
        if footprint in seen:
            raise _circle(page.token)
        seen.add(footprint)
        position = page.token


def _page(read: Callable[[dict[str, str]], Answer], position: str, *, stored: str | None, recent: bool) -> FeedPage:
    params = {"from": position} if position else {}
    try:
        return _parsed(_asked(read, params, recent=recent), position)
    except Refused as error:
        if stored and error.status == 400:
            raise _stale(error) from error
        raise


def _asked(read: Callable[[dict[str, str]], Answer], params: dict[str, str], *, recent: bool) -> Answer:
    """The answer; a feed that refuses recent changes brings them a quarter of an hour later, which loses nothing."""
    if not recent:
        return read(params)
    try:
        return read({**params, "includeRecentChanges": "true"})
    except Refused as error:
        if error.status != 400:
            raise
    return read(params)


def _parsed(answer: Answer, position: str) -> FeedPage:
    """A page. The last one may leave out hasMore, or else the token: then the next run reads it again (harmless)."""
    body = answer.body if isinstance(answer.body, dict) else {}
    rows, token, has_more = body.get("data"), body.get("continueFrom"), body.get("hasMore")
    if has_more is None and token:
        has_more = False
    elif has_more is False and token is None:
        token = position
    has_rows = isinstance(rows, list) and all(isinstance(row, dict) for row in rows)
    if has_rows and isinstance(token, str) and (token or has_more is False) and isinstance(has_more, bool):
        return FeedPage(body["data"], token, has_more)
    raise SystemUnavailable(
        "unreadable-answer",
        "ServiceTitan's export feed answered in a shape that is not its own.",
        hint="Run again later. If it stays so, please report it.",
        note=answer.text[:200],
    )


def _stale(error: Refused) -> FeedTokenRefused:
    return FeedTokenRefused(error.status, error.code, error.text, error.correlation_id, system="ServiceTitan")


def _digest(rows: list[Row]) -> str:
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def _circle(token: str) -> SystemUnavailable:
    return SystemUnavailable(
        "feed-stuck",
        "ServiceTitan's export feed keeps sending the same page and says that there is more.",
        hint="Run again later; what was read so far is kept.",
        note=token,
    )
