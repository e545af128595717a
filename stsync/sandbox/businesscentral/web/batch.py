"""`$batch`: up to a hundred operations in one request (BC facts section 10).

Stops at the first failure unless asked to go on; `Isolation: snapshot` takes back what no commit made
permanent, while earlier answers still say 201. Not modelled: `$1` references, `dependsOn`, change sets.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from stsync.sandbox.businesscentral import errors
from stsync.sandbox.businesscentral.environment import Environment
from stsync.sandbox.businesscentral.odata.payload import refuse_number_decimals
from stsync.sandbox.businesscentral.sets.registry import SETS
from stsync.sandbox.businesscentral.web.session import Operation
from stsync.sandbox.businesscentral.web.turns import Runs
from stsync.sandbox.wsgi import Response, dump_json

LIMIT = 100


class _SnapshotFailed(Exception):
    """Carries the answers out of a transaction that is to be undone."""

    def __init__(self, answers: list[dict[str, Any]]) -> None:
        super().__init__()
        self.answers = answers


def run_batch(environment: Environment, session: Runs, outer: Operation, admit: Callable[[int], None]) -> Response:
    """Run the operations of a batch and answer them in order; `admit` counts them and may raise."""
    if not environment.switches.batch_enabled:
        raise errors.BcError(
            environment.switches.batch_disabled_status, "BadRequest_NotFound", "$batch is not available."
        )
    if outer.method != "POST":
        raise errors.method_not_allowed(outer.method, "$batch")
    requests = _requests(outer.json())
    admit(len(requests))
    try:
        with _isolation(environment, outer):
            answers = _run_all(environment, session, outer, requests)
    except _SnapshotFailed as failed:
        answers = failed.answers
    return _reply(outer, answers)


def is_snapshot(outer: Operation) -> bool:
    """Whether the batch is to be one transaction."""
    return outer.header("isolation").lower() == "snapshot"


def _requests(body: Any) -> list[dict[str, Any]]:
    requests = body.get("requests") if isinstance(body, dict) else None
    if not isinstance(requests, list) or not all(isinstance(each, dict) for each in requests):
        raise errors.bad_request("Invalid Request Body")
    if len(requests) > LIMIT:
        raise errors.bad_request(
            f"The maximum number of operations in a batch is {LIMIT}; this batch has {len(requests)}."
        )
    if any(not isinstance(r.get("method"), str) or not isinstance(r.get("url"), str) for r in requests):
        raise errors.bad_request("Invalid Request Body")
    return requests


@contextmanager
def _isolation(environment: Environment, outer: Operation) -> Iterator[None]:
    if not is_snapshot(outer):
        yield
        return
    with environment.store.undo.transaction():
        yield


def _run_all(
    environment: Environment, session: Runs, outer: Operation, requests: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    go_on = "odata.continue-on-error" in outer.header("prefer")
    answers: list[dict[str, Any]] = []
    failed = False
    for request in requests:
        response = _run_one(environment, session, outer, request)
        answers.append(_inner_answer(request, response))
        failed |= response.status >= 400
        if failed and not go_on:
            break
    if failed and is_snapshot(outer):
        raise _SnapshotFailed(answers)
    return answers


def _run_one(environment: Environment, session: Runs, outer: Operation, request: dict[str, Any]) -> Response:
    operation = _operation(outer, request)
    if environment.switches.batch_decimal_defect and not operation.text_numbers:
        name = operation.path.strip("/").rsplit("/", 1)[-1].split("(")[0]
        try:
            if name in SETS:
                _refuse_decimals(request.get("body"), name)
        except errors.BcError as error:
            return Response(error.status, error.envelope())
    return session.run(operation)


def _refuse_decimals(body: Any, name: str) -> None:
    refuse_number_decimals(body, SETS[name])
    for child, target in SETS[name].navigations.items():
        for row in body.get(child, []) if isinstance(body, dict) else []:
            _refuse_decimals(row, target)


def _operation(outer: Operation, request: dict[str, Any]) -> Operation:
    headers = {str(name).lower(): str(value) for name, value in (request.get("headers") or {}).items()}
    path, _, query = str(request["url"]).partition("?")
    path = path.removeprefix(outer.api_url).lstrip("/")
    body = request.get("body")
    return Operation(
        method=str(request["method"]).upper(),
        path=path.removeprefix("api/v2.0/"),
        raw_query=query,
        headers={"accept": outer.header("accept"), **headers},
        body=b"" if body is None else dump_json(body).encode(),
        api_url=outer.api_url,
    )


def _inner_answer(request: dict[str, Any], response: Response) -> dict[str, Any]:
    headers = dict(response.headers)
    body: Any = None
    if response.raw is None:
        headers.setdefault("content-type", "application/json; odata.metadata=minimal")
        body = response.text if response.text is not None else response.body
    answer = {"id": request.get("id"), "status": response.status, "headers": headers}
    return answer if body is None else {**answer, "body": body}


def _reply(outer: Operation, answers: list[dict[str, Any]]) -> Response:
    """JSON if asked for; multipart/mixed otherwise (BC facts section 16)."""
    if "application/json" in outer.header("accept"):
        return Response(200, {"responses": answers})
    boundary = f"batchresponse_{uuid.uuid4()}"
    parts = [_part(answer) for answer in answers]
    text = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts) + f"--{boundary}--\r\n"
    return Response(200, text=text, headers={"Content-Type": f"multipart/mixed; boundary={boundary}"})


def _part(answer: dict[str, Any]) -> str:
    body = answer.get("body")
    text = "" if body is None else body if isinstance(body, str) else dump_json(body)
    identity = "" if answer["id"] is None else f"Content-ID: {json.dumps(answer['id'])}\r\n"
    return (
        "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
        f"{identity}\r\nHTTP/1.1 {answer['status']}\r\nContent-Type: application/json\r\n\r\n{text}"
    )
