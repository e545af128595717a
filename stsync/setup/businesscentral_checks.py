"""Doctor: whether Business Central lets us in, which company that is, and whether each set may be read."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from stsync.businesscentral.client import BusinessCentral
from stsync.businesscentral.odata import Read, compare
from stsync.businesscentral.token import BusinessCentralAuth
from stsync.config.model import Config
from stsync.credentials import Credentials
from stsync.errors import CredentialsError, ExitCode, StsyncError, SystemUnavailable, UsageError
from stsync.http.outcomes import Refused
from stsync.setup import connections
from stsync.setup.checks import Check, Group, fail, ok, problem, unknown, warn

Row = dict[str, Any]
GROUP: Group = "Business Central"
_SETS_OF_LATER_VERSIONS = frozenset({400, 404, 405, 501})
_ACCOUNT_FIELDS = ("id", "number", "displayName", "category", "accountType", "blocked", "directPosting")


@dataclass
class Books:
    """What was found, by set; a set that could not be read is not in it."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    reached: bool = False


def business_central_checks(config: Config, credentials: Credentials, books: Books) -> Iterator[Check]:
    """Login, company, then one read of every set that a run uses."""
    try:
        client, auth = connections.business_central(config, credentials)
        companies = client.companies()
    except (StsyncError, ValueError) as error:
        told = error if isinstance(error, StsyncError) else UsageError("company-id-invalid", str(error))
        yield problem(GROUP, "login", told)
        yield unknown(GROUP, "everything else", "not looked at, because the login failed")
        return
    yield ok(GROUP, "login", f"accepted; companies to be seen: {len(companies)}")
    yield from _consent(auth)
    company = company_check(config, companies)
    yield company
    if company.status == "fail":
        yield unknown(GROUP, "everything else", "not looked at, because the company is not there")
        return
    books.reached = True
    yield from _reads(config, client, books)
    yield from _not_shown()


def company_check(config: Config, companies: list[Row]) -> Check:
    """The company by its id, and whether it still has the name that the configuration expects."""
    wanted = config.business_central.company_id.lower()
    ours = next((row for row in companies if str(row.get("id", "")).lower() == wanted), None)
    if ours is None:
        names = ", ".join(f"{row.get('displayName') or row.get('name')} ({row.get('id')})" for row in companies)
        todo = "Put the id of the right one into business_central.company_id."
        found = f"there is no company {wanted}; there are {names or 'none that we may see'}"
        return Check(GROUP, "company", "fail", found, todo, ExitCode.USAGE)
    names_now = [str(ours.get(key) or "") for key in ("displayName", "name")]
    given = config.business_central.company_name
    shown = names_now[0] or names_now[1]
    if given and given.casefold() not in {name.casefold() for name in names_now}:
        found = f"the id belongs to '{shown}', but company_name says '{given}'"
        todo = "Correct business_central.company_id or company_name: is this the right company?"
        return Check(GROUP, "company", "fail", found, todo, ExitCode.USAGE)
    return ok(GROUP, "company", shown)


def _consent(auth: BusinessCentralAuth) -> Iterator[Check]:
    """What the token itself says was consented to (BC facts section 12)."""
    roles = token_claims(auth.token()).get("roles")
    if not isinstance(roles, list):
        return
    shown = ", ".join(str(role) for role in roles) or "none"
    if "API.ReadWrite.All" in roles:
        yield ok(GROUP, "consent in Microsoft Entra", shown)
    else:
        todo = "In Microsoft Entra, give the app the application permission API.ReadWrite.All, and consent to it."
        yield warn(GROUP, "consent in Microsoft Entra", f"API.ReadWrite.All is not among: {shown}", todo)


def token_claims(token: str) -> dict[str, Any]:
    """What an access token says of itself; empty when it is no readable one. Nothing is decided by it."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}


def needed_reads(config: Config) -> dict[str, Read]:
    """One read for each set that a run uses under this configuration; small sets whole, large ones their first row."""
    reads = {
        "customers": Read("customers", top=1),
        "salesInvoices": Read("salesInvoices", top=1),
        "salesCreditMemos": Read("salesCreditMemos", top=1),
        "generalLedgerEntries": Read("generalLedgerEntries", top=1),
        "accounts": Read("accounts", select=_ACCOUNT_FIELDS),
        "customerPaymentJournals": Read("customerPaymentJournals", expand="customerPayments"),
        "journals": Read(
            "journals", filter=compare("code", "eq", config.refunds.journal.upper()), expand="journalLines"
        ),
        "generalLedgerSetup": Read("generalLedgerSetup"),
        "taxGroups": Read("taxGroups"),
    }
    if config.dimensions.codes():
        reads["dimensions"] = Read("dimensions", expand="dimensionValues")
    if config.mapping.terms:
        reads["paymentTerms"] = Read("paymentTerms")
    if config.pricebook.rules or config.mapping.items:
        reads["items"] = Read("items")
    return reads


def _reads(config: Config, client: BusinessCentral, books: Books) -> Iterator[Check]:
    permitted: list[str] = []
    reads = list(needed_reads(config).items())
    for position, (name, read) in enumerate(reads):
        try:
            books.rows[name] = client.read(read)
            permitted.append(name)
        except (CredentialsError, Refused, UsageError) as error:
            yield _not_permitted(name, error)
        except SystemUnavailable as error:
            yield problem(GROUP, f"read {name}", error)
            yield from (unknown(GROUP, f"read {later}", "not looked at") for later, _ in reads[position + 1 :])
            break
    if permitted:
        yield ok(GROUP, "may read", ", ".join(permitted))


def _not_permitted(name: str, error: StsyncError) -> Check:
    label = f"read {name}"
    status = error.status if isinstance(error, Refused) else 404 if isinstance(error, UsageError) else 403
    if "permission" not in error.note.lower() and name == "generalLedgerSetup" and status in _SETS_OF_LATER_VERSIONS:
        found = "this version of Business Central does not show its posting dates"
        return unknown(GROUP, label, found, "Look at Allow Posting From/To on the page General Ledger Setup.")
    if status == 403 or "permission" in error.note.lower():
        todo = (
            "In Business Central, page Microsoft Entra Applications: give the app a permission set that may read "
            f"{name} (the guide names the sets)."
        )
        found = f"not permitted. They said: {error.note}"
        return Check(GROUP, label, "fail", found, todo, ExitCode.CREDENTIALS)
    return fail(
        GROUP, label, f"refused. They said: {error.note}", "Look at the vendor's words; run stsync doctor again."
    )


def _not_shown() -> Iterator[Check]:
    """What API v2.0 does not show, so that nobody takes silence for a yes (facts 2.2 and 2.8, trap 16)."""
    yield unknown(
        GROUP,
        "may write",
        "Business Central shows only when something is written whether that is permitted",
        "The app's permission sets must allow customers, sales invoices with posting, and payment journals with posting.",
    )
    yield unknown(
        GROUP,
        "number series",
        "not shown to programs",
        "Sales & Receivables Setup needs number series for customers, invoices and posted invoices; they must reach "
        "beyond today.",
    )
    yield unknown(
        GROUP,
        "posting groups of new customers",
        "not shown to programs",
        "A customer template with posting groups must apply to new customers; otherwise their invoices cannot post.",
    )
