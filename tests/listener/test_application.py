"""What the listener answers, and what is on the disk by then."""

from __future__ import annotations

import io
import json
import stat
from datetime import UTC, datetime, timedelta

import pytest
from signed_deliveries import HEADER, SECRET, TENANT, cloud_event, hexadecimal

from stsync.errors import StateError
from stsync.listener.app import MAX_BODY, Application, Settings
from stsync.state.hints import Hints

FORMER = "the-former-secret-of-some-length"


@pytest.fixture
def hints(tmp_path):
    with Hints.open(tmp_path / "stsync.db.hints") as opened:
        yield opened


@pytest.fixture
def listener(hints):
    settings = Settings(secrets=(SECRET, FORMER), tenant=str(TENANT), client_state="state-of-ours-1234")
    return Application(hints, settings, now=lambda: datetime(2026, 7, 1, tzinfo=UTC))


def ask(app, path="/servicetitan", body=b"", method="POST", query="", **headers):
    said = []
    environ = {
        "PATH_INFO": path,
        "REQUEST_METHOD": method,
        "QUERY_STRING": query,
        "wsgi.input": io.BytesIO(body),
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()},
    }
    text = b"".join(app(environ, lambda status, given: said.append((status, dict(given)))))
    return int(said[0][0][:3]), text.decode(), said[0][1]


def deliver(app, body, secret=SECRET):
    return ask(app, body=body, **{HEADER: hexadecimal(body, secret)})[0]


def test_a_signed_delivery_is_on_the_disk_before_it_is_acknowledged(listener, hints, tmp_path):
    assert deliver(listener, cloud_event(82000012)) == 200
    with Hints.open(tmp_path / "stsync.db.hints") as another:
        assert [(one.kind, one.source_id) for one in another.waiting()] == [("invoices", "82000012")]


def test_the_former_secret_is_right_too(listener, hints):
    assert deliver(listener, cloud_event(1), FORMER) == 200
    assert hints.count() == 1


@pytest.mark.parametrize("secret", ["wrong-secret-of-some-length", ""])
def test_an_unsigned_or_forged_delivery_is_refused_and_leaves_nothing(listener, hints, secret):
    assert deliver(listener, cloud_event(1), secret) == 401
    assert ask(listener, body=cloud_event(1))[0] == 401
    assert hints.count() == 0


def test_the_signature_is_checked_before_anything_is_parsed(listener):
    assert ask(listener, body=b"not json at all", **{HEADER: "00"})[0] == 401
    assert deliver(listener, b"not json at all") == 400


def test_repeated_attempts_of_one_occurrence_are_one_hint(listener, hints):
    assert [deliver(listener, cloud_event(5, "same")) for _ in range(3)] == [200, 200, 200]
    assert hints.count() == 1


def test_an_older_delivery_without_an_id_counts_again_once_it_can_be_no_repeat(hints):
    """An invoice that is changed twice is told of twice, in the same words."""
    moment = [datetime(2026, 7, 1, tzinfo=UTC)]
    app = Application(hints, Settings(secrets=(SECRET,), tenant=str(TENANT)), now=lambda: moment[0])
    body = json.dumps({"event": "invoice.updated", "data": {"id": 5}}).encode()

    def waiting_after(minutes):
        moment[0] += timedelta(minutes=minutes)
        assert deliver(app, body) == 200
        return hints.count()

    assert waiting_after(0) == 1
    hints.take(hints.waiting(), moment[0])
    assert waiting_after(6) == 0, "an attempt whose answer was lost comes again"
    assert waiting_after(20) == 1
    assert waiting_after(20) == 1, "one that waits still waits once"
    assert vars(app.counts)["kept"] == 2


def test_an_occurrence_with_an_id_never_counts_twice(hints):
    moment = [datetime(2026, 7, 1, tzinfo=UTC)]
    app = Application(hints, Settings(secrets=(SECRET,), tenant=str(TENANT)), now=lambda: moment[0])
    deliver(app, cloud_event(5, "same"))
    hints.take(hints.waiting(), moment[0])
    moment[0] += timedelta(days=3)
    assert deliver(app, cloud_event(5, "same")) == 200
    assert hints.count() == 0


def test_notifications_that_say_no_time_do_not_mask_one_another_for_ever(hints):
    moment = [datetime(2026, 7, 1, tzinfo=UTC)]
    settings = Settings(secrets=(SECRET,), tenant=str(TENANT), client_state="state-of-ours-1234")
    app = Application(hints, settings, now=lambda: moment[0])
    entry = {"clientState": "state-of-ours-1234", "resource": "companies(1)/items", "changeType": "collection"}
    for _ in range(2):
        assert ask(app, "/business-central", json.dumps({"value": [entry]}).encode())[0] == 200
        assert hints.count() == 1
        hints.take(hints.waiting(), moment[0])
        moment[0] += timedelta(hours=1)


def test_half_a_character_in_a_signed_delivery_is_kept_and_not_delivered_for_ever(listener, hints):
    body = json.dumps({"event": "invoice.created \ud800", "eventId": "\udc00", "data": {"id": 5}}).encode()
    assert deliver(listener, body) == 200
    assert [one.source_id for one in hints.waiting()] == ["5"]


def test_another_tenants_delivery_is_acknowledged_and_not_kept(listener, hints):
    assert deliver(listener, cloud_event(5, tenant=1)) == 200
    assert hints.count() == 0


def test_a_body_beyond_any_delivery_is_refused_unread(listener, hints):
    body = b"x" * (MAX_BODY + 10)
    assert deliver(listener, body) == 413
    assert hints.count() == 0


def test_a_hint_that_cannot_be_kept_is_not_acknowledged(listener, hints, monkeypatch):
    def full(**_given):
        raise StateError("state-disk-full", "The disk is full.")

    monkeypatch.setattr(hints, "keep", full)
    assert deliver(listener, cloud_event(5)) == 503


def test_addresses_that_are_not_ours_do_not_exist(listener):
    assert ask(listener, path="/")[0] == 404
    assert ask(listener, path="/servicetitan/../state")[0] == 404
    assert ask(listener, method="GET")[0] == 405


def test_health_says_how_many_hints_wait_and_names_nothing_else(listener):
    deliver(listener, cloud_event(5))
    status, text, _ = ask(listener, path="/health", method="GET")
    assert status == 200
    assert json.loads(text) == {"status": "ok", "kept": 1, "repeated": 0, "refused": 0, "others": 0, "waiting": 1}


def test_business_centrals_handshake_gets_its_token_back_as_plain_text(listener):
    status, text, headers = ask(listener, "/business-central", query="validationToken=%3Cb%3Etoken%3C%2Fb%3E")
    assert (status, text) == (200, "<b>token</b>")
    assert headers["Content-Type"].startswith("text/plain")
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(("state", "kept"), [("state-of-ours-1234", 1), ("another", 0), (None, 0)])
def test_a_notification_counts_only_with_our_client_state_and_never_loses_the_subscription(
    listener, hints, state, kept
):
    entry = {"subscriptionId": "s", "clientState": state, "resource": "companies(1)/items(2)", "changeType": "updated"}
    assert ask(listener, "/business-central", json.dumps({"value": [entry]}).encode())[0] == 200
    assert hints.count() == kept


def test_without_a_client_state_business_centrals_address_does_not_exist(hints):
    app = Application(hints, Settings(secrets=(SECRET,), tenant=str(TENANT)))
    assert ask(app, "/business-central", query="validationToken=t")[0] == 404


def test_the_file_of_hints_is_its_owners_alone(listener, tmp_path):
    assert stat.S_IMODE((tmp_path / "stsync.db.hints").stat().st_mode) == 0o600


def test_no_secret_shows_in_the_settings(listener):
    settings = Settings(secrets=(SECRET,), tenant="1", client_state="state-of-ours-1234")
    assert SECRET not in repr(settings)
    assert "state-of-ours" not in repr(settings)
