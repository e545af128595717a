"""ServiceTitan's token server: POST /connect/token (facts section 1.2).

Not modelled: the developer portal (registering an app, a tenant's administrator accepting a version), the
two live secrets per client, the unpublished size of the token throttle (`requests_per_minute` sets one).
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hmac import compare_digest

from stsync.sandbox.throttle import SlidingWindow
from stsync.sandbox.tokens.issued import Clock, IssuedTokens, real_time, signed_jwt
from stsync.sandbox.wsgi import Request, Response

LIFETIME = timedelta(seconds=900)
DEFAULT_SCOPES = ("tn.acc.invoices:r", "tn.acc.invoices:w", "tn.acc.payments:r", "tn.acc.payments:w")


@dataclass(frozen=True)
class Client:
    """One registered pair of id and secret, good for one tenant."""

    client_id: str
    client_secret: str
    tenant_id: int
    scopes: tuple[str, ...]


class ServiceTitanAuth:
    """An `App` that issues ServiceTitan tokens, and the memory of them."""

    def __init__(
        self,
        clock: Clock = real_time,
        *,
        requests_per_minute: int | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.issued = IssuedTokens(clock)
        self.token_requests = 0
        # Facts 1.2: token issuing is throttled by itself, the limit is unpublished.
        self.throttle = SlidingWindow(requests_per_minute, 60, monotonic)
        self._clock = clock
        self._clients: dict[str, Client] = {}

    def register(
        self, client_id: str, client_secret: str, tenant_id: int, scopes: Sequence[str] = DEFAULT_SCOPES
    ) -> None:
        """Know a client, or give a known one another secret."""
        self._clients[client_id] = Client(client_id, client_secret, tenant_id, tuple(scopes))

    def authorise(self, token: str) -> str | None:
        """The client a token belongs to; None when it is unknown, expired or revoked."""
        return self.issued.authorise(token)

    def revoke_all(self) -> None:
        """Make every token issued so far worthless."""
        self.issued.revoke_all()

    def __call__(self, request: Request) -> Response:
        if request.path != "/connect/token":
            return Response.empty(404)
        if request.method != "POST":
            return Response.empty(405, {"Allow": "POST"})
        self.token_requests += 1
        if self.throttle.wait():
            return Response(429, {"error": "too_many_requests"}, {"Retry-After": "30"})
        return self._issue(request)

    def _issue(self, request: Request) -> Response:
        # Facts 1.2: form only; a JSON body is refused.
        if not request.header("content-type").startswith("application/x-www-form-urlencoded"):
            return Response(400, {"error": "invalid_request"})
        form = request.form()
        if form.get("grant_type") != "client_credentials":
            return Response(400, {"error": "unsupported_grant_type"})
        client = self._clients.get(form.get("client_id", ""))
        secret = form.get("client_secret", "")
        if client is None or not compare_digest(client.client_secret.encode(), secret.encode()):
            return Response(400, {"error": "invalid_client"})
        token = self._token(client, request.base_url)
        self.issued.remember(token, client.client_id, LIFETIME)
        body = {
            "access_token": token,
            "expires_in": int(LIFETIME.total_seconds()),
            "token_type": "Bearer",
            "scope": " ".join(client.scopes),
        }
        return Response(200, body, {"Cache-Control": "no-store"})

    def _token(self, client: Client, issuer: str) -> str:
        now = int(self._clock().timestamp())
        claims = {
            "nbf": now,
            "exp": now + int(LIFETIME.total_seconds()),
            "iss": issuer,
            "client_id": client.client_id,
            "tenant": str(client.tenant_id),
            "jti": uuid.uuid4().hex.upper(),
            "iat": now,
            "scope": list(client.scopes),
        }
        return signed_jwt({"alg": "RS256", "kid": "sandbox-1", "typ": "at+jwt"}, claims)
