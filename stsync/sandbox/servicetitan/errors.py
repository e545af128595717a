"""ServiceTitan's error answers: one envelope of six keys (facts section 1.3).

Only the text for a missing app key is a real capture; the other titles are placeholders, as in the facts.
Not modelled: the contents of `data`, traces that can be looked up.
"""

from __future__ import annotations

import uuid

from stsync.sandbox.wsgi import Response

NO_APP_KEY = "Application key not present, check ST-App-Key header value."


class Refusal(Exception):
    """A call turned down; `errors` names what was wrong, field by field."""

    def __init__(self, status: int, title: str, errors: dict[str, list[str]] | None = None) -> None:
        super().__init__(title)
        self.status, self.title, self.errors = status, title, errors or {}


class Invalid(Refusal):
    """400: something in the request is not as the specification wants it."""

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__(400, "One or more validation errors occurred.", errors)


def not_found(what: str = "Not found") -> Refusal:
    """404 with the envelope, as known routes answer it."""
    return Refusal(404, what)


def envelope(refusal: Refusal, headers: dict[str, str] | None = None) -> Response:
    """The answer for a refusal."""
    trace = uuid.uuid4().hex
    body = {
        "type": "https://tools.ietf.org/html/rfc7231#section-6.5",
        "title": refusal.title,
        "status": refusal.status,
        "traceId": f"00-{trace}-{trace[:16]}-00",
        "errors": refusal.errors,
        "data": {},
    }
    return Response(refusal.status, body, headers or {})
