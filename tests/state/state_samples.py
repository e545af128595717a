"""Records and small programs for the tests of the state file."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from stsync.core.reasons import Reason
from stsync.state import Incoming, Intent, Pin, State

SEEN = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)
NO_ACCOUNT = Reason("account-unmapped", "Account 4100 is not mapped.", "Add it under mapping.accounts.", "")
PIN = Pin("42", "production", "contoso.example", "Production", "0f0e0d0c-0000-4000-8000-00000000000a", "Contoso Air")


class Clock:
    """A clock that moves one second at each look, so that orders are visible."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 22, 16, 25, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.time += timedelta(seconds=1)
        return self.time


def incoming(source_id: str = "7", *, modified_at: str | None = None, **content: Any) -> Incoming:
    return Incoming(source_id, modified_at, {"id": source_id, "total": Decimal("12.50"), **content})


def store(state: State, *rows: Incoming, kind: str = "invoice", token: str | None = None) -> tuple[int, ...]:
    return state.inbox.store(kind, rows, feed="invoices", token=token, seen_at=SEEN)[:4]


def intent(key: str = "invoices:7:create", *, digest: str = "d1", amount: Decimal | None = Decimal("12.50")) -> Intent:
    stage, source_id, verb = key.split(":")[:3]
    return Intent(key, stage, source_id, verb, "salesInvoice", f"ST-{source_id}", digest, "{}", amount)


def child(program: str, *arguments: object) -> subprocess.Popen[str]:
    """Another Python process; it says "ready" when it stands where the test wants it."""
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def wait_until_ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "ready"


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()
