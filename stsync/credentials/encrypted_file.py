"""Secrets in a file for machines without a keyring: AES-256-GCM, with its key in a second file.

Both files are made only when a person asks for them (`stsync auth set --store file`). Who can read both
files can read the secrets; the guide advises another volume for the key (docs/credentials.md).
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Mapping
from pathlib import Path

from stsync.credentials.names import Identity
from stsync.credentials.private_files import NotPrivate, create_private, read_private, stands, write_private

FORMAT = "stsync-secrets-1"
FILE_VARIABLE = "STSYNC_SECRETS_FILE"
KEY_VARIABLE = "STSYNC_SECRETS_KEY_FILE"


class EncryptedFileUnusable(Exception):
    """The encrypted file or its key cannot be used; `str()` is a sentence for a person."""


class EncryptedFile:
    """The secrets of one identity in one sealed file; the identity is sealed in, so files cannot be swapped."""

    def __init__(self, path: Path, key_path: Path, *, service: str) -> None:
        self.path = path
        self.key_path = key_path
        self._sealed_for = f"{FORMAT} {service}".encode()

    @classmethod
    def standing(cls, identity: Identity, environ: Mapping[str, str]) -> EncryptedFile:
        """Where it stands by default; STSYNC_SECRETS_FILE and STSYNC_SECRETS_KEY_FILE say otherwise."""
        from platformdirs import user_config_path, user_data_path

        path = environ.get(FILE_VARIABLE)
        key_path = environ.get(KEY_VARIABLE)
        data, config = user_data_path("stsync", appauthor=False), user_config_path("stsync", appauthor=False)
        return cls(
            Path(path).expanduser() if path else data / "secrets" / f"{identity.slug}.json",
            Path(key_path).expanduser() if key_path else config / "keys" / f"{identity.slug}.key",
            service=identity.service,
        )

    def exists(self) -> bool:
        """Whether somebody ever asked for this file."""
        return stands(self.path)

    def read(self, name: str) -> str | None:
        """The stored value, None when the file or the entry is not there; raises EncryptedFileUnusable."""
        return self._content().get(name) if self.exists() else None

    def write(self, name: str, value: str) -> None:
        """Store a value, making both files when they are missing; raises EncryptedFileUnusable."""
        content = self._content() if self.exists() else {}
        self._seal({**content, name: value})

    def remove(self, name: str) -> bool:
        """Delete an entry; the file goes with its last one. False when there was none."""
        content = self._content() if self.exists() else {}
        if name not in content:
            return False
        del content[name]
        if content:
            self._seal(content)
        else:
            self.path.unlink()
        return True

    def _content(self) -> dict[str, str]:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        content, key = _read(self.path), self._key()
        try:
            sealed = json.loads(content)
            nonce, box = base64.b64decode(sealed["nonce"]), base64.b64decode(sealed["sealed"])
            opened = json.loads(AESGCM(key).decrypt(nonce, box, self._sealed_for))
        except InvalidTag:
            raise EncryptedFileUnusable(
                f"{self.path} does not open with the key in {self.key_path}: "
                "wrong key, a changed file, or secrets of another company"
            ) from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise EncryptedFileUnusable(f"{self.path} is damaged") from None
        return {str(name): str(value) for name, value in opened.items()}

    def _seal(self, content: Mapping[str, str]) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            if not self.exists() and not stands(self.key_path):
                create_private(self.key_path, base64.b64encode(AESGCM.generate_key(256)) + b"\n")
            key, nonce = self._key(), os.urandom(12)
            box = AESGCM(key).encrypt(nonce, json.dumps(content).encode(), self._sealed_for)
            sealed = {"format": FORMAT, "nonce": _text(nonce), "sealed": _text(box)}
            write_private(self.path, json.dumps(sealed).encode() + b"\n")
        except OSError as error:
            raise EncryptedFileUnusable(f"the secrets file could not be written: {error.strerror or error}") from error

    def _key(self) -> bytes:
        try:
            key = base64.b64decode(_read(self.key_path), validate=False)
        except binascii.Error:
            key = b""
        if len(key) != 32:
            raise EncryptedFileUnusable(f"{self.key_path} does not hold a key of stsync")
        return key


def _read(path: Path) -> bytes:
    try:
        return read_private(path)
    except NotPrivate as error:
        raise EncryptedFileUnusable(str(error)) from None
    except OSError as error:
        raise EncryptedFileUnusable(f"{path} could not be read: {error.strerror or error}") from None


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
