"""A home of its own for each test, real token servers, and a real Secret Service."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stsync.credentials import Credentials, Identity
from stsync.credentials.encrypted_file import EncryptedFile
from stsync.credentials.keyring_store import KeyringStore, KeyringUnusable, Trouble
from stsync.sandbox.serve import Sandbox
from stsync.sandbox.tokens import Entra, ServiceTitanAuth

TENANT = "11111111-2222-3333-4444-555555555555"
PROGRAMS = ("dbus-run-session", "gnome-keyring-daemon")


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No test sees this machine's secrets, and none leaves any."""
    for name in list(os.environ):
        if name.startswith("STSYNC_") or name == "CREDENTIALS_DIRECTORY":
            monkeypatch.delenv(name)
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("XDG_DATA_HOME", str(folder / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
    return folder


@pytest.fixture
def identity() -> Identity:
    return Identity("985798691", "production", "aaaaaaaa-0000-0000-0000-000000000001", "production")


class Keyring(KeyringStore):
    """A keyring that holds what a test says, or is in the trouble a test says."""

    def __init__(self, entries: dict[str, str] | None = None, trouble: Trouble | None = None) -> None:
        super().__init__("test")
        self.entries = entries or {}
        self.trouble = trouble
        self.asked: list[str] = []

    def read(self, name: str) -> str | None:
        self.asked.append(name)
        if self.trouble is not None:
            raise KeyringUnusable(self.trouble, f"the keyring is {self.trouble}")
        return self.entries.get(name)


@pytest.fixture
def credentials_with(identity: Identity) -> Callable[..., Credentials]:
    """Credentials over a given environment and a given keyring."""

    def build(
        environ: dict[str, str] | None = None, *, keyring: dict[str, str] | None = None, trouble: Trouble | None = None
    ) -> Credentials:
        return Credentials(identity, environ=environ or {}, keyring=Keyring(keyring, trouble))

    return build


@pytest.fixture
def encrypted_file(tmp_path: Path, identity: Identity) -> EncryptedFile:
    return EncryptedFile(tmp_path / "vault" / "secrets.json", tmp_path / "keys" / "key", service=identity.service)


class MovingClock:
    """Time that moves only when told, for client (seconds) and server (instants) alike."""

    def __init__(self) -> None:
        self.passed = 0.0
        self._start = datetime.now(UTC)

    def __call__(self) -> float:
        return self.passed

    def instant(self) -> datetime:
        return self._start + timedelta(seconds=self.passed)


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock()


@pytest.fixture
def entra(clock: MovingClock) -> Entra:
    return Entra(TENANT, clock.instant)


@pytest.fixture
def servicetitan_login(clock: MovingClock) -> ServiceTitanAuth:
    login = ServiceTitanAuth(clock.instant)
    login.register("cid.good", "cs1.good-secret", 985798691)
    return login


@pytest.fixture
def servers(
    entra: Entra, servicetitan_login: ServiceTitanAuth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Sandbox]:
    """Both token servers over https, trusted through REQUESTS_CA_BUNDLE as a company's own authority would be."""
    apps = {"entra": entra, "servicetitan_auth": servicetitan_login}
    with Sandbox(apps, tmp_path / "sandbox") as sandbox:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(sandbox.ca_file))
        yield sandbox


@pytest.fixture
def secret_service(tmp_path: Path) -> Callable[..., Any]:
    """Run Python in a D-Bus session of its own, with a real keyring daemon that is unlocked or locked."""
    lacking = [program for program in PROGRAMS if shutil.which(program) is None]
    if lacking and "CI" not in os.environ:
        pytest.skip(f"not installed: {', '.join(lacking)} (.ci/install-keyring installs them)")
    assert not lacking, f"CI must have {lacking}"
    return _SecretService(tmp_path).run


class _SecretService:
    # ecosystem section 3.4
    _UNLOCKED = 'printf %s test-pass | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1; exec "$@"'
    _LOCKED = 'gnome-keyring-daemon --start --components=secrets >/dev/null 2>&1; exec "$@"'

    def __init__(self, folder: Path) -> None:
        self._run = folder / "run"
        self._share = folder / "share"
        for made in (self._run, self._share):
            made.mkdir(mode=0o700)

    def run(self, code: str, *, locked: bool = False, stdin: str = "") -> Any:
        """The JSON that the code prints."""
        environ = {**os.environ, "XDG_DATA_HOME": str(self._share), "XDG_RUNTIME_DIR": str(self._run)}
        for name in ("DBUS_SESSION_BUS_ADDRESS", "PYTHON_KEYRING_BACKEND", "DISPLAY", "WAYLAND_DISPLAY"):
            environ.pop(name, None)
        start = self._LOCKED if locked else self._UNLOCKED
        command = ["dbus-run-session", "--", "sh", "-c", start, "sh", sys.executable, "-c", code]
        done = subprocess.run(
            command, env=environ, input=stdin, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)
