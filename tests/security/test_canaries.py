"""Secrets of no known shape are planted in every place that holds one; then everything that stsync writes is searched.

What is searched: what each command prints, as text and as JSON, and every file that it leaves: state, hints, audit, sheets,
workbooks, backups, the support bundle, the report of a mistake of ours. The servers repeat the secrets in their answers.
"""

from __future__ import annotations

import base64
import json
import sqlite3
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import click
import pytest
from office import Office
from typer.testing import CliRunner

import stsync.engine.run
from stsync.cli import app as program
from stsync.cli import console
from stsync.sandbox import faults, world
from stsync.sandbox.world import World
from stsync.state import State
from stsync.state.packing import unpacked

CANARIES = {
    "STSYNC_SERVICETITAN_CLIENT_ID": "canary.client/one+two=three",
    "STSYNC_SERVICETITAN_CLIENT_SECRET": 'Zq7"canary/titan+secret=&%20\\x',
    "STSYNC_SERVICETITAN_APP_KEY": "canary-app-key-Xy12 with a blank",
    "STSYNC_BC_CLIENT_ID": "5d1f7b1e-0c4a-4c7e-9a52-3f0d2b8c6e11",
    "STSYNC_BC_CLIENT_SECRET": "canary~books~secret~9Q8/+é",
    "STSYNC_WEBHOOK_SECRET": "canary-webhook-0123456789abcdef0123",
    "STSYNC_WEBHOOK_SECRET_PREVIOUS": "canary-webhook-previous-456789abcd",
    "STSYNC_BC_CLIENT_STATE": "canary-client-state-0123456789abcdef",
}
SECRETS = [value for name, value in CANARIES.items() if not name.endswith("_CLIENT_ID")]
# What a sync holds, and so can be repeated by whom it was sent to.
SENT = [
    CANARIES[f"STSYNC_{name}"] for name in ("SERVICETITAN_CLIENT_SECRET", "SERVICETITAN_APP_KEY", "BC_CLIENT_SECRET")
]
JUNE = ("--month", "2026-06")

# Each command with words that make it do something; {x} are files of this test. None: see WHY_NOT.
COMMANDS: Mapping[str, Sequence[str] | None] = {
    "sync": (),
    "sync-customers": (),
    "sync-invoices": ("--dry-run",),
    "sync-payments": (),
    "push-pricebook": (),
    "bills": ("--csv", "{folder}/bills.csv"),
    "reconcile": (*JUNE, "--xlsx", "{folder}/june.xlsx"),
    "drift": JUNE,
    "correct": ("invoice", "{invoice}", "--dry-run"),
    "status": (),
    "held": (),
    "replay": ("--dry-run",),
    "ignore": ("invoice", "{invoice}", "--reason", "by hand"),
    "applied": ("payments", "--through", "2026-06-30"),
    "trace": ("invoice", "{invoice}"),
    "audit": ("--limit", "5000"),
    "init": ("--config", "{folder}/new.yaml", "--go-live", "2026-06-01"),
    "doctor": (),
    "trigger": ("tn.acc.invoice-posted", "--id", "5", "--url", "http://127.0.0.1:9/servicetitan"),
    "support-bundle": ("--yes", "--out", "{folder}/bundle.json"),
    "auth set": ("webhook-secret", "--stdin", "--store", "file"),
    "auth status": (),
    "auth test": (),
    "auth remove": ("webhook-secret",),
    "config check": (),
    "config schema": (),
    "config show": (),
    "config example": (),
    "link propose": ("--out", "{folder}/link.csv"),
    "link accept": ("{folder}/link.csv",),
    "link customer": ("1", "--to", "C1"),
    "link list": (),
    "baseline propose": ("--out", "{folder}/baseline.csv"),
    "baseline accept": ("{folder}/baseline.csv",),
    "map show": ("--check",),
    "map suggest": (),
    "map export": ("{folder}/map.csv",),
    "map import": ("{folder}/map.csv", "--dry-run"),
    "notifications renew": (),
    "notifications show": (),
    "notifications end": (),
    "state backup": ("--out", "{folder}/copy.db"),
    "state restore": ("{folder}/copy.db",),
    "state verify": (),
    "state rebuild": ("--force",),
    "listen": None,
    "demo": None,
    "selftest": None,
    "sandbox serve": None,
    "sandbox reset": None,
}
WHY_NOT = {
    "listen": "serves until it is stopped; tests/listener searches what it says",
    "demo": "has secrets of its own, which are public",
    "selftest": "the same",
    "sandbox serve": "the same",
    "sandbox reset": "the same",
}


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setattr(world, "DEMO_SECRETS", {name: CANARIES[name] for name in world.DEMO_SECRETS})
    for name, value in CANARIES.items():
        monkeypatch.setenv(name, value)
    for name in ("XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home" / name))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    with World(invoices=119, folder=tmp_path / "servers") as opened:
        made = Office(opened, opened.write_config(tmp_path / "books" / "config.yaml"), monkeypatch)
        made.edit_config("go_live: 2026-05-01", "go_live: 2026-06-20")
        made.edit_config("invoices:\n", "listener:\n  address: http://127.0.0.1:9\ninvoices:\n")
        yield made


def said(office: Office, *words: str) -> str:
    """What a command prints, and nothing else of it matters here."""
    console.OUTPUT.json = console.OUTPUT.quiet = False
    typed = [*words, "--config", str(office.config)] if _takes_config(words) and "--config" not in words else [*words]
    done = CliRunner().invoke(program.app, typed, input=CANARIES["STSYNC_WEBHOOK_SECRET"])
    console.OUTPUT.json = console.OUTPUT.quiet = False
    assert "Traceback" not in done.output
    return done.output


def leaves(command: click.Command | None = None, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command that there is."""
    inner: Mapping[str, click.Command] = {one.name: one.command for one in program.COMMANDS}
    if command is not None:
        inner = getattr(command, "commands", {})
    for name, one in inner.items():
        yield from leaves(one, f"{path} {name}".strip())
    if command is not None and not inner:
        yield path, command


LEAVES = dict(leaves())


def _takes_config(words: Sequence[str]) -> bool:
    command = LEAVES.get(words[0]) or LEAVES[f"{words[0]} {words[1]}"]
    return any("--config" in one.opts for one in command.params)


def _takes_json(name: str) -> bool:
    return any("--json" in one.opts for one in LEAVES[name].params)


def forms(secret: str) -> set[bytes]:
    """The forms in which a secret travels."""
    texts = {secret, quote(secret, safe=""), quote(secret), quote_plus(secret), json.dumps(secret)[1:-1]}
    encoded = {base64.b64encode(secret.encode()).rstrip(b"=")}
    return {one.encode() for one in texts} | {one.encode("utf-16-le") for one in texts} | encoded


def tokens(office: Office) -> list[str]:
    """Every token that the two servers gave out."""
    return [*office.world.entra.issued.known(), *office.world.servicetitan_auth.issued.known()]


def found_in(content: bytes, secrets: Sequence[str]) -> list[str]:
    return [secret for secret in secrets if any(form in content for form in forms(secret))]


def files_of_ours(office: Office, folder: Path) -> Iterator[tuple[Path, bytes]]:
    for file in sorted(folder.rglob("*")):
        if file.is_file() and "servers" not in file.parts:
            yield file, file.read_bytes()
            yield from ((file, text) for text in packed_in(file))
            if zipfile.is_zipfile(file):
                with zipfile.ZipFile(file) as archive:
                    for name in archive.namelist():
                        yield file / name, archive.read(name)


def packed_in(file: Path) -> Iterator[bytes]:
    """The long texts of a state file, which it keeps packed."""
    if not file.read_bytes().startswith(b"SQLite format 3"):
        return
    places = (
        ("inbox", "content"),
        ("versions", "content"),
        ("ledger", "body"),
        ("ledger", "detail"),
        ("audit", "detail"),
    )
    with closing(sqlite3.connect(file)) as raw:
        known = {name for (name,) in raw.execute("SELECT name FROM sqlite_master")}
        for table, column in places:
            rows = raw.execute(f"SELECT {column} FROM {table}") if table in known else ()
            yield b"\n".join(unpacked(blob).encode() for (blob,) in rows)


def test_a_secret_in_a_packed_text_would_be_found(tmp_path: Path) -> None:
    with State.open(tmp_path / "state.db") as state:
        state.audit.append("sent", run_id="", detail={"url": "https://x/?secret=canary-in-the-audit"})
    assert any(b"canary-in-the-audit" in text for text in packed_in(tmp_path / "state.db"))


def leaks(office: Office, folder: Path, printed: Mapping[str, str]) -> list[str]:
    secrets = [*SECRETS, *tokens(office)]
    assert len(secrets) > len(SECRETS), "no token was given out, so the search would miss them"
    shown = [f"{where} prints {one}" for where, text in printed.items() for one in found_in(text.encode(), secrets)]
    kept = [
        f"{path} keeps {one}" for path, content in files_of_ours(office, folder) for one in found_in(content, secrets)
    ]
    return shown + kept


def test_every_command_is_searched_or_says_why_not() -> None:
    assert set(COMMANDS) == set(LEAVES)
    assert {name for name, words in COMMANDS.items() if words is None} == set(WHY_NOT)


def test_no_command_shows_or_keeps_a_secret(office: Office, tmp_path: Path) -> None:
    printed: dict[str, str] = {}
    for name, words in COMMANDS.items():
        if words is None:
            continue
        invoice = max(office.world.tenant.invoices)
        filled = [word.format(folder=tmp_path / "books", invoice=invoice) for word in words]
        printed[name] = said(office, *name.split(), *filled)
        if _takes_json(name):
            printed[f"{name} --json"] = said(office, *name.split(), *filled, "--json")
    assert len(office.world.company.gl_entries) > 0, "nothing was carried, so nothing was tried"
    assert leaks(office, tmp_path, printed) == []


def echo(office: Office) -> dict[str, Any]:
    """An error of either vendor that repeats everything it was given."""
    every = " ".join([*SENT, *(f"Bearer {token}" for token in tokens(office))])
    words = f"cannot accept {every} {quote(every)} {base64.b64encode(SENT[0].encode()).decode()}"
    return {"error": {"code": "Internal_Error", "message": words}, "title": words, "status": 400, "traceId": every}


def test_servers_that_repeat_our_secrets_are_not_repeated(office: Office, tmp_path: Path) -> None:
    """Each answer comes to reads and, as a few documents are carried every time, to writes."""
    printed = {"first": said(office, "sync", "--limit", "1")}
    body = echo(office)
    headers = {"Location": f"https://elsewhere.example/{quote(SENT[1])}", "Retry-After": "0"}
    for status in (302, 400, 401, 403, 404, 408, 409, 429, 500, 503):
        for system, path in (
            ("business_central", ""),
            ("business_central", "/salesInvoices"),
            ("servicetitan_api", ""),
        ):
            rule = office.world.sandbox.faults.add(
                faults.answer(status, body, headers), system=system, path=path, count=3
            )
            printed[f"{system}{path} {status}"] = said(office, "sync", "--limit", "2")
            assert rule.fired, "the answer never came, so nothing was tried"
            office.world.sandbox.faults.clear()
        printed[f"{status} afterwards"] = said(office, "held") + said(office, "audit", "--json")
    assert leaks(office, tmp_path, printed) == []


@pytest.mark.parametrize("system", ["entra", "servicetitan_auth"])
def test_a_sign_in_that_repeats_our_secrets_is_not_repeated(office: Office, tmp_path: Path, system: str) -> None:
    printed = {"first": said(office, "sync", "--limit", "1")}
    words = " ".join(SENT)
    body = {"error": "invalid_client", "error_description": words, "title": words}
    office.world.sandbox.faults.add(faults.answer(401, body), system=system, method="POST", count=None)
    for name in ("sync", "doctor", "auth test"):
        printed[f"{system}: {name}"] = said(office, *name.split())
    assert leaks(office, tmp_path, printed) == []


def test_a_mistake_of_ours_keeps_no_secret_in_its_report(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = {"first": said(office, "sync", "--limit", "1")}

    def broken(*_arguments: object, **_options: object) -> None:
        raise RuntimeError(" ".join(SENT))

    monkeypatch.setattr(stsync.engine.run, "run", broken)
    printed["broken"] = said(office, "sync")
    assert "mistake" in printed["broken"]
    assert list(tmp_path.rglob("last-bug.txt"))
    assert leaks(office, tmp_path, printed) == []
