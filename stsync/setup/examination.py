"""The whole checklist of `stsync doctor`, from the program to the clock. It reads; it writes nothing anywhere."""

from __future__ import annotations

import platform
import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from stsync import __version__
from stsync.config.load import find, load
from stsync.config.model import Config
from stsync.core.mapping import Mapping
from stsync.core.snapshot import Snapshot
from stsync.core.source.fields import UnknownShape
from stsync.credentials import Credentials, Identity
from stsync.engine.survey import snapshot
from stsync.errors import ConfigError, ConfigProblem, ExitCode, StsyncError, UsageError
from stsync.setup.books_checks import books_checks
from stsync.setup.businesscentral_checks import Books, business_central_checks
from stsync.setup.checks import Check, ok, problem, unknown, warn
from stsync.setup.clock import clock_checks
from stsync.setup.journal_checks import journal_checks, refund_checks
from stsync.setup.mapping_checks import coverage_by_documents, coverage_by_lists
from stsync.setup.secrets import secret_checks
from stsync.setup.servicetitan_checks import Tenant, servicetitan_checks
from stsync.setup.state_checks import budget_check, state_checks
from stsync.setup.tax_checks import rate_checks
from stsync.state import State
from stsync.state.budget import budget_folder
from stsync.wiring import Wiring

# Names of the snapshot's parts, and the sets of Business Central that they are made of.
_PARTS = {
    "accounts": "accounts",
    "setup": "generalLedgerSetup",
    "dimensions": "dimensions",
    "terms": "paymentTerms",
    "items": "items",
    "journals": "customerPaymentJournals",
    "general journals": "journals",
}


def examine(config_file: Path | None, today: date | None = None) -> Iterator[Check]:
    """Every line of the checklist, as it is found. Raises nothing that stsync knows as an error."""
    day = today or datetime.now(UTC).date()
    yield _program()
    try:
        path = find(config_file)
        config = load(path)
    except ConfigError as error:
        yield from (_config_problem(error.file, one) for one in error.problems)
        yield unknown("config", "everything else", "not looked at, because the configuration cannot be read")
        return
    except UsageError as error:
        yield problem("config", "file", error)
        return
    yield from config_checks(path, config)
    yield from _examined(config, day)


def _program() -> Check:
    found = f"stsync {__version__}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    return ok("program", "versions", f"{found}, {platform.system()} {platform.release()}")


def _config_problem(file: str, one: ConfigProblem) -> Check:
    place = f"{file}:{one.line}:{one.column}"
    todo = f"Did you mean '{one.suggestion}'?" if one.suggestion else "Correct the line."
    return Check("config", one.path or "file", "fail", f"{place}: {one.message}", todo, ExitCode.USAGE)


def config_checks(path: Path, config: Config) -> Iterator[Check]:
    """The file, and the two systems that it joins."""
    yield ok("config", "file", f"{path.resolve()} is in order; documents from {config.go_live} on")
    titan, books = config.servicetitan, config.business_central
    kind = books.environment_type or "unknown"
    pair = f"ServiceTitan {titan.environment} tenant {titan.tenant_id} -> Business Central {kind} '{books.environment}'"
    if (titan.environment == "production") == (kind == "production"):
        yield ok("config", "environments", pair)
        return
    todo = "Set allow_mixed_environments back to no as soon as the rehearsal is over."
    yield warn("config", "environments", f"practice and real data are mixed: {pair}", todo)


def _examined(config: Config, today: date) -> Iterator[Check]:
    wiring = Wiring(config, Mapping.of(config.mapping.tables()), Credentials(Identity.of(config)))
    tenant, books = Tenant(), Books()
    yield from secret_checks(config, wiring.credentials, today)
    yield from servicetitan_checks(config, wiring.credentials, tenant, today)
    yield from _categories(config, tenant)
    yield from business_central_checks(config, wiring.credentials, books)
    known = _snapshot(books)
    yield from books_checks(config, books.rows, known, today)
    if "customerPaymentJournals" in books.rows:
        yield from journal_checks(config, known)
        if "journals" in books.rows:
            yield from refund_checks(config, known)
    else:
        yield unknown("journals", "payment journals", "not looked at, because they could not be read")
    yield from _coverage(wiring, known, tenant, books)
    yield from rate_checks(config, wiring.credentials, tenant.lists.get("tax-zones"), wiring.state_path)
    yield from state_checks(wiring.state_path, wiring.pin)
    named = config.business_central.budget_folder
    folder = budget_folder(named, config.business_central.api_url)
    if folder is not None:
        yield budget_check(folder, named=named is not None)
    yield from clock_checks(config)


def _snapshot(books: Books) -> Snapshot:
    try:
        return snapshot({part: books.rows[name] for part, name in _PARTS.items() if name in books.rows})
    except UnknownShape:
        # An item of a shape we do not know is for the run to hold; it says nothing about the rest.
        return snapshot(
            {part: books.rows[name] for part, name in _PARTS.items() if name in books.rows and part != "items"}
        )


def _categories(config: Config, tenant: Tenant) -> Iterator[Check]:
    """The pricebook categories that new entries go into."""
    if tenant.pricebook_categories is None:
        return
    wanted = {rule.pricebook_category for rule in config.pricebook.rules if rule.pricebook_category is not None}
    missing = sorted(wanted - tenant.pricebook_categories)
    name = "pricebook.rules categories"
    if missing:
        found = f"not in ServiceTitan's pricebook: {', '.join(map(str, missing))}"
        yield Check("ServiceTitan", name, "fail", found, "Correct pricebook_category in pricebook.rules.")
    elif wanted:
        yield ok("ServiceTitan", name, f"all {len(wanted)} are there")


def _coverage(wiring: Wiring, known: Snapshot, tenant: Tenant, books: Books) -> Iterator[Check]:
    """By the documents of the state file if there are any, else by ServiceTitan's lists."""
    if "accounts" not in books.rows:
        yield unknown("mapping", "coverage", "not looked at, because the books' accounts could not be read")
        return
    if wiring.state_path.exists():
        try:
            with State.open_scratch(wiring.state_path) as state:
                if any(state.inbox.counts()):
                    yield from coverage_by_documents(wiring.config, wiring.choices, known, state)
                    return
        except StsyncError:
            # The group "state" tells what is wrong with the file.
            pass
    if tenant.reached:
        yield from coverage_by_lists(wiring.config, wiring.choices, known, tenant.lists)
    else:
        yield unknown("mapping", "coverage", "not looked at: no documents here yet, and ServiceTitan did not answer")
