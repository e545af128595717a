"""One row per foreign write, sealed in the audit in the same commit."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest
from state_samples import SEEN, incoming, intent, store

from stsync.core.reasons import Reason
from stsync.errors import ExitCode, StateError, StsyncError
from stsync.state import Done, LedgerRow, State, Total

KEY = "invoices:7:create"
REFUSED = Reason("bc-refused", "BC does not take it.", "Open the period.", "Posting Date is not within your range")


def found(state: State, key: str = KEY) -> LedgerRow:
    row = state.ledger.find(key)
    assert row is not None
    return row


def events(state: State) -> list[str]:
    return [row.event for row in state.audit.rows()]


def test_an_intent_is_durable_before_anything_is_sent(path: Path, state: State) -> None:
    state.ledger.intend([intent(), intent("invoices:8:create", amount=None)], "r1")
    with State.open(path) as other:
        assert [row.key for row in other.ledger.intended()] == [KEY, "invoices:8:create"]
        row = found(other)
        assert (row.state, row.run_id, str(row.amount), row.body, row.done_at) == (
            "intended",
            "r1",
            "12.50",
            "{}",
            None,
        )
        assert events(other) == ["intended", "intended"]


def test_an_intent_repeated_is_kept_once(state: State) -> None:
    state.ledger.intend([intent()], "r1")
    state.ledger.intend([intent(), intent()], "r2")
    assert found(state).run_id == "r1"
    assert events(state) == ["intended"]


def test_an_open_intent_with_other_content_carries_what_will_be_sent_now(state: State) -> None:
    state.ledger.intend([intent(digest="d1")], "r1")
    state.ledger.intend([intent(digest="d2")], "r2")
    assert (found(state).digest, found(state).run_id, found(state).state) == ("d2", "r2", "intended")
    assert [row.detail.get("instead_of") for row in state.audit.rows()] == [None, "d1"]


def test_done_keeps_what_the_books_answered(state: State) -> None:
    state.ledger.intend([intent()], "r1")
    state.ledger.done(Done(KEY, "guid", "S-ORD1001", {"total": Decimal("12.50")}), run_id="r2", request_id="req-1")
    row = found(state)
    assert (row.state, row.target_id, row.target_number) == ("done", "guid", "S-ORD1001")
    assert (row.run_id, row.request_id, str(row.detail["total"])) == ("r2", "req-1", "12.50")
    assert row.done_at is not None
    assert row.done_at > row.intended_at
    last = next(iter(state.audit.rows(event="done")))
    assert (last.detail["request_id"], last.detail["target_number"], last.run_id) == ("req-1", "S-ORD1001", "r2")


def test_many_are_done_in_one_commit_each_with_its_own_request(path: Path, state: State) -> None:
    keys = [f"invoices:{number}:create" for number in range(5)]
    state.ledger.intend([intent(key) for key in keys], "r")
    answered = [Done(key, key, None, request_id=f"part-{key}") for key in keys[1:]]
    with pytest.raises(StsyncError):
        state.ledger.done([*answered, Done("invoices:404:create")], run_id="r", request_id="batch")
    with State.open(path) as other:
        assert len(list(other.ledger.intended())) == 5
    state.ledger.done([Done(keys[0]), *answered], run_id="r", request_id="batch")
    rows = state.ledger.find_many([*keys, "invoices:404:create"])
    assert [rows[key].request_id for key in keys] == ["batch", *(f"part-{key}" for key in keys[1:])]
    assert list(state.ledger.intended()) == []


def test_a_done_operation_intended_again_stays_done(state: State) -> None:
    state.ledger.intend([intent()], "r1")
    state.ledger.done(KEY, run_id="r1")
    state.ledger.intend([intent()], "r2")
    assert found(state).state == "done"
    assert events(state) == ["intended", "done"]


def test_a_done_operation_with_other_content_stops_the_run_and_none_of_its_page_is_intended(state: State) -> None:
    state.ledger.intend([intent()], "r1")
    state.ledger.done(KEY, run_id="r1")
    with pytest.raises(StsyncError) as told:
        state.ledger.intend([intent("invoices:8:create"), intent(digest="d2")], "r2")
    assert (told.value.reference, told.value.exit_code) == ("ledger-bug", ExitCode.BUG)
    assert state.ledger.find("invoices:8:create") is None
    assert events(state) == ["intended", "done"]


def test_done_twice_is_once_and_another_target_is_a_bug(state: State) -> None:
    state.ledger.intend([intent()], "r")
    state.ledger.done(Done(KEY, "guid-1"), run_id="r")
    state.ledger.done([Done(KEY, "guid-1")], run_id="r")
    with pytest.raises(StsyncError, match="guid-1"):
        state.ledger.done(Done(KEY, "guid-2"), run_id="r")
    assert events(state) == ["intended", "done"]


def test_a_refused_operation_keeps_the_vendors_words_and_can_be_intended_again(state: State) -> None:
    state.ledger.intend([intent()], "r1")
    state.ledger.refused(KEY, REFUSED, run_id="r1", request_id="req")
    assert (found(state).state, found(state).reason, found(state).request_id) == ("refused", REFUSED, "req")
    assert next(iter(state.audit.rows(event="refused"))).detail["reason"]["note"] == REFUSED.note
    state.ledger.intend([intent(digest="d2")], "r2")
    row = found(state)
    assert (row.state, row.reason, row.request_id, row.digest) == ("intended", None, None, "d2")


def test_a_refused_operation_intended_again_with_the_same_content_is_open_again(state: State) -> None:
    state.ledger.intend([intent()], "r1")
    state.ledger.refused(KEY, REFUSED, run_id="r1")
    state.ledger.intend([intent()], "r2")
    assert found(state).state == "intended"


def test_an_intent_surely_not_carried_out_is_forgotten_but_not_by_the_audit(state: State) -> None:
    state.ledger.intend([intent()], "r1")
    state.ledger.forget(KEY, run_id="r2")
    assert state.ledger.find(KEY) is None
    assert [(row.event, row.run_id) for row in state.audit.rows()] == [("intended", "r1"), ("forgotten", "r2")]


def test_what_is_done_is_neither_refused_nor_forgotten(state: State) -> None:
    state.ledger.intend([intent()], "r")
    state.ledger.done(KEY, run_id="r")
    with pytest.raises(StsyncError):
        state.ledger.refused(KEY, REFUSED, run_id="r")
    with pytest.raises(StsyncError):
        state.ledger.forget(KEY)
    with pytest.raises(StsyncError):
        state.ledger.done("invoices:404:create", run_id="r")
    assert found(state).state == "done"


def test_the_outbox_can_be_emptied_while_it_is_read(state: State) -> None:
    state.ledger.intend([intent(f"invoices:{number}:create") for number in range(1100)], "r")
    seen = 0
    for row in state.ledger.intended():
        state.ledger.done(row.key, run_id="r")
        seen += 1
    assert seen == 1100
    assert sum(1 for _ in state.ledger.links("invoices")) == 1100
    assert list(state.ledger.links("payments")) == []


def test_the_writes_of_one_record_are_told_in_their_order(state: State) -> None:
    keys = ["invoices:7:create", "invoices:7:update:3f2a9c", "invoices:7:post"]
    for key in keys:
        state.ledger.intend([intent(key), intent("payments:7:create")], "r")
    assert [row.key for row in state.ledger.by_source("invoices", "7")] == keys


def test_lanes_of_one_run_can_write_at_the_same_time(state: State) -> None:
    def lane(name: int) -> None:
        for number in range(30):
            key = f"invoices:{name}-{number}:create"
            state.ledger.intend([intent(key)], "r")
            state.ledger.done(Done(key, "t"), run_id="r")

    lanes = [threading.Thread(target=lane, args=(name,)) for name in range(4)]
    for thread in lanes:
        thread.start()
    for thread in lanes:
        thread.join()
    assert sum(1 for _ in state.ledger.links("invoices")) == 120
    assert state.audit.verify() == 240


def test_lanes_may_use_everything_at_once_and_the_audit_stays_one_chain(path: Path, state: State) -> None:
    """Readers, settlers, writers and the requests' trail, all on one connection."""
    store(state, *(incoming(str(number)) for number in range(120)), kind="invoices")
    troubles: list[BaseException] = []

    def lane(name: int) -> None:
        try:
            for number in range(name, 120, 4):
                key = f"invoices:{number}:create"
                state.ledger.intend([intent(key)], "r")
                state.audit.append_later("sent", run_id="r", detail={"lane": name, "number": number})
                with suppress(ZeroDivisionError), state.transaction():
                    state.inbox.settle("invoices", str(number), "draft", run_id="r")
                    state.audit.append("undone", run_id="r", detail={})
                    raise ZeroDivisionError
                with state.transaction():
                    state.ledger.done(Done(key, "t"), run_id="r")
                    state.inbox.settle("invoices", str(number), "posted", run_id="r")
                assert state.inbox.find_many("invoices", [str(number)])[str(number)].outcome == "posted"
                state.inbox.counts()
        except BaseException as error:
            troubles.append(error)

    lanes = [threading.Thread(target=lane, args=(name,)) for name in range(4)]
    for thread in lanes:
        thread.start()
    for thread in lanes:
        thread.join()
    state.audit.flush()
    assert troubles == []
    assert state.inbox.counts() == {("invoices", "settled", "posted"): Total(120, Decimal(0))}
    with State.open(path) as other:
        events = Counter(row.event for row in other.audit.rows())
        assert (events["intended"], events["done"]) == (120, 120)
        assert other.check() == sum(events.values())


def test_what_is_put_off_comes_with_the_next_row_before_it_and_in_its_commit(path: Path, state: State) -> None:
    state.audit.append_later("sent", run_id="r", detail={"n": 1})
    assert state.audit.end() == (0, b"")
    state.ledger.intend([intent()], "r")
    with State.open(path) as other:
        assert [row.event for row in other.audit.rows()] == ["sent", "intended"]
        assert other.audit.verify() == 2


@pytest.mark.parametrize("ends", ["the run", "the file"])
def test_what_was_put_off_last_is_written_when_it_ends(path: Path, state: State, ends: str) -> None:
    run_id = state.runs.start("sync", stages=(), dry_run=False, pid=1, host="h", user="u")
    state.audit.append_later("sent", run_id=run_id, detail={"n": 1})
    if ends == "the run":
        state.runs.finish(run_id, 0, {})
    else:
        state.close()
    with State.open(path) as other:
        assert [row.event for row in other.audit.rows()] == ["sent"]
        assert other.audit.verify() == 1


def test_the_end_of_the_audit_is_never_remembered_wrongly(path: Path, state: State) -> None:
    """Within a transaction it is known from the row before; not across an undone step, and not beside another program."""
    with state.transaction():
        filled(state)
        with suppress(ZeroDivisionError), state.transaction():
            state.audit.append("undone", run_id="r", detail={})
            raise ZeroDivisionError
        filled(state)
    with State.open(path) as other:
        filled(other)
    filled(state)
    assert state.audit.verify() == 20


def filled(state: State) -> State:
    for number in range(1, 6):
        state.audit.append("tested", run_id=f"r{number % 2}", stage="s", source_id=str(number), detail={"n": number})
    return state


def test_the_audit_is_told_by_any_filter(state: State) -> None:
    filled(state)
    assert [row.detail for row in state.audit.rows(stage="s", source_id="2")] == [{"n": 2}]
    assert len(list(state.audit.rows(since=SEEN))) == 5
    assert list(state.audit.rows(event="untold")) == []


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit SET event = 'x' WHERE id = 3",
        "DELETE FROM audit WHERE id = 3",
        "DELETE FROM audit",
        "INSERT OR REPLACE INTO audit SELECT * FROM audit WHERE id = 3",
    ],
)
def test_the_file_itself_refuses_to_change_the_audit(state: State, sql: str) -> None:
    import sqlite3

    filled(state)
    with pytest.raises(sqlite3.IntegrityError, match="the audit is never"):
        state._database.execute(sql)
    assert state.audit.verify() == 5


@pytest.mark.parametrize(
    ("sql", "row"),
    [
        ("UPDATE audit SET detail = x'00' WHERE id = 3", 3),
        ("UPDATE audit SET detail = (SELECT detail FROM audit WHERE id = 4) WHERE id = 3", 3),
        ("UPDATE audit SET at = '2026-11-22T16:25:59.000000Z' WHERE id = 1", 1),
        ("UPDATE audit SET source_id = '9' WHERE id = 5", 5),
        ("UPDATE audit SET event = 'x' WHERE id = 2", 2),
        ("UPDATE audit SET stage = 'x' WHERE id = 3", 3),
        ("UPDATE audit SET run_id = 'x' WHERE id = 4", 4),
        ("UPDATE audit SET id = 1000 WHERE id = 5", 5),
        ("DELETE FROM audit WHERE id = 2", 2),
        ("DELETE FROM audit WHERE id = 1", 1),
        ("UPDATE audit SET hash = x'00' WHERE id = 4", 4),
    ],
)
def test_a_change_behind_the_triggers_is_found_at_its_row(state: State, sql: str, row: int) -> None:
    filled(state)
    without_triggers(state)
    state._database.execute(sql)
    with pytest.raises(StateError, match=f"row {row} ") as told:
        state.audit.verify()
    assert (told.value.reference, told.value.context["row"]) == ("audit-changed", str(row))


def test_rows_cut_off_at_the_end_are_missed(state: State) -> None:
    run_id = state.runs.start("sync", stages=(), dry_run=False, pid=1, host="h", user="u")
    filled(state)
    state.runs.finish(run_id, 0, {})
    assert state.audit.verify() == 5
    without_triggers(state)
    state._database.execute("DELETE FROM audit WHERE id >= 4")
    with pytest.raises(StateError, match="cut off"):
        state.audit.verify()
    filled(state)
    with pytest.raises(StateError, match="row 5 "):
        state.audit.verify()


def without_triggers(state: State) -> None:
    for name in ("audit_is_never_changed", "audit_is_never_shortened", "audit_is_never_replaced"):
        state._database.execute(f"DROP TRIGGER {name}")


def test_an_empty_audit_is_sound(state: State) -> None:
    assert state.audit.verify() == 0
