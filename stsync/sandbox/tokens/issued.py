"""Tokens as they are handed out: signed, remembered, expired by an injected clock, revoked on demand.

Not modelled: key rollover, refresh tokens, introspection; the signing key lives as long as the process.
"""

from __future__ import annotations

import base64
import functools
import json
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

Clock = Callable[[], datetime]


def real_time() -> datetime:
    """The present, aware and in UTC."""
    return datetime.now(UTC)


def base64url(data: bytes) -> str:
    """Base64 for URLs without padding, as JSON web tokens write it."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """The bytes behind `base64url`. Raises ValueError."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@functools.cache
def signing_key() -> rsa.RSAPrivateKey:
    """One key per process: making one takes a tenth of a second."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def signed_jwt(header: Mapping[str, object], claims: Mapping[str, object]) -> str:
    """A compact RS256 token."""
    parts = [base64url(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims)]
    signed = ".".join(parts)
    signature = signing_key().sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{base64url(signature)}"


class IssuedTokens:
    """The tokens a server has issued and who may still use them."""

    def __init__(self, clock: Clock = real_time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._holders: dict[str, tuple[str, datetime]] = {}

    def remember(self, token: str, client_id: str, lifetime: timedelta) -> None:
        """Accept this token from now on, for its lifetime."""
        now = self._clock()
        with self._lock:
            live = {t: held for t, held in self._holders.items() if held[1] > now}
            self._holders = {**live, token: (client_id, now + lifetime)}

    def authorise(self, token: str) -> str | None:
        """The client a token belongs to; None when it is unknown, expired or revoked."""
        client_id, ends_at = self._holders.get(token, ("", self._clock()))
        return client_id if ends_at > self._clock() else None

    def known(self) -> list[str]:
        """Every token that is still worth something, for tests that search for them."""
        return list(self._holders)

    def revoke_all(self) -> None:
        """Make every token issued so far worthless, as a restart or an administrator would."""
        with self._lock:
            self._holders = {}
