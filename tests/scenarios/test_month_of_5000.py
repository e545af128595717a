"""The demo month of 5,000 documents with every scenario in it: carried, and tied out to 0.00, also after later changes.

All in one test, because carrying the month takes most of the time; it runs for about a minute and a half.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from office import Office
from typer.testing import CliRunner

from stsync.cli.app import app
from stsync.cli.console import OUTPUT
from stsync.http import throttle
from stsync.http.throttle import Window
from stsync.sandbox.company.later import LATER
from stsync.sandbox.company.scenarios import SCENARIOS
from stsync.sandbox.tieout import tie_out
from stsync.sandbox.world import World

DOCUMENTS = 5_000
# What drift names of the changes in `later.py`: the documents whose content is another than the books were told, and
# those that changed without a difference in the books.
DRIFTED = {
    "invoice_edited",
    "tax_corrected",
    "invoice_voided",
    "business_unit_changed",
    "payment_voided",
    "payment_reapplied",
    "payment_amount_changed",
    "credit_memo_voided",
}
FOR_INFORMATION = {"invoice_renumbered", "deposit_applied", "deposit_moved_from_estimate"}
NEW_DOCUMENTS = {"check_bounced", "invoice_adjusted"}


@pytest.fixture
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Both systems with the whole month, the books' history, and the configuration that such books want."""
    folder = tmp_path_factory.mktemp("month")
    with pytest.MonkeyPatch.context() as monkeypatch, World(documents=DOCUMENTS, history=True, folder=folder) as world:
        config = world.write_config(folder / "books" / "config.yaml", extended=True)
        # Carrying it takes more than the 6,000 requests that Business Central allows a user in five minutes (facts section
        # 11): five minutes of waiting, in which nothing would be tried. Here its window lasts a second.
        monkeypatch.setattr(throttle, "Window", lambda requests, _seconds: Window(requests, 1.0))
        world.environment.switches.rate_window_seconds = 1.0
        # Credit memos are asked for every quarter of an hour at most; the changes below come faster.
        monkeypatch.setattr("stsync.engine.credit_memos.EVERY", timedelta(0))
        yield Office(world, config, monkeypatch)


def answer(office: Office, *words: str) -> dict[str, Any]:
    """What a command says as JSON."""
    OUTPUT.json = OUTPUT.quiet = False
    done = CliRunner().invoke(app, [*words, "--json", "--config", str(office.config)])
    OUTPUT.json = OUTPUT.quiet = False
    said: dict[str, Any] = json.loads(done.stdout)
    assert "error" not in said, said
    return said


def is_exact(office: Office) -> dict[str, Any]:
    """The tie-out of June, every row of every section without a rest, and every difference with its documents."""
    said = answer(office, "reconcile", "--month", "2026-06")
    rows = [row for section in said["sections"].values() for row in section["rows"]]
    assert len(said["sections"]) == 8
    assert {Decimal(str(row["unexplained"])) for row in rows} == {Decimal(0)}
    assert said["exact"] is True
    assert said["findings"] == []
    assert said["unreadable"] == []
    for row in rows:
        assert row["only_in_business_central_documents"] == []
        assert all(one["records"] for one in row["explanations"])
    return said


def changed_after_posting(said: dict[str, Any]) -> set[tuple[str, str]]:
    """The documents that the tie-out names as changed after posting."""
    return {
        (record["kind"], record["source_id"])
        for section in said["sections"].values()
        for row in section["rows"]
        for one in row["explanations"]
        if one["reason"] == "changed_after_posting"
        for record in one["records"]
    }


@pytest.mark.timeout(900)
def test_a_month_of_5000_documents_ties_out_to_the_cent(month: Office) -> None:
    world, demo = month.world, month.world.demo
    assert set(demo.scenarios) == set(SCENARIOS)
    assert all(demo.scenarios.values())
    assert len(demo.invoices) + len(demo.payments) + len(demo.credit_memos) >= DOCUMENTS

    month.run()
    world.sandbox.log.clear()
    month.run()
    assert month.writes() == [], "a run with nothing new wrote something"
    is_exact(month)
    assert tie_out(world).exact
    assert answer(month, "drift")["drifted"] == []

    # The books are open for July by now: ServiceTitan dates what happens today.
    world.company.set_posting_window(date(2026, 6, 1), date(2026, 7, 31))
    touched = {name: change(demo, world.tenant) for name, change in LATER.items()}
    world.advance(timedelta(minutes=20))
    month.run()
    told = answer(month, "drift")
    assert {one["source_id"] for one in told["drifted"]} == {first(touched[name]) for name in DRIFTED}
    assert {one["source_id"] for one in told["for_information"]} == {first(touched[name]) for name in FOR_INFORMATION}
    assert [one["source_id"] for one in told["merged_customers"]] == [first(touched["customers_merged"])]
    for name in NEW_DOCUMENTS:
        assert month.standing(*touched[name][0])[0] == "settled", name
    named = {source_id for _, source_id in changed_after_posting(is_exact(month))}
    assert named == {first(touched[name]) for name in DRIFTED - {"payment_reapplied"}}


def first(refs: list[tuple[str, int]]) -> str:
    """The id of the first document that a change touched."""
    return str(refs[0][1])
