"""What a verified delivery hints at: which record changed, never what it says. Pure.

Two shapes are understood: CloudEvents (`tn.acc.invoice-posted`, de-duplicated on `userassignedid`, because `id` may
differ between attempts: ServiceTitan facts trap 34) and the older bodies (`invoice.created`, `payment.created`), whose
fields no source fixes. A delivery that names nothing we know is still a hint that something changed.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_EVENT_FIELDS = ("type", "eventType", "event", "eventName", "webhookEvent")
_ID_FIELDS = ("id", "entityId", "resourceId", "invoiceId", "paymentId", "customerId")
_KINDS = {"invoice": "invoices", "payment": "payments", "customer": "customers"}
_OCCURRENCE_FIELDS = ("userassignedid", "userAssignedId", "eventId", "webhookId")
_DIGITS = re.compile(r"[0-9]{1,19}")


class NotADelivery(ValueError):
    """The body is not a JSON object."""


@dataclass(frozen=True)
class Hint:
    """Something changed. `kind` is the feed to read ("" when unknown), `source_id` the record ("" when it names none),
    `occurrence` tells repeated deliveries of the same event apart from new ones.
    """

    occurrence: str
    event: str
    kind: str = ""
    source_id: str = ""
    tenant: str = ""
    named: bool = True
    """Whether the occurrence has an id of its own; otherwise its words stand for it, and may come again."""


def read(body: bytes) -> Hint:
    """The hint of a delivery. Raises NotADelivery."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        raise NotADelivery from None
    if not isinstance(content, dict):
        raise NotADelivery
    event = _text(content, _EVENT_FIELDS)[:100]
    data = content.get("data")
    inner: Mapping[str, Any] = data if isinstance(data, dict) else content
    word = next((word for word in _KINDS if word in event.lower()), "")
    return Hint(
        occurrence=_text(content, _OCCURRENCE_FIELDS)[:200] or _of_body(body),
        named=bool(_text(content, _OCCURRENCE_FIELDS)),
        event=event,
        kind=_KINDS.get(word, ""),
        source_id=_source_id(word, inner, content),
        tenant=_number(inner.get("tenantId")) or _number(content.get("tenantId")) or _number(content.get("tenant")),
    )


def _of_body(body: bytes) -> str:
    """What stands for an occurrence without an id: an attempt that repeats it byte for byte is the same."""
    return "sha256:" + hashlib.sha256(body).hexdigest()


def _source_id(word: str, inner: Mapping[str, Any], content: Mapping[str, Any]) -> str:
    record = inner.get(word) if word else None
    if isinstance(record, dict):
        return _number(record.get("id"))
    # The outer `id` of a CloudEvent is the delivery's, so only the inside is searched where there is one.
    places = [inner] if inner is not content else [content]
    return next((found for place in places for name in _ID_FIELDS if (found := _number(place.get(name)))), "")


def _text(content: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return next((value for name in names if isinstance(value := content.get(name), str) and value), "")


def _number(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return ""
    text = str(value) if isinstance(value, str) or abs(value) < 10**19 else ""
    return text if _DIGITS.fullmatch(text) else ""
