"""`stsync auth`: store secrets, see where they come from, try them, remove them. Never shows one."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stsync.cli.console import OUTPUT, Column, emit_json, insist, say, table
from stsync.cli.options import ConfigOption, JsonOption, answering
from stsync.errors import CredentialsError, ExitCode, StsyncError, UsageError

if TYPE_CHECKING:
    from stsync.config.model import Config
    from stsync.credentials import Credentials, Search, Secret
    from stsync.credentials.expiry import Expiry

app = typer.Typer(name="auth", help="Store, look at, try and remove the secrets.", no_args_is_help=True)


class Store(StrEnum):
    """Where a person wants a secret kept."""

    KEYRING = "keyring"
    FILE = "file"


@app.command("set")
@answering
def set_(
    name: Annotated[str | None, typer.Argument(help="Which secret; all of them when left out.")] = None,
    words: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
    stdin: Annotated[bool, typer.Option("--stdin", help="Read the secret as one line from a pipe.")] = False,
    expires: Annotated[
        str | None, typer.Option("--expires", metavar="DATE", help="The day the Entra client secret ends.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the secret, note only --expires.")] = False,
    store: Annotated[
        Store, typer.Option(help="The keyring, or an encrypted file for machines without one.")
    ] = Store.KEYRING,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Store a secret: typed hidden, or one line from a pipe with --stdin."""
    from stsync.cli import auth_asking as asking

    asking.refuse_arguments(words)
    secret = asking.named(name) if name else None
    on = asking.expiry_day(expires, _today()) if expires else None
    if secret is None and (stdin or keep or on):
        raise UsageError("secret-unnamed", "Say which secret is meant, for example: stsync auth set bc-client-secret")
    loaded, credentials = _opened(config)
    if keep and secret:
        stored = [_noted(credentials, secret, on)]
    elif secret:
        value = asking.piped() if stdin else asking.typed(secret)
        ends = on if on or stdin or not value else asking.asked_expiry(secret, _today())
        stored = [store_secret(credentials, secret, value, ends, store)]
    else:
        stored = _all_asked(loaded, credentials, store)
    if OUTPUT.json:
        emit_json({"stored": stored})


@app.command()
@answering
def status(config: ConfigOption = None, as_json: JsonOption = False) -> ExitCode:
    """Show where each secret comes from and when it ends; never the secret."""
    loaded, credentials = _opened(config)
    needed = {secret.name for secret in _needed(loaded)}
    searches = [credentials.search(secret.name) for secret in _shown(loaded)]
    ends = _ends(loaded, credentials, searches)
    lacking = [search.secret for search in searches if search.found is None and search.secret.name in needed]
    if OUTPUT.json:
        emit_json(_status_document(credentials, searches, ends, needed))
    else:
        _show_status(credentials, searches, ends, needed)
    ended = any(end.certain and end.days_left(_today()) < 0 for end in ends.values())
    return ExitCode.CREDENTIALS if lacking or ended else ExitCode.OK


@app.command("test")
@answering
def try_(config: ConfigOption = None, as_json: JsonOption = False) -> int:
    """Log in to both systems and read one harmless thing in each; says which secret is wrong."""
    from stsync.cli.auth_trial import trials

    loaded, credentials = _opened(config)
    outcomes = trials(loaded, credentials)
    problems = [outcome.problem for outcome in outcomes if outcome.problem is not None]
    exit_code = max((int(problem.exit_code) for problem in problems), default=int(ExitCode.OK))
    if OUTPUT.json:
        systems = [
            {
                "system": outcome.system,
                "ok": outcome.problem is None,
                "read": outcome.read,
                "problem": _told(outcome.problem),
            }
            for outcome in outcomes
        ]
        emit_json({"systems": systems, "exit_code": exit_code})
    for outcome in outcomes:
        _show_trial(outcome.system, outcome.read, outcome.problem)
    return exit_code


@app.command()
@answering
def remove(
    name: Annotated[str | None, typer.Argument(help="Which secret.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All secrets of this configuration.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove a secret from the keyring and from the encrypted file."""
    from stsync.cli.auth_asking import named
    from stsync.credentials import SECRETS

    if (name is None) != every:
        raise UsageError("secret-unnamed", "Say which secret to remove, or --all.")
    _, credentials = _opened(config)
    removed = {secret.name: _removed(credentials, secret) for secret in (SECRETS if name is None else (named(name),))}
    if OUTPUT.json:
        emit_json({"removed": removed})


def _opened(path: Path | None) -> tuple[Config, Credentials]:
    from stsync.config.load import find, load
    from stsync.credentials import Credentials, Identity

    loaded = load(find(path))
    return loaded, Credentials(Identity.of(loaded))


def _today() -> date:
    return datetime.now(UTC).date()


def _needed(config: Config) -> list[Secret]:
    """What a run cannot do without: the certificate's passphrase is optional, so is what the listener uses."""
    by_certificate = config.business_central.certificate_file is not None
    optional = {"bc-certificate-passphrase"} | ({"bc-client-secret"} if by_certificate else set())
    return [one for one in _shown(config) if one.name not in optional and one.system != "Webhook"]


def _shown(config: Config) -> list[Secret]:
    """The secrets that matter under this configuration: a client secret, or a certificate's passphrase."""
    from stsync.credentials import SECRETS

    by_certificate = config.business_central.certificate_file is not None
    other = "bc-client-secret" if by_certificate else "bc-certificate-passphrase"
    return [secret for secret in SECRETS if secret.name != other]


def _all_asked(config: Config, credentials: Credentials, store: Store) -> list[dict[str, Any]]:
    from stsync.cli import auth_asking as asking

    stored = []
    for secret in _shown(config):
        if secret.system == "Webhook":
            continue  # only for those who run stsync listen: stsync auth set webhook-secret
        found = credentials.search(secret.name).found
        value = asking.typed(secret, f"from the {found.source}; Enter keeps it" if found else "Enter leaves it out")
        if value:
            ends = asking.asked_expiry(secret, _today())
            stored.append(store_secret(credentials, secret, value, ends, store))
    if not stored:
        say("Nothing was changed.")
    return stored


def store_secret(
    credentials: Credentials, secret: Secret, value: str, ends: date | None, store: Store
) -> dict[str, Any]:
    """Store one secret where the person wants it, say so, and warn of what will hide it (also for `init`)."""
    from stsync.cli import auth_asking as asking
    from stsync.credentials import Source
    from stsync.credentials.expiry import Expiries
    from stsync.http import redact

    if not value:
        raise UsageError("nothing-typed", f"No {secret.label} was typed; nothing was stored.")
    redact.register(value)
    source = Source.KEYRING if store is Store.KEYRING else Source.ENCRYPTED_FILE
    _write(credentials, secret, value, store)
    say(f"The {secret.label} is stored in the {'keyring' if store is Store.KEYRING else 'encrypted file'}.")
    if store is Store.FILE:
        say(f"  file {credentials.encrypted_file.path}, key {credentials.encrypted_file.key_path}")
    Expiries.standing(credentials.identity).note(secret.name, ends, source=source)
    warnings = [words for words in (asking.doubts(secret, value), _shadow(credentials, secret, source)) if words]
    for warning in warnings:
        insist(f"  Careful: {warning}")
    return {"name": secret.name, "store": str(source), "expires_on": ends, "warnings": warnings}


def _write(credentials: Credentials, secret: Secret, value: str, store: Store) -> None:
    from stsync.credentials.encrypted_file import EncryptedFileUnusable
    from stsync.credentials.keyring_store import KeyringUnusable

    credentials.forget(secret.name)
    try:
        if store is Store.KEYRING:
            credentials.keyring.write(secret.name, value)
        else:
            credentials.encrypted_file.write(secret.name, value)
    except KeyringUnusable as trouble:
        raise CredentialsError(
            f"keyring-{trouble.trouble}",
            f"The {secret.label} was not stored: {trouble.why}.",
            hint=f"On a machine without a keyring: stsync auth set {secret.name} --store file - or set "
            f"{secret.variable} or {secret.file_variable} for the run.",
        ) from None
    except EncryptedFileUnusable as error:
        raise CredentialsError(
            "secrets-file-unusable", f"The {secret.label} was not stored: {error}.", hint="See docs/credentials.md."
        ) from None


def _shadow(credentials: Credentials, secret: Secret, source: str) -> str:
    """A place that is asked earlier and would hide what was just stored."""
    found = credentials.search(secret.name).found
    if found is None or found.source == source:
        return ""
    return f"the {found.where} is asked first, and stsync will use what is there."


def _noted(credentials: Credentials, secret: Secret, on: date | None) -> dict[str, Any]:
    from stsync.credentials.expiry import Expiries

    if on is None:
        raise UsageError("expiry-missing", "--keep notes only a date; give it with --expires YYYY-MM-DD.")
    credentials.value(secret.name)
    found = credentials.search(secret.name).found
    assert found is not None
    Expiries.standing(credentials.identity).note(secret.name, on, source=found.source)
    say(f"Noted: the {secret.label} ({found.source}) ends on {on}.")
    return {"name": secret.name, "store": str(found.source), "expires_on": on, "warnings": []}


def _ends(config: Config, credentials: Credentials, searches: list[Search]) -> dict[str, Expiry]:
    from stsync.credentials.expiry import Expiries, certificate_expiry, expiry_of

    noted = Expiries.standing(credentials.identity)
    ends: dict[str, Expiry] = {}
    for search in searches:
        known = search.found and expiry_of(search.secret, search.found, noted, credentials.environ)
        if known:
            ends[search.secret.name] = known
    named = config.business_central.certificate_file
    if named is not None:
        ends["bc-certificate"] = certificate_expiry(credentials, Path(named))
    return ends


def _status_document(
    credentials: Credentials, searches: list[Search], ends: dict[str, Expiry], needed: set[str]
) -> dict[str, Any]:
    def entry(search: Search) -> dict[str, Any]:
        return {
            "name": search.secret.name,
            "needed": search.secret.name in needed,
            "found": search.found is not None,
            "source": str(search.found.source) if search.found else None,
            "where": search.found.where if search.found else None,
            "tried": [{"where": tried.where, "why": tried.why} for tried in search.tried],
        }

    return {
        "identity": credentials.identity.service,
        "secrets": [entry(search) for search in searches],
        "expiries": [
            {"name": name, "expires_on": end.on, "days_left": end.days_left(_today())} for name, end in ends.items()
        ],
    }


def _show_status(credentials: Credentials, searches: list[Search], ends: dict[str, Expiry], needed: set[str]) -> None:
    rows = [
        [search.secret.label, search.found.where if search.found else _absence(search, needed), _end(ends, search)]
        for search in searches
    ]
    if "bc-certificate" in ends:
        rows.append(["Business Central certificate", "its file", _days(ends["bc-certificate"])])
    table(f"Secrets of {credentials.identity.service}", [Column("Secret"), Column("From"), Column("Ends")], rows)
    for search in searches:
        if search.found is None and search.secret.name in needed:
            insist(f"The {search.secret.label} is missing. Looked in:")
            for tried in search.tried:
                insist(f"  {tried.where}: {tried.why}")
    for end in ends.values():
        if end.due(_today()):
            insist(end.sentence(_today()))


def _absence(search: Search, needed: set[str]) -> str:
    return "MISSING" if search.secret.name in needed else "not set (optional)"


def _end(ends: dict[str, Expiry], search: Search) -> str:
    end = ends.get(search.secret.name)
    return _days(end) if end else ""


def _days(end: Expiry) -> str:
    return f"{end.on} ({end.days_left(_today())} days)"


def _told(problem: StsyncError | None) -> dict[str, Any] | None:
    if problem is None:
        return None
    return {
        "reference": problem.reference,
        "message": problem.message,
        "hint": problem.hint,
        "note": problem.note,
        "context": problem.context,
        "exit_code": int(problem.exit_code),
    }


def _show_trial(system: str, read: str, problem: StsyncError | None) -> None:
    if OUTPUT.json:
        return
    if problem is None:
        say(f"{system}: ok - logged in, {read}.")
        return
    lines = [f"{system}: FAILED - {problem.message}"]
    lines += [f"  {name}: {value}" for name, value in problem.context.items()]
    lines += [f"  They said: {problem.note}"] if problem.note else []
    lines += [f"  What to do: {problem.hint}"] if problem.hint else []
    insist("\n".join(lines))


def _removed(credentials: Credentials, secret: Secret) -> list[str]:
    from stsync.credentials import Source
    from stsync.credentials.encrypted_file import EncryptedFileUnusable
    from stsync.credentials.expiry import Expiries
    from stsync.credentials.keyring_store import KeyringUnusable, Trouble

    places = []
    try:
        if credentials.encrypted_file.remove(secret.name):
            places.append(str(Source.ENCRYPTED_FILE))
        if credentials.keyring.remove(secret.name):
            places.append(str(Source.KEYRING))
    except EncryptedFileUnusable as error:
        raise CredentialsError("secrets-file-unusable", f"The {secret.label} was not removed: {error}.") from None
    except KeyringUnusable as trouble:
        if trouble.trouble is not Trouble.ABSENT:
            raise CredentialsError(
                f"keyring-{trouble.trouble}", f"The keyring could not be searched: {trouble.why}."
            ) from None
    Expiries.standing(credentials.identity).note(secret.name, None, source="")
    say(f"The {secret.label} {'was removed from the ' + ' and the '.join(places) if places else 'was not stored'}.")
    if secret.variable in os.environ or secret.file_variable in os.environ:
        insist(f"  {secret.variable} or {secret.file_variable} is still set here, and stsync will use it.")
    return places
