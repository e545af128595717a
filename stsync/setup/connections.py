"""Each system on its own, for reading only: a missing secret of one must not hide the other."""

from __future__ import annotations

from stsync.businesscentral.client import BusinessCentral
from stsync.businesscentral.token import BusinessCentralAuth
from stsync.config import endpoints
from stsync.config.model import Config
from stsync.credentials import Credentials
from stsync.http.session import Session
from stsync.servicetitan.client import ServiceTitan
from stsync.servicetitan.token import ServiceTitanAuth

# Somebody is watching: a system that gives no answer for this long is reported, not waited for.
_PATIENCE_SECONDS = 60.0


def servicetitan(config: Config, credentials: Credentials) -> ServiceTitan:
    """The tenant. Raises CredentialsError naming every secret that is missing."""
    session = Session(
        "ServiceTitan",
        auth=ServiceTitanAuth.configured(config, credentials),
        per_second=config.servicetitan.calls_per_second,
        concurrent=1,
        read_only=True,
        deadline=_PATIENCE_SECONDS,
    )
    return ServiceTitan(session, endpoints.servicetitan_api(config), config.servicetitan.tenant_id)


def business_central(config: Config, credentials: Credentials) -> tuple[BusinessCentral, BusinessCentralAuth]:
    """The company, and its login. Raises CredentialsError naming every secret that is missing."""
    auth = BusinessCentralAuth.configured(config, credentials)
    session = Session(
        "Business Central",
        auth=auth,
        per_second=19,
        burst=100,
        concurrent=1,
        read_only=True,
        deadline=_PATIENCE_SECONDS,
    )
    books = config.business_central
    # Without batches: each read shall answer for its own permission.
    return BusinessCentral(session, endpoints.business_central_base(config), books.company_id, use_batch=False), auth
