"""Both logins inside the one HTTP session that the clients use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from stsync.credentials.token_transport import TokenTransport
from stsync.errors import CredentialsError
from stsync.http.session import Session
from stsync.sandbox.serve import served
from stsync.sandbox.tokens import ServiceTitanAuth as LoginServer
from stsync.sandbox.wsgi import Request, Response
from stsync.servicetitan.token import ServiceTitanAuth

Clock = Callable[[], float]


@pytest.fixture
def api(servicetitan_login: LoginServer) -> Iterator[str]:
    """Login and API of ServiceTitan on one address."""

    def answer(request: Request) -> Response:
        if request.path == "/connect/token":
            return servicetitan_login(request)
        if servicetitan_login.authorise(request.header("authorization").removeprefix("Bearer ")) is None:
            return Response(401, {"title": "Unauthorized", "status": 401})
        return Response(200, {"data": [], "key": request.header("st-app-key")})

    with served(answer) as url:
        yield url


def session_at(url: str, clock: Clock, secret: str = "cs1.good-secret") -> Session:
    auth = ServiceTitanAuth(
        token_url=f"{url}/connect/token",
        client_id="cid.good",
        client_secret=secret,
        app_key="ak1.the-app-key",
        transport=TokenTransport("servicetitan.auth_url", sleep=lambda _: None),
        clock=clock,
    )
    return Session("ServiceTitan", auth=auth, per_second=1000, concurrent=2, sleep=lambda _: None)


def test_a_token_revoked_in_the_middle_is_renewed_once_and_the_read_succeeds(
    api: str, servicetitan_login: LoginServer, clock: Any
) -> None:
    session = session_at(api, clock)
    assert session.read(f"{api}/x").body == {"data": [], "key": "ak1.the-app-key"}
    servicetitan_login.revoke_all()
    assert session.read(f"{api}/x").status == 200
    assert servicetitan_login.token_requests == 2


def test_a_login_that_does_not_help_ends_after_one_renewal(
    api: str, servicetitan_login: LoginServer, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servicetitan_login, "authorise", lambda token: None)
    with pytest.raises(CredentialsError):
        session_at(api, clock).read(f"{api}/x")
    assert servicetitan_login.token_requests == 2


def test_a_refused_login_is_not_repeated_as_if_it_were_a_failed_read(
    api: str, servicetitan_login: LoginServer, clock: Any
) -> None:
    with pytest.raises(CredentialsError) as caught:
        session_at(api, clock, "cs1.wrong-secret").read(f"{api}/x")
    assert caught.value.reference == "servicetitan-secret-refused"
    assert servicetitan_login.token_requests == 1
