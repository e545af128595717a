"""Business Central tells the listener of changed items: subscribed, renewed, ended, and kept as hints."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from office import Office
from signed_deliveries import Listener
from typer.testing import CliRunner, Result

from stsync.cli.app import app
from stsync.sandbox.world import World
from stsync.state.hints import Hints

STATE = "canary-client-state-8f31c02b77aa4d19"


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    with World(invoices=60, folder=tmp_path) as world:
        made = Office(world, world.write_config(tmp_path / "books" / "config.yaml"), monkeypatch)
        monkeypatch.setenv("STSYNC_BC_CLIENT_STATE", STATE)
        yield made


@pytest.fixture
def listener(office: Office) -> Iterator[Listener]:
    started = Listener(office.config)
    reached_at(office, f"http://127.0.0.1:{started.port}")
    yield started
    started.stop()


@pytest.fixture
def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


def reached_at(office: Office, address: str) -> None:
    text = office.config.read_text(encoding="utf-8")
    office.config.write_text(f"{text}\nlistener:\n  address: {address}\n", encoding="utf-8")


def notifications(office: Office, *words: str) -> Result:
    told = CliRunner().invoke(app, ["notifications", *words, "--config", str(office.config)])
    assert STATE not in told.output
    return told


def live(office: Office) -> list[str]:
    return [one.notification_url for one in office.world.books_service.subscriptions.live()]


def hints(office: Office) -> list[tuple[str, str]]:
    with Hints.open(office.config.parent / "stsync.db.hints") as kept:
        return [(one.kind, one.event) for one in kept.waiting()]


def test_a_subscription_is_made_once_and_then_renewed(office, listener):
    assert notifications(office, "renew").exit_code == 0
    office.world.advance(timedelta(days=2))
    again = notifications(office, "renew")
    assert "renewed, until" in again.output
    office.world.advance(timedelta(days=2))
    assert live(office) == [f"http://127.0.0.1:{listener.port}/business-central"]


def test_what_it_tells_becomes_a_hint_for_the_pricebook(office, listener):
    notifications(office, "renew")
    assert office.world.books_service.subscriptions.notify("items") == [200]
    assert hints(office) == [("items", "items changed")]


def test_a_forged_notification_is_no_hint_and_costs_no_subscription(office, listener):
    notifications(office, "renew")
    entry = office.world.books_service.subscriptions.live()[0]
    entry.client_state = "guessed"
    assert office.world.books_service.subscriptions.notify("items") == [200]
    assert hints(office) == []
    assert len(live(office)) == 1


def test_a_dry_run_sends_nothing_and_says_what_would_be(office, listener):
    before = len(office.writes())
    told = notifications(office, "renew", "--dry-run")
    assert "would be subscribed" in told.output
    assert len(office.writes()) == before
    assert live(office) == []


def test_show_and_end(office, listener):
    assert "Nothing subscribed." in notifications(office, "show").output
    notifications(office, "renew")
    shown = json.loads(notifications(office, "show", "--json").output)
    assert [one["address"] for one in shown["subscriptions"]] == live(office)
    assert notifications(office, "end").exit_code == 0
    assert live(office) == []


def test_without_a_listener_business_central_refuses_and_the_message_says_why(office):
    reached_at(office, "http://127.0.0.1:9")
    told = notifications(office, "renew")
    assert told.exit_code == 2
    assert "notifications-refused" in told.output
    assert "has to be running" in " ".join(told.output.split())


def test_without_an_address_or_a_client_state_the_message_says_what_to_set(office, monkeypatch):
    assert "listener-address-unset" in notifications(office, "renew").output
    reached_at(office, "http://127.0.0.1:9")
    monkeypatch.delenv("STSYNC_BC_CLIENT_STATE")
    missing = notifications(office, "renew")
    assert missing.exit_code == 77
    assert "client-state-missing" in missing.output


def test_listen_subscribes_by_itself(office, unused_port):
    reached_at(office, f"http://127.0.0.1:{unused_port}")
    started = Listener(office.config, "--subscribe", "--port", str(unused_port))
    deadline = time.monotonic() + 30
    while not live(office) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert started.stop() == 0
    assert live(office) == [f"http://127.0.0.1:{unused_port}/business-central"]
