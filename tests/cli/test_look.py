"""`stsync status` and `stsync held` on a state file that a run left behind."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from filled_books import CLOSED, GAP, THIS_HOST, Books, in_unit, invoice, month, run

from stsync.core.reasons import Reason
from stsync.reports.words import ago
from stsync.state import Intent, State


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Books:
    for name in list(os.environ):
        if name.startswith("STSYNC_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    return Books(tmp_path)


def test_every_record_stands_in_one_state_and_the_states_add_up_in_number_and_money(books: Books) -> None:
    month(books)
    done = run(books, "status", "--json")
    assert done.exit_code == 3, done.output
    document = json.loads(done.stdout)
    invoices = document["stages"]["invoices"]
    assert invoices["read"] == {"records": 7, "amount": "633.50"}
    filled = {name: (one["records"], one["amount"]) for name, one in invoices["states"].items() if one["records"]}
    assert filled == {
        "carried": (1, "120.00"),
        "nothing_to_do": (1, "60.00"),
        "not_ready": (1, "80.50"),
        "held": (3, "340.00"),
        "dead": (1, "33.00"),
    }
    assert sum(Decimal(amount) for _, amount in filled.values()) == Decimal("633.50")
    assert document["adds_up"] is True
    assert document["contacts"] == 1


def test_a_new_payment_counts_with_the_amount_it_was_read_with(books: Books) -> None:
    month(books)
    payments = json.loads(run(books, "status", "--json").stdout)["stages"]["payments"]
    assert payments["states"]["new"] == {"records": 1, "amount": "11.11"}
    assert payments["read"] == {"records": 3, "amount": "331.11"}


def test_status_says_in_words_how_the_run_ended_and_what_needs_a_person(books: Books) -> None:
    month(books)
    text = " ".join(run(books, "status").output.split())
    assert "Business Central SANDBOX 'sandbox', company CRONUS USA, Inc." in text
    assert "3: finished; records need a person" in text
    assert "the lines add up to what was read" in text
    assert "1 dated before go-live" in text
    assert "4 records need a person. See: stsync held" in text


def test_an_invoice_with_a_lost_answer_is_in_doubt_and_nowhere_else(books: Books) -> None:
    def lose(state: State) -> None:
        books.start(state)
        books.read(state, "invoices", invoice(1, "120.00"))
        intent = Intent(
            "invoices:1:create", "invoices", "1", "create", "salesInvoices", "ST-1", "d", "{}", Decimal(120)
        )
        state.ledger.intend([intent], books.run_id)

    books.change(lose)
    stage = json.loads(run(books, "status", "--json").stdout)["stages"]["invoices"]
    assert stage["states"]["in_doubt"] == {"records": 1, "amount": "120.00"}
    assert stage["states"]["new"]["records"] == 0
    assert stage["adds_up"] is True


def test_a_run_that_was_killed_is_named(books: Books) -> None:
    gone = 2**22 - 7  # beyond the process numbers that Linux gives out by default
    books.change(lambda state: books.start(state, pid=gone, host=THIS_HOST) and None)
    done = run(books, "status", "--quiet")
    assert done.exit_code == 0
    assert "was cut off before its end" in done.output


def test_a_run_that_is_at_work_is_not_called_killed(books: Books) -> None:
    books.change(lambda state: books.start(state, pid=os.getpid(), host=THIS_HOST) and None)
    done = run(books, "status")
    assert "at work now" in done.output
    assert "cut off" not in done.output


def test_status_before_the_first_run_makes_no_file_and_says_how_to_start(books: Books) -> None:
    done = run(books, "status")
    assert done.exit_code == 0, done.output
    assert "stsync sync --dry-run" in done.output
    assert not books.path.exists()


def test_status_leaves_the_state_file_byte_for_byte(books: Books) -> None:
    month(books)
    before = books.path.read_bytes()
    run(books, "status")
    run(books, "held", "--waiting")
    assert books.path.read_bytes() == before


def test_a_secret_about_to_end_is_said_even_under_quiet(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STSYNC_BC_CLIENT_SECRET", "a-secret-of-the-tests")
    monkeypatch.setenv("STSYNC_BC_CLIENT_SECRET_EXPIRES", "2020-01-31")
    done = run(books, "status", "--quiet")
    assert "ended on 2020-01-31" in done.output
    assert "value" not in done.output


def test_held_names_one_cause_once_most_money_first_with_the_line_to_add(books: Books) -> None:
    month(books)
    done = run(books, "held")
    assert done.exit_code == 3
    assert done.output.index("2 invoices, 250.00  (mapping-missing)") < done.output.index("1 invoice, 90.00")
    assert done.output.count('mapping.business_units:  "Drain - West": <DEPARTMENT value>') == 1
    assert "revenue and receivables stand too low" in done.output
    assert "Dead: refused several times" in done.output
    assert "1 time" in done.output
    assert "CorrelationId" not in done.output


def test_invoices_of_different_days_in_a_closed_period_are_one_cause(books: Books) -> None:
    def close(state: State) -> None:
        books.start(state)
        books.hold(state, "invoices", invoice(1, "10.00"), CLOSED)
        other = Reason(CLOSED.reference, CLOSED.message.replace("11-02", "11-03"), CLOSED.hint)
        books.hold(state, "invoices", invoice(2, "20.00"), other)

    books.change(close)
    (cause,) = json.loads(run(books, "held", "--json").stdout)["held"]
    assert (cause["count"], cause["amount"]) == (2, "30.00")
    assert cause["message"].startswith("The invoice is dated …, but")
    assert {one["reason"]["message"] for one in cause["records"]} >= {CLOSED.message}
    assert "2026-11-03" in run(books, "held").output


def test_invoices_that_lack_different_accounts_are_different_causes(books: Books) -> None:
    def lack(state: State) -> None:
        books.start(state)
        for number, account in ((1, "4711"), (2, "4712")):
            message = f"Business Central has no G/L account {account} (line {number})."
            reason = Reason("account-not-usable", message, "Open the card.")
            books.hold(state, "invoices", invoice(number, "10.00"), reason)

    books.change(lack)
    found = json.loads(run(books, "held", "--json").stdout)["held"]
    assert len(found) == 2


def test_a_line_to_add_that_two_causes_share_is_marked_as_named_already(books: Books) -> None:
    both = Reason(
        "mapping-missing",
        "Not mapped yet: business unit 'Drain - West', ServiceTitan account '4200'.",
        GAP.hint + '\nmapping.accounts:  "4200": <G/L account>',
    )

    def lack(state: State) -> None:
        books.start(state)
        books.hold(state, "invoices", in_unit(1, "900.00", "Drain - West"), GAP)
        books.hold(state, "invoices", in_unit(2, "10.00", "Drain - West"), both)

    books.change(lack)
    text = run(books, "held").output
    assert text.count("(named above already)") == 1
    assert text.count('mapping.accounts:  "4200": <G/L account>') == 1


def test_more_than_ten_records_of_a_cause_are_counted_unless_all_are_asked_for(books: Books) -> None:
    def many(state: State) -> None:
        books.start(state)
        for number in range(101, 114):
            books.hold(state, "invoices", in_unit(number, "10.00", "Drain - West"), GAP)

    books.change(many)
    assert "and 3 more; --all lists them" in run(books, "held").output
    assert "more; --all" not in run(books, "held", "--all").output
    assert "1113" in run(books, "held", "--all").output


def test_what_was_put_back_in_the_queue_is_not_called_nothing(books: Books) -> None:
    month(books)
    run(books, "replay")
    done = run(books, "held")
    assert done.exit_code == 0
    assert "Nothing is held now; 5 records are queued, and the next sync decides about them: stsync sync" in done.output
    assert "nothing needs a person" not in done.output
    assert json.loads(run(books, "held", "--json").stdout)["queued"] == 5
    assert "Nothing is held now; 1 record is queued" in run(books, "held", "--stage", "payments").output


def test_what_is_queued_beside_what_is_held_is_said_too(books: Books) -> None:
    month(books)
    run(books, "replay", "--id", "17")
    assert "Besides, 2 records are queued for the next sync." in run(books, "held").output


def test_a_customer_that_no_document_names_is_in_no_queue(books: Books) -> None:
    def arrive(state: State) -> None:
        books.start(state)
        books.read(state, "customers", {"id": 77, "name": "Baker, Ann"})

    books.change(arrive)
    assert "1 record is queued" in run(books, "held").output
    books.config.write_text(books.config.read_text() + "customers:\n  transfer: with_documents\n")
    assert "Nothing is held: nothing needs a person." in run(books, "held").output


def test_drafts_are_left_for_a_person_and_not_carried(books: Books) -> None:
    def leave(state: State) -> None:
        books.start(state)
        books.settle(state, "invoices", invoice(1, "120.00"), "draft")

    books.change(leave)
    done = run(books, "status")
    assert "left for a person to post in Business Central" in " ".join(done.output.split())
    states = json.loads(run(books, "status", "--json").stdout)["stages"]["invoices"]["states"]
    assert states["draft"] == {"records": 1, "amount": "120.00"}
    assert states["carried"]["records"] == 0


def test_waiting_is_shown_on_request_and_is_no_alarm(books: Books) -> None:
    month(books)
    assert "waits for invoice" not in run(books, "held").output
    waiting = run(books, "held", "--waiting", "--stage", "payments")
    assert waiting.exit_code == 0
    assert "The payment waits for invoice 14." in waiting.output
    assert "Not posted in ServiceTitan yet" in run(books, "held", "--waiting").output


def test_an_unknown_stage_is_a_usage_error_that_names_the_stages(books: Books) -> None:
    done = run(books, "held", "--stage", "invoces")
    assert done.exit_code == 2
    assert "customers, invoices, credit_memos, payments, pricebook" in done.output


def test_a_state_file_of_another_company_is_refused(books: Books) -> None:
    month(books)
    books.config.write_text(books.config.read_text().replace("985798691", "4"))
    done = run(books, "status")
    assert done.exit_code == 2
    assert "state-pinned-elsewhere" in done.output


def test_ago_speaks_in_the_largest_unit() -> None:
    now = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    assert ago(datetime(2026, 11, 20, 11, 0, tzinfo=UTC), now) == "2 days ago"
    assert ago(datetime(2026, 11, 22, 11, 59, tzinfo=UTC), now) == "1 minute ago"
    assert ago(None, now) == "never"
