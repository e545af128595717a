"""The documents that break books, each as a named scenario.

A scenario writes its documents through the office and returns what it wrote as (kind, id). Kinds are the names of
ServiceTitan's feeds and lists: `customers`, `invoices`, `payments`, `credit_memos`,
`inventory_bills`, `locations`, `services`, `materials`, `equipment`. The functions' docstrings say
what each document is; they are what the demo shows a person who asks.
"""

from __future__ import annotations

from collections.abc import Callable

from stsync.sandbox.company.office import Office
from stsync.sandbox.company.scenarios import (
    bills,
    changes,
    credit,
    creditmemos,
    dates,
    gaps,
    identity,
    known,
    lines,
    opening,
    payments,
    refunds,
    rules,
    shop,
    taxes,
)
from stsync.sandbox.company.values import Ref

Scenario = Callable[[Office], list[Ref]]

# New modules come last, so that the documents of the others keep their ids.
_MODULES = (lines, credit, payments, refunds, taxes, dates, identity, gaps, changes, bills)
_LATER_MODULES = (creditmemos, opening, known, rules, shop)
SCENARIOS: dict[str, Scenario] = {
    scenario.__name__: scenario for module in (*_MODULES, *_LATER_MODULES) for scenario in module.ALL
}


def meaning(name: str) -> str:
    """What a scenario is, in one paragraph. Raises KeyError for an unknown name."""
    return " ".join((SCENARIOS[name].__doc__ or "").split())


def meanings() -> dict[str, str]:
    """Every scenario by name, in order, with what ServiceTitan shows."""
    return {name: meaning(name) for name in SCENARIOS}
