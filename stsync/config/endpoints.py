"""The addresses that the two systems answer at, worked out from the configuration. Pure."""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import quote

from stsync.config.addresses import segments
from stsync.config.model import BusinessCentral, Config

# ServiceTitan facts, section 1.1.
SERVICETITAN_API = {
    "production": "https://api.servicetitan.io",
    "integration": "https://api-integration.servicetitan.io",
}
SERVICETITAN_AUTH = {
    "production": "https://auth.servicetitan.io",
    "integration": "https://auth-integration.servicetitan.io",
}
TOKEN_PATH = "/connect/token"  # noqa: S105 - a path, not a secret
SIGN_IN_ENDINGS = ("/oauth2/v2.0/token", "/oauth2/token", "/v2.0")
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
SHARED_TENANTS = frozenset({"common", "organizations", "consumers"})


def servicetitan_api(config: Config) -> str:
    """The address before `/accounting/v2/tenant/…`."""
    given = config.servicetitan.api_url
    return (given or SERVICETITAN_API[config.servicetitan.environment]).rstrip("/")


def servicetitan_token_url(config: Config) -> str:
    """The full address that issues ServiceTitan's tokens; the file may give it with or without the path."""
    given = config.servicetitan.auth_url or SERVICETITAN_AUTH[config.servicetitan.environment]
    return given.rstrip("/").removesuffix(TOKEN_PATH) + TOKEN_PATH


def business_central_base(config: Config) -> str:
    """The address before `/companies(…)`.

    An address up to `/api/v2.0` is taken as it is (own servers, proxies that know their environment);
    otherwise tenant and environment are appended (BC facts, section 12, base URL).
    """
    books = config.business_central
    given = books.api_url.rstrip("/")
    if "/api/v2.0" in given:
        return given
    root = given if given.endswith("/v2.0") else f"{given}/v2.0"
    return f"{root}/{quote(books.tenant_id, safe='')}/{quote(books.environment, safe='')}/api/v2.0"


def authority(config: Config) -> str:
    """The sign-in address with the tenant at its end, as MSAL wants it."""
    books = config.business_central
    root = sign_in_root(books)
    if tenant_in_authority(books):
        return root
    return f"{root}/{quote(books.tenant_id, safe='')}"


def sign_in_root(books: BusinessCentral) -> str:
    """The sign-in address as given, without the endings that people copy along from Azure's pages."""
    root = books.authority.rstrip("/")
    for ending in SIGN_IN_ENDINGS:
        root = root.removesuffix(ending)
    return root


def tenant_in_authority(books: BusinessCentral) -> str | None:
    """The tenant that the sign-in address names itself; None when it ends with its host or a proxy's path."""
    last = (segments(sign_in_root(books)) or [""])[-1]
    if last.lower() == books.tenant_id.lower() or last.lower() in SHARED_TENANTS:
        return last
    return last if GUID.fullmatch(last) or "." in last else None


def environment_type(books: BusinessCentral) -> Literal["production", "sandbox"] | None:
    """Real books or practice ones; None when neither the key nor the environment's name says so.

    Business Central itself does not say it on the API we use, and its default names are
    Production and Sandbox (BC facts, section 12).
    """
    if books.environment_type is not None:
        return books.environment_type
    name = books.environment.lower()
    if "sandbox" in name:
        return "sandbox"
    return "production" if name.startswith("prod") else None
