"""The state file: one SQLite database per company, durable after every commit, readable by its owner only."""

from stsync.state.groups import Groups
from stsync.state.lock import RunLock
from stsync.state.open import State
from stsync.state.rows import (
    AuditRow,
    Cursor,
    Done,
    InboxRow,
    Incoming,
    Intent,
    LedgerRow,
    Pin,
    RunRow,
    Stored,
    Total,
    Version,
)

__all__ = [
    "AuditRow",
    "Cursor",
    "Done",
    "Groups",
    "InboxRow",
    "Incoming",
    "Intent",
    "LedgerRow",
    "Pin",
    "RunLock",
    "RunRow",
    "State",
    "Stored",
    "Total",
    "Version",
]
