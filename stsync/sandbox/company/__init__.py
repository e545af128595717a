"""The demo company: a contractor of Phoenix with about 150 technicians, and its June of 2026.

`build` generates it from a seed at any scale, as plain rows in ServiceTitan's shapes and plain values for the
books. Among ordinary documents stand those that break books, each a named scenario (`SCENARIOS`, `meaning`).
`load_servicetitan` and `load_business_central` put it into the simulators; `LATER` changes things after posting.

Not modelled: jobs, dispatch, payroll, estimates, bank deposits, memberships as objects, prices by date, and months
other than June. People, streets' house numbers, telephone numbers and firms are invented.
"""

from __future__ import annotations

from stsync.sandbox.company.books import DIMENSION, MISSING_DIMENSION_VALUE, Books
from stsync.sandbox.company.config import demo_config, fix
from stsync.sandbox.company.demo import GO_LIVE, TENANT_ID, Demo, build
from stsync.sandbox.company.later import LATER
from stsync.sandbox.company.loading import add_missing_dimension_value, load_business_central, load_servicetitan
from stsync.sandbox.company.scenarios import SCENARIOS, meaning, meanings

__all__ = [
    "DIMENSION",
    "GO_LIVE",
    "LATER",
    "MISSING_DIMENSION_VALUE",
    "SCENARIOS",
    "TENANT_ID",
    "Books",
    "Demo",
    "add_missing_dimension_value",
    "build",
    "demo_config",
    "fix",
    "load_business_central",
    "load_servicetitan",
    "meaning",
    "meanings",
]
