"""A hint shortens the wait; correctness never depends on it."""

from __future__ import annotations

from datetime import UTC, datetime

from office import Office

from stsync.state.hints import Hints, hints_path


def hinted(office: Office, kind: str, source_id: object) -> None:
    with Hints.open(hints_path(office.state_file)) as hints:
        hints.keep(
            occurrence=f"{kind}-{source_id}", event="x", kind=kind, source_id=str(source_id), at=datetime.now(UTC)
        )


def waiting(office: Office) -> int:
    with Hints.open(hints_path(office.state_file)) as hints:
        return hints.count()


def test_a_run_reads_what_a_hint_names_and_takes_the_hint(posted: Office) -> None:
    hinted(posted, "invoices", "82000012")
    hinted(posted, "payments", "99999999")
    before = len(posted.world.sandbox.log.entries())
    posted.run()
    asked = [one.target for one in posted.world.sandbox.log.entries()[before:] if "ids=" in one.target]
    assert len(asked) == 2
    assert waiting(posted) == 0


def test_a_preview_takes_no_hint(office: Office) -> None:
    hinted(office, "invoices", "82000012")
    office.run(dry_run=True)
    assert waiting(office) == 1


def test_a_run_of_one_stage_leaves_the_other_stages_hints(posted: Office) -> None:
    hinted(posted, "payments", "82000012")
    posted.run("customers")
    assert waiting(posted) == 1


def test_a_file_of_hints_that_cannot_be_read_stops_no_run(office: Office) -> None:
    hints_path(office.state_file).write_bytes(b"not a database")
    assert office.run().exit_code in {0, 3}
