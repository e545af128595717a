"""The smallest valid configuration file, and small changes to it."""

from __future__ import annotations

COMPANY = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
TENANT = "0f8fad5b-d9cb-469f-a165-70867728950e"
LEAST = f"""\
servicetitan:
  environment: production
  tenant_id: 985798691
business_central:
  tenant_id: {TENANT}
  environment: Production
  company_id: {COMPANY}
go_live: 2026-07-01
"""


def swap(old: str, new: str) -> str:
    """The smallest valid file with one part exchanged."""
    assert old in LEAST
    return LEAST.replace(old, new)
