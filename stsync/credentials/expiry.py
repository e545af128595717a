"""When secrets end. Days are kept in a small plain file beside the secrets; a day is not a secret."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from stsync.credentials.certificate import certificate_end
from stsync.credentials.lookup import Credentials, Found, Source
from stsync.credentials.names import BC_CERTIFICATE_PASSPHRASE, BC_CLIENT_SECRET, Identity, Secret
from stsync.credentials.private_files import read_private, write_private
from stsync.errors import UsageError

# Users' need 17: people want to hear of it this many days before.
WARN_DAYS = (60, 30, 14, 7, 1)


@dataclass(frozen=True)
class Expiry:
    """The last day something is valid; `certain` when it was read from the certificate itself."""

    name: str
    label: str
    on: date
    certain: bool = False

    def days_left(self, today: date) -> int:
        """Whole days until it ends; negative when it has ended."""
        return (self.on - today).days

    def due(self, today: date) -> bool:
        """Whether a person should hear about it (60 days or fewer to go)."""
        return self.days_left(today) <= WARN_DAYS[0]

    def sentence(self, today: date) -> str:
        """What to tell a person."""
        days = self.days_left(today)
        if days < 0:
            return f"The {self.label} ended on {self.on}; logins with it are refused."
        when = "today" if days == 0 else f"in {days} day{'' if days == 1 else 's'}"
        return f"The {self.label} ends {when}, on {self.on}."


class Expiries:
    """The noted days of one identity."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def standing(cls, identity: Identity) -> Expiries:
        """The file beside the user's stsync data."""
        from platformdirs import user_data_path

        return cls(user_data_path("stsync", appauthor=False) / "expiry" / f"{identity.slug}.json")

    def note(self, name: str, on: date | None, *, source: str) -> None:
        """Remember the day for the value that lies at `source`; None forgets it. Raises UsageError."""
        days = self._days()
        days.pop(name, None)
        if on is not None:
            days[name] = {"expires_on": on.isoformat(), "source": source}
        if not days and not self._path.exists():
            return
        try:
            write_private(self._path, json.dumps(days, indent=2).encode() + b"\n")
        except OSError as error:
            raise UsageError(
                "expiry-not-noted", f"The day could not be noted in {self._path}: {error.strerror or error}."
            ) from error

    def of(self, name: str, *, source: str) -> date | None:
        """The noted day, if it was noted for a value at this source: another value ends on another day."""
        noted = self._days().get(name, {})
        if noted.get("source") != source:
            return None
        return day(noted.get("expires_on", ""))

    def kept_at(self, name: str) -> str | None:
        """Where stsync put the value that a day was noted for; None for a day of a value that others give."""
        source = self._days().get(name, {}).get("source")
        return source if source in {Source.KEYRING, Source.ENCRYPTED_FILE} else None

    def _days(self) -> dict[str, dict[str, str]]:
        try:
            days = json.loads(read_private(self._path, check_mode=False))
        except (OSError, ValueError):
            return {}
        if not isinstance(days, dict):
            return {}
        return {str(name): noted for name, noted in days.items() if isinstance(noted, dict)}


def day(text: str) -> date | None:
    """A date written as 2027-05-31, or None."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


def expiry_of(secret: Secret, found: Found, expiries: Expiries, environ: Mapping[str, str]) -> Expiry | None:
    """The day this value ends, as far as anybody told us."""
    on = _day_given(secret, environ) or expiries.of(secret.name, source=found.source)
    return None if on is None else Expiry(secret.name, secret.label, on)


def _day_given(secret: Secret, environ: Mapping[str, str]) -> date | None:
    return day(environ.get(secret.expiry_variable, ""))


def certificate_expiry(credentials: Credentials, certificate_file: Path) -> Expiry:
    """The certificate's own last day; raises CredentialsError when the certificate cannot be read."""
    end = certificate_end(certificate_file, credentials.optional(BC_CERTIFICATE_PASSPHRASE))
    return Expiry("bc-certificate", "Business Central certificate", end.date(), certain=True)


def login_expiry(
    credentials: Credentials, certificate_file: Path | None, *, expiries: Expiries | None = None
) -> Expiry | None:
    """When Business Central's login ends: the certificate's own date, or the noted day of the secret.

    For `doctor`, which looks into every place. Raises CredentialsError when the certificate cannot be read.
    """
    if certificate_file is not None:
        return certificate_expiry(credentials, certificate_file)
    search = credentials.search(BC_CLIENT_SECRET)
    if search.found is None:
        return None
    noted = expiries or Expiries.standing(credentials.identity)
    return expiry_of(search.secret, search.found, noted, credentials.environ)


def noted_expiry(
    credentials: Credentials, certificate_file: Path | None, *, expiries: Expiries | None = None
) -> Expiry | None:
    """The same for `status`, which opens no store of secrets: a keyring takes 0.1 s, or a dialog where it is locked.

    A day that was noted when stsync stored the secret holds unless the environment, a file or systemd gives another one.
    """
    if certificate_file is not None:
        return certificate_expiry(credentials, certificate_file)
    search = credentials.search_given(BC_CLIENT_SECRET)
    if any(tried.final for tried in search.tried):
        return None
    noted = expiries or Expiries.standing(credentials.identity)
    source = search.found.source if search.found else noted.kept_at(BC_CLIENT_SECRET)
    on = _day_given(search.secret, credentials.environ)
    if on is None and source is not None:
        on = noted.of(BC_CLIENT_SECRET, source=source)
    return None if on is None else Expiry(search.secret.name, search.secret.label, on)
