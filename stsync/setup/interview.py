"""`stsync init` from the first question to the written file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from stsync.config.load import load
from stsync.config.model import Config
from stsync.credentials import SECRETS, Credentials, Identity
from stsync.credentials.lookup import Source
from stsync.credentials.private_files import write_private
from stsync.errors import ConfigError, StsyncError, UsageError
from stsync.setup import choices
from stsync.setup.choices import Chosen
from stsync.setup.config_text import config_text
from stsync.setup.coordinates import coordinates, draft, first_day, mixed
from stsync.setup.given import Given
from stsync.setup.journal_choices import payment_journals
from stsync.setup.looking import look_at_company, sign_in
from stsync.setup.proposals import Line
from stsync.setup.questions import Person

CredentialsOf = Callable[[Identity], Credentials]


@dataclass(frozen=True)
class Written:
    """What came of it: the file's content as loaded, what is still open, and the secrets to be stored."""

    path: Path
    config: Config
    open_lines: list[tuple[str, Line]]
    typed: dict[str, str]
    kept: Path | None = None


def refuse_overwriting(path: Path, *, force: bool) -> None:
    """Raises UsageError when a file stands there and nobody said --force."""
    if path.exists() and not force:
        raise UsageError(
            "config-exists",
            f"{path} is there already; it was not touched.",
            hint="Name another file with --config, or add --force to replace it (the old one is kept beside it).",
        )


def interview(
    path: Path, given: Given, person: Person, today: date, credentials_of: CredentialsOf = Credentials
) -> Written:
    """Ask, look, and write the file. Raises StsyncError; until the very end nothing is written."""
    sections = coordinates(given, person)
    go_live = first_day(given, person, today)
    config = draft(sections, go_live, _known_company(path, given))
    credentials = credentials_of(Identity.of(config))
    titan, companies = sign_in(config, credentials, person)
    chosen = Chosen()
    chosen.company_id, chosen.company_name = choices.company(given, person, companies)
    config = draft(sections, go_live, chosen.company_id)
    looked = look_at_company(config, credentials, titan)
    chosen.dimension = choices.dimension(given, person, looked)
    chosen.tax = choices.tax(given, person, looked)
    chosen.tables["business_units"] = choices.business_units(given, person, looked, chosen.dimension)
    chosen.tables["accounts"], chosen.equal_accounts = choices.accounts(given, person, looked)
    chosen.tables["payment_types"], chosen.journals = payment_journals(given, person, looked)
    chosen.tables["tax_zones"] = choices.tax_zones(given, person, looked, chosen.tax["method"])
    chosen.write_back = choices.write_back(given, person)
    text = config_text(sections, go_live, chosen, today=today.isoformat(), mix=mixed(sections))
    kept, loaded = write_config(path, text)
    return Written(path, loaded, chosen.open_lines(), _typed(credentials), kept)


def write_config(path: Path, text: str) -> tuple[Path | None, Config]:
    """Put the file there (owner only) once it is proven valid; an old one is kept beside it. Raises ConfigError."""
    trial = path.with_name(f".{path.name}.new")
    try:
        write_private(trial, text.encode())
        load(trial)
        kept = _keep_old(path)
        trial.replace(path)
    except ConfigError as error:
        raise ConfigError(str(path), error.problems) from error
    except OSError as error:
        message = f"{path} could not be written: {error.strerror or error}."
        raise UsageError("config-not-written", message, hint="Name another place with --config.") from error
    finally:
        trial.unlink(missing_ok=True)
    return kept, load(path)


def _keep_old(path: Path) -> Path | None:
    if not path.exists():
        return None
    kept = path.with_name(f"{path.name}.old")
    write_private(kept, path.read_bytes())
    return kept


def _known_company(path: Path, given: Given) -> str | None:
    """A company that is known beforehand, so that secrets stored for it are found and not asked for again."""
    from stsync.config.endpoints import GUID

    if given.bc_company and GUID.fullmatch(given.bc_company):
        return given.bc_company
    if not path.exists():
        return None
    try:
        return load(path).business_central.company_id
    except StsyncError:
        return None


def _typed(credentials: Credentials) -> dict[str, str]:
    """The secrets that a person typed just now."""
    found = {secret.name: credentials.search(secret.name).found for secret in SECRETS}
    return {name: one.value for name, one in found.items() if one is not None and one.source is Source.GIVEN}
