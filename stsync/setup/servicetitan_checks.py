"""Doctor: whether ServiceTitan lets us in, and read each thing that a run reads; one line for each scope."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from itertools import islice

from stsync.config.model import Config
from stsync.credentials import Credentials
from stsync.errors import CredentialsError, ExitCode, StsyncError, SystemUnavailable
from stsync.http.outcomes import Refused
from stsync.servicetitan.client import Row, ServiceTitan
from stsync.servicetitan.feeds import FeedTokenRefused
from stsync.setup import connections
from stsync.setup.checks import Check, ok, problem, unknown, warn

_PRICEBOOK = ("services", "materials", "equipment")
# Facts 1.2; the export of invoices carries its items, so their own scope is not needed.
_FEEDS = {
    "customers": ("customers", "tn.crm.customers:r"),
    "contacts": ("customers' contacts", "tn.crm.customers:r"),
    "invoices": ("invoices", "tn.acc.invoices:r"),
    "payments": ("payments", "tn.acc.payments:r"),
}
_LISTS = {
    "gl-accounts": ("accounts", "tn.acc.glaccounts:r"),
    "payment-types": ("payment types", "tn.acc.paymenttypes:r"),
    "payment-terms": ("payment terms", "tn.acc.paymentterms:r"),
    "tax-zones": ("tax zones", "tn.acc.taxzones:r"),
}


@dataclass
class Tenant:
    """What was found: the lists by name, for the mapping. A list that could not be read is not in it."""

    lists: dict[str, list[Row]] = field(default_factory=dict)
    pricebook_categories: frozenset[int] | None = None
    reached: bool = False


def servicetitan_checks(config: Config, credentials: Credentials, tenant: Tenant, today: date) -> Iterator[Check]:
    """The login first; when that fails, nothing else is asked."""
    try:
        titan = connections.servicetitan(config, credentials)
    except StsyncError as error:
        yield problem("ServiceTitan", "login", error)
        return
    entrance = _entrance(titan, tenant)
    yield entrance
    if entrance.status == "fail" and not tenant.reached:
        yield unknown("ServiceTitan", "everything else", "not looked at, because the login failed")
        return
    yield from _reads(titan, tenant, config, today)


def _entrance(titan: ServiceTitan, tenant: Tenant) -> Check:
    """Login and app key, by the one list that every tenant has."""
    try:
        rows = titan.business_units()
    except CredentialsError as error:
        tenant.reached = error.reference == "permission-missing"
        if not tenant.reached:
            return _refused(error)
        return _missing_scope("read business units", "tn.stt.businessunits:r", error)
    except StsyncError as error:
        return problem("ServiceTitan", "login and app key", error)
    tenant.reached = True
    tenant.lists["business-units"] = rows
    active = sum(1 for row in rows if row.get("active") is not False)
    return ok("ServiceTitan", "login and app key", f"accepted; {active} active business units")


def _refused(error: CredentialsError) -> Check:
    return problem("ServiceTitan", "login and app key", error)


def _reads(titan: ServiceTitan, tenant: Tenant, config: Config, today: date) -> Iterator[Check]:
    looks: list[tuple[str, str, Callable[[], str], bool]] = [
        (f"read {label}", scope, partial(_one_page, titan, name, today), True)
        for name, (label, scope) in _FEEDS.items()
    ]
    looks += [
        (f"read {label}", scope, partial(_whole_list, titan, tenant, name), False)
        for name, (label, scope) in _LISTS.items()
    ]
    if config.credit_memos.transfer:
        memos = partial(_first_row, titan, "accounting/credit-memos")
        looks.append(("read credit memos", "tn.acc.creditmemos:r", memos, True))
    if config.pricebook.rules:
        looks += [
            (
                f"read pricebook {name}",
                f"pricebook {name} (read)",
                partial(_first_row, titan, f"pricebook/{name}"),
                True,
            )
            for name in _PRICEBOOK
        ]
    for position, (name, scope, look, is_needed) in enumerate(looks):
        check = _looked(name, scope, look, is_needed=is_needed)
        yield check
        if check.ends_with == ExitCode.UNAVAILABLE:
            yield from (unknown("ServiceTitan", later[0], "not looked at") for later in looks[position + 1 :])
            return
    if config.pricebook.rules:
        yield from _pricebook_categories(titan, tenant)


def _looked(name: str, scope: str, look: Callable[[], str], *, is_needed: bool) -> Check:
    try:
        return ok("ServiceTitan", name, look())
    except CredentialsError as error:
        check = _missing_scope(name, scope, error) if error.reference == "permission-missing" else _refused(error)
    except SystemUnavailable as error:
        return problem("ServiceTitan", name, error)
    except (Refused, FeedTokenRefused) as error:
        check = problem("ServiceTitan", name, error)
    if is_needed:
        return check
    todo = f"{check.todo} A run works without it; init and the mapping suggestions do not."
    return warn("ServiceTitan", name, check.found, todo)


def _missing_scope(name: str, scope: str, error: CredentialsError) -> Check:
    todo = (
        f"Grant the app the scope {scope} in the developer portal; then a ServiceTitan administrator accepts the new "
        "version (Settings > Integrations > API Application Access)."
    )
    found = f"not permitted; the login itself works. They said: {error.note}"
    return Check("ServiceTitan", name, "fail", found, todo, ExitCode.CREDENTIALS)


def _one_page(titan: ServiceTitan, feed: str, today: date) -> str:
    page = next(titan.feed(feed, None, start_from=today))
    more = " or more" if page.has_more else ""
    return f"permitted; {len(page.rows)}{more} changed today"


def _whole_list(titan: ServiceTitan, tenant: Tenant, name: str) -> str:
    tenant.lists[name] = titan.everything(name)
    return f"permitted; {len(tenant.lists[name])}"


def _first_row(titan: ServiceTitan, path: str) -> str:
    list(islice(titan.listed(path, pageSize=1), 1))
    return "permitted"


def _pricebook_categories(titan: ServiceTitan, tenant: Tenant) -> Iterator[Check]:
    try:
        rows = list(titan.listed("pricebook/categories"))
    except StsyncError as error:
        yield unknown("ServiceTitan", "read pricebook categories", f"{error.message} {error.note}".strip())
    else:
        tenant.pricebook_categories = frozenset(int(row["id"]) for row in rows if isinstance(row.get("id"), int))
    yield unknown(
        "ServiceTitan",
        "write the pricebook",
        "ServiceTitan shows only when something is written whether that is permitted",
        "Check in the developer portal that the app has the pricebook scopes with :w.",
    )
