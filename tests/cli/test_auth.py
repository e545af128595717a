"""`stsync auth` as a person and as a scheduler meet it."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from stsync.cli import console
from stsync.cli.auth import app
from stsync.sandbox.serve import Sandbox
from stsync.sandbox.tokens import Entra, ServiceTitanAuth
from stsync.sandbox.wsgi import Request, Response

TENANT = "11111111-2222-3333-4444-555555555555"
COMPANY = "aaaaaaaa-0000-0000-0000-000000000001"
GOOD = {
    "STSYNC_SERVICETITAN_CLIENT_ID": "cid.good",
    "STSYNC_SERVICETITAN_CLIENT_SECRET": "cs1.good-secret",
    "STSYNC_SERVICETITAN_APP_KEY": "ak1.good-app-key",
    "STSYNC_BC_CLIENT_ID": "app-of-the-books",
    "STSYNC_BC_CLIENT_SECRET": "abc8Q~good-value",
}


def configuration(**urls: str) -> str:
    addresses = {name: f"\n  {name}: {url}" for name, url in urls.items()}
    return (
        "servicetitan:\n  environment: integration\n  tenant_id: 985798691"
        + addresses.get("api_url", "")
        + addresses.get("auth_url", "")
        + f"\nbusiness_central:\n  tenant_id: {TENANT}\n  environment: sandbox\n  company_id: {COMPANY}"
        + addresses.get("books_url", "").replace("books_url", "api_url")
        + addresses.get("authority", "")
        + "\ngo_live: 2026-11-01\n"
    )


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without secrets, without a keyring, with a configuration."""
    for name in list(os.environ):
        if name.startswith("STSYNC_") or name == "CREDENTIALS_DIRECTORY":
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    monkeypatch.setenv("COLUMNS", "200")
    path = tmp_path / "config.yaml"
    path.write_text(configuration())
    monkeypatch.setenv("STSYNC_CONFIG", str(path))
    return path


Auth = Callable[..., Result]


@pytest.fixture
def auth(monkeypatch: pytest.MonkeyPatch) -> Auth:
    """Run `stsync auth …` without a terminal."""

    def run(*words: str, stdin: str = "", environ: dict[str, str] | None = None) -> Result:
        console.OUTPUT.json = False
        done = CliRunner().invoke(app, list(words), input=stdin, env=environ or {})
        console.OUTPUT.json = False
        return done

    return run


def test_a_secret_piped_into_the_encrypted_file_is_found_and_never_shown(auth: Auth, tmp_path: Path) -> None:
    done = auth(
        "set", "bc-client-secret", "--stdin", "--store", "file", "--expires", "2099-01-31", stdin="abc8Q~value\n"
    )
    assert done.exit_code == 0, done.output
    shown = auth("status", "--json")
    document = json.loads(shown.stdout)
    entry = next(secret for secret in document["secrets"] if secret["name"] == "bc-client-secret")
    assert (entry["found"], entry["source"]) == (True, "encrypted-file")
    assert document["expiries"][0]["expires_on"] == "2099-01-31"
    assert "abc8Q~value" not in done.output + shown.output + auth("status").output
    assert not any(b"abc8Q~value" in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_status_says_what_is_missing_and_where_it_looked(auth: Auth) -> None:
    done = auth("status")
    assert done.exit_code == 77
    assert "The ServiceTitan app key is missing. Looked in:" in done.output
    assert "environment variable STSYNC_SERVICETITAN_APP_KEY: not set" in done.output
    assert "webhook secret is missing" not in done.output


def test_status_is_content_when_everything_needed_is_there(auth: Auth) -> None:
    done = auth("status", environ=GOOD)
    assert done.exit_code == 0, done.output
    assert "environment variable STSYNC_BC_CLIENT_ID" in done.output
    assert not any(value in done.output for value in GOOD.values())


def test_a_mistake_of_ours_is_a_sentence_and_no_traceback(auth: Auth, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_words: object) -> None:
        raise RuntimeError("unthought of")

    monkeypatch.setattr("stsync.cli.auth._needed", broken)
    told = auth("status", environ=GOOD)
    assert told.exit_code == 1
    assert "its makers did not think of" in told.stderr
    assert "Traceback" not in told.output


def test_a_secret_that_ends_soon_is_announced(auth: Auth) -> None:
    soon = (datetime.now(UTC) + timedelta(days=14)).date()
    done = auth("status", environ={**GOOD, "STSYNC_BC_CLIENT_SECRET_EXPIRES": soon.isoformat()})
    assert done.exit_code == 0
    assert f"The Business Central client secret ends in 14 days, on {soon}." in done.output


def test_a_secret_is_never_taken_as_an_argument_nor_repeated(auth: Auth) -> None:
    for words in (["bc-client-secret", "hunter2-hunter2"], ["bc-client-secret=hunter2-hunter2"], ["hunter2-hunter2"]):
        done = auth("set", *words)
        assert done.exit_code == 2
        assert "hunter2" not in done.output
    assert "never given as an argument" in auth("set", "bc-client-secret", "hunter2").output


def test_without_a_terminal_nobody_is_asked(auth: Auth) -> None:
    for words in ([], ["bc-client-secret"]):
        done = auth("set", *words, stdin="would be taken\n")
        assert done.exit_code == 2
        assert "There is no terminal" in done.output
    assert "STSYNC_BC_CLIENT_SECRET" in auth("set", "bc-client-secret").output


@pytest.mark.parametrize(
    ("words", "stdin", "reference"),
    [
        (["set", "bc-client-secret", "--stdin"], "\n", "nothing-on-stdin"),
        (["set", "--stdin"], "value\n", "secret-unnamed"),
        (["set", "bc-client-secret", "--stdin", "--expires", "31.1.2099"], "value\n", "bad-date"),
        (["set", "bc-client-secret", "--stdin", "--expires", "2020-01-31"], "value\n", "expiry-past"),
        (["set", "bc-client-secret", "--keep"], "", "expiry-missing"),
        (["remove"], "", "secret-unnamed"),
        (["remove", "no-such-secret"], "", "unknown-secret"),
    ],
)
def test_a_command_that_cannot_be_meant_is_refused(auth: Auth, words: list[str], stdin: str, reference: str) -> None:
    done = auth(*words, stdin=stdin)
    assert done.exit_code == 2
    assert reference in done.output


def test_without_a_keyring_the_other_ways_are_named(auth: Auth, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    monkeypatch.setattr("keyring.core._keyring_backend", None)
    done = auth("set", "bc-client-secret", "--stdin", stdin="value-of-secret\n")
    assert done.exit_code == 77
    assert "there is no keyring here" in done.output
    assert "--store file" in done.output


def test_a_place_that_hides_what_was_stored_is_pointed_out(auth: Auth) -> None:
    words = ["set", "bc-client-secret", "--stdin", "--store", "file"]
    done = auth(*words, stdin="new-value\n", environ={"STSYNC_BC_CLIENT_SECRET": "old-value"})
    assert done.exit_code == 0
    assert "environment variable STSYNC_BC_CLIENT_SECRET is asked first" in done.output


def test_a_secret_id_in_place_of_the_value_is_noticed(auth: Auth) -> None:
    done = auth("set", "bc-client-secret", "--stdin", "--store", "file", stdin=TENANT + "\n")
    assert "looks like the Secret ID" in done.output


def test_only_the_date_can_be_noted(auth: Auth) -> None:
    auth("set", "bc-client-secret", "--stdin", "--store", "file", stdin="value-to-keep\n")
    done = auth("set", "bc-client-secret", "--keep", "--expires", "2099-12-31", "--json")
    assert json.loads(done.stdout)["stored"][0]["expires_on"] == "2099-12-31"
    assert json.loads(auth("status", "--json").stdout)["expiries"][0]["name"] == "bc-client-secret"


def test_a_removed_secret_is_gone_with_its_date(auth: Auth) -> None:
    auth("set", "bc-client-secret", "--stdin", "--store", "file", "--expires", "2099-01-31", stdin="value-to-go\n")
    done = auth("remove", "bc-client-secret", "--json")
    assert json.loads(done.stdout) == {"removed": {"bc-client-secret": ["encrypted-file"]}}
    assert json.loads(auth("status", "--json").stdout)["expiries"] == []
    assert json.loads(auth("remove", "--all", "--json").stdout)["removed"]["bc-client-secret"] == []


def test_a_broken_configuration_is_told_with_its_exit_code(auth: Auth, machine: Path) -> None:
    machine.write_text("servicetitan: nonsense\n")
    assert auth("status").exit_code == 2


@pytest.fixture
def systems(tmp_path: Path, machine: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Both logins and the one page of each API that `auth test` reads."""
    entra, login = Entra(TENANT), ServiceTitanAuth()
    entra.register("app-of-the-books", "abc8Q~good-value")
    login.register("cid.good", "cs1.good-secret", 985798691)

    def servicetitan(request: Request) -> Response:
        assert request.path == "/settings/v2/tenant/985798691/business-units"
        if request.header("st-app-key") != "ak1.good-app-key":
            return Response(
                401, {"title": "Application key is not valid, check ST-App-Key header value.", "status": 401}
            )
        assert login.authorise(request.header("authorization").removeprefix("Bearer "))
        return Response(200, {"data": [], "hasMore": False})

    def books(request: Request) -> Response:
        assert request.path == f"/v2.0/{TENANT}/sandbox/api/v2.0/companies"
        if entra.authorise(request.header("authorization").removeprefix("Bearer ")) is None:
            return Response(401, {"error": {"code": "Authentication_InvalidCredentials", "message": "…"}})
        return Response(200, {"value": [{"id": COMPANY, "name": "CRONUS", "displayName": "Cronus Heating"}]})

    apps = {"entra": entra, "servicetitan_auth": login, "servicetitan_api": servicetitan, "business_central": books}
    with Sandbox(apps, tmp_path / "sandbox") as sandbox:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(sandbox.ca_file))
        urls = sandbox.urls
        machine.write_text(
            configuration(
                api_url=urls["servicetitan_api"],
                auth_url=urls["servicetitan_auth"],
                books_url=urls["business_central"],
                authority=urls["entra"],
            )
        )
        yield sandbox


def test_good_secrets_read_one_harmless_thing_in_each_system(auth: Auth, systems: Sandbox) -> None:
    done = auth("test", environ=GOOD)
    assert done.exit_code == 0, done.output
    assert "ServiceTitan: ok" in done.output
    assert "the company Cronus Heating can be read" in done.output
    assert {(entry.method, entry.system) for entry in systems.log.entries() if "token" not in entry.target} == {
        ("GET", "servicetitan_api"),
        ("GET", "business_central"),
        ("GET", "entra"),
    }


@pytest.mark.parametrize(
    ("variable", "system", "reference"),
    [
        ("STSYNC_SERVICETITAN_CLIENT_ID", "ServiceTitan", "servicetitan-secret-refused"),
        ("STSYNC_SERVICETITAN_CLIENT_SECRET", "ServiceTitan", "servicetitan-secret-refused"),
        ("STSYNC_SERVICETITAN_APP_KEY", "ServiceTitan", "servicetitan-app-key-refused"),
        ("STSYNC_BC_CLIENT_ID", "Business Central", "bc-app-unknown"),
        ("STSYNC_BC_CLIENT_SECRET", "Business Central", "bc-secret-refused"),
    ],
)
def test_exactly_the_wrong_secret_is_named(
    auth: Auth, systems: Sandbox, variable: str, system: str, reference: str
) -> None:
    done = auth("test", "--json", environ={**GOOD, variable: "wrong-value-here"})
    assert done.exit_code == 77
    outcomes = {outcome["system"]: outcome for outcome in json.loads(done.stdout)["systems"]}
    bad = outcomes.pop(system)
    (good,) = outcomes.values()
    assert good["ok"]
    assert bad["problem"]["reference"] == reference
    assert "wrong-value-here" not in done.output


def test_a_missing_secret_does_not_keep_the_other_system_from_being_tried(auth: Auth, systems: Sandbox) -> None:
    environ = {name: value for name, value in GOOD.items() if name != "STSYNC_SERVICETITAN_APP_KEY"}
    done = auth("test", environ=environ)
    assert done.exit_code == 77
    assert "ServiceTitan: FAILED - The ServiceTitan app key is missing." in done.output
    assert "Business Central: ok" in done.output


def test_an_app_that_business_central_does_not_know_is_told_apart_from_a_wrong_secret(
    auth: Auth, systems: Sandbox
) -> None:
    systems._apps["business_central"] = lambda request: Response(
        401, {"error": {"code": "Authentication_InvalidCredentials"}}
    )
    done = auth("test", environ=GOOD)
    assert done.exit_code == 77
    assert "Microsoft Entra Applications" in done.output


def test_a_company_that_is_not_there_is_named_with_those_that_are(auth: Auth, systems: Sandbox) -> None:
    systems._apps["business_central"] = lambda request: Response(200, {"value": [{"id": "1", "name": "Another"}]})
    done = auth("test", environ=GOOD)
    assert done.exit_code == 2
    assert "Another" in done.output


ON_A_TERMINAL = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from stsync.cli.auth import app
app(sys.argv[1:])
"""


def typed(words: list[str], answers: list[tuple[bytes, bytes]]) -> tuple[int, bytes]:
    """Run on a real terminal, answer each prompt, and return the exit code and all that was shown."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-c", ON_A_TERMINAL, *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown, mark = b"", 0
    try:
        for prompt, answer in answers:
            while prompt not in shown[mark:]:
                shown += _more(ours, shown)
            mark = len(shown)
            os.write(ours, answer)
        with_end = _rest(ours)
        return child.wait(timeout=30), shown + with_end
    finally:
        os.close(ours)
        child.kill()
        child.wait()


def _more(terminal: int, shown: bytes) -> bytes:
    ready, _, _ = select.select([terminal], [], [], 30)
    assert ready, f"nothing more came after: {shown!r}"
    try:
        return os.read(terminal, 4096)
    except OSError as error:
        raise AssertionError(f"the program ended after: {shown!r}") from error


def _rest(terminal: int) -> bytes:
    rest, end = b"", time.monotonic() + 30
    while time.monotonic() < end:
        try:
            chunk = os.read(terminal, 4096)
        except OSError:
            break
        if not chunk:
            break
        rest += chunk
    return rest


def test_on_a_terminal_a_secret_is_asked_for_hidden_and_its_end_openly(auth: Auth) -> None:
    code, shown = typed(
        ["set", "bc-client-secret", "--store", "file"],
        [(b"client secret: ", b"abc8Q~typed-value\n"), (b"ends on", b"2099-01-31\n")],
    )
    assert code == 0, shown
    assert b"typed-value" not in shown
    assert b"2099-01-31" in shown
    document: dict[str, Any] = json.loads(auth("status", "--json").stdout)
    assert document["expiries"][0]["expires_on"] == "2099-01-31"


def test_on_a_terminal_enter_keeps_what_is_there(auth: Auth) -> None:
    prompts = [b"client id", b"client secret", b"app key", b"client id", b"client secret"]
    code, shown = typed(["set", "--store", "file"], [(prompt, b"\n") for prompt in prompts])
    assert code == 0, shown
    assert b"Nothing was changed." in shown


def test_a_pipe_option_on_a_terminal_is_refused_because_typing_would_show() -> None:
    code, shown = typed(["set", "bc-client-secret", "--stdin"], [])
    assert code == 2
    assert b"stdin-is-a-terminal" in shown
