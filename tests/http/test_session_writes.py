"""Writes are repeated only when they surely never happened; whatever is doubtful is called unknown at once."""

from __future__ import annotations

import json
import socket
from contextlib import AbstractContextManager, nullcontext
from decimal import Decimal

import pytest
from scripted_server import answer, hang_up

from stsync.errors import CredentialsError, ExitCode, StsyncError, SystemUnavailable
from stsync.http.outcomes import NotProcessed, OutcomeUnknown, Refused
from stsync.http.throttle import Window

CREATED = answer(201, {"id": "1"})


def envelope(status: int, code: str, message: str):
    return answer(status, {"error": {"code": code, "message": message}})


@pytest.mark.parametrize(
    "step",
    [
        answer(408),
        answer(500),
        answer(502),
        answer(503, headers={"Retry-After": "1"}),
        answer(504),
        answer(302, headers={"Location": "/elsewhere"}),
        answer(307, headers={"Location": "/elsewhere"}),
        answer(200, raw=b"<html>welcome</html>"),
        answer(201, raw=b'{"id": "1'),
        answer(201, raw=b'{"id": 1}', headers={"Content-Length": "500", "Connection": "close"}),
        answer(404, raw=b"<html>not here</html>"),
        answer(400, raw=b"<html>bad</html>"),
        envelope(409, "Internal_ServerError", "Conflict"),
        envelope(409, "Application_DialogException", "The activity was deadlocked with another user."),
        envelope(400, "Application_DialogException", "Your activity was deadlocked. Please retry the activity."),
        hang_up,
    ],
)
def test_a_doubtful_answer_is_unknown_and_never_repeated(server, opened, step):
    def step_then_close(handler):
        step(handler)
        handler.close_connection = True

    server.plays(step_then_close)
    with pytest.raises(OutcomeUnknown):
        opened().write("POST", server.base, {"amount": 1})
    assert len(server.seen) == 1


def test_a_write_that_times_out_is_unknown(server, opened):
    import threading

    released = threading.Event()
    server.plays(lambda handler: released.wait(5) and None)
    with pytest.raises(OutcomeUnknown):
        opened(timeout=(1.0, 0.05)).write("POST", server.base, {})
    released.set()
    assert len(server.seen) == 1


def test_an_unknown_outcome_is_nobodys_nothing_happened():
    assert not issubclass(OutcomeUnknown, SystemUnavailable)
    assert issubclass(NotProcessed, SystemUnavailable)
    assert OutcomeUnknown("x").exit_code == ExitCode.UNAVAILABLE


def test_a_throttled_write_is_repeated(server, opened, clock):
    server.plays(answer(429, headers={"Retry-After": "2"}), CREATED)
    assert opened().write("POST", server.base, {}).body == {"id": "1"}
    assert max(clock.slept) == pytest.approx(2, abs=0.01)


def test_a_write_that_is_always_turned_away_was_not_processed(server, opened):
    server.plays(answer(429))
    with pytest.raises(NotProcessed):
        opened().write("POST", server.base, {})
    assert len(server.seen) == 6


def test_a_write_that_never_connected_was_not_processed(opened):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        session = opened()
        with pytest.raises(NotProcessed):
            session.write("POST", f"http://127.0.0.1:{unused.getsockname()[1]}", {})
    assert session.counts == {"POST": 6}


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (envelope(400, "Application_DialogException", "No."), "Application_DialogException"),
        (
            envelope(409, "Request_EntityChanged", "Another user has already changed the record."),
            "Request_EntityChanged",
        ),
        (envelope(412, "X", "Wrong header."), "X"),
        (answer(405, raw=b"<html>no</html>"), ""),
        (answer(413, raw=b"<html>too much</html>"), ""),
        (answer(501), ""),
    ],
)
def test_a_clear_no_is_refused(server, opened, step, code):
    server.plays(step)
    with pytest.raises(Refused) as caught:
        opened().write("PATCH", server.base, {})
    assert caught.value.code == code
    assert len(server.seen) == 1


def test_a_write_with_an_expired_token_is_sent_once_more(server, opened, login):
    server.plays(answer(401), CREATED)
    assert opened().write("POST", server.base, {}).status == 201
    assert login.renewals == 1


def test_a_missing_permission_stops_a_write(server, opened):
    server.plays(answer(403))
    with pytest.raises(CredentialsError):
        opened().write("POST", server.base, {})


def test_nothing_leaves_in_a_dry_run(server, opened):
    server.plays(CREATED)
    session = opened(read_only=True)
    for method in ("POST", "PATCH", "DELETE"):
        with pytest.raises(StsyncError) as caught:
            session.write(method, server.base, {})
        assert caught.value.reference == "write-in-dry-run"
        assert caught.value.exit_code == ExitCode.BUG
    assert (server.seen, session.counts) == ([], {})


def test_a_batch_of_reads_is_allowed_in_a_dry_run_and_repeated(server, opened):
    server.plays(answer(503), answer(200, {"responses": []}))
    session = opened(read_only=True)
    assert session.read_batch(f"{server.base}/$batch", [{"id": "1", "method": "GET", "url": "x"}]).status == 200
    assert session.counts == {"BATCH": 2}


def test_a_write_cannot_hide_in_a_batch_of_reads(server, opened):
    server.plays(CREATED)
    with pytest.raises(StsyncError) as caught:
        opened().read_batch(server.base, [{"method": "GET", "url": "x"}, {"method": "POST", "url": "y"}])
    assert caught.value.reference == "write-in-dry-run"
    assert server.seen == []


def test_a_multipart_batch_answer_is_handed_over(server, opened):
    server.plays(answer(200, raw=b"--x\r\n", headers={"Content-Type": "multipart/mixed; boundary=x"}))
    assert opened().read_batch(server.base, [{"method": "GET", "url": "x"}]).body is None


def test_a_batch_of_writes_takes_the_room_of_all_its_operations(server, opened, clock):
    server.plays(answer(200, {"responses": []}))
    shared = Shared()
    session = opened(window=Window(10, 300.0), budget=shared)
    began = clock.now
    session.read_batch(server.base, [{"method": "GET", "url": "x"}] * 4)
    session.write_batch(server.base, ["{}"] * 6)
    assert clock.now - began < 1
    session.write_batch(server.base, ["{}"] * 6)
    assert clock.now - began == pytest.approx(300, abs=1)
    assert shared.weights == [4, 6, 6]
    assert json.loads(server.seen[-1][3]) == {"requests": [{}] * 6}


class Shared:
    """A budget that never waits, and notes what each request counted as."""

    def __init__(self) -> None:
        self.weights: list[int] = []

    def slot(self, weight: int = 1) -> AbstractContextManager[None]:
        self.weights.append(weight)
        return nullcontext()

    def penalise(self, seconds: float) -> None:
        pass


@pytest.mark.parametrize("step", [answer(504), answer(200, raw=b"x", headers={"Content-Length": "9"})])
def test_a_batch_of_writes_without_an_answer_is_never_repeated(server, opened, step):
    server.plays(step)
    with pytest.raises(OutcomeUnknown):
        opened(timeout=(2.0, 0.1)).write_batch(server.base, ["{}"])
    assert len(server.seen) == 1


def test_amounts_leave_digit_for_digit_and_in_order(server, opened):
    server.plays(CREATED)
    body = {"z": Decimal("0.10"), "a": Decimal("1E+2"), "m": [Decimal("12345678901234567.89"), True, None, "Ü"]}
    opened().write("POST", server.base, body)
    _, _, headers, sent = server.seen[0]
    assert sent.decode() == '{"z":0.10,"a":100,"m":[12345678901234567.89,true,null,"Ü"]}'
    assert headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("bad", [1.5, Decimal("NaN"), {1: 2}, object()])
def test_what_is_no_exact_json_is_not_sent(server, opened, bad):
    server.plays(CREATED)
    with pytest.raises((TypeError, ValueError)):
        opened().write("POST", server.base, {"amount": bad})
    assert server.seen == []


def test_an_action_sends_an_empty_body_and_gets_none(server, opened):
    server.plays(answer(204))
    answered = opened().write("POST", f"{server.base}/Microsoft.NAV.post")
    assert (answered.status, answered.body) == (204, None)
    assert server.seen[0][2]["Content-Length"] == "0"
