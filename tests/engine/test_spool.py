"""The plan of a run on disk: what comes back is what was put there, and nothing is left of it."""

from __future__ import annotations

import errno
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from stsync.core.operations import Operation, Verb
from stsync.core.plan import About, Decision, Plan, Standing, act, hold
from stsync.core.reasons import Reason
from stsync.engine.planning import Drawn
from stsync.engine.spool import Spool
from stsync.errors import StateError

JOURNAL = Operation("journals:CARD:create", "payments", "CARD", Verb.CREATE, "customerPaymentJournals", "CARD", "new")


def paid(number: int) -> Decision:
    write = Operation(
        *(
            f"payments:{number}:create:1",
            "payments",
            str(number),
            Verb.CREATE,
            "customerPayments",
            f"ST-P{number}",
            "new",
        ),
        amount=Decimal(10),
        body={"amount": Decimal("-10.00")},
    )
    return act("payments", str(number), About(str(number)), [write], outcome="posted")


def drawn(*numbers: int) -> Drawn:
    posting = Operation(
        *(f"payments:CARD:post:{numbers[0]}", "payments", "CARD", Verb.POST, "journals", "CARD", "post"),
        facts={"numbers": tuple(f"ST-P{one}" for one in numbers)},
    )
    return Drawn(Plan(tuple(map(paid, numbers)), (JOURNAL,), (posting,)), {("payments", str(numbers[0])): "hash"})


@pytest.fixture
def on_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr("stsync.engine.spool._IN_MEMORY", 10)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_portions_come_back_as_they_were_in_their_order_as_often_as_wanted(on_disk: Path) -> None:
    with Spool() as spool:
        kept = [drawn(1, 2), drawn(3)]
        for one in kept:
            spool.add(one)
        assert list(spool.portions()) == list(spool.portions()) == kept
        assert [one.source_id for one in spool.decisions] == ["1", "2", "3"]
        assert len(spool.decisions) == 3
        assert spool.of("payments", Standing.HOLD) == []


def test_a_journal_that_two_portions_need_is_counted_and_shown_once() -> None:
    with Spool() as spool:
        spool.add(drawn(1, 2))
        spool.add(drawn(3))
        assert [one.key for one in spool.operations()].count(JOURNAL.key) == 1
        assert (spool.load.documents, spool.load.amount) == (4, Decimal(30))


def test_the_digest_does_not_tell_how_a_plan_was_cut() -> None:
    with Spool() as one, Spool() as two:
        one.add(drawn(1, 2, 3))
        two.add(drawn(3))
        two.add(drawn(1, 2))
        assert one.digest == two.digest == drawn(1, 2, 3).plan.digest
        two.add(drawn(4))
        assert one.digest != two.digest


def test_what_decides_nothing_is_not_kept() -> None:
    with Spool() as spool:
        spool.add(Drawn(Plan(()), {}))
        assert not spool.decisions
        assert list(spool.portions()) == []
        spool.add(Drawn(Plan((hold("invoices", "1", About(), Reason("a", "b")),)), {}))
        assert spool.decisions


@pytest.mark.skipif(os.name != "posix", reason="elsewhere an open file has a name")
def test_the_file_has_no_name_and_is_gone_with_the_run(on_disk: Path) -> None:
    spool = Spool()
    spool.add(drawn(1))
    assert list(on_disk.iterdir()) == []
    file = spool._file
    del spool
    assert file.closed


def test_a_full_disk_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("stsync.engine.spool.pickle.dump", full)
    with Spool() as spool, pytest.raises(StateError, match="Nothing was sent") as said:
        spool.add(drawn(1))
    assert said.value.reference == "plan-does-not-fit"
