"""The ServiceTitan API of one tenant as an `App`.

Not modelled: reporting and its own rate limit, the `servicetitan.io` host names, caching headers.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from stsync.sandbox.pace import Pace
from stsync.sandbox.servicetitan import accounting, crm, pricebook, settings
from stsync.sandbox.servicetitan.errors import Refusal, envelope, not_found
from stsync.sandbox.servicetitan.gate import Authorise, Gate, Throttled
from stsync.sandbox.servicetitan.routes import Endpoint
from stsync.sandbox.servicetitan.tenant import Tenant
from stsync.sandbox.wsgi import App, Handler, Request, Response, Router


def all_endpoints() -> list[Endpoint]:
    """Everything that is served; literal paths stand before those with placeholders."""
    modules = (accounting, crm, settings, pricebook)
    return [endpoint for module in modules for endpoint in module.endpoints()]


def app(
    tenant: Tenant,
    authorise: Authorise,
    *,
    monotonic: Callable[[], float] = time.monotonic,
    pace: Pace | None = None,
) -> App:
    """Serve a tenant to the clients that `authorise(token)` knows and `tenant.connect` let in, at the `pace` if any."""
    gate = Gate(tenant, authorise, monotonic) if pace is None else Gate(tenant, authorise, pace.now, pace.scaled(1))
    router = Router(not_found=_no_route, wrong_method=_no_method)
    for endpoint in all_endpoints():
        router.add(endpoint.method, endpoint.template, _handler(tenant, gate, endpoint))

    def answer(request: Request) -> Response:
        with tenant.lock:
            return _frozen(_answered(tenant, router, request))

    def paced(request: Request, pace: Pace) -> Response:
        with pace.visit("servicetitan_api") as visit:
            with tenant.lock:
                response = _answered(tenant, router, request)
                rows, response = _rows(response), _frozen(response)
            if response.status == 429:
                pace.refused("servicetitan_api", 429)
            else:
                visit.spend("servicetitan_page" if request.method == "GET" else "servicetitan_write", rows)
            # The tenant's lock is free again: who takes his time is in nobody's way.
            visit.catch_up()
            return response

    return answer if pace is None else lambda request: paced(request, pace)


def _rows(response: Response) -> int:
    body = response.body.get("data") if isinstance(response.body, dict) else response.body
    return len(body) if isinstance(body, list) else 1


def _answered(tenant: Tenant, router: Router, request: Request) -> Response:
    try:
        return router(request)
    except Throttled as throttled:
        header = {"Retry-After": str(throttled.seconds)} if tenant.switches.retry_after_header else {}
        return envelope(throttled, header)
    except Refusal as refusal:
        return envelope(refusal)


def _handler(tenant: Tenant, gate: Gate, endpoint: Endpoint) -> Handler:
    def handle(request: Request, names: dict[str, str]) -> Response:
        gate.admit(request, endpoint)
        return endpoint.answer(tenant, request, names)

    return handle


def _no_route(_request: Request) -> Response:
    # Facts 1.3: an unknown route answers 404 with HTML or nothing; never assume JSON.
    return Response(404, text="<html><head><title>404 Not Found</title></head><body>Not Found</body></html>")


def _no_method(request: Request) -> Response:
    raise not_found(f"{request.method} is not supported here")


def _frozen(response: Response) -> Response:
    # Encoded while the lock is held: the rows of the tables must not change under the encoder.
    return Response(response.status, headers=response.with_content_type(), raw=response.encoded())
