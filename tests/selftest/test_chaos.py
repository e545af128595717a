"""The sample of `make chaos` that every change is held to, and what holds the trials themselves to their word."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import signal
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from itertools import count, islice

import pytest
from sabotage import (
    attempt_with_a_client_that_does_not_look,
    attempt_with_a_client_that_simply_repeats,
    attempt_with_a_client_that_takes_silence_for_success,
)
from typer.testing import CliRunner

from stsync.cli.app import app
from stsync.cli.console import OUTPUT
from stsync.errors import ExitCode
from stsync.selftest import campaign as campaigns
from stsync.selftest.campaign import Figures, campaign
from stsync.selftest.places import COMMIT, LANES, Fault, Kill, Place, Work, kind_of, places, spread
from stsync.selftest.trial import Faultless, Verdict

SAMPLE = 220
needs_fork = pytest.mark.skipif(
    not hasattr(os, "fork"), reason="Windows cannot fork, and stsync selftest says so there"
)
WRITES = {
    *("customer create", "customer update", "invoice create", "invoice post", "credit memo create", "credit memo post"),
    *("payment journal create", "payment line", "journal post", "general journal create", "general journal line"),
    *("pricebook create", "pricebook patch", "invoice cancel", "mark invoices", "mark credit memos", "mark payments"),
}
# As a run sends them, some kinds more than once.
REQUESTS = ("read ServiceTitan", "$batch", "invoice create", "invoice create", "invoice post", "mark invoices")
FAULTLESS = (Faultless(Work.SYNC, REQUESTS, 4, 0, "", Counter(), Counter(), Counter()),)


@pytest.fixture(autouse=True)
def _spoken_to_people() -> None:
    OUTPUT.json = OUTPUT.quiet = False


@needs_fork
@pytest.mark.timeout(1500)  # a minute on two idle cores
def test_a_run_broken_anywhere_leaves_the_books_of_a_faultless_one() -> None:
    """Every kind of write with every fault, killed at requests and commits: the first trials of make chaos."""
    figures = campaign(SAMPLE, seed=0, tell=lambda *_: None)
    assert [(one.place.id, one.problems) for one in figures.failed] == []
    assert len({one.place for one in figures.verdicts}) == SAMPLE
    assert {one.place.fault for one in figures.verdicts} == set(Fault)
    assert {one.place.kill for one in figures.verdicts} == set(Kill)
    assert {one.place.work for one in figures.verdicts} == set(Work)
    lanes = Counter(one.place.lanes for one in figures.verdicts)
    assert set(lanes) == set(LANES)
    assert min(lanes.values()) > SAMPLE // len(LANES) - 5
    assert not figures.too_many_missed
    sent = {kind for run in figures.faultless for kind in run.requests}
    assert {one.place.kind for one in figures.verdicts} == {*sent, COMMIT}
    assert sent >= {*WRITES, "$batch"}


def sabotaged(attempt: Callable[..., Verdict], *given: object) -> tuple[str, ...]:
    """What a trial with a broken client finds. Trials that no mistake can fail would show nothing."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(attempt, *given).result().problems


@needs_fork
def test_a_client_that_simply_repeats_is_found_out() -> None:
    problems = sabotaged(attempt_with_a_client_that_simply_repeats, "mark invoices", Fault.ANSWER_LOST)
    assert any(one.startswith("written 1 times too often: marked invoices") for one in problems)


@needs_fork
def test_a_client_that_takes_silence_for_success_is_found_out_in_the_books() -> None:
    problems = sabotaged(attempt_with_a_client_that_takes_silence_for_success, "invoice post", Fault.LOST)
    assert any(one.startswith("books: 1 missing: general ledger | Invoice") for one in problems)
    assert any(one.startswith("books: 1 missing: customer ledger") for one in problems)


@needs_fork
@pytest.mark.parametrize("lanes", [1, 4])
def test_a_client_that_does_not_look_is_found_out_in_the_books(lanes: int) -> None:
    problems = sabotaged(attempt_with_a_client_that_does_not_look, "journal post", Kill.SERVED, lanes)
    # Which of the two journals comes first is the lanes' choice; either is then posted twice.
    assert any(re.match(r"books: \d too many: general ledger \|", one) for one in problems)
    assert any(re.match(r"books: \d too many: customer ledger \|", one) for one in problems)
    assert any(re.match(r"written \d times too often: posted line ST-P", one) for one in problems)


@needs_fork
@pytest.mark.parametrize("name", ["sync.r3.half.next", "sync.r3.half.next.x4"])
def test_one_trial_is_repeated_by_its_name(name: str) -> None:
    result = CliRunner().invoke(app, ["selftest", "--trial", name, "--json"])
    told = json.loads(result.stdout)
    assert (result.exit_code, told["trials"], told["failed"]) == (ExitCode.OK, 1, 0)
    assert [(one["trial"], one["lanes"]) for one in told["verdicts"]] == [(name, 4 if name.endswith("x4") else 1)]


def test_a_batch_is_broken_as_what_it_writes_and_one_of_reads_as_a_batch() -> None:
    def batch(*inner: tuple[str, str]) -> bytes:
        operations = [{"method": method, "url": f"companies(1)/{url}"} for method, url in inner]
        return json.dumps({"requests": operations}).encode()

    address = "https://books.example/api/v2.0/$batch"
    assert kind_of("POST", address, batch(("POST", "salesInvoices"), ("POST", "salesInvoices"))) == "invoice create"
    assert kind_of("POST", address, batch(("POST", "journals(1)/Microsoft.NAV.post"))) == "journal post"
    assert kind_of("POST", address, batch(("GET", "salesInvoices"))) == "$batch"


def test_a_failed_trial_ends_with_1_and_names_the_command_that_repeats_it(monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place("invoice create", 3, Fault.ANSWER_LOST, Kill.NEXT)
    verdicts = [Verdict(place, True, ("written 1 times too often: made salesInvoices ST-9020",), 3, 1.0, 0.5)]
    monkeypatch.setattr(campaigns, "campaign", lambda *_, **__: Figures(FAULTLESS, 100, verdicts, 2.0))
    result = CliRunner().invoke(app, ["selftest"])
    assert result.exit_code == ExitCode.BUG
    assert "written 1 times too often: made salesInvoices ST-9020" in result.stdout
    assert "stsync selftest --trial sync.r3.mute.next" in result.stdout
    assert "0 ended with the books of a faultless run, 1 did not." in result.stdout


def test_after_ctrl_c_no_trial_is_begun_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[Place] = []

    def attempt(place: Place, _: Faultless) -> Verdict:
        begun.append(place)
        time.sleep(0.01)
        return Verdict(place, True, (), 1, 0.01, 0.01)

    def ctrl_c(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(campaigns, "_pool", ThreadPoolExecutor)
    monkeypatch.setattr(campaigns, "_faultless", lambda work: replace(FAULTLESS[0], work=work))
    monkeypatch.setattr(campaigns, "_attempt", attempt)
    with pytest.raises(KeyboardInterrupt):
        campaign(SAMPLE, workers=1, tell=ctrl_c)
    assert 1 <= len(begun) < 20


def test_a_run_that_never_came_to_its_place_is_no_trial_and_another_takes_its_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One in forty is borne; one in two means that the places are numbered for another run, and fails."""
    figures = with_misses(monkeypatch, every=40)
    assert (len(figures.verdicts), len(figures.missed), figures.too_many_missed) == (SAMPLE, 5, False)
    assert len({one.place for one in (*figures.verdicts, *figures.missed)}) == SAMPLE + 5
    figures = with_misses(monkeypatch, every=2)
    assert (len(figures.verdicts), figures.failed, figures.too_many_missed) == (SAMPLE, [], True)
    monkeypatch.setattr(campaigns, "campaign", lambda *_, **__: figures)
    result = CliRunner().invoke(app, ["selftest"])
    assert result.exit_code == ExitCode.BUG
    assert "more never came to their place" in result.stdout


def with_misses(monkeypatch: pytest.MonkeyPatch, *, every: int) -> Figures:
    """A campaign in which one run in so many never comes to its place."""
    asked = count(1)
    monkeypatch.setattr(campaigns, "_pool", ThreadPoolExecutor)
    monkeypatch.setattr(campaigns, "_faultless", lambda work: replace(FAULTLESS[0], work=work))
    monkeypatch.setattr(
        campaigns, "_attempt", lambda place, _: Verdict(place, next(asked) % every > 0, (), 1, 0.01, 0.01)
    )
    return campaign(SAMPLE, workers=1, tell=lambda *_: None)


@needs_fork
def test_ctrl_c_is_left_to_the_one_who_asked() -> None:
    """The terminal sends it to all: a worker would report its trial as done, with a traceback, and take the next."""
    with campaigns._pool(1) as pool:
        assert pool.submit(signal.getsignal, signal.SIGINT).result() == signal.SIG_IGN


def test_every_place_has_a_name_of_its_own() -> None:
    everywhere = places(REQUESTS, 4, Work.SYNC, LANES)
    assert len({place.id for place in everywhere}) == len(everywhere)
    assert {place.number for place in everywhere if not place.at_commit} == set(range(1, 7))
    assert {place.number for place in everywhere if place.at_commit} == {1, 2, 3, 4}


def test_a_choice_is_spread_over_kinds_and_faults_and_is_the_same_every_time() -> None:
    everywhere = places(REQUESTS, 4, Work.SYNC, LANES)
    chosen = list(islice(spread(everywhere, seed=1), 60))
    assert chosen == list(islice(spread(everywhere, seed=1), 60))
    assert chosen != list(islice(spread(everywhere, seed=2), 60))
    kinds = Counter(place.kind for place in chosen)
    assert set(kinds) == {*REQUESTS, COMMIT}
    assert {place.fault for place in chosen} == set(Fault)
    assert max(kinds.values()) - min(kinds.values()) <= 3
    for kind in kinds:
        lanes = Counter(place.lanes for place in chosen if place.kind == kind)
        assert max(lanes.values()) - min(lanes[number] for number in LANES) <= 2
    assert sorted(spread(everywhere, seed=1), key=str) == sorted(everywhere, key=str)


def test_a_place_is_the_same_request_at_every_number_of_lanes() -> None:
    """The second invoice, wherever several lanes bring it."""
    second = {
        (place.lanes, place.kind, place.nth) for place in places(REQUESTS, 4, Work.SYNC, LANES) if place.number == 4
    }
    assert second == {(lanes, *one) for lanes in LANES for one in (("invoice create", 2), (COMMIT, 4))}


@needs_fork
def test_a_name_that_is_no_trial_is_refused() -> None:
    result = CliRunner().invoke(app, ["selftest", "--trial", "sync.r999.mute.next"])
    assert result.exit_code == ExitCode.USAGE
    assert "no-such-trial" in result.stderr
