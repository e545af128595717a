from __future__ import annotations

import pytest
from config_files import COMPANY, TENANT

from stsync.config.endpoints import (
    authority,
    business_central_base,
    environment_type,
    servicetitan_api,
    servicetitan_token_url,
)
from stsync.config.model import Config

GIVEN = f"https://api.businesscentral.dynamics.com/v2.0/{TENANT}/Production/api/v2.0"


def config(titan: dict[str, object] | None = None, **books: object) -> Config:
    return Config.model_validate(
        {
            "servicetitan": {"environment": "production", "tenant_id": 1, **(titan or {})},
            "business_central": {
                "tenant_id": TENANT, "environment": "Production", "company_id": COMPANY, **books,
            },
            "go_live": "2026-07-01",
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("titan", "api", "token"),
    [
        ({}, "https://api.servicetitan.io", "https://auth.servicetitan.io/connect/token"),
        (
            {"environment": "integration"},
            "https://api-integration.servicetitan.io",
            "https://auth-integration.servicetitan.io/connect/token",
        ),
        (
            {"api_url": "https://localhost:8443/", "auth_url": "https://localhost:8444/"},
            "https://localhost:8443",
            "https://localhost:8444/connect/token",
        ),
        (
            {"api_url": "https://proxy/st", "auth_url": "https://proxy/auth/connect/token/"},
            "https://proxy/st",
            "https://proxy/auth/connect/token",
        ),
    ],
)
def test_servicetitans_addresses_follow_from_the_environment_unless_given(titan, api, token):
    assert servicetitan_api(config(titan)) == api
    assert servicetitan_token_url(config(titan)) == token


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("https://api.businesscentral.dynamics.com", GIVEN),
        ("https://api.businesscentral.dynamics.com/v2.0/", GIVEN),
        (GIVEN, GIVEN),
        (GIVEN + "/", GIVEN),
        ("https://erp.contoso.com:7048/BC/api/v2.0", "https://erp.contoso.com:7048/BC/api/v2.0"),
        ("https://localhost:8443", f"https://localhost:8443/v2.0/{TENANT}/Production/api/v2.0"),
        ("https://proxy/bc", f"https://proxy/bc/v2.0/{TENANT}/Production/api/v2.0"),
    ],
)
def test_business_centrals_address_may_be_given_in_each_usual_form(given, base):
    assert business_central_base(config(api_url=given)) == base


def test_names_with_signs_of_their_own_stay_one_part_of_the_address():
    assert business_central_base(config(environment="UAT 2/b")).endswith("/UAT%202%2Fb/api/v2.0")


@pytest.mark.parametrize(
    ("given", "result"),
    [
        ("https://login.microsoftonline.com", f"https://login.microsoftonline.com/{TENANT}"),
        ("https://login.microsoftonline.com/", f"https://login.microsoftonline.com/{TENANT}"),
        (f"https://login.microsoftonline.com/{TENANT}", f"https://login.microsoftonline.com/{TENANT}"),
        (f"https://login.microsoftonline.com/{TENANT}/v2.0", f"https://login.microsoftonline.com/{TENANT}"),
        (
            f"https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token",
            f"https://login.microsoftonline.com/{TENANT}",
        ),
        ("https://login.microsoftonline.us/contoso.us", "https://login.microsoftonline.us/contoso.us"),
        ("https://proxy/entra", f"https://proxy/entra/{TENANT}"),
        ("https://127.0.0.1:8443", f"https://127.0.0.1:8443/{TENANT}"),
    ],
)
def test_the_sign_in_address_ends_with_the_tenant_exactly_once(given, result):
    assert authority(config(authority=given)) == result


@pytest.mark.parametrize(
    ("name", "said", "result"),
    [
        ("Production", None, "production"),
        ("PROD-US", None, "production"),
        ("Sandbox", None, "sandbox"),
        ("Production-Sandbox", None, "sandbox"),
        ("UAT", None, None),
        ("Production", "sandbox", "sandbox"),
        ("UAT", "production", "production"),
    ],
)
def test_the_kind_of_books_is_what_the_file_says_or_the_name_tells(name, said, result):
    assert environment_type(config(environment=name, environment_type=said).business_central) == result
