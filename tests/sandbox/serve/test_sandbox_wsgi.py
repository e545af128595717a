"""The web layer: exact numbers, queries, routes, WSGI."""

from __future__ import annotations

from decimal import Decimal
from io import BytesIO

import pytest

from stsync.sandbox.wsgi import BadJson, Request, Response, Router, as_wsgi, dump_json, parse_json


@pytest.mark.parametrize(
    "number", ["10.10", "0.1", "12345678901234567.89", "-0.00", "1E+2", "0.000000000000000001", "9007199254740993.5"]
)
def test_decimals_are_written_digit_for_digit(number):
    written = dump_json({"amount": Decimal(number), "text": 'a"b\\c é'})
    assert f'"amount":{Decimal(number):f}' in written
    assert parse_json(written) == {"amount": Decimal(number), "text": 'a"b\\c é'}


def test_what_is_no_json_number_is_neither_written_nor_read():
    for value in (Decimal("NaN"), Decimal("Infinity")):
        with pytest.raises(ValueError, match="not a JSON number"):
            dump_json(value)
    for text in ("NaN", "{", "[" * 100_000):
        with pytest.raises(BadJson):
            parse_json(text)


def test_the_last_of_repeated_query_values_wins_and_all_are_kept():
    request = Request.build("get", "/a%2Fb?x=1&x=2+3&y=")
    assert (request.method, request.path) == ("GET", "/a/b")
    assert (request.query, request.query_all["x"]) == ({"x": "2 3", "y": ""}, ["1", "2 3"])
    assert request.raw_query == "x=1&x=2+3&y="


def test_routes_match_by_method_and_template():
    router = Router()
    router.add("GET", "/companies({company})/items({item})", lambda _request, names: Response(200, names))
    found = router(Request.build("GET", "/companies(a-b)/items(7)"))
    assert found.json() == {"company": "a-b", "item": "7"}
    assert router(Request.build("POST", "/companies(a-b)/items(7)")).status == 405
    assert router(Request.build("GET", "/companies(a-b)/items(7)/more")).status == 404


def test_an_app_can_be_hosted_behind_wsgi():
    seen = {}

    def app(request: Request) -> Response:
        seen.update(path=request.path, body=request.json(), key=request.header("ST-App-Key"), base=request.base_url)
        return Response(201, {"ok": Decimal("1.50")}, {"X-Extra": "1"})

    started = []
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/caf\u00c3\u00a9",
        "QUERY_STRING": "a=1",
        "CONTENT_LENGTH": "2",
        "CONTENT_TYPE": "application/json",
        "HTTP_ST_APP_KEY": "ak1",
        "HTTP_HOST": "localhost:1",
        "wsgi.url_scheme": "https",
        "wsgi.input": BytesIO(b"[]"),
    }
    body = b"".join(as_wsgi(app)(environ, lambda status, headers: started.append((status, dict(headers)))))
    assert seen == {"path": "/caf\u00e9", "body": [], "key": "ak1", "base": "https://localhost:1"}
    assert body == b'{"ok":1.50}'
    status, headers = started[0]
    assert (status, headers["Content-Length"], headers["X-Extra"]) == ("201 Created", "11", "1")
