"""Whether a delivery was signed with one of our secrets: HMAC-SHA256 over the raw body, compared in constant time. Pure.

No public source shows a captured delivery (ServiceTitan facts section 5): the header's name, hexadecimal or base64,
and a prefix such as `sha256=` are therefore choices of the configuration.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Encoding = Literal["either", "hex", "base64"]


@dataclass(frozen=True)
class Scheme:
    """Where the signature stands and how it is written; header names are compared without regard to capitals."""

    headers: Sequence[str] = ("x-servicetitan-signature",)
    encoding: Encoding = "either"
    prefix: str = ""


def signed(body: bytes, secret: str, scheme: Scheme) -> str:
    """The signature of a body as its header carries it; `either` is written in hexadecimal."""
    digest = _digest(body, secret)
    return scheme.prefix + (_base64(digest) if scheme.encoding == "base64" else digest.hex())


def verified(body: bytes, headers: Mapping[str, str], secrets: Sequence[str], scheme: Scheme) -> bool:
    """Whether any of the named headers carries the body's signature by any of the secrets.

    Two secrets are valid while one is being changed for another. Every pair is compared, whatever came before, so that
    the time it takes says nothing.
    """
    given = [headers[name.lower()] for name in scheme.headers if name.lower() in headers]
    offered = [one.strip().removeprefix(scheme.prefix).encode("utf-8", "replace") for one in given]
    wanted = [form for secret in secrets for form in _forms(_digest(body, secret), scheme.encoding)]
    results = [hmac.compare_digest(_folded(one, form), form) for one in offered for form in wanted]
    return any(results)


def _digest(body: bytes, secret: str) -> bytes:
    return hmac.new(secret.encode(), body, hashlib.sha256).digest()


def _forms(digest: bytes, encoding: Encoding) -> list[bytes]:
    forms: dict[Encoding, Callable[[], list[bytes]]] = {
        "hex": lambda: [digest.hex().encode()],
        "base64": lambda: [_base64(digest).encode()],
        "either": lambda: [digest.hex().encode(), _base64(digest).encode()],
    }
    return forms[encoding]()


def _folded(offered: bytes, form: bytes) -> bytes:
    """Hexadecimal may come in capitals; base64 may not. A hexadecimal SHA-256 has 64 characters, base64 has 44."""
    return offered.lower() if len(form) == 64 else offered


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
