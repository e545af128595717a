"""What a server answered, with money kept exact."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

Json = Any

# BC facts section 7: two blanks after the colon, then the id and a full stop, always at the very end.
_CORRELATION = re.compile(r"\s*CorrelationId:\s+(\S+?)\.?\s*$")


class Unreadable(ValueError):
    """The body is not the JSON it should be: an HTML page, a cut-off text, an unknown encoding."""


@dataclass(frozen=True)
class Answer:
    """One complete answer; `body` is None where the server sent none, `request_id` is the id we gave the request.

    `seconds` is how long it took from the request's departure, the wait for its turn not counted.
    """

    status: int
    body: Json
    headers: Mapping[str, str] = field(default_factory=dict)
    request_id: str = ""
    text: str = ""
    seconds: float = 0.0

    @property
    def correlation_id(self) -> str:
        """The id under which the vendor's support finds this answer, or an empty string."""
        return _envelope_id(self.body) or self.headers.get("request-id", "")


@dataclass(frozen=True)
class VendorError:
    """A vendor's refusal: its code (or ServiceTitan's type), its words without the id, and the id."""

    code: str
    text: str
    correlation_id: str = ""


def decoded(content: bytes) -> str:
    """The body as text; a byte order mark is tolerated. Raises Unreadable when it is not UTF-8."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable("the answer is not UTF-8 text") from error


def parsed(text: str) -> Json:
    """JSON with every fraction as a Decimal. Raises Unreadable for anything else, also for NaN and Infinity."""
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_no_such_number)
    except (ValueError, RecursionError) as error:
        raise Unreadable("the answer is not JSON") from error


def without_correlation(text: str) -> tuple[str, str]:
    """A BC message split into its words and its correlation id."""
    found = _CORRELATION.search(text)
    return (text[: found.start()], found.group(1)) if found else (text, "")


def vendor_error(body: Json) -> VendorError | None:
    """The refusal inside either vendor's envelope (BC facts 7, ServiceTitan facts 1.3), or None if it is not one."""
    if not isinstance(body, dict):
        return None
    inner = body.get("error")
    if isinstance(inner, dict) and isinstance(inner.get("message"), str):
        words, correlation = without_correlation(inner["message"])
        return VendorError(str(inner.get("code") or ""), words, correlation)
    if isinstance(body.get("title"), str) and ("traceId" in body or "status" in body):
        return VendorError(str(body.get("type") or ""), _titled(body), str(body.get("traceId") or ""))
    return None


def _titled(body: dict[str, Json]) -> str:
    details = body.get("errors")
    if not isinstance(details, dict):
        return str(body["title"])
    parts = [f"{name}: {'; '.join(map(str, _listed(messages)))}" for name, messages in details.items()]
    return " ".join([str(body["title"]), *parts]).strip()


def _listed(messages: Json) -> list[Json]:
    return messages if isinstance(messages, list) else [messages]


def _envelope_id(body: Json) -> str:
    error = vendor_error(body)
    return error.correlation_id if error else ""


def _no_such_number(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")
