"""Only what is signed with one of our secrets over its raw bytes counts."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stsync.listener.signature import Scheme, signed, verified

BODY = b'{"type":"tn.acc.invoice-posted"}'
SECRET = "0123456789abcdef0123456789abcdef"
DIGEST = hmac.new(SECRET.encode(), BODY, hashlib.sha256).digest()
HEX, BASE64 = DIGEST.hex(), base64.b64encode(DIGEST).decode()


@pytest.mark.parametrize("value", [HEX, HEX.upper(), BASE64, f" {HEX} "])
def test_hexadecimal_and_base64_are_both_understood_unless_one_is_chosen(value):
    assert verified(BODY, {"x-servicetitan-signature": value}, [SECRET], Scheme())


@pytest.mark.parametrize(("encoding", "good", "bad"), [("hex", HEX, BASE64), ("base64", BASE64, HEX)])
def test_a_chosen_encoding_excludes_the_other(encoding, good, bad):
    scheme = Scheme(encoding=encoding)
    assert verified(BODY, {"x-servicetitan-signature": good}, [SECRET], scheme)
    assert not verified(BODY, {"x-servicetitan-signature": bad}, [SECRET], scheme)


def test_a_prefix_is_taken_off():
    assert verified(BODY, {"x-hub": "sha256=" + HEX}, [SECRET], Scheme(headers=("X-Hub",), prefix="sha256="))


def test_either_of_two_secrets_is_right_while_one_is_being_changed():
    headers = {"x-servicetitan-signature": HEX}
    assert verified(BODY, headers, ["another-secret-of-some-length", SECRET], Scheme())
    assert not verified(BODY, headers, ["another-secret-of-some-length"], Scheme())


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-servicetitan-signature": ""},
        {"x-servicetitan-signature": "sha256=" + HEX},
        {"x-servicetitan-signature": BASE64.lower()},
        {"x-servicetitan-signature": HEX[:-1]},
        {"x-servicetitan-signature": "\udcff" + HEX},
        {"authorization": HEX},
    ],
)
def test_anything_else_is_refused(headers):
    assert not verified(BODY, headers, [SECRET], Scheme())


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_a_signature_fits_its_own_body_alone(body, other):
    headers = {"x-servicetitan-signature": signed(body, SECRET, Scheme())}
    assert verified(body, headers, [SECRET], Scheme())
    assert verified(other, headers, [SECRET], Scheme()) == (other == body)
