"""Records as feeds bring them, and where each of them stands."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from state_samples import NO_ACCOUNT, SEEN, Clock, child, incoming, kill, store, wait_until_ready

from stsync.core.reasons import Reason
from stsync.errors import ExitCode, StsyncError
from stsync.state import InboxRow, Incoming, State, Total

ALL = ("pending", "waiting", "held", "dead", "settled")


def found(state: State, source_id: str = "7") -> InboxRow:
    row = state.inbox.find("invoice", source_id)
    assert row is not None
    return row


def test_a_new_record_is_pending_and_its_content_exact(state: State) -> None:
    assert store(state, incoming(total=Decimal("12345678901234567.890"), tax="0.10")) == (1, 0, 0, 0)
    row = found(state)
    assert (row.state, row.attempts, row.reason, row.outcome) == ("pending", 0, None, None)
    assert str(row.content["total"]) == "12345678901234567.890"
    assert row.content["tax"] == "0.10"
    assert row.first_seen_at == row.changed_at == row.last_seen_at == SEEN


def test_a_repeated_record_changes_nothing_but_when_it_was_last_seen(state: State) -> None:
    store(state, incoming())
    state.inbox.settle("invoice", "7", "posted", run_id="r")
    before = found(state)
    later = SEEN + timedelta(hours=1)
    stored = state.inbox.store("invoice", [incoming()], feed=None, token=None, seen_at=later)
    assert stored[:4] == (0, 0, 1, 0)
    after = found(state)
    assert after.last_seen_at == later
    assert (after.state, after.changed_at, after.hash) == (before.state, before.changed_at, before.hash)
    assert len(state.inbox.versions("invoice", "7")) == 1


def test_a_changed_record_is_pending_again_and_every_version_is_kept(state: State) -> None:
    store(state, incoming(memo="one"))
    first = found(state).hash
    state.inbox.settle("invoice", "7", "posted", run_id="r")
    assert store(state, incoming(memo="two")) == (0, 1, 0, 0)
    row = found(state)
    assert (row.state, row.outcome, row.attempts) == ("pending", None, 0)
    store(state, incoming(memo="one"))
    versions = state.inbox.versions("invoice", "7")
    assert [version.content["memo"] for version in versions] == ["one", "two", "one"]
    assert versions[0].hash == versions[2].hash == first
    assert all(isinstance(version.content["total"], Decimal) for version in versions)


def test_a_refused_record_that_changes_gets_all_its_attempts_back(state: State) -> None:
    store(state, incoming())
    state.inbox.refuse("invoice", "7", NO_ACCOUNT, limit=1, run_id="r")
    store(state, incoming(memo="corrected"))
    assert (found(state).state, found(state).attempts, found(state).reason) == ("pending", 0, None)


def test_a_late_copy_does_not_undo_a_newer_one(state: State) -> None:
    store(state, incoming(modified_at="2026-11-02T10:00:00.1234567Z", memo="new"))
    for _ in range(2):
        assert store(state, incoming(modified_at="2026-11-02T09:59:59Z", memo="old")) == (0, 0, 0, 1)
    assert found(state).content["memo"] == "new"
    assert [version.content["memo"] for version in state.inbox.versions("invoice", "7")] == ["old", "new"]


@pytest.mark.parametrize("modified_at", [None, "soon", "2026-11-02T10:00:00"])
def test_a_time_that_says_nothing_certain_lets_the_later_arrival_win(state: State, modified_at: str | None) -> None:
    store(state, incoming(modified_at="2026-11-02T10:00:00Z", memo="first"))
    assert store(state, incoming(modified_at=modified_at, memo="second")) == (0, 1, 0, 0)
    assert found(state).content["memo"] == "second"


def test_a_page_that_holds_a_record_three_times_ends_with_the_last(state: State) -> None:
    assert store(state, incoming(memo="a"), incoming(memo="a"), incoming(memo="b")) == (1, 1, 1, 0)
    assert found(state).content["memo"] == "b"


def test_the_same_id_of_two_kinds_is_two_records(state: State) -> None:
    store(state, incoming(), kind="invoice")
    assert store(state, incoming(), kind="payment") == (1, 0, 0, 0)


def test_the_cursor_moves_with_the_rows(state: State) -> None:
    assert state.cursors.token("invoices") is None
    assert state.cursors.read_at("invoices") is None
    store(state, incoming(), token="page-2")
    assert state.cursors.token("invoices") == "page-2"
    assert state.cursors.read_at("invoices") == SEEN


def test_a_page_without_a_token_leaves_the_token_where_it_was(state: State) -> None:
    store(state, token="page-2")
    store(state, incoming(), token=None)
    assert state.cursors.token("invoices") == "page-2"


def test_a_page_that_cannot_be_written_down_moves_nothing(state: State) -> None:
    with pytest.raises(TypeError):
        store(state, incoming("1"), incoming("2", price=0.1), token="page-2")
    assert state.cursors.token("invoices") is None
    assert state.inbox.find("invoice", "1") is None


def test_cursors_can_be_listed_and_set(state: State) -> None:
    state.cursors.set("items", "t", SEEN)
    state.cursors.set("invoices", None, None)
    assert [tuple(cursor) for cursor in state.cursors.all()] == [("invoices", None, None), ("items", "t", SEEN)]


STORE_PAGES = """
import sys
from datetime import datetime, UTC
from stsync.state import State, Incoming
state = State.open(sys.argv[1])
for page in range(10_000):
    rows = [Incoming(str(page * 10 + n), None, {"id": page * 10 + n}) for n in range(10)]
    state.inbox.store("invoice", rows, feed="invoices", token=str(page), seen_at=datetime.now(UTC))
    if page == 5:
        print("ready", flush=True)
"""


def test_a_kill_between_pages_never_leaves_a_token_without_its_rows(path: Path) -> None:
    reader = child(STORE_PAGES, path)
    wait_until_ready(reader)
    kill(reader)
    with State.open(path) as state:
        token = state.cursors.token("invoices")
        assert token is not None
        assert int(token) >= 5
        assert sum(1 for _ in state.inbox.rows("invoice", ["pending"])) == (int(token) + 1) * 10


def test_rows_come_in_the_order_of_their_numbers_and_then_the_names(state: State) -> None:
    ids = [str(number) for number in range(1, 1300)] + ["0f-guid", "1a-guid", "9" * 30]
    shuffled = random.Random(7).sample(ids, len(ids))
    store(state, *(incoming(source_id) for source_id in shuffled))
    assert [row.source_id for row in state.inbox.rows("invoice", ["pending"])] == ids


def test_rows_can_be_decided_while_they_are_read(state: State) -> None:
    store(state, *(incoming(str(number)) for number in range(1100)))
    seen = []
    for row in state.inbox.rows("invoice", ["pending", "held"]):
        seen.append(row.source_id)
        state.inbox.hold("invoice", row.source_id, NO_ACCOUNT, "r")
    assert seen == [str(number) for number in range(1100)]


def test_rows_are_those_of_the_states_and_the_kind_asked_for(state: State) -> None:
    store(state, *(incoming(str(number)) for number in range(4)))
    store(state, incoming("9"), kind="payment")
    state.inbox.hold("invoice", "1", NO_ACCOUNT, "r")
    state.inbox.settle("invoice", "2", "posted", run_id="r")
    assert [row.source_id for row in state.inbox.rows("invoice", {"pending", "held"})] == ["0", "1", "3"]
    assert [row.source_id for row in state.inbox.rows("payment", ALL)] == ["9"]
    assert list(state.inbox.rows("invoice", [])) == []


def test_many_are_found_by_id_and_unknown_ones_are_left_out(state: State) -> None:
    store(state, *(incoming(str(number)) for number in range(1000)))
    wanted = [str(number) for number in range(500, 40_000)]
    assert set(state.inbox.find_many("invoice", wanted)) == {str(number) for number in range(500, 1000)}


def test_what_a_person_sees_is_exact(state: State) -> None:
    store(state, incoming())
    state.inbox.describe("invoice", "7", number="1007-2", amount=Decimal("10.10"), name="Ada \ud83d", on="2026-11-02")
    row = found(state)
    assert (row.number, str(row.amount), row.customer_name, row.on) == ("1007-2", "10.10", "Ada ?", "2026-11-02")


def test_money_as_a_float_is_refused(state: State) -> None:
    store(state, incoming())
    with pytest.raises(TypeError):
        state.inbox.describe("invoice", "7", number=None, amount=10.1, name=None, on=None)  # type: ignore[arg-type]


def test_a_settled_record_has_its_outcome_and_no_reason_any_more(state: State) -> None:
    store(state, incoming())
    state.inbox.hold("invoice", "7", NO_ACCOUNT, "r1")
    state.inbox.settle("invoice", "7", "posted", run_id="r2")
    row = found(state)
    assert (row.state, row.outcome, row.reason, row.run_id) == ("settled", "posted", None, "r2")


def test_a_change_that_arrives_between_plan_and_settlement_is_not_lost(state: State) -> None:
    store(state, incoming(memo="planned"))
    planned = found(state).hash
    store(state, incoming(memo="changed meanwhile"))
    state.inbox.settle("invoice", "7", "posted", run_id="r", content_hash=planned)
    row = found(state)
    assert (row.state, row.outcome) == ("pending", None)


def test_waiting_and_held_keep_the_reason_and_spend_no_attempt(state: State) -> None:
    store(state, incoming("1"), incoming("2"))
    reason = Reason("invoice-not-there-yet", "Waits for 1001.", "", "vendor \ud83d words")
    state.inbox.wait("invoice", "1", reason, "r")
    state.inbox.hold("invoice", "2", NO_ACCOUNT, "r")
    assert (found(state, "1").state, found(state, "1").reason, found(state, "1").attempts) == ("waiting", reason, 0)
    assert (found(state, "2").state, found(state, "2").reason, found(state, "2").attempts) == ("held", NO_ACCOUNT, 0)


def test_a_record_is_dead_at_the_limit_of_its_attempts_and_replay_revives_it(state: State) -> None:
    store(state, incoming())
    ends = [state.inbox.refuse("invoice", "7", NO_ACCOUNT, limit=3, run_id="r") for _ in range(3)]
    assert ends == ["held", "held", "dead"]
    assert (found(state).state, found(state).attempts) == ("dead", 3)
    assert state.inbox.replay() == 1
    assert (found(state).state, found(state).attempts, found(state).reason) == ("pending", 0, None)


def test_replay_takes_only_what_was_asked_for(state: State) -> None:
    store(state, *(incoming(str(number)) for number in range(5)))
    store(state, incoming("1"), kind="payment")
    for kind, source_id in (("invoice", "1"), ("invoice", "2"), ("payment", "1")):
        state.inbox.refuse(kind, source_id, NO_ACCOUNT, limit=1, run_id="r")
    state.inbox.hold("invoice", "3", NO_ACCOUNT, "r")
    state.inbox.settle("invoice", "4", "posted", run_id="r")
    assert state.inbox.replay(kind="invoice", source_id="1") == 1
    assert state.inbox.replay(kind="invoice", states=("dead",)) == 1
    assert state.inbox.replay() == 2
    assert found(state, "4").state == "settled"


def test_counts_add_money_exactly(state: State) -> None:
    store(state, *(incoming(str(number)) for number in range(4)))
    for number in range(3):
        state.inbox.describe("invoice", str(number), number=None, amount=Decimal("0.10"), name=None, on=None)
    state.inbox.settle("invoice", "0", "posted", run_id="r")
    assert state.inbox.counts() == {
        ("invoice", "pending", None): Total(3, Decimal("0.20")),
        ("invoice", "settled", "posted"): Total(1, Decimal("0.10")),
    }


def test_a_decision_on_a_record_we_never_read_is_a_bug(state: State) -> None:
    decisions = (
        lambda: state.inbox.settle("invoice", "404", "posted", run_id="r"),
        lambda: state.inbox.hold("invoice", "404", NO_ACCOUNT, "r"),
        lambda: state.inbox.refuse("invoice", "404", NO_ACCOUNT, limit=1, run_id="r"),
    )
    for decide in decisions:
        with pytest.raises(StsyncError) as told:
            decide()
        assert told.value.exit_code is ExitCode.BUG


def test_a_month_of_twenty_thousand_records_is_stored_in_seconds(state: State, clock: Clock) -> None:
    import time

    began = time.perf_counter()
    for page in range(0, 20_000, 500):
        rows = [
            Incoming(str(number), None, {"id": number, "total": Decimal("1.10")}) for number in range(page, page + 500)
        ]
        state.inbox.store("invoice", rows, feed="invoices", token=str(page), seen_at=clock())
    assert sum(1 for _ in state.inbox.rows("invoice", ["pending"])) == 20_000
    # A second or less on a quiet machine; the limit only catches a change of order of magnitude.
    assert time.perf_counter() - began < 15
