"""The facts leave some points open. Where a server reads them otherwise, the same month has to end in the same books."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import other_readings as other
import pytest
from kept_month import Month
from office import Office
from test_engine_faults import books

from stsync.errors import CredentialsError, SystemUnavailable
from stsync.http.outcomes import Refused
from stsync.http.throttle import Throttle
from stsync.sandbox.keeping import kept, restored
from stsync.sandbox.world import World
from stsync.sandbox.wsgi import Response

INVOICES = 119


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    # Line by line there are a thousand requests, and the pace that real servers ask for is tested elsewhere.
    monkeypatch.setattr(Throttle, "_reserve", lambda *_: 0.0)


@pytest.fixture(scope="module")
def usual(month_kept: Month, tmp_path_factory: pytest.TempPathFactory) -> Counter[tuple[Any, ...]]:
    """The books after the same month with the simulators as they are."""
    return books(restored(kept(month_kept[0]), tmp_path_factory.mktemp("usual"), port_base=0))


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    with World(invoices=INVOICES, folder=tmp_path) as world:
        yield Office(world, world.write_config(tmp_path / "books" / "config.yaml"), monkeypatch)


def quiet(office: Office) -> None:
    """A second run sends nothing."""
    before = len(office.writes())
    office.run()
    assert len(office.writes()) == before


def test_a_server_with_other_spellings_ends_in_the_same_books(office: Office, usual: Counter[tuple[Any, ...]]) -> None:
    spellings = (other.plain_option, other.dates_with_time, other.decimals_as_text, other.without_etags)
    other.exchange(office.world, books=tuple(other.rewritten(one) for one in spellings))
    office.run()
    assert books(office.world) == usual
    quiet(office)


def test_a_server_that_expands_nothing_and_shows_no_totals_in_lists_ends_in_the_same_books(
    office: Office, usual: Counter[tuple[Any, ...]]
) -> None:
    refused = other.answering(other.expands, lambda: other.refusal(400, "BadRequest", "Cannot expand."))
    reversed_lines = other.sending(lambda body: {**body, "salesInvoiceLines": body["salesInvoiceLines"][::-1]})
    other.exchange(office.world, books=(refused, other.draft_lists_without_totals, reversed_lines))
    office.run()
    assert books(office.world) == usual
    quiet(office)


def test_a_server_that_ignores_nested_lines_and_expanding_ends_in_the_same_books(
    office: Office, usual: Counter[tuple[Any, ...]]
) -> None:
    below = {"salesInvoiceLines", "dimensionSetLines", "customerPayments", "dimensionValues"}
    unexpanded = other.rewritten(lambda row: {name: value for name, value in row.items() if name not in below})
    headers_only = other.sending(lambda body: {**body, "salesInvoiceLines": []})
    other.exchange(office.world, books=(headers_only, unexpanded))
    office.run()
    assert books(office.world) == usual
    quiet(office)


def test_a_server_that_refuses_nested_lines_and_answers_without_content_ends_in_the_same_books(
    office: Office, usual: Counter[tuple[Any, ...]]
) -> None:
    nested = other.answering(
        lambda request: request.method == "POST" and b"salesInvoiceLines" in request.body,
        lambda: other.refusal(400, "BadRequest", "Invalid Request Body"),
    )
    other.exchange(office.world, books=(other.without_content, nested))
    office.run()
    assert books(office.world) == usual
    quiet(office)


def test_a_servicetitan_with_other_spellings_ends_in_the_same_books(
    office: Office, usual: Counter[tuple[Any, ...]]
) -> None:
    spellings = (
        other.money_as_numbers,
        other.zone_by_number,
        other.ids_as_text,
        other.without_nulls,
        other.silent_at_the_end,
    )
    refuses_recent = other.answering(
        lambda request: "includeRecentChanges" in request.query,
        lambda: Response(
            400, {"type": "", "title": "Unknown", "status": 400, "traceId": "t", "errors": {}, "data": {}}
        ),
    )
    other.exchange(office.world, titan=(*(other.rewritten(one) for one in spellings), refuses_recent))
    office.run()
    assert books(office.world) == usual
    quiet(office)


@pytest.mark.parametrize(
    "answer",
    [other.refusal(403, "Internal_ServerError", "No."), other.refusal(404, "BadRequest_NotFound", "No.")],
    ids=["forbidden", "unknown"],
)
def test_without_the_ledger_setup_a_closed_period_shows_when_posting_is_refused(
    office: Office, answer: Response
) -> None:
    other.exchange(
        office.world,
        books=(other.answering(lambda request: "generalLedgerSetup" in request.path, lambda: answer),),
    )
    office.run("customers", "invoices")
    held = {office.standing("invoices", row["id"]) for row in office.world.tenant.invoices.values()}
    assert ("held", "posting-date-closed") in held
    assert sum(invoice.posted for invoice in office.world.company.invoices) > 80


def test_missing_rights_end_the_run_as_such_whatever_their_status(office: Office) -> None:
    words = "Sorry, the current permissions prevented the action. (TableData 15 G/L Account Read: Base Application)"
    for status in (400, 403):
        answer = other.refusal(status, "Internal_ServerError", words)
        other.exchange(
            office.world,
            books=(other.answering(lambda request: request.path.endswith("/accounts"), lambda a=answer: a),),
        )
        with pytest.raises(CredentialsError) as caught:
            office.run()
        assert caught.value.reference == "permission-missing"
        assert "G/L Account Read" in caught.value.note


def test_a_refused_question_that_every_run_asks_is_no_bug_of_ours(office: Office) -> None:
    answer = other.refusal(400, "BadRequest", "Something else.")
    other.exchange(
        office.world, books=(other.answering(lambda request: request.path.endswith("/accounts"), lambda: answer),)
    )
    with pytest.raises(Refused) as caught:
        office.run()
    assert caught.value.exit_code == SystemUnavailable.exit_code
    assert "Something else." in caught.value.note
