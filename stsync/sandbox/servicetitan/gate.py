"""The gate in front of every endpoint: app key, token, rate, tenant, scope, known parameters.

Not modelled: apps connected to several tenants, keys per environment.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from stsync.sandbox.servicetitan.books import Grant
from stsync.sandbox.servicetitan.errors import NO_APP_KEY, Invalid, Refusal
from stsync.sandbox.servicetitan.routes import Endpoint
from stsync.sandbox.servicetitan.tenant import Tenant
from stsync.sandbox.throttle import SlidingWindow
from stsync.sandbox.wsgi import Request

Authorise = Callable[[str], str | None]


class Throttled(Refusal):
    """429; the wait in seconds is the second-last word of the title (facts 1.3), and an attribute here."""

    def __init__(self, seconds: float) -> None:
        self.seconds = max(1, math.ceil(seconds))
        super().__init__(429, f"Rate limit exceeded. Try again in {self.seconds} seconds.")


class Gate:
    """Who may come in."""

    def __init__(
        self, tenant: Tenant, authorise: Authorise, monotonic: Callable[[], float], window_seconds: float = 1
    ) -> None:
        self._tenant = tenant
        self._authorise = authorise
        self._monotonic = monotonic
        self._window_seconds = window_seconds
        self._windows: dict[str, SlidingWindow] = {}

    def admit(self, request: Request, endpoint: Endpoint) -> None:
        """Let a call through to an endpoint. Raises 401, 403, 429, or 400 for a query it does not have."""
        app_key = request.header("st-app-key") or request.query.get("servicetitanapplicationkey", "")
        if not app_key:
            raise Refusal(401, NO_APP_KEY)
        kind, _, token = request.header("authorization").partition(" ")
        client_id = self._authorise(token.strip()) if kind.lower() == "bearer" else None
        if client_id is None:
            raise Refusal(401, "Unauthorized")
        self._count(client_id)
        grant = self._grant(client_id, request)
        if grant.app_key != app_key:
            raise Refusal(401, "Application key is not valid, check ST-App-Key header value.")
        if grant.scopes is not None and endpoint.scope not in grant.scopes:
            raise Refusal(403, f"Forbidden: the scope {endpoint.scope} is not granted.")
        unknown = [name for name in request.query if not self._takes(endpoint, name)]
        if unknown and self._tenant.switches.refuse_unknown:
            raise Invalid({name: ["The sandbox knows no such parameter here."] for name in unknown})

    def _grant(self, client_id: str, request: Request) -> Grant:
        named = re.match(r"/[^/]+/v2/tenant/([^/]+)", request.path)
        grant = self._tenant.grants.get(client_id)
        if grant is None or named is None or named[1] != str(self._tenant.tenant_id):
            raise Refusal(403, "Forbidden: the tenant has not connected this application.")
        return grant

    def _takes(self, endpoint: Endpoint, name: str) -> bool:
        if name == "servicetitanapplicationkey" or name in endpoint.parameters:
            return True
        return name.startswith("customField.Fields[") and "customField.Fields" in endpoint.parameters

    def _count(self, client_id: str) -> None:
        # Facts 1.4: per application and tenant.
        window = self._windows.setdefault(client_id, SlidingWindow(None, self._window_seconds, self._monotonic))
        window.limit = self._tenant.switches.calls_per_second
        wait = window.wait()
        if wait:
            raise Throttled(wait)
