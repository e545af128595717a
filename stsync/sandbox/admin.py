"""The sandbox's own port: health, the request log, faults, reset. Plain http, loopback only.

GET /health; GET /log[?system=&writes=true]; DELETE /log; POST /reset; POST /faults with a list of rules (see
`faults.rule_from_json`); DELETE /faults; GET /latency, what the latency model has booked (404 where there is none);
DELETE /latency, which starts its account and its jitter over. Not modelled: any protection, it is a test bench.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stsync.sandbox.faults import rule_from_json
from stsync.sandbox.wsgi import BadJson, Request, Response

if TYPE_CHECKING:
    from stsync.sandbox.serve import Sandbox

_NO_MODEL = Response(404, {"error": "this sandbox answers at once; it was started without a latency"})


def admin_answer(sandbox: Sandbox, request: Request) -> Response:
    """What the admin port says to this request."""
    answers = {
        ("GET", "/health"): _health,
        ("GET", "/log"): _log,
        ("DELETE", "/log"): _clear_log,
        ("POST", "/reset"): _reset,
        ("POST", "/faults"): _add_faults,
        ("DELETE", "/faults"): _clear_faults,
        ("GET", "/latency"): _latency,
        ("DELETE", "/latency"): _clear_latency,
    }
    known = answers.get((request.method, request.path))
    return known(sandbox, request) if known else Response(404, {"error": f"no path {request.path}"})


def _health(sandbox: Sandbox, _: Request) -> Response:
    return Response(200, {"status": "ok", "urls": sandbox.urls})


def _log(sandbox: Sandbox, request: Request) -> Response:
    system = request.query.get("system")
    only_writes = request.query.get("writes") == "true"
    entries = sandbox.log.writes(system) if only_writes else sandbox.log.entries(system)
    return Response(200, [entry.as_json() for entry in entries])


def _clear_log(sandbox: Sandbox, _: Request) -> Response:
    sandbox.log.clear()
    return Response.empty(204)


def _reset(sandbox: Sandbox, _: Request) -> Response:
    sandbox.reset()
    return Response.empty(204)


def _add_faults(sandbox: Sandbox, request: Request) -> Response:
    try:
        rules = [rule_from_json(given) for given in request.json()]
    except (BadJson, TypeError, KeyError) as error:
        return Response(400, {"error": f"a list of rules is wanted: {error}"})
    sandbox.faults.rules.extend(rules)
    return Response(201, {"rules": len(sandbox.faults.rules)})


def _clear_faults(sandbox: Sandbox, _: Request) -> Response:
    sandbox.faults.clear()
    return Response.empty(204)


def _latency(sandbox: Sandbox, _: Request) -> Response:
    return Response(200, sandbox.pace.figures()) if sandbox.pace else _NO_MODEL


def _clear_latency(sandbox: Sandbox, _: Request) -> Response:
    if sandbox.pace is None:
        return _NO_MODEL
    sandbox.pace.reset()
    return Response.empty(204)
