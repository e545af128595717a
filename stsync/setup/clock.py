"""Doctor: this machine's clock against the servers'. No login is needed for it, and no secret is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import requests

from stsync.config import endpoints
from stsync.config.model import Config
from stsync.credentials.token_transport import TokenTransport
from stsync.errors import StsyncError
from stsync.setup.checks import Check, fail, ok, unknown, warn

WARN = timedelta(minutes=2)
# Entra refuses a certificate's assertion that is dated further off than this.
CERTIFICATE_LIMIT = timedelta(minutes=5)


def clock_checks(config: Config, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Iterator[Check]:
    """Our clock beside ServiceTitan's and Microsoft's."""
    by_certificate = config.business_central.certificate_file is not None
    places = (
        ("ServiceTitan", "servicetitan.api_url", endpoints.servicetitan_api(config), False),
        (
            "Microsoft's sign-in",
            "business_central.authority",
            f"{endpoints.authority(config)}/v2.0/.well-known/openid-configuration",
            by_certificate,
        ),
    )
    for name, setting, url, certificate in places:
        yield judged(name, *_dates(setting, url, now), by_certificate=certificate)


def _dates(setting: str, url: str, now: Callable[[], datetime]) -> tuple[datetime | None, datetime]:
    """What the server's clock said, and what ours said half-way through the exchange."""
    began = now()
    try:
        answer = TokenTransport(setting, sleep=lambda _: None).get(url)
    except (requests.RequestException, StsyncError):
        return None, began
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return _moment(headers.get("date", "")), began + (now() - began) / 2


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def judged(name: str, theirs: datetime | None, ours: datetime, *, by_certificate: bool) -> Check:
    """The difference of two clocks as a line; servers tell whole seconds only."""
    if theirs is None:
        return unknown("clock", f"clock beside {name}", "the server did not tell the time")
    apart = abs(theirs - ours)
    way = "slow" if theirs > ours else "fast"
    found = f"{apart.total_seconds():.0f} seconds {way}" if apart >= timedelta(seconds=2) else "exact"
    label = f"clock beside {name}"
    if apart <= WARN:
        return ok("clock", label, found)
    todo = "Let the machine set its clock from the network (NTP; on Windows, Date & time > Sync now)."
    if by_certificate and apart > CERTIFICATE_LIMIT:
        return fail("clock", label, f"{found}; a certificate login is refused beyond 5 minutes", todo)
    return warn("clock", label, found, todo)
