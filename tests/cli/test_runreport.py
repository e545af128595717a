"""What a run came to, as people read it: counted nouns, drafts, and the company beside every alarm."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from stsync.cli import console
from stsync.cli.console import counted
from stsync.cli.runreport import report
from stsync.core.operations import Operation, Verb
from stsync.core.plan import About, Decision, Plan, act, hold
from stsync.core.reasons import Reason
from stsync.engine.run import Result
from stsync.state import Total

BANNER = "ServiceTitan INTEGRATION tenant 1  ->  Business Central SANDBOX 'sandbox', company CRONUS"
HELD = hold(
    "invoices", "4", About("14", "Baker, Ann", None, Decimal(200)), Reason("mapping-missing", "Not mapped yet.")
)
CREATE = Operation(
    key="payments:21:create:1",
    stage="payments",
    source_id="21",
    verb=Verb.CREATE,
    entity="customerPayments",
    natural_key="ST-P21",
    why="new",
)


@pytest.fixture(autouse=True)
def plain() -> Iterator[None]:
    console.OUTPUT.json = console.OUTPUT.quiet = False
    yield
    console.OUTPUT.json = console.OUTPUT.quiet = False


def result(*decisions: Decision, dry_run: bool = False, **more: object) -> Result:
    standing = {("invoices", "held", None): Total(1, Decimal(200))} if HELD in decisions else {}
    known = {"carried": {}, "taken_on": {}, "counts": standing, "requests": 1, "seconds": 0.5, **more}
    return Result(run_id="r1", plan=Plan(decisions), dry_run=dry_run, **known)  # type: ignore[arg-type]


def test_one_is_counted_as_one_and_two_as_two() -> None:
    assert [counted(number, "write") for number in (0, 1, 2, 1200)] == [
        "0 writes",
        "1 write",
        "2 writes",
        "1,200 writes",
    ]
    assert counted(2, "entry", "entries") == "2 entries"


@pytest.mark.parametrize(
    ("taken_on", "said"),
    [
        (
            {"pricebook": 275},
            "275 items were in the target system already and were taken on; nothing was sent for them.",
        ),
        ({"payments": 1}, "1 payment was in the target system already and was taken on; nothing was sent for it."),
    ],
)
def test_what_was_taken_on_is_named_as_people_name_it(
    taken_on: dict[str, int], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    report(result(taken_on=taken_on), BANNER)
    assert said in capsys.readouterr().out


def test_a_single_write_request_and_held_record_are_no_plural(capsys: pytest.CaptureFixture[str]) -> None:
    decision = act("payments", "21", About("P21", "Baker, Ann", None, Decimal(120)), [CREATE], outcome="posted")
    report(result(decision, dry_run=True), BANNER)
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert "payments: 1 write" in lines
    report(result(HELD), BANNER)
    said = capsys.readouterr().out
    assert "Held: a person has to look (1 record)" in said
    assert "1 record is held and 0 were refused for good" in said
    assert "1 request in 0.5 s" in said


def test_quiet_names_the_company_before_what_is_held(capsys: pytest.CaptureFixture[str]) -> None:
    console.OUTPUT.quiet = True
    report(result(HELD), BANNER)
    assert capsys.readouterr().out.splitlines()[0] == BANNER


def test_quiet_says_nothing_when_nothing_needs_a_person(capsys: pytest.CaptureFixture[str]) -> None:
    console.OUTPUT.quiet = True
    report(result(), BANNER)
    assert capsys.readouterr().out == ""


def test_what_is_left_for_a_person_to_post_is_said_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    counts = {
        ("invoices", "settled", "draft"): Total(2, Decimal(20)),
        ("payments", "settled", "draft"): Total(1, Decimal(5)),
    }
    report(result(counts=counts), BANNER)
    assert "3 documents are left in Business Central for a person to post." in capsys.readouterr().out
