"""OData as Business Central speaks it: literals, filters, addresses. Pure; no network."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from urllib.parse import quote, urljoin, urlsplit
from uuid import UUID

from stsync.errors import SystemUnavailable, UsageError
from stsync.http.redact import redact

_API = "/api/v2.0"
_ENVIRONMENT_ROOT = re.compile(r"/v2\.0/[^/]+/[^/]+$")
_ENCODED = re.compile(r"_x([0-9A-Fa-f]{4})_")

Value = str | int | bool | Decimal | date | datetime | UUID | None


@dataclass(frozen=True)
class Read:
    """One read of an entity set, with a path relative to the company (`salesInvoices`, `journals(id)/journalLines`)."""

    entity: str
    filter: str = ""
    select: tuple[str, ...] = ()
    expand: str = ""
    orderby: str = ""
    top: int | None = None

    def params(self) -> dict[str, str]:
        """The query options that were asked for."""
        options = {
            "$filter": self.filter,
            "$select": ",".join(self.select),
            "$expand": self.expand,
            "$orderby": self.orderby,
            "$top": "" if self.top is None else str(self.top),
        }
        return {name: value for name, value in options.items() if value}


def literal(value: Value) -> str:
    """The value as an OData literal: text in quotes, GUIDs (as UUID), numbers and dates bare.

    Raises TypeError for a float and ValueError for a time without a zone.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return _instant(value)
    if value is None:
        return "null"
    if isinstance(value, int | date | UUID):
        return str(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    raise TypeError(f"{type(value).__name__} is no OData value")


def compare(field: str, operator: str, value: Value) -> str:
    """One comparison, such as `compare("postingDate", "ge", day)`."""
    return f"{field} {operator} {literal(value)}"


def all_of(*conditions: str) -> str:
    """All of these conditions; empty ones are left out, alternatives are put in brackets."""
    kept = [condition for condition in conditions if condition]
    return " and ".join(f"({each})" if " or " in each and len(kept) > 1 else each for each in kept)


def any_of(field: str, values: Iterable[Value]) -> str:
    """The field equals one of the values; one field only, since BC refuses `or` over two (facts 9, trap 26).

    Raises ValueError without values: an empty filter would read every row.
    """
    literals = list(dict.fromkeys(literal(value) for value in values))
    if not literals:
        raise ValueError(f"no value to look for in {field}")
    return " or ".join(f"{field} eq {each}" for each in literals)


def any_spelt(field: str, values: Iterable[str]) -> str:
    """The field's text equals one of these, capitals or not (`tolower`, facts section 9). Raises ValueError without values.

    The facts do not say whether Business Central tells capitals apart in a comparison of text.
    """
    literals = list(dict.fromkeys(literal(value.lower()) for value in values))
    if not literals:
        raise ValueError(f"no text to look for in {field}")
    return " or ".join(f"tolower({field}) eq {each}" for each in literals)


def any_ending(field: str, endings: Iterable[str]) -> str:
    """The field's text ends with one of these; one field only, as in any_of. Raises ValueError without endings."""
    literals = list(dict.fromkeys(literal(ending) for ending in endings))
    if not literals:
        raise ValueError(f"no ending to look for in {field}")
    return " or ".join(f"endswith({field},{each})" for each in literals)


def enum_text(name: str) -> str:
    """An option's name as people read it; accepts both the encoded and the plain form, blank becomes ''."""
    return _ENCODED.sub(lambda found: chr(int(found.group(1), 16)), name).strip()


def service_root(api_url: str, tenant_id: str, environment: str) -> str:
    """The address that ends with `/api/v2.0`, from whatever part of it the configuration names.

    Raises UsageError when api_url is no plain http(s) address.
    """
    url = api_url.strip().rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise UsageError(
            "address-invalid",
            f"business_central.api_url is {api_url!r}, which is no web address.",
            hint="Write it like https://api.businesscentral.dynamics.com",
        )
    if _API in parts.path:
        return url
    if _ENVIRONMENT_ROOT.search(parts.path):
        return url + _API
    where = f"/{quote(tenant_id, safe='')}/{quote(environment, safe='')}{_API}"
    return url + where if parts.path.endswith("/v2.0") else f"{url}/v2.0{where}"


def company_path(company_id: str) -> str:
    """The company's path below the service root. Raises ValueError when the id is no GUID."""
    return f"companies({UUID(company_id)})"


def entity(entity_set: str, entity_id: str) -> str:
    """The path of one entity; the id goes without quotes. Raises ValueError when it is no GUID."""
    return f"{entity_set}({UUID(entity_id)})"


def checked_next_link(link: str, current_url: str, root: str) -> str:
    """The next page's address, absolute. Raises SystemUnavailable if it leaves the host that we trust with a token."""
    try:
        following = urljoin(current_url, link)
        here = _origin(following) == _origin(root) and "@" not in urlsplit(following).netloc
    except ValueError:
        # No address at all, as a port that is no number; it leads nowhere that we trust.
        here = False
    if here:
        return following
    raise SystemUnavailable(
        "next-page-elsewhere",
        "Business Central's next page lies on another host, where no token is sent.",
        hint="If a proxy stands before Business Central, business_central.api_url must be the proxy's own address.",
        note=redact(link)[:200],
    )


def next_link(page: Mapping[str, object]) -> str:
    """The link to the next page, or an empty string on the last one."""
    link = page.get("@odata.nextLink")
    return link if isinstance(link, str) else ""


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    usual = {"https": 443, "http": 80}.get(parts.scheme)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or usual


def _instant(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError("a time needs its zone before Business Central can compare it")
    # Milliseconds are as fine as BC stamps (facts section 1); cutting, not rounding, never skips a row with `ge`.
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
