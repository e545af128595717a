"""Days: closed periods and the first open one, the edges of a month and of go-live, and days that are missing."""

from __future__ import annotations

import json
import os
import time
from datetime import date
from typing import Any

import pytest
from kept_month import Month, carry_once, leave_pending, move_in, release
from office import Office, money
from typer.testing import CliRunner

from stsync.cli.app import app
from stsync.cli.console import OUTPUT
from stsync.state import State

OPENS = date(2026, 6, 15)
FIRST_OPEN_DAY = "posting_dates:\n  closed: first_open_day\n\ninvoices:\n"


# Not posted in ServiceTitan yet when the month of `late` is carried; each test posts what it is about.
LATE = ("edges_of_the_month", "adjustment_below_zero", "refund")


@pytest.fixture(scope="module")
def month_without(tmp_path_factory: pytest.TempPathFactory) -> Month:
    """A month that was carried while the documents of LATE, and two dozen plain invoices, were pending."""

    def prepare(office: Office) -> None:
        leave_pending(office, *LATE)
        for row in plain_invoices(office):
            row["syncStatus"] = "Pending"

    return carry_once(tmp_path_factory.mktemp("without"), prepare)


@pytest.fixture
def late(office: Office, month_without: Month) -> Office:
    """An office with that month in the books, and those documents to be posted."""
    return move_in(office, month_without)


def plain_invoices(office: Office) -> list[dict[str, Any]]:
    """Two dozen invoices above zero of the month's later days, whether they are posted or left pending."""
    edges = {row["id"] for row in rows_of(office, "edges_of_the_month")}
    return [
        row
        for row in office.world.tenant.invoices.values()
        if row["syncStatus"] in {"Posted", "Pending"} and row["active"] and money(row["total"]) > 0
        and not row["adjustmentToId"] and (row["invoiceDate"] or "")[:10] > "2026-06-10" and row["id"] not in edges
    ][:24]  # fmt: skip


def rows_of(office: Office, name: str, kind: str = "invoices") -> list[dict[str, Any]]:
    tables = office.world.tenant.tables[kind]
    return [tables[one] for said, one in office.world.demo.scenarios[name] if said == kind]


def said(office: Office, kind: str, row: dict[str, Any]) -> str:
    with State.open_scratch(office.state_file) as state:
        kept = state.inbox.find(kind, str(row["id"]))
        assert kept is not None
        assert kept.reason is not None, f"{kept.state} {kept.outcome}"
        return f"{kept.reason.message} {kept.reason.hint}"


def memo(office: Office, row: dict[str, Any]) -> Any:
    found = [one for one in office.world.company.credit_memos if one.external_document_number == f"ST-{row['id']}"]
    assert len(found) <= 1
    return found[0] if found else None


def texts(office: Office, document: Any) -> list[str]:
    """What the document says, line by line."""
    return [
        one.description for one in office.world.company.document_lines(document.kind).where("document_id", document.id)
    ]


def posting_days(office: Office, document: Any, kind: str = "Invoice") -> set[date]:
    return {one.posting_date for one in office.gl(document.number, kind)}


def dated(row: dict[str, Any], day: str) -> None:
    row["invoiceDate"] = row["dueDate"] = day


def test_documents_of_a_closed_period_are_held_by_default(office: Office) -> None:
    (plain,) = rows_of(office, "edges_of_the_month")[:1]
    _, credit = rows_of(office, "adjustment_below_zero")
    (refund,) = [one for one in rows_of(office, "refund", "payments") if money(one["total"]) < 0][:1]
    office.world.company.set_posting_window(date(2026, 7, 1), None)
    office.run()
    for kind, row in (("invoices", plain), ("invoices", credit), ("payments", refund)):
        assert office.standing(kind, row["id"]) == ("held", "posting-date-closed")
        assert "Business Central accepts posting dates 2026-07-01 to any" in said(office, kind, row)
        assert "posting_dates.closed: first_open_day" in said(office, kind, row)
    company = office.world.company
    assert all(one.posting_date >= date(2026, 7, 1) for one in (*company.gl_entries, *company.invoices))


def test_an_invoice_of_a_closed_period_moves_to_the_first_open_day_and_keeps_its_own_dates(office: Office) -> None:
    first, _ = rows_of(office, "edges_of_the_month")
    dated(first, "2026-06-01T00:00:00Z")
    first["dueDate"] = "2026-07-11T00:00:00Z"
    office.world.company.set_posting_window(OPENS, date(2026, 6, 30))
    office.edit_config("invoices:\n", FIRST_OPEN_DAY)
    office.run("invoices", only=str(first["id"]))
    document = office.invoice(first["id"])
    assert posting_days(office, document) == {OPENS}
    assert (document.posting_date, document.document_date) == (OPENS, date(2026, 6, 1))
    assert document.due_date == date(2026, 7, 11)
    remark = "ServiceTitan date 2026-06-01, posted on the first open day 2026-06-15"
    assert remark in texts(office, document)
    (entry,) = [one for one in office.world.company.customer_ledger if one.document_id == document.id]
    assert entry.amount == money(first["total"])
    assert (entry.posting_date, entry.due_date) == (OPENS, date(2026, 7, 11))
    requests = len(office.writes())
    office.run("invoices", only=str(first["id"]))
    assert len(office.writes()) == requests


def test_a_credit_of_a_closed_period_moves_and_keeps_its_document_date(late: Office) -> None:
    original, credit = rows_of(late, "adjustment_below_zero")
    release(late, "invoices", original, credit)
    late.world.company.set_posting_window(date(2026, 6, 29), date(2026, 6, 30))
    late.edit_config("invoices:\n", FIRST_OPEN_DAY)
    late.run("invoices")
    document = memo(late, credit)
    assert document.posted
    assert posting_days(late, document, "Credit Memo") == {date(2026, 6, 29)}
    own = date.fromisoformat(credit["invoiceDate"][:10])
    assert document.document_date == own < date(2026, 6, 29)
    assert any(f"ServiceTitan date {own}" in one for one in texts(late, document))
    owed = late.invoice(original["id"])
    ledger = {one.document_id: one for one in late.world.company.customer_ledger}
    assert ledger[owed.id].remaining == money(original["total"]) + money(credit["total"])


def test_a_refund_of_a_closed_period_moves_to_the_first_open_day_and_says_so(late: Office) -> None:
    (refund,) = [one for one in rows_of(late, "refund", "payments") if money(one["total"]) < 0][:1]
    release(late, "invoices", *rows_of(late, "refund"))
    release(late, "payments", *rows_of(late, "refund", "payments"))
    late.world.company.set_posting_window(date(2026, 6, 29), date(2026, 6, 30))
    late.edit_config("invoices:\n", FIRST_OPEN_DAY)
    late.run()
    entries = [one for one in late.world.company.gl_entries if one.document_number == f"ST-P{refund['id']}"]
    assert sum(one.amount for one in entries) == 0
    assert {one.posting_date for one in entries} == {date(2026, 6, 29)}
    assert all(refund["date"][:10] in one.description for one in entries)


@pytest.mark.parametrize("policy", ["hold", "first_open_day"])
def test_a_date_after_the_last_open_day_is_always_held(late: Office, policy: str) -> None:
    first, last = rows_of(late, "edges_of_the_month")
    release(late, "invoices", first, last)
    late.world.company.set_posting_window(date(2026, 6, 1), date(2026, 6, 29))
    late.edit_config("invoices:\n", FIRST_OPEN_DAY.replace("first_open_day", policy))
    late.run("invoices")
    assert late.invoice(first["id"]).posting_date == date(2026, 6, 1)
    assert late.standing("invoices", last["id"]) == ("held", "posting-date-closed")
    assert late.invoice(last["id"]) is None


@pytest.fixture(params=["America/Los_Angeles", "Pacific/Auckland"])
def machine_zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The machine's own time zone, behind and ahead of UTC."""
    before = os.environ.get("TZ")
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    assert time.timezone != 0
    yield request.param
    if before is None:
        monkeypatch.delenv("TZ")
    else:
        monkeypatch.setenv("TZ", before)
    time.tzset()


def test_no_time_zone_shifts_a_date(machine_zone: str, late: Office) -> None:
    spellings = [
        ("2026-06-01T00:00:00Z", date(2026, 6, 1)),
        ("2026-06-30T00:00:00Z", date(2026, 6, 30)),
        ("2026-06-30T00:00:00", date(2026, 6, 30)),
        ("2026-06-01T00:00:00.0000000Z", date(2026, 6, 1)),
        ("2026-06-30T00:00:00.5", date(2026, 6, 30)),
        ("2026-06-30", date(2026, 6, 30)),
    ]
    plain = plain_invoices(late)
    assert len(plain) == 24
    tried = dict(zip((row["id"] for row in plain), spellings * 4, strict=True))
    for row in plain:
        dated(row, tried[row["id"]][0])
    release(late, "invoices", *plain)
    late.run("invoices")
    posted = [(one, want) for one, (_, want) in tried.items() if late.standing("invoices", one)[1] == "posted"]
    assert len({tried[one][0] for one, _ in posted}) == len(spellings)
    for one, want in posted:
        document = late.invoice(one)
        assert (document.posting_date, document.document_date, document.due_date) == (want, want, want), tried[one]
        assert posting_days(late, document) == {want}


def test_days_that_are_missing(posted: Office) -> None:
    (undated,) = rows_of(posted, "invoice_date_missing")
    (no_due,) = rows_of(posted, "due_date_missing")
    (far,) = rows_of(posted, "due_next_year")
    assert posted.standing("invoices", undated["id"]) == ("held", "invoice-without-date")
    assert posted.invoice(undated["id"]) is None
    assert "Set the date of the invoice in ServiceTitan" in said(posted, "invoices", undated)
    document = posted.invoice(no_due["id"])
    assert document.posted
    assert document.due_date == date(2026, 6, 9), "without a due date and terms it is due at once"
    assert posted.invoice(far["id"]).due_date == date(2027, 1, 15)


def test_the_day_of_go_live_itself_is_carried_and_the_day_before_is_not(office: Office) -> None:
    first, last = rows_of(office, "edges_of_the_month")
    text = office.config.read_text(encoding="utf-8")
    go_live = next(line for line in text.splitlines() if line.startswith("go_live: ")).partition(": ")[2]
    office.edit_config(f"go_live: {go_live}", "go_live: 2026-06-15")
    dated(first, "2026-06-14T00:00:00Z")
    dated(last, "2026-06-15T00:00:00Z")
    office.run("invoices")
    assert office.standing("invoices", first["id"]) == ("settled", "before_go_live")
    assert office.invoice(first["id"]) is None
    assert office.invoice(last["id"]).posting_date == date(2026, 6, 15)


def test_a_period_that_closes_between_draft_and_posting_holds_the_draft_and_nothing_is_posted(office: Office) -> None:
    first, _ = rows_of(office, "edges_of_the_month")
    office.edit_config("invoices:\n", "invoices:\n  post: no\n")
    office.run("invoices", only=str(first["id"]))
    assert office.standing("invoices", first["id"]) == ("settled", "draft")
    draft = office.invoice(first["id"])
    office.world.company.set_posting_window(OPENS, date(2026, 6, 30))
    office.edit_config("  post: no\n", "  post: yes\n")
    office.run("invoices", only=str(first["id"]))
    assert office.standing("invoices", first["id"]) == ("held", "posting-date-closed")
    assert not office.invoice(first["id"]).posted
    office.edit_config("invoices:\n", FIRST_OPEN_DAY)
    office.run("invoices", only=str(first["id"]))
    document = office.invoice(first["id"])
    assert document.posted
    assert document.id != draft.id, "the draft of the closed day was replaced"
    assert (document.posting_date, document.document_date) == (OPENS, date(2026, 6, 1))


def test_a_narrower_range_of_our_own_user_shows_as_business_centrals_refusal(late: Office) -> None:
    first, last = rows_of(late, "edges_of_the_month")
    company = late.world.company
    company.settings.user_posting_windows[late.world.secrets["STSYNC_BC_CLIENT_ID"]] = (OPENS, date(2026, 6, 30))
    release(late, "invoices", first, last)
    late.run("invoices")
    assert not late.invoice(first["id"]).posted
    state, reference = late.standing("invoices", first["id"])
    assert state == "held"
    assert "posting date" in said(late, "invoices", first).lower(), reference
    assert late.invoice(last["id"]).posted


def _reconciled(office: Office, month: str) -> Any:
    OUTPUT.json = OUTPUT.quiet = False
    done = CliRunner().invoke(app, ["reconcile", "--month", month, "--json", "--config", str(office.config)])
    OUTPUT.json = OUTPUT.quiet = False
    return json.loads(done.output)


def test_reconcile_names_what_was_posted_in_another_month_and_is_exact(office: Office) -> None:
    first, _ = rows_of(office, "edges_of_the_month")
    office.world.company.set_posting_window(date(2026, 7, 1), date(2026, 7, 31))
    office.edit_config("invoices:\n", FIRST_OPEN_DAY)
    office.run()
    assert posting_days(office, office.invoice(first["id"])) == {date(2026, 7, 1)}
    for month in ("2026-06", "2026-07"):
        told = _reconciled(office, month)
        assert told["exact"], told["findings"]
        (row,) = told["sections"]["receivables"]["rows"]
        redated = [one for one in row["explanations"] if one["reason"] == "re_dated"]
        assert str(first["id"]) in {each["source_id"] for one in redated for each in one["records"]}
