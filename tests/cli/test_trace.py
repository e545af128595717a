"""`stsync trace` and `stsync audit`: the life of a record, and the whole trail."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

import pytest
from filled_books import BLOCKED, DRAFT_ID, Books, in_unit, invoice, month, payment, post_invoice, run

from stsync.state import Done, Intent, State


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Books:
    for name in list(os.environ):
        if name.startswith("STSYNC_"):
            monkeypatch.delenv(name)
    return Books(tmp_path)


def test_the_life_of_an_invoice_is_told_in_time_order(books: Books) -> None:
    month(books)
    text = run(books, "trace", "invoice", "1").output
    told = [
        "Read from ServiceTitan.",
        "Decided: it goes into the books.",
        "by rule: line 1: account 40100, for ServiceTitan account 4000 'Service Revenue'",
        "About to create the sales invoice ST-1 for 120.00.",
        "Sent to Business Central: POST salesInvoices; answered 201",
        "Made in Business Central: draft of the sales invoice ST-1, number D-7.",
        "About to post",
        "Posted in Business Central: sales invoice ST-1, number 103001.",
    ]
    places = [text.index(part) for part in told]
    assert places == sorted(places)
    assert "Where it stands: Settled: posted in Business Central as 103001." in text
    assert "request id req-create-1, correlation id corr-req-create-1" in text
    assert "stsync sync, by lynn on books-pc" in text


@pytest.mark.parametrize("name", ["1", "11", "103001", "ST-1", DRAFT_ID, "d-7"])
def test_an_invoice_is_found_by_every_name_it_has(books: Books, name: str) -> None:
    month(books)
    document = json.loads(run(books, "trace", "invoice", name, "--json").stdout)
    assert (document["source_id"], document["in_books"]["number"]) == ("1", "103001")


def test_a_payment_that_was_never_sent_is_found_by_the_number_it_would_have(books: Books) -> None:
    month(books)
    document = json.loads(run(books, "trace", "payment", "ST-P22", "--json").stdout)
    assert document["source_id"] == "22"
    assert document["stands"] == "Waiting: The payment waits for invoice 14."


def test_the_number_and_not_the_text_of_a_record_finds_it(books: Books) -> None:
    def mention(state: State) -> None:
        books.start(state)
        books.read(state, "invoices", invoice(500, "1.00", summary="see 1600"), invoice(600, "2.00"))

    books.change(mention)
    assert json.loads(run(books, "trace", "invoice", "1600", "--json").stdout)["source_id"] == "600"


def test_a_change_after_posting_is_told_field_by_field(books: Books) -> None:
    month(books)
    changed = invoice(1, "150.00", modifiedOn="2026-11-06T10:00:00Z")
    books.change(lambda state: books.read(state, "invoices", changed))
    done = run(books, "trace", "invoice", "1")
    assert "Changed in ServiceTitan." in done.output
    assert "items[10].total: 120.00 -> 150.00" in done.output
    assert "modifiedOn" not in done.output
    assert "Business Central holds an earlier version as 103001." in done.output
    document = json.loads(run(books, "trace", "invoice", "1", "--json").stdout)
    assert {"field": "total", "before": "120.00", "after": "150.00"} in document["events"][-1]["detail"]["changes"]
    assert [version["content"]["total"] for version in document["versions"]] == ["120.00", "150.00"]


def test_an_older_copy_that_came_late_is_told_as_unused(books: Books) -> None:
    month(books)
    late = invoice(1, "99.00", modifiedOn="2026-11-01T10:00:00Z")
    books.change(lambda state: books.read(state, "invoices", late))
    text = run(books, "trace", "invoice", "1").output
    assert "An older copy came late from ServiceTitan; it was kept, not used." in text
    assert "Changed in ServiceTitan." not in text


def test_a_refusal_keeps_the_vendors_words_and_says_how_to_try_again(books: Books) -> None:
    def refuse(state: State) -> None:
        run_id = books.start(state)
        books.read(state, "invoices", invoice(7, "33.00"))
        key = "invoices:7:create"
        state.ledger.intend([Intent(key, "invoices", "7", "create", "salesInvoices", "ST-7", "d", "{}")], run_id)
        state.ledger.refused(key, BLOCKED, run_id=run_id, request_id="req-9")
        state.inbox.refuse("invoices", "7", BLOCKED, limit=1, run_id=run_id)

    books.change(refuse)
    text = run(books, "trace", "invoice", "7").output
    assert "Dead after 1 refusal: Customer ST77 is blocked in Business Central." in text
    assert "They said: You cannot create this type of document" in text
    assert "stsync replay --stage invoices --id 7" in text
    assert "request id req-9" in text


def test_a_request_whose_answer_was_lost_is_in_the_life_of_its_invoice(books: Books) -> None:
    def lose(state: State) -> None:
        run_id = books.start(state)
        books.read(state, "invoices", invoice(7, "33.00"), invoice(8, "1.00"))
        for number in ("7", "8"):
            intent = Intent(f"invoices:{number}:create", "invoices", number, "create", "salesInvoices", "x", "d", "{}")
            state.ledger.intend([intent], run_id)
            detail = {"system": "Business Central", "method": "POST", "url": "https://b/v2.0/x/salesInvoices"}
            state.audit.append("sent", run_id="", detail={**detail, "request_id": f"req-{number}", "status": 0})

    books.change(lose)
    text = run(books, "trace", "invoice", "7").output
    assert "no answer came" in text
    assert "req-7" in text
    assert "req-8" not in text
    assert "In doubt" in text
    assert "looks in the books" in text


def test_a_draft_waits_for_a_person_to_post_it(books: Books) -> None:
    def leave(state: State) -> None:
        run_id = books.start(state)
        books.settle(state, "invoices", invoice(1, "120.00"), "draft")
        intent = Intent("invoices:1:create", "invoices", "1", "create", "salesInvoices", "ST-1", "d", "{}")
        state.ledger.intend([intent], run_id)
        state.ledger.done(Done("invoices:1:create", DRAFT_ID, "D-7"), run_id=run_id)

    books.change(leave)
    text = run(books, "trace", "invoice", "1").output
    assert "Where it stands: In Business Central as a draft, D-7: left for a person to post." in text
    assert "What comes next: A person posts it in Business Central, page Sales Invoices;" in text
    assert "Nothing, unless it changes" not in text


def test_a_payment_left_in_its_journal_is_known_by_its_document_number(books: Books) -> None:
    def leave(state: State) -> None:
        run_id = books.start(state)
        books.settle(state, "payments", payment(21, "120.00", "Credit Card", 1), "draft")
        key = "payments:21:create"
        state.ledger.intend([Intent(key, "payments", "21", "create", "customerPayments", "ST-P21", "d", "{}")], run_id)
        state.ledger.done(Done(key, DRAFT_ID, DRAFT_ID), run_id=run_id)

    books.change(leave)
    text = run(books, "trace", "payment", "P21").output
    assert f"Business Central: ST-P21 (id {DRAFT_ID})" in text
    assert "In Business Central in the payment journal, ST-P21: left for a person to post." in text
    assert "page Cash Receipt Journals" in text
    assert json.loads(run(books, "trace", "payment", "P21", "--json").stdout)["in_books"]["number"] == "ST-P21"


def test_the_posting_of_its_journal_belongs_to_a_payments_life(books: Books) -> None:
    def post(state: State) -> None:
        run_id = books.start(state)
        books.settle(state, "payments", payment(21, "120.00", "Credit Card", 1), "posted")
        key = f"payments:STCARD:post:1:{run_id}:1"
        state.ledger.intend([Intent(key, "payments", "STCARD", "post", "journals", "STCARD", "d", "{}")], run_id)
        state.ledger.done(Done(key, "j-1", None, {"payments": ["21", "22"]}), run_id=run_id, request_id="req-j")

    books.change(post)
    text = run(books, "trace", "payment", "P21").output
    assert "Posted in Business Central: payment journal STCARD" in text
    assert "req-j" in text


def test_an_unknown_record_is_a_usage_error_with_a_hint(books: Books) -> None:
    month(books)
    done = run(books, "trace", "invoice", "4711")
    assert done.exit_code == 2
    assert "No invoice with the id or number '4711' has been read so far." in done.output
    assert "stsync sync --dry-run" in done.output
    assert run(books, "trace", "bill", "1").exit_code == 2


def test_two_invoices_with_one_number_are_told_apart_by_their_ids(books: Books) -> None:
    def twins(state: State) -> None:
        books.start(state)
        for number in (501, 502):
            row = invoice(number, "5.00", referenceNumber="A-77")
            books.read(state, "invoices", row)
            books.describe(state, "invoices", row)

    books.change(twins)
    done = run(books, "trace", "invoice", "a-77")
    assert done.exit_code == 2
    assert "501 (Baker, Ann, 2026-11-02)" in done.output
    assert "502" in done.output


def test_the_audit_is_chosen_by_record_run_and_number_of_rows(books: Books) -> None:
    month(books)
    rows = json.loads(run(books, "audit", "--kind", "invoice", "--id", "11", "--json").stdout)["rows"]
    assert [row["event"] for row in rows] == ["decided", "intended", "done", "intended", "done"]
    of_run = json.loads(run(books, "audit", "--run", "last", "--json").stdout)["rows"]
    assert [row["event"] for row in of_run].count("sent") == 2
    newest = json.loads(run(books, "audit", "--limit", "2", "--json").stdout)
    assert [row["id"] for row in newest["rows"]] == [6, 7]
    assert newest["left_out"] == 5
    assert json.loads(run(books, "audit", "--since", "2026-12-24", "--json").stdout)["rows"] == []


def test_an_unknown_run_and_an_id_without_its_kind_are_usage_errors(books: Books) -> None:
    month(books)
    assert "There was no run 'x'" in run(books, "audit", "--run", "x").output
    assert run(books, "audit", "--id", "1").exit_code == 2


def test_verify_says_that_the_audit_is_intact_and_notices_a_changed_row(books: Books) -> None:
    month(books)
    assert "The audit is intact: 7 rows" in run(books, "audit", "--verify").output
    with sqlite3.connect(books.path) as file:
        file.execute("DROP TRIGGER audit_is_never_changed")
        file.execute("UPDATE audit SET source_id = '999' WHERE id = 3")
    file.close()
    done = run(books, "audit", "--verify")
    assert done.exit_code == 2
    assert "row 3 is not as it was written" in done.output


def test_names_from_outside_cannot_steer_the_terminal(books: Books) -> None:
    def attack(state: State) -> None:
        books.start(state)
        row = in_unit(9, "1.00", "x")
        row["customer"] = {"id": 5, "name": "Evil \x1b[2J[red]"}
        books.hold(state, "invoices", row, BLOCKED)

    books.change(attack)
    for words in (("trace", "invoice", "9"), ("held",), ("replay", "--dry-run")):
        output = run(books, *words).output
        assert "\x1b" not in output
        assert "[red]" in output


def test_a_second_invoice_leaves_no_trace_in_the_life_of_the_first(books: Books) -> None:
    month(books)

    def more(state: State) -> None:
        books.start(state)
        post_invoice(books, state, invoice(30, "7.00"), number="103099")

    books.change(more)
    document = json.loads(run(books, "trace", "invoice", "1", "--json").stdout)
    assert all(write["source_id"] == "1" for write in document["writes"])
    assert "103099" not in json.dumps(document)
