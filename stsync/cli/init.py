"""`stsync init`: write the configuration by asking and by looking."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stsync.cli.auth import Store
from stsync.cli.console import OUTPUT, clean, counted, emit_json, insist, say
from stsync.cli.options import JsonOption, answering
from stsync.errors import CredentialsError, ExitCode, UsageError

if TYPE_CHECKING:
    from stsync.credentials import Secret
    from stsync.setup.interview import Written

EPILOG = (
    "Example: stsync init asks everything. Every question is also an option, so that it runs without a terminal; "
    "then the secrets come from the environment, and what nobody decided stands in the file switched off."
)
SYSTEMS = "The two systems"
CHOICES = "Choices"
TABLES = "Mapping (repeat as needed)"


def _system(name: str, text: str) -> Any:
    return typer.Option(name, help=text, rich_help_panel=SYSTEMS, show_default=False)


def _choice(name: str, text: str) -> Any:
    return typer.Option(name, help=text, rich_help_panel=CHOICES, show_default=False)


def _table(name: str, metavar: str, text: str) -> Any:
    return typer.Option(name, metavar=metavar, help=text, rich_help_panel=TABLES, show_default=False)


@answering
def init(
    config: Annotated[Path, typer.Option("--config", envvar="STSYNC_CONFIG", help="The file to write.")] = Path(
        "config.yaml"
    ),
    force: Annotated[bool, typer.Option("--force", help="Replace the file; the old one is kept beside it.")] = False,
    store: Annotated[Store, typer.Option(help="Where typed secrets are kept.")] = Store.KEYRING,
    servicetitan_environment: Annotated[
        str | None, _system("--servicetitan-environment", "production or integration (their practice system).")
    ] = None,
    servicetitan_tenant: Annotated[str | None, _system("--servicetitan-tenant", "ServiceTitan tenant number.")] = None,
    servicetitan_api_url: Annotated[
        str | None, _system("--servicetitan-api-url", "ServiceTitan's API, only for a proxy or the sandbox.")
    ] = None,
    servicetitan_auth_url: Annotated[
        str | None, _system("--servicetitan-auth-url", "ServiceTitan's sign-in, only for a proxy or the sandbox.")
    ] = None,
    bc_tenant: Annotated[str | None, _system("--bc-tenant", "Microsoft Entra tenant, id or domain.")] = None,
    bc_environment: Annotated[str | None, _system("--bc-environment", "Business Central environment's name.")] = None,
    bc_environment_type: Annotated[
        str | None, _system("--bc-environment-type", "production or sandbox, when the name does not say it.")
    ] = None,
    bc_company: Annotated[str | None, _system("--bc-company", "Company, by its id or its name.")] = None,
    bc_api_url: Annotated[
        str | None, _system("--bc-api-url", "Business Central's API, only for a proxy or the sandbox.")
    ] = None,
    bc_authority: Annotated[
        str | None, _system("--bc-authority", "Microsoft's sign-in, only for a national cloud or the sandbox.")
    ] = None,
    bc_certificate: Annotated[
        str | None, _system("--bc-certificate", "Certificate file to sign in with, instead of a client secret.")
    ] = None,
    allow_mixed_environments: Annotated[
        bool, typer.Option("--allow-mixed-environments", help="Practice and real together.", rich_help_panel=SYSTEMS)
    ] = False,
    go_live: Annotated[str | None, _choice("--go-live", "First day that is carried over, YYYY-MM-DD.")] = None,
    dimension: Annotated[str | None, _choice("--dimension", "Dimension of the business units, or none.")] = None,
    tax_method: Annotated[str | None, _choice("--tax-method", "line or business_central.")] = None,
    tax_exempt_code: Annotated[str | None, _choice("--tax-exempt-code", "Tax group of untaxed lines.")] = None,
    tax_taxable_code: Annotated[str | None, _choice("--tax-taxable-code", "Tax group of taxed lines.")] = None,
    business_unit: Annotated[
        list[str] | None, _table("--business-unit", "NAME=VALUE", "Dimension value of a business unit.")
    ] = None,
    account: Annotated[
        list[str] | None, _table("--account", "NUMBER=NUMBER", "G/L account of a ServiceTitan account.")
    ] = None,
    payment_type: Annotated[
        list[str] | None, _table("--payment-type", "NAME=JOURNAL", "Payment journal of a payment type.")
    ] = None,
    journal: Annotated[
        list[str] | None, _table("--journal", "CODE=ACCOUNT", "A journal to be made, and its balancing account.")
    ] = None,
    tax_zone: Annotated[
        list[str] | None, _table("--tax-zone", "NAME=ACCOUNT", "Sales tax liability account of a tax zone.")
    ] = None,
    write_back: Annotated[
        bool | None,
        typer.Option(
            "--write-back/--no-write-back", help="Mark posted documents as exported.", rich_help_panel=CHOICES
        ),
    ] = None,
    as_json: JsonOption = False,
) -> ExitCode:
    """Write the configuration by asking and by looking into both systems.

    Asks which systems are meant, signs in, lists companies, dimensions, business units, accounts, payment types and
    tax zones, proposes what belongs together, and writes a file with an explanation of each line. Changes nothing
    in either system.
    """
    from datetime import UTC, datetime

    from stsync.setup.given import Given, pairs
    from stsync.setup.interview import interview, refuse_overwriting

    path = config.expanduser().absolute()
    refuse_overwriting(path, force=force)
    given = Given(
        servicetitan_environment=servicetitan_environment,
        servicetitan_tenant=servicetitan_tenant,
        servicetitan_api_url=servicetitan_api_url,
        servicetitan_auth_url=servicetitan_auth_url,
        bc_tenant=bc_tenant,
        bc_environment=bc_environment,
        bc_environment_type=bc_environment_type,
        bc_company=bc_company,
        bc_api_url=bc_api_url,
        bc_authority=bc_authority,
        bc_certificate=bc_certificate,
        allow_mixed_environments=allow_mixed_environments,
        go_live=go_live,
        dimension=dimension,
        tax_method=tax_method,
        exempt_code=tax_exempt_code,
        taxable_code=tax_taxable_code,
        business_units=pairs("--business-unit", business_unit or ()),
        accounts=pairs("--account", account or ()),
        payment_types=pairs("--payment-type", payment_type or ()),
        journals=pairs("--journal", journal or ()),
        write_back=write_back,
        tax_zones=pairs("--tax-zone", tax_zone or ()),
    )
    person = Terminal()
    written = interview(path, given, person, datetime.now(UTC).date())
    _tell(written, config)
    stored = _store(written, store, person)
    _tell_next(written, config)
    if OUTPUT.json:
        emit_json(_document(written, stored, config))
    return ExitCode.OK


class Terminal:
    """The person at the terminal: questions go to standard error, so that standard output holds the result alone."""

    @property
    def present(self) -> bool:
        """Whether there is a terminal to ask at."""
        return sys.stdin is not None and sys.stdin.isatty()

    def ask(self, question: str) -> str:
        """One line, without blanks around it. Raises UsageError when the terminal goes away."""
        sys.stderr.write(clean(question))
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            raise UsageError("stopped", "The questions ended before all were answered; nothing was written.")
        return line.strip()

    def tell(self, text: str) -> None:
        """Something on the way; nothing without a terminal."""
        if self.present:
            sys.stderr.write(clean(text) + "\n")

    def secret(self, secret: Secret) -> str:
        """A secret, typed hidden."""
        from stsync.cli.auth_asking import typed

        return typed(secret)


def _tell(written: Written, named: Path) -> None:
    books = written.config.business_central
    say(f"\nWrote {named}: ServiceTitan tenant {written.config.servicetitan.tenant_id} into {books.company_name}.")
    if written.kept is not None:
        say(f"The old file is kept as {written.kept.name}.")
    if not written.open_lines:
        return
    insist(f"Still open, {counted(len(written.open_lines), 'line')}; until then, records with such a name are held:")
    for table, line in written.open_lines:
        perhaps = f" (perhaps {line.value})" if line.value else ""
        insist(f"  mapping.{table}: {line.key}{perhaps}")


def _store(written: Written, store: Store, person: Terminal) -> list[dict[str, Any]]:
    """Keep what was typed, now that there is an identity to keep it under."""
    from datetime import UTC, datetime

    from stsync.cli.auth import store_secret
    from stsync.cli.auth_asking import asked_expiry
    from stsync.credentials import Credentials, Identity, secret_named

    credentials = Credentials(Identity.of(written.config))
    stored = []
    for name, value in written.typed.items():
        secret = secret_named(name)
        assert secret is not None
        person.tell(f"{secret.label}:")
        ends = asked_expiry(secret, datetime.now(UTC).date())
        try:
            stored.append(store_secret(credentials, secret, value, ends, store))
        except CredentialsError as error:
            store = _other_store(error, store, person)
            stored.append(store_secret(credentials, secret, value, ends, store))
    return stored


def _other_store(error: CredentialsError, store: Store, person: Terminal) -> Store:
    """On a machine without a keyring: the encrypted file, if the person says so; never of our own accord."""
    from stsync.setup.questions import agreed

    person.tell(f"  {error.message}")
    question = "  Keep the secrets in an encrypted file on this machine instead"
    if store is Store.KEYRING and agreed(person, question, default=False):
        return Store.FILE
    raise error


def _commands(named: Path) -> list[str]:
    option = "" if named == Path("config.yaml") else f" --config {named}"
    return [f"stsync doctor{option}", f"stsync sync --dry-run{option}", f"stsync sync{option}"]


def _tell_next(written: Written, named: Path) -> None:
    look, preview, go = _commands(named)
    say("\nNext:")
    say(f"  {look:<34}  looks whether everything is ready")
    say(f"  {preview:<34}  shows what would be written, and writes nothing")
    say(f"  {go:<34}  carries it over")


def _document(written: Written, stored: list[dict[str, Any]], named: Path) -> dict[str, Any]:
    return {
        "file": str(written.path),
        "company": written.config.business_central.company_name,
        "open": [
            {"table": table, "servicetitan": line.key, "perhaps": line.value} for table, line in written.open_lines
        ],
        "stored": stored,
        "next": _commands(named),
    }
