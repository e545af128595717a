"""Lists: filters, activity, sort and pages (facts section 1.5).

Not modelled: drift of offsets under concurrent change beyond what really happens to the rows, the 100 second
limit of the server.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stsync.sandbox.servicetitan.errors import Invalid
from stsync.sandbox.servicetitan.parameters import (
    ACTIVE_STATE,
    CREATED,
    TRI_STATE,
    Parameter,
    custom_fields,
    read_all,
    read_boolean,
    read_ids,
    read_integer,
    read_moment,
)
from stsync.sandbox.servicetitan.table import Row
from stsync.sandbox.servicetitan.tenant import Tenant
from stsync.sandbox.servicetitan.values import moment
from stsync.sandbox.wsgi import Request, Response

Render = Callable[[Tenant, Row, Request], Row]
MAX_PAGE_SIZE = 5000
_ACTIVITY_NAMES = {"tri": frozenset({"active"}), "state": frozenset({"activeState"})}
_PAGING = ("page", "pageSize", "includeTotal")


def as_it_is(_tenant: Tenant, row: Row, _request: Request) -> Row:
    """The row itself."""
    return row


@dataclass(frozen=True)
class Listing:
    """One list endpoint: its rows and what may be asked of them.

    `active` is the dialect (trap 13): "tri" for True/False/Any, "state" for ActiveOnly/InactiveOnly/All, None
    where there is no such filter. `sorts` are the field names that `sort` takes.
    """

    table: str
    filters: tuple[Parameter, ...] = ()
    sorts: tuple[str, ...] = ()
    active: str | None = "tri"
    ids: bool = True
    modified: bool = True
    created: bool = True
    custom: bool = False
    bare: bool = False
    render: Render = as_it_is
    extra: frozenset[str] = field(default_factory=frozenset)

    @property
    def parameters(self) -> frozenset[str]:
        """The names of all query parameters this list takes."""
        names = {*_PAGING, *self.extra, *(one.name for one in self._filters)}
        names |= {"ids"} if self.ids else set()
        names |= {"modifiedOnOrAfter", "modifiedBefore"} if self.modified else set()
        names |= {"sort"} if self.sorts else set()
        names |= _ACTIVITY_NAMES.get(self.active or "", frozenset())
        names |= {"customField.Fields", "customField.Operator"} if self.custom else set()
        return frozenset(names)

    @property
    def _filters(self) -> tuple[Parameter, ...]:
        return (*self.filters, *(CREATED if self.created else ()))

    def answer(self, tenant: Tenant, request: Request, only: Callable[[Row], bool] | None = None) -> Response:
        """The page that was asked for; `only` narrows the rows first (a customer's contacts)."""
        given = request.query_all
        filters = read_all(self._filters, given)
        custom = custom_fields(given) if self.custom else None
        filters += [(custom, None)] if custom else []
        activity = self._activity(tenant, given)
        page, size = _page(given)
        rows = [
            row
            for row in self._candidates(tenant, given)
            if (activity is None or row["active"] == activity)
            and (only is None or only(row))
            and all(keep(row, value) for keep, value in filters)
        ]
        self._sort(tenant, rows, given)
        return self._page(tenant, request, rows, page, size)

    def _page(self, tenant: Tenant, request: Request, rows: list[Row], page: int, size: int) -> Response:
        shown = [self.render(tenant, row, request) for row in rows[(page - 1) * size : page * size]]
        if self.bare:
            return Response(200, shown)
        total = len(rows) if _checked("includeTotal", read_boolean, request.query_all, False) else None
        body = {
            "page": page,
            "pageSize": size,
            "hasMore": page * size < len(rows),
            "totalCount": total,
            "data": shown,
        }
        return Response(200, body)

    def _candidates(self, tenant: Tenant, given: Mapping[str, list[str]]) -> list[Row]:
        table = tenant.tables[self.table]
        start = _checked("modifiedOnOrAfter", read_moment, given) if self.modified else None
        end = _checked("modifiedBefore", read_moment, given) if self.modified else None
        if not self.ids or "ids" not in given:
            return table.changed_between(start, end)
        ceiling = tenant.switches.invoice_ids_ceiling if self.table == "invoices" else 50
        wanted = set(_checked("ids", lambda values: read_ids(values, ceiling), given))
        # By id and not by a walk through the table: a hundred thousand invoices are asked for fifty at a time.
        return [table[one] for one in wanted if one in table and table.is_changed_between(one, start, end)]

    def _activity(self, tenant: Tenant, given: Mapping[str, list[str]]) -> bool | None:
        if self.active is None:
            return None
        if self.active == "tri":
            chosen = _checked("active", TRI_STATE, given, "True")
        else:
            invoices = self.table == "invoices"
            default = tenant.switches.invoices_default_active_state if invoices else "ActiveOnly"
            chosen = _checked("activeState", ACTIVE_STATE, given, default)
        return {"True": True, "ActiveOnly": True, "False": False, "InactiveOnly": False}.get(chosen)

    def _sort(self, tenant: Tenant, rows: list[Row], given: Mapping[str, list[str]]) -> None:
        if "orderBy" in given and "orderBy" in self.extra:
            direction = "-" if given.get("orderByDirection", [""])[-1].lower().startswith("desc") else "+"
            given = {"sort": [direction + given["orderBy"][-1]]}
        if not self.sorts or "sort" not in given:
            self._default_order(tenant, rows)
            return
        sign, name = given["sort"][-1][:1], given["sort"][-1][1:]
        fields = {one.lower(): one for one in self.sorts}
        # Trap 11: a plus that was not encoded arrives as a space, which is no direction.
        if sign not in ("+", "-") or name.lower() not in fields:
            raise Invalid({"sort": [f"The value '{given['sort'][-1]}' is not valid."]})
        wire = fields[name.lower()][0].lower() + fields[name.lower()][1:]
        rows.sort(key=lambda row: (row[wire] is not None, _comparable(wire, row), row["id"]), reverse=sign == "-")

    def _default_order(self, tenant: Tenant, rows: list[Row]) -> None:
        rows.sort(key=lambda row: int(row["id"]))
        if tenant.switches.shuffle_lists:
            random.Random(tenant.switches.seed).shuffle(rows)


def _comparable(wire: str, row: Row) -> Any:
    # As text, 12:00:00Z would come after 12:00:00.5Z.
    return moment(row[wire]) if wire.endswith("On") and row[wire] else row[wire]


def _checked(name: str, read: Callable[[list[str]], Any], given: Mapping[str, list[str]], default: Any = None) -> Any:
    if name not in given:
        return default
    try:
        return read(given[name])
    except ValueError as error:
        raise Invalid({name: [str(error)]}) from None


def _page(given: Mapping[str, list[str]]) -> tuple[int, int]:
    page = _checked("page", read_integer, given, 1)
    size = _checked("pageSize", read_integer, given, 50)
    bad = {"page": page >= 1, "pageSize": 1 <= size <= MAX_PAGE_SIZE}
    errors = {name: ["The value is out of range."] for name, fine in bad.items() if not fine}
    if errors:
        raise Invalid(errors)
    return page, size
