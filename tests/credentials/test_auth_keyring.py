"""`stsync auth` with a real keyring: stored by one process, found by the next, told apart when locked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

CONFIG = """
servicetitan:
  environment: production
  tenant_id: 985798691
business_central:
  tenant_id: 11111111-2222-3333-4444-555555555555
  environment: Production
  company_id: aaaaaaaa-0000-0000-0000-000000000001
go_live: 2026-11-01
"""
COMMAND = """
import sys
from stsync.cli.auth import app
try:
    app({words!r})
except SystemExit as end:
    sys.exit(0 if end.code in {codes!r} else 9)
"""


def command(*words: str, codes: tuple[int | None, ...] = (0, None)) -> str:
    return COMMAND.format(words=[*words, "--json"], codes=codes)


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG)
    monkeypatch.setenv("STSYNC_CONFIG", str(path))


@pytest.mark.keyring
def test_a_secret_goes_into_the_keyring_and_out_again(secret_service: Run) -> None:
    words = ("set", "bc-client-secret", "--stdin", "--expires", "2099-01-31")
    stored = secret_service(command(*words), stdin="abc8Q~in-the-keyring\n")
    assert stored["stored"][0]["store"] == "keyring"
    status = secret_service(command("status", codes=(77,)))
    entry = next(secret for secret in status["secrets"] if secret["name"] == "bc-client-secret")
    assert entry["source"] == "keyring"
    assert "stsync:985798691@production:aaaaaaaa-0000-0000-0000-000000000001@production" in entry["where"]
    assert status["expiries"][0]["expires_on"] == "2099-01-31"
    assert secret_service(command("remove", "bc-client-secret"))["removed"] == {"bc-client-secret": ["keyring"]}


@pytest.mark.keyring
def test_a_locked_keyring_is_said_to_be_locked(secret_service: Run) -> None:
    secret_service(command("set", "bc-client-secret", "--stdin"), stdin="abc8Q~in-the-keyring\n")
    status = secret_service(command("status", codes=(77,)), locked=True)
    entry = next(secret for secret in status["secrets"] if secret["name"] == "bc-client-secret")
    assert not entry["found"]
    assert any("locked" in tried["why"] for tried in entry["tried"])
