"""Doctor: which secrets are there, where they come from, and when they end. Never what they are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from stsync.config.model import Config
from stsync.credentials import SECRETS, Credentials, Search, Secret
from stsync.credentials.expiry import Expiry, login_expiry
from stsync.credentials.names import (
    BC_CERTIFICATE_PASSPHRASE,
    BC_CLIENT_ID,
    BC_CLIENT_SECRET,
    SERVICETITAN_APP_KEY,
    SERVICETITAN_CLIENT_ID,
    SERVICETITAN_CLIENT_SECRET,
)
from stsync.errors import ExitCode, StsyncError
from stsync.setup.checks import Check, ok, problem, unknown, warn


def needed(*, by_certificate: bool) -> tuple[Secret, ...]:
    """The secrets that a run cannot do without."""
    names = {SERVICETITAN_CLIENT_ID, SERVICETITAN_CLIENT_SECRET, SERVICETITAN_APP_KEY, BC_CLIENT_ID}
    if not by_certificate:
        names.add(BC_CLIENT_SECRET)
    return tuple(secret for secret in SECRETS if secret.name in names)


def secret_checks(config: Config, credentials: Credentials, today: date) -> Iterator[Check]:
    """One line for each secret, and one for the day on which Business Central's login ends."""
    by_certificate = config.business_central.certificate_file is not None
    for secret in needed(by_certificate=by_certificate):
        yield _presence(credentials.search(secret.name))
    if by_certificate:
        yield _passphrase(credentials.search(BC_CERTIFICATE_PASSPHRASE))
    yield from _end(config, credentials, today)


def _presence(search: Search) -> Check:
    secret = search.secret
    if search.found is not None:
        return ok("secrets", secret.label, f"found in the {search.found.where}")
    places = "; ".join(f"{tried.where}: {tried.why}" for tried in search.tried)
    todo = f"Store it with: stsync auth set {secret.name} - or set {secret.variable} for the run."
    return Check("secrets", secret.label, "fail", f"missing; looked in {places}", todo, ExitCode.CREDENTIALS)


def _passphrase(search: Search) -> Check:
    where = f"found in the {search.found.where}" if search.found else "none given; the certificate may need none"
    return ok("secrets", search.secret.label, where)


def _end(config: Config, credentials: Credentials, today: date) -> Iterator[Check]:
    named = config.business_central.certificate_file
    name = "end of the Business Central login"
    try:
        expiry = login_expiry(credentials, Path(named) if named else None)
    except StsyncError as error:
        yield problem("secrets", name, error)
        return
    if expiry is not None:
        yield _remaining(name, expiry, today)
    elif credentials.search(BC_CLIENT_SECRET).found is not None:
        yield unknown(
            "secrets",
            name,
            "nobody has noted when the client secret ends, and Microsoft does not tell",
            f"Look it up in Microsoft Entra, then: stsync auth set {BC_CLIENT_SECRET} --keep --expires YYYY-MM-DD",
        )


def _remaining(name: str, expiry: Expiry, today: date) -> Check:
    found = expiry.sentence(today)
    if not expiry.due(today):
        return ok("secrets", name, found)
    todo = "Make a new one in Microsoft Entra in time, and store it with: stsync auth set"
    if expiry.certain and expiry.days_left(today) < 0:
        return Check("secrets", name, "fail", found, todo, ExitCode.CREDENTIALS)
    return warn("secrets", name, found, todo)
