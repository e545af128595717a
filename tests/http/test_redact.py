"""Secrets never survive a text, in whatever form they take."""

from __future__ import annotations

import base64
from urllib.parse import quote_plus

import pytest

from stsync.http import redact as module
from stsync.http.redact import redact, register


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(module, "_known", set())


def test_a_registered_secret_disappears_in_every_form():
    secret = 'p@ss w+rd/"q"'
    register(secret)
    encoded = base64.b64encode(secret.encode()).decode()
    for form in (secret, quote_plus(secret), "p%40ss+w%2brd%2f%22q%22", 'p@ss w+rd/\\"q\\"', encoded):
        assert redact(f"before {form} after").startswith("before [secret]")


def test_a_longer_secret_is_not_cut_by_a_shorter_one():
    register("abcd")
    register("abcdefgh")
    assert redact("x abcdefgh y") == "x [secret] y"


def test_a_blank_secret_blanks_nothing():
    register("")
    register("a")
    assert redact("a plain sentence") == "a plain sentence"


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("Authorization: Bearer abc.def-ghi", "abc.def-ghi"),
        ("authorization: bearer opaquetoken123", "opaquetoken123"),
        ("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("token eyJhbGciOi.eyJzdWIi.c2ln done", "eyJzdWIi"),
        ("ST-App-Key: ak1.x7yz0000", "x7yz0000"),
        ("key ak1.x7yz0000 used", "x7yz0000"),
        ("secret cs1.qwerty99", "qwerty99"),
        ("client_id=a&client_secret=s3cr3t&x=1", "s3cr3t"),
        ('{"access_token": "opaque-1234"}', "opaque-1234"),
        ("?servicetitanapplicationkey=zzz999&a=b", "zzz999"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "MIIE"),
        ("-----BEGIN PRIVATE KEY-----\nMIIEcut", "MIIEcut"),
    ],
)
def test_what_looks_like_a_secret_disappears(text, hidden):
    cleaned = redact(text)
    assert hidden not in cleaned
    assert "[secret]" in cleaned
    assert redact(cleaned) == cleaned


def test_ordinary_words_stay():
    text = "Posting Date 2026-05-01, invoice ST-887766, customer ST1042, bearer of good news"
    assert redact(text) == text


def test_json_that_keeps_its_letters_hides_the_secret_too():
    register('gehäuse"schlüssel')
    assert "schl" not in redact('{"said": "gehäuse\\"schlüssel"}')
