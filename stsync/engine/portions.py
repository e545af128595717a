"""A backlog in portions: each is planned by itself, with the decisions that planning everything at once would make.

A portion is closed under everything that one decision looks at of another: documents of one customer (who gets one card),
payments with the invoices that they pay, credits with what they reduce, refunds with what they give back, and customers
with whoever they were merged into. What is left between portions is how payments share a posting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from typing import Any

from stsync.core.source.fields import UnknownShape, reference
from stsync.engine.read import read_missing_customers, read_old_invoices
from stsync.engine.records import Records, open_rows, parsed
from stsync.engine.scope import Scope
from stsync.servicetitan.client import ServiceTitan
from stsync.state import Groups, InboxRow, State

# So many records are planned together: one takes about 40 KB while it is planned, a batch of reads to Business Central
# answers for 4,000 keys, and the fewer the portions, the fewer postings of journals are not full.
SIZE = 1000
_PAGE = 100
_DOCUMENTS = ("invoices", "credit_memos", "payments")


def in_one(state: State, scope: Scope, size: int) -> Records | None:
    """Everything that is open, where that is one portion at most; None for more."""
    rows = list(islice(open_rows(state, scope), size + 1))
    return parsed(rows) if len(rows) <= size else None


def in_turn(groups: Groups, state: State, first: Iterable[str], size: int) -> Iterator[Records]:
    """The gathered records portion by portion; those of the payments that stand half done in the books come `first`."""
    number = groups.cut(size, (("payments", one) for one in first))
    for portion in range(number):
        rows = (_rows(state, kind, ids) for kind, ids in groups.portion(portion).items())
        yield parsed(row for found in rows for row in found)


def _rows(state: State, kind: str, ids: list[str]) -> Iterator[InboxRow]:
    found = state.inbox.find_many(kind, ids)
    return (found[one] for one in ids if one in found)


@dataclass
class Gathering:
    """Puts every open record into a group, page by page; what a document names and no feed has brought is read first."""

    servicetitan: ServiceTitan
    state: State
    go_live: date
    now: Callable[[], datetime]
    asked: dict[str, set[str]] = field(default_factory=lambda: {"customers": set(), "invoices": set()})
    joined: dict[str, str] = field(default_factory=dict)

    def into(self, groups: Groups, scope: Scope) -> int:
        """Gather what is open in this scope; returns how many records that is."""
        count, rows = 0, open_rows(self.state, scope)
        while page := list(islice(rows, _PAGE)):
            self._add(groups, page)
            count += len(page)
        for one, other in groups.across():
            self._join(one, other)
        self._join_by_invoices_elsewhere(groups)
        groups.merge({one: self._root(one) for one in self.joined})
        return count

    def _add(self, groups: Groups, page: list[InboxRow]) -> None:
        named = {(row.kind, row.source_id): _Names.of(row) for row in page}
        new = [named[row.kind, row.source_id] for row in page if row.state == "pending" and row.kind in _DOCUMENTS]
        invoices = {one for names in new for kind, one in names.records if kind == "invoices"} - self.asked["invoices"]
        read_old_invoices(self.servicetitan, self.state, invoices, go_live=self.go_live, now=self.now)
        self.asked["invoices"] |= invoices
        customers = {names.customer for names in new if names.customer} - self.asked["customers"]
        read_missing_customers(self.servicetitan, self.state, customers, now=self.now)
        self.asked["customers"] |= customers
        self._join_merged({names.customer for names in named.values() if names.customer})
        groups.add((kind, one, names.group) for (kind, one), names in named.items())
        groups.tie((names.group, *record) for names in named.values() for record in names.records)

    def _join_merged(self, customers: set[str]) -> None:
        """Customers and whoever they were merged into are one."""
        seen: set[str] = set()
        while wanted := customers - seen:
            seen |= wanted
            for row in self.state.inbox.find_many("customers", wanted).values():
                survivor = _id(row.content, "mergedToId")
                if survivor:
                    self._join(_group_of(row.source_id), _group_of(survivor))
                    customers = customers | {survivor}

    def _join_by_invoices_elsewhere(self, groups: Groups) -> None:
        """Whoever names the same invoice belongs together, and with the invoice's customer, though it is not open itself."""
        pairs = groups.outside("invoices")
        while page := list(islice(pairs, _PAGE)):
            rows = self.state.inbox.find_many("invoices", {one for one, _ in page})
            owners = {one: _Names.of(row).customer for one, row in rows.items()}
            self._join_merged({one for one in owners.values() if one})
            for one, group in page:
                owner = owners.get(one)
                self._join(group, _group_of(owner) if owner else f"invoices:{one}")

    def _join(self, one: str, other: str) -> None:
        first, second = self._root(one), self._root(other)
        if first != second:
            self.joined[second] = first

    def _root(self, one: str) -> str:
        while (above := self.joined.get(one)) is not None:
            one = above
        return one


@dataclass(frozen=True)
class _Names:
    """What a record names: its customer, and other records by kind and id. `group` is where it belongs by itself."""

    group: str
    customer: str = ""
    records: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, row: InboxRow) -> _Names:
        """Read leniently: a record of a shape that we do not know is held by itself, and ties nothing that is there."""
        if row.kind == "customers":
            return cls(_group_of(row.source_id), row.source_id)
        customer = _id(row.content.get("customer"), "id")
        named = {("invoices", one) for one in _applied(row.content)}
        for kind, name in (("invoices", "adjustmentToId"), ("payments", "refundedPaymentId")):
            other = _id(row.content, name)
            named |= {(kind, other)} if other else set()
        return cls(_group_of(customer) if customer else f"{row.kind}:{row.source_id}", customer, tuple(sorted(named)))


def _group_of(customer: str) -> str:
    return f"customers:{customer}"


def _applied(content: Mapping[str, Any]) -> Iterator[str]:
    """The invoices that a payment or a credit memo is applied to."""
    applied = content.get("appliedTo")
    for entry in applied if isinstance(applied, list) else ():
        if one := _id(entry, "appliedTo"):
            yield one


def _id(part: object, name: str) -> str:
    """The id under this name; empty where there is none that we know how to read."""
    try:
        return reference(part, name) or "" if isinstance(part, dict) else ""
    except UnknownShape:
        return ""
