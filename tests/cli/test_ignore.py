"""`stsync ignore`: a person deals with a record by hand, says so, and the record needs nobody any more."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from filled_books import BLOCKED, Books, invoice, month, run

from stsync.state import InboxRow, RunLock, State

WHY = ("--reason", "credit memo SCM-1017 entered")


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Books:
    for name in list(os.environ):
        if name.startswith("STSYNC_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LOGNAME", "lynn")
    filled = Books(tmp_path)
    month(filled)
    return filled


def found(books: Books, source_id: str, kind: str = "invoices") -> InboxRow:
    with State.open_scratch(books.path) as state:
        row = state.inbox.find(kind, source_id)
        assert row is not None
        return row


def test_a_held_record_that_was_dealt_with_by_hand_needs_nobody(books: Books) -> None:
    done = run(books, "ignore", "invoice", "14", *WHY)
    assert done.exit_code == 0, done.output
    assert "Invoice 14, 200.00 stands as dealt with by hand. Nothing was sent." in done.output
    assert "SANDBOX" in done.output
    row = found(books, "4")
    assert (row.state, row.outcome, row.reason) == ("settled", "by_hand", None)
    records = [one for cause in json.loads(run(books, "held", "--json").stdout)["held"] for one in cause["records"]]
    assert "4" not in {one["source_id"] for one in records}


def test_the_audit_keeps_who_said_it_why_and_why_the_record_had_stopped(books: Books) -> None:
    run(books, "ignore", "invoice", "17", *WHY)
    with State.open_scratch(books.path) as state:
        (entry,) = state.audit.rows(event="ignored")
        assert state.audit.verify()
    assert (entry.stage, entry.source_id) == ("invoices", "7")
    assert entry.detail["operator"] == "lynn"
    assert (entry.detail["reason"], entry.detail["cause"]) == ("credit memo SCM-1017 entered", BLOCKED.message)
    assert (entry.detail["state"], entry.detail["reference"]) == ("dead", "customer-blocked")


def test_after_everything_held_was_dealt_with_status_and_held_end_well(books: Books) -> None:
    for number in ("14", "15", "16", "17"):
        assert run(books, "ignore", "invoice", number, *WHY).exit_code == 0
    status = run(books, "status", "--json")
    assert status.exit_code == 0
    document = json.loads(status.stdout)
    assert document["stages"]["invoices"]["states"]["by_hand"] == {"records": 4, "amount": "373.00"}
    assert document["adds_up"] is True
    assert run(books, "held").exit_code == 0
    assert "dealt with by hand" in run(books, "status").output


def test_held_lists_on_request_who_dealt_with_what_when_and_why(books: Books) -> None:
    run(books, "ignore", "invoice", "14", *WHY)
    (one,) = json.loads(run(books, "held", "--ignored", "--json").stdout)["ignored"]
    assert (one["number"], one["amount"], one["by"]) == ("14", "200.00", "lynn")
    assert one["at"]
    assert (one["reason"], one["cause"]) == (
        "credit memo SCM-1017 entered",
        "Not mapped yet: business unit 'Drain - West'.",
    )
    text = run(books, "held", "--ignored").output
    assert "Dealt with by hand" in text
    assert "SCM-1017" in text
    assert "SCM-1017" not in run(books, "held").output


def test_the_life_of_the_record_tells_it_and_how_to_take_it_back(books: Books) -> None:
    run(books, "ignore", "invoice", "14", *WHY)
    text = run(books, "trace", "invoice", "14").output
    assert "Where it stands: Settled: dealt with by hand." in text
    assert "stsync ignore invoice 4 --undo" in text
    assert "Dealt with by hand, says lynn: credit memo SCM-1017 entered" in text
    assert "it was held: Not mapped yet" in text


def test_undo_puts_the_record_back_in_the_queue(books: Books) -> None:
    run(books, "ignore", "invoice", "14", *WHY)
    done = run(books, "ignore", "invoice", "4", "--undo")
    assert done.exit_code == 0, done.output
    assert found(books, "4").state == "pending"
    assert json.loads(run(books, "held", "--ignored", "--json").stdout)["ignored"] == []
    assert "put back in the queue by lynn" in run(books, "trace", "invoice", "14").output


def test_a_record_that_changes_afterwards_is_looked_at_again(books: Books) -> None:
    run(books, "ignore", "invoice", "14", *WHY)
    changed = invoice(4, "210.00", modifiedOn="2026-11-09T10:00:00Z")
    books.change(lambda state: books.read(state, "invoices", changed))
    assert found(books, "4").state == "pending"
    assert "Nothing was dealt with by hand" in run(books, "held", "--ignored").output


def test_a_waiting_record_can_be_dealt_with_too(books: Books) -> None:
    assert run(books, "ignore", "payment", "P22", *WHY).exit_code == 0
    assert found(books, "22", "payments").outcome == "by_hand"


def test_without_a_reason_nothing_happens(books: Books) -> None:
    for words in ((), ("--reason", "  ")):
        done = run(books, "ignore", "invoice", "14", *words)
        assert done.exit_code == 2
        assert "reason-missing" in done.output
    assert found(books, "4").state == "held"


def test_what_does_not_stand_still_cannot_be_dealt_with_by_hand(books: Books) -> None:
    posted = run(books, "ignore", "invoice", "11", *WHY)
    assert (posted.exit_code, found(books, "1").outcome) == (2, "posted")
    assert "is not held, dead or waiting: it is posted in Business Central" in posted.output
    new = run(books, "ignore", "payment", "P23", *WHY)
    assert (new.exit_code, found(books, "23", "payments").state) == (2, "pending")
    undone = run(books, "ignore", "invoice", "14", "--undo")
    assert (undone.exit_code, found(books, "4").state) == (2, "held")


def test_an_unknown_kind_or_record_is_a_usage_error(books: Books) -> None:
    assert run(books, "ignore", "bill", "14", *WHY).exit_code == 2
    assert run(books, "ignore", "invoice", "99999", *WHY).exit_code == 2
    assert "No credit memo with the id or number '99999'" in run(books, "ignore", "credit-memo", "99999", *WHY).output
    books.path.unlink()
    assert "record-unknown" in run(books, "ignore", "invoice", "14", *WHY).output
    assert not books.path.exists()


def test_it_waits_for_no_other_run(books: Books) -> None:
    with RunLock(books.path, command="stsync sync"):
        done = run(books, "ignore", "invoice", "14", *WHY)
    assert done.exit_code == 75
    assert found(books, "4").state == "held"
