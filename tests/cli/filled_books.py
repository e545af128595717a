"""A contractor's state file after a run, for the commands that look at it; and a way to run those commands."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import typer
from typer.testing import CliRunner, Result

from stsync.cli import console
from stsync.cli.ignore import ignore
from stsync.cli.look import held, status
from stsync.cli.mapping import app as map_app
from stsync.cli.replay import replay
from stsync.cli.trace import audit, trace
from stsync.core.reasons import Reason
from stsync.http.exchanges import Exchange
from stsync.state import Done, Incoming, Intent, State
from stsync.wiring import wire

COMPANY = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
DRAFT_ID = "5f1c2a00-0000-4000-8000-000000000001"
CONFIG = f"""\
servicetitan:
  environment: integration
  tenant_id: 985798691
business_central:
  tenant_id: 0f8fad5b-d9cb-469f-a165-70867728950e
  environment: sandbox
  company_id: {COMPANY}
  company_name: CRONUS USA, Inc.
go_live: 2026-11-01
dimensions:
  business_unit: DEPARTMENT
payments:
  journals:
    STCARD: {{balancing_account: "10120", name: ServiceTitan card payments}}
mapping:
  business_units:
    "HVAC Service": HVAC
  accounts:
    "4000": "40100"
  payment_types:
    "Credit Card": STCARD
"""
GAP = Reason(
    "mapping-missing",
    "Not mapped yet: business unit 'Drain - West'.",
    'Add to the configuration:\nmapping.business_units:  "Drain - West": <DEPARTMENT value>',
)
CLOSED = Reason(
    "posting-date-closed",
    "The invoice is dated 2026-11-02, but Business Central accepts posting dates 2026-11-10 to 2026-11-30.",
    "Open the period on the General Ledger Setup page (Allow Posting From/To).",
)
BLOCKED = Reason(
    "customer-blocked",
    "Customer ST77 is blocked in Business Central.",
    "Unblock the customer card.",
    "You cannot create this type of document when Customer ST77 is blocked.  CorrelationId:  aaaa-1.",
)


class Clock:
    """A clock that moves one second at each look."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.time += timedelta(seconds=1)
        return self.time


def invoice(number: int, total: str, **more: Any) -> dict[str, Any]:
    """An invoice as ServiceTitan sends it; money is text."""
    line = {
        "id": number * 10,
        "displayName": "Diagnostic visit",
        "quantity": "1",
        "price": total,
        "total": total,
        "skuName": "DIAG",
        "isChargeable": True,
        "generalLedgerAccount": {"id": 401, "number": "4000", "name": "Service Revenue"},
        "businessUnit": {"id": 11, "name": "HVAC Service"},
    }
    row = {
        "id": number,
        "referenceNumber": f"1{number}",
        "syncStatus": "Posted",
        "active": True,
        "invoiceDate": "2026-11-02T00:00:00Z",
        "subTotal": total,
        "salesTax": "0.00",
        "total": total,
        "customer": {"id": 77, "name": "Baker, Ann"},
        "businessUnit": {"id": 11, "name": "HVAC Service"},
        "termName": "Net 30",
        "items": [line],
        "modifiedOn": "2026-11-03T10:00:00Z",
    }
    return {**row, **more}


def in_unit(number: int, total: str, unit: str, unit_id: int = 12) -> dict[str, Any]:
    """An invoice whose line was earned by another business unit."""
    row = invoice(number, total)
    row["items"][0]["businessUnit"] = {"id": unit_id, "name": unit}
    return row


def payment(number: int, total: str, kind: str, applied_to: int) -> dict[str, Any]:
    """A payment as ServiceTitan sends it."""
    return {
        "id": number,
        "referenceNumber": f"P{number}",
        "syncStatus": "Posted",
        "active": True,
        "date": "2026-11-05T00:00:00Z",
        "total": total,
        "typeId": "3",
        "type": kind,
        "customer": {"id": 77, "name": "Baker, Ann"},
        "appliedTo": [{"appliedTo": applied_to, "appliedAmount": total, "appliedToReferenceNumber": f"1{applied_to}"}],
        "modifiedOn": "2026-11-05T10:00:00Z",
    }


class Books:
    """A configuration and its state file, filled by hand through the state's own interface."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "config.yaml"
        self.config.write_text(CONFIG)
        self.clock = Clock()
        self.wiring = wire(self.config)
        self.path = self.wiring.state_path
        self.run_id = ""

    def change(self, work: Callable[[State], None]) -> None:
        """Work on the state file, as a run would."""
        with State.open(self.path, now=self.clock) as state:
            state.pin(self.wiring.pin)
            work(state)

    def start(self, state: State, command: str = "stsync sync", pid: int = 1, host: str = "books-pc") -> str:
        """Begin a run."""
        self.run_id = state.runs.start(
            command, stages=("customers", "invoices"), dry_run=False, pid=pid, host=host, user="lynn"
        )
        return self.run_id

    def read(self, state: State, kind: str, *rows: dict[str, Any]) -> None:
        """Read records from a feed."""
        incoming = [Incoming(str(row["id"]), row.get("modifiedOn"), row) for row in rows]
        state.inbox.store(kind, incoming, feed=kind, token="t1", seen_at=self.clock())

    def describe(self, state: State, kind: str, row: dict[str, Any]) -> None:
        """Note what people see of a record, as a decision does."""
        amount = Decimal(row["total"]) if "total" in row else None
        name = row["customer"]["name"] if "customer" in row else row.get("name", "")
        number = row.get("referenceNumber") or row.get("number")
        day = (row.get("invoiceDate") or row.get("date") or "")[:10]
        state.inbox.describe(kind, str(row["id"]), number=number, amount=amount, name=name, on=day or None)

    def hold(self, state: State, kind: str, row: dict[str, Any], reason: Reason) -> None:
        """Read a record and hold it."""
        self.read(state, kind, row)
        self.describe(state, kind, row)
        state.inbox.hold(kind, str(row["id"]), reason, self.run_id)

    def settle(self, state: State, kind: str, row: dict[str, Any], outcome: str) -> None:
        """Read a record and settle it."""
        self.read(state, kind, row)
        self.describe(state, kind, row)
        state.inbox.settle(kind, str(row["id"]), outcome, run_id=self.run_id)


def post_invoice(books: Books, state: State, row: dict[str, Any], number: str = "103001") -> None:
    """One invoice all the way: read, decided, draft made, posted."""
    source_id = str(row["id"])
    books.read(state, "invoices", row)
    books.describe(state, "invoices", row)
    rules = ["line 1: account 40100, for ServiceTitan account 4000 'Service Revenue'"]
    detail = {"standing": "act", "outcome": "posted", "rules": rules, "notes": [], "reason": ""}
    state.audit.append("decided", run_id=books.run_id, stage="invoices", source_id=source_id, detail=detail)
    for verb, request in (("create", "req-create-1"), ("post", "req-post-1")):
        key = f"invoices:{source_id}:{verb}"
        state.ledger.intend([_intent(key, verb, source_id, Decimal(row["total"]))], books.run_id)
        state.audit.append("sent", run_id="", detail=vars(_exchange(request, verb)))
        done = Done(key, DRAFT_ID, "D-7" if verb == "create" else number, {"why": "new, 1 lines"})
        state.ledger.done(done, run_id=books.run_id, request_id=request)
    state.inbox.settle("invoices", source_id, "posted", run_id=books.run_id)


def _intent(key: str, verb: str, source_id: str, amount: Decimal) -> Intent:
    body = '{"externalDocumentNumber": "ST-1"}' if verb == "create" else "{}"
    return Intent(key, "invoices", source_id, verb, "salesInvoices", f"ST-{source_id}", f"d-{verb}", body, amount)


def _exchange(request: str, verb: str) -> Exchange:
    place = "salesInvoices" if verb == "create" else f"salesInvoices({DRAFT_ID})/Microsoft.NAV.post"
    url = f"https://books.example/v2.0/t/sandbox/api/v2.0/companies({COMPANY})/{place}"
    return Exchange("Business Central", "POST", url, request, f"corr-{request}", 201, 140, 1)


def month(books: Books) -> None:
    """A run that left something in every state."""

    def work(state: State) -> None:
        run_id = books.start(state)
        post_invoice(books, state, invoice(1, "120.00"))
        books.settle(state, "invoices", invoice(2, "80.50", syncStatus="Pending"), "not_ready")
        books.settle(state, "invoices", invoice(3, "60.00", invoiceDate="2026-10-01T00:00:00Z"), "before_go_live")
        books.hold(state, "invoices", in_unit(4, "200.00", "Drain - West"), GAP)
        books.hold(state, "invoices", in_unit(5, "50.00", "Drain - West"), GAP)
        books.hold(state, "invoices", invoice(6, "90.00"), CLOSED)
        dead = invoice(7, "33.00")
        books.read(state, "invoices", dead)
        books.describe(state, "invoices", dead)
        state.inbox.refuse("invoices", "7", BLOCKED, limit=1, run_id=run_id)
        books.settle(state, "payments", payment(21, "120.00", "Credit Card", 1), "posted")
        waits = payment(22, "200.00", "Check", 4)
        books.read(state, "payments", waits)
        books.describe(state, "payments", waits)
        state.inbox.wait("payments", "22", Reason("invoice-not-in-books", "The payment waits for invoice 14."), run_id)
        books.read(state, "payments", payment(23, "11.11", "Credit Card", 1))
        books.read(state, "contacts", {"id": 900, "type": "Email", "value": "ann@example.com"})
        summary = {"carried": {"invoices": [1, "120"], "payments": [1, "120"]}, "requests": 14, "seconds": "2.0"}
        state.runs.finish(run_id, 3, summary)

    books.change(work)


def run(books: Books, *words: str) -> Result:
    """Type a command."""
    app = typer.Typer()
    shown = {"status": status, "held": held, "trace": trace, "audit": audit}
    for name, command in {**shown, "replay": replay, "ignore": ignore}.items():
        app.command(name)(command)
    app.add_typer(map_app)
    console.OUTPUT.json = console.OUTPUT.quiet = False
    result = CliRunner().invoke(app, [*words, "--config", str(books.config)])
    console.OUTPUT.json = console.OUTPUT.quiet = False
    return result


THIS_HOST = socket.gethostname()
