"""ServiceTitan's token endpoint (facts section 1.2)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from stsync.sandbox.tokens import ServiceTitanAuth
from stsync.sandbox.tokens.issued import from_base64url
from stsync.sandbox.wsgi import Request

FORM = {"content-type": "application/x-www-form-urlencoded"}


def ask(server, secret="cs1.good", **changes):
    fields = {"grant_type": "client_credentials", "client_id": "cid.a", "client_secret": secret, **changes}
    body = "&".join(f"{name}={value}" for name, value in fields.items()).encode()
    return server(Request.build("POST", "/connect/token", headers=FORM, body=body))


def make(**options):
    server = ServiceTitanAuth(**options)
    server.register("cid.a", "cs1.good", 7, ["tn.acc.invoices:r"])
    return server


def test_a_token_lasts_fifteen_minutes_and_says_whose_it_is():
    moment = [datetime(2026, 11, 2, tzinfo=UTC)]
    server = make(clock=lambda: moment[0])
    answer = ask(server).json()
    assert (answer["expires_in"], answer["token_type"], answer["scope"]) == (900, "Bearer", "tn.acc.invoices:r")
    header, claims = (json.loads(from_base64url(part)) for part in answer["access_token"].split(".")[:2])
    assert (header["typ"], header["alg"]) == ("at+jwt", "RS256")
    assert (claims["tenant"], claims["client_id"], claims["exp"] - claims["nbf"]) == ("7", "cid.a", 900)
    moment[0] += timedelta(seconds=899)
    assert server.authorise(answer["access_token"]) == "cid.a"
    moment[0] += timedelta(seconds=1)
    assert server.authorise(answer["access_token"]) is None


def test_a_wrong_secret_is_a_400_and_not_a_401():
    for answer in (ask(make(), secret="cs1.bad"), ask(make(), client_id="cid.b")):
        assert (answer.status, answer.json()) == (400, {"error": "invalid_client"})


def test_json_is_refused():
    body = {"grant_type": "client_credentials", "client_id": "cid.a", "client_secret": "cs1.good"}
    assert make()(Request.build("POST", "/connect/token", json=body)).status == 400


def test_only_the_token_path_and_only_post():
    server = make()
    assert server(Request.build("POST", "/token")).status == 404
    assert server(Request.build("GET", "/connect/token")).status == 405
    assert ask(server, grant_type="password").json() == {"error": "unsupported_grant_type"}


def test_requests_are_counted_and_can_be_throttled():
    server = make(requests_per_minute=2, monotonic=lambda: 1.0)
    assert [ask(server).status for _ in range(3)] == [200, 200, 429]
    assert server.token_requests == 3


def test_revoked_tokens_are_worthless():
    server = make()
    token = ask(server).json()["access_token"]
    server.revoke_all()
    assert server.authorise(token) is None
