"""Which network failures prove that nothing was sent, and which prove nothing."""

from __future__ import annotations

import ssl

import pytest
import requests
import responses
from scripted_server import Login
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError, ProxyError
from urllib3.exceptions import SSLError as TlsError

from stsync.errors import SystemUnavailable, UsageError
from stsync.http.outcomes import NotProcessed, OutcomeUnknown

URL = "https://books.example/api"


def wrapped(reason: Exception) -> requests.ConnectionError:
    return requests.ConnectionError(MaxRetryError(None, URL, reason))  # type: ignore[arg-type]


def failing(error: Exception) -> responses.RequestsMock:
    mocked = responses.RequestsMock()
    mocked.post(URL, body=error)
    return mocked


@pytest.mark.parametrize(
    "error",
    [
        requests.ConnectTimeout("slow"),
        wrapped(NewConnectionError(None, "refused")),  # type: ignore[arg-type]
        requests.exceptions.ProxyError(MaxRetryError(None, URL, ProxyError("no proxy", OSError()))),  # type: ignore[arg-type]
    ],
)
def test_what_never_connected_was_not_processed(opened, error):
    session = opened()
    with failing(error), pytest.raises(NotProcessed):
        session.write("POST", URL, {})
    assert session.counts == {"POST": 6}


@pytest.mark.parametrize(
    "error",
    [
        requests.ReadTimeout("slow"),
        requests.ConnectionError(ProtocolError("Connection aborted.", ConnectionResetError(104, "reset"))),
        requests.exceptions.SSLError(MaxRetryError(None, URL, TlsError(ssl.SSLEOFError(8, "EOF")))),  # type: ignore[arg-type]
        requests.exceptions.InvalidHeader("strange"),
    ],
)
def test_what_broke_off_is_unknown(opened, error):
    session = opened()
    with failing(error), pytest.raises(OutcomeUnknown):
        session.write("POST", URL, {})
    assert session.counts == {"POST": 1}


def test_a_wrong_certificate_is_not_tried_again(opened):
    error = requests.exceptions.SSLError(
        MaxRetryError(None, URL, TlsError(ssl.SSLCertVerificationError("self-signed")))  # type: ignore[arg-type]
    )
    session = opened()
    with failing(error), pytest.raises(SystemUnavailable) as caught:
        session.write("POST", URL, {})
    assert caught.value.reference == "certificate-refused"
    assert "REQUESTS_CA_BUNDLE" in caught.value.hint
    assert session.counts == {"POST": 1}


def test_a_token_server_out_of_reach_means_that_nothing_was_sent(opened):
    class Cut(Login):
        def __call__(self, request):
            raise requests.ConnectionError("no route to the login")

    with pytest.raises(NotProcessed, match="Business Central"):
        opened(auth=Cut()).write("POST", URL, {})


def test_a_bundle_of_certificates_that_is_not_there_is_named_before_anything_is_sent(opened, monkeypatch, tmp_path):
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(tmp_path / "missing.pem"))
    for method in ("read", "write"):
        session = opened()
        with pytest.raises(UsageError) as caught:
            session.read("https://127.0.0.1:1/x") if method == "read" else session.write(
                "POST", "https://127.0.0.1:1/x"
            )
        assert caught.value.reference == "ca-bundle-unusable"
        assert "missing.pem" in caught.value.note
