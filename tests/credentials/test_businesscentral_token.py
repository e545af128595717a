"""Business Central's login: MSAL unchanged against the sandbox's Entra over https."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, load_pem_private_key
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from cryptography.x509 import load_pem_x509_certificate

from stsync.businesscentral.entra_problems import refused
from stsync.businesscentral.token import BusinessCentralAuth
from stsync.credentials.token_transport import TokenAnswer, TokenTransport
from stsync.errors import CredentialsError, SystemUnavailable, UsageError
from stsync.http.redact import redact
from stsync.sandbox.serve import Sandbox, served
from stsync.sandbox.tokens import Entra
from stsync.sandbox.wsgi import Request, Response

Clock = Callable[[], float]
TENANT = "11111111-2222-3333-4444-555555555555"
APP = "app-of-the-books"
SECRET = "abc8Q~the-secret-value"


@pytest.fixture(autouse=True)
def registered(entra: Entra) -> None:
    entra.register(APP, SECRET)


def auth_at(url: str, clock: Clock, *, tenant: str = TENANT, **changes: Any) -> BusinessCentralAuth:
    given: dict[str, Any] = {"client_id": APP, "client_secret": SECRET, **changes}
    plain = url.removeprefix("http://") if url.startswith("http://") else None
    transport = TokenTransport("business_central.authority", plain_host=plain, sleep=lambda _: None)
    return BusinessCentralAuth(authority_url=f"{url}/{tenant}", transport=transport, clock=clock, **given)


def test_a_token_is_put_on_each_request_and_fetched_once(servers: Sandbox, entra: Entra, clock: Any) -> None:
    auth = auth_at(servers.urls["entra"], clock)
    for _ in range(3):
        request = requests.Request("GET", "https://api.businesscentral.dynamics.com/x", auth=auth).prepare()
        assert entra.authorise(request.headers["Authorization"].removeprefix("Bearer ")) == APP
    assert entra.token_requests == 1
    assert len(servers.log.entries()) == 2, "one discovery and one token"


def test_many_threads_on_a_cold_cache_ask_once(servers: Sandbox, entra: Entra, clock: Any) -> None:
    auth = auth_at(servers.urls["entra"], clock)
    with ThreadPoolExecutor(12) as pool:
        tokens = set(pool.map(lambda _: auth.token(), range(48)))
    assert len(tokens) == 1
    assert entra.token_requests == 1


def test_a_refused_token_is_fetched_anew_although_msal_still_holds_it(
    servers: Sandbox, entra: Entra, clock: Any
) -> None:
    auth = auth_at(servers.urls["entra"], clock)
    first = auth.token()
    entra.revoke_all()
    auth.renew()
    second = auth.token()
    assert second != first
    assert entra.authorise(second) == APP


def code_of(auth: BusinessCentralAuth) -> CredentialsError:
    with pytest.raises(CredentialsError) as caught:
        auth.token()
    return caught.value


def test_an_expired_secret_a_wrong_one_an_unknown_app_and_an_unknown_tenant_are_told_apart(
    servers: Sandbox, entra: Entra, clock: Any
) -> None:
    entra.register(APP, "an-expired-secret", secret_ends_at=datetime.now(UTC) - timedelta(days=3))
    url = servers.urls["entra"]
    errors = [
        code_of(auth_at(url, clock, client_secret="an-expired-secret")),
        code_of(auth_at(url, clock, client_secret="not-the-secret")),
        code_of(auth_at(url, clock, client_id="no-such-app")),
        code_of(auth_at(url, clock, tenant="99999999-2222-3333-4444-555555555555")),
    ]
    assert [error.reference for error in errors] == [
        "bc-secret-expired",
        "bc-secret-refused",
        "bc-app-unknown",
        "bc-tenant-unknown",
    ]
    assert len({error.message for error in errors}) == 4
    assert "Secret ID" in errors[1].message
    assert [
        f"AADSTS{code}" in error.note for code, error in zip((7000222, 7000215, 700016, 90002), errors, strict=True)
    ] == [True] * 4
    told = " ".join(f"{error} {error.note} {error.hint} {error.context}" for error in errors)
    assert "an-expired-secret" not in told
    assert "not-the-secret" not in told


def test_a_refusal_without_a_known_number_keeps_microsofts_words() -> None:
    error = refused(
        {"error": "invalid_client", "error_codes": [53003], "error_description": "AADSTS53003: Blocked. Trace ID: 1"}
    )
    assert (error.reference, error.note) == ("bc-login-refused", "AADSTS53003: Blocked.")
    assert isinstance(error, CredentialsError)


def test_a_refusal_that_will_pass_is_a_system_that_is_unavailable() -> None:
    assert isinstance(refused({"error": "temporarily_unavailable"}), SystemUnavailable)


def failing(status: int, *, on_token: bool) -> Callable[[Request], Response]:
    entra = Entra(TENANT)

    def answer(request: Request) -> Response:
        if request.path.endswith("/token") is on_token:
            return Response(status, text="<html>busy</html>")
        return entra(request)

    return answer


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize("on_token", [True, False])
def test_a_login_that_does_not_answer_is_a_system_that_is_unavailable(clock: Any, status: int, on_token: bool) -> None:
    with served(failing(status, on_token=on_token)) as url, pytest.raises(SystemUnavailable) as caught:
        auth_at(url, clock).token()
    assert caught.value.reference == "bc-login-unavailable"


def test_a_page_of_a_proxy_instead_of_the_discovery_is_a_system_that_is_unavailable(clock: Any) -> None:
    page = Response(200, text="<html>sign in to the proxy</html>")
    with served(lambda request: page) as url, pytest.raises(SystemUnavailable):
        auth_at(url, clock).token()


def test_nobody_listening_is_a_system_that_is_unavailable(clock: Any) -> None:
    with served(Entra(TENANT)) as url:
        pass
    with pytest.raises(SystemUnavailable) as caught:
        auth_at(url, clock).token()
    assert caught.value.reference == "bc-login-unreachable"


def test_a_certificate_that_does_not_verify_gets_no_secret(
    servers: Sandbox, entra: Entra, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SystemUnavailable) as caught:
        auth_at(servers.urls["entra"], clock).token()
    assert caught.value.reference == "bc-login-certificate"
    assert entra.token_requests == 0


def test_plain_http_works_on_this_machine_and_nowhere_else(entra: Entra, clock: Any) -> None:
    with served(entra) as url:
        assert entra.authorise(auth_at(url, clock).token()) == APP
    with pytest.raises(UsageError) as caught:
        BusinessCentralAuth(authority_url=f"http://login.example.com/{TENANT}", client_id=APP, client_secret=SECRET)
    assert caught.value.reference == "plain-http"


def test_a_discovery_that_points_to_plain_http_elsewhere_gets_no_secret(entra: Entra, clock: Any) -> None:
    sent: list[str] = []

    def answer(request: Request) -> Response:
        sent.append(request.path)
        base = f"https://login.example.com/{TENANT}"
        return Response(200, {"token_endpoint": base.replace("https", "http"), "authorization_endpoint": base})

    with served(answer) as url, pytest.raises(SystemUnavailable):
        auth_at(url, clock).token()
    assert len(sent) == 1


class App:
    """A certificate of an application: the PFX on our side, the public part on Microsoft's."""

    def __init__(self, folder: Path, ends: datetime | None = None) -> None:
        leaf = trustme.CA().issue_cert("stsync.example", not_after=ends, key_type=trustme.KeyType.RSA)
        self.public = leaf.cert_chain_pems[0].bytes()
        key = load_pem_private_key(leaf.private_key_pem.bytes(), None)
        assert isinstance(key, RSAPrivateKey)
        certificate = load_pem_x509_certificate(self.public)
        sealed = serialize_key_and_certificates(b"stsync", key, certificate, None, BestAvailableEncryption(b"sesame"))
        self.pfx = folder / "app.pfx"
        self.pfx.write_bytes(sealed)


def with_certificate(app: App, **changes: Any) -> dict[str, Any]:
    return {"client_secret": None, "certificate_file": app.pfx, "certificate_passphrase": "sesame", **changes}


def test_a_certificate_logs_in_instead_of_a_secret(servers: Sandbox, entra: Entra, clock: Any, tmp_path: Path) -> None:
    app = App(tmp_path)
    entra.register(APP, certificate_pem=app.public)
    auth = auth_at(servers.urls["entra"], clock, **with_certificate(app))
    assert entra.authorise(auth.token()) == APP


def test_an_unregistered_certificate_is_named_as_such(servers: Sandbox, clock: Any, tmp_path: Path) -> None:
    error = code_of(auth_at(servers.urls["entra"], clock, **with_certificate(App(tmp_path))))
    assert error.reference == "bc-certificate-refused"


def test_an_ended_certificate_and_a_wrong_passphrase_are_seen_before_anything_is_sent(
    servers: Sandbox, clock: Any, tmp_path: Path
) -> None:
    url, app = servers.urls["entra"], App(tmp_path, ends=datetime(2024, 1, 31, tzinfo=UTC))
    error = code_of(auth_at(url, clock, **with_certificate(app)))
    assert (error.reference, "2024-01-31" in error.message) == ("bc-certificate-expired", True)
    error = code_of(auth_at(url, clock, **with_certificate(app, certificate_passphrase="wrong")))
    assert error.reference == "bc-certificate-unreadable"
    assert servers.log.entries() == []


def test_secret_and_token_are_redacted_from_then_on(servers: Sandbox, clock: Any) -> None:
    token = auth_at(servers.urls["entra"], clock).token()
    told = redact(f"{SECRET} and {token}")
    assert SECRET not in told
    assert token not in told


DISCOVERED = json.dumps(
    {
        f"{name}_endpoint": f"https://login.microsoftonline.com/t/oauth2/v2.0/{word}"
        for name, word in (("token", "token"), ("authorization", "authorize"))
    }
)


class SaysJson:
    """A login that answers with JSON, though not with Entra's."""

    def __init__(self, discovered: str, answer: str) -> None:
        self.discovered, self.answer = discovered, answer

    def get(self, _url: str, **_options: Any) -> TokenAnswer:
        return TokenAnswer(200, self.discovered, {})

    def post(self, _url: str, **_options: Any) -> TokenAnswer:
        return TokenAnswer(200, self.answer, {})


@pytest.mark.parametrize(
    ("discovered", "answer"),
    [
        ("{}", ""),
        ("[]", ""),
        ("[" * 100_000, ""),
        (DISCOVERED, "[]"),
        (DISCOVERED, "null"),
        (DISCOVERED, "[" * 100_000),
        (DISCOVERED, '{"access_token": "t", "expires_in": 1e400}'),
    ],
    ids=["{}", "[]", "nested", "token []", "token null", "token nested", "token for ever"],
)
def test_json_that_is_not_entras_is_a_login_without_sense_and_no_mistake_of_ours(discovered: str, answer: str) -> None:
    transport: Any = SaysJson(discovered, answer)
    auth = BusinessCentralAuth(
        authority_url="https://login.microsoftonline.com/t", client_id="c", client_secret="s" * 20, transport=transport
    )
    with pytest.raises(SystemUnavailable):
        auth.token()
