"""Reading sets: find candidates by index, filter, order, cut into pages.

Not modelled: SQL's collations, pages that change their order under a running transaction.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from stsync.sandbox.businesscentral.core.company import Company
from stsync.sandbox.businesscentral.errors import BcError, bad_request
from stsync.sandbox.businesscentral.odata.filters import Filter, parse_filter
from stsync.sandbox.businesscentral.odata.query import Query
from stsync.sandbox.businesscentral.odata.schema import EntitySet, Parent


@dataclass(frozen=True)
class Page:
    """Rows of one answer, how many match in all, and the token of the next page if there is one."""

    rows: list[Any]
    total: int
    next_token: str | None = None


def matching(company: Company, entity_set: EntitySet, parent: Parent | None, query: Query) -> list[Any]:
    """All rows that the filter lets through, in order."""
    condition = _condition(entity_set, query)
    pinned = {name: values[0] for name, values in condition.pinned.items() if len(values) == 1}
    entity_set.check_list(company, parent, pinned)
    rows = [row for row in _candidates(company, entity_set, parent, condition) if condition.test(company, row)]
    for row in rows:
        entity_set.before_read(company, row)
    return _ordered(company, entity_set, rows, query)


def _condition(entity_set: EntitySet, query: Query) -> Filter:
    if query.filter is None:
        return Filter(lambda _company, _row: True)
    return parse_filter(query.filter, entity_set, schema_21=query.schema_21)


def _candidates(company: Company, entity_set: EntitySet, parent: Parent | None, condition: Filter) -> Iterable[Any]:
    """The rows worth testing: an index answers `eq`, also several joined by `or`."""
    table = entity_set.table(company) if parent is None else None
    if table is None:
        pinned = getattr(entity_set, "rows_pinned", None)
        return pinned(company, condition.pinned) if pinned and parent is None else entity_set.rows(company, parent)
    for name, values in condition.pinned.items():
        attribute = entity_set.by_name[name].attribute
        if attribute == "id":
            return [row for value in values if (row := table.by_id(value)) is not None]
        if table.indexed(attribute):
            return [row for value in values for row in table.where(attribute, value)]
    return table


def _ordered(company: Company, entity_set: EntitySet, rows: list[Any], query: Query) -> list[Any]:
    if not query.order:
        if entity_set.order:
            rows.sort(key=lambda row: getattr(row, entity_set.order))
        return rows
    for name, descending in reversed(query.order):
        prop = entity_set.by_name.get(name)
        if prop is None:
            raise bad_request(f"Could not find a property named '{name}' on type 'Microsoft.NAV.{entity_set.name}'.")
        read = prop.get
        rows.sort(key=lambda row: _sortable(read(company, row)), reverse=descending)
    return rows


def _sortable(value: Any) -> tuple[bool, Any]:
    return (value is not None, value if value is not None else 0)


def read_page(company: Company, entity_set: EntitySet, parent: Parent | None, query: Query, size: int) -> Page:
    """One page of a set. `$top` caps the result over all pages; the token says where to go on."""
    rows = matching(company, entity_set, parent, query)
    total = len(rows)
    if query.skip_token is not None:
        rows, top = _after(rows, query.skip_token)
    else:
        rows, top = rows[query.skip :], query.top
    if top is not None:
        rows = rows[:top]
    page = rows[:size]
    if len(rows) <= size:
        return Page(page, total)
    left = "" if top is None else str(top - size)
    return Page(page, total, urlsafe_b64encode(f"{page[-1].id},{left}".encode()).decode())


def _after(rows: list[Any], token: str) -> tuple[list[Any], int | None]:
    try:
        last, _, left = urlsafe_b64decode(token).decode().partition(",")
        position = [row.id for row in rows].index(last)
    except ValueError:
        message = "The skip token is no longer valid. Please restart the request from the first page."
        raise BcError(400, "SkipTokenIsNoLongerValid", message) from None
    return rows[position + 1 :], int(left) if left else None
