"""When a request is repeated, and after how long: the only layer that repeats anything."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt
from tenacity.stop import stop_base
from tenacity.wait import wait_random_exponential

from stsync.http.answers import Answer

ATTEMPTS = 6
TOTAL_SECONDS = 300.0
LONGEST_PAUSE = 120.0

_SECONDS = re.compile(r"\d{1,9}(\.\d+)?")
_backoff = wait_random_exponential(multiplier=0.5, max=30)  # full jitter, ecosystem section 5.2


class Transient(Exception):
    """Worth repeating; `after` is how many seconds the server asked us to wait, or None.

    `unreadable` tells a server that answered, but in no JSON, from one that did not.
    """

    def __init__(self, text: str, after: float | None = None, *, unreadable: bool = False) -> None:
        super().__init__(text)
        self.text = text
        self.after = after
        self.unreadable = unreadable


def retrying(sleep: Callable[[float], None], clock: Callable[[], float]) -> Retrying:
    """At most six attempts, none beginning later than 300 seconds after the first; Transient comes out last."""
    return Retrying(
        sleep=sleep,
        wait=_pause,
        stop=stop_after_attempt(ATTEMPTS) | _OutOfTime(clock),
        retry=retry_if_exception_type(Transient),
        reraise=True,
    )


class _OutOfTime(stop_base):
    """By our own clock: tenacity's stop_before_delay knows only the real one."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._started = clock()

    def __call__(self, retry_state: RetryCallState) -> bool:
        return self._clock() - self._started + retry_state.upcoming_sleep > TOTAL_SECONDS


def wanted_pause(answer: Answer) -> float | None:
    """How long this answer asks us to wait: Retry-After, else ServiceTitan's title; None when it says nothing."""
    stated = _retry_after(answer.headers)
    if stated is None and answer.status == 429:
        stated = _title_seconds(answer.body)
    return None if stated is None else min(stated, LONGEST_PAUSE)


def _pause(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    after = error.after if isinstance(error, Transient) else None
    return _backoff(state) if after is None else after


def _retry_after(headers: Mapping[str, str]) -> float | None:
    value = headers.get("Retry-After", "").strip()
    if _SECONDS.fullmatch(value):
        return float(value)
    until = _moment(value)
    if until is None:
        return None
    # The server's own clock, where it states one: ours may be minutes off.
    now = _moment(headers.get("Date", "")) or datetime.now(UTC)
    return max(0.0, (until - now).total_seconds())


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _title_seconds(body: object) -> float | None:
    """ServiceTitan facts 1.3: the second-last word of a throttled answer's title is the wait in seconds."""
    title = body.get("title") if isinstance(body, dict) else None
    words = title.split() if isinstance(title, str) else []
    if len(words) < 2 or not _SECONDS.fullmatch(words[-2]):
        return None
    seconds = float(words[-2])
    return seconds if math.isfinite(seconds) else None
