"""Literals, filters and addresses, character for character."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest

from stsync.businesscentral.odata import (
    Read,
    all_of,
    any_of,
    checked_next_link,
    company_path,
    compare,
    entity,
    enum_text,
    literal,
    service_root,
)
from stsync.errors import SystemUnavailable, UsageError

GUID = "5d115c9c-44e3-ea11-bb43-000d3a2feca1"
ROOT = "https://api.businesscentral.dynamics.com/v2.0/t/production/api/v2.0"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("O'Brien & Söhne", "'O''Brien & Söhne'"),
        ("", "''"),
        (True, "true"),
        (12, "12"),
        (Decimal("1E+2"), "100"),
        (Decimal("0.10"), "0.10"),
        (date(2026, 5, 1), "2026-05-01"),
        (datetime(2026, 5, 1, 12, 0, 0, 123999, tzinfo=UTC), "2026-05-01T12:00:00.123Z"),
        (datetime(2026, 5, 1, 2, tzinfo=timezone(timedelta(hours=-6))), "2026-05-01T08:00:00.000Z"),
        (UUID(GUID), GUID),
        (None, "null"),
    ],
)
def test_a_value_becomes_its_literal(value, text):
    assert literal(value) == text


def test_what_would_be_inexact_is_refused():
    with pytest.raises(TypeError):
        literal(1.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="zone"):
        literal(datetime(2026, 5, 1))  # noqa: DTZ001 - the point


def test_alternatives_stay_on_one_field_and_are_never_empty():
    assert any_of("number", ["A", "B", "A"]) == "number eq 'A' or number eq 'B'"
    with pytest.raises(ValueError, match="number"):
        any_of("number", [])


def test_conditions_join_with_brackets_around_alternatives():
    alternatives = any_of("number", ["A", "B"])
    assert all_of(alternatives, compare("blocked", "eq", ""), "") == f"({alternatives}) and blocked eq ''"
    assert all_of(alternatives) == alternatives


@pytest.mark.parametrize(
    ("text", "name"),
    [("In Review", "In_x0020_Review"), ("G/L Account", "G_x002F_L_x0020_Account"), ("", "_x0020_"), ("Draft", "Draft")],
)
def test_option_names_come_encoded(text, name):
    assert enum_text(name) == text


def test_plain_option_names_are_read_too():
    assert (enum_text("In Review"), enum_text(" ")) == ("In Review", "")


@pytest.mark.parametrize(
    ("api_url", "root"),
    [
        ("https://api.businesscentral.dynamics.com", ROOT),
        ("https://api.businesscentral.dynamics.com/", ROOT),
        ("https://api.businesscentral.dynamics.com/v2.0", ROOT),
        ("https://api.businesscentral.dynamics.com/v2.0/t/production", ROOT),
        (ROOT, ROOT),
        ("http://localhost:7048/BC/api/v2.0/", "http://localhost:7048/BC/api/v2.0"),
        ("https://proxy.example/bc", "https://proxy.example/bc/v2.0/t/production/api/v2.0"),
    ],
)
def test_the_service_root_is_completed_from_what_is_there(api_url, root):
    assert service_root(api_url, "t", "production") == root


def test_names_in_the_root_are_quoted():
    assert service_root("https://bc.example", "a b", "x/y").endswith("/v2.0/a%20b/x%2Fy/api/v2.0")


@pytest.mark.parametrize("bad", ["", "bc.example", "ftp://bc.example", "https://", "https://bc.example/?a=b"])
def test_what_is_no_address_is_a_usage_error(bad):
    with pytest.raises(UsageError):
        service_root(bad, "t", "production")


def test_ids_are_checked_before_they_stand_in_a_path():
    assert company_path(GUID.upper()) == f"companies({GUID})"
    assert entity("customers", GUID) == f"customers({GUID})"
    with pytest.raises(ValueError, match="hexadecimal"):
        entity("customers", "x)/journals(y")


@pytest.mark.parametrize("link", [f"{ROOT}/c?$skiptoken=1", ROOT.replace(".com/", ".com:443/"), "/v2.0/x", "?a=b"])
def test_a_next_page_on_the_same_host_is_followed(link):
    assert checked_next_link(link, ROOT, ROOT).startswith("https://api.businesscentral.dynamics.com")


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/api",
        "http://api.businesscentral.dynamics.com/v2.0",
        "https://api.businesscentral.dynamics.com:444/v2.0",
        "https://user@api.businesscentral.dynamics.com/v2.0",
        "//evil.example/x",
        "https://api.businesscentral.dynamics.com.evil.example/",
    ],
)
def test_a_next_page_elsewhere_gets_no_token(link):
    with pytest.raises(SystemUnavailable):
        checked_next_link(link, ROOT, ROOT)


def test_only_the_options_that_were_asked_for_are_sent():
    assert Read("customers").params() == {}
    full = Read("customers", "a eq 1", ("id", "number"), "picture", "number", 5)
    assert full.params() == {
        "$filter": "a eq 1",
        "$select": "id,number",
        "$expand": "picture",
        "$orderby": "number",
        "$top": "5",
    }
