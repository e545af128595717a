"""Entra's token endpoint for applications, as far as MSAL's client credentials flow needs it.

Ecosystem section 2: MSAL runs against it unchanged over https with `instance_discovery=False`.

Not modelled: users and consent, federated credentials, replay checks on assertions, conditional access, the
instance discovery host, tokens' signing keys document (nobody in this project verifies an access token).
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hmac import compare_digest

from cryptography import x509

from stsync.sandbox.throttle import SlidingWindow
from stsync.sandbox.tokens.aadsts import Refused, refusal
from stsync.sandbox.tokens.assertions import verify_assertion
from stsync.sandbox.tokens.issued import Clock, IssuedTokens, real_time, signed_jwt
from stsync.sandbox.wsgi import Request, Response

LIFETIME = timedelta(seconds=3599)
RESOURCE = "https://api.businesscentral.dynamics.com"
_PATH = re.compile(r"/(?P<tenant>[^/]+)/(?P<endpoint>v2\.0/\.well-known/openid-configuration|oauth2/v2\.0/token)")
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass
class Application:
    """An app registration: its secrets with their ends, and its certificates."""

    client_id: str
    secrets: dict[str, datetime | None] = field(default_factory=dict)
    certificates: list[x509.Certificate] = field(default_factory=list)


class Entra:
    """An `App` that issues tokens for one directory (tenant), and the memory of them."""

    def __init__(
        self,
        tenant_id: str,
        clock: Clock = real_time,
        *,
        requests_per_minute: int | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.tenant_id = tenant_id
        self.issued = IssuedTokens(clock)
        self.token_requests = 0
        self.throttle = SlidingWindow(requests_per_minute, 60, monotonic)
        self._clock = clock
        self._applications: dict[str, Application] = {}

    def register(
        self,
        client_id: str,
        secret: str | None = None,
        *,
        secret_ends_at: datetime | None = None,
        certificate_pem: bytes | str | None = None,
    ) -> None:
        """Know an application; give it one more secret (with its end), one more certificate, or both."""
        application = self._applications.setdefault(client_id, Application(client_id))
        if secret is not None:
            application.secrets[secret] = secret_ends_at
        if certificate_pem is not None:
            pem = certificate_pem.encode() if isinstance(certificate_pem, str) else certificate_pem
            application.certificates.append(x509.load_pem_x509_certificate(pem))

    def authorise(self, token: str) -> str | None:
        """The application a token belongs to; None when it is unknown, expired or revoked."""
        return self.issued.authorise(token)

    def revoke_all(self) -> None:
        """Make every token issued so far worthless."""
        self.issued.revoke_all()

    def __call__(self, request: Request) -> Response:
        match = _PATH.fullmatch(request.path)
        if match is None:
            return Response.empty(404)
        try:
            if match["tenant"].lower() != self.tenant_id.lower():
                raise Refused(90002, tenant=match["tenant"])
            if match["endpoint"] != "oauth2/v2.0/token":
                return Response(200, self._discovery(request.base_url))
            return self._token(request)
        except Refused as refused:
            return refusal(refused, self._clock())

    def _discovery(self, base_url: str) -> dict[str, object]:
        authority = f"{base_url}/{self.tenant_id}"
        return {
            "token_endpoint": f"{authority}/oauth2/v2.0/token",
            "token_endpoint_auth_methods_supported": [
                "client_secret_post",
                "private_key_jwt",
                "client_secret_basic",
            ],
            "jwks_uri": f"{authority}/discovery/v2.0/keys",
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": f"{authority}/v2.0",
            "authorization_endpoint": f"{authority}/oauth2/v2.0/authorize",
            "tenant_region_scope": "EU",
        }

    def _token(self, request: Request) -> Response:
        if request.method != "POST":
            raise Refused(900561, method=request.method)
        self.token_requests += 1
        if self.throttle.wait():
            return Response(429, {"error": "temporarily_unavailable"}, {"Retry-After": "30"})
        form = request.form()
        self._check_grant(form)
        application = self._application(form.get("client_id", ""))
        if "client_assertion" in form:
            self._check_assertion(application, form, f"{request.base_url}{request.path}")
        else:
            self._check_secret(application, form.get("client_secret", ""))
        token = self._access_token(application, request.base_url)
        self.issued.remember(token, application.client_id, LIFETIME)
        seconds = int(LIFETIME.total_seconds())
        body = {"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": token}
        return Response(200, body, {"Cache-Control": "no-store, no-cache"})

    def _check_grant(self, form: dict[str, str]) -> None:
        if form.get("grant_type") != "client_credentials":
            raise Refused(70003)
        # MSAL adds the three OpenID scopes to some requests; Entra drops them here too.
        scopes = [s for s in form.get("scope", "").split() if s not in ("openid", "profile", "offline_access")]
        if not scopes:
            raise Refused(900144, parameter="scope")
        resource, slash, suffix = scopes[0].rpartition("/")
        if len(scopes) > 1 or (slash, suffix) != ("/", ".default"):
            raise Refused(1002012, scope=" ".join(scopes))
        if resource != RESOURCE:
            raise Refused(500011, resource=resource, tenant=self.tenant_id)

    def _application(self, client_id: str) -> Application:
        application = self._applications.get(client_id)
        if application is None:
            raise Refused(700016, client=client_id, tenant=self.tenant_id)
        return application

    def _check_secret(self, application: Application, given: str) -> None:
        known = [s for s in application.secrets if compare_digest(s.encode(), given.encode())]
        if not known:
            raise Refused(7000215, client=application.client_id)
        ends_at = application.secrets[known[0]]
        if ends_at is not None and ends_at <= self._clock():
            raise Refused(7000222, client=application.client_id)

    def _check_assertion(self, application: Application, form: dict[str, str], audience: str) -> None:
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise Refused(900144, parameter="client_assertion_type")
        assertion = form["client_assertion"]
        verify_assertion(assertion, application.client_id, application.certificates, audience, self._clock())

    def _access_token(self, application: Application, base_url: str) -> str:
        now = int(self._clock().timestamp())
        claims = {
            "aud": RESOURCE,
            "iss": f"{base_url}/{self.tenant_id}/",
            "iat": now,
            "nbf": now,
            "exp": now + int(LIFETIME.total_seconds()),
            "appid": application.client_id,
            "idtyp": "app",
            "roles": ["Automation.ReadWrite.All", "API.ReadWrite.All"],
            "tid": self.tenant_id,
            "uti": uuid.uuid4().hex,
        }
        return signed_jwt({"typ": "JWT", "alg": "RS256", "kid": "sandbox-1"}, claims)
