"""Trades of business units: a document names its unit, and only the list of units says which trade that is."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from stsync.core.source.fields import Named, UnknownShape, named, record_id
from stsync.core.source.invoice import Invoice
from stsync.engine.read import if_permitted
from stsync.servicetitan.client import Row, ServiceTitan
from stsync.stages.sales_lines import Settings
from stsync.state import State

Trades = Mapping[str, Named | None]
_NOTE = "business unit trades"


def with_trades(
    servicetitan: ServiceTitan, state: State, invoices: Sequence[Invoice], settings: Settings
) -> list[Invoice]:
    """The invoices with their units' trades, where a dimension is taken from them.

    The list is read when a unit appears that was never heard of. Where we may not read it, the trades stay unknown.
    """
    units = {unit for invoice in invoices for unit in _units(invoice)}
    if not units or all(one.kind != "trade" for one in settings.more_dimensions):
        return list(invoices)
    trades = _known(state)
    if not units <= trades.keys():
        trades = _read(servicetitan, state, trades)
    return [_with(invoice, trades) for invoice in invoices]


def remembered_trades(state: State) -> Callable[[Invoice], Invoice]:
    """Gives an invoice the trades that an earlier run read; nothing is asked."""
    trades = _known(state)
    return lambda invoice: _with(invoice, trades)


def _with(invoice: Invoice, trades: Trades) -> Invoice:
    return replace(invoice, trades={one: trades[one] for one in _units(invoice) & trades.keys()})


def _units(invoice: Invoice) -> set[str]:
    units = (invoice.business_unit, *(item.business_unit for item in invoice.items))
    return {unit.id for unit in units if unit is not None}


def _known(state: State) -> dict[str, Named | None]:
    kept: dict[str, list[str] | None] = json.loads(state.notes.note(_NOTE) or "{}")
    return {unit: Named(*trade) if trade else None for unit, trade in kept.items()}


def _read(servicetitan: ServiceTitan, state: State, known: Trades) -> dict[str, Named | None]:
    rows = if_permitted(servicetitan.business_units)
    if rows is None:
        return dict(known)
    found = {**known, **dict(one for row in rows if (one := _trade(row)) is not None)}
    kept = {unit: [trade.id, trade.name] if trade is not None else None for unit, trade in found.items()}
    state.notes.note(_NOTE, json.dumps(kept))
    return found


def _trade(row: Row) -> tuple[str, Named | None] | None:
    """One unit with its trade; one of a shape that we do not know counts as not in the list."""
    try:
        return record_id(row), named(row, "trade")
    except UnknownShape:
        return None
