"""What no single key can tell: settings that contradict each other.

Each check takes the sections that are valid in themselves, so that one mistake does not hide another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import unquote

from pydantic import ValidationError

from stsync.config.addresses import host, segments
from stsync.config.endpoints import (
    GUID,
    SERVICETITAN_API,
    SERVICETITAN_AUTH,
    SHARED_TENANTS,
    environment_type,
    tenant_in_authority,
)
from stsync.config.model import BusinessCentral, Customers, Invoices, MappingTables, ServiceTitan
from stsync.config.section import Section
from stsync.config.tree import Path, Value

Known = TypeVar("Known", bound=Section)


@dataclass(frozen=True)
class Finding:
    """A contradiction, at the key that most likely has to change."""

    path: Path
    found: str
    sentence: str


def contradictions(tree: dict[str, Value]) -> Iterator[Finding]:
    """Every contradiction between the parts of the file that can be read."""
    titan, books = _part(ServiceTitan, tree, "servicetitan"), _part(BusinessCentral, tree, "business_central")
    if titan is not None:
        yield from _addresses_of_the_other_environment(titan)
    if books is not None:
        yield from _books_named_twice(books)
        yield from _address_form(books)
    if titan is not None and books is not None:
        yield from _mixed_environments(titan, books, allowed=_says_yes(tree.get("allow_mixed_environments")))
    customers, invoices = _part(Customers, tree, "customers"), _part(Invoices, tree, "invoices")
    if customers is not None and invoices is not None:
        yield from _tax_that_never_happens(customers, invoices)
    yield from _same_journal_twice(tree)
    yield from _keys_that_compare_equal(tree)


def _part(kind: type[Known], tree: dict[str, Value], key: str) -> Known | None:
    try:
        return kind.model_validate(tree.get(key))
    except ValidationError:
        return None


def _says_yes(value: Value) -> bool:
    return isinstance(value, str) and value.strip().lower() in {"yes", "true", "on", "1", "y", "t"}


def _addresses_of_the_other_environment(titan: ServiceTitan) -> Iterator[Finding]:
    other = "integration" if titan.environment == "production" else "production"
    for key, given, known in (
        ("api_url", titan.api_url, SERVICETITAN_API[other]),
        ("auth_url", titan.auth_url, SERVICETITAN_AUTH[other]),
    ):
        if given and host(given) == host(known):
            sentence = f"is ServiceTitan's {other} address, but environment says {titan.environment}"
            yield Finding(("servicetitan", key), given, sentence)


def _books_named_twice(books: BusinessCentral) -> Iterator[Finding]:
    if books.tenant_id.lower() in SHARED_TENANTS:
        sentence = "is not a tenant of yours; give the tenant's id or domain"
        yield Finding(("business_central", "tenant_id"), books.tenant_id, sentence)
    named = tenant_in_authority(books)
    if named and _differ(named, books.tenant_id):
        sentence = f"signs in to tenant {named}, but tenant_id says {books.tenant_id}"
        yield Finding(("business_central", "authority"), books.authority, sentence)
    path = segments(books.api_url)
    if len(path) == 5 and path[0] == "v2.0" and path[3:] == ["api", "v2.0"]:
        yield from _books_in_address(books, unquote(path[1]), unquote(path[2]))


def _books_in_address(books: BusinessCentral, tenant: str, environment: str) -> Iterator[Finding]:
    at = ("business_central", "api_url")
    if _differ(tenant, books.tenant_id):
        yield Finding(at, books.api_url, f"names tenant {tenant}, but tenant_id says {books.tenant_id}")
    if environment.lower() != books.environment.lower():
        sentence = f"names environment {environment}, but environment says {books.environment}"
        yield Finding(at, books.api_url, sentence)


def _differ(one: str, other: str) -> bool:
    """Whether two tenants surely differ: an id and a domain may be the same tenant."""
    if one.lower() == other.lower():
        return False
    alike = bool(GUID.fullmatch(one)) == bool(GUID.fullmatch(other))
    return alike or one.lower() in SHARED_TENANTS


def _address_form(books: BusinessCentral) -> Iterator[Finding]:
    path = "/" + "/".join(segments(books.api_url))
    if "/api/v2.0/" in path + "/" and not path.endswith("/api/v2.0"):
        sentence = "goes on after /api/v2.0; end it there"
        yield Finding(("business_central", "api_url"), books.api_url, sentence)
    if "/v2.0/" in path and "/api/v2.0" not in path:
        sentence = "stops half-way; give the host alone, or the whole address up to /api/v2.0"
        yield Finding(("business_central", "api_url"), books.api_url, sentence)


def _mixed_environments(titan: ServiceTitan, books: BusinessCentral, *, allowed: bool) -> Iterator[Finding]:
    kind = environment_type(books)
    at = ("business_central", "environment")
    if kind is None:
        sentence = "does not tell whether it holds the real books; add environment_type: production or sandbox below it"
        yield Finding(at, books.environment, sentence)
        return
    if allowed or (titan.environment == "production") == (kind == "production"):
        return
    sentence = (
        f"is a {kind} environment, but servicetitan.environment is {titan.environment}; "
        "practice and real data must not mix (allow_mixed_environments: yes permits it)"
    )
    yield Finding(at, books.environment, sentence)


def _tax_that_never_happens(customers: Customers, invoices: Invoices) -> Iterator[Finding]:
    if invoices.tax.method == "business_central" and customers.tax_liable is False:
        sentence = "says no, but invoices.tax.method says that Business Central computes the tax; it would compute none"
        yield Finding(("customers", "tax_liable"), "no", sentence)


def _same_journal_twice(tree: dict[str, Value]) -> Iterator[Finding]:
    payments = tree.get("payments")
    journals = payments.get("journals") if isinstance(payments, dict) else None
    if isinstance(journals, dict):
        yield from _equal_keys(journals, ("payments", "journals"), str.upper)


def _keys_that_compare_equal(tree: dict[str, Value]) -> Iterator[Finding]:
    tables = tree.get("mapping")
    for name in MappingTables.model_fields:
        table = tables.get(name) if isinstance(tables, dict) else None
        if isinstance(table, dict):
            yield from _equal_keys(table, ("mapping", name), str.casefold)
            yield from _not_filled_in(table, ("mapping", name))


def _equal_keys(table: dict[str, Value], path: Path, fold: Callable[[str], str]) -> Iterator[Finding]:
    first: dict[str, str] = {}
    for key in table:
        earlier = first.setdefault(fold(key.strip()), key)
        if earlier != key:
            yield Finding((*path, key), key, f"is the same as '{earlier}' above; keep one of them")


def _not_filled_in(table: dict[str, Value], path: Path) -> Iterator[Finding]:
    for key, value in table.items():
        if isinstance(value, str) and value.startswith("<") and value.endswith(">"):
            sentence = "is still the placeholder; write what it is called in Business Central"
            yield Finding((*path, key), value, sentence)
