"""What the sandbox was asked, in order: the witness that a dry run only read and a second run sent nothing.

Never records Authorization, app keys, cookies or the bodies of token requests. Not modelled: answers' bodies.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain, repeat

from stsync.sandbox.operations import operations, statuses
from stsync.sandbox.wsgi import App, ConnectionDropped, Request, Response

TOKEN_SYSTEMS = frozenset({"servicetitan_auth", "entra"})
_SHOWN_HEADERS = ("content-type", "user-agent", "if-match", "prefer", "accept-language", "data-access-intent")


def real_time() -> datetime:
    """The present, aware and in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Entry:
    """One request, or one operation of a `$batch`; `status` is 0 where no answer was given.

    `inner` are the statuses of a batch's operations.
    """

    sequence: int
    system: str
    method: str
    target: str
    headers: dict[str, str]
    body: str
    status: int
    at: datetime
    inner: tuple[int, ...] = ()

    def each(self) -> list[Entry]:
        """The entry itself, or one for each operation of a batch."""
        if not self.target.split("?")[0].endswith("/$batch"):
            return [self]
        whole = Request.build(self.method, self.target, body=self.body.encode())
        told = chain(self.inner, repeat(0))
        return [
            replace(self, method=one.method, target=one.target, body=one.body.decode(), status=status, inner=())
            for one, status in zip(operations(whole), told, strict=False)
        ]

    @property
    def is_write(self) -> bool:
        """Whether it could have changed a system: token calls never, a `$batch` unless it only reads."""
        if self.method in ("GET", "HEAD", "OPTIONS") or self.system in TOKEN_SYSTEMS:
            return False
        inside = self.each()
        return inside == [self] or not inside or any(one.is_write for one in inside)

    def as_json(self) -> dict[str, object]:
        """The entry for the admin endpoint."""
        return {**self.__dict__, "at": self.at.isoformat(), "write": self.is_write}


class RequestLog:
    """All requests to all systems, in the order in which they were answered."""

    def __init__(self, clock: Callable[[], datetime] = real_time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: list[Entry] = []
        self._sequence = 0

    def recording(self, system: str, app: App) -> App:
        """The same app, with every request noted under the name of its system."""

        def recorded(request: Request) -> Response:
            try:
                response = app(request)
            except ConnectionDropped:
                self._note(system, request, 0)
                raise
            except Exception:
                self._note(system, request, 500)
                raise
            self._note(system, request, response.status, tuple(statuses(response)))
            return response

        return recorded

    def entries(self, system: str | None = None) -> list[Entry]:
        """Everything noted, or what one system was asked."""
        with self._lock:
            return [e for e in self._entries if system in (None, e.system)]

    def writes(self, system: str | None = None) -> list[Entry]:
        """Only what could have changed a system; the operations of a `$batch` one by one."""
        return [one for entry in self.entries(system) for one in entry.each() if one.is_write]

    def clear(self) -> None:
        """Forget everything noted; numbers go on counting."""
        with self._lock:
            self._entries.clear()

    def _note(self, system: str, request: Request, status: int, inner: tuple[int, ...] = ()) -> None:
        secret = system in TOKEN_SYSTEMS
        body = "" if secret else request.body.decode("utf-8", "replace")
        headers = {name: request.headers[name] for name in _SHOWN_HEADERS if name in request.headers}
        target = _without_app_key(request.target)
        with self._lock:
            self._sequence += 1
            self._entries.append(
                Entry(self._sequence, system, request.method, target, headers, body, status, self._clock(), inner)
            )


def _without_app_key(target: str) -> str:
    # ServiceTitan also takes the app key in the query (facts 1.2); a secret has no place in a log.
    path, question, query = target.partition("?")
    kept = [p for p in query.split("&") if not p.lower().startswith("servicetitanapplicationkey=")]
    return path + question + "&".join(kept)
