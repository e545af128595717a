"""What the answers to a batch of writes prove, one strange answer at a time; and how the next batch learns from it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from writing_room import Room, invoice, invoices, is_batch, kinds

from stsync.businesscentral import write_batches
from stsync.businesscentral.odata import Read
from stsync.businesscentral.writes import Write, proved
from stsync.http.outcomes import OutcomeUnknown, Refused
from stsync.sandbox import faults
from stsync.sandbox.wsgi import App, Request, Response, dump_json, parse_json

Answers = list[dict[str, Any]]


def refused(code: str, message: str = "No.") -> dict[str, Any]:
    return {"error": {"code": code, "message": f"{message}  CorrelationId:  4f2a."}}


def changed(room: Room, change: Callable[[Answers], Answers]) -> None:
    """The simulator carries out the first batch; its answers arrive changed."""
    left = [1]

    def meddle(request: Request, app: App) -> Response:
        response = app(request)
        if not is_batch(request) or not left:
            return response
        left.clear()
        return Response(200, {"responses": change(response.body["responses"])}, response.headers)

    room.meddle = meddle


def instead(room: Room, answer: dict[str, Any], *, where: Callable[[dict[str, Any]], bool], times: int = 1) -> None:
    """Operations of which this holds are not carried out in the first batches: this is the answer to each of them."""
    left = [0] * times

    def meddle(request: Request, app: App) -> Response:
        if not is_batch(request) or not left:
            return app(request)
        left.pop()
        operations = parse_json(request.body)["requests"]
        taken = [each for each in operations if not where(each)]
        body = dump_json({"requests": taken}).encode()
        response = app(replace(request, body=body))
        found = {each["id"]: each for each in response.body["responses"]}
        answers = [found.get(each["id"], {"id": each["id"], **answer}) for each in operations]
        return Response(200, {"responses": answers}, response.headers)

    room.meddle = meddle


def second(operation: dict[str, Any]) -> bool:
    return operation["id"] == "1"


def an_action(operation: dict[str, Any]) -> bool:
    return "Microsoft.NAV" in operation["url"]


# --- which answer belongs to which write --------------------------------------------------------------------------


def test_only_the_id_says_which_write_an_answer_is_about():
    room = Room()
    changed(room, lambda answers: answers[::-1])
    outcomes = room.books.write_many(invoices(3))
    assert [proved(each).body["externalDocumentNumber"] for each in outcomes] == ["ST-0", "ST-1", "ST-2"]


def test_an_id_that_comes_back_as_a_number_is_the_same_id():
    room = Room()
    changed(room, lambda answers: [{**each, "id": int(each["id"])} for each in answers])
    assert kinds(room.books.write_many(invoices(2))) == ["proved"] * 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda answers: answers[:1], ["proved", "OutcomeUnknown", "OutcomeUnknown"]),
        (lambda answers: [{**each, "id": None} for each in answers], ["OutcomeUnknown"] * 3),
        (lambda answers: [*answers, {**answers[1], "status": 400}], ["proved", "OutcomeUnknown", "proved"]),
        (lambda answers: [answers[0], None, "x", {"id": "1"}, answers[2]], ["proved", "OutcomeUnknown", "proved"]),
        (lambda answers: [answers[0], {"id": "9", "status": 400}, answers[2]], ["proved", "OutcomeUnknown", "proved"]),
    ],
    ids=["it stopped early", "no ids", "two answers to one", "no answers at all", "an answer to nothing"],
)
def test_a_write_without_an_answer_of_its_own_is_in_doubt_and_no_batch_follows(change, said):
    room = Room()
    changed(room, change)
    assert kinds(room.books.write_many(invoices(3))) == said
    assert len(room.drafts()) == 3
    room.books.write_many([invoice(8), invoice(9)])
    assert room.sent() == [3, 1, 1]


@pytest.mark.parametrize("header", ["multipart/mixed; boundary=b", "text/html"], ids=["multipart", "a page"])
def test_after_an_answer_in_another_form_no_batch_of_writes_follows(header):
    room = Room()
    room.faults.add(faults.Action("answer_after", 200, text="--b", headers={"Content-Type": header}))
    assert kinds(room.books.write_many(invoices(10))) == ["OutcomeUnknown"] * 10
    assert kinds(room.books.write_many([invoice(18), invoice(19)])) == ["proved"] * 2
    assert room.sent() == [10, 1, 1]


def test_a_server_that_took_no_batch_of_reads_is_sent_none_of_writes():
    room = Room()
    room.switches.batch_enabled = False
    room.books.read_many([Read("customers")] * 2)
    before = len(room.batches())
    assert kinds(room.books.write_many(invoices(2))) == ["proved"] * 2
    assert len(room.batches()) == before


# --- what one answer says -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 500, "body": "<html>"},
        {"status": 408},
        {"status": 504},
        {"status": 302, "headers": {"Location": "/elsewhere"}},
        {"status": 409, "body": refused("Internal_ServerError", "Conflict")},
        {
            "status": 400,
            "body": refused("Application_DialogException", "It was deadlocked. Please retry the activity."),
        },
        {"status": 404, "body": "<html>"},
        {"status": 400},
        {"status": 201, "body": "<html>"},
        {"status": 201},
        {"status": 201, "body": [1]},
    ],
)
def test_a_doubtful_answer_inside_a_batch_is_as_doubtful_as_alone(answer):
    room = Room()
    instead(room, answer, where=second)
    assert kinds(room.books.write_many(invoices(3))) == ["proved", "OutcomeUnknown", "proved"]
    assert room.sent() == [3]


@pytest.mark.parametrize("code", ["Request_EntityChanged", "Application_DialogException", "Internal_RecordNotFound"])
def test_a_clear_no_inside_a_batch_is_final(code):
    room = Room()
    instead(room, {"status": 409, "body": refused(code)}, where=second)
    outcome = room.books.write_many(invoices(3))[1]
    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.correlation_id) == (code, "4f2a")
    assert room.sent() == [3]


@pytest.mark.parametrize("status", [401, 429, 405, 501])
def test_what_was_not_taken_on_inside_a_batch_goes_alone(status):
    room = Room()
    instead(room, {"status": status}, where=second)
    assert kinds(room.books.write_many(invoices(3))) == ["proved"] * 3
    assert room.sent() == [3, 1]
    assert len(room.drafts()) == 3


def test_a_right_that_is_missing_for_one_write_ends_the_run_after_the_others_were_told():
    room = Room()
    instead(room, {"status": 403, "body": refused("", "No right.")}, where=second)
    outcomes = room.books.write_many(invoices(12))
    assert kinds(outcomes) == ["proved", "CredentialsError", *["proved"] * 8, "CredentialsError", "CredentialsError"]
    assert room.sent() == [10]


def test_a_company_that_went_missing_is_no_word_about_a_record():
    room = Room()
    gone = refused("Internal_CompanyNotFound", "There is no such company.")
    instead(room, {"status": 404, "body": gone}, where=second)
    # The third call: the two that the batch is left with count as well.
    room.faults.add(faults.answer(404, gone), path="salesInvoices$", nth=3)
    outcomes = room.books.write_many(invoices(3))
    assert kinds(outcomes) == ["proved", "UsageError", "proved"]


def without_entity(answers: Answers, **more: Any) -> Answers:
    return [{"id": each["id"], "status": 204, "headers": {**each["headers"], **more}} for each in answers]


def test_a_create_that_answers_with_an_address_is_proved_by_what_lies_there():
    room = Room()
    changed(room, without_entity)
    outcomes = room.books.write_many(invoices(2))
    assert [proved(each).body["externalDocumentNumber"] for each in outcomes] == ["ST-0", "ST-1"]


@pytest.mark.parametrize("fault", [None, faults.answer(403), faults.answer(404), faults.HTML_500])
def test_a_create_whose_entity_cannot_be_seen_is_in_doubt_whatever_the_look_met(fault):
    room = Room()
    changed(room, lambda answers: without_entity(answers, Location="") if fault is None else without_entity(answers))
    if fault is not None:
        room.faults.add(fault, method="GET", count=None)
    assert kinds(room.books.write_many(invoices(2))) == ["OutcomeUnknown"] * 2
    assert len(room.drafts()) == 2


# --- actions ------------------------------------------------------------------------------------------------------


def posted(room: Room, count: int) -> list[Write]:
    made = [proved(each).body["id"] for each in room.books.write_many(invoices(count))]
    return [Write.action(f"salesInvoices({draft})", "post") for draft in made]


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 404},
        {"status": 405, "body": "<html>"},
        {"status": 501},
        {"status": 405, "body": refused("BadRequest_MethodNotAllowed")},
        {"status": 400, "body": refused("BadRequest_MethodNotImplemented")},
        {"status": 404, "body": refused("BadRequest_NotFound")},
        {"status": 404, "body": refused("BadRequest_ResourceNotFound")},
    ],
)
def test_actions_that_are_not_possible_in_a_batch_go_singly_from_then_on(answer):
    room = Room()
    postings = posted(room, 4)
    instead(room, answer, where=an_action)
    assert kinds(room.books.write_many(postings[:2])) == ["proved"] * 2
    assert kinds(room.books.write_many(postings[2:])) == ["proved"] * 2
    assert all(document.posted for document in room.company.invoices)
    assert room.sent() == [4, 2, 1, 1, 1, 1]
    room.books.write_many([invoice(8), invoice(9)])
    assert room.sent()[-1] == 2


@pytest.mark.parametrize("status", [200, 404])
def test_a_strange_page_in_place_of_a_posting_is_in_doubt(status):
    room = Room()
    postings = posted(room, 2)
    instead(room, {"status": status, "body": "<html>"}, where=an_action)
    assert kinds(room.books.write_many(postings)) == ["OutcomeUnknown"] * 2


def test_a_refused_posting_says_nothing_about_other_postings():
    room = Room()
    postings = posted(room, 4)
    instead(room, {"status": 404, "body": refused("Internal_RecordNotFound")}, where=second)
    assert kinds(room.books.write_many(postings[:2])) == ["proved", "Refused"]
    room.books.write_many(postings[2:])
    assert room.sent() == [4, 2, 2]


# --- amounts ------------------------------------------------------------------------------------------------------

_CONFLICT = (
    "Cannot convert a value to target type 'Edm.Decimal' because of conflict between input format string/number "
    "and parameter 'IEEE754Compatible' false/true."
)


@pytest.mark.parametrize(
    "refusal",
    [
        {"status": 400, "body": refused("BadRequest", _CONFLICT)},
        {"status": 415, "body": refused("BadRequest", "The content type is not supported.")},
    ],
)
def test_amounts_that_are_refused_in_either_form_go_singly_from_then_on(refusal):
    room = Room()
    instead(room, refusal, where=lambda operation: "unitPrice" in dump_json(operation.get("body")), times=2)
    assert kinds(room.books.write_many(invoices(2))) == ["proved"] * 2
    room.books.write_many([invoice(8), invoice(9)])
    assert room.sent() == [2, 2, 1, 1, 1, 1]
    assert set(room.drafts().values()) == {Decimal("0.10")}
    room.books.write_many([Write.create("customers", {"displayName": name}) for name in ("Bo", "Cy")])
    assert room.sent()[-1] == 2


def test_a_body_without_amounts_keeps_its_form():
    room = Room()
    room.switches.batch_decimal_defect = True
    room.books.write_many(invoices(2))
    room.books.write_many([Write.create("customers", {"displayName": name}) for name in ("Bo", "Cy")])
    cards = room.batches()[-1]
    assert {each["headers"]["Content-Type"] for each in cards} == {"application/json"}


def test_a_server_that_cannot_read_amounts_as_text_in_words_of_its_own_is_sent_single_writes():
    room = Room()
    numbers = {"status": 400, "body": refused("BadRequest", _CONFLICT)}
    text = {"status": 400, "body": refused("BadRequest", "Invalid Request Body")}

    def meddle(request: Request, app: App) -> Response:
        if not is_batch(request):
            return app(request)
        answer = text if b"IEEE754Compatible=true" in request.body else numbers
        operations = parse_json(request.body)["requests"]
        return Response(200, {"responses": [{"id": each["id"], **answer} for each in operations]})

    room.meddle = meddle
    assert kinds(room.books.write_many(invoices(2))) == ["proved"] * 2
    assert room.sent() == [2, 2, 1, 1]


def test_a_wrong_field_is_told_of_the_record_although_amounts_go_as_text():
    room = Room()
    room.switches.batch_decimal_defect = True
    outcomes = room.books.write_many([invoice(1), invoice(2, nonsense="x")])
    assert kinds(outcomes) == ["proved", "Refused"]
    assert "nonsense" in str(outcomes[1].text)


# --- how many -----------------------------------------------------------------------------------------------------


def slow(room: Room, seconds: float) -> None:
    """Every write takes so long."""

    def meddle(request: Request, app: App) -> Response:
        room.wait(seconds * (len(parse_json(request.body)["requests"]) if is_batch(request) else 1))
        return app(request)

    room.meddle = meddle


def test_batches_grow_to_the_time_that_was_asked_for():
    room = Room(batch_seconds=4)
    slow(room, 0.125)
    assert set(kinds(room.books.write_many(invoices(120)))) == {"proved"}
    assert room.sent() == [10, 20, 32, 32, 26]


def test_a_slow_server_is_sent_less_at_once():
    room = Room(batch_seconds=4)
    slow(room, 2.0)
    room.books.write_many(invoices(16))
    assert room.sent() == [10, 2, 2, 2]


def test_no_batch_is_larger_than_configured():
    room = Room(batch_operations=15)
    room.books.write_many(invoices(40))
    assert room.sent() == [10, 15, 15]


@pytest.mark.parametrize(
    "fault", [faults.REQUEST_TIMEOUT, faults.GATEWAY_TIMEOUT_AFTER_HANDLING, faults.DROP_ANSWER, faults.TRUNCATE]
)
def test_a_batch_without_an_answer_is_not_repeated_and_the_next_is_half_as_large(fault):
    room = Room()
    room.faults.add(fault)
    outcomes = room.books.write_many(invoices(15))
    assert kinds(outcomes) == ["OutcomeUnknown"] * 10 + ["proved"] * 5
    assert room.sent() == [10, 5]


def test_after_somebody_elses_lock_the_next_write_goes_alone():
    room = Room()
    locked = refused("Internal_ServerError", "It was deadlocked with another user. Please retry the activity.")
    instead(room, {"status": 409, "body": locked}, where=second)
    room.books.write_many(invoices(14))
    assert room.sent() == [10, 1, 2, 1]


def test_a_batch_too_large_for_a_proxy_goes_singly_and_the_next_is_smaller():
    room = Room()
    room.faults.add(faults.answer(413), path="batch$")
    assert kinds(room.books.write_many(invoices(10))) == ["proved"] * 10
    room.books.write_many([invoice(number) for number in range(10, 20)])
    assert room.sent() == [10, *[1] * 10, 5, 5]


def test_a_body_stays_below_what_proxies_take(monkeypatch):
    monkeypatch.setattr(write_batches, "MOST_BYTES", 2500)
    room = Room()
    assert kinds(room.books.write_many(invoices(10))) == ["proved"] * 10
    assert all(len(request.body) < 2600 for request in room.asked)
    assert 1 < len(room.asked) < 10


def test_a_write_that_is_too_large_for_any_batch_goes_alone(monkeypatch):
    monkeypatch.setattr(write_batches, "MOST_BYTES", 10)
    room = Room()
    assert kinds(room.books.write_many(invoices(3))) == ["proved"] * 3
    assert room.sent() == [1, 1, 1]


# --- together -----------------------------------------------------------------------------------------------------


def test_several_threads_share_what_was_learned_and_mix_nothing_up():
    room = Room()
    room.switches.batch_decimal_defect = True
    said: dict[int, list[str]] = {}

    def lane(first: int) -> None:
        outcomes = room.books.write_many([invoice(number, f"{number}.25") for number in range(first, first + 25)])
        said[first] = [proved(each).body["externalDocumentNumber"] for each in outcomes]

    lanes = [threading.Thread(target=lane, args=(first,)) for first in (0, 25, 50, 75)]
    for each in lanes:
        each.start()
    for each in lanes:
        each.join()
    assert said == {first: [f"ST-{number}" for number in range(first, first + 25)] for first in (0, 25, 50, 75)}
    assert room.drafts() == {f"ST-{number}": Decimal(f"{number}.25") for number in range(100)}


def test_an_outcome_that_is_no_proof_is_raised_where_it_is_asked_for():
    room = Room()
    room.faults.add(faults.DROP)
    outcome = room.books.write_many(invoices(2))[0]
    with pytest.raises(OutcomeUnknown):
        proved(outcome)
