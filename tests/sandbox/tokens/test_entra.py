"""MSAL, unchanged and with verification on, against the Entra server over https."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msal
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as pem
from cryptography.hazmat.primitives.asymmetric import rsa

from stsync.sandbox.serve import Sandbox
from stsync.sandbox.tokens import Entra
from stsync.sandbox.wsgi import Request

TENANT = "11111111-2222-3333-4444-555555555555"
SCOPES = ["https://api.businesscentral.dynamics.com/.default"]


@pytest.fixture
def entra() -> Entra:
    return Entra(TENANT)


@pytest.fixture
def sandbox(entra, tmp_path) -> Iterator[Sandbox]:
    with Sandbox({"entra": entra}, tmp_path) as running:
        yield running


def client(sandbox: Sandbox, credential: object, client_id: str = "app", tenant: str = TENANT):
    return msal.ConfidentialClientApplication(
        client_id,
        client_credential=credential,
        authority=f"{sandbox.urls['entra']}/{tenant}",
        instance_discovery=False,
        verify=str(sandbox.ca_file),
        timeout=5,
    )


@pytest.fixture(scope="module")
def key_and_certificate() -> tuple[str, str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "stsync")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption()).decode()
    public = certificate.public_bytes(pem.Encoding.PEM).decode()
    return private, public, certificate.fingerprint(hashes.SHA1()).hex()


def test_a_secret_gives_a_token_that_is_known_until_it_ends(entra, sandbox):
    entra.register("app", "good")
    application = client(sandbox, "good")
    answer = application.acquire_token_for_client(SCOPES)
    assert entra.authorise(answer["access_token"]) == "app"
    assert application.acquire_token_for_client(SCOPES)["token_source"] == "cache"
    assert entra.token_requests == 1
    entra.revoke_all()
    assert entra.authorise(answer["access_token"]) is None


def test_a_wrong_an_expired_and_an_unknown_credential_are_told_apart(entra, sandbox):
    entra.register("app", "good")
    entra.register("app", "old", secret_ends_at=datetime.now(UTC) - timedelta(days=1))
    wrong = client(sandbox, "bad").acquire_token_for_client(SCOPES)
    expired = client(sandbox, "old").acquire_token_for_client(SCOPES)
    unknown = client(sandbox, "good", client_id="nobody").acquire_token_for_client(SCOPES)
    assert (wrong["error"], wrong["error_codes"]) == ("invalid_client", [7000215])
    assert (expired["error"], expired["error_codes"]) == ("invalid_client", [7000222])
    assert (unknown["error"], unknown["error_codes"]) == ("unauthorized_client", [700016])
    assert unknown["error_description"].startswith("AADSTS700016: ")


def test_an_unknown_tenant_fails_in_the_constructor(entra, sandbox):
    with pytest.raises(ValueError, match="authority") as caught:
        client(sandbox, "good", tenant="no-such-tenant")
    # Ecosystem section 2.3: the number is only in the context.
    assert "AADSTS90002" in str(caught.value.__context__)


def test_both_kinds_of_certificate_assertion_are_accepted(entra, sandbox, key_and_certificate):
    private, public, thumbprint = key_and_certificate
    entra.register("app", certificate_pem=public)
    modern = {"private_key": private, "public_certificate": public}
    for credential in (modern, {"private_key": private, "thumbprint": thumbprint}):
        answer = client(sandbox, credential).acquire_token_for_client(SCOPES)
        assert entra.authorise(answer.get("access_token", "")) == "app", answer


def test_a_certificate_that_is_not_registered_or_a_wrong_key_is_refused(entra, sandbox, key_and_certificate):
    private, public, _ = key_and_certificate
    entra.register("app", "good")
    credential = {"private_key": private, "public_certificate": public}
    assert client(sandbox, credential).acquire_token_for_client(SCOPES)["error_codes"] == [700027]
    entra.register("app", certificate_pem=public)
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    forged = other.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption()).decode()
    credential = {"private_key": forged, "public_certificate": public}
    assert client(sandbox, credential).acquire_token_for_client(SCOPES)["error_codes"] == [700027]


def test_an_assertion_is_refused_when_the_clock_is_far_off(tmp_path, key_and_certificate):
    private, public, _ = key_and_certificate
    late = Entra(TENANT, clock=lambda: datetime.now(UTC) + timedelta(hours=1))
    late.register("app", certificate_pem=public)
    with Sandbox({"entra": late}, tmp_path) as sandbox:
        credential = {"private_key": private, "public_certificate": public}
        answer = client(sandbox, credential).acquire_token_for_client(SCOPES)
    assert answer["error_codes"] == [700024]


@pytest.mark.parametrize(
    ("scope", "error", "code"),
    [
        ("", "invalid_request", 900144),
        ("https://api.businesscentral.dynamics.com/user_impersonation", "invalid_scope", 1002012),
        ("https://graph.microsoft.com/.default", "invalid_resource", 500011),
    ],
)
def test_only_the_default_scope_of_business_central_is_granted(entra, scope, error, code):
    entra.register("app", "good")
    form = f"grant_type=client_credentials&client_id=app&client_secret=good&scope={scope}"
    answer = entra(Request.build("POST", f"/{TENANT}/oauth2/v2.0/token", body=form.encode()))
    assert (answer.status, answer.json()["error"], answer.json()["error_codes"]) == (400, error, [code])


def test_too_many_token_requests_are_throttled():
    entra = Entra(TENANT, requests_per_minute=1, monotonic=lambda: 5.0)
    entra.register("app", "good")
    form = f"grant_type=client_credentials&client_id=app&client_secret=good&scope={SCOPES[0]}"
    request = Request.build("POST", f"/{TENANT}/oauth2/v2.0/token", body=form.encode())
    assert [entra(request).status for _ in range(2)] == [200, 429]
