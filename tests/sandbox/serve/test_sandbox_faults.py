"""Scripted misbehaviour, in process and over a real socket."""

from __future__ import annotations

import pytest
import requests

from stsync.sandbox import faults as f
from stsync.sandbox.serve import Sandbox
from stsync.sandbox.wsgi import ConnectionDropped, Request, Response


class Counter:
    """An app that counts what it handled."""

    def __init__(self) -> None:
        self.handled = 0

    def __call__(self, request: Request) -> Response:
        self.handled += 1
        return Response(200, {"handled": self.handled})


@pytest.fixture
def counter() -> Counter:
    return Counter()


def ask(app, method="GET", path="/x", **body):
    return app(Request.build(method, path, **body))


@pytest.fixture
def over_https(counter, tmp_path):
    with Sandbox({"business_central": counter}, tmp_path) as sandbox, requests.Session() as session:
        session.verify = str(sandbox.ca_file)
        yield sandbox, lambda: session.get(sandbox.urls["business_central"], timeout=5)


def test_a_rule_fires_on_the_calls_it_names_and_no_others(counter):
    faults = f.Faults()
    app = faults.wrap("business_central", counter)
    rule = faults.add(f.throttled(2), system="business_central", method="POST", path="/post$", nth=2, every=2, count=2)
    statuses = [ask(app, "POST", "/post").status for _ in range(8)]
    assert statuses == [200, 429, 200, 429, 200, 200, 200, 200]
    assert [ask(app, "GET", "/post").status, ask(app, "POST", "/other").status] == [200, 200]
    assert rule.fired == 2
    assert ask(faults.wrap("entra", counter), "POST", "/post").status == 200


def test_a_rule_can_pick_a_call_inside_a_batch_by_its_body(counter):
    faults = f.Faults()
    app = faults.wrap("business_central", counter)
    faults.add(f.DROP, body="Microsoft.NAV.post")
    assert ask(app, "POST", "/$batch", json={"requests": []}).status == 200
    with pytest.raises(ConnectionDropped):
        ask(app, "POST", "/$batch", json={"url": "Microsoft.NAV.post"})


@pytest.mark.parametrize(
    ("action", "status", "handled"),
    [
        (f.throttled(), 429, 0),
        (f.unavailable(7), 503, 0),
        (f.HTML_500, 500, 0),
        (f.REQUEST_TIMEOUT, 408, 0),
        (f.GATEWAY_TIMEOUT_AFTER_HANDLING, 504, 1),
        (f.answer(401, {"error": {}}), 401, 0),
    ],
)
def test_answers_with_and_without_handling_the_call(counter, action, status, handled):
    faults = f.Faults()
    faults.add(action)
    answer = ask(faults.wrap("x", counter))
    assert (answer.status, counter.handled) == (status, handled)
    assert answer.header("retry-after") == ("7" if status == 503 else "")


@pytest.mark.parametrize(("action", "handled"), [(f.DROP, 0), (f.DROP_ANSWER, 1)])
def test_a_dropped_connection_is_really_cut_before_or_after_handling(over_https, counter, action, handled):
    sandbox, get = over_https
    sandbox.faults.add(action)
    with pytest.raises(requests.exceptions.ConnectionError):
        get()
    assert counter.handled == handled
    assert sandbox.log.entries()[0].status == 0
    assert get().json() == {"handled": handled + 1}


def test_truncated_json_arrives_as_if_it_were_whole(over_https):
    sandbox, get = over_https
    sandbox.faults.add(f.TRUNCATE)
    answer = get()
    with pytest.raises(requests.exceptions.JSONDecodeError):
        answer.json()


def test_a_body_cut_short_breaks_the_connection(over_https):
    sandbox, get = over_https
    sandbox.faults.add(f.CUT_BODY)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        get()


def test_invalid_compression_cannot_be_decoded(over_https):
    sandbox, get = over_https
    sandbox.faults.add(f.BAD_GZIP)
    with pytest.raises(requests.exceptions.ContentDecodingError):
        get()


def test_delay_and_expired_tokens_go_on_to_the_app(counter):
    slept, expired = [], []
    faults = f.Faults(sleep=slept.append, expire_tokens=expired.append)
    faults.add(f.delay(1.5))
    faults.add(f.EXPIRE_TOKEN, nth=1)
    app = faults.wrap("servicetitan_api", counter)
    assert [ask(app).status for _ in range(2)] == [200, 200]
    assert (slept, expired) == ([1.5], ["servicetitan_api"])


def test_cleared_faults_are_forgotten(counter):
    faults = f.Faults()
    faults.add(f.HTML_500, count=None)
    app = faults.wrap("x", counter)
    assert ask(app).status == 500
    faults.clear()
    assert ask(app).status == 200
