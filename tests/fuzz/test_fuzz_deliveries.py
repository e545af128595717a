"""Webhook deliveries, twisted: kept, refused, or told to come again; never a crash, never without a signature."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from fuzzing import fuzzed
from hypothesis import given
from hypothesis import strategies as st
from twisting import JSON, twisted

from stsync.listener.app import Application, Settings
from stsync.listener.deliveries import NotADelivery, read
from stsync.state.hints import Hints

SECRET = "whsec-demo-0123456789abcdef0123456789"
STATE = "the-state-of-ours-12345678"
SOUND = st.sampled_from(
    [
        {
            "specversion": "1.0",
            "id": "d1",
            "type": "tn.acc.invoice-posted",
            "userassignedid": "u1",
            "data": {"invoice": {"id": 82000012}, "tenantId": 985798691},
        },
        {"eventType": "payment.created", "data": {"id": 5}, "tenant": "985798691"},
        {"event": "invoice.updated", "invoiceId": "77"},
        {"value": [{"clientState": STATE, "resource": "items", "lastModifiedDateTime": "2026-07-01T00:00:00Z"}]},
    ]
)


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Application, Hints]]:
    with Hints.open(tmp_path_factory.mktemp("hints") / "stsync.db.hints") as hints:
        settings = Settings(secrets=(SECRET,), tenant="985798691", client_state=STATE)
        yield Application(hints, settings, now=lambda: datetime(2026, 7, 1, tzinfo=UTC)), hints


def body_of(data: st.DataObject) -> bytes:
    value = data.draw(twisted(SOUND) | JSON)
    content = json.dumps(value, default=str).encode("utf-8", "surrogatepass")
    return data.draw(st.sampled_from([content, content, content[: len(content) // 2], b"\xff" + content, b"[" * 3000]))


def ask(app: Application, path: str, body: bytes, query: str = "", signature: str = "") -> int:
    said: list[str] = []
    environ = {
        "PATH_INFO": path,
        "REQUEST_METHOD": "POST",
        "QUERY_STRING": query,
        "wsgi.input": io.BytesIO(body),
        "HTTP_X_SERVICETITAN_SIGNATURE": signature,
    }
    b"".join(app(environ, lambda status, _headers: said.append(status)))
    return int(said[0][:3])


@fuzzed
@given(data=st.data())
def test_a_body_is_a_hint_or_none(seen: Counter[str], data: st.DataObject) -> None:
    try:
        hint = read(body_of(data))
    except NotADelivery:
        seen["no delivery"] += 1
        return
    assert len(hint.event) <= 100
    assert len(hint.occurrence) <= 200
    assert hint.occurrence
    assert hint.source_id == "" or hint.source_id.isdigit()
    seen["a hint"] += 1


@fuzzed
@given(data=st.data())
def test_a_signed_delivery_is_kept_or_refused(
    application: tuple[Application, Hints], seen: Counter[str], data: st.DataObject
) -> None:
    body = body_of(data)
    signed = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    status = ask(application[0], "/servicetitan", body, signature=signed)
    assert status in {200, 400}
    seen[str(status)] += 1


@fuzzed
@given(data=st.data())
def test_nothing_is_kept_without_the_signature(
    application: tuple[Application, Hints], seen: Counter[str], data: st.DataObject
) -> None:
    app, hints = application
    before = hints.count()
    signature = data.draw(st.text(max_size=80) | st.from_regex(r"[0-9a-f]{64}", fullmatch=True))
    assert ask(app, "/servicetitan", body_of(data), signature=signature) == 401
    assert hints.count() == before
    seen["401"] += 1


@fuzzed
@given(data=st.data())
def test_a_notification_without_our_state_is_never_a_hint(
    application: tuple[Application, Hints], seen: Counter[str], data: st.DataObject
) -> None:
    app, hints = application
    before, body = hints.count(), body_of(data)
    status = ask(app, "/business-central", body, data.draw(st.text(max_size=40)))
    assert status in {200, 400}
    assert STATE.encode() in body or hints.count() == before
    seen[str(status)] += 1
