"""The encrypted file: what it keeps, what it refuses, and that a crash cannot harm it."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from stsync.credentials import Identity
from stsync.credentials.encrypted_file import EncryptedFile, EncryptedFileUnusable

NAME = "bc-client-secret"


def test_what_is_written_can_be_read_by_another_process_of_the_same_user(
    encrypted_file: EncryptedFile, identity: Identity
) -> None:
    encrypted_file.write(NAME, "ünï-value")
    encrypted_file.write("servicetitan-app-key", "ak1.key")
    again = EncryptedFile(encrypted_file.path, encrypted_file.key_path, service=identity.service)
    assert again.read(NAME) == "ünï-value"
    assert again.read("servicetitan-app-key") == "ak1.key"
    assert again.read("webhook-secret") is None


def test_no_secret_is_readable_in_the_file(encrypted_file: EncryptedFile) -> None:
    encrypted_file.write(NAME, "plain-to-see")
    assert b"plain-to-see" not in encrypted_file.path.read_bytes()
    assert NAME.encode() not in encrypted_file.path.read_bytes()


def test_reading_and_removing_make_no_file(encrypted_file: EncryptedFile) -> None:
    assert encrypted_file.read(NAME) is None
    assert not encrypted_file.remove(NAME)
    assert not encrypted_file.path.exists()
    assert not encrypted_file.key_path.exists()


def test_the_file_goes_with_its_last_secret(encrypted_file: EncryptedFile) -> None:
    encrypted_file.write(NAME, "a-secret-of-the-tests")
    encrypted_file.write("webhook-secret", "other")
    assert encrypted_file.remove(NAME)
    assert encrypted_file.read("webhook-secret") == "other"
    assert encrypted_file.remove("webhook-secret")
    assert not encrypted_file.exists()


def test_secrets_of_one_company_do_not_open_for_another(encrypted_file: EncryptedFile, identity: Identity) -> None:
    encrypted_file.write(NAME, "a-secret-of-the-tests")
    other = dataclasses.replace(identity, bc_company="another")
    with pytest.raises(EncryptedFileUnusable, match="another company"):
        EncryptedFile(encrypted_file.path, encrypted_file.key_path, service=other.service).read(NAME)


def test_a_changed_byte_is_noticed(encrypted_file: EncryptedFile) -> None:
    encrypted_file.write(NAME, "a-secret-of-the-tests")
    text = encrypted_file.path.read_text()
    start = text.index('"sealed": "') + 11
    swapped = "A" if text[start] != "A" else "B"
    encrypted_file.path.write_text(text[:start] + swapped + text[start + 1 :])
    with pytest.raises(EncryptedFileUnusable, match="does not open"):
        encrypted_file.read(NAME)


@pytest.mark.parametrize("content", ["", "not json", "[]", '{"nonce": "AA==", "sealed": "AA=="}', '{"sealed": 1}'])
def test_a_damaged_file_is_said_to_be_so(encrypted_file: EncryptedFile, content: str) -> None:
    encrypted_file.write(NAME, "a-secret-of-the-tests")
    encrypted_file.path.write_text(content)
    with pytest.raises(EncryptedFileUnusable, match=r"damaged|does not open"):
        encrypted_file.read(NAME)


def test_a_lost_key_does_not_lead_to_a_new_one_over_sealed_secrets(encrypted_file: EncryptedFile) -> None:
    encrypted_file.write(NAME, "a-secret-of-the-tests")
    encrypted_file.key_path.unlink()
    with pytest.raises(EncryptedFileUnusable, match="could not be read"):
        encrypted_file.write("webhook-secret", "other")
    assert not encrypted_file.key_path.exists()


@pytest.mark.skipif(os.name != "posix", reason="Windows has no mode bits")
@pytest.mark.parametrize("which", ["path", "key_path"])
def test_files_that_others_can_open_are_refused(encrypted_file: EncryptedFile, which: str) -> None:
    encrypted_file.write(NAME, "a-secret-of-the-tests")
    path: Path = getattr(encrypted_file, which)
    path.chmod(0o644)
    with pytest.raises(EncryptedFileUnusable, match="chmod 600"):
        encrypted_file.read(NAME)


def test_a_write_that_fails_leaves_the_old_secrets_and_no_debris(
    encrypted_file: EncryptedFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    encrypted_file.write(NAME, "old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("stsync.credentials.private_files.os.fsync", full)
    with pytest.raises(EncryptedFileUnusable, match="No space left"):
        encrypted_file.write(NAME, "new")
    assert encrypted_file.read(NAME) == "old"
    assert [path.name for path in encrypted_file.path.parent.iterdir()] == [encrypted_file.path.name]


def test_the_places_of_both_files_can_be_chosen(identity: Identity, tmp_path: Path) -> None:
    environ = {
        "STSYNC_SECRETS_FILE": str(tmp_path / "a" / "secrets"),
        "STSYNC_SECRETS_KEY_FILE": str(tmp_path / "b" / "key"),
    }
    chosen = EncryptedFile.standing(identity, environ)
    chosen.write(NAME, "a-secret-of-the-tests")
    assert (tmp_path / "a" / "secrets").exists()
    assert (tmp_path / "b" / "key").exists()
