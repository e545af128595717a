"""Whatever mixture of honest and lost answers comes back: no document twice, and no outcome that the books deny."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from writing_room import Room, invoice, is_batch, kinds

from stsync.sandbox import faults
from stsync.sandbox.wsgi import App, Request, Response, dump_json, parse_json

ERROR = {"error": {"code": "Application_DialogException", "message": "No."}}
CHANGED = {"error": {"code": "Request_EntityChanged", "message": "Another user has already changed the record."}}
LOCKED = {"error": {"code": "Internal_ServerError", "message": "It was deadlocked. Please retry the activity."}}
DECIMALS = {"error": {"code": "BadRequest", "message": "… to target type 'Edm.Decimal' … 'IEEE754Compatible'"}}

# What may become of one operation: whether it is carried out, and its answer (None: the true one, "": none at all).
ENDS: list[tuple[bool, Any]] = [
    *[(True, None)] * 12,
    (True, ""), (False, ""), (True, {"status": 504}), (False, {"status": 408}), (True, {"status": 500, "body": "<html>"}),
    (True, {"status": 409, "body": LOCKED}), (False, {"status": 409, "body": LOCKED}), (True, {"status": 201}),
    (False, {"status": 400, "body": ERROR}), (False, {"status": 409, "body": CHANGED}), (False, {"status": 429}),
    (False, {"status": 401}), (False, {"status": 405}), (False, {"status": 400, "body": DECIMALS}),
]  # fmt: skip
WHOLE = [
    *[None] * 8,
    faults.DROP, faults.DROP_ANSWER, faults.TRUNCATE, faults.CUT_BODY, faults.REQUEST_TIMEOUT, faults.HTML_500,
    faults.GATEWAY_TIMEOUT_AFTER_HANDLING, faults.throttled(), faults.unavailable(3), faults.answer(413),
    faults.answer(409, CHANGED),
]  # fmt: skip


def unreliable(room: Room, chance: Random) -> None:
    def meddle(request: Request, app: App) -> Response:
        whole = chance.choice(WHOLE)
        if whole is not None:
            room.faults.add(whole)
        return _batch(request, app, chance) if is_batch(request) else app(request)

    room.meddle = meddle


def _batch(request: Request, app: App, chance: Random) -> Response:
    operations = parse_json(request.body)["requests"]
    ends = {each["id"]: chance.choice(ENDS) for each in operations}
    done = [each for each in operations if ends[each["id"]][0]]
    response = app(
        Request.build("POST", request.path, body=dump_json({"requests": done}).encode(), headers=request.headers)
    )
    if not isinstance(response.body, dict) or "responses" not in response.body:
        return response
    true = {each["id"]: each for each in response.body["responses"]}
    answers = [
        true[number] if answer is None else {"id": number, **answer}
        for number, (_, answer) in ends.items()
        if answer != ""
    ]
    return Response(200, {"responses": answers}, response.headers)


@pytest.mark.parametrize("seed", range(40))
def test_no_mixture_of_answers_doubles_a_document_or_tells_a_lie(seed: int) -> None:
    chance = Random(seed)
    room = Room(batch_operations=chance.choice([4, 10, 100]))
    unreliable(room, chance)
    said: dict[str, str] = {}
    for first in range(0, 40, 10):
        outcomes = room.books.write_many([invoice(number) for number in range(first, first + 10)])
        said |= {f"ST-{first + number}": kind for number, kind in enumerate(kinds(outcomes))}
    books = room.drafts()
    for document, kind in said.items():
        assert kind == "OutcomeUnknown" or (kind == "proved") == (document in books), (document, kind)
    assert len(said) == 40
