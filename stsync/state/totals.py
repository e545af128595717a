"""How many records stand where, and for how much: kept up to date in the transaction that moves a record.

Counting them anew takes longer with every document ever seen, and each run asks. SQLite has no decimals, so a total is a
whole number of ten-thousandths, kept by triggers; the few amounts that do not fit are added up one by one.
"""

from __future__ import annotations

from decimal import Decimal

from stsync.state.database import Database
from stsync.state.rows import Total
from stsync.state.texts import money_from

Standing = tuple[str, str, str | None]

_UNIT = Decimal("0.0001")
# Nine million amounts of this size stay below 2**63: past that, SQLite would go on with a float.
_LARGEST = Decimal(100_000_000)
_ODD = "amount IS NOT NULL AND units IS NULL"


def units(amount: Decimal | None) -> int | None:
    """The amount in ten-thousandths; None where it has more digits than that, or more than a sum can safely hold."""
    if amount is None or abs(amount) > _LARGEST:
        return None
    scaled = amount / _UNIT
    whole = int(scaled)
    return whole if whole * _UNIT == amount else None


def totals(database: Database) -> dict[Standing, Total]:
    """How many records, and how much money, by kind, state and outcome; what no record stands in is left out."""
    kept = database.select(
        "SELECT kind, state, outcome, records, units FROM totals WHERE records > 0 ORDER BY kind, state, outcome"
    )
    found = {
        (kind, state, outcome or None): Total(records, _amount(summed))
        for kind, state, outcome, records, summed in kept
    }
    odd = database.select(f"SELECT kind, state, outcome, amount FROM inbox WHERE {_ODD}")  # noqa: S608 - constants only
    for kind, state, outcome, amount in odd:
        before = found[kind, state, outcome]
        found[kind, state, outcome] = Total(before.records, before.amount + (money_from(amount) or 0))
    return found


def counted(database: Database) -> dict[Standing, Total]:
    """The same, counted record by record: for proving that the running totals are right."""
    found: dict[Standing, Total] = {}
    rows = database.select(
        "SELECT kind, state, outcome, amount, count(*) FROM inbox GROUP BY kind, state, outcome, amount"
    )
    for kind, state, outcome, amount, count in rows:
        before = found.get((kind, state, outcome), Total(0, Decimal(0)))
        money = (money_from(amount) or Decimal(0)) * count
        found[kind, state, outcome] = Total(before.records + count, before.amount + money)
    return found


def _amount(summed_units: int) -> Decimal:
    # Two digits where these are enough, as amounts are written everywhere else.
    whole, rest = divmod(summed_units, 100)
    return Decimal(summed_units).scaleb(-4) if rest else Decimal(whole).scaleb(-2)
