"""Entra's refusals: the AADSTS numbers that a client of Business Central meets, with status, error and text.

Ecosystem section 2.3 gives 7000215, 7000222, 700016 and 90002 with their shapes; the others stand in
Microsoft's published list of authentication errors. Not modelled: the hundreds of others, localised texts.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from stsync.sandbox.wsgi import Response

_REFUSALS: dict[int, tuple[int, str, str]] = {
    50027: (401, "invalid_client", "JWT token is invalid or malformed."),
    70003: (400, "unsupported_grant_type", "The app requested an unsupported grant type."),
    90002: (
        400,
        "invalid_tenant",
        "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into "
        "the correct cloud. Check with your subscription administrator, this may happen if there are no "
        "active subscriptions for the tenant.",
    ),
    500011: (
        400,
        "invalid_resource",
        "The resource principal named {resource} was not found in the tenant named {tenant}.",
    ),
    700016: (
        400,
        "unauthorized_client",
        "Application with identifier '{client}' was not found in the directory '{tenant}'. This can happen if "
        "the application has not been installed by the administrator of the tenant or consented to by any "
        "user in the tenant.",
    ),
    700021: (
        401,
        "invalid_client",
        "Client assertion application identifier doesn't match 'client_id' parameter.",
    ),
    700023: (401, "invalid_client", "Client assertion audience claim does not match Realm issuer."),
    700024: (401, "invalid_client", "Client assertion is not within its valid time range."),
    700027: (401, "invalid_client", "Client assertion failed signature validation. {detail}"),
    900144: (
        400,
        "invalid_request",
        "The request body must contain the following parameter: '{parameter}'.",
    ),
    900561: (400, "invalid_request", "The endpoint only accepts POST requests. Received a {method} request."),
    1002012: (
        400,
        "invalid_scope",
        "The provided value for scope {scope} is not valid. Client credential flows must have a scope value "
        "with /.default suffixed to the resource identifier (application ID URI).",
    ),
    5002738: (401, "invalid_client", "Invalid JWT token. The signing algorithm is not supported."),
    7000215: (
        401,
        "invalid_client",
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret "
        "value, not the client secret ID, for a secret added to app '{client}'.",
    ),
    7000222: (
        401,
        "invalid_client",
        "The provided client secret keys for app '{client}' are expired. Visit the Azure portal to create new "
        "keys for your app, or consider using certificate credentials for added security.",
    ),
}


class Refused(Exception):
    """A token request turned down under one AADSTS number; `names` fill the blanks in its text."""

    def __init__(self, code: int, **names: str) -> None:
        self.status, self.error, text = _REFUSALS[code]
        self.code = code
        self.text = text.format(**names)
        super().__init__(self.text)


def refusal(refused: Refused, now: datetime) -> Response:
    """The answer Entra gives: error, description with trace ids, and the numbers."""
    stamp = now.strftime("%Y-%m-%d %H:%M:%SZ")
    trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
    ids = f"Trace ID: {trace} Correlation ID: {correlation} Timestamp: {stamp}"
    body = {
        "error": refused.error,
        "error_description": f"AADSTS{refused.code}: {refused.text} {ids}",
        "error_codes": [refused.code],
        "timestamp": stamp,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"https://login.microsoftonline.com/error?code={refused.code}",
    }
    return Response(refused.status, body)
