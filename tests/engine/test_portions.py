"""A backlog in portions: the decisions of planning everything at once, a run as before, and a memory that stays."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from office import Office

from stsync.cli import console
from stsync.cli.runreport import report
from stsync.core.plan import Decision, Standing, digest_of
from stsync.engine import portions
from stsync.engine.apply.journals import Journals
from stsync.engine.credit_memos import read_credit_memos
from stsync.engine.planning import Planner
from stsync.engine.read import read_feeds
from stsync.engine.run import now
from stsync.engine.scope import Scope
from stsync.engine.settings import settings
from stsync.errors import GuardError
from stsync.sandbox.tieout import tie_out
from stsync.state import State
from stsync.wiring import wire

EVERYTHING = 10**6


def planned(office: Office, size: int) -> tuple[list[list[Decision]], str]:
    """The decisions of each portion, planned on a copy of the state as it is after reading; and the digest of the plan."""
    wiring, scope = wire(office.config), Scope()
    systems = wiring.systems(read_only=True, on_exchange=lambda _: None)
    with State.open_scratch(office.state_file) as state:
        go_live = wiring.config.go_live
        read_feeds(systems.servicetitan, state, scope, go_live=go_live, now=now, progress=lambda *_: None)
        read_credit_memos(systems.servicetitan, state, scope, go_live=go_live, now=now, progress=lambda *_: None)
        choices = settings(wiring.config, wiring.choices)
        planner = Planner(wiring.config, choices, state, systems, scope, now, lambda _: None)
        drawn = list(planner.portions(size))
    operations = {one.key: one for each in drawn for one in each.plan.operations()}
    assert sum(len(list(each.plan.operations())) for each in drawn) - len(operations) <= len(drawn) * 6
    return [list(one.plan.decisions) for one in drawn], digest_of(operations.values())


def by_record(portions_: list[list[Decision]]) -> dict[tuple[str, str], Decision]:
    found = {(one.kind, one.source_id): one for part in portions_ for one in part}
    assert len(found) == sum(map(len, portions_)), "a record is decided about in two portions"
    return found


@pytest.mark.parametrize("size", [1, 50])
def test_a_portion_is_decided_as_if_everything_were_planned_at_once(month: Office, size: int) -> None:
    whole, digest = planned(month, EVERYTHING)
    cut, digest_of_cut = planned(month, size)
    assert len(cut) > 5 * len(whole)
    assert by_record(cut) == by_record(whole)
    assert digest_of_cut == digest


def test_a_run_in_portions_leaves_the_books_of_any_other_run(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portions, "SIZE", 25)
    preview = office.run(dry_run=True)
    done = office.run()
    assert done.plan.digest == preview.plan.digest
    assert [one.key for one in done.plan.operations()] == [one.key for one in preview.plan.operations()]
    postings = [one.key for one in done.plan.operations() if one.verb == "post" and one.entity == "journals"]
    assert len(postings) > 6
    assert len(postings) == len(set(postings)), "two postings of a run bear one key"
    assert tie_out(office.world).exact
    office.world.sandbox.log.clear()
    assert not office.run().carried
    assert office.writes() == []


class Killed(BaseException):
    """The process ends between the lines and their posting."""


def killed_when_full(journals: Journals, body: dict[str, Any], journal: str, parent: str) -> Any:
    if len(journals.lines(journal)) > 10:
        raise Killed
    return _POST(journals, body, journal, parent)


_POST = Journals.post


def test_lines_of_many_customers_left_in_a_journal_are_posted_together_by_the_next_run(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as crash:
        crash.setattr(Journals, "post", killed_when_full)
        with pytest.raises(Killed):
            office.run()
    lines = office.world.company.journal_lines
    (journal, _), *_ = Counter(line.batch_id for line in lines).most_common()
    standing = {line.document_number for line in lines if line.batch_id == journal}
    assert len(standing) > 10
    monkeypatch.setattr(portions, "SIZE", 5)
    done = office.run()
    first = next(one for one in done.plan.operations() if standing & set(one.facts.get("numbers", ())))
    assert standing <= set(first.facts["numbers"])
    customers = {office.world.tenant.payments[int(one)]["customer"]["id"] for one in first.facts["payments"]}
    assert len(customers) > 5
    assert all(office.gl(number, "Payment") for number in standing)
    assert tie_out(office.world).exact


def test_a_limit_goes_from_portion_to_portion(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portions, "SIZE", 10)
    preview = office.run("invoices", dry_run=True, limit=7)
    acting = Counter(one.kind for one in preview.plan.decisions if one.standing == Standing.ACT)
    assert acting["invoices"] == 7
    assert office.run("invoices", limit=7).carried["invoices"][0] == 7


def test_the_guard_judges_the_portions_together(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portions, "SIZE", 10)
    with office.config.open("a", encoding="utf-8") as config:
        config.write("limits:\n  documents_per_run: 60\n")
    with pytest.raises(GuardError, match="would carry"):
        office.run()
    assert office.writes() == []


def said(office: Office, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What a preview prints."""
    result = office.run(dry_run=True)
    capsys.readouterr()
    console.OUTPUT.json = "--json" in words
    report(
        replace(result, run_id="", requests=0, seconds=0),
        "ServiceTitan  ->  Business Central",
        everything="--all" in words,
    )
    console.OUTPUT.json = False
    result.close()
    return capsys.readouterr().out


def test_a_preview_says_the_same_however_it_was_cut(
    office: Office, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, machine = said(office, capsys), json.loads(said(office, capsys, "--json"))
    monkeypatch.setattr(portions, "SIZE", 10)
    cut, machine_cut = said(office, capsys), json.loads(said(office, capsys, "--json"))
    assert tables(cut) == tables(whole)
    assert machine_cut["plan"]["digest"] == machine["plan"]["digest"]
    assert records(machine_cut) == records(machine)


def tables(text: str) -> list[str]:
    """The table of sums and the causes; which writes are listed as the first ten depends on their order."""
    return [line for line in text.splitlines() if " hold" not in line and line.strip()][:8]


def records(document: dict[str, Any]) -> list[str]:
    return sorted(json.dumps(one, sort_keys=True) for one in document["plan"]["records"])
