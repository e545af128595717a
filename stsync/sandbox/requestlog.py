"""What the sandbox was asked, in order: the witness that a dry run only read and a second run sent nothing.

Never records Authorization, app keys, cookies or the bodies of token requests. Not modelled: answers' bodies.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from stsync.sandbox.wsgi import App, BadJson, ConnectionDropped, Request, Response

TOKEN_SYSTEMS = frozenset({"servicetitan_auth", "entra"})
_SHOWN_HEADERS = ("content-type", "user-agent", "if-match", "prefer", "accept-language", "data-access-intent")


def real_time() -> datetime:
    """The present, aware and in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Entry:
    """One request; `status` is 0 where the connection was cut instead of an answer."""

    sequence: int
    system: str
    method: str
    target: str
    headers: dict[str, str]
    body: str
    status: int
    at: datetime

    @property
    def is_write(self) -> bool:
        """Whether it could have changed a system: token calls never, a `$batch` unless it only reads."""
        if self.method in ("GET", "HEAD", "OPTIONS") or self.system in TOKEN_SYSTEMS:
            return False
        return not (self.target.split("?")[0].endswith("/$batch") and self._only_reads())

    def _only_reads(self) -> bool:
        try:
            inner = Request.build("POST", "/", body=self.body.encode()).json()["requests"]
            return all(str(one["method"]).upper() == "GET" for one in inner)
        except (BadJson, KeyError, TypeError):
            return False

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
            self._note(system, request, response.status)
            return response

        return recorded

    def entries(self, system: str | None = None) -> list[Entry]:
        """Everything noted, or what one system was asked."""
        with self._lock:
            return [e for e in self._entries if system in (None, e.system)]

    def writes(self, system: str | None = None) -> list[Entry]:
        """Only what could have changed a system."""
        return [entry for entry in self.entries(system) if entry.is_write]

    def clear(self) -> None:
        """Forget everything noted; numbers go on counting."""
        with self._lock:
            self._entries.clear()

    def _note(self, system: str, request: Request, status: int) -> None:
        secret = system in TOKEN_SYSTEMS
        body = "" if secret else request.body.decode("utf-8", "replace")
        headers = {name: request.headers[name] for name in _SHOWN_HEADERS if name in request.headers}
        target = _without_app_key(request.target)
        with self._lock:
            self._sequence += 1
            self._entries.append(
                Entry(self._sequence, system, request.method, target, headers, body, status, self._clock())
            )


def _without_app_key(target: str) -> str:
    # ServiceTitan also takes the app key in the query (facts 1.2); a secret has no place in a log.
    path, question, query = target.partition("?")
    kept = [p for p in query.split("&") if not p.lower().startswith("servicetitanapplicationkey=")]
    return path + question + "&".join(kept)
