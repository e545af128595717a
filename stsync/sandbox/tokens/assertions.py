"""Certificate login: the signed client assertion, checked against the certificates of an application.

Ecosystem section 2.5: MSAL signs PS256 with x5t#S256, or RS256 with the older x5t.

Not modelled: certificate expiry and chains (Entra does not check chains either), replay of `jti`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from stsync.sandbox.tokens.aadsts import Refused
from stsync.sandbox.tokens.issued import base64url, from_base64url

_SKEW_SECONDS = 300


def verify_assertion(
    assertion: str,
    client_id: str,
    certificates: Sequence[x509.Certificate],
    audience: str,
    now: datetime,
) -> None:
    """Accept an assertion of this client for this audience at this time, or raise `Refused`."""
    header, claims, signed, signature = _parts(assertion)
    certificate = _named_certificate(header, certificates)
    _check_signature(header, certificate, signed, signature)
    if claims.get("aud") != audience:
        raise Refused(700023)
    if claims.get("iss") != client_id or claims.get("sub") != client_id:
        raise Refused(700021)
    moment = now.timestamp()
    begins, ends = claims.get("nbf", claims.get("iat", 0)), claims.get("exp", 0)
    if not begins - _SKEW_SECONDS <= moment < ends + _SKEW_SECONDS:
        raise Refused(700024)


def _parts(assertion: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    try:
        head, body, signature = assertion.split(".")
        header, claims = json.loads(from_base64url(head)), json.loads(from_base64url(body))
        return header, claims, f"{head}.{body}".encode(), from_base64url(signature)
    except ValueError:
        raise Refused(50027) from None


def _named_certificate(header: dict[str, Any], certificates: Sequence[x509.Certificate]) -> x509.Certificate:
    for certificate in certificates:
        sha1 = base64url(certificate.fingerprint(hashes.SHA1()))  # noqa: S303 - x5t is defined as SHA-1
        sha256 = base64url(certificate.fingerprint(hashes.SHA256()))
        # MSAL may pad with '='; both spellings are the same bytes.
        if str(header.get("x5t", "")).rstrip("=") == sha1 or str(header.get("x5t#S256", "")).rstrip("=") == sha256:
            return certificate
    raise Refused(700027, detail="The certificate used to sign it is not registered on the application.")


def _check_signature(header: dict[str, Any], certificate: x509.Certificate, signed: bytes, signature: bytes) -> None:
    key = certificate.public_key()
    schemes: dict[str, padding.AsymmetricPadding] = {
        "RS256": padding.PKCS1v15(),
        "PS256": padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.DIGEST_LENGTH),
    }
    scheme = schemes.get(str(header.get("alg")))
    if scheme is None or not isinstance(key, rsa.RSAPublicKey):
        raise Refused(5002738)
    try:
        key.verify(signature, signed, scheme, hashes.SHA256())
    except InvalidSignature:
        raise Refused(700027, detail="The signature is invalid.") from None
