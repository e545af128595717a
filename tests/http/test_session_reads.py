"""Reads are repeated freely, and in the end answered or called unavailable."""

from __future__ import annotations

import socket
from decimal import Decimal

import pytest
from scripted_server import answer, hang_up

from stsync.errors import CredentialsError, SystemUnavailable, UsageError
from stsync.http.outcomes import Refused

HTML = answer(200, raw=b"<html>please sign in</html>", headers={"Content-Type": "text/html"})
ROWS = answer(200, {"value": []})


def test_money_arrives_exact(server, opened):
    server.plays(answer(200, raw=b'\xef\xbb\xbf{"total": 0.10, "big": 12345678901234567.89}'))
    body = opened().read(server.base).body
    assert body == {"total": Decimal("0.10"), "big": Decimal("12345678901234567.89")}


@pytest.mark.parametrize(
    "step",
    [
        answer(500),
        answer(502, raw=b"<html>bad gateway</html>"),
        answer(503, {"error": {"code": "Internal_TenantUnavailable", "message": "later"}}),
        answer(504),
        answer(408),
        answer(429),
        HTML,
        answer(200),
        answer(200, raw=b'{"value": [{"id"'),
        answer(200, raw=b'{"amount": NaN}'),
        answer(200, raw=b"\xff\xfe\x00"),
        answer(200, raw=b"[" * 100_000),
        answer(200, raw=b'{"value": []}', headers={"Content-Length": "500", "Connection": "close"}),
        answer(409, {"error": {"code": "Internal_ServerError", "message": "Conflict"}}),
        answer(400, {"error": {"code": "X", "message": "It was deadlocked. Please retry the activity."}}),
        hang_up,
    ],
)
def test_a_read_survives_one_bad_answer(server, opened, step):
    def step_then_close(handler):
        step(handler)
        handler.close_connection = True

    server.plays(step_then_close, ROWS)
    assert opened().read(server.base).body == {"value": []}
    assert len(server.seen) == 2


def test_six_bad_answers_make_the_system_unavailable(server, opened, clock):
    server.plays(answer(503))
    with pytest.raises(SystemUnavailable) as caught:
        opened().read(server.base)
    assert len(server.seen) == 6
    assert caught.value.reference == "system-unavailable"
    assert caught.value.note.startswith("503")
    assert all(0 <= pause <= 30 for pause in clock.slept)


def test_endless_html_is_called_unreadable(server, opened):
    server.plays(HTML)
    with pytest.raises(SystemUnavailable, match="Business Central") as caught:
        opened().read(server.base)
    assert caught.value.reference == "unreadable-answer"


def test_repetition_ends_after_300_seconds(server, opened):
    server.plays(answer(503, headers={"Retry-After": "110"}))
    with pytest.raises(SystemUnavailable):
        opened().read(server.base)
    assert len(server.seen) == 3


def test_an_unreachable_system_is_unavailable(opened):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(SystemUnavailable):
            opened().read(f"http://127.0.0.1:{unused.getsockname()[1]}")


@pytest.mark.parametrize(
    ("headers", "body", "pause"),
    [
        ({"Retry-After": "7"}, None, 7.0),
        ({"Retry-After": "86400"}, None, 120.0),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:09 GMT", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"}, None, 9.0),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:09 GMT"}, None, 0.0),
        ({}, {"title": "Rate limit is exceeded. Try again in 3 seconds.", "status": 429, "traceId": "t"}, 3.0),
        ({"Retry-After": "5"}, {"title": "Try again in 3 seconds.", "status": 429}, 5.0),
    ],
)
def test_the_wait_that_the_server_states_is_kept(  # noqa: PLR0917 - fixtures
    server, opened, clock, headers, body, pause
):
    # Our own Date header would be a second one beside the server's.
    def throttled(handler):
        handler.date_time_string = lambda *_: headers.get("Date", "")  # type: ignore[method-assign]
        answer(429, body, {name: value for name, value in headers.items() if name != "Date"})(handler)

    server.plays(throttled, ROWS)
    opened("ServiceTitan", per_second=1_000_000).read(server.base)
    assert max(clock.slept, default=0.0) == pytest.approx(pause, abs=0.01)


@pytest.mark.parametrize("said", ["soon", "-5", "nan", "inf", "1e9", ""])
def test_a_senseless_retry_after_falls_back_to_backing_off(server, opened, clock, said):
    server.plays(answer(429, headers={"Retry-After": said}), ROWS)
    opened().read(server.base)
    assert max(clock.slept) <= 30


def test_a_dripping_server_meets_the_total_deadline(server, opened, clock):
    def drip(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "10")
        handler.end_headers()
        handler.wfile.write(b"[")
        handler.wfile.flush()
        clock.now += 101
        handler.wfile.write(b"1,2,3,4,5")

    server.plays(drip, ROWS)
    assert opened("ServiceTitan").read(server.base).body == {"value": []}
    assert len(server.seen) == 2


def test_an_endless_body_is_not_read_to_its_end(server, opened):
    server.plays(answer(200, raw=b'"' + b"a" * 300_000 + b'"'))
    with pytest.raises(SystemUnavailable) as caught:
        opened(max_body_bytes=100_000).read(server.base)
    assert caught.value.reference == "answer-too-large"
    assert len(server.seen) == 1


def test_a_compressed_bomb_is_capped_by_its_unpacked_size(server, opened):
    import gzip

    packed = gzip.compress(b'"' + b"a" * 5_000_000 + b'"')
    server.plays(answer(200, raw=packed, headers={"Content-Encoding": "gzip"}))
    with pytest.raises(SystemUnavailable, match="too large"):
        opened(max_body_bytes=1_000_000).read(server.base)


def test_compressed_answers_are_unpacked(server, opened):
    import gzip

    server.plays(answer(200, raw=gzip.compress(b'{"a": 1.50}'), headers={"Content-Encoding": "gzip"}))
    assert opened().read(server.base).body == {"a": Decimal("1.50")}


def test_a_refusal_is_not_repeated(server, opened):
    message = "The Customer does not exist.  CorrelationId:  4f2a-11."
    server.plays(answer(404, {"error": {"code": "Internal_RecordNotFound", "message": message}}))
    with pytest.raises(Refused) as caught:
        opened().read(server.base)
    assert (caught.value.status, caught.value.code) == (404, "Internal_RecordNotFound")
    assert caught.value.text == "The Customer does not exist."
    assert caught.value.correlation_id == "4f2a-11"
    assert len(server.seen) == 1


def test_a_servicetitan_refusal_names_its_fields(server, opened):
    body = {"type": "", "title": "Bad.", "status": 400, "traceId": "t-1", "errors": {"ids": ["too many"]}, "data": {}}
    server.plays(answer(400, body))
    with pytest.raises(Refused) as caught:
        opened("ServiceTitan").read(server.base)
    assert caught.value.text == "Bad. ids: too many"
    assert caught.value.correlation_id == "t-1"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 304])
def test_a_redirect_is_never_followed(server, opened, status):
    server.plays(answer(status, headers={"Location": f"{server.base}/elsewhere"}))
    with pytest.raises(SystemUnavailable) as caught:
        opened().read(server.base)
    assert caught.value.reference == "redirected"
    assert len(server.seen) == 1


def test_an_expired_token_is_renewed_once(server, opened, login):
    server.plays(answer(401, {"error": {"code": "Authentication_InvalidCredentials", "message": "no"}}), ROWS)
    opened().read(server.base)
    assert [headers["Authorization"] for _, _, headers, _ in server.seen] == [
        "Bearer token-number-0",
        "Bearer token-number-1",
    ]


def test_a_fresh_token_that_is_refused_ends_the_run(server, opened, login):
    server.plays(answer(401))
    with pytest.raises(CredentialsError, match="Business Central"):
        opened().read(server.base)
    assert (len(server.seen), login.renewals) == (2, 1)


def test_a_missing_app_key_is_no_dead_token(server, opened, login):
    title = "Application key not present, check ST-App-Key header value."
    server.plays(answer(401, {"title": title, "status": 401, "traceId": "t"}))
    with pytest.raises(CredentialsError) as caught:
        opened("ServiceTitan").read(server.base)
    assert caught.value.reference == "app-key-refused"
    assert (len(server.seen), login.renewals) == (1, 0)


def test_a_missing_permission_concerns_the_login_not_the_record(server, opened):
    server.plays(answer(403, {"error": {"code": "X", "message": "TableData 36 Read"}}))
    with pytest.raises(CredentialsError) as caught:
        opened().read(server.base)
    assert caught.value.reference == "permission-missing"
    assert caught.value.note == "TableData 36 Read"


@pytest.mark.parametrize("url", ["http://books.example/api", "ftp://127.0.0.1/", "http://127.0.0.1.evil.example/"])
def test_plain_http_stays_on_this_machine(opened, url):
    with pytest.raises(UsageError) as caught:
        opened().read(url)
    assert caught.value.reference == "plain-http"


def test_spaces_and_plus_signs_arrive_as_they_were_meant(server, opened):
    server.plays(ROWS)
    opened().read(f"{server.base}/x", {"$filter": "name eq 'A+B & Ü'", "sort": "+Id", "s": ["a", "b"]})
    path = server.seen[0][1]
    assert path == "/x?$filter=name%20eq%20%27A%2BB%20%26%20%C3%9C%27&sort=%2BId&s=a&s=b"


def test_netrc_and_cookies_stay_out(server, opened, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    server.plays(answer(200, {"value": []}, {"Set-Cookie": "a=b"}))
    session = opened()
    session.read(server.base)
    session.read(server.base)
    session_without_login = opened(auth=None)
    session_without_login.read(server.base)
    assert server.seen[1][2]["Authorization"] == "Bearer token-number-0"
    assert "Cookie" not in server.seen[1][2]
    assert "Authorization" not in server.seen[2][2]


def test_a_proxy_never_sees_what_stays_on_this_machine(server, opened, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    server.plays(ROWS)
    assert opened().read(server.base).body == {"value": []}


def test_every_request_carries_its_own_id_and_our_name(server, opened):
    seen = []
    server.plays(answer(503), ROWS)
    session = opened(on_exchange=seen.append)
    answered = session.read(f"{server.base}/x", {"client_secret": "do-not-tell"})
    ids = [headers["client-request-id"] for _, _, headers, _ in server.seen]
    assert len(set(ids)) == 2
    assert answered.request_id == ids[1]
    assert server.seen[0][2]["User-Agent"].startswith("stsync/")
    assert [(each.request_id, each.status, each.attempt) for each in seen] == [(ids[0], 503, 1), (ids[1], 200, 2)]
    assert "do-not-tell" not in seen[0].url
    assert session.counts == {"GET": 2}


def test_an_exchange_without_an_answer_is_reported_too(server, opened):
    seen = []
    server.plays(hang_up, ROWS)
    opened(on_exchange=seen.append).read(server.base)
    assert [each.status for each in seen] == [0, 200]
