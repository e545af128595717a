"""The running totals are the sums of the records, whatever happened to these, and no run has to count them."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from state_samples import NO_ACCOUNT, SEEN, incoming, intent, store

from stsync.errors import StateError
from stsync.state import Done, State, Total
from stsync.state.totals import counted, units

KINDS = ("invoices", "payments")
IDS = tuple("1234567")
records = st.tuples(st.sampled_from(KINDS), st.sampled_from(IDS))
amounts = st.none() | st.decimals(
    min_value=-(10**10), max_value=10**10, allow_nan=False, allow_infinity=False
) | st.decimals(min_value=-1000, max_value=1000, places=2)  # fmt: skip
changes = st.one_of(
    st.tuples(st.just("arrives"), records, st.integers(0, 2)),
    st.tuples(st.just("noted"), records, amounts),
    st.tuples(
        st.sampled_from(["posted", "draft", "held", "waits", "refused", "aside", "reopened", "replayed"]), records
    ),
    st.tuples(st.sampled_from(["drafts reopened", "everything replayed", "undone"])),
)


class Undone(Exception):
    """Takes back a transaction."""


def new_state() -> State:
    return State.open_scratch("there-is-no-such-file.db")


@settings(deadline=None)
@given(st.lists(changes, max_size=30))
def test_running_totals_are_those_of_a_full_count_after_any_changes(played: list[tuple]) -> None:
    state = new_state()
    for change in played:
        play(state, *change)
        assert state.inbox.counts() == counted(state._database)
    state.check()
    state.close()


def play(state: State, what: str, record: tuple[str, str] = ("", ""), value: object = None) -> None:
    kind, source_id = record
    if what == "arrives":
        state.inbox.store(kind, [incoming(source_id, memo=value)], feed=None, token=None, seen_at=SEEN)
    elif what == "undone":
        with suppress(Undone), state.transaction():
            state.inbox.store("invoices", [incoming("8")], feed=None, token=None, seen_at=SEEN)
            state.inbox.replay(states=("settled",))
            raise Undone
    elif what == "drafts reopened":
        state.inbox.reopen_outcomes(("draft",))
    elif what == "everything replayed":
        state.inbox.replay()
    elif state.inbox.find(kind, source_id):
        _PLAY[what](state, kind, source_id, value)


_PLAY = {
    "noted": lambda state, kind, one, amount: state.inbox.describe(
        kind, one, number=one, amount=amount, name=None, on=None
    ),
    "posted": lambda state, kind, one, _: state.inbox.settle(kind, one, "posted", run_id="r"),
    "draft": lambda state, kind, one, _: state.inbox.settle(kind, one, "draft", run_id="r", content_hash="older"),
    "held": lambda state, kind, one, _: state.inbox.hold(kind, one, NO_ACCOUNT, "r"),
    "waits": lambda state, kind, one, _: state.inbox.wait(kind, one, NO_ACCOUNT, "r"),
    "refused": lambda state, kind, one, _: state.inbox.refuse(kind, one, NO_ACCOUNT, limit=2, run_id="r"),
    "aside": lambda state, kind, one, _: state.inbox.set_aside(kind, [one], "known"),
    "reopened": lambda state, kind, one, _: state.inbox.reopen(kind, [one]),
    "replayed": lambda state, kind, one, _: state.inbox.replay(kind=kind, source_id=one),
}


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (Decimal("12.50"), 125_000),
        (Decimal("-0.0001"), -1),
        (Decimal("1E+3"), 10_000_000),
        (Decimal("100000000"), 10**12),
        (Decimal("100000000.01"), None),
        (Decimal("0.00001"), None),
        (Decimal("12.3400000000000000000000000000000001"), None),
        (None, None),
    ],
)
def test_an_amount_is_whole_ten_thousandths_or_none(amount: Decimal | None, expected: int | None) -> None:
    assert units(amount) == expected


def test_amounts_that_no_whole_number_holds_are_added_digit_for_digit(state: State) -> None:
    store(state, *(incoming(one) for one in "123"), kind="invoices")
    for one, amount in (("1", "0.00001"), ("2", "99999999999999999.99"), ("3", "12.50")):
        state.inbox.describe("invoices", one, number=one, amount=Decimal(amount), name=None, on=None)
    assert state.inbox.counts() == {("invoices", "pending", None): Total(3, Decimal("100000000000000012.49001"))}


def test_nine_million_of_the_largest_amounts_stay_a_whole_number() -> None:
    assert (units(Decimal(100_000_000)) or 0) * 9_000_000 < 2**63


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE totals SET records = records + 1",
        "UPDATE totals SET units = units - 1",
        "DELETE FROM totals",
        "UPDATE inbox SET amount = '99.99'",
    ],
)
def test_a_sum_that_another_program_changed_is_found(state: State, sql: str) -> None:
    store(state, incoming(), kind="invoices")
    state.inbox.describe("invoices", "7", number="7", amount=Decimal("12.50"), name=None, on=None)
    state._database.execute(sql)
    with pytest.raises(StateError) as told:
        state.check()
    assert told.value.reference == "state-totals-wrong"


def test_a_record_that_another_program_moves_is_counted_where_it_is(path: Path, state: State) -> None:
    store(state, incoming(), kind="invoices")
    state._database.execute("UPDATE inbox SET state = 'dead'")
    assert state.inbox.counts() == {("invoices", "dead", None): Total(1, Decimal(0))}
    state._database.execute("DELETE FROM inbox")
    assert state.inbox.counts() == {}
    assert state.check() == 0


writes = st.tuples(st.sampled_from(["create", "post", "post:2", "adopt", "tell"]), st.sampled_from("123"))


@settings(deadline=None)
@given(st.lists(writes | st.just(("ask", "")), max_size=25))
def test_what_servicetitan_was_not_told_is_known_at_any_moment(played: list[tuple[str, str]]) -> None:
    """The work list against the whole ledger, read from the beginning."""
    state = new_state()
    for what, one in played:
        if what == "ask":
            assert set(state.ledger.untold("invoices", "write_backs", "invoice-")) == never_told(state)
            continue
        key = f"write_backs:invoice-{one}:mark" if what == "tell" else f"invoices:{one}:{what}"
        # A mark is written anew each time, as the engine does by its revision.
        key += f":{sum(1 for _ in state.ledger.links('write_backs'))}" if what == "tell" else ""
        state.ledger.intend([intent(key)], "r")
        state.ledger.done(Done(key, "t", detail={"posted": True} if what == "adopt" else {}), run_id="r")
    assert set(state.ledger.untold("invoices", "write_backs", "invoice-")) == never_told(state)
    state.close()


def never_told(state: State) -> set[str]:
    rows = state._database.select(
        "SELECT source_id, max(id) FROM ledger WHERE stage = 'invoices' AND state = 'done' AND verb IN ('post', 'adopt')"
        " GROUP BY source_id"
    )
    told = dict(
        state._database.select(
            "SELECT source_id, max(id) FROM ledger WHERE stage = 'write_backs' AND state = 'done' GROUP BY source_id"
        )
    )
    return {one for one, last in rows if last > told.get(f"invoice-{one}", 0)}
