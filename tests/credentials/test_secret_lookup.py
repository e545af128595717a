"""Where secrets are found: the documented order, and an honest account when they are nowhere."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from stsync.credentials import SECRETS, Credentials, Identity, Source, secret_named
from stsync.credentials.encrypted_file import EncryptedFile
from stsync.credentials.keyring_store import Trouble
from stsync.errors import CredentialsError, ExitCode
from stsync.http.redact import redact

Build = Callable[..., Credentials]
NAME = "bc-client-secret"
VARIABLE = "STSYNC_BC_CLIENT_SECRET"


def private(path: Path, content: str, mode: int = 0o600) -> Path:
    path.write_text(content)
    path.chmod(mode)
    return path


def test_every_secret_has_the_variable_that_the_guide_names() -> None:
    assert {secret.variable for secret in SECRETS} == {
        "STSYNC_SERVICETITAN_CLIENT_ID",
        "STSYNC_SERVICETITAN_CLIENT_SECRET",
        "STSYNC_SERVICETITAN_APP_KEY",
        "STSYNC_BC_CLIENT_ID",
        "STSYNC_BC_CLIENT_SECRET",
        "STSYNC_BC_CERTIFICATE_PASSPHRASE",
        "STSYNC_WEBHOOK_SECRET",
        "STSYNC_WEBHOOK_SECRET_PREVIOUS",
        "STSYNC_BC_CLIENT_STATE",
    }
    assert secret_named("BC_CLIENT_SECRET") is secret_named(NAME)


def test_the_places_are_asked_in_their_documented_order(
    identity: Identity, credentials_with: Build, encrypted_file: EncryptedFile, tmp_path: Path
) -> None:
    systemd = tmp_path / "systemd"
    systemd.mkdir()
    private(systemd / NAME, "from systemd", 0o440)
    encrypted_file.write(NAME, "from encrypted file")
    environ = {
        VARIABLE: "from environment",
        VARIABLE + "_FILE": str(private(tmp_path / "named", "from file\n")),
        "CREDENTIALS_DIRECTORY": str(systemd),
    }
    keyring = {NAME: "from keyring"}

    def value() -> tuple[str, Source]:
        built = credentials_with(environ, keyring=keyring)
        built.encrypted_file = encrypted_file
        found = built.search(NAME).found
        assert found is not None
        return found.value, found.source

    assert value() == ("from environment", Source.ENVIRONMENT)
    del environ[VARIABLE]
    assert value() == ("from file", Source.FILE)
    del environ[VARIABLE + "_FILE"]
    assert value() == ("from systemd", Source.SYSTEMD)
    del environ["CREDENTIALS_DIRECTORY"]
    assert value() == ("from keyring", Source.KEYRING)
    keyring.clear()
    assert value() == ("from encrypted file", Source.ENCRYPTED_FILE)


def test_a_missing_secret_lists_every_place_and_why_each_failed(credentials_with: Build) -> None:
    with pytest.raises(CredentialsError) as caught:
        credentials_with({VARIABLE: "  "}, trouble=Trouble.LOCKED).value(NAME)
    error = caught.value
    account = error.context["looked for"]
    assert error.reference == "secret-missing"
    assert error.exit_code == ExitCode.CREDENTIALS
    assert f"environment variable {VARIABLE}: set, but empty" in account
    assert f"{VARIABLE}_FILE: not set" in account
    assert "CREDENTIALS_DIRECTORY is not set" in account
    assert "the keyring is locked" in account
    assert "encrypted file" in account
    assert VARIABLE in error.hint
    assert f"stsync auth set {NAME}" in error.hint


def test_all_missing_secrets_are_named_in_one_error(credentials_with: Build) -> None:
    with pytest.raises(CredentialsError) as caught:
        credentials_with().values("servicetitan-client-id", "servicetitan-app-key")
    assert "ServiceTitan client id" in caught.value.message
    assert "ServiceTitan app key" in caught.value.message


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_secret_file_that_others_can_open_is_refused_and_nothing_else_is_tried(
    credentials_with: Build, tmp_path: Path, mode: int
) -> None:
    environ = {VARIABLE + "_FILE": str(private(tmp_path / "open", "a-secret-of-the-tests", mode))}
    with pytest.raises(CredentialsError) as caught:
        credentials_with(environ, keyring={NAME: "an older secret"}).value(NAME)
    account = caught.value.context["looked for"]
    assert f"mode {mode:04o}" in account
    assert "chmod 600" in account
    assert "keyring" not in account


@pytest.mark.parametrize(("content", "why"), [("", "empty"), ("one\ntwo\n", "more than one line")])
def test_a_secret_file_with_the_wrong_content_is_refused(
    credentials_with: Build, tmp_path: Path, content: str, why: str
) -> None:
    environ = {VARIABLE + "_FILE": str(private(tmp_path / "wrong", content))}
    with pytest.raises(CredentialsError) as caught:
        credentials_with(environ).optional(NAME)
    assert why in caught.value.context["looked for"]


def test_a_secret_file_that_is_not_there_is_an_error_of_its_own(credentials_with: Build, tmp_path: Path) -> None:
    with pytest.raises(CredentialsError) as caught:
        credentials_with({VARIABLE + "_FILE": str(tmp_path / "gone")}).value(NAME)
    assert "No such file" in caught.value.context["looked for"]


def test_blanks_and_line_ends_around_a_secret_are_not_part_of_it(credentials_with: Build, tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"\xef\xbb\xbfvalue with an editor's marks\r\n")
    path.chmod(0o600)
    assert credentials_with({VARIABLE + "_FILE": str(path)}).value(NAME) == "value with an editor's marks"


def test_an_optional_secret_may_be_nowhere(credentials_with: Build) -> None:
    assert credentials_with().optional("webhook-secret") is None


def test_a_secret_is_asked_for_once_and_afresh_after_it_was_forgotten(credentials_with: Build) -> None:
    entries = {NAME: "first"}
    credentials = credentials_with(keyring=entries)
    assert credentials.value(NAME) == "first"
    entries[NAME] = "second"
    assert credentials.value(NAME) == "first"
    credentials.forget(NAME)
    assert credentials.value(NAME) == "second"


def test_a_found_secret_shows_in_no_representation_and_is_redacted_everywhere(credentials_with: Build) -> None:
    search = credentials_with({VARIABLE: "very-secret-value-17"}).search(NAME)
    assert search.found is not None
    assert "very-secret-value-17" not in repr(search)
    assert "very-secret-value-17" not in redact("login with very-secret-value-17 failed")


def test_a_secret_given_by_hand_is_used_without_any_store(credentials_with: Build) -> None:
    credentials = credentials_with()
    credentials.give(NAME, "typed just now")
    assert credentials.value(NAME) == "typed just now"


def test_an_identity_is_per_tenant_company_and_both_environments(identity: Identity) -> None:
    others = [
        Identity("2", identity.servicetitan_environment, identity.bc_company, identity.bc_environment),
        Identity(identity.servicetitan_tenant, "integration", identity.bc_company, identity.bc_environment),
        Identity(identity.servicetitan_tenant, "production", "other", identity.bc_environment),
        Identity(identity.servicetitan_tenant, "production", identity.bc_company, "sandbox"),
    ]
    assert len({one.service for one in [identity, *others]}) == 5
    assert len({one.slug for one in [identity, *others]}) == 5


def test_a_place_that_may_not_be_looked_into_is_reported_and_no_crash(credentials_with: Build) -> None:
    environ = {"STSYNC_SECRETS_FILE": "x" * 300, "CREDENTIALS_DIRECTORY": "y" * 300}
    tried = credentials_with(environ).search(NAME).tried
    assert "File name too long" in tried[-1].why
    tried = credentials_with({"STSYNC_SECRETS_FILE": "x" * 300}).search(NAME).tried
    assert "could not be read: File name too long" in tried[-1].why


def test_looking_makes_no_files(credentials_with: Build, home: Path) -> None:
    credentials_with().search(NAME)
    assert list(home.iterdir()) == []


def test_the_encrypted_file_is_owner_only_with_its_key_apart(encrypted_file: EncryptedFile) -> None:
    encrypted_file.write(NAME, "sealed value")
    for path in (encrypted_file.path, encrypted_file.key_path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert encrypted_file.path.parent != encrypted_file.key_path.parent
