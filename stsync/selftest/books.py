"""What both systems hold: read in the simulators themselves, not in stsync's notes.

Left out is only what depends on the order of posting, or on chance: the books' own numbers, ids, versions and times.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from stsync.sandbox.businesscentral.core.company import Company
from stsync.sandbox.servicetitan import Tenant
from stsync.sandbox.world import World

Books = Counter[tuple[str, ...]]


def books(world: World) -> Books:
    """Documents, ledgers, applications, dimensions, cards, journals, pricebook and export marks."""
    parts = (_documents, _general_ledger, _customer_ledger, _cards, _journals)
    found = Counter(row for part in parts for row in part(world.company))
    return found + Counter([*_pricebook(world.tenant), *_marks(world.tenant)])


def _row(*parts: object) -> tuple[str, ...]:
    return tuple(_sorted(part) if isinstance(part, dict) else str(part) for part in parts)


def _sorted(values: dict[str, str]) -> str:
    return ",".join(f"{name}={value}" for name, value in sorted(values.items()))


def _documents(company: Company) -> Iterator[tuple[str, ...]]:
    external = {one.number: one.external_document_number for one in company.invoices}
    for kind, documents in (("invoice", company.invoices), ("credit memo", company.credit_memos)):
        for one in documents:
            head = (kind, one.external_document_number, one.customer_number, one.status, one.total)
            dates = (one.document_date, one.posting_date, one.due_date)
            yield _row(*head, *dates, external.get(one.applies_to_number, ""), one.dimensions)
            for line in company.document_lines(one.kind).where("document_id", one.id):
                sold = (line.object_number, line.description, line.quantity, line.unit_price, line.net_amount)
                yield _row(f"{kind} line", one.external_document_number, *sold, line.dimensions)


def _general_ledger(company: Company) -> Iterator[tuple[str, ...]]:
    for one in company.gl_entries:
        key = (one.document_type, one.external_document_number, one.account_number)
        yield _row("general ledger", *key, one.amount, one.posting_date, one.dimensions)


def _customer_ledger(company: Company) -> Iterator[tuple[str, ...]]:
    names = {one.entry_number: f"{one.document_type} {one.external_document_number}" for one in company.customer_ledger}
    for one in company.customer_ledger:
        name = names[one.entry_number]
        yield _row(
            "customer ledger", one.customer_number, name, one.amount, one.remaining, one.posting_date, one.due_date
        )
        for applied in one.applications:
            yield _row("application", name, names[applied.with_entry], applied.amount, applied.on)


def _cards(company: Company) -> Iterator[tuple[str, ...]]:
    for one in company.customers:
        place = (one.address_line1, one.city, one.state, one.postal_code, one.country)
        yield _row("customer", one.number, one.display_name, *place, one.phone_number, one.email)


def _journals(company: Company) -> Iterator[tuple[str, ...]]:
    for journal in company.journals:
        yield _row("journal", journal.template, journal.code, journal.balancing_account_number)
    for line in company.journal_lines:
        # What posting leaves behind in an emptied journal has no account (facts section 3).
        if line.account_number:
            yield _row("journal line", line.document_number, line.account_number, line.amount)


def _pricebook(tenant: Tenant) -> Iterator[tuple[str, ...]]:
    for kind in ("services", "materials", "equipment"):
        for one in tenant.tables[kind].values():
            yield _row("pricebook", kind, one["code"], one["displayName"], one["cost"], one["price"], one["active"])


def _marks(tenant: Tenant) -> Iterator[tuple[str, ...]]:
    for kind in ("invoices", "payments", "credit_memos"):
        for one in tenant.tables[kind].values():
            # The number itself depends on the order of posting; that there is one does not.
            yield _row("mark", kind, one["id"], one["syncStatus"], bool(one.get("exportId")))
