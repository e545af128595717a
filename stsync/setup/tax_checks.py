"""Doctor: the rates of ServiceTitan's tax zones beside those that Business Central used last (method business_central).

The API shows a rate nowhere but on the lines of documents (facts section 6), so the last posted invoice of each zone has to
tell. ServiceTitan's are those of today: an older invoice may have been right with another (facts section 6, tax).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from stsync.businesscentral.client import BusinessCentral
from stsync.businesscentral.odata import Read, entity
from stsync.config.model import Config
from stsync.core.links import link
from stsync.core.source.fields import UnknownShape, amount, parts
from stsync.core.source.invoice import Invoice
from stsync.credentials import Credentials
from stsync.errors import StsyncError
from stsync.http.outcomes import Refused
from stsync.setup import connections
from stsync.setup.checks import Check, Group, ok, unknown, warn
from stsync.state import State

GROUP: Group = "mapping"
_MOST_ZONES = 25
_MOST_NAMED = 6
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Example:
    """The latest posted and taxed invoice of a zone: its id in the books, and what people call it."""

    target: str
    number: str


def rate_checks(config: Config, credentials: Credentials, zones: Sequence[Row] | None, state: Path) -> Iterator[Check]:
    """One line for each zone whose rate differs, one for those that agree, one for those that nothing is known of."""
    if config.invoices.tax.method != "business_central":
        return
    if zones is None or not state.exists():
        yield unknown(GROUP, "tax rates", "not known yet: ServiceTitan's tax zones were not read, or nothing is posted")
        return
    try:
        examples = _examples(state)
        client, _ = connections.business_central(config, credentials)
        found = {zone: _rates(client, one) for zone, one in list(examples.items())[:_MOST_ZONES]}
    except (StsyncError, Refused, ValueError):
        yield unknown(GROUP, "tax rates", "not looked at, because Business Central or the state file did not answer")
        return
    yield from _compared(zones, examples, found)


def _compared(
    zones: Sequence[Row], examples: Mapping[str, Example], found: Mapping[str, set[Decimal]]
) -> Iterator[Check]:
    agreeing, unseen = 0, []
    for zone in zones:
        name, key = str(zone.get("name") or zone.get("id")), str(zone.get("id"))
        if zone.get("active") is False:
            continue
        rate, rates = zone_rate(zone), found.get(key)
        if rate is None or not rates:
            unseen.append(name)
        elif rates == {rate}:
            agreeing += 1
        else:
            there = ", ".join(f"{one.normalize():f}" for one in sorted(rates))
            said = (
                f"{rate.normalize():f} percent in ServiceTitan; Business Central used {there} on {examples[key].number}"
            )
            todo = "Compare the tax area's rates in Business Central (page Tax Details) with the zone in ServiceTitan."
            yield warn(GROUP, f"tax rate of {name}", said, todo)
    if agreeing:
        yield ok(GROUP, "tax rates", f"the same on the latest invoice of {agreeing} zone{'' if agreeing == 1 else 's'}")
    if unseen:
        more = f" and {len(unseen) - _MOST_NAMED} more" if len(unseen) > _MOST_NAMED else ""
        named = f"{', '.join(unseen[:_MOST_NAMED])}{more}"
        yield unknown(GROUP, "tax rates not seen", f"not known yet: no taxed invoice of {named} is posted")


def zone_rate(zone: Row) -> Decimal | None:
    """All authorities of a zone together, in percent; None for a zone of another shape."""
    try:
        return sum((amount(rate, "taxRate") for rate in parts(zone, "rates")), Decimal(0)) * 100
    except UnknownShape:
        return None


def _examples(path: Path) -> dict[str, Example]:
    """The latest posted and taxed invoice of each zone."""
    latest: dict[str, tuple[str, str, str]] = {}
    with State.open_scratch(path) as state:
        for row in state.inbox.rows("invoices", ("settled",)):
            if row.outcome not in {"posted", "to_apply"}:
                continue
            invoice = _taxed(row.content)
            if invoice is None or invoice.tax_zone is None:
                continue
            newest = latest.get(invoice.tax_zone.id, ("", "", ""))
            latest[invoice.tax_zone.id] = max(newest, (str(invoice.invoiced_on), row.source_id, invoice.number))
        ids = [source_id for _, source_id, _ in latest.values()]
        links = {source_id: link(rows) for source_id, rows in state.ledger.by_sources("invoices", ids).items()}
    return {
        zone: Example(links[source_id].id, number or source_id)
        for zone, (_, source_id, number) in latest.items()
        if source_id in links and links[source_id].posted and links[source_id].entity == "salesInvoices"
    }


def _taxed(content: Row) -> Invoice | None:
    try:
        invoice = Invoice.parse(content)
    except UnknownShape:
        return None
    return invoice if invoice.total > 0 and invoice.sales_tax > 0 else None


def _rates(client: BusinessCentral, example: Example) -> set[Decimal]:
    path = f"{entity('salesInvoices', example.target)}/salesInvoiceLines"
    rows = client.read(Read(path, select=("id", "taxPercent")))
    percents = {Decimal(row.get("taxPercent") or 0) for row in rows}
    return percents - {Decimal(0)}
