"""Many writes against the simulator: what each is said to have come to is what its books hold."""

from __future__ import annotations

from decimal import Decimal

import pytest
from writing_room import Room, invoice, invoices, kinds

from stsync.businesscentral.writes import Write, ends_the_run, proved
from stsync.errors import CredentialsError, StsyncError
from stsync.http.answers import Answer
from stsync.http.outcomes import NotProcessed, Refused
from stsync.sandbox import faults

_GATEWAY = "<!DOCTYPE html><html><body>Bad gateway</body></html>"
_LOCKED = {"error": {"code": "Internal_ServerError", "message": "Your activity was deadlocked with another user."}}


def test_ten_drafts_leave_in_one_request_and_each_is_proved_by_its_own_answer():
    room = Room()
    outcomes = room.books.write_many([invoice(number, f"{number}.10") for number in range(10)])
    assert [proved(each).body["externalDocumentNumber"] for each in outcomes] == [f"ST-{n}" for n in range(10)]
    assert room.drafts() == {f"ST-{n}": Decimal(f"{n}.10") for n in range(10)}
    assert room.session.counts == {"WRITE_BATCH": 1}


def test_an_operation_leaves_as_a_single_write_would():
    room = Room()
    room.books.write_many([invoice(1), Write.delete(f"salesInvoices({'0' * 8}-0000-0000-0000-{'0' * 12})", "*")])
    outer = room.asked[0]
    assert (outer.header("accept"), outer.header("prefer")) == ("application/json", "odata.continue-on-error")
    assert outer.header("accept-language") == "en-US"
    assert outer.header("isolation") == ""
    made, gone = room.batches()[0]
    assert made["url"] == f"companies({room.company.id})/salesInvoices"
    assert made["headers"]["Content-Type"] == "application/json"
    assert made["headers"]["Accept-Language"] == "en-US"
    assert list(made["body"]) == ["externalDocumentNumber", "customerNumber", "salesInvoiceLines"]
    assert b'"unitPrice":0.10' in outer.body
    assert (gone["method"], gone["headers"]["If-Match"], "body" in gone) == ("DELETE", "*", False)


def test_a_refusal_in_the_middle_stops_no_other():
    room = Room()
    outcomes = room.books.write_many([invoice(1), invoice(2, customerNumber="NONE"), invoice(3)])
    assert kinds(outcomes) == ["proved", "Refused", "proved"]
    assert set(room.drafts()) == {"ST-1", "ST-3"}


def test_a_stale_version_in_a_batch_is_refused_as_alone():
    room = Room()
    card = room.company.customers.first("number", "ST5")
    changes = [
        Write.update(f"customers({card.id})", {"city": city}, etag) for city, etag in (("A", "*"), ("B", 'W/"x"'))
    ]
    first, second = room.books.write_many(changes)
    assert isinstance(first, Answer)
    assert isinstance(second, Refused)
    assert second.code == "Request_EntityChanged"
    assert card.city == "A"


def test_one_write_needs_no_batch():
    room = Room()
    assert kinds(room.books.write_many([invoice(1)])) == ["proved"]
    assert room.session.counts == {"POST": 1}
    assert room.books.write_many([]) == []


@pytest.mark.parametrize("options", [{"use_batch": False}, {"batch_operations": 1}])
def test_without_batches_the_same_writes_go_singly_in_order(options):
    room = Room(**options)
    assert kinds(room.books.write_many(invoices(3))) == ["proved"] * 3
    assert list(room.drafts()) == ["ST-0", "ST-1", "ST-2"]
    assert room.sent() == [1, 1, 1]


def test_drafts_are_posted_by_an_action_in_a_batch():
    room = Room()
    made = [proved(each).body["id"] for each in room.books.write_many(invoices(3))]
    outcomes = room.books.write_many([Write.action(f"salesInvoices({draft})", "post") for draft in made])
    assert kinds(outcomes) == ["proved"] * 3
    assert all(document.posted for document in room.company.invoices)
    assert room.session.counts == {"WRITE_BATCH": 2}


@pytest.mark.parametrize("status", [400, 404, 405, 415, 501])
def test_a_server_that_takes_no_batches_is_written_to_singly_at_once_and_from_then_on(status):
    room = Room()
    room.switches.batch_enabled = False
    room.switches.batch_disabled_status = status
    assert kinds(room.books.write_many(invoices(3))) == ["proved"] * 3
    assert room.sent() == [3, 1, 1, 1]
    room.books.write_many([invoice(8), invoice(9)])
    assert room.sent() == [3, 1, 1, 1, 1, 1]
    assert len(room.drafts()) == 5


def test_a_batch_that_was_refused_as_a_whole_leaves_each_record_its_own_answer():
    room = Room()
    changed = {"error": {"code": "Request_EntityChanged", "message": "Another user has already changed the record."}}
    room.faults.add(faults.answer(409, changed), path="batch$")
    assert kinds(room.books.write_many(invoices(2))) == ["proved"] * 2
    room.books.write_many([invoice(8), invoice(9)])
    assert room.sent() == [2, 1, 1, 2]


def test_amounts_that_a_batch_refuses_as_numbers_go_as_text_to_the_last_digit():
    room = Room()
    room.switches.batch_decimal_defect = True
    assert kinds(room.books.write_many([invoice(1, "0.10"), invoice(2, "1234567.89")])) == ["proved"] * 2
    assert room.drafts() == {"ST-1": Decimal("0.10"), "ST-2": Decimal("1234567.89")}
    assert room.sent() == [2, 2]
    quoted = room.batches()[1][0]
    assert quoted["headers"]["Content-Type"] == "application/json;IEEE754Compatible=true"
    assert quoted["body"]["salesInvoiceLines"][0]["unitPrice"] == "0.10"
    room.books.write_many([invoice(3), invoice(4)])
    assert room.sent() == [2, 2, 2]


def test_a_busy_system_takes_a_batch_on_later():
    room = Room()
    room.faults.add(faults.throttled(3), count=2)
    assert kinds(room.books.write_many(invoices(4))) == ["proved"] * 4
    assert room.sent() == [4, 4, 4]


def test_a_system_that_takes_nothing_on_is_not_asked_for_the_rest():
    room = Room()
    room.faults.add(faults.throttled(), count=None)
    outcomes = room.books.write_many(invoices(25))
    assert kinds(outcomes) == ["NotProcessed"] * 25
    assert ends_the_run(outcomes[0])
    assert room.sent() == [10] * 6
    assert room.drafts() == {}


def test_what_was_done_before_the_login_was_refused_is_still_told():
    room = Room()
    room.faults.add(faults.answer(403, {"error": {"code": "", "message": "No."}}), path="batch$", nth=2)
    outcomes = room.books.write_many(invoices(30))
    assert kinds(outcomes) == ["proved"] * 10 + ["CredentialsError"] * 20
    assert set(room.drafts()) == {f"ST-{n}" for n in range(10)}
    with pytest.raises(CredentialsError):
        proved(outcomes[10])


def test_an_expired_token_is_renewed_and_the_batch_sent_once_more():
    room = Room()
    room.faults.add(faults.answer(401, {"error": {"code": "Authentication_InvalidCredentials", "message": "No."}}))
    assert kinds(room.books.write_many(invoices(3))) == ["proved"] * 3


def test_a_preview_stops_a_batch_before_it_leaves():
    room = Room()
    room.session.read_only = True
    with pytest.raises(StsyncError) as caught:
        room.books.write_many(invoices(2))
    assert caught.value.reference == "write-in-dry-run"
    assert room.asked == []


def test_the_trail_is_told_how_many_writes_left_together():
    room = Room()
    room.books.write_many(invoices(4))
    room.books.write_many(invoices(1))
    assert [(each.method, each.url.rsplit("/", 1)[-1], each.writes, each.status) for each in room.told] == [
        ("POST", "$batch", 4, 200),
        ("POST", "salesInvoices", 1, 201),
    ]


def test_an_outage_is_not_made_worse():
    room = Room()
    room.faults.add(faults.HTML_500, count=None)
    outcomes = room.books.write_many(invoices(30))
    lost = kinds(outcomes).count("OutcomeUnknown")
    assert len(room.sent()) == 5
    assert kinds(outcomes) == ["OutcomeUnknown"] * lost + ["NotProcessed"] * (30 - lost)
    assert isinstance(outcomes[-1], NotProcessed)


_FAULTS = {
    "lost before it was read": faults.DROP,
    "lost after it was done": faults.DROP_ANSWER,
    "half of the JSON": faults.TRUNCATE,
    "cut off": faults.CUT_BODY,
    "no compression at all": faults.BAD_GZIP,
    "done behind a gateway's time-out": faults.GATEWAY_TIMEOUT_AFTER_HANDLING,
    "rolled back": faults.REQUEST_TIMEOUT,
    "a page of an error": faults.HTML_500,
    "throttled": faults.throttled(),
    "throttled for seconds": faults.throttled(7),
    "unavailable": faults.unavailable(30),
    "conflict": faults.answer(409, {"error": {"code": "Request_EntityChanged", "message": "Changed."}}),
    "locked": faults.answer(409, _LOCKED),
    "a sign-in page": faults.Action("answer_after", 200, text=_GATEWAY, headers={"Content-Type": "text/html"}),
    "multipart": faults.Action(
        "answer_after", 200, text="--b\r\n", headers={"Content-Type": "multipart/mixed; boundary=b"}
    ),
    "empty": faults.Action("answer_after", 200),
    "another answer": faults.Action("answer_after", 200, {"value": []}),
    "no answers": faults.Action("answer_after", 200, {"responses": []}),
    "a gateway's own refusal": faults.Action(
        "answer_after", 404, {"type": "https://tools.ietf.org/html/rfc9110", "title": "Not Found", "status": 404}
    ),
    "a bare refusal": faults.Action("answer_after", 404, text=_GATEWAY),
    "moved": faults.Action("answer_after", 307, headers={"Location": "https://elsewhere.example"}),
    "forbidden": faults.answer(403, {"error": {"code": "", "message": "No."}}),
    "too large": faults.answer(413),
    "expired": faults.EXPIRE_TOKEN,
}


@pytest.mark.parametrize("often", [1, None], ids=["once", "always"])
@pytest.mark.parametrize("fault", _FAULTS.values(), ids=_FAULTS)
def test_no_fault_makes_the_outcomes_say_other_than_the_books(fault, often):
    room = Room()
    room.faults.add(fault, count=often)
    outcomes = room.books.write_many(invoices(10))
    books = room.drafts()
    assert len(outcomes) == 10
    for number, kind in enumerate(kinds(outcomes)):
        stands = f"ST-{number}" in books
        assert kind == "OutcomeUnknown" or (kind == "proved") == stands, (number, kind)
