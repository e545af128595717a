"""ServiceTitan's login against the sandbox's token server over https, and against scripted answers."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from stsync.credentials.token_transport import ATTEMPTS, MAX_BODY_BYTES, TokenTransport
from stsync.errors import CredentialsError, SystemUnavailable, UsageError
from stsync.http.redact import redact
from stsync.sandbox.serve import Sandbox, served
from stsync.sandbox.tokens import ServiceTitanAuth as LoginServer
from stsync.sandbox.wsgi import ConnectionDropped, Request, Response
from stsync.servicetitan.token import ServiceTitanAuth

Clock = Callable[[], float]


def auth_at(url: str, clock: Clock, **changes: Any) -> ServiceTitanAuth:
    waits: list[float] = changes.pop("waits", [])
    transport = TokenTransport("servicetitan.auth_url", sleep=waits.append)
    known = {"client_id": "cid.good", "client_secret": "cs1.good-secret", "app_key": "ak1.the-app-key"}
    return ServiceTitanAuth(
        token_url=f"{url}/connect/token",
        **{**known, **changes},
        tenant="tenant 985798691",
        transport=transport,
        clock=clock,
    )


def sent(auth: ServiceTitanAuth) -> requests.PreparedRequest:
    return requests.Request("GET", "https://api.servicetitan.io/x", auth=auth).prepare()


def test_each_request_carries_the_token_and_the_app_key(
    servers: Sandbox, servicetitan_login: LoginServer, clock: Any
) -> None:
    request = sent(auth_at(servers.urls["servicetitan_auth"], clock))
    token = request.headers["Authorization"].removeprefix("Bearer ")
    assert servicetitan_login.authorise(token) == "cid.good"
    assert request.headers["ST-App-Key"] == "ak1.the-app-key"


def test_one_token_serves_fourteen_minutes_and_is_renewed_in_the_last(
    servers: Sandbox, servicetitan_login: LoginServer, clock: Any
) -> None:
    auth = auth_at(servers.urls["servicetitan_auth"], clock)
    first = auth.token()
    clock.passed = 839
    assert auth.token() == first
    clock.passed = 840
    second = auth.token()
    assert second != first
    assert servicetitan_login.token_requests == 2
    assert servicetitan_login.authorise(second) == "cid.good"


def test_many_threads_on_a_cold_cache_ask_once(servers: Sandbox, servicetitan_login: LoginServer, clock: Any) -> None:
    auth = auth_at(servers.urls["servicetitan_auth"], clock)
    with ThreadPoolExecutor(12) as pool:
        tokens = set(pool.map(lambda _: auth.token(), range(48)))
    assert len(tokens) == 1
    assert servicetitan_login.token_requests == 1


def test_a_refused_token_is_renewed_once_for_all_threads_that_used_it(
    servers: Sandbox, servicetitan_login: LoginServer, clock: Any
) -> None:
    auth = auth_at(servers.urls["servicetitan_auth"], clock)
    everybody_has_it = threading.Barrier(8)

    def refused(_: int) -> str:
        auth.token()
        everybody_has_it.wait(timeout=10)
        auth.renew()
        return auth.token()

    with ThreadPoolExecutor(8) as pool:
        tokens = set(pool.map(refused, range(8)))
    assert len(tokens) == 1
    assert servicetitan_login.token_requests == 2


def test_a_wrong_pair_is_named_and_its_values_are_not(servers: Sandbox, clock: Any) -> None:
    auth = auth_at(servers.urls["servicetitan_auth"], clock, client_secret="cs1.wrong-secret")
    with pytest.raises(CredentialsError) as caught:
        auth.token()
    error = caught.value
    assert error.reference == "servicetitan-secret-refused"
    assert error.message == "ServiceTitan refused the client id and client secret of tenant 985798691."
    assert "stsync auth set servicetitan-client-secret" in error.hint
    assert "invalid_client" in error.note
    assert "cs1.wrong-secret" not in f"{error} {error.note} {error.hint} {error.context}"


class Script:
    """A server that gives these answers in turn, the last one for ever."""

    def __init__(self, *answers: Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[Request] = []

    def __call__(self, request: Request) -> Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


GOOD = Response(200, {"access_token": "token-from-script", "expires_in": 900})


@pytest.mark.parametrize(
    ("throttled", "waited"),
    [
        (Response(429, {}, {"Retry-After": "7"}), 7),
        (Response(429, {"title": "Rate limit is exceeded. Try again in 9 seconds.", "status": 429}), 9),
    ],
)
def test_a_throttled_login_waits_as_long_as_it_was_told(clock: Any, throttled: Response, waited: float) -> None:
    waits: list[float] = []
    with served(Script(throttled, GOOD)) as url:
        assert auth_at(url, clock, waits=waits).token() == "token-from-script"
    assert waits == [waited]


def test_a_login_that_stays_throttled_is_a_system_that_is_unavailable(clock: Any) -> None:
    script = Script(Response(429, {"error": "too_many_requests"}))
    waits: list[float] = []
    with served(script) as url, pytest.raises(SystemUnavailable) as caught:
        auth_at(url, clock, waits=waits).token()
    assert caught.value.reference == "servicetitan-login-throttled"
    assert len(script.requests) == ATTEMPTS
    assert 0 < waits[0] < waits[-1] < 60


def test_a_wait_of_an_hour_is_not_waited_for(clock: Any) -> None:
    script = Script(Response(429, {}, {"Retry-After": "3600"}))
    waits: list[float] = []
    with served(script) as url, pytest.raises(SystemUnavailable):
        auth_at(url, clock, waits=waits).token()
    assert waits == []


def test_a_passing_failure_and_a_cut_connection_are_tried_again(clock: Any) -> None:
    with served(Script(Response(503, None), ConnectionDropped(), GOOD)) as url:
        assert auth_at(url, clock).token() == "token-from-script"


@pytest.mark.parametrize(
    "answer",
    [
        Response(200, {"expires_in": 900}),
        Response(200, text="<html>sign in to the proxy</html>"),
        Response(302, None, {"Location": "https://elsewhere.example/"}),
        Response(404, text="not here"),
        Response(403, text="<html>blocked</html>"),
    ],
)
def test_an_answer_that_is_no_token_is_a_system_that_is_unavailable(clock: Any, answer: Response) -> None:
    script = Script(answer)
    with served(script) as url, pytest.raises(SystemUnavailable) as caught:
        auth_at(url, clock).token()
    assert caught.value.reference == "servicetitan-login-unreadable"
    assert len(script.requests) == 1


def test_another_refusal_keeps_servicetitans_word(clock: Any) -> None:
    with (
        served(Script(Response(400, {"error": "unauthorized_client"}))) as url,
        pytest.raises(CredentialsError) as caught,
    ):
        auth_at(url, clock).token()
    assert caught.value.reference == "servicetitan-login-refused"
    assert "unauthorized_client" in caught.value.message


def test_nobody_listening_is_a_system_that_is_unavailable(clock: Any) -> None:
    with served(Script(GOOD)) as url:
        pass
    waits: list[float] = []
    with pytest.raises(SystemUnavailable) as caught:
        auth_at(url, clock, waits=waits).token()
    assert caught.value.reference == "servicetitan-login-unreachable"
    assert len(waits) == ATTEMPTS - 1


def test_a_certificate_that_does_not_verify_gets_no_secret(
    servers: Sandbox, servicetitan_login: LoginServer, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SystemUnavailable) as caught:
        auth_at(servers.urls["servicetitan_auth"], clock).token()
    assert caught.value.reference == "servicetitan-login-certificate"
    assert "REQUESTS_CA_BUNDLE" in caught.value.hint
    assert servicetitan_login.token_requests == 0


def test_a_bundle_that_is_not_there_is_a_wrong_setting(
    servers: Sandbox, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent/ca.pem")
    with pytest.raises(UsageError) as caught:
        auth_at(servers.urls["servicetitan_auth"], clock).token()
    assert caught.value.reference == "ca-bundle-unusable"


def test_an_app_key_with_a_foreign_character_is_refused_before_it_breaks_a_header(clock: Any) -> None:
    with pytest.raises(CredentialsError) as caught:
        auth_at("https://auth.servicetitan.io", clock, app_key="ak1.“quoted”")
    assert caught.value.reference == "servicetitan-app-key-malformed"


def test_plain_http_is_refused_off_this_machine(clock: Any) -> None:
    with pytest.raises(UsageError) as caught:
        auth_at("http://auth.servicetitan.io", clock)
    assert caught.value.reference == "plain-http"
    assert "servicetitan.auth_url" in caught.value.message


def test_the_form_is_what_servicetitan_takes_and_netrc_adds_nothing(
    clock: Any, home: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = home / ".netrc"
    netrc.write_text("default login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    script = Script(GOOD)
    with served(script) as url:
        auth_at(url, clock).token()
    (request,) = script.requests
    assert request.header("content-type") == "application/x-www-form-urlencoded"
    assert request.form() == {
        "grant_type": "client_credentials",
        "client_id": "cid.good",
        "client_secret": "cs1.good-secret",
    }
    assert request.header("authorization") == ""
    assert request.header("user-agent").startswith("stsync/")


def test_secrets_and_tokens_are_redacted_from_then_on(clock: Any) -> None:
    with served(Script(GOOD)) as url:
        auth_at(url, clock).token()
    told = redact("cs1.good-secret ak1.the-app-key token-from-script")
    assert not any(word in told for word in ("good-secret", "the-app-key", "token-from-script"))


def test_a_login_page_that_unpacks_to_gigabytes_is_not_read_to_its_end(clock: Any) -> None:
    bomb = gzip.compress(b" " * (MAX_BODY_BYTES + 1))
    packed = Response(200, raw=bomb, headers={"Content-Encoding": "gzip"})
    with served(Script(packed)) as url, pytest.raises(SystemUnavailable) as caught:
        auth_at(url, clock).token()
    assert caught.value.reference == "servicetitan-login-unreachable"
    assert "larger than" in caught.value.note


def test_a_login_answer_that_nests_without_end_is_no_mistake_of_ours(clock: Any) -> None:
    with served(Script(Response(200, text="[" * 100_000))) as url, pytest.raises(SystemUnavailable) as caught:
        auth_at(url, clock).token()
    assert caught.value.reference == "servicetitan-login-unreadable"
