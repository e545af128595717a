"""After everything that is held was dealt with by hand, a run ends well and leaves it alone."""

from __future__ import annotations

from office import Office
from typer.testing import CliRunner

from stsync.cli import console
from stsync.cli.app import app
from stsync.errors import ExitCode
from stsync.state import State


def test_what_was_dealt_with_by_hand_stays_so_and_the_run_ends_well(office: Office) -> None:
    assert office.run().exit_code == ExitCode.HELD
    with State.open_scratch(office.state_file) as state:
        stopped = [row for kind in ("customers", "invoices", "payments") for row in state.inbox.rows(kind, ("held",))]
        stopped += state.inbox.rows("pricebook", ("held",))
    kinds = {"customers": "customer", "invoices": "invoice", "payments": "payment", "pricebook": "item"}
    for row in stopped:
        words = (
            "ignore",
            kinds[row.kind],
            row.source_id,
            "--reason",
            "entered by hand",
            "--config",
            str(office.config),
        )
        done = CliRunner().invoke(app, words)
        console.OUTPUT.json = console.OUTPUT.quiet = False
        assert done.exit_code == 0, done.output
    written = len(office.writes())
    again = office.run()
    assert again.exit_code == ExitCode.OK
    assert len(office.writes()) == written
    assert {office.standing(row.kind, row.source_id) for row in stopped} == {("settled", "by_hand")}
