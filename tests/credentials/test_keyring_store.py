"""The keyring, against a real Secret Service: unlocked, locked, absent, silent."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from stsync.credentials.keyring_store import (
    WINDOWS_LIMIT,
    KeyringStore,
    KeyringUnusable,
    Trouble,
    refuse_plain_text,
    refuse_too_long,
)

Run = Callable[..., Any]

WRITE = """
import json
from stsync.credentials.keyring_store import KeyringStore
ours, theirs = KeyringStore("stsync:1@production:a@production"), KeyringStore("stsync:2@production:b@production")
ours.write("bc-client-secret", "value of ours")
theirs.write("bc-client-secret", "value of theirs")
print(json.dumps({
    "ours": ours.read("bc-client-secret"), "theirs": theirs.read("bc-client-secret"),
    "missing": ours.read("webhook-secret"),
    "removed": ours.remove("bc-client-secret"), "removed again": ours.remove("bc-client-secret"),
    "ours after": ours.read("bc-client-secret"), "theirs after": theirs.read("bc-client-secret"),
}))
"""
TROUBLE = """
import json
from stsync.credentials.keyring_store import KeyringStore, KeyringUnusable
try:
    print(json.dumps([KeyringStore("stsync:1@production:a@production").read("bc-client-secret")]))
except KeyringUnusable as trouble:
    print(json.dumps({"trouble": trouble.trouble, "why": trouble.why}))
"""


@pytest.mark.keyring
def test_two_companies_on_one_machine_keep_their_own_secrets(secret_service: Run) -> None:
    assert secret_service(WRITE) == {
        "ours": "value of ours",
        "theirs": "value of theirs",
        "missing": None,
        "removed": True,
        "removed again": False,
        "ours after": None,
        "theirs after": "value of theirs",
    }


@pytest.mark.keyring
def test_a_stored_secret_is_still_there_in_the_next_session(secret_service: Run) -> None:
    secret_service(WRITE)
    answer = secret_service(TROUBLE.replace("stsync:1@production:a", "stsync:2@production:b"))
    assert answer == ["value of theirs"]


@pytest.mark.keyring
def test_a_locked_keyring_is_told_apart_from_an_absent_one(secret_service: Run) -> None:
    secret_service(WRITE)
    theirs = TROUBLE.replace("stsync:1@production:a", "stsync:2@production:b")
    locked = secret_service(theirs, locked=True)
    assert locked["trouble"] == "locked"
    assert "locked" in locked["why"]


@pytest.mark.keyring
def test_a_keyring_that_nobody_ever_opened_cannot_be_written_by_a_scheduled_run(secret_service: Run) -> None:
    write = TROUBLE.replace('.read("bc-client-secret")', '.write("bc-client-secret", "a-secret-of-the-tests")')
    first = secret_service(write, locked=True)
    assert first["trouble"] == "locked"
    assert "never been opened" in first["why"]


def test_without_a_session_bus_the_keyring_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND", raising=False)
    done = subprocess.run([sys.executable, "-c", TROUBLE], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["trouble"] == "absent"


class Backend:
    """A stand-in for backends that no test machine has; deriving from keyring's class would register it there."""

    def __init__(self, answer: Callable[[], str | None]) -> None:
        self.answer = answer

    def get_password(self, service: str, username: str) -> str | None:
        return self.answer()


def use(monkeypatch: pytest.MonkeyPatch, answer: Callable[[], str | None]) -> None:
    monkeypatch.setattr("keyring.get_keyring", lambda: Backend(answer))


def test_a_keyring_that_waits_for_a_dialog_is_given_up_and_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    dialog, asked = threading.Event(), []

    def wait() -> None:
        asked.append(1)
        dialog.wait()

    use(monkeypatch, wait)
    store = KeyringStore("stsync:1", patience=0.02)
    for _ in range(2):
        with pytest.raises(KeyringUnusable, match="unlock") as caught:
            store.read("bc-client-secret")
        assert caught.value.trouble is Trouble.SLOW
    dialog.set()
    assert asked == [1]


def test_a_failing_backend_is_named_by_kind_and_not_by_what_it_was_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OSError("cannot keep hunter2-hunter2")

    use(monkeypatch, fail)
    with pytest.raises(KeyringUnusable) as caught:
        KeyringStore("stsync:1").read("bc-client-secret")
    assert caught.value.trouble is Trouble.FAILED
    assert "OSError" in caught.value.why
    assert "hunter2" not in caught.value.why


def of_module(module: str, name: str = "Keyring") -> Any:
    return type(name, (Backend,), {"__module__": module})(lambda: None)


def test_a_keyring_that_stores_plain_text_is_refused_unless_chosen_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND", raising=False)
    plain = of_module("keyrings.alt.file", "PlaintextKeyring")
    with pytest.raises(KeyringUnusable, match="plain text") as caught:
        refuse_plain_text(plain)
    assert caught.value.trouble is Trouble.PLAIN
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyrings.alt.file.PlaintextKeyring")
    refuse_plain_text(plain)


def test_a_plain_text_member_of_a_chain_is_refused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND", raising=False)
    chain = of_module("keyring.backends.chainer", "ChainerBackend")
    chain.backends = [of_module("keyring.backends.SecretService"), of_module("keyrings.alt.file")]
    with pytest.raises(KeyringUnusable):
        refuse_plain_text(chain)


def test_the_windows_limit_is_named_with_its_number() -> None:
    windows = of_module("keyring.backends.Windows", "WinVaultKeyring")
    refuse_too_long(windows, "x" * WINDOWS_LIMIT)
    with pytest.raises(KeyringUnusable, match=r"1,280 characters.*1,281") as caught:
        refuse_too_long(windows, "x" * (WINDOWS_LIMIT + 1))
    assert caught.value.trouble is Trouble.TOO_LONG
    refuse_too_long(of_module("keyring.backends.SecretService"), "x" * 50_000)
