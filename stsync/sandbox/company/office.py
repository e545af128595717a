"""The contractor's office: the rows written so far, the numbers the next ones get, and its working hours.

Ordinary months and scenarios both write through an `Office` (with `crm`, `billing`, `receipts` and `credits`), so
that totals, balances and unapplied amounts are right unless a scenario breaks them on purpose. A row is an open
dictionary: a scenario may change any field afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import count
from random import Random

from stsync.sandbox.company import people
from stsync.sandbox.company.chart import UNIT, UNITS
from stsync.sandbox.company.history import BooksCustomer, Opening
from stsync.sandbox.company.pricebook import Pricebook
from stsync.sandbox.company.values import Row, instant

MONTH_FIRST = date(2026, 6, 1)
MONTH_LAST = date(2026, 6, 30)
# When somebody first looks at the month: everything was changed before this instant.
NOW = datetime(2026, 7, 1, 15, 0, tzinfo=UTC)
_LAST_CHANGE = NOW - timedelta(minutes=30)
_FIRST_IDS = {
    "customers": 10_000_001,
    "locations": 20_000_001,
    "contacts": 30_000_001,
    "items": 610_000_001,
    "invoices": 71_000_001,
    "payments": 82_000_001,
    "applications": 93_000_001,
    "credit_memos": 64_000_001,
    "bills": 36_000_001,
    "jobs": 55_000_001,
    "technicians": 3_001,
}


class Office:
    """Rows by kind, in the order they were written."""

    def __init__(self, rng: Random, pricebook: Pricebook) -> None:
        self.rng = rng
        self.pricebook = pricebook
        self.customers: list[Row] = []
        self.contacts: list[Row] = []
        self.locations: list[Row] = []
        self.invoices: list[Row] = []
        self.payments: list[Row] = []
        self.credit_memos: list[Row] = []
        self.credit_memo_items: list[Row] = []
        self.bills: list[Row] = []
        self.cards: list[BooksCustomer] = []
        self.openings: list[Opening] = []
        self.location_of: dict[int, Row] = {}
        self._ids: dict[str, Iterator[int]] = {kind: count(first) for kind, first in _FIRST_IDS.items()}
        self.technicians: list[Row] = [
            {"id": self.next_id("technicians"), "name": people.person_name(rng), "businessUnit": unit.link}
            for unit in UNITS
            for _ in range(unit.technicians)
        ]
        self._crew = {
            unit.id: [row["id"] for row in self.technicians if row["businessUnit"]["id"] == unit.id] for unit in UNITS
        }

    def next_id(self, kind: str) -> int:
        """The next free id of a kind."""
        return next(self._ids[kind])

    def at(self, on: date, hours: int = 0) -> str:
        """An instant in the working hours of that day in Phoenix (UTC-7), `hours` later if asked."""
        started = datetime.combine(on, time(15), UTC) + timedelta(seconds=self.rng.randint(0, 7 * 3600))
        return instant(min(started + timedelta(hours=hours), _LAST_CHANGE), self.rng.randint(0, 9_999_999))

    def technician(self, unit: str) -> int | None:
        """Somebody of that unit's crew, if it has one."""
        crew = self._crew[UNIT[unit].id]
        return self.rng.choice(crew) if crew else None

    def amount(self, low: int, high: int) -> Decimal:
        """Some amount of money, in cents."""
        return Decimal(self.rng.randint(low * 100, high * 100)) / 100


def batch(on: date, status: str) -> Row | None:
    """The office posts one batch a day; a pending document is in none."""
    if status == "Pending":
        return None
    position = on.toordinal() - MONTH_FIRST.toordinal() + 100
    return {"id": 5_000_000 + position, "number": str(4_400 + position), "name": f"Office {on.isoformat()}"}


def june(day_of_month: int) -> date:
    """A day of the demo month."""
    return MONTH_FIRST.replace(day=day_of_month)
