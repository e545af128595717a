"""The listener as a WSGI application: two addresses for deliveries, one that says whether it is well.

The order in which a delivery is dealt with is its security: size, signature over the raw bytes, only then JSON; the
hint durable on the disk, only then 200. What is refused is told nothing beyond its status.
"""

from __future__ import annotations

import hmac
import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from stsync.errors import StateError
from stsync.listener import deliveries, signature
from stsync.state.hints import Hints

Environ = Mapping[str, Any]
StartResponse = Callable[..., Any]

SERVICETITAN = "/servicetitan"
BUSINESS_CENTRAL = "/business-central"
HEALTH = "/health"
MAX_BODY = 1 << 20
# ServiceTitan's last attempt follows 300 seconds after the one before (facts section 5).
_NO_MORE_ATTEMPTS = timedelta(minutes=15)


@dataclass(frozen=True)
class Settings:
    """What the listener checks by. `tenant` is the ServiceTitan tenant whose deliveries are ours: one callback may serve
    several (facts section 5, tenancy). `client_state` is what Business Central repeats in each notification, which has
    no signature (BC facts section 11); without it, that address does not exist.
    """

    secrets: Sequence[str] = field(repr=False)
    tenant: str
    scheme: signature.Scheme = field(default_factory=signature.Scheme)
    client_state: str = field(default="", repr=False)


@dataclass(frozen=True)
class Reply:
    """A status line and a short text."""

    status: str
    text: str = ""
    content_type: str = "text/plain; charset=utf-8"


@dataclass
class Counts:
    """What happened since the listener started."""

    kept: int = 0
    repeated: int = 0
    refused: int = 0
    others: int = 0


class Application:
    """Answers one request at a time on as many threads as the server has."""

    def __init__(
        self,
        hints: Hints,
        settings: Settings,
        *,
        kept: Callable[[], None] = lambda: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._hints = hints
        self._settings = settings
        self._kept = kept
        self._now = now
        self._counting = threading.Lock()
        self.counts = Counts()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """WSGI."""
        reply = self._answer(environ)
        text = reply.text.encode()
        headers = [
            ("Content-Type", reply.content_type),
            ("Content-Length", str(len(text))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
        ]
        start_response(reply.status, headers)
        return [text]

    def _answer(self, environ: Environ) -> Reply:
        path, method = str(environ.get("PATH_INFO") or "/"), str(environ.get("REQUEST_METHOD"))
        if path == HEALTH and method in {"GET", "HEAD"}:
            return self._health()
        known = path == SERVICETITAN or (path == BUSINESS_CENTRAL and bool(self._settings.client_state))
        if not known:
            return _NOT_FOUND
        if method != "POST":
            return _POST_ONLY
        body = _body(environ)
        if body is None:
            return self._refused(_TOO_LARGE)
        try:
            return self._from_servicetitan(environ, body) if path == SERVICETITAN else self._from_books(environ, body)
        except StateError:
            # Not acknowledged, so it is delivered again: 503 is retried by both systems (facts section 5; BC 11.4).
            return _NOT_KEPT

    def _health(self) -> Reply:
        try:
            waiting = self._hints.count()
        except StateError:
            return _NOT_KEPT
        counts = {**vars(self.counts), "waiting": waiting}
        return Reply("200 OK", json.dumps({"status": "ok", **counts}), "application/json")

    def _from_servicetitan(self, environ: Environ, body: bytes) -> Reply:
        settings = self._settings
        if not signature.verified(body, _headers(environ), settings.secrets, settings.scheme):
            return self._refused(_NOT_SIGNED)
        try:
            hint = deliveries.read(body)
        except deliveries.NotADelivery:
            return self._refused(_NOT_JSON)
        if hint.tenant and hint.tenant != settings.tenant:
            # Somebody else's record: acknowledged, because sending it again would not make it ours.
            self._count("others")
            return _KEPT
        again_after = None if hint.named else _NO_MORE_ATTEMPTS
        self._keep(hint.occurrence, hint.event, hint.kind, hint.source_id, again_after)
        return _KEPT

    def _from_books(self, environ: Environ, body: bytes) -> Reply:
        """Business Central's handshake (the token comes back as it is, facts section 11.1) or its notifications."""
        query = parse_qs(str(environ.get("QUERY_STRING") or ""), keep_blank_values=True)
        token = query.get("validationToken", [""])[0]
        if token:
            return Reply("200 OK", token)
        entries = _notifications(body)
        if entries is None:
            return self._refused(_NOT_JSON)
        if not all(self._knows_us(one) for one in entries):
            # Not 4xx: any status that is not retried deletes the subscription (trap 28), and a stranger could ask for it.
            self._count("refused")
            return _KEPT
        for entry in entries:
            resource, changed = str(entry.get("resource") or ""), str(entry.get("lastModifiedDateTime") or "")
            # Without a time, nothing tells this change from the next one to the same resource.
            again_after = None if changed else _NO_MORE_ATTEMPTS
            self._keep(f"bc:{changed}:{resource}"[:400], "items changed", "items", "", again_after)
        return _KEPT

    def _knows_us(self, entry: Mapping[str, Any]) -> bool:
        given = str(entry.get("clientState") or "").encode("utf-8", "replace")
        return hmac.compare_digest(given, self._settings.client_state.encode())

    def _keep(self, occurrence: str, event: str, kind: str, source_id: str, again_after: timedelta | None) -> None:
        # JSON can hold half a character (a lone surrogate), which no file can.
        occurrence, event = (text.encode("utf-8", "replace").decode() for text in (occurrence, event))
        at = self._now()
        new = self._hints.keep(
            occurrence=occurrence, event=event, kind=kind, source_id=source_id, at=at, again_after=again_after
        )
        self._count("kept" if new else "repeated")
        if new:
            self._kept()

    def _refused(self, reply: Reply) -> Reply:
        self._count("refused")
        return reply

    def _count(self, what: str) -> None:
        with self._counting:
            setattr(self.counts, what, getattr(self.counts, what) + 1)


_KEPT = Reply("200 OK")
_NOT_FOUND = Reply("404 Not Found")
_POST_ONLY = Reply("405 Method Not Allowed")
_TOO_LARGE = Reply("413 Content Too Large")
_NOT_SIGNED = Reply("401 Unauthorized")
_NOT_JSON = Reply("400 Bad Request")
_NOT_KEPT = Reply("503 Service Unavailable")


def _body(environ: Environ) -> bytes | None:
    """The raw body, or None when it is larger than any delivery; the server has decoded chunks by now."""
    body: bytes = environ["wsgi.input"].read(MAX_BODY + 1)
    return None if len(body) > MAX_BODY else body


def _headers(environ: Environ) -> dict[str, str]:
    return {
        name.removeprefix("HTTP_").replace("_", "-").lower(): str(value)
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }


def _notifications(body: bytes) -> list[dict[str, Any]] | None:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return None
    entries = content.get("value") if isinstance(content, dict) else None
    if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
        return None
    return entries
