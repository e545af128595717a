"""The second part of `init`: sign in to both systems, and read the lists that the answers are chosen from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from stsync.businesscentral.client import BusinessCentral
from stsync.businesscentral.odata import Read
from stsync.config.model import Config
from stsync.core.snapshot import Snapshot
from stsync.credentials import Credentials, Secret
from stsync.credentials.lookup import Source, missing
from stsync.engine.survey import snapshot
from stsync.errors import CredentialsError, StsyncError
from stsync.http.outcomes import Refused
from stsync.setup import connections
from stsync.setup.questions import Person
from stsync.setup.secrets import needed

Row = Mapping[str, Any]
Found = TypeVar("Found")
_TRIES = 3
_LISTS = ("business-units", "gl-accounts", "payment-types", "tax-zones")


@dataclass(frozen=True)
class Looked:
    """What the company's set-up is; `titan` are ServiceTitan's lists by name, `rows` Business Central's."""

    titan: Mapping[str, Sequence[Row]]
    rows: Mapping[str, Sequence[Row]]
    books: Snapshot = field(default_factory=Snapshot)


def sign_in(config: Config, credentials: Credentials, person: Person) -> tuple[Mapping[str, Sequence[Row]], list[Row]]:
    """ServiceTitan's lists, and the companies of Business Central; wrong secrets may be typed again.

    Raises CredentialsError, SystemUnavailable or UsageError.
    """
    secrets = needed(by_certificate=config.business_central.certificate_file is not None)
    _ask_for(secrets, credentials, person)
    titan = _patiently(
        lambda: _servicetitan_lists(config, credentials),
        [secret for secret in secrets if secret.system == "ServiceTitan"],
        credentials,
        person,
    )
    person.tell(f"ServiceTitan: signed in; business units to be seen: {len(titan['business-units'])}.")
    companies: list[Row] = _patiently(
        lambda: list(connections.business_central(config, credentials)[0].companies()),
        [secret for secret in secrets if secret.system != "ServiceTitan"],
        credentials,
        person,
    )
    person.tell(f"Business Central: signed in; companies to be seen: {len(companies)}.")
    return titan, companies


def _ask_for(secrets: Sequence[Secret], credentials: Credentials, person: Person) -> None:
    lacking = [secret for secret in secrets if credentials.search(secret.name).found is None]
    if lacking and not person.present:
        raise missing([credentials.search(secret.name) for secret in lacking])
    if lacking:
        person.tell("Secrets (nothing shows while you type; none is written into the configuration)")
    for secret in lacking:
        _typed(secret, credentials, person)


def _typed(secret: Secret, credentials: Credentials, person: Person) -> None:
    while not (value := person.secret(secret)):
        person.tell("  It is needed to look at the two systems.")
    credentials.give(secret.name, value)


def _patiently(
    attempt: Callable[[], Found], secrets: Sequence[Secret], credentials: Credentials, person: Person
) -> Found:
    """The attempt; what was typed wrong may be typed again, what is stored wrong is for its owner to mend."""
    for tries_left in range(_TRIES - 1, -1, -1):
        try:
            return attempt()
        except CredentialsError as error:
            typed = [one for one in secrets if _was_typed(one, credentials)]
            if not tries_left or not typed or not person.present or error.reference == "permission-missing":
                raise
            person.tell(f"  {error.message}\n  {error.hint}")
            for secret in typed:
                _typed(secret, credentials, person)
    raise AssertionError("the last attempt returns or raises")


def _was_typed(secret: Secret, credentials: Credentials) -> bool:
    found = credentials.search(secret.name).found
    return found is not None and found.source is Source.GIVEN


def _servicetitan_lists(config: Config, credentials: Credentials) -> Mapping[str, Sequence[Row]]:
    titan = connections.servicetitan(config, credentials)
    lists: dict[str, Sequence[Row]] = {"business-units": titan.business_units()}
    for name in _LISTS[1:]:
        try:
            lists[name] = titan.everything(name)
        except CredentialsError as error:
            # Only the mapping suggestions need these scopes; a run reads the names off the documents.
            if error.reference != "permission-missing":
                raise
            lists[name] = []
    return lists


def look_at_company(config: Config, credentials: Credentials, titan: Mapping[str, Sequence[Row]]) -> Looked:
    """The set-up of the chosen company. Raises what the login raises; a set we may not read is left empty."""
    client, _ = connections.business_central(config, credentials)
    reads = {
        "accounts": Read("accounts"),
        "dimensions": Read("dimensions", expand="dimensionValues"),
        "journals": Read("customerPaymentJournals", expand="customerPayments"),
        "taxGroups": Read("taxGroups"),
    }
    rows = {name: _tolerant(client, read) for name, read in reads.items()}
    parts = {name: rows[name] for name in ("accounts", "dimensions", "journals")}
    return Looked(titan, rows, snapshot(parts))


def _tolerant(client: BusinessCentral, read: Read) -> list[Row]:
    try:
        return list(client.read(read))
    except (Refused, CredentialsError) as error:
        if isinstance(error, CredentialsError) and error.reference != "permission-missing":
            raise
        return []
    except StsyncError as error:
        if error.reference == "environment-not-found":
            return []
        raise
