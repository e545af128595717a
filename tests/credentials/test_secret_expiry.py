"""When secrets end: noted days, certificates, and the words for a person."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, NoEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from cryptography.x509.oid import NameOID

from stsync.credentials import Credentials
from stsync.credentials.certificate import certificate_end
from stsync.credentials.expiry import Expiries, Expiry, login_expiry, noted_expiry
from stsync.credentials.keyring_store import Trouble
from stsync.errors import CredentialsError, UsageError

Build = Callable[..., Credentials]
NAME = "bc-client-secret"
ENDS = datetime(2027, 5, 31, 12, 0, tzinfo=UTC)


def pfx(path: Path, passphrase: str | None = None, *, ends: datetime = ENDS, mode: int = 0o600) -> Path:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stsync")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(ends - timedelta(days=365))
        .not_valid_after(ends)
        .sign(key, hashes.SHA256())
    )
    sealing = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    path.write_bytes(serialize_key_and_certificates(b"stsync", key, certificate, None, sealing))
    path.chmod(mode)
    return path


def test_a_certificates_end_is_read_from_the_certificate(tmp_path: Path) -> None:
    assert certificate_end(pfx(tmp_path / "app.pfx", "open sesame"), "open sesame") == ENDS


def test_a_wrong_or_missing_passphrase_names_where_to_give_it(tmp_path: Path) -> None:
    path = pfx(tmp_path / "app.pfx", "open sesame")
    for given in (None, "wrong"):
        with pytest.raises(CredentialsError, match=r"app\.pfx") as caught:
            certificate_end(path, given)
        assert "STSYNC_BC_CERTIFICATE_PASSPHRASE" in caught.value.hint


def test_a_missing_certificate_names_the_configuration_key(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError) as caught:
        certificate_end(tmp_path / "gone.pfx", None)
    assert "business_central.certificate_file" in caught.value.hint


def test_a_bare_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError) as caught:
        certificate_end(pfx(tmp_path / "app.pfx", mode=0o644), None)
    assert caught.value.reference == "bc-certificate-open-to-others"
    assert certificate_end(pfx(tmp_path / "private.pfx"), None) == ENDS


def test_a_noted_day_belongs_to_the_place_its_secret_came_from(tmp_path: Path) -> None:
    expiries = Expiries(tmp_path / "expiry.json")
    expiries.note(NAME, date(2027, 5, 31), source="keyring")
    assert expiries.of(NAME, source="keyring") == date(2027, 5, 31)
    assert expiries.of(NAME, source="environment") is None
    expiries.note(NAME, None, source="keyring")
    assert expiries.of(NAME, source="keyring") is None


def test_a_day_that_cannot_be_noted_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="could not be noted"):
        Expiries(tmp_path / "file" / "expiry.json").note(NAME, date(2027, 1, 2), source="keyring")


@pytest.mark.parametrize("content", ["", "[]", "nonsense", '{"bc-client-secret": 5}'])
def test_a_spoiled_note_is_no_reason_to_stop(tmp_path: Path, content: str) -> None:
    (tmp_path / "expiry.json").write_text(content)
    assert Expiries(tmp_path / "expiry.json").of(NAME, source="keyring") is None


def test_the_login_ends_with_the_certificate_or_on_the_noted_day(tmp_path: Path, credentials_with: Build) -> None:
    expiries = Expiries(tmp_path / "expiry.json")
    expiries.note(NAME, date(2027, 1, 2), source="keyring")
    by_secret = login_expiry(credentials_with(keyring={NAME: "a-secret-of-the-tests"}), None, expiries=expiries)
    assert by_secret == Expiry(NAME, "Business Central client secret", date(2027, 1, 2))
    by_certificate = login_expiry(credentials_with(), pfx(tmp_path / "app.pfx"))
    assert by_certificate is not None
    assert by_certificate.on == date(2027, 5, 31)
    assert login_expiry(credentials_with(), None, expiries=expiries) is None


def test_the_environment_can_say_when_its_secret_ends(tmp_path: Path, credentials_with: Build) -> None:
    environ = {"STSYNC_BC_CLIENT_SECRET": "a-secret-of-the-tests", "STSYNC_BC_CLIENT_SECRET_EXPIRES": "2027-01-02"}
    ends = login_expiry(credentials_with(environ), None, expiries=Expiries(tmp_path / "none"))
    assert ends is not None
    assert ends.on == date(2027, 1, 2)


def test_status_knows_the_noted_day_without_opening_a_store_of_secrets(tmp_path: Path, credentials_with: Build) -> None:
    expiries = Expiries(tmp_path / "expiry.json")
    for store in ("keyring", "encrypted-file"):
        expiries.note(NAME, date(2027, 1, 2), source=store)
        locked = credentials_with(trouble=Trouble.LOCKED)
        ends = noted_expiry(locked, None, expiries=expiries)
        assert ends == Expiry(NAME, "Business Central client secret", date(2027, 1, 2))
        assert vars(locked.keyring)["asked"] == []


def test_the_noted_day_does_not_hold_for_a_value_that_somebody_else_gives(
    tmp_path: Path, credentials_with: Build
) -> None:
    expiries = Expiries(tmp_path / "expiry.json")
    expiries.note(NAME, date(2027, 1, 2), source="keyring")
    environ = {"STSYNC_BC_CLIENT_SECRET": "a-secret-of-the-tests"}
    assert noted_expiry(credentials_with(environ), None, expiries=expiries) is None
    environ["STSYNC_BC_CLIENT_SECRET_EXPIRES"] = "2028-03-04"
    told = noted_expiry(credentials_with(environ), None, expiries=expiries)
    assert told is not None
    assert told.on == date(2028, 3, 4)
    unusable = {"STSYNC_BC_CLIENT_SECRET_FILE": str(tmp_path / "gone")}
    assert noted_expiry(credentials_with(unusable), None, expiries=expiries) is None


def test_a_day_noted_for_a_value_of_the_environment_is_gone_with_it(tmp_path: Path, credentials_with: Build) -> None:
    expiries = Expiries(tmp_path / "expiry.json")
    expiries.note(NAME, date(2027, 1, 2), source="environment")
    environ = {"STSYNC_BC_CLIENT_SECRET": "a-secret-of-the-tests"}
    assert noted_expiry(credentials_with(environ), None, expiries=expiries) is not None
    assert noted_expiry(credentials_with(), None, expiries=expiries) is None


def test_people_are_warned_sixty_days_ahead_in_words() -> None:
    ends = Expiry(NAME, "Business Central client secret", date(2027, 3, 1))
    assert not ends.due(date(2026, 12, 30))
    assert ends.due(date(2026, 12, 31))
    assert ends.sentence(date(2027, 2, 28)) == "The Business Central client secret ends in 1 day, on 2027-03-01."
    assert "ends today" in ends.sentence(date(2027, 3, 1))
    assert "ended on 2027-03-01" in ends.sentence(date(2027, 3, 2))
