"""The app: prefix, authentication, limits, the lock, one operation or a batch.

Not modelled: permission sets (every accepted client may do everything), telemetry, the admin API.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace

from stsync.sandbox.businesscentral import errors
from stsync.sandbox.businesscentral.environment import Environment
from stsync.sandbox.businesscentral.web.batch import is_snapshot, run_batch
from stsync.sandbox.businesscentral.web.limits import Limits
from stsync.sandbox.businesscentral.web.session import Operation, Session
from stsync.sandbox.businesscentral.web.subscriptions import Subscriptions
from stsync.sandbox.businesscentral.web.turns import PacedSession, Runs
from stsync.sandbox.pace import Pace, Visit
from stsync.sandbox.wsgi import App, Request, Response

_PREFIX = re.compile(r"(?P<prefix>/v2\.0/(?:(?P<tenant>[^/]+)/)?(?P<environment>[^/]+)/api/v2\.0)(?:/(?P<path>.*))?")

Authorise = Callable[[str | None], str | None]
_LIMITS = frozenset({408, 429, 503})


class Service:
    """A hosted environment: call it with a request. `limits` shows how many requests ran at once."""

    def __init__(self, environment: Environment, authorise: Authorise, *, pace: Pace | None = None) -> None:
        """`pace` is the latency model; without one, every answer comes as soon as it is computed."""
        self.environment = environment
        self.limits = Limits(environment) if pace is None else Limits(environment, pace.now, pace.latency.scale)
        self._pace = pace
        self.subscriptions = Subscriptions(environment)
        self._authorise = authorise

    def __call__(self, request: Request) -> Response:
        if self._pace is None:
            return self._reply(request, None)
        with self._pace.visit("business_central") as visit:
            return self._reply(request, visit)

    def _reply(self, request: Request, visit: Visit | None) -> Response:
        try:
            response = self._answer(request, visit)
        except errors.BcError as error:
            if self._pace is not None and error.status in _LIMITS:
                self._pace.refused("business_central", error.status)
            response = Response(error.status, error.envelope(), dict(error.headers))
        return replace(response, headers={**self._headers(request), **response.headers})

    def _answer(self, request: Request, visit: Visit | None) -> Response:
        match = _PREFIX.fullmatch(request.path)
        if match is None:
            raise errors.url_not_found(f"{request.base_url}{request.path}")
        user = self._authorise(_bearer(request.header("authorization")))
        if user is None:
            raise errors.unauthorised()
        self._check_address(match)
        if self.subscriptions.named(match["path"] or ""):
            # Outside the lock: the handshake goes to a program that may ask the books something meanwhile.
            return self.subscriptions.answer(request, match["path"], user)
        operation = Operation(
            method=request.method,
            path=match["path"] or "",
            raw_query=request.raw_query,
            headers=request.headers,
            body=request.body,
            api_url=f"{request.base_url}{match['prefix']}",
        )
        session = Session(self.environment, user)
        with self.limits.request(user) as waited:
            if visit is not None:
                visit.begin(waited)
                return self._paced(user, session, visit, operation)
            with self.environment.lock:
                return self._run(user, session, operation)

    def _paced(self, user: str, session: Session, visit: Visit, operation: Operation) -> Response:
        """Answer in modelled time, which is over when the place among the concurrent requests is given back."""
        held = operation.path == "$batch" and is_snapshot(operation)
        paced = PacedSession(self.environment, session, visit, held=held)
        try:
            with self.environment.lock if held else nullcontext():
                return self._run(user, paced, operation)
        finally:
            visit.catch_up()

    def _run(self, user: str, session: Runs, operation: Operation) -> Response:
        if operation.path != "$batch":
            return session.run(operation)
        return run_batch(self.environment, session, operation, lambda n: self.limits.count_operations(user, n))

    def _check_address(self, match: re.Match[str]) -> None:
        tenant = match["tenant"]
        if tenant is not None and tenant.lower() != self.environment.tenant_id.lower():
            raise errors.unauthorised()
        if match["environment"].lower() != self.environment.name.lower():
            message = f"Environment '{match['environment']}' does not exist."
            raise errors.BcError(404, "NoEnvironment", message)

    @staticmethod
    def _headers(request: Request) -> dict[str, str]:
        headers = {"OData-Version": "4.0", "request-id": str(uuid.uuid4())}
        if request.header("return-client-request-id").lower() == "true":
            headers["client-request-id"] = request.header("client-request-id")
        return headers


def _bearer(header: str) -> str | None:
    scheme, _, token = header.partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def app(environment: Environment, authorise: Authorise) -> App:
    """The environment as an `App`. `authorise` maps a bearer token to a client id, or to None for a 401."""
    return Service(environment, authorise)
