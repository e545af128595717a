"""An environment: companies, a clock, switches, and the lock that makes its sessions take turns.

Not modelled: permissions of users, several tenants in one process, the admin API.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

from stsync.sandbox.businesscentral.core.company import Company
from stsync.sandbox.businesscentral.core.settings import Switches
from stsync.sandbox.businesscentral.core.table import Store

DEFAULT_TENANT = "11111111-2222-3333-4444-555555555555"


def _system_clock() -> datetime:
    return datetime.now(UTC)


class Environment:
    """A Business Central environment. `clock` gives aware times; tests move it."""

    def __init__(
        self,
        name: str = "sandbox",
        tenant_id: str = DEFAULT_TENANT,
        clock: Callable[[], datetime] = _system_clock,
        switches: Switches | None = None,
    ) -> None:
        self.name = name
        self.tenant_id = tenant_id
        self.switches = switches or Switches()
        self.store = Store(clock)
        self.companies: list[Company] = []
        self.lock = threading.RLock()

    def create_company(self, name: str) -> Company:
        """Add a company with receivables, a sales account, tax account, units and a general journal."""
        company = Company(name, self.store, self.switches)
        self.companies.append(company)
        return company

    def company(self, key: str) -> Company | None:
        """A company by id or by name; None when the environment has no such company."""
        wanted = key.lower()
        return next((c for c in self.companies if wanted == c.id or key == c.name), None)
