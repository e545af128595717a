"""After everything that is held was dealt with by hand, a run ends well and leaves it alone."""

from __future__ import annotations

from office import Office
from typer.testing import CliRunner

from stsync.cli import console
from stsync.cli.app import app
from stsync.errors import ExitCode
from stsync.state import InboxRow, State

KINDS = {
    "customers": "customer",
    "invoices": "invoice",
    "credit_memos": "credit-memo",
    "payments": "payment",
    "pricebook": "item",
}


def test_what_was_dealt_with_by_hand_stays_so_and_the_run_ends_well(posted: Office) -> None:
    assert posted.run().exit_code == ExitCode.HELD
    stopped = held(posted)
    put_aside(posted, stopped)
    written = len(posted.writes())
    posted.run()
    # A payment that waited for one of these invoices waits in vain now, and says so.
    payments = held(posted)
    assert {row.reason.reference for row in payments if row.reason} == {"invoice-dealt-with-by-hand"}
    put_aside(posted, payments)
    assert posted.run().exit_code == ExitCode.OK
    assert len(posted.writes()) == written
    assert {posted.standing(row.kind, row.source_id) for row in stopped} == {("settled", "by_hand")}


def held(office: Office) -> list[InboxRow]:
    with State.open_scratch(office.state_file) as state:
        return [row for kind in KINDS for row in state.inbox.rows(kind, ("held",))]


def put_aside(office: Office, rows: list[InboxRow]) -> None:
    for row in rows:
        what = (KINDS[row.kind], row.source_id, "--reason", "entered by hand", "--config", str(office.config))
        done = CliRunner().invoke(app, ("ignore", *what))
        console.OUTPUT.json = console.OUTPUT.quiet = False
        assert done.exit_code == 0, done.output
