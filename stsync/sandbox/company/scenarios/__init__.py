"""The documents that break books, each as a named scenario.

A scenario writes its documents through the office and returns what it wrote as (kind, id). Kinds are the names of
ServiceTitan's feeds and lists: `customers`, `invoices`, `payments`, `credit_memos`,
`inventory_bills`. The functions' docstrings say
what each document is; they are what the demo shows a person who asks.
"""

from __future__ import annotations

from collections.abc import Callable

from stsync.sandbox.company.office import Office
from stsync.sandbox.company.scenarios import (
    bills,
    changes,
    credit,
    dates,
    gaps,
    identity,
    lines,
    payments,
    refunds,
    taxes,
)
from stsync.sandbox.company.values import Ref

Scenario = Callable[[Office], list[Ref]]

SCENARIOS: dict[str, Scenario] = {
    scenario.__name__: scenario
    for module in (lines, credit, payments, refunds, taxes, dates, identity, gaps, changes, bills)
    for scenario in module.ALL
}


def meaning(name: str) -> str:
    """What a scenario is, in one paragraph. Raises KeyError for an unknown name."""
    return " ".join((SCENARIOS[name].__doc__ or "").split())
