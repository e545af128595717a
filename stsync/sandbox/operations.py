"""What is in a `$batch`, for whoever looks at requests from outside: the log, and the rules for faults.

A batch is Business Central's (facts section 10); of anything else the request itself is its only operation.
"""

from __future__ import annotations

from stsync.sandbox.wsgi import BadJson, Request, Response, dump_json


def operations(request: Request) -> list[Request]:
    """The operations of a batch as requests of their own, with the address that each would have alone."""
    if not request.path.endswith("/$batch"):
        return [request]
    root = request.path.removesuffix("$batch")
    try:
        return [
            Request.build(
                str(one["method"]),
                f"{root}{str(one.get('url', '')).lstrip('/')}",
                body=b"" if one.get("body") is None else dump_json(one["body"]).encode(),
                headers={str(name): str(value) for name, value in (one.get("headers") or {}).items()},
                base_url=request.base_url,
            )
            for one in request.json()["requests"]
        ]
    except (BadJson, KeyError, TypeError, AttributeError):
        return []


def statuses(response: Response) -> list[int]:
    """What became of each operation of a batch, as far as its answer says."""
    answers = response.body.get("responses") if isinstance(response.body, dict) else None
    return [int(one["status"]) for one in answers] if isinstance(answers, list) else []
