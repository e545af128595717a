"""`stsync replay`: it puts records back in the queue, and nothing else."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from filled_books import Books, month, run

from stsync.state import RunLock, State


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Books:
    for name in list(os.environ):
        if name.startswith("STSYNC_"):
            monkeypatch.delenv(name)
    filled = Books(tmp_path)
    month(filled)
    return filled


def states(books: Books, kind: str = "invoices") -> dict[str, str]:
    with State.open_scratch(books.path) as state:
        everything = state.inbox.rows(kind, ("pending", "waiting", "held", "dead", "settled"))
        return {row.source_id: row.state for row in everything}


def test_all_that_is_held_or_dead_is_put_back_and_the_rest_is_left_alone(books: Books) -> None:
    done = run(books, "replay")
    assert done.exit_code == 0, done.output
    found = states(books)
    assert {number for number, state in found.items() if state == "pending"} == {"4", "5", "6", "7"}
    assert found["1"] == "settled"
    assert states(books, "payments")["22"] == "waiting"
    assert "Nothing was sent; the next sync takes them" in done.output
    assert "SANDBOX" in done.output


def test_attempts_are_forgotten_but_the_ledger_and_the_old_reason_are_not(books: Books) -> None:
    with State.open_scratch(books.path) as state:
        before = state.ledger.by_source("invoices", "1")
    run(books, "replay")
    with State.open_scratch(books.path) as state:
        row = state.inbox.find("invoices", "7")
        assert row is not None
        assert (row.attempts, row.reason) == (0, None)
        assert state.ledger.by_source("invoices", "1") == before
        (entry,) = state.audit.rows(event="replayed", stage="invoices", source_id="7")
        assert (entry.detail["state"], entry.detail["attempts"]) == ("dead", 1)
        assert entry.detail["reason"] == "Customer ST77 is blocked in Business Central."
        assert state.check() == 11
    assert "Put back in the queue by" in run(books, "trace", "invoice", "7").output


def test_one_record_is_put_back_by_the_number_people_know(books: Books) -> None:
    document = json.loads(run(books, "replay", "--id", "17", "--json").stdout)
    assert [one["source_id"] for one in document["requeued"]] == ["7"]
    assert states(books)["4"] == "held"


def test_a_waiting_record_is_put_back_only_when_it_is_named(books: Books) -> None:
    assert json.loads(run(books, "replay", "--stage", "payments", "--json").stdout)["requeued"] == []
    assert run(books, "replay", "--id", "P22").exit_code == 0
    assert states(books, "payments")["22"] == "pending"


def test_a_posted_record_is_never_put_back(books: Books) -> None:
    done = run(books, "replay", "--stage", "invoices", "--id", "1")
    assert done.exit_code == 0
    assert "there is nothing to put back" in done.output
    assert states(books)["1"] == "settled"


def test_a_number_that_two_stages_have_needs_the_stage(books: Books) -> None:
    row = {"id": 7, "name": "Customer with an invoice's id", "modifiedOn": None}
    books.change(lambda state: books.read(state, "customers", row))
    done = run(books, "replay", "--id", "7")
    assert done.exit_code == 2
    assert "--stage" in done.output
    assert states(books)["7"] == "dead"


def test_an_unknown_record_or_stage_is_a_usage_error(books: Books) -> None:
    assert run(books, "replay", "--id", "99999").exit_code == 2
    assert run(books, "replay", "--stage", "bills").exit_code == 2


def test_a_dry_run_changes_nothing(books: Books) -> None:
    before = books.path.read_bytes()
    done = run(books, "replay", "--dry-run")
    assert "4 records. This was a dry run: nothing was changed." in done.output
    assert books.path.read_bytes() == before


def test_replay_waits_for_no_other_run(books: Books) -> None:
    with RunLock(books.path, command="stsync sync"):
        done = run(books, "replay")
    assert done.exit_code == 75
    assert '"stsync sync"' in done.output
    assert states(books)["7"] == "dead"


def test_without_a_state_file_there_is_nothing_to_put_back_and_none_is_made(books: Books) -> None:
    books.path.unlink()
    done = run(books, "replay")
    assert done.exit_code == 0
    assert "there is nothing to put back" in done.output
    assert not books.path.exists()
