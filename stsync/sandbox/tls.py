"""The sandbox's own certificate authority and the server certificate it signs.

The authority is kept in the sandbox's folder, so that a client that trusts its `ca.pem` still trusts the
sandbox after a restart. Not modelled: revocation, expiry.
"""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import trustme


def authority(folder: Path) -> trustme.CA:
    """The authority of this folder, made on first use: `ca.pem` to trust, `ca-key.pem` for its owner only."""
    certificate, key = folder / "ca.pem", folder / "ca-key.pem"
    if certificate.exists() and key.exists():
        return trustme.CA.from_pem(certificate.read_bytes(), key.read_bytes())
    folder.mkdir(parents=True, exist_ok=True)
    made = trustme.CA(organization_name="stsync sandbox")
    with os.fdopen(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(made.private_key_pem.bytes())
    certificate.write_bytes(made.cert_pem.bytes())
    return made


def server_context(folder: Path, host: str) -> ssl.SSLContext:
    """TLS for a server that answers as `host`, `localhost` and `127.0.0.1`."""
    names = dict.fromkeys((host, "localhost", "127.0.0.1"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority(folder).issue_cert(*names).configure_cert(context)
    return context
