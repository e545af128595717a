"""Scripted misbehaviour: a wrapper of an app that breaks chosen calls in a chosen way.

Deterministic: a rule counts the calls that match it and fires on the ones it was told to. The first rule that
fires decides; rules are looked at in the order in which they were added.

Not modelled: slow trickles of bytes, TLS failures, DNS, half-open connections.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from stsync.sandbox.operations import operations
from stsync.sandbox.wsgi import App, ConnectionDropped, Request, Response

Kind = Literal[
    "answer", "answer_after", "drop", "drop_answer", "truncate", "cut_body", "bad_gzip", "delay", "expire_token"
]
HTML_ERROR = "<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Server Error</h1></body></html>"


@dataclass(frozen=True)
class Action:
    """What happens to a call.

    `answer` replies without handling; `answer_after` handles, then replies something else; `drop` cuts the
    connection before handling, `drop_answer` after it; `truncate` sends half of the JSON as if it were all;
    `cut_body` promises all and cuts after half; `bad_gzip` claims a compression that the bytes do not have;
    `delay` waits `seconds` and goes on; `expire_token` makes issued tokens worthless and goes on.
    """

    kind: Kind
    status: int = 0
    body: object | None = None
    text: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0


DROP = Action("drop")
DROP_ANSWER = Action("drop_answer")
TRUNCATE = Action("truncate")
CUT_BODY = Action("cut_body")
BAD_GZIP = Action("bad_gzip")
EXPIRE_TOKEN = Action("expire_token")
GATEWAY_TIMEOUT_AFTER_HANDLING = Action("answer_after", 504, text=HTML_ERROR)
REQUEST_TIMEOUT = Action("answer", 408, text=HTML_ERROR)
HTML_500 = Action("answer", 500, text=HTML_ERROR)


def throttled(retry_after: int | None = None, body: object | None = None) -> Action:
    """429, with Retry-After in seconds unless it is None."""
    return _with_retry_after(429, retry_after, body)


def unavailable(retry_after: int | None = None, body: object | None = None) -> Action:
    """503, with Retry-After in seconds unless it is None."""
    return _with_retry_after(503, retry_after, body)


def answer(status: int, body: object | None = None, headers: Mapping[str, str] | None = None) -> Action:
    """Any answer, without handling the call."""
    return Action("answer", status, body, headers=headers or {})


def delay(seconds: float) -> Action:
    """Wait, then handle the call."""
    return Action("delay", seconds=seconds)


def _with_retry_after(status: int, retry_after: int | None, body: object | None) -> Action:
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Action("answer", status, body if body is not None else {}, headers=headers)


@dataclass
class Rule:
    """Which calls meet which action.

    A call matches by system, method, a pattern searched in its path with query, one searched in its body, and a header that
    it has to carry. A
    `$batch` that does not match itself is met for the operations in it, each of which counts as a call. The rule fires on
    matching call number `nth` (from 1) and on each `every`-th after it, `count` times in all (None: without end).
    """

    action: Action
    system: str | None = None
    method: str | None = None
    path: str = ""
    body: str = ""
    header: str = ""
    nth: int = 1
    every: int = 1
    count: int | None = 1
    seen: int = 0
    fired: int = 0

    def meets(self, system: str, request: Request) -> bool:
        """Count this call if it matches, and say whether the rule fires on it."""
        calls = 1 if self._matches(system, request) else self._matching_inside(system, request)
        if not calls:
            return False
        before, self.seen = self.seen, self.seen + calls
        due = any(
            number >= self.nth and (number - self.nth) % self.every == 0 for number in range(before + 1, self.seen + 1)
        )
        if not due or (self.count is not None and self.fired >= self.count):
            return False
        self.fired += 1
        return True

    def _matching_inside(self, system: str, request: Request) -> int:
        if self.system not in (None, system) or not request.path.endswith("/$batch"):
            return 0
        return sum(self._matches(system, one) for one in operations(request))

    def _matches(self, system: str, request: Request) -> bool:
        return (
            self.system in (None, system)
            and self.method in (None, request.method)
            and re.search(self.path, request.target) is not None
            and (not self.header or self.header.lower() in request.headers)
            and (not self.body or re.search(self.body, request.body.decode("utf-8", "replace")) is not None)
        )


class Faults:
    """The rules in force, shared by all wrapped apps; changing them takes effect on the next call."""

    def __init__(
        self,
        rules: Iterable[Rule] = (),
        *,
        expire_tokens: Callable[[str], None] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`expire_tokens(system)` is what `expire_token` calls, `sleep(seconds)` what `delay` does."""
        self.rules = list(rules)
        self.expire_tokens = expire_tokens
        self._sleep = sleep
        self._lock = threading.Lock()

    def add(self, action: Action, **conditions: Any) -> Rule:
        """Put a rule in force; the conditions are the fields of `Rule`. Returns it, to see whether it fired."""
        rule = Rule(action, **conditions)
        with self._lock:
            self.rules.append(rule)
        return rule

    def clear(self) -> None:
        """Behave again."""
        with self._lock:
            self.rules.clear()

    def wrap(self, system: str, app: App) -> App:
        """The same app, misbehaving where a rule says so."""

        def faulty(request: Request) -> Response:
            with self._lock:
                rule = next((r for r in list(self.rules) if r.meets(system, request)), None)
            return app(request) if rule is None else self._perform(rule.action, system, app, request)

        return faulty

    def _perform(self, action: Action, system: str, app: App, request: Request) -> Response:
        if action.kind == "answer":
            return _scripted(action)
        if action.kind == "drop":
            raise ConnectionDropped
        if action.kind == "delay":
            self._sleep(action.seconds)
        if action.kind == "expire_token" and self.expire_tokens is not None:
            self.expire_tokens(system)
        return _spoiled(action, app(request))


def _scripted(action: Action) -> Response:
    return Response(action.status, action.body, dict(action.headers), action.text)


def _spoiled(action: Action, response: Response) -> Response:
    payload = response.encoded()
    headers = response.with_content_type()
    if action.kind == "drop_answer":
        raise ConnectionDropped
    if action.kind == "answer_after":
        return _scripted(action)
    if action.kind == "truncate":
        return Response(response.status, headers=headers, raw=payload[: len(payload) // 2])
    if action.kind == "cut_body":
        return Response(response.status, headers=headers, raw=payload, cut_after=len(payload) // 2)
    if action.kind == "bad_gzip":
        return Response(response.status, headers={**headers, "Content-Encoding": "gzip"}, raw=payload)
    return response


def rule_from_json(given: Mapping[str, Any]) -> Rule:
    """A rule as the admin endpoint takes it: `{"action": {"kind": ...}, "path": ...}`. Raises TypeError."""
    conditions = {name: value for name, value in given.items() if name not in ("action", "seen", "fired")}
    return Rule(Action(**given["action"]), **conditions)
