"""Entra's published addresses, remembered between runs: one request less, and no secret goes anywhere else."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stsync.businesscentral.token import BusinessCentralAuth
from stsync.credentials.token_transport import TokenTransport
from stsync.errors import CredentialsError, StsyncError
from stsync.sandbox.serve import Sandbox
from stsync.sandbox.tokens import Entra

TENANT = "11111111-2222-3333-4444-555555555555"
APP, SECRET = "app-of-the-books", "abc8Q~the-secret-value"
KEY = "business central login addresses"
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
Login = Callable[..., str]


@pytest.fixture
def notes() -> dict[str, str]:
    return {}


@pytest.fixture
def login(servers: Sandbox, entra: Entra, notes: dict[str, str]) -> Login:
    """A run that logs in: a process of its own that knows nothing but the notes."""
    entra.register(APP, SECRET)
    url = servers.urls["entra"]
    plain = url.removeprefix("http://") if url.startswith("http://") else None

    def note(key: str, value: str | None) -> str | None:
        if value is not None:
            notes[key] = value
        return notes.get(key)

    def run(at: datetime = NOW, *, secret: str = SECRET) -> str:
        transport = TokenTransport("business_central.authority", plain_host=plain, sleep=lambda _: None)
        auth = BusinessCentralAuth(
            authority_url=f"{url}/{TENANT}",
            client_id=APP,
            client_secret=secret,
            transport=transport,
            note=note,
            today=lambda: at,
        )
        return auth.token()

    return run


def asked(servers: Sandbox) -> list[str]:
    """What Entra was asked since the last look."""
    found = [one.target.rsplit("/", 1)[-1] for one in servers.log.entries("entra")]
    servers.log.clear()
    return found


def test_the_addresses_are_asked_for_once_a_day(servers: Sandbox, login: Login) -> None:
    login()
    assert asked(servers) == ["openid-configuration", "token"]
    login(NOW + timedelta(hours=23))
    assert asked(servers) == ["token"]
    login(NOW + timedelta(hours=24))
    assert asked(servers) == ["openid-configuration", "token"]


def test_nothing_that_is_remembered_is_a_secret(login: Login, notes: dict[str, str]) -> None:
    token = login()
    assert list(notes) == [KEY]
    assert SECRET not in notes[KEY]
    assert token not in notes[KEY]


@pytest.mark.parametrize("address", ["https://elsewhere.example/token", "http://elsewhere.example/token", 5, None])
def test_a_changed_memory_sends_the_secret_nowhere_else(
    servers: Sandbox, login: Login, notes: dict[str, str], address: Any
) -> None:
    login()
    kept = json.loads(notes[KEY])
    document = {**json.loads(kept["document"]), "token_endpoint": address}
    notes[KEY] = json.dumps({**kept, "document": json.dumps(document)})
    asked(servers)
    login(NOW + timedelta(minutes=15))
    assert asked(servers) == ["openid-configuration", "token"]


@pytest.mark.parametrize("memory", ["", "[]", "{}", "nonsense", '{"asked_at": 5}', '{"asked_at": "today"}'])
def test_a_spoiled_memory_is_no_reason_to_stop(
    servers: Sandbox, login: Login, notes: dict[str, str], memory: str
) -> None:
    notes[KEY] = memory
    login()
    assert asked(servers) == ["openid-configuration", "token"]


def test_after_a_refused_login_the_addresses_are_asked_for_again(servers: Sandbox, login: Login) -> None:
    login()
    with pytest.raises(CredentialsError):
        login(secret="not-the-secret")
    asked(servers)
    login()
    assert asked(servers) == ["openid-configuration", "token"]


def test_another_tenants_addresses_are_not_taken_for_ours(
    servers: Sandbox, login: Login, notes: dict[str, str]
) -> None:
    login()
    notes[KEY] = notes[KEY].replace(TENANT, "99999999-2222-3333-4444-555555555555")
    asked(servers)
    try:
        login()
    except StsyncError as error:
        pytest.fail(f"the other tenant was asked: {error}")
    assert asked(servers) == ["openid-configuration", "token"]
