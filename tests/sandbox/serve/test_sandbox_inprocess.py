"""Apps behind a requests session without sockets behave as they do behind one."""

from __future__ import annotations

from decimal import Decimal

import pytest
import requests

from stsync.sandbox import faults as f
from stsync.sandbox.inprocess import InProcess
from stsync.sandbox.wsgi import Request, Response

URL = "https://api.example.org"


def echo(request: Request) -> Response:
    seen = {"method": request.method, "target": request.target, "body": request.body.decode(), "n": Decimal("1.10")}
    return Response(200, {**seen, "base": request.base_url, "key": request.header("st-app-key")})


@pytest.fixture
def faults() -> f.Faults:
    return f.Faults()


@pytest.fixture
def session(faults):
    with requests.Session() as one:
        one.mount(URL, InProcess(faults.wrap("servicetitan_api", echo)))
        yield one


def test_a_request_arrives_whole(session):
    answer = session.post(f"{URL}/a%20b?x=%2B1", json={"k": 1}, headers={"ST-App-Key": "ak1"})
    assert answer.json() == {
        "method": "POST",
        "target": "/a b?x=%2B1",
        "body": '{"k": 1}',
        "n": 1.1,
        "base": URL,
        "key": "ak1",
    }
    assert '"n":1.10' in answer.text


@pytest.mark.parametrize(
    ("action", "error"),
    [
        (f.DROP, requests.exceptions.ConnectionError),
        (f.DROP_ANSWER, requests.exceptions.ConnectionError),
        (f.CUT_BODY, requests.exceptions.ChunkedEncodingError),
        (f.BAD_GZIP, requests.exceptions.ContentDecodingError),
    ],
)
def test_broken_answers_raise_what_they_raise_over_a_socket(session, faults, action, error):
    faults.add(action)
    with pytest.raises(error):
        session.get(URL)
    assert session.get(URL).status_code == 200
