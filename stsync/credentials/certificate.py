"""The certificate that Business Central's login may use instead of a secret, in a PFX (PKCS #12) file."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import NoReturn

from stsync.credentials.names import BC_CERTIFICATE_PASSPHRASE, secret_named
from stsync.errors import CredentialsError


def certificate_end(path: Path, passphrase: str | None) -> datetime:
    """The instant (UTC) after which the certificate is no longer accepted.

    Raises CredentialsError 'bc-certificate-unreadable' when the file or its passphrase is wrong, and
    'bc-certificate-open-to-others' when a key without a passphrase lies where others can read it.
    """
    from cryptography.hazmat.primitives.serialization.pkcs12 import load_key_and_certificates

    content = _content(path)
    try:
        key, certificate, _ = load_key_and_certificates(content, passphrase.encode() if passphrase else None)
    except ValueError:
        _unreadable(path, _passphrase_advice(passphrase))
    if key is None or certificate is None:
        _unreadable(path, "It must hold both the certificate and its private key: export it as PFX with the key.")
    if not passphrase:
        _refuse_open_file(path)
    return certificate.not_valid_after_utc


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        _unreadable(path, f"Check business_central.certificate_file: {error.strerror or error}.")


def _passphrase_advice(passphrase: str | None) -> str:
    secret = secret_named(BC_CERTIFICATE_PASSPHRASE)
    assert secret is not None
    place = f"stsync auth set {secret.name} (or {secret.variable})"
    if passphrase is None:
        return f"If it has a passphrase, give it with: {place}"
    return f"The passphrase does not open it, or it is not a PFX file. Give the passphrase with: {place}"


def _refuse_open_file(path: Path) -> None:
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise CredentialsError(
            "bc-certificate-open-to-others",
            f"The certificate file {path} has no passphrase and others on this machine can read its private key.",
            hint=f"Run: chmod 600 {path} - or protect the file with a passphrase.",
        )


def _unreadable(path: Path, advice: str) -> NoReturn:
    raise CredentialsError(
        "bc-certificate-unreadable",
        f"The Business Central certificate {path} cannot be used.",
        hint=advice,
    )
