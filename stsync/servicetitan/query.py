"""How ServiceTitan wants its paths and query strings written (facts 1.5). Pure; no network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from stsync.http.encoding import Params

ALL_STATES = {"activeState": "All"}
ANY = {"active": "Any"}
BY_ID = {"sort": "+Id"}  # the plus becomes %2B on the way out (trap 11)


@dataclass(frozen=True)
class Listing:
    """A list: its path below the tenant, and what has to be asked so that no row hides (trap 12)."""

    module: str
    resource: str
    everything: Mapping[str, str]
    ids: str = "ids"

    @property
    def path(self) -> str:
        """Module and resource, as `ServiceTitan.listed` takes them."""
        return f"{self.module}/{self.resource}"


# Which lists sort by Id, and which of the three dialects each speaks for "also the inactive": facts 1.5.
LISTINGS: Mapping[str, Listing] = {
    "invoices": Listing("accounting", "invoices", ALL_STATES),
    "payments": Listing("accounting", "payments", ALL_STATES),
    # The plain list is a bare array without hasMore (trap 4).
    "inventory-bills": Listing("accounting", "inventory-bills/paginated", {}),
    "credit-memos": Listing("accounting", "credit-memos", ANY),
    "payment-types": Listing("accounting", "payment-types", ANY),
    "payment-terms": Listing("accounting", "payment-terms", BY_ID),
    "tax-zones": Listing("accounting", "tax-zones", {**ANY, **BY_ID}),
    "gl-accounts": Listing("accounting", "gl-accounts", ANY),
    "customers": Listing("crm", "customers", {**ANY, **BY_ID}),
    "contacts": Listing("crm", "customers/contacts", {}, ids="customerIds"),
    "locations": Listing("crm", "locations", {**ANY, **BY_ID}),
    "business-units": Listing("settings", "business-units", ANY),
    "services": Listing("pricebook", "services", {**ANY, **BY_ID}),
    "materials": Listing("pricebook", "materials", {**ANY, **BY_ID}),
    "equipment": Listing("pricebook", "equipment", {**ANY, **BY_ID}),
}

# The three kinds of pricebook entry, each with the list that it stands in.
PRICEBOOK: Mapping[str, str] = {"service": "services", "material": "materials", "equipment": "equipment"}

# Facts section 2. There is no feed for payment types, terms, tax zones, GL accounts or credit memos.
FEEDS: Mapping[str, str] = {
    "customers": "crm/export/customers",
    "contacts": "crm/export/customers/contacts",
    "locations": "crm/export/locations",
    "invoices": "accounting/export/invoices",
    "invoice-items": "accounting/export/invoice-items",
    "payments": "accounting/export/payments",
    "inventory-bills": "accounting/export/inventory-bills",
    "services": "pricebook/export/services",
    "materials": "pricebook/export/materials",
    "equipment": "pricebook/export/equipment",
    "business-units": "settings/export/business-units",
}


def address(base_url: str, tenant_id: int, path: str) -> str:
    """The URL of `module/resource` in this tenant: the version and the tenant stand between the two."""
    module, resource = path.split("/", 1)
    return f"{base_url.rstrip('/')}/{module}/v2/tenant/{tenant_id}/{resource}"


def parameters(filters: Mapping[str, object]) -> Params:
    """Filters as ServiceTitan spells them: `True` for active, comma-joined ids, repeated statuses, UTC times."""
    return [(name, value) for name, given in filters.items() if given is not None for value in _values(name, given)]


def _values(name: str, given: object) -> list[str]:
    if not isinstance(given, list | tuple):
        return [_text(name, given)]
    texts = [_text(name, each) for each in given]
    is_ids = name == "ids" or name.endswith("Ids")
    return [",".join(texts)] if is_ids else texts


def _text(name: str, value: object) -> str:
    if isinstance(value, bool):
        # Trap 13: the active dialect is an enum, not a JSON boolean.
        return str(value) if name == "active" else str(value).lower()
    if isinstance(value, datetime):
        return _instant(value)
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def _instant(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError("a time needs its zone before ServiceTitan can compare it")
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
